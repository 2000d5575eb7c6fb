"""The push with the real Kamailio: bans of the daemon in Kamailio's own table, as long as they hold."""

import json
import re
import signal
import socket
import threading
import time

import pytest

from busyness import Busyness
from harness import POLICY, Bench, wait_until
from namespaces import Namespace
from phone import Phone
from test_lease import Flood, all_counted, in_calm, reached, shown, stats, unasked

ACCOUNTS = {"3000": "secret"}
SOURCE = "127.0.0.9"


class Pushed(Bench):
    """A proxy that takes bans, and a daemon that pushes them."""

    def __init__(self, start=True, **options):
        super().__init__(ACCOUNTS, start=start, **options)

    def set_up(self, accounts, start, defines=(), namespace=None, **options):
        super().set_up(accounts, leak=False, daemon=False, defines=['SIPGUARD_LEASES="off"', *defines], **options)
        self.rpc = f"{self.folder}/rpc.sock"
        self.proxy.stop()
        self.proxy.arguments += ["-A", f'SIPGUARD_PUSH_SOCKET="{self.rpc}"']
        if namespace:
            # the daemon as well: the names of the sockets on which it gets Kamailio's answers belong to a namespace
            self.proxy.arguments = namespace.command(*self.proxy.arguments)
            self.daemon.prefix = namespace.command()
        configuration = self.daemon.folder / "sipguardd.yaml"
        configuration.write_text(f"kamailio: {{ rpc_socket: {self.rpc}, most_bans: 500 }}\n")
        self.daemon.configuration = configuration
        self.proxy.start()
        if start:
            self.daemon.start()

    def pushed(self):
        dump = self.proxy.command("htable.dump", "sipguard_ban")
        return {name for name in re.findall(r"name: (\S+)", dump) if name != "sipguardd"}

    def ban(self, *words):
        self.daemon.control("ban", "add", *words)

    def failures(self):
        return stats(self)["errors"]["kamailio_push_failures"]


def silenced(bench, addresses, count):
    """Requests of banned sources: the daemon is asked, and none is answered."""
    def play(turn, before):
        floods = [Flood(bench.proxy, address) for address in addresses]
        for flood in floods:
            earlier = shown(bench, flood.address)["requests"] if turn > 0 else 0
            flood.send(count, pause=0.02)
            flood.sent += earlier
            all_counted(bench, flood, before)
        return floods
    assert [flood.answers() for flood in in_calm(bench, play)] == [0] * len(addresses)


def says_each_loss_once(bench, losses, busyness):
    """The log of a daemon that lost Kamailio so often, and more often only where a busy machine kept its answers back."""
    def told(what):
        return bench.daemon.process.text().count(what)
    lost = told("bans cannot be pushed to Kamailio")
    assert lost == losses or lost > losses and busyness.is_busy
    wait_until(lambda: told("Kamailio has the bans") == 1 + told("bans cannot be pushed to Kamailio"), 20, "it is told too")


@pytest.fixture
def bench():
    with Pushed() as bench:
        yield bench


def test_a_ban_is_in_kamailio_and_costs_no_question(bench):
    bench.ban(SOURCE, "--duration", "1h")
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there")
    flood = Flood(bench.proxy, SOURCE)
    flood.send(500)
    wait_until(lambda: shown(bench)["requests"] == 500, 20, lambda: f"all are counted: {shown(bench)}")
    assert bench.proxy.count("asked") == 0 and flood.answers() == 0
    assert shown(bench)["dropped"] == 500 == stats(bench)["requests"]["drop"]


def test_a_ban_of_an_ipv6_address_holds_in_kamailio():
    with Pushed(address="[::1]") as bench:
        bench.ban("::1")
        wait_until(lambda: bench.pushed() == {"::1"}, 20, "the ban is there")
        flood = Flood(bench.proxy, "::1")
        flood.send(50, pause=0.002)
        wait_until(lambda: shown(bench, "::1")["requests"] == 50, 20, "all are counted")
        assert bench.proxy.count("asked") == 0 and flood.answers() == 0


