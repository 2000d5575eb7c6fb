"""Millions of forged sources push out each other and nobody else: the short form of what `make bench` measures."""

import threading

import pytest

from crowd import Client, peak, sources
from harness import Daemon

BANNED, TRUSTED, ACTIVE, FORGED = 100, 300, 300, 300_000
POLICY = "version: 1\nextends: default\nown_addresses: []\n"
CEILING = 4                                      # MiB: some 15,000 sources


@pytest.fixture
def daemon(tmp_path):
    configuration = tmp_path / "sipguardd.yaml"
    configuration.write_text(f"memory: {CEILING}MiB\n")
    daemon = Daemon(tmp_path, POLICY)
    daemon.configuration = configuration
    yield daemon.start()
    daemon.stop()


def prepare(client):
    client.ask("ban.add", ({"address": one, "duration": "1h"} for one in sources(10, BANNED)[::2]))
    scan = {"method": "REGISTER", "user_agent": "friendly-scanner", "transport": "udp", "count": 60}
    for _ in range(3):
        client.ask("guard.check", (scan | {"source_ip": one} for one in sources(10, BANNED)[1::2]))
    login = {"outcome": "auth_ok", "user": "1001", "transport": "udp"}
    client.ask("guard.report", (login | {"source_ip": one} for one in sources(11, TRUSTED)))
    for user in range(200, 205):
        question = {"method": "OPTIONS", "transport": "udp", "ruri": f"sip:{user}@192.0.2.1", "to_user": str(user)}
        client.ask("guard.check", (question | {"source_ip": one} for one in sources(12, ACTIVE)))


def state(client):
    shown = {group: client.ask("source.show", ({"source": one} for one in sources(group, count)))
             for group, count in ((10, BANNED), (11, TRUSTED), (12, ACTIVE))}
    return {
        "banned": sum(one["ban"] is not None for one in shown[10]),
        "trusted": sum(one["trust"]["trusted"] for one in shown[11]),
        "active": sum(one["requests"] == 5 for one in shown[12]),
        "counters": sum(any(limit["name"] == "options-sweep" and limit["used"] == 5 for limit in one["limits"]) for one in shown[12]),
    }


def flood(daemon, first, count):
    client = Client(daemon.socket)
    agents = ["Yealink SIP-T46S 66.85.0.5", "friendly-scanner"]
    client.ask("guard.check", (
        {"source_ip": f"13.{n >> 16}.{n >> 8 & 255}.{n & 255}", "method": "REGISTER", "transport": "udp", "from_user": "1001",
         "to_user": "1001", "user_agent": agents[n % 2]} for n in range(first, first + count)))


def test_forged_sources_push_out_nobody_who_is_banned_trusted_or_active(daemon):
    client = Client(daemon.admin)
    prepare(client)
    whole = {"banned": BANNED, "trusted": TRUSTED, "active": ACTIVE, "counters": ACTIVE}
    assert state(client) == whole
    threads = [threading.Thread(target=flood, args=(daemon, part * FORGED // 2, FORGED // 2)) for part in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.ask("stats.get", [{}])[0]["requests"]["total"] >= FORGED
    assert state(client) == whole
    question = {"method": "REGISTER", "transport": "udp", "from_user": "1001"}
    verdicts = client.ask("guard.check", (question | {"source_ip": one} for one in sources(10, BANNED)))
    assert {result["verdict"] for result in verdicts} == {"drop"}
    assert peak(daemon.process.child.pid) < CEILING + 32
