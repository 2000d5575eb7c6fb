"""The proxy that asks by janssonrpcc, TCP and netstrings, gives the same verdicts."""

import concurrent.futures

import pytest

from attacks import KINDS, Attack, run
from harness import Bench, wait_until
from phone import Phone
from test_odd_messages import ODD, TAG

ATTACKS = [Attack(tool, method, face, "start") for face in ("default", "compact") for tool, method in KINDS]
JANSSONRPCC = {"configuration": "kamailio-janssonrpcc.cfg", "tcp": True}


@pytest.fixture(scope="module")
def outcomes(capture):
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        yield {attack: pool.submit(run, attack, capture, **JANSSONRPCC) for attack in ATTACKS}


@pytest.mark.parametrize("attack", ATTACKS, ids=map(str, ATTACKS))
def test_attack_is_over_after_three_messages(attack, outcomes):
    outcome = outcomes[attack].result(timeout=900)
    assert outcome.treated == 0
    assert len(outcome.requests) <= 3
    assert (outcome.answers_after == 0) if attack.tool == "svmap" else (1 <= outcome.answers_after <= 3)


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_the_scanner_is_recognised_all_the_same(raw):
    with Bench({}, leak=False, **JANSSONRPCC) as bench:
        healthy = Phone(bench.proxy, "3000", "secret", address="127.0.0.5")
        assert healthy.register()[0] == 404
        for attempt in range(5):
            # a verdict that comes too late passes, and here nothing counts it; a new branch is a new transaction
            phone = Phone(bench.proxy, "105", "secret")
            phone.send(raw.replace(b"z9hG4bK-378698685", b"z9hG4bK-37869868%d" % attempt))
            answer = phone.receive()
            phone.close()
            if answer is None or not answer.startswith(b"SIP/2.0 404 "):
                break
        assert answer is not None and answer.startswith(b"SIP/2.0 200 "), (answer, bench.proxy.process.text())
        assert TAG not in answer.split(b"From:")[1].split(b"\r\n")[0]
        assert healthy.register()[0] == 404
        healthy.close()


def test_a_daemon_that_is_down_passes():
    with Bench({}, leak=False, daemon=False, **JANSSONRPCC) as bench:
        phone = Phone(bench.proxy, "3000", "secret")
        assert [phone.register()[0] for _ in range(20)] == [404] * 20
        bench.daemon.start()
        wait_until(lambda: "Connected to host" in bench.proxy.process.text(), 30, "Kamailio connects again")
        assert phone.register()[0] == 404
        phone.close()