def test_a_ban_of_a_flood_is_pushed_and_its_incident_exact(bench):
    for turn in range(20):
        flood, before = Flood(bench.proxy, f"127.0.0.{9 + turn}"), unasked(bench)
        while flood.address not in bench.pushed():
            flood.send(50, pause=0.002)
            assert flood.sent < 10_000
        flood.send(1000)
        if unasked(bench) == before:
            break
    else:
        raise AssertionError(f"the machine is too busy: {bench.proxy.counters()}")
    wait_until(lambda: shown(bench, flood.address)["requests"] == flood.sent, 20, f"{flood.sent} are counted")
    incident = json.loads(bench.daemon.control("incident", "list", "--json"))["incidents"][0]
    totals = stats(bench)["requests"]
    assert incident["messages"] == totals["total"] and incident["bans"] == turn + 1


@pytest.mark.parametrize("end", [
    ("ban", "remove", SOURCE), ("forget", SOURCE), ("allow", "add", SOURCE)])
def test_the_end_of_a_ban_is_pushed(bench, end):
    bench.ban(SOURCE)
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there")
    bench.daemon.control(*end)
    wait_until(lambda: not bench.pushed(), 20, "the ban is gone")


def test_what_was_dropped_right_before_the_end_of_a_ban_is_counted(bench):
    bench.ban(SOURCE)
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there")
    flood, before = Flood(bench.proxy, SOURCE), unasked(bench)
    sending = threading.Thread(target=flood.send, args=(3000,))
    sending.start()
    time.sleep(0.5)
    bench.daemon.control("ban", "remove", SOURCE)
    sending.join()
    # All but what came between the reading of the entry and its removal, which are a tenth of a millisecond apart.
    wait_until(lambda: flood.sent - shown(bench)["requests"] - (unasked(bench) - before) <= 5, 20, lambda: (
        f"{flood.sent} are counted: {shown(bench)['requests']}, {bench.proxy.counters()}"))
    assert shown(bench)["requests"] <= flood.sent


def test_a_ban_that_was_not_to_be_pushed_for_a_while_comes_back(bench):
    bench.ban(SOURCE)
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there")
    for mode in ("shadow", "enforce"):
        bench.daemon.policy.write_text(POLICY + f"mode: {mode}\n")
        bench.daemon.control("reload")
        wait_until(lambda: bool(bench.pushed()) == (mode == "enforce"), 20, f"the table is as in mode {mode}")
    for change in ("add", "remove"):
        bench.daemon.control("allow", change, SOURCE)
        wait_until(lambda: bool(bench.pushed()) == (change == "remove"), 20, f"the table is as after allow {change}")


def test_a_ban_ends_in_kamailio_by_itself_while_the_daemon_is_stopped(bench):
    bench.ban(SOURCE, "--duration", "6s")
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there")
    bench.daemon.process.signal(signal.SIGSTOP)
    phone = Phone(bench.proxy, "3000", ACCOUNTS["3000"], address=SOURCE)
    assert phone.register(0.3)[0] is None
    wait_until(lambda: phone.register(0.3)[0] in (200, 401), 20, "the phone is served")
    bench.daemon.process.signal(signal.SIGCONT)


def test_protected_and_trusted_sources_are_never_pushed(bench):
    bench.daemon.control("allow", "add", "127.0.0.8")
    phone = Phone(bench.proxy, "3000", ACCOUNTS["3000"], address="127.0.0.7")
    assert [phone.register()[0] for _ in range(2)] == [401, 200]
    for source in ("127.0.0.8", "127.0.0.7", SOURCE):
        bench.ban(source, "--force")
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the stranger's ban is there")
    time.sleep(1.2)
    assert bench.pushed() == {SOURCE}


def test_a_network_is_not_pushed_but_banned_all_the_same(bench):
    bench.ban("127.0.9.0/24")
    bench.ban(SOURCE)
    wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the address is there")
    silenced(bench, ["127.0.9.3"], 5)


