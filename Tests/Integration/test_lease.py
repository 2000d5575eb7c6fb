"""Leases with the real Kamailio: a flood is met with silence from shared memory, and counted to the message."""

import json
import re
import signal
import socket
import time

import pytest

from fake import FakeDaemon, verdict
from harness import Bench, wait_until
from phone import Phone

ACCOUNTS = {"3000": "secret"}
SCANNER = "friendly-scanner"


class Flood:
    """One source that sends requests one after the other, so fast as it is told."""

    def __init__(self, proxy, address="127.0.0.9", agent=SCANNER):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(0)
        self.address, self.agent = address, agent
        self.host = f"[{address}]" if ":" in address else address
        self.target = (proxy.address.strip("[]"), proxy.port)
        self.sent = 0

    def send(self, count, pause=0.0005, agent=None, user="100"):
        for _ in range(count):
            self.sent += 1
            self.socket.sendto("\r\n".join([
                "REGISTER sip:127.0.0.1 SIP/2.0", f"Via: SIP/2.0/UDP {self.host}:5060;branch=z9hG4bKf{self.sent};rport",
                f"From: <sip:{user}@127.0.0.1>;tag=f{self.sent}", f"To: <sip:{user}@127.0.0.1>",
                f"Call-ID: flood-{self.sent}@{self.host}", "CSeq: 1 REGISTER", "Max-Forwards: 70",
                f"User-Agent: {agent or self.agent}", "Content-Length: 0", "", ""]).encode(), self.target)
            time.sleep(pause)

    def answers(self):
        count = 0
        while True:
            try:
                self.socket.recv(65535)
            except BlockingIOError:
                return count
            count += 1


def shown(bench, address="127.0.0.9"):
    return json.loads(bench.daemon.control("show", "--json", address))


def stats(bench):
    return json.loads(bench.daemon.control("stats", "--json"))


def settled(bench):
    """Nothing is counted any more that has not been reported."""
    return not re.search(r"name: \S+ \d+", bench.proxy.command("htable.dump", "sipguard_lease"))


def requests_of(bench, flood):
    return lambda: shown(bench)["requests"] == flood.sent


@pytest.fixture
def bench():
    with Bench(ACCOUNTS, leak=False, workers=4) as bench:
        yield bench


def unasked(bench):
    """Requests that passed because this machine was busy: nobody counts those."""
    return sum(bench.proxy.count(name) for name in ("failed_timeout", "skipped_budget", "skipped_down"))


def flooded(bench, count):
    """A flood in which every request got a verdict; another one, from elsewhere, where the machine was too busy for that."""
    for turn in range(5):
        flood, before = Flood(bench.proxy, f"127.0.0.{9 + turn}"), unasked(bench)
        flood.send(count)
        time.sleep(0.1)
        if unasked(bench) == before:
            return flood
    raise AssertionError(f"the machine is too busy: {bench.proxy.counters()}")


def test_a_flood_is_leased_and_exact_to_the_message(bench):
    flood = flooded(bench, 4000)
    wait_until(lambda: shown(bench, flood.address)["requests"] == flood.sent, 4, "all are counted")
    counters, source = bench.proxy.counters(), shown(bench, flood.address)
    assert source["dropped"] == flood.sent - 5 and source["answers"] == flood.answers() == 5
    treatment = source["treatment"]
    assert treatment["answers"] == 5 and source["ban"]["rule"]
    incident = json.loads(bench.daemon.control("incident", "list", "--json"))["incidents"][0]
    totals = stats(bench)["requests"]
    assert incident["messages"] == totals["total"] and incident["answers"] == totals["ok200"]
    assert incident["messages_after_answer"] == totals["total"] - incident["sources"] and incident["bans"] >= 1
    # the daemon may have decided about a question for whose answer nobody waited any more
    assert 0 <= counters["asked"] + counters["leased"] - totals["total"] <= counters.get("failed_timeout", 0)
    assert counters["asked"] < 300 * incident["sources"] and counters["leases"] >= 2
    wait_until(lambda: settled(bench), 3, "no lease is left")


def test_all_workers_answer_from_one_lease(bench):
    flood = Flood(bench.proxy)
    bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
    time.sleep(1.05 - time.time() % 1)           # a lease lives until the end of its second
    flood.send(400, pause=0.001)
    wait_until(requests_of(bench, flood), 4, "all are counted")
    # at most one question of each worker before the first answer is there
    assert bench.proxy.count("asked") <= 4 * 2 and bench.proxy.count("drop") == bench.proxy.count("asked")


def test_an_ipv6_source_is_leased():
    with Bench(ACCOUNTS, leak=False, address="[::1]") as bench:
        bench.daemon.control("ban", "add", "::1", "--duration", "1h")
        time.sleep(1.05 - time.time() % 1)
        flood = Flood(bench.proxy, "::1")
        flood.send(200, pause=0.001)
        wait_until(lambda: shown(bench, "::1")["requests"] == flood.sent, 4, "all are counted")
        assert bench.proxy.count("asked") <= 2 * 2


