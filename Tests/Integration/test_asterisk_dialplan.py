"""What a caller gets from a real Asterisk that asks about each call, in every state of the daemon."""

import contextlib
import json
import pathlib
import re
import signal
import socket
import threading
import time

import pytest

from asterisk import TRUNK, AsteriskBench, Caller
from harness import SIPGUARDD, wait_until

ACCOUNTS = {"1001": "b8Hn2LrX"}
BUSY = 486                                       # the dialplan's answer to a call that went on
TOO_LATE = 0.05                                  # s; the program's limit, of all the shortest
PROGRAM = pathlib.Path(SIPGUARDD).with_name("sipguard-agi")
FACES = {"t403": "reject, code: 403", "t603": "reject, code: 603", "t607": "reject, code: 607", "t480": "reject, code: 480",
         "t200": "ok200, variant: plain", "tdrop": "drop"}
POLICY = "\n".join([
    "version: 1", "extends: default", "own_addresses: []", "ban: { after: 1000000 }",
    'budget: { per_source: "1000 per 1s", total: "1000 per 1s" }', "signatures:",
    *(f"  - {{ name: ua-{name}, tool: {name}, purpose: fraud, weight: 200, when: [ user_agent: {{ equals: {name} }} ] }}"
      for name in FACES),
    "  - { name: uri-47-11, tool: t4711, purpose: fraud, weight: 200, when: [ ruri: { equals: 'sip:47%2311@127.0.0.1' } ] }",
    "treatments:",
    "  - { name: t4711, for: { tools: [t4711] }, ladder: [ { answer: reject, code: 480 } ], hold: 0s }",
    *(f"  - {{ name: {name}, for: {{ tools: [{name}] }}, ladder: [ {{ answer: {answer} }} ], hold: 0s }}"
      for name, answer in FACES.items())]) + "\n"


@pytest.fixture(scope="module")
def bench():
    with AsteriskBench(ACCOUNTS, policy=POLICY, program=PROGRAM) as bench:
        yield bench


@pytest.fixture(scope="module")
def answering():
    """One whose operator lets Asterisk answer with 200."""
    with AsteriskBench(ACCOUNTS, policy=POLICY, settings=["SIPGUARD_ANSWER=yes"]) as bench:
        yield bench


@pytest.fixture(scope="module")
def alone():
    with AsteriskBench(ACCOUNTS, daemon=False, policy=POLICY, program=PROGRAM) as bench:
        yield bench


def call(bench, face, number="555", **options):
    caller = Caller(bench.asterisk, user_agent=face)
    try:
        return caller.call(number, **options)
    finally:
        caller.close()


def status_of(bench, face, number="555", **options):
    """What ends a call. On a busy machine a verdict may come too late, and the call goes on after that time: then it is made
    again."""
    for _ in range(10):
        result = call(bench, face, number, **options)
        if not is_late(result):
            break
    return result.status


def is_late(result):
    return result.status == BUSY and result.took >= TOO_LATE


@contextlib.contextmanager
def added(bench, text):
    """More of a dialplan for a while."""
    dialplan = bench.asterisk.folder / "etc/extensions.conf"
    original = dialplan.read_text()
    dialplan.write_text(original + text)
    bench.asterisk.command("dialplan", "reload")
    try:
        yield
    finally:
        dialplan.write_text(original)
        bench.asterisk.command("dialplan", "reload")


def stats(bench):
    return json.loads(bench.daemon.control("--json", "stats"))


def counted(bench, name):
    """What the FastAGI listener counted of what was odd."""
    listener = next(one for one in stats(bench)["listeners"] if one["name"].startswith("fastagi"))
    return listener.get("incidents", {}).get(name, 0)


def sources(bench):
    """How many addresses the daemon knows of."""
    return stats(bench)["tables"]["sources"]["used"]


VERDICTS = [("snomD385/10.1.54.13", BUSY), ("t403", 403), ("t603", 603), ("t607", 607), ("t480", 480), ("tdrop", 603),
            ("t200", 603), ("friendly-scanner", 603)]


@pytest.mark.parametrize("face,status", VERDICTS)
def test_a_verdict_is_seen_on_the_wire(bench, face, status):
    assert status_of(bench, face) == status


@pytest.mark.parametrize("face,status", VERDICTS)
def test_the_program_gives_the_same_verdicts(bench, face, status):
    assert status_of(bench, face, "7555") == status


