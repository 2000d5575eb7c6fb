"""sipguardctl export with the real nft and ipset, in network namespaces: who is banned is dropped, and nobody else."""

import json
import re
import socket
import subprocess
import threading
import types

import pytest

from attacks import SELECT_TIME
from busyness import BUSY, Busyness
from harness import ROOT, SIPGUARDCTL, Daemon, Process, Proxy, wait_until
from namespaces import (PHONE, SERVER_FOR_PHONE, SERVER_FOR_STRANGER, SERVER_FOR_STRANGER_V6, STRANGER, STRANGER_V6,
                        street)
from phone import Phone

FIREWALL = ROOT / "integrations/firewall"
SIP = 5060


@pytest.fixture
def spaces():
    with street() as made:
        yield made


@pytest.fixture
def daemon(tmp_path):
    daemon = Daemon(tmp_path, policy=f"version: 1\nextends: default\nown_addresses: []\nallow: [{PHONE}]\n").start()
    yield daemon
    daemon.stop()


@pytest.fixture
def echo(spaces):
    """Answers whatever comes to the server's SIP port."""
    sockets = []
    with spaces[0].inside():
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, SERVER_FOR_STRANGER_V6)):
            one = socket.socket(family, socket.SOCK_DGRAM)
            one.bind((address, SIP))
            one.settimeout(0.1)
            sockets.append(one)
    over = threading.Event()

    def answer(one):
        while not over.is_set():
            try:
                one.sendto(*one.recvfrom(2048))
            except socket.timeout:
                continue

    threads = [threading.Thread(target=answer, args=(one,)) for one in sockets]
    for thread in threads:
        thread.start()
    yield
    over.set()
    for thread in threads:
        thread.join()
    for one in sockets:
        one.close()


def reaches(space, target):
    """Whether a datagram to the server's SIP port comes back."""
    with space.inside():
        client = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.settimeout(1)
        client.sendto(b"OPTIONS sip:ping SIP/2.0\r\n\r\n", (target, SIP))
        try:
            return bool(client.recv(2048))
        except socket.timeout:
            return False


def is_reached(space, target):
    """The first datagrams may be lost where a cable has just been laid, and late where the machine is busy."""
    return wait_until(lambda: reaches(space, target), 20, f"{target} is reached")


def attack(daemon, source, transport):
    """Floods until the daemon bans the source."""
    fact = {"source_ip": source, "method": "OPTIONS", "transport": transport, "user_agent": "friendly-scanner"}
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "guard.check", "params": fact}).encode() + b"\n"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(daemon.socket))
        file = client.makefile("rwb")
        for _ in range(150):
            file.write(line)
            file.flush()
            assert b"result" in file.readline()


def load_table(server):
    server.run("nft", "-f", FIREWALL / "sipguardd.nft")


def apply(server, daemon, *options):
    text = daemon.control("export", "--format", "nft", *options)
    server.run("nft", "-f", "-", input=text)
    return text


def test_the_banned_are_dropped_and_a_phone_is_not(spaces, daemon, echo):
    server, stranger, phone = spaces
    load_table(server)
    apply(server, daemon)
    assert is_reached(stranger, SERVER_FOR_STRANGER) and is_reached(stranger, SERVER_FOR_STRANGER_V6)
    attack(daemon, STRANGER, "tcp")
    daemon.control("ban", "add", STRANGER_V6, "--duration", "1h")
    text = apply(server, daemon)
    assert not reaches(stranger, SERVER_FOR_STRANGER)
    assert not reaches(stranger, SERVER_FOR_STRANGER_V6)
    assert is_reached(phone, SERVER_FOR_PHONE)
    held = server.run("nft", "list", "table", "inet", "sipguardd")
    assert re.search(rf"{STRANGER} timeout \d+m.* expires", held) and re.search(rf"{STRANGER_V6} timeout (1h|59m)", held)
    # the rules once, the bans kept: as after a change of the file
    load_table(server)
    assert server.run("nft", "list", "table", "inet", "sipguardd").count("drop") == 2
    assert not reaches(stranger, SERVER_FOR_STRANGER)
    assert text.count("\n") == 1


