"""From exec to the first verdict, with nothing to bring back and with 100,000 bans.

The first question is about one of the banned, and must be answered as that: nothing is served before everything is known.
"""

import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import time
from ipaddress import ip_address

import servers

BANS = 100_000
# Addresses as an attack from everywhere has them; the generator is that of Knuth's MMIX, so that each run has the same.
FACTOR, ADDEND = 6364136223846793005, 1442695040888963407


def addresses():
    """So many different public addresses."""
    value, found = 1, {}
    while len(found) < BANS:
        value = (value * FACTOR + ADDEND) % 2**64
        first = 1 + (value >> 32) % 126
        found[f"{first}.{value >> 40 & 255}.{value >> 48 & 255}.{value >> 56 & 255}"] = None
    return list(found)


def states(directory):
    """State files by name, and an address that is banned in each: the first, which finds a place in any table."""
    now = int(time.time())
    everybody = addresses()
    lines = {
        "nothing": [],
        "sources": [f"source\t{address}\t{now}\t{now + 86400}\t1\t1\t7" for address in everybody],
        # The daemon writes these in the order of their addresses.
        "by hand": [f"ban\t{address}\t{now}\t{now + 86400}\tadmin\tflood" for address in sorted(everybody, key=ip_address)],
    }
    for name, content in lines.items():
        text = "\n".join(["sipguardd-state\t2", *content, f"end\t{len(content) + 2}"]) + "\n"
        (directory / f"{name}.state").write_text(text)
    return list(lines), everybody[0]


def first_verdict(directory, state, banned):
    """Milliseconds."""
    path = directory / "start.sock"
    shutil.copy(directory / f"{state}.state", directory / "state")
    words = [servers.DAEMON, "--listen", f"unix:{path},role=ask,mode=0600", "--state-file", directory / "state"]
    call = {"jsonrpc": "2.0", "id": 1, "method": "guard.check", "params": {"source_ip": banned, "method": "OPTIONS"}}
    began = time.perf_counter()
    process = servers.start(words, directory, path)
    try:
        reply = json.loads(answer(process, path, (json.dumps(call) + "\n").encode()))
        took = (time.perf_counter() - began) * 1000
    finally:
        process.terminate()
        servers.end(process)
    expected = "pass" if state == "nothing" else "drop"
    if reply.get("result", {}).get("verdict") != expected:
        raise servers.Failure(f"the first verdict after a start with {state} is {reply}")
    return took


def answer(process, path, line):
    deadline = time.perf_counter() + 10
    while time.perf_counter() < deadline and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(line)
            return client.recv(4096)
        time.sleep(0.0005)
    raise servers.Failure(f"sipguardd does not start:\n{servers.log_of(path).read_text(errors='replace')}")


def measure(directory, rounds):
    """Median milliseconds by what was brought back; they take turns."""
    names, banned = states(directory)
    took = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            took[name].append(first_verdict(directory, name, banned))
    return {f"start, {name}": statistics.median(times) for name, times in took.items()}
