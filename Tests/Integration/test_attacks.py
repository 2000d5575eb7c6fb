"""A real attack on a real Kamailio stops after one answer.

Counted are the packets at the proxy's port on the loopback interface, each with its answers found by Via branch and
CSeq. A message is "treated" when it got the disarming 200 (a From tag that is not its own) or nothing.
"""

import concurrent.futures
import json
import os

import pytest

from attacks import ACCOUNTS, ACCOUNTS_MID, FACES, KINDS, Attack, run

ATTACKS = [Attack(*kind, face, phase) for phase in ("start", "mid") for face in FACES for kind in KINDS]
ATTACKS += [Attack(tool, method, "default", "control") for tool, method in KINDS]


@pytest.fixture(scope="module")
def outcomes(capture):
    """All attacks, a few at a time, each against a proxy and a daemon of its own."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        yield {attack: pool.submit(run, attack, capture) for attack in ATTACKS}


@pytest.fixture
def outcome(request, outcomes):
    result = outcomes[request.param].result(timeout=900)
    record(request.param, result)
    return result


def each(attacks):
    return pytest.mark.parametrize("attack,outcome", [(a, a) for a in attacks], ids=map(str, attacks), indirect=["outcome"])


@each([a for a in ATTACKS if a.phase == "start"])
def test_attack_is_over_after_three_messages(attack, outcome):
    assert outcome.treated == 0, "the very first message is recognised"
    assert len(outcome.requests) <= 3
    assert outcome.answers_after <= 10
    assert learned(attack, outcome) == []


@each([a for a in ATTACKS if a.phase == "mid" and a.tool != "svmap"])
def test_attack_in_mid_scan_is_over_three_messages_after_recognition(attack, outcome):
    assert outcome.treated is not None and outcome.treated >= 50, "the daemon joins in mid-scan"
    assert outcome.messages <= 3
    assert outcome.answers_after <= 10
    assert learned(attack, outcome) == []


@each([a for a in ATTACKS if a.phase == "mid" and a.tool == "svmap"])
def test_address_scan_in_mid_scan_meets_silence(attack, outcome):
    # svmap sends one datagram to each target whatever it is answered, so no answer can make it send less. What can be
    # asserted is silence: from the first message that was treated on not one target more is found. (The proxy's second
    # worker may hold one request that it did not ask about. On a busy machine verdicts may come too late; the proxy
    # counts these.)
    assert outcome.treated is not None and outcome.treated >= 50
    assert len(outcome.requests) > outcome.treated + 500, "it goes on over its range"
    assert outcome.answers_after <= 1 + outcome.unasked, outcome.counters
    assert len(learned(attack, outcome)) <= outcome.answers_after      # a row needs an answer


@each([a for a in ATTACKS if a.phase == "control"])
def test_the_same_attack_succeeds_where_nobody_is_asked(attack, outcome):
    # Without this the tests above would prove nothing.
    known = {"svmap": [("127.0.0.1:", "kamailio")], "svwar": [("105", "reqauth"), ("110", "reqauth"), ("115", "reqauth")],
             "svcrack": [("110", "190")]}[attack.tool]
    assert len(outcome.rows) == len(known), outcome.output
    for found, expected in zip(outcome.rows, known):
        assert found[0].startswith(expected[0]) and found[1].startswith(expected[1]) or attack.tool == "svmap"


def learned(attack, outcome):
    """True rows of the tool's own result that the proxy had not given away before the daemon was asked."""
    accounts = ACCOUNTS_MID if attack.phase == "mid" else ACCOUNTS
    if attack.tool == "svmap":
        return outcome.rows[outcome.treated:]
    if attack.tool == "svwar":
        return [row for row in outcome.rows if row[0] in accounts and row[0] not in outcome.leaked]
    return [row for row in outcome.rows if accounts.get(row[0]) == row[1]]


def record(attack, outcome):
    """One line a run for whoever wants the figures: SIPGUARD_FIGURES=FILE."""
    if path := os.environ.get("SIPGUARD_FIGURES"):
        with open(path, "a") as file:
            file.write(json.dumps({
                "attack": str(attack), "messages": outcome.messages, "before": outcome.treated,
                "answers": outcome.answers_after, "rows": outcome.rows[:6], "exit": outcome.exit,
                "counters": outcome.counters}) + "\n")