def test_what_is_leased_is_told_while_the_lease_lasts(bench):
    """So that little is lost where Kamailio is stopped, which it tells no script."""
    bench.daemon.control("ban", "add", "127.0.0.0/28", "--duration", "1h")
    for turn in range(5):
        time.sleep(1.02 - time.time() % 1)
        second, flood = int(time.time()), Flood(bench.proxy, f"127.0.0.{9 + turn}")
        flood.send(50)
        while int(time.time()) == second:
            if shown(bench, flood.address)["requests"] == flood.sent:
                return
    raise AssertionError("it is told when the lease is over")


def test_leases_work_in_the_route_where_the_event_belongs_to_somebody_else():
    with Bench(ACCOUNTS, leak=False, defines=["SIPGUARD_LEASES_IN_ROUTE"]) as bench:
        flood = Flood(bench.proxy)
        bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
        time.sleep(1.05 - time.time() % 1)
        flood.send(200, pause=0.001)
        wait_until(requests_of(bench, flood), 4, "all are counted")
        assert bench.proxy.count("asked") <= 2 * 2


def test_answers_and_acks_of_a_leased_source_are_no_part_of_its_lease(bench):
    flood = Flood(bench.proxy)
    bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
    time.sleep(1.05 - time.time() % 1)
    flood.send(100, pause=0.001)
    for line in (b"ACK sip:127.0.0.1 SIP/2.0", b"CANCEL sip:127.0.0.1 SIP/2.0", b"SIP/2.0 200 OK"):
        method = b"INVITE" if line.startswith(b"SIP/2.0") else line.split()[0]
        flood.socket.sendto(b"\r\n".join([
            line, b"Via: SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bKx", b"From: <sip:1@127.0.0.1>;tag=1", b"To: <sip:2@127.0.0.1>;tag=2",
            b"Call-ID: x", b"CSeq: 1 " + method, b"Content-Length: 0", b"", b""]), flood.target)
    flood.send(100, pause=0.001)
    wait_until(requests_of(bench, flood), 4, "all are counted")
    time.sleep(1.2)
    assert shown(bench)["requests"] == flood.sent


def test_a_connection_of_a_leased_source_stays_open_and_is_counted():
    with Bench(ACCOUNTS, leak=False, defines=["WITH_TCP"]) as bench:
        bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
        time.sleep(1.05 - time.time() % 1)
        with socket.create_connection((bench.proxy.address, bench.proxy.port), source_address=("127.0.0.9", 0)) as client:
            for number in range(50):
                client.sendall("\r\n".join([
                    "REGISTER sip:127.0.0.1 SIP/2.0", f"Via: SIP/2.0/TCP 127.0.0.9:5060;branch=z9hG4bKt{number}",
                    "From: <sip:1@127.0.0.1>;tag=1", "To: <sip:1@127.0.0.1>", f"Call-ID: t{number}", "CSeq: 1 REGISTER",
                    "Content-Length: 0", "", ""]).encode())
                time.sleep(0.002)
            wait_until(lambda: shown(bench)["requests"] == 50, 4, "all are counted")
            assert bench.proxy.count("asked") < 50
            client.settimeout(0.2)
            with pytest.raises(TimeoutError):
                client.recv(1)


@pytest.mark.parametrize("end", [
    ("forget", "127.0.0.9"), ("ban", "remove", "127.0.0.9"), ("allow", "add", "127.0.0.9"), None])
def test_no_lease_outlives_its_reason_by_more_than_a_second(bench, end):
    flood = Flood(bench.proxy)
    bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
    flood.send(20, agent="Phone", user="3000")
    assert flood.answers() == 0
    if end:
        bench.daemon.control(*end)
    else:
        bench.daemon.policy.write_text("version: 1\nextends: default\nmode: off\n")
        bench.daemon.control("reload")
    time.sleep(1.01)
    flood.send(1, agent="Phone", user="3000")
    wait_until(flood.answers, 1, "the proxy answers again")


def test_a_source_with_a_customer_behind_it_is_never_leased_as_a_whole(bench):
    flood = Flood(bench.proxy)
    phone = Phone(bench.proxy, "3000", ACCOUNTS["3000"], address="127.0.0.9")
    assert [phone.register()[0] for _ in range(2)] == [401, 200]
    flood.send(1000, pause=0.001)
    assert phone.register()[0] == 200
    flood.sent += 3
    wait_until(requests_of(bench, flood), 4, "all are counted")
    assert bench.proxy.count("leases") >= 1, "the scanner's User-Agent is leased all the same"
    assert bench.proxy.count("asked") < 200
    dump = bench.proxy.command("htable.dump", "sipguard_lease")
    assert not re.search(r"name: \S+ \d+\s*\n", dump), dump
    phone.close()


