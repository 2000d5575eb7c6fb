"""The playground says where it is, can be attacked, and leaves nothing behind."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from attacks import SELECT_TIME, Attack
from harness import ROOT, Process, free_port, wait_until


def nothing_is_left(folder, tool, port):
    """Of a playground that has ended: no file but the tool's log, no process, and the port is free."""
    assert list(folder.iterdir()) == [tool.log]
    wait_until(lambda: processes_of(folder) == [], 10, "no process is left")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", port))


def processes_of(folder):
    """Command lines that name the folder."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(entry)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("antiflood", [None, "stock"], ids=["sipguardd", "stock"])
def test_a_playground_comes_and_goes(tmp_path, capture, number, antiflood):
    port = capture.watch(free_port())
    arguments = [ROOT / "scripts/playground", "--port", port] + (["--antiflood", antiflood] if antiflood else [])
    child = subprocess.Popen(
        [str(a) for a in arguments], stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        lines = []
        while not lines or lines[-1] != "ready":
            line = child.stdout.readline()
            assert line, "the playground ended"
            lines.append(line.rstrip("\n"))
        assert lines[0] == f"proxy: udp:127.0.0.1:{port}"
        assert re.fullmatch(r"socket: (none|/\S+)", lines[1]) and (lines[1] == "socket: none") == bool(antiflood)
        assert len(lines) >= 5 and all(re.fullmatch(r"account: \S+ \S+ \S+", line) for line in lines[2:-1])
        tool = Process(Attack("svwar", "REGISTER", "compact", "start").command(port, free_port()), tmp_path, "tool")
        wait_until(lambda: capture.answers(port), 30, "an answer")
        if antiflood:
            wait_until(lambda: len(capture.requests(port)) > 30, 30, "the attack goes on")
        else:
            assert tool.wait(60) == 0
            requests = capture.requests(port)
            # the tool waits so long for an answer before it sends the next message
            stopped = next(answer.time for answer in capture.answers(port) if answer.status == 200)
            assert len(requests) <= 3 + int((stopped - requests[0].time) / SELECT_TIME)
        tool.stop(1)
    finally:
        os.kill(child.pid, number)
        status = child.wait(60)
    assert status == 0
    nothing_is_left(tmp_path, tool, port)


def test_a_port_in_use_is_said(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = subprocess.run(
            [ROOT / "scripts/playground", "--port", str(port)], capture_output=True, text=True, timeout=60,
            env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 1
    assert f"udp:127.0.0.1:{port}" in done.stderr and "in use" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
