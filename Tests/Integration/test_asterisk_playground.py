"""The playground with a real Asterisk says where it is, can be attacked, and leaves nothing behind."""

import os
import re
import signal
import subprocess

import pytest

from harness import ROOT, Process, free_port
from test_playground import nothing_is_left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_playground_with_asterisk_comes_and_goes(tmp_path, capture, number):
    port = capture.watch(free_port())
    child = subprocess.Popen(
        [str(ROOT / "scripts/playground"), "--port", str(port), "--asterisk"], stdout=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        lines = []
        while not lines or lines[-1] != "ready":
            line = child.stdout.readline()
            assert line, "the playground ended"
            lines.append(line.rstrip("\n"))
        assert lines[0] == f"proxy: udp:127.0.0.1:{port}"
        assert re.fullmatch(r"socket: /\S+", lines[1])
        users = {line.split()[1]: line.split()[2] for line in lines[2:-1] if line.startswith("account: ")}
        assert len(users) == len(lines) - 3 >= 3
        tool = Process(["/usr/bin/svcrack", "-p", port, "-P", free_port(), "-u", "1001", "-r", "1000-9999", "127.0.0.1"],
                       tmp_path, "tool")
        assert tool.wait(60) is not None, "the attack goes on"
        assert "| 1001 " in tool.text() and users["1001"] not in tool.text()
        assert len(capture.requests(port)) < 200
    finally:
        os.kill(child.pid, number)
        status = child.wait(60)
    assert status == 0
    nothing_is_left(tmp_path, tool, port)
