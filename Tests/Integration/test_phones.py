"""An office of 200 phones behind one address is never refused, whatever goes on beside it."""

import threading

from attacks import FACES, KINDS, Attack
from harness import OFFICE, Bench, Process, free_port
from office import Office, accounts, refused

PHONES = 200
MISTYPED = 20
CALLS = 40


def test_no_request_of_an_office_is_refused_while_attacks_run(capture):
    phones = accounts(PHONES)
    port = capture.watch(free_port())
    with Bench(phones | {"110": "190"}, port=port) as bench:
        over = threading.Event()
        attackers = threading.Thread(target=attack_until, args=(over, bench))
        attackers.start()
        office = Office(bench.folder, bench.proxy, phones)
        answering = office.answer()
        try:
            # after a power cut: all at once
            assert office.start("register", PHONES, 2000).wait(120) == 0
            # meanwhile in the same second: the next refresh, and people who mistype
            runs = [office.start("register", PHONES, 100), office.start("mistype", MISTYPED, 10)]
            assert [run.wait(120) for run in runs] == [0, 0]
            runs = [office.start("call", CALLS, 20), office.start("register", PHONES, 100)]
            assert [run.wait(120) for run in runs] == [0, 0]
        finally:
            over.set()
            answering.stop(1)
            attackers.join()
        requests = capture.requests(port, OFFICE)
        bad, statuses = refused(requests, capture.answers(port, OFFICE))
        assert bad == [], [r.payload[:200] for r in bad[:3]]
        assert set(statuses) <= {100, 180, 200, 401, 407}, statuses
        # each registration is challenged once, each mistyped one twice; sipp's retransmissions may repeat an answer
        again = len(requests) - len({(r.key, r.method) for r in requests})
        assert 3 * PHONES + 2 * MISTYPED <= statuses[401] <= 3 * PHONES + 2 * MISTYPED + again
        assert CALLS <= statuses[407] <= CALLS + again
        stranger = capture.answers(port, "127.0.0.1")
        assert 0 < len(stranger) <= 10 + bench.proxy.unasked()
        assert bench.proxy.count("ok200") + bench.proxy.count("drop") > 0


def attack_until(over, bench):
    """Every tool in turn, from one address, against the same proxy."""
    kinds = [Attack(*kind, face, "start") for face in FACES for kind in KINDS]
    while not over.is_set():
        kind = kinds.pop(0)
        kinds.append(kind)
        tool = Process(kind.command(bench.proxy.port, free_port()), bench.folder, f"attack-{kind}")
        while tool.running() and not over.wait(0.1):
            pass
        tool.stop(1)
