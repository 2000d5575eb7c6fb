"""Real tools against a real Asterisk that is watched over its events and answers by itself."""

import json
import re
import threading

import pytest

from asterisk import AsteriskBench, Caller
from busyness import Busyness
from harness import OFFICE, Process, free_port, wait_until
from office import Office, accounts, refused
from phone import Phone

PHONES = 200
# A real account, whose password lies in the range that is tried, and far.
ACCOUNT, PASSWORD = "1001", "8734"
PHONE = "127.0.0.3"
MOST = 15                                        # REGISTERs of svcrack from the first to the last


@pytest.fixture
def bench():
    with AsteriskBench(accounts(PHONES) | {ACCOUNT: PASSWORD}, feed=True, honeypot=True) as bench:
        yield bench


def attack(bench, capture, tool, *arguments, seconds=90):
    """The tool's output, and what it sent."""
    port = bench.asterisk.port
    seen = len(capture.requests(port, "127.0.0.1"))
    process = Process([f"/usr/bin/{tool}", "-p", port, "-P", free_port(), *arguments], bench.folder, f"{tool}-{seen}")
    try:
        status = process.wait(seconds)
    finally:
        process.stop(1)
    assert status is not None, f"{tool} goes on"
    return process.text(), capture.requests(port, "127.0.0.1")[seen:]


def found(output):
    return [(a, b) for a, b in re.findall(r"^\| (\S+)\s+\| (.+?)\s+\|$", output, re.M) if a not in ("Extension", "SIP")]


def crack(bench, capture, user=ACCOUNT, **options):
    return attack(bench, capture, "svcrack", "-u", user, "-r", "1000-9999", "127.0.0.1", **options)


def stopped_crack(bench, capture):
    """The output of a svcrack that was stopped after few REGISTERs. On a machine that is busy with something else the tool has
    sent more before anybody could say anything."""
    for _ in range(10):
        with Busyness() as busyness:
            output, sent = crack(bench, capture)
        count = sum(request.method == "REGISTER" for request in sent)
        if count <= MOST:
            return output
        assert busyness.is_busy, f"{count} REGISTERs"
        bench.daemon.control("forget", "127.0.0.1")
        wait_until(lambda: answered_by_honeypot(bench) == [], 20, "the source is forgotten")
    raise AssertionError("the machine is too busy")


def answered_by_honeypot(bench):
    """Addresses that Asterisk takes for the honeypot's."""
    return re.findall(r"Match: (127\.0\.0\.1)(?:/32)?\s", bench.asterisk.command("pjsip", "show", "identifies"))


class RealPhone(threading.Thread):
    """The account's owner, who registers and calls all the while."""

    def __init__(self, asterisk):
        super().__init__(daemon=True)
        self.phone = Phone(asterisk, ACCOUNT, PASSWORD, PHONE)
        self.caller = Caller(asterisk, ACCOUNT, PASSWORD, PHONE)
        self.registered, self.called, self.over = [], [], threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            self.registered.append(self.phone.register()[0])
            self.called.append(self.caller.call("600").status)

    def __enter__(self):
        self.start()
        wait_until(lambda: len(self.called) >= 2, 30, "the phone calls")
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        self.phone.close()
        self.caller.close()


def test_svcrack_against_a_real_account_ends_with_a_false_password(bench, capture):
    capture.watch(bench.asterisk.port)
    with RealPhone(bench.asterisk) as real:
        output = stopped_crack(bench, capture)
        rows = found(output)
        after = len(real.called)
        wait_until(lambda: len(real.called) > after + 5, 30, "the phone goes on")
    assert len(rows) == 1 and rows[0][0] == ACCOUNT and rows[0][1] != PASSWORD, output
    assert set(real.registered[1:]) <= {200, 401} and real.registered.count(200) >= 5
    assert set(real.called) == {200}
    contacts = bench.asterisk.command("pjsip", "show", "contacts")
    assert re.search(rf"{ACCOUNT}/sip:{ACCOUNT}@{PHONE}", contacts), contacts
    assert not re.search(rf"\s{ACCOUNT}/sip:123@", contacts), contacts