def test_without_proof_and_under_protection_nobody_is_exported(daemon):
    attack(daemon, "203.0.113.5", "udp")
    attack(daemon, "203.0.113.6", "tcp")
    daemon.control("ban", "add", f"{PHONE}/28", "--force")
    bans = json.loads(daemon.control("ban", "list", "--json"))["bans"]
    assert {(b["address"], b["proven"], b["protected"]) for b in bans} == {
        ("203.0.113.5", False, None), ("203.0.113.6", True, None), ("192.0.2.0/28", True, "allow")}
    done = subprocess.run([SIPGUARDCTL, "--socket", daemon.admin, "export", "--format", "plain"], capture_output=True,
                          text=True, timeout=30)
    assert re.fullmatch(r"203\.0\.113\.6 \d+\n", done.stdout)
    assert done.stderr == "sipguardctl: 192.0.2.0/28 is left to sipguardd: it holds an allowed address\n"


def test_a_ban_ends_by_its_timeout_without_the_daemon(spaces, daemon, echo):
    server, stranger, _ = spaces
    load_table(server)
    daemon.control("ban", "add", STRANGER, "--duration", "9s")
    apply(server, daemon)
    daemon.stop()
    assert not reaches(stranger, SERVER_FOR_STRANGER)
    wait_until(lambda: reaches(stranger, SERVER_FOR_STRANGER), 30, "the ban has ended")


def test_long_lists_come_whole(spaces, daemon):
    """More than ban.list gives at once."""
    server, count = spaces[0], 10_050
    load_table(server)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(daemon.admin))
        file = client.makefile("rwb")
        for number in range(count):
            address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            file.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": "ban.add", "params": {
                "address": address, "duration": "1h"}}).encode() + b"\n")
            if number % 50 == 49 or number == count - 1:
                file.flush()
                for _ in range(number % 50 + 1):
                    assert b"result" in file.readline()
    text = apply(server, daemon)
    assert text.count(" timeout ") == count
    assert server.run("nft", "list", "set", "inet", "sipguardd", "banned4").count(" expires ") == count


class Following:
    """sipguard-nft at work in the server's namespace."""

    def __init__(self, server, daemon, folder, *options):
        self.server = server
        load_table(server)
        self.process = Process(
            server.command(FIREWALL / "sipguard-nft", "--socket", daemon.admin, "--interval", "0.2", *options), folder,
            "sipguard-nft", env={"SIPGUARDCTL": SIPGUARDCTL})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop(2)

    def holds(self, element):
        """An address, and what an expression says of it: some seconds of a timeout may have passed before it is told."""
        return re.search(element, self.server.run("nft", "list", "table", "inet", "sipguardd"))


def test_followed_bans_come_and_go(spaces, daemon, echo, tmp_path):
    server, stranger, phone = spaces
    daemon.control("ban", "add", STRANGER_V6)
    with Following(server, daemon, tmp_path) as following:
        wait_until(lambda: not reaches(stranger, SERVER_FOR_STRANGER_V6), 30, "what was banned before")
        daemon.control("ban", "add", STRANGER, "--duration", "1h")
        wait_until(lambda: not reaches(stranger, SERVER_FOR_STRANGER), 30, "a new ban")
        assert is_reached(phone, SERVER_FOR_PHONE)
        # another end; a network around it, and back
        daemon.control("ban", "add", STRANGER, "--duration", "2h")
        wait_until(lambda: following.holds(f"{STRANGER} timeout (2h|1h59m)"), 30, "the new end")
        daemon.control("ban", "add", "198.51.100.0/24", "--duration", "30m")
        wait_until(lambda: following.holds("198.51.100.0/24 timeout (30m|29m)"), 30, "the network")
        daemon.control("ban", "remove", "198.51.100.0/24")
        wait_until(lambda: following.holds(f"{STRANGER} timeout"), 30, "the address again")
        assert not reaches(stranger, SERVER_FOR_STRANGER)
        daemon.control("ban", "remove", STRANGER)
        wait_until(lambda: reaches(stranger, SERVER_FOR_STRANGER), 30, "the ban is lifted")
        assert not reaches(stranger, SERVER_FOR_STRANGER_V6)
        assert following.process.running() and following.process.text() == ""


