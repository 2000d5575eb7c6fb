#!/usr/bin/env python3
"""Floods a sipguardd with millions of forged sources, one message each, and looks for what was lost.

Before: banned, trusted and active sources. Behind: how many of them are still what they were, and how much memory the daemon took
at most. In turn with slices of the flood: calm, and the same load from 1,000 sources, to compare what a verdict for somebody else
takes meanwhile.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import servers

sys.path.insert(0, str(servers.HERE.parent / "Tests/Integration"))
import crowd  # noqa: E402

# Active: who has asked more than once, and within the last ten minutes. A run must not take longer.
BANNED, TRUSTED, ACTIVE, CROWD = 1000, 10000, 10000, 1000
TARGETS_ASKED = 5                                # of the policy's options-sweep: 15 in 12 hours
MEMORY = [256, 64]                               # MiB, the ceilings
SLICES = 10

GROUPS = {"banned": (10, BANNED), "trusted": (11, TRUSTED), "active": (12, ACTIVE)}


def sources(name):
    return crowd.sources(*GROUPS[name])


def prepare(client):
    """Half of the banned ones by hand, half by what they did; active ones have used a third of a limit."""
    banned = sources("banned")
    client.ask("ban.add", ({"address": one, "duration": "12h"} for one in banned[::2]))
    scan = {"method": "REGISTER", "user_agent": "friendly-scanner", "transport": "udp", "count": 60}
    for _ in range(3):
        client.ask("guard.check", (scan | {"source_ip": one} for one in banned[1::2]))
    login = {"outcome": "auth_ok", "user": "1001", "transport": "udp"}
    client.ask("guard.report", (login | {"source_ip": one} for one in sources("trusted")))
    for number in range(TARGETS_ASKED):
        question = {"method": "OPTIONS", "transport": "udp", "from_user": "1001", "ruri": f"sip:{200 + number}@192.0.2.1",
                    "to_user": str(200 + number)}
        client.ask("guard.check", (question | {"source_ip": one} for one in sources("active")))


def state(client):
    """How many of each kind are what they are to be."""
    shown = {name: client.ask("source.show", ({"source": one} for one in sources(name))) for name in GROUPS}
    question = {"method": "REGISTER", "transport": "udp", "from_user": "1001"}
    refused = client.ask("guard.check", (question | {"source_ip": one} for one in sources("banned")))
    return {
        "banned": sum(one["ban"] is not None for one in shown["banned"]),
        "refused": sum(result["verdict"] == "drop" for result in refused),
        "trusted": sum(one["trust"]["trusted"] for one in shown["trusted"]),
        "active": sum(one["requests"] == TARGETS_ASKED for one in shown["active"]),
        "counters": sum(
            any(limit["name"] == "options-sweep" and limit["used"] == TARGETS_ASKED for limit in one["limits"])
            for one in shown["active"]),
    }


WHOLE = {"banned": BANNED, "refused": BANNED, "trusted": TRUSTED, "active": ACTIVE, "counters": ACTIVE}


def write(directory):
    """The probe, and the flood's two messages: a phone's and a scanner's."""
    for name, source, message in [
        ("probe", "192.0.2.10", "register"), ("phone", "@SOURCE@", "register"), ("scanner", "@SOURCE@", "scanner"),
    ]:
        text = (servers.HERE / "requests" / f"{message}.sip").read_text().replace("\n", "\r\n")
        params = {"source_ip": source, "source_port": 5060, "transport": "udp", "local_ip": "203.0.113.10", "local_port": 5060,
                  "node": "kamailio", "length": len(text), "message": text}
        line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "guard.check", "params": params}, separators=(",", ":"))
        (directory / f"{name}.json").write_text(line + "\n")


def load(path, directory, *options):
    words = [servers.BUILD / "bench-forged", "-s", path, "-q", directory / "probe.json", *options]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise servers.Failure(f"the flood: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout)


def one_slice(path, directory, messages, number):
    flood = ["-f", directory / "phone.json", "-f", directory / "scanner.json", "-n"]
    return {
        "calm": load(path, directory, "-t", 2),
        "crowd": load(path, directory, *flood, max(messages // 5, 10000), "-k", CROWD),
        "forged": load(path, directory, *flood, messages, "-o", number * messages),
    }


def one_run(messages, memory, directory):
    paths = {role: directory / f"{role}-{memory}.sock" for role in ("ask", "admin")}
    listeners = [{"unix": str(path), "role": role, "mode": "0600"} for role, path in paths.items()]
    configuration = servers.configuration(directory, paths["ask"], listeners=listeners, memory=f"{memory}MiB")
    server = servers.Server(servers.start([servers.DAEMON, "--config", configuration], directory, paths["ask"]), paths["ask"])
    try:
        servers.wait("sipguardd", server)
        client = crowd.Client(paths["admin"])
        prepare(client)
        before = state(client)
        if before != WHOLE:
            raise servers.Failure(f"before the flood: {before}")
        slices = [one_slice(paths["ask"], directory, messages // SLICES, number) for number in range(SLICES)]
        memory_peak = crowd.peak(server.process.pid)
        after = state(client)
    finally:
        server.process.terminate()
        servers.end(server.process)
    return {
        "memory": memory, "messages": messages // SLICES * SLICES,
        "rate": statistics.median(messages // SLICES / one["forged"]["seconds"] for one in slices),
        "peak": memory_peak, "lost": {name: WHOLE[name] - after[name] for name in WHOLE},
        "p99": {name: statistics.median(one[name]["p99"] for one in slices) for name in ("calm", "crowd", "forged")},
        "against": {
            name: statistics.median(one["forged"]["p99"] / one[name]["p99"] for one in slices) for name in ("calm", "crowd")},
    }


def measure(messages):
    """One run for each ceiling; as many as went well, and what went wrong with the next one."""
    servers.compile("forged")
    runs = []
    with tempfile.TemporaryDirectory(prefix="sipguardd-bench-") as name:
        directory = pathlib.Path(name)
        write(directory)
        for memory in MEMORY:
            try:
                runs.append(one_run(messages, memory, directory))
            except (servers.Failure, subprocess.TimeoutExpired, ValueError, OSError) as failure:
                return runs, f"forged sources, {memory} MiB: {failure}"
    return runs, None


def table(runs):
    if not runs:
        return []
    lines = [
        "| forged sources | ceiling MiB | messages/s | peak MiB | lost: bans | trust | active | counters | p99 µs | in calm | "
        "same load, 1,000 sources |", "|--:|" + "--:|" * 10]
    for run in runs:
        lost = run["lost"]
        times = (f"{run['p99'][name]:.0f}" for name in ("forged", "calm", "crowd"))
        cells = [
            f"{run['messages']:,}", run["memory"], f"{run['rate']:,.0f}", f"{run['peak']:.0f}",
            max(lost["banned"], lost["refused"]), lost["trusted"], lost["active"], lost["counters"], *times]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000_000, help="at most 2^24")
    chosen = parser.parse_args()
    servers.run(["swift", "build", "-c", "release", "--product", "sipguardd"], cwd=servers.HERE.parent, stdout=sys.stderr)
    runs, failure = measure(chosen.messages)
    print("\n".join(table(runs)))
    if failure:
        raise servers.Failure(failure)


if __name__ == "__main__":
    try:
        main()
    except servers.Failure as failure:
        sys.exit(f"bench: {failure}")
