"""Makes the table, the figures for machines, and what they were measured on."""

import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time

import servers
import workloads

KEYS = ["rate", "p50", "p99", "cpu", "memory"]
HEAD = [
    "asked", "connections", "server", "round trips/s", "p50 µs", "p99 µs", "CPU µs/request", "memory MB",
]
REFERENCES = ["C echo", workloads.BY_HAND, "C + jansson", "Redis"]


def figures(results):
    """One row for each request form, number of connections and server: medians, and median ratios to the references."""
    rows = []
    for (workload, connections, server), rounds in results.items():
        row = {"asked": workload, "connections": connections, "server": server, "rounds": len(rounds)}
        row |= {key: statistics.median(result[key] for result in rounds) for key in KEYS}
        if server in (workloads.OURS, workloads.BY_HAND, workloads.LESS_LOGGED):
            row["ratios"] = {name: ratios(rounds, other) for name, other in references(results, workload, connections, server)}
        rows.append(row)
    names = [workload.name for workload in workloads.ALL]
    return sorted(rows, key=lambda row: (row["connections"], names.index(row["asked"])))


def references(results, workload, connections, server):
    """What else was asked the same, and Redis, which was asked for a counter."""
    for name in REFERENCES:
        if name == server:
            continue
        found = results.get(("counter" if name == "Redis" else workload, connections, name))
        if found:
            yield name, found


def ratios(ours, theirs):
    """Medians over the rounds of ours divided by theirs in the same round."""
    return {
        key: statistics.median(our[key] / their[key] for our, their in zip(ours, theirs) if their[key])
        for key in ("rate", "p50", "p99", "cpu")
    }


def table(results):
    titles = {workload.name: workload.title for workload in workloads.ALL}
    head = HEAD + [f"× {name}" for name in REFERENCES]
    lines = ["| " + " | ".join(head) + " |", "|---|--:|---|" + "--:|" * (len(head) - 3)]
    for row in figures(results):
        found = row.get("ratios", {})
        ratio = [f"{found[name]['rate']:.2f}" if name in found else "" for name in REFERENCES]
        cells = [
            titles[row["asked"]], str(row["connections"]), row["server"], f"{row['rate']:,.0f}", f"{row['p50']:.1f}",
            f"{row['p99']:.0f}", f"{row['cpu']:.1f}", f"{row['memory'] / 1e6:.0f}", *ratio,
        ]
        emphasis = "**" if row["server"] == workloads.OURS else ""
        lines.append("| " + " | ".join(f"{emphasis}{cell}{emphasis}" if cell else "" for cell in cells) + " |")
    return lines


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=servers.HERE)
    except OSError:
        return "unknown"
    return (done.stdout or done.stderr).strip().split("\n")[0]


def redis_version():
    """From `Redis server v=7.0.15 ...` or `redis-check-rdb 7.0.15`."""
    return re.search(r"\d+(\.\d+)+", first_line(servers.redis(), "--version"))[0]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().split("\n"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def circumstances(chosen, began):
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    rounds = f"{chosen.rounds} of {chosen.slice} s for each row, interleaved; medians; load average at the end {load}"
    return {
        "machine": f"{processor()}, {len(os.sched_getaffinity(0))} cores, kernel {platform.release()}",
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(began)),
        "command": " ".join(["Benchmarks/run", *sys.argv[1:]]),
        "rounds": rounds,
        "versions": ", ".join(versions()),
    }


def versions():
    return [
        first_line(servers.DAEMON, "--version"), f"commit {first_line('git', 'describe', '--always', '--dirty')}",
        first_line("swift", "--version").split(" (")[0], f"Redis {redis_version()}",
        f"jansson {servers.jansson_version()}", first_line("gcc", "--version"),
    ]