def test_following_survives_a_restart_of_the_daemon(spaces, daemon, echo, tmp_path):
    server, stranger, _ = spaces
    daemon.control("ban", "add", STRANGER, "--duration", "1h")
    with Following(server, daemon, tmp_path) as following:
        wait_until(lambda: following.holds(STRANGER), 30, "the ban")
        daemon.stop()
        wait_until(lambda: "tried again" in following.process.text(), 30, "it says that nobody answers")
        assert not reaches(stranger, SERVER_FOR_STRANGER)
        daemon.start()
        wait_until(lambda: "sipguardd answers again" in following.process.text(), 30, "it says that it is back")
        # without a state file the new daemon knows of no ban
        wait_until(lambda: reaches(stranger, SERVER_FOR_STRANGER), 30, "what the daemon no longer bans")
        daemon.control("ban", "add", STRANGER)
        wait_until(lambda: not reaches(stranger, SERVER_FOR_STRANGER), 30, "a ban of the new daemon")
        assert following.process.text().count("\n") == 2


def test_following_fills_the_sets_again_and_ends_where_they_are_gone(spaces, daemon, tmp_path):
    server = spaces[0]
    daemon.control("ban", "add", STRANGER)
    with Following(server, daemon, tmp_path, "--resync", "1") as following:
        wait_until(lambda: following.holds(STRANGER), 30, "the ban")
        server.run("nft", "flush", "set", "inet", "sipguardd", "banned4")
        wait_until(lambda: following.holds(STRANGER), 30, "the ban again")
        server.run("nft", "flush", "ruleset")
        assert following.process.wait(30) not in (0, None)
        assert "No such file or directory" in following.process.text()


def test_ipset_takes_a_whole_list_and_its_changes(spaces, daemon, tmp_path):
    server = spaces[0]
    daemon.control("ban", "add", STRANGER_V6)
    daemon.control("ban", "add", "203.0.113.0/24", "--duration", "60d")
    for _ in range(2):
        server.run("ipset", "restore", input=daemon.control("export", "--format", "ipset"))
    held = server.run("ipset", "list", "-output", "save")
    assert f"add sipguardd6 {STRANGER_V6} timeout 0" in held and "add sipguardd4 203.0.113.0/24 timeout 21474" in held
    follow = f"{SIPGUARDCTL} --socket {daemon.admin} export --format ipset --follow --interval 0.2 | ipset restore"
    process = Process(server.command("bash", "-o", "pipefail", "-c", follow), tmp_path, "ipset")

    def is_member(address):
        return subprocess.run(server.command("ipset", "test", "sipguardd4", address), capture_output=True,
                              timeout=30).returncode == 0

    try:
        daemon.control("ban", "add", STRANGER, "--duration", "1h")
        wait_until(lambda: is_member(STRANGER), 30, "the new ban")
        daemon.control("ban", "remove", STRANGER)
        wait_until(lambda: not is_member(STRANGER), 30, "the ban is lifted")
        assert is_member("203.0.113.77") and process.running(), process.text()
    finally:
        process.stop(2)


def test_pf_and_plain_are_what_their_readers_expect(daemon):
    daemon.control("ban", "add", "2001:db8::/64")
    daemon.control("ban", "add", "203.0.113.9", "--duration", "1h")
    assert re.fullmatch(r"203\.0\.113\.9 3(600|5\d\d)\n2001:db8::/64 -\n", daemon.control("export", "--format", "plain"))
    # pf.conf(5): table <NAME> persist { ADDRESS ADDRESS }; Debian has no program that could read it
    assert daemon.control("export", "--format", "pf", "--set", "scanners") == \
        "table <scanners> persist { 203.0.113.9 2001:db8::/64 }\n"
    assert daemon.control("export", "--format", "pf", "-6") == "table <sipguardd> persist { 2001:db8::/64 }\n"