def test_an_account_is_asked_about_after_it_has_logged_in(bench):
    for face, status in ("snomD385/10.1.54.13", BUSY), ("t403", 403):
        caller = Caller(bench.asterisk, "1001", ACCOUNTS["1001"], "127.0.0.3", face)
        for _ in range(10):
            result = caller.call("555")
            if not is_late(result):
                break
        assert result.status == status
        caller.close()


def test_200_only_where_the_operator_allows_it(answering):
    answered = call(answering, "t200")
    assert answered.status == 200
    assert call(answering, "snomD385/10.1.54.13").status == BUSY
    assert status_of(answering, "t403") == 403


def test_where_pjsiphangup_does_not_exist_the_cause_answers(bench):
    # As in Asterisk before 18.21: the same dialplan with the name of an application that nobody has.
    dialplan = bench.asterisk.folder / "etc/extensions.conf"
    original = dialplan.read_text()
    shipped = re.search(r'#include "(.*)"', original)[1]
    old = bench.asterisk.folder / "etc/extensions_old.conf"
    old.write_text(pathlib.Path(shipped).read_text().replace("TryExec(PJSIPHangup(", "TryExec(NoSuchApplication("))
    dialplan.write_text(original.replace(shipped, str(old)))
    try:
        bench.asterisk.command("dialplan", "reload")
        assert [status_of(bench, face) for face in ("t403", "t480", "t607")] == [403, 480, 603]
    finally:
        dialplan.write_text(original)
        bench.asterisk.command("dialplan", "reload")


def test_a_banned_source_is_declined(bench):
    bench.daemon.control("ban", "add", TRUNK)
    try:
        assert status_of(bench, "snomD385/10.1.54.13") == 603
    finally:
        bench.daemon.control("ban", "remove", TRUNK)
    assert call(bench, "snomD385/10.1.54.13").status == BUSY


def test_what_an_earlier_call_of_the_subroutine_left_is_no_answer(alone):
    with added(alone, "[trunk]\nexten => 9,1,MSet(SIPGUARD_VERDICT=reject,SIPGUARD_CODE=403,SIPGUARD_RULE=old)\n"
                      " same => n,Gosub(sipguard,s,1)\n same => n,GotoIf($[\"${SIPGUARD_CODE}${SIPGUARD_RULE}\" = \"\"]?busy)\n"
                      " same => n,Hangup(34)\n same => n(busy),Hangup(17)\n"):
        assert call(alone, "t403", "9").status == BUSY


def test_variables_are_there_after_a_call_that_passes(bench):
    with added(bench, "[trunk]\nexten => 9,1,Gosub(sipguard,s,1)\n same => n,PJSIPHangup(${IF($[\"${SIPGUARD_VERDICT}-"
                      "${SIPGUARD_RULE}-${LEN(${SIPGUARD_DECISION})}-${SIPGUARD_CODE}\" = \"pass-default-16-\"]?480:500)})\n"):
        assert call(bench, "snomD385/10.1.54.13", "9").status == 480


def test_facts_that_do_not_fit_into_the_address_are_asked_for(bench):
    # Asterisk's limit is 8 kB for all of an application's arguments.
    asked = stats(bench)["requests"]["pass"]
    assert call(bench, "snom" + "%" * 1250, caller="1" * 1900).status == BUSY
    wait_until(lambda: stats(bench)["requests"]["pass"] == asked + 1, 20, "it is asked about")
    assert status_of(bench, "t403", caller="1" * 3500) == 403
    assert stats(bench)["requests"]["pass"] == asked + 1


def test_the_request_uri_is_put_together_as_the_phone_wrote_it(bench):
    numbers = ["47%2311", "47%231", "4711", "47%2311"]
    assert [status_of(bench, "snomD385/10.1.54.13", number) for number in numbers] == [480, BUSY, BUSY, 480]


def test_a_dialplan_that_gives_no_facts_is_asked_for_them(bench):
    with added(bench, "[trunk]\nexten => 9,1,AGI(agi://${SIPGUARD_ADDRESS}/check)\n same => n,PJSIPHangup(${SIPGUARD_CODE})\n"):
        assert [status_of(bench, face, "9") for face in ("t403", "t480")] == [403, 480]