def test_kamailio_gets_all_bans_again_after_a_restart(bench):
    with Busyness() as busyness:
        for number in range(1, 40):
            bench.ban(f"127.0.8.{number}")
        wait_until(lambda: len(bench.pushed()) == 39, 20, "all are there")
        bench.proxy.stop()
        wait_until(lambda: bench.failures() > 0, 20, "the daemon notices")
        bench.proxy.start()
        wait_until(lambda: len(bench.pushed()) == 39, 30, "all are there again")
    says_each_loss_once(bench, 1, busyness)


def test_the_daemon_pushes_what_it_has_restored_and_takes_all_out_when_it_ends():
    with Pushed(start=False) as bench:
        state = bench.daemon.folder / "state.json"
        bench.daemon.configuration.write_text(bench.daemon.configuration.read_text() + f"state_file: {state}\n")
        bench.daemon.start()
        bench.ban(SOURCE)
        wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there")
        bench.daemon.stop()
        assert not bench.pushed()
        bench.daemon.start()
        wait_until(lambda: bench.pushed() == {SOURCE}, 20, "the ban is there again")


def test_a_hung_kamailio_costs_the_daemon_nothing(bench):
    with Busyness() as busyness:
        bench.proxy.process.signal(signal.SIGSTOP)
        for number in range(1, 60):
            bench.ban(f"127.0.8.{number}")
        wait_until(lambda: bench.failures() >= 2, 30, "failures are counted")
        took = []
        for _ in range(5):
            began = time.monotonic()
            for _ in range(20):
                assert bench.daemon.answers()
            took.append(time.monotonic() - began)
        assert min(took) < 2
        bench.proxy.process.signal(signal.SIGCONT)
        wait_until(lambda: len(bench.pushed()) == 59, 30, "all are there")
    says_each_loss_once(bench, 1, busyness)


def call_all(bench, method, addresses):
    lines = "".join(json.dumps(
        {"jsonrpc": "2.0", "id": n, "method": method, "params": {"address": a}}) + "\n" for n, a in enumerate(addresses))
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(bench.daemon.admin))
        client.sendall(lines.encode())
        answers = client.makefile()
        assert all("result" in answers.readline() for _ in addresses)


def test_bans_beyond_the_bound_are_counted_once_met_all_the_same_and_pushed_when_there_is_room(bench):
    addresses = [f"127.0.{6 + n // 250}.{1 + n % 250}" for n in range(520)]
    call_all(bench, "ban.add", addresses)
    wait_until(lambda: len(bench.pushed()) == 500, 30, "as many as there may be")
    left_out = set(addresses) - bench.pushed()
    wait_until(lambda: stats(bench)["errors"]["kamailio_bans_left_out"] == 20, 20, "the others are counted")
    silenced(bench, [min(left_out)], 3)
    call_all(bench, "ban.remove", sorted(bench.pushed())[:30])
    wait_until(lambda: len(bench.pushed()) == 490 and left_out <= bench.pushed(), 30, "all that hold are there")
    assert stats(bench)["errors"]["kamailio_bans_left_out"] == 20


@pytest.fixture(scope="module")
def internet():
    """A loopback interface of its own, from which whatever 2001::/16 has can be sent."""
    space = Namespace("internet")
    try:
        space.run("ip", "-6", "route", "add", "local", "2001::/16", "dev", "lo")
        space.run("sysctl", "-qw", "net.ipv6.ip_nonlocal_bind=1")
        yield space
    finally:
        space.remove()


def flood_from(space, bench, addresses, count):
    """So many requests of each address; how many got an answer."""
    with space.inside():
        floods = [Flood(bench.proxy, address) for address in addresses]
    for _ in range(count):
        for flood in floods:
            flood.send(1)
    return sum(flood.answers() for flood in floods)