def test_the_unit_starts_what_is_there():
    unit = (FIREWALL / "sipguardd-nft.service").read_text()
    started = re.findall(r"^ExecStart(?:Pre)?=(.*)$", unit, re.M)
    assert started == ["/usr/sbin/nft -f /etc/sipguardd/sipguardd.nft",
                       "/usr/local/sbin/sipguard-nft --socket /run/sipguardd/read.sock"]
    page = (FIREWALL / "README.md").read_text()
    for name in ("sipguardd.nft", "sipguard-nft", "sipguardd-nft.service", "redirect.nft", "responder.cfg"):
        assert f"`{name}`" in page and (FIREWALL / name).exists()


@pytest.mark.parametrize("plain", [False, True])
def test_a_responder_ends_a_running_attack_while_the_pbx_works_on(spaces, tmp_path, plain):
    """The PBX asks nobody: the redirection alone ends it."""
    server, stranger, phone = spaces
    server.run("nft", "-f", FIREWALL / "redirect.nft")
    pbx = Proxy(tmp_path, {"110": "secret", "2002": "b8Hn2L"}, "none", defines=["WITHOUT_SIPGUARD"],
                address="0.0.0.0", port=SIP)
    pbx.arguments = server.command(*pbx.arguments)
    (tmp_path / "responder").mkdir()
    ctl = tmp_path / "responder/ctl"
    responder = Process(
        server.command("kamailio", "-f", FIREWALL / "responder.cfg", "-DD", "-E", "-m", "32", "-M", "8",
                       "-Y", tmp_path / "responder", "-P", tmp_path / "responder/pid",
                       "-A", "LISTEN=udp:0.0.0.0:5070", "-A", f'CTL="unix:{ctl}"',
                       *(["-A", "WITH_PLAIN"] if plain else [])), tmp_path, "responder")
    tool = None

    def answers(ctl, status):
        """How many stateless replies Kamailio has sent."""
        done = subprocess.run(["kamcmd", "-s", f"unix:{ctl}", "sl.stats"], capture_output=True, text=True, timeout=30)
        found = re.search(rf"^\s*{status}: (\d+)$", done.stdout, re.M)
        return int(found[1]) if found else None

    try:
        pbx.start()
        wait_until(lambda: answers(ctl, 200) is not None or not responder.running(), 60, "the responder is ready")
        assert responder.running(), responder.text()
        with phone.inside():
            handset = Phone(types.SimpleNamespace(address=SERVER_FOR_PHONE, port=SIP), "2002", "b8Hn2L", PHONE)
        tool = Process(
            stranger.command("/usr/bin/svcrack", "-u", "110", "-r", "10000-99999", "-x", STRANGER, "-p", SIP,
                             SERVER_FOR_STRANGER), tmp_path, "svcrack")
        wait_until(lambda: (answers(pbx.ctl, 401) or 0) > 50 or not tool.running(), 60, "the attack runs")
        assert tool.running(), tool.text()
        server.run("nft", "add element inet sipguardd_redirect attackers4 { " + STRANGER + " timeout 10m }")
        with Busyness() as busyness:
            before = answers(pbx.ctl, 401)
            assert tool.wait(60) is not None, "svcrack goes on"
            after = answers(pbx.ctl, 401)
        # what was under way when the set took effect, no more: on a busy machine so many as are sent meanwhile
        late = int(max(0, busyness.worst - BUSY) / SELECT_TIME)
        assert after - before <= 5 + late, (before, after)
        assert 1 <= answers(ctl, 200) <= 15 + late
        held = server.run("nft", "list", "table", "inet", "sipguardd_redirect")
        assert all(int(count) > 0 for count in re.findall(r"ip [sd]addr .* counter packets (\d+)", held)), held
        assert handset.register()[0] == 401 and handset.register()[0] == 200
        # and nobody else gets to the responder
        with phone.inside():
            direct = Phone(types.SimpleNamespace(address=SERVER_FOR_PHONE, port=5070), "2002", "b8Hn2L", PHONE)
        assert direct.register(0.5)[0] is None
    finally:
        for process in (tool, responder, pbx):
            if process:
                process.stop()