def test_leases_can_be_switched_off():
    with Bench(ACCOUNTS, leak=False, defines=['SIPGUARD_LEASES="off"']) as bench:
        flood = Flood(bench.proxy)
        flood.send(300)
        wait_until(lambda: reached(bench.proxy) == 300, 3, "every request is asked about")
        assert shown(bench)["requests"] == bench.proxy.count("asked") and bench.proxy.count("leases") == 0


def test_without_htable_every_request_is_asked_about():
    # the small proxy itself keeps its accounts in one, so here nobody authenticates
    with Bench(ACCOUNTS, leak=False, configuration="../../Tests/Integration/without-htable.cfg") as bench:
        flood = Flood(bench.proxy)
        flood.send(150, pause=0.002)
        wait_until(requests_of(bench, flood), 3, f"every request is asked about: {shown(bench)}")
        assert "ERROR" not in bench.proxy.process.text()


def test_what_was_leased_is_reported_when_the_daemon_comes_back(bench):
    flood = Flood(bench.proxy)
    bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
    time.sleep(1.05 - time.time() % 1)
    flood.send(1)
    wait_until(lambda: bench.proxy.count("leases") == 1, 1, "the source is leased")
    bench.daemon.process.signal(signal.SIGKILL)
    bench.daemon.process.child.wait()
    flood.send(100)
    time.sleep(1.5)
    bench.daemon.start()
    leased = flood.sent - reached(bench.proxy)
    wait_until(lambda: bench.proxy.count("leased") == leased, 4, bench.proxy.counters())
    assert leased >= 50 and stats(bench)["reports"]["dropped"] == leased


def test_what_a_daemon_is_slow_to_hear_counts_once(bench):
    flood = Flood(bench.proxy)
    bench.daemon.control("ban", "add", "127.0.0.9", "--duration", "1h")
    time.sleep(1.05 - time.time() % 1)
    flood.send(100)
    asked = bench.proxy.count("asked")
    bench.daemon.process.signal(signal.SIGSTOP)
    time.sleep(3)                                # it is told, and does not answer
    bench.daemon.process.signal(signal.SIGCONT)
    wait_until(lambda: bench.proxy.count("leased") == 100 - asked, 4, bench.proxy.counters())
    time.sleep(1.5)
    assert stats(bench)["reports"]["dropped"] == 100 - asked and shown(bench)["requests"] == flood.sent


@pytest.fixture
def fake():
    with Bench(ACCOUNTS, leak=False, daemon=False) as bench:
        bench.fakes = []

        def answer(**result):
            bench.fakes.append(FakeDaemon(
                bench.daemon.socket, lambda question: verdict(question, rule="r", decision="d", **result)))
            return bench.fakes[-1]
        bench.answer = answer
        yield bench
        for one in bench.fakes:
            one.close()


def reached(proxy):
    """Requests that were asked about, or would have been if this machine were not busy."""
    counters = proxy.counters()
    return sum(counters.get(name, 0) for name in ("asked", "skipped_budget", "skipped_down"))


@pytest.mark.parametrize("result", [
    dict(verdict="pass", ttl=1000, key="source"), dict(verdict="ok200", ttl=1000, key="source"),
    dict(verdict="drop", ttl=0, key="source"), dict(verdict="drop", ttl=1000), dict(verdict="drop", ttl="x", key="source"),
    dict(verdict="drop", ttl=1000, key="everybody"), dict(verdict="drop", ttl=-1, key="source"),
    dict(verdict="drop", ttl=1000, key="source_user_agent"),
    dict(verdict="drop", ttl=1000, key="source_user_agent", user_agent="another"),
])
def test_what_is_no_lease_is_none(fake, result):
    daemon, flood = fake.answer(**result), Flood(fake.proxy)
    flood.send(20, pause=0.005)
    wait_until(lambda: reached(fake.proxy) == 20, 4, "none is answered from a lease")
    assert fake.proxy.count("leases") == 0 and len(daemon.checks()) >= 2


@pytest.mark.parametrize("agent", ["a" * 129, "friendly\x01scanner", "friendly-sc\xe4nner"])
def test_a_user_agent_that_cannot_be_a_name_is_not_leased(fake, agent):
    daemon = fake.answer(verdict="drop", ttl=1000, key="source_user_agent", user_agent=agent)
    flood = Flood(fake.proxy, agent=agent)
    flood.send(20, pause=0.005)
    wait_until(lambda: reached(fake.proxy) == 20, 4, "none is answered from a lease")
    assert fake.proxy.count("leases") == 0 and len(daemon.checks()) >= 2


def test_leases_are_bounded(fake):
    fake.answer(verdict="drop", ttl=1000, key="source")
    time.sleep(1.05 - time.time() % 1)
    for number in range(2600):
        Flood(fake.proxy, address=f"127.0.{1 + number // 250}.{1 + number % 250}").send(1, pause=0)
        if time.time() % 1 > 0.9:
            break
    else:
        time.sleep(0.05)
    assert 0 < fake.proxy.count("leases") <= 2 * 1024