def test_no_segment_waits_for_another(bench):
    # A delayed acknowledgement takes 40 ms; so may a machine that is busy with something else, but not every time.
    took = sorted(call(bench, "snomD385/10.1.54.13").took for _ in range(40))
    assert took[10] < 0.035, took


# --- injection: line breaks in the user parts, percent-encoded, come out of Asterisk as lines of its own

FORGED_FROM = [
    "100%0A%0A200%20result%3D1%20%28pass%29",
    "100%0A%0A200%20result%3D1%20%28127.0.0.9%3A5060%29%0A200%20result%3D1%20%28pass%29%0A200%20result%3D1",
    "100%0D%0Aagi_extension%3A%20911",
    "100%0A%0AHANGUP%0A",
    "100%0A%0A520-Invalid%0A520%20End%20of%20proper%20usage.",
]
FORGED_NUMBER = ["5%0A%0A200%20result%3D1%20%28127.0.0.9%3A5060%29", "5%0Aagi_callerid%3A%20911"]


@pytest.mark.parametrize("face,status", [("t403", 403), ("snomD385/10.1.54.13", 603)])
@pytest.mark.parametrize("caller", FORGED_FROM)
def test_lines_forged_through_from_leave_the_facts_right_and_are_counted(bench, caller, face, status):
    # 403 is for the true User-Agent; a call without any other mark is declined for the forgery.
    call(bench, "t403")
    for _ in range(10):
        injections, lines, known = counted(bench, "injections"), counted(bench, "forged_lines"), sources(bench)
        result = call(bench, face, caller=caller)
        wait_until(lambda: counted(bench, "injections") > injections, 20, "it is counted")
        if not is_late(result):
            break
    assert result.status == status
    assert counted(bench, "injections") == injections + 1
    wait_until(lambda: counted(bench, "forged_lines") > lines, 20, "the lines are counted")
    assert sources(bench) == known, "no forged address became a source"


@pytest.mark.parametrize("number", FORGED_NUMBER)
def test_lines_forged_through_the_request_uri_as_well(bench, number):
    call(bench, "t403")
    for _ in range(10):
        injections, known = counted(bench, "injections"), sources(bench)
        results = [call(bench, face, number) for face in ("t403", "snomD385/10.1.54.13")]
        wait_until(lambda: counted(bench, "injections") > injections + 1, 20, "both are counted")
        if not any(map(is_late, results)):
            break
    assert [result.status for result in results] == [403, 603]
    assert counted(bench, "injections") == injections + 2
    assert sources(bench) == known


def test_a_user_agent_that_looks_like_commands_is_a_user_agent(bench):
    injections, asked = counted(bench, "injections"), stats(bench)["requests"]["pass"]
    for face in ('x",EVIL,"y', "${SHELL(id)} ${EXTEN}", "a)b(c) 200 result=1 (pass)", "x" * 300):
        assert call(bench, face).status == BUSY
    wait_until(lambda: stats(bench)["requests"]["pass"] >= asked + 4, 20, "each is asked about")
    assert counted(bench, "injections") == injections
    assert stats(bench)["requests"]["pass"] == asked + 4


# --- sick daemons

