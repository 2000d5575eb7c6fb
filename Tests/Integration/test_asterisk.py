"""The real Asterisk of the tests serves, restarts, and leaves nothing behind."""

import pathlib

import pytest

from asterisk import AsteriskBench, Caller
from harness import OFFICE, wait_until
from office import Office, accounts, refused
from phone import Phone
from test_playground import processes_of

ACCOUNTS = {"1001": "b8Hn2LrX"}
BUSY = 486                                       # the dialplan's answer to a call that went on
PHONES = 200


def test_asterisk_comes_and_goes():
    with AsteriskBench(ACCOUNTS, daemon=False) as bench:
        phone = Phone(bench.asterisk, "1001", ACCOUNTS["1001"])
        assert [phone.register()[0] for _ in range(3)] == [401, 200, 200]
        mistaken = Phone(bench.asterisk, "1001", "not this one")
        assert [mistaken.register()[0] for _ in range(2)] == [401, 401]
        bench.asterisk.stop()
        bench.asterisk.start()
        wait_until(lambda: phone.register()[0] == 200, 20, "the phone is back")
        assert processes_of(bench.folder)
    wait_until(lambda: processes_of(bench.folder) == [], 10, "no process is left")
    assert not pathlib.Path(bench.folder).exists()


@pytest.mark.parametrize("number,status", [("555", BUSY), ("600", 200), ("8555", BUSY)])
def test_calls_go_on_where_there_is_no_daemon(number, status):
    with AsteriskBench(ACCOUNTS, daemon=False) as bench:
        assert Caller(bench.asterisk).call(number).status == status
        assert Caller(bench.asterisk, "1001", ACCOUNTS["1001"], "127.0.0.3").call(number).status == status


def test_an_office_of_200_phones_registers_behind_one_address(capture):
    phones = accounts(PHONES)
    with AsteriskBench(phones, daemon=False) as bench:
        port = capture.watch(bench.asterisk.port)
        assert Office(bench.folder, bench.asterisk, phones).start("register", PHONES, 2000).wait(120) == 0
        bad, statuses = refused(capture.requests(port, OFFICE), capture.answers(port, OFFICE))
        assert bad == []
        assert set(statuses) == {200, 401}
