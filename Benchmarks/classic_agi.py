#!/usr/bin/env python3
"""What sipguard-agi costs from exec to exit beside the same program in C, both played to as Asterisk does.

The programs take turns in one run: trust the ratio. `Benchmarks/run` has it among its figures.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile

import servers

sys.path.insert(0, str(servers.HERE.parent / "Tests/Integration"))
from harness import Daemon  # noqa: E402

C, OURS = "C", "sipguard-agi"


def measure(count):
    """Each program so often: microseconds by program, and the median ratio of the rounds."""
    program = servers.BUILD / "bench-agi"
    servers.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", program, servers.HERE / "agi.c"])
    with tempfile.TemporaryDirectory(prefix="sipguardd-bench-") as folder:
        daemon = Daemon(folder)
        daemon.start()
        try:
            done = subprocess.run(
                [program, "measure", str(count), daemon.socket, program, servers.BUILD / "release/sipguard-agi"],
                capture_output=True, text=True, timeout=120)
        finally:
            daemon.stop()
    if done.returncode:
        raise servers.Failure(f"classic AGI: {done.stderr.strip() or done.stdout.strip()}")
    rounds = {name: [float(one) for one in line.split()] for name, line in zip((C, OURS), done.stdout.splitlines())}
    return {
        "microseconds": {name: statistics.median(times) for name, times in rounds.items()},
        "p25": {name: statistics.quantiles(times, n=4)[0] for name, times in rounds.items()},
        "ratio": statistics.median(ours / theirs for ours, theirs in zip(rounds[OURS], rounds[C])),
    }


def table(measured):
    lines = ["| classic AGI, exec to exit | p25 µs | p50 µs |", "|---|--:|--:|"]
    return lines + [f"| {name} | {measured['p25'][name]:.0f} | {p50:.0f} |" for name, p50 in measured["microseconds"].items()]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="whether it works, not how fast")
    chosen = options.parse_args()
    measured = measure(50 if chosen.quick else 1000)
    print("\n".join(table(measured)))
    print(f"\nsipguard-agi takes {measured['ratio']:.2f} times as long as the same in C (median of the rounds)")


if __name__ == "__main__":
    try:
        main()
    except servers.Failure as failure:
        sys.exit(f"bench: {failure}")