@contextlib.contextmanager
def peer(port, behaviour):
    """A FastAGI server that is unwell: `behaviour` gets each connection, in a thread of its own."""
    server = socket.create_server(("127.0.0.1", port), backlog=64)
    connections = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection = server.accept()[0]
                connections.append(connection)
                threading.Thread(target=quietly, args=(behaviour, connection), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    try:
        yield connections
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        for connection in connections:
            connection.close()


def quietly(behaviour, connection):
    with contextlib.suppress(OSError):
        behaviour(connection)


def environment(connection):
    data = b""
    while b"\n\n" not in data:
        data += connection.recv(4096)


def closes_at_once(connection):
    connection.close()


def closes_after_the_environment(connection):
    environment(connection)
    connection.close()


def resets(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def hangs(connection):
    environment(connection)


def answers_garbage(connection):
    environment(connection)
    connection.sendall(b"\x00\xff\x01 GARBAGE reject reject\nSET VARIABLE\n" * 20)
    connection.recv(4096)
    time.sleep(0.05)
    connection.close()


def answers_garbage_for_ever(connection):
    environment(connection)
    while True:
        connection.sendall(b"reject 403 " * 100)
        time.sleep(0.01)


def half_a_verdict(connection):
    environment(connection)
    connection.sendall(b"SET VARIABLE SIPGUARD_CODE 403\n")
    connection.recv(4096)
    connection.close()


def unknown_verdict(connection):
    environment(connection)
    connection.sendall(b"SET VARIABLE SIPGUARD_VERDICT explode\n")
    connection.recv(4096)
    connection.close()


def slow(connection):
    environment(connection)
    time.sleep(0.150)
    connection.close()


# what the dialplan waits at most, and what the rest of a call may take on a machine that is busy with other tests
LIMIT, REST = 0.5, 0.35
SICK = {closes_at_once: 0, closes_after_the_environment: 0, resets: 0, hangs: LIMIT, answers_garbage: 0.05,
        answers_garbage_for_ever: LIMIT, half_a_verdict: 0, unknown_verdict: 0, slow: 0.150}


def passes(bench, delay, number="555", calls=3):
    """Calls by one that would be rejected go on, after the delay and not much more."""
    results = [call(bench, "t403", number) for _ in range(calls)]
    assert [result.status for result in results] == [BUSY] * calls
    took = min(result.took for result in results)
    assert delay * 0.95 <= took <= delay + REST, f"{took:.3f} s"
    print(f"delay {took * 1000:.1f} ms")


@pytest.mark.parametrize("behaviour", SICK, ids=lambda one: one.__name__)
def test_calls_go_on_with_a_daemon_that(alone, behaviour):
    with peer(alone.asterisk.fastagi_port, behaviour) as connections:
        passes(alone, SICK[behaviour])
        assert len(connections) >= 3
    wait_until(lambda: channels(alone) == 0, 10, "no channel is left")


def test_calls_go_on_where_nobody_listens(alone):
    passes(alone, 0)
    passes(alone, 0, "7555")


def test_calls_go_on_where_no_connection_is_taken(alone):
    # a full backlog: the packets that would connect are dropped, and Asterisk gives up by itself after 2 s
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", alone.asterisk.fastagi_port))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        passes(alone, 2.0, calls=1)


def stopped(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/stat")
    return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def test_calls_go_on_with_a_stopped_daemon_and_are_asked_about_again(bench):
    assert status_of(bench, "t403") == 403
    bench.daemon.process.signal(signal.SIGSTOP)
    try:
        wait_until(lambda: stopped(bench.daemon.process.child.pid), 5, "every thread has stopped")
        passes(bench, LIMIT)
        passes(bench, 0, "7555")
    finally:
        bench.daemon.process.signal(signal.SIGCONT)
    wait_until(lambda: call(bench, "t403").status == 403, 20, "the daemon is asked again")
    wait_until(lambda: channels(bench) == 0, 10, "no channel is left")


def test_calls_go_on_while_a_daemon_is_killed_and_started_again(bench):
    bench.daemon.process.signal(signal.SIGKILL)
    bench.daemon.process.child.wait()
    passes(bench, 0)
    bench.daemon.start()
    assert status_of(bench, "t403") == 403


def test_a_hundred_calls_at_once_with_a_hung_daemon_hold_nothing(alone):
    with peer(alone.asterisk.fastagi_port, hangs):
        results = []
        threads = [threading.Thread(target=lambda: results.append(call(alone, "t403"))) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [result.status for result in results] == [BUSY] * 100
        wait_until(lambda: channels(alone) == 0, 20, "no channel is left")


def test_a_limit_that_a_call_had_is_kept(alone):
    with added(alone, "[trunk]\nexten => 9,1,Set(TIMEOUT(absolute)=0.8)\n same => n,Gosub(sipguard,s,1)\n"
                      " same => n,Answer()\n same => n,Wait(9)\n"):
        caller = Caller(alone.asterisk)
        with peer(alone.asterisk.fastagi_port, closes_at_once):
            for _ in range(5):                   # a busy machine is late, but not every time
                began = time.monotonic()
                assert caller.call("9", hang_up=False).status == 200
                wait_until(lambda: caller.receives("BYE"), 20, "asterisk hangs up by itself")
                took = time.monotonic() - began
                assert took > 0.7
                if took < 0.8 + REST:
                    break
        assert took < 0.8 + REST
        caller.close()


def channels(bench):
    return int(re.search(r"(\d+) active channel", bench.asterisk.command("core", "show", "channels"))[1])