def test_an_office_registers_meanwhile_without_one_refusal(bench, capture):
    port = capture.watch(bench.asterisk.port)
    office = Office(bench.folder, bench.asterisk, accounts(PHONES))
    over = threading.Event()

    def attack_until_over():
        while not over.is_set():
            crack(bench, capture)
            attack(bench, capture, "svwar", "-e", "100-400", "--force", "127.0.0.1")
            bench.daemon.control("forget", "127.0.0.1")
    attackers = threading.Thread(target=attack_until_over)
    attackers.start()
    wait_until(lambda: "answers a source with 200" in bench.daemon.process.text(), 60, "the attack is answered")
    try:
        assert office.start("register", PHONES, 2000).wait(120) == 0
        assert office.start("register", PHONES, 100).wait(120) == 0
        assert office.start("register", PHONES, 100).wait(120) == 0
    finally:
        over.set()
        attackers.join()
    bad, statuses = refused(capture.requests(port, OFFICE), capture.answers(port, OFFICE))
    assert bad == [], [r.payload[:200] for r in bad[:3]]
    assert set(statuses) == {200, 401}


def test_svwar_finds_nobody(bench, capture):
    capture.watch(bench.asterisk.port)
    output, sent = attack(bench, capture, "svwar", "-e", "900-1100", "--force", "127.0.0.1")
    assert [row for row in found(output) if row[0] == ACCOUNT] == [], output
    output, sent = attack(bench, capture, "svwar", "-e", "900-1100", "127.0.0.1")
    assert found(output) == [] and len(sent) <= 3


def test_a_source_leaves_the_honeypot_when_it_is_forgotten(bench, capture):
    capture.watch(bench.asterisk.port)
    crack(bench, capture)
    stranger = Phone(bench.asterisk, ACCOUNT, "wrong", "127.0.0.1")
    assert stranger.register()[0] != 401, "treated"
    bench.daemon.control("forget", "127.0.0.1")
    wait_until(lambda: stranger.register()[0] == 401, 20, "asked for its password again")
    stranger.close()


def test_an_asterisk_that_restarts_is_protected_again(bench, capture):
    capture.watch(bench.asterisk.port)
    crack(bench, capture)
    bench.asterisk.stop()
    assert bench.daemon.process.running()
    bench.asterisk.start()
    wait_until(lambda: "events again" in bench.daemon.process.text(), 60, "the feed is back")
    stranger = Phone(bench.asterisk, ACCOUNT, "wrong", "127.0.0.1")
    wait_until(lambda: stranger.register()[0] == 200, 30, "the honeypot is back")
    stranger.close()
    wait_until(lambda: answered_by_honeypot(bench) == ["127.0.0.1"], 20, "and complete")
    bench.daemon.control("forget", "127.0.0.1")
    wait_until(lambda: answered_by_honeypot(bench) == [], 20, "nobody is left")
    assert len(found(stopped_crack(bench, capture))) == 1


def test_svmap_learns_no_more_than_one_answer_tells(bench, capture):
    # OPTIONS reaches no dialplan: Asterisk itself asks for a password, and the feed counts a user that does not exist.
    port = capture.watch(bench.asterisk.port)
    output, sent = attack(bench, capture, "svmap", "127.0.0.1")
    answers = capture.answers(port, "127.0.0.1")
    assert [request.method for request in sent] == ["OPTIONS"]
    assert [answer.status for answer in answers] == [401]
    assert len(found(output)) == 1 and "Asterisk PBX" in output
    wait_until(lambda: json.loads(bench.daemon.control("--json", "stats"))["reports"]["unknown_user"] == 1, 20, "it is counted")


def test_without_the_daemon_the_password_is_found(capture):
    # Without this the tests above would prove nothing.
    with AsteriskBench({ACCOUNT: "1200"}, daemon=False) as bench:
        capture.watch(bench.asterisk.port)
        output, sent = crack(bench, capture)
        assert found(output) == [(ACCOUNT, "1200")]
        assert len(sent) > 200