# Addresses of one network are written in many ways: the longest run of zeros is left out, and of two the first.
NETWORKS = [
    ("2001:db8:1:2::/64", "2001:db8:1:2", ["2001:db8:1:2::9", "2001:db8:1:2:a:b:c:d", "2001:db8:1:2:0:1::"], "2001:db8:1:3::9"),
    ("2001:db8:1::/64", "2001:db8:1:0", ["2001:db8:1::7", "2001:db8:1:0:1:2:3:4", "2001:db8:1:0:1::4"], "2001:db8:1:1::7"),
    ("2001:db8::/64", "2001:db8:0:0", ["2001:db8::5", "2001:db8::1:2:3:4", "2001:db8:0:0:1::"], "2001:db8:0:1::5"),
    ("2001:0:1::/64", "2001:0:1:0", ["2001:0:1::", "2001:0:1:0:8000::1", "2001:0:1::1:0:1"], "2001:0:1:1::"),
]


@pytest.mark.parametrize("defines", [[], ["SIPGUARD_LEASES_IN_ROUTE"]])
def test_a_ban_of_an_ipv6_network_holds_for_all_its_addresses_and_no_other(internet, defines):
    with Pushed(address="[::1]", namespace=internet, defines=defines) as bench:
        for network, _, _, _ in NETWORKS:
            bench.ban(network)
        wait_until(lambda: bench.pushed() == {name for _, name, _, _ in NETWORKS}, 20, lambda: (
            f"the bans are there: {bench.pushed()}"))
        for _, _, addresses, _ in NETWORKS:
            assert flood_from(internet, bench, addresses, 20) == 0
        for _, _, addresses, _ in NETWORKS:
            wait_until(lambda: shown(bench, addresses[0])["requests"] == 60, 20, lambda: (
                f"all are counted: {shown(bench, addresses[0])}"))
        assert bench.proxy.count("asked") == 0
        flood_from(internet, bench, [neighbour for _, _, _, neighbour in NETWORKS], 1)
        wait_until(lambda: reached(bench.proxy) == len(NETWORKS), 20, "the neighbours are asked about")


def test_an_ipv6_source_that_changes_its_address_is_banned_pushed_and_exact(internet):
    with Pushed(address="[::1]", namespace=internet) as bench:
        for turn in range(20):
            before, sent, network = unasked(bench), 0, f"2001:db8:7:{turn}"
            while network not in bench.pushed():
                flood_from(internet, bench, [f"{network}:{sent:x}::{n:x}" for n in range(1, 51)], 1)
                sent += 50
                assert sent < 10_000
            flood_from(internet, bench, [f"{network}::{n:x}" for n in range(1, 201)], 5)
            if unasked(bench) == before:
                break
        else:
            raise AssertionError(f"the machine is too busy: {bench.proxy.counters()}")
        wait_until(lambda: shown(bench, f"{network}::1")["requests"] == sent + 1000, 20, lambda: shown(bench, f"{network}::1"))
        assert bench.proxy.count("asked") < stats(bench)["requests"]["total"] / 2


@pytest.mark.parametrize("end", [
    ("ban", "remove", "2001:db8:1:2::/64"), ("allow", "add", "2001:db8:1:2::77")])
def test_the_end_of_a_network_s_ban_is_pushed(internet, end):
    with Pushed(address="[::1]", namespace=internet) as bench:
        bench.ban("2001:db8:1:2::/64")
        wait_until(lambda: bench.pushed() == {"2001:db8:1:2"}, 20, "the ban is there")
        bench.daemon.control(*end)
        wait_until(lambda: not bench.pushed(), 20, "the ban is gone")


def test_a_network_that_kamailio_would_take_for_another_is_not_pushed_but_banned_all_the_same(internet):
    with Pushed(address="[::1]", namespace=internet) as bench:
        for network in ("2001:0:0:5::/64", "2001:db8:3::/48", "2001:db8:1:2::/64"):
            bench.ban(network)
        wait_until(lambda: bench.pushed() == {"2001:db8:1:2"}, 20, "the one is there")
        with internet.inside():
            silenced(bench, ["2001:0:0:5::1", "2001:db8:3:7::1"], 3)
