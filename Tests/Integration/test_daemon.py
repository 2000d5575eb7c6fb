"""The daemon as its administrator meets it: start, signals, sockets, exit codes, notification, state."""

import json
import os
import pathlib
import signal
import socket
import stat
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness import ROOT, SIPGUARDD, Daemon, Process, wait_until
from test_protocol import Client


def run(*arguments, **more):
    return subprocess.run([SIPGUARDD, *map(str, arguments)], capture_output=True, text=True, timeout=60, **more)


def test_sigterm_answers_what_was_received_and_leaves_no_socket(tmp_path):
    daemon = Daemon(tmp_path).start()
    client = Client(daemon.socket)
    for number in range(200):
        client.file.write(b'{"jsonrpc":"2.0","id":%d,"method":"daemon.ping"}\n' % number)
    client.file.flush()
    assert client.receive()["id"] == 0
    daemon.process.signal(signal.SIGTERM)
    assert [client.receive()["id"] for _ in range(199)] == list(range(1, 200))
    assert client.file.readline() == b""
    assert daemon.process.wait(30) == 0
    assert not daemon.socket.exists() and not daemon.admin.exists()


def test_sighup_reads_the_policy_again(tmp_path):
    daemon = Daemon(tmp_path).start()
    try:
        client = Client(daemon.admin)
        daemon.policy.write_text("version: 1\nextends: default\nmode: shadow\n")
        daemon.process.signal(signal.SIGHUP)
        wait_until(lambda: client.call("policy.show")["mode"] == "shadow", 20, "the new policy is in force")
        daemon.policy.write_text("version: 1\nmodus: off\n")
        daemon.process.signal(signal.SIGHUP)
        wait_until(lambda: client.call("stats.get")["policy"]["failed_reloads"] == 1, 20, "the bad policy is refused")
        assert client.call("policy.show")["mode"] == "shadow"
        wait_until(lambda: "policy.yaml:2" in daemon.process.text(), 20, "the mistake is logged with its line")
    finally:
        daemon.stop()


def names_of_threads(pid):
    names = set()
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/comm"):
        try:
            names.add(path.read_text())
        except OSError:                          # it has ended
            pass
    return names


def test_threads_have_names(tmp_path):
    daemon = Daemon(tmp_path).start()
    try:
        assert daemon.answers()
        names = names_of_threads(daemon.process.child.pid)
        assert any(name.startswith("accept-unix:") for name in names), names
    finally:
        daemon.stop()


def test_kill_leaves_a_dead_socket_that_the_next_start_replaces(tmp_path):
    daemon = Daemon(tmp_path).start()
    daemon.process.signal(signal.SIGKILL)
    daemon.process.wait(5)
    assert daemon.socket.exists()
    daemon.start()
    assert daemon.answers()
    daemon.stop()


def test_a_second_daemon_does_not_take_the_socket_away(tmp_path):
    daemon = Daemon(tmp_path).start()
    try:
        done = run("--listen", f"unix:{daemon.socket}")
        assert done.returncode == 73 and "another process is listening" in done.stderr
        assert daemon.answers()
    finally:
        daemon.stop()


def test_a_file_in_the_sockets_place_is_left_alone(tmp_path):
    place = tmp_path / "ask.sock"
    place.write_text("precious")
    done = run("--listen", f"unix:{place}")
    assert done.returncode == 73 and "not a socket" in done.stderr
    assert place.read_text() == "precious"


def test_mode_and_group_of_a_socket_are_as_configured(tmp_path):
    place = tmp_path / "ask.sock"
    daemon = Process([SIPGUARDD, "--listen", f"unix:{place},mode=0622,group={os.getgid()}"], tmp_path, "d")
    try:
        wait_until(lambda: place.exists() and stat.S_IMODE(place.stat().st_mode) == 0o622, 20, "the mode is set")
        assert place.stat().st_gid == os.getgid()
    finally:
        daemon.stop()


@pytest.mark.parametrize("arguments, code, says", [
    (["--listen", "somewhere"], 64, "no listener"),
    (["--memory", "lots"], 64, "64MiB"),
    (["--no-such-flag"], 64, "no-such-flag"),
    (["--log-level", "loud"], 64, "loud"),
    (["--config", "/nonexistent.yaml"], 78, "/nonexistent.yaml"),
    (["--policy", "/nonexistent.yaml"], 78, "/nonexistent.yaml"),
    (["--listen", "unix:/nonexistent/folder/a.sock"], 71, "/nonexistent/folder/a.sock"),
    (["--listen", "unix:/" + "x" * 120], 73, "at most 107"),
    (["--listen", "tcp:127.0.0.1:1,role=admin"], 73, "admin"),
    (["--listen", "tcp:198.51.100.1:4571"], 73, "loopback"),
    (["--check-config", "--listen", "tcp:0.0.0.0:4571,role=ask"], 73, "loopback"),
    (["--listen", "unix:/tmp/never.sock,group=no-such-group"], 73, "no-such-group"),
])
def test_a_wrong_start_says_what_is_wrong(arguments, code, says):
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr


def test_check_config_reports_every_mistake_of_both_files(tmp_path):
    configuration, policy = tmp_path / "sipguardd.yaml", tmp_path / "policy.yaml"
    policy.write_text("version: 1\nextends: default\nthreshold: high\nmood: good\n")
    configuration.write_text(f"policy: {policy}\n")
    done = run("--config", configuration, "--check-config")
    assert done.returncode == 78
    assert "policy.yaml:3: threshold" in done.stderr and "policy.yaml:4" in done.stderr
    configuration.write_text(f"policy: {policy}\nmemory: much\nlog: loud\n")
    done = run("--config", configuration, "--check-config")
    assert done.returncode == 78
    assert "sipguardd.yaml:2: memory" in done.stderr and "sipguardd.yaml:3: log" in done.stderr
    policy.write_text("version: 1\nextends: default\n")
    configuration.write_text(f"policy: {policy}\n")
    done = run("--config", configuration, "--check-config")
    assert done.returncode == 0 and "good" in done.stdout


def test_systemd_is_told_when_the_daemon_is_ready_reloads_and_stops(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        process = Process([SIPGUARDD, "--listen", f"unix:{tmp_path}/ask.sock"], tmp_path, "d",
                          env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        try:
            assert manager.recv(100) == b"READY=1"
            assert Client(tmp_path / "ask.sock").call("daemon.ping")["pong"] is True
            process.signal(signal.SIGHUP)
            assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(100) == b"READY=1"
            process.signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(20) == 0
        finally:
            process.stop()


def test_systemds_watchdog_is_fed_while_questions_are_answered(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        process = Process([SIPGUARDD, "--listen", f"unix:{tmp_path}/ask.sock"], tmp_path, "d",
                          env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2400000"})
        try:
            first = {manager.recv(100) for _ in range(3)}
            assert first == {b"READY=1", b"WATCHDOG=1"}
            # Nobody can ask any more: systemd has to hear of it by hearing nothing.
            (tmp_path / "ask.sock").rename(tmp_path / "elsewhere")
            wait_until(lambda: "was not answered" in process.text(), 20, "the daemon notices")
            manager.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    manager.recv(100)
            manager.settimeout(2)
            with pytest.raises(TimeoutError):
                manager.recv(100)
            (tmp_path / "elsewhere").rename(tmp_path / "ask.sock")
            manager.settimeout(20)
            assert manager.recv(100) == b"WATCHDOG=1"
            assert process.text().count("was not answered") == 1
        finally:
            process.stop()


def test_log_formats(tmp_path):
    for name, first in (("journald", "<6>"), ("text", "20"), ("json", "{")):
        folder = tmp_path / name
        folder.mkdir()
        process = Process([SIPGUARDD, "--listen", f"unix:{folder}/a.sock", "--log-format", name], folder, "d")
        try:
            wait_until(lambda: "ready" in process.text(), 20, "the daemon is ready")
            for line in process.text().splitlines():
                assert line.startswith(first) or line.startswith("<5>")
                if name == "json":
                    assert {"time", "level", "message"} <= set(json.loads(line))
        finally:
            process.stop()


def test_bans_outlive_a_restart(tmp_path):
    arguments = [SIPGUARDD, "--listen", f"unix:{tmp_path}/admin.sock,role=admin", "--state-file", f"{tmp_path}/state.json"]
    process = Process(arguments, tmp_path, "first")
    wait_until(lambda: "ready" in process.text(), 20, "the daemon is ready")
    Client(tmp_path / "admin.sock").call("ban.add", address="203.0.113.7", duration="1h", comment="kept")
    process.stop()
    process = Process(arguments, tmp_path, "second")
    try:
        wait_until(lambda: "ready" in process.text(), 20, "the daemon is ready")
        client = Client(tmp_path / "admin.sock")
        assert client.call("ban.list")["bans"][0]["comment"] == "kept"
        assert client.call("guard.check", source_ip="203.0.113.7", method="OPTIONS")["verdict"] == "drop"
    finally:
        process.stop()


def test_memory_stays_below_its_ceiling_whatever_comes(tmp_path):
    place = tmp_path / "ask.sock"
    process = Process([SIPGUARDD, "--listen", f"unix:{place}", "--memory", "16MiB"], tmp_path, "d")

    def resident():
        status = pathlib.Path(f"/proc/{process.child.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    try:
        wait_until(lambda: "ready" in process.text(), 20, "the daemon is ready")
        client = Client(place)
        sent = 0
        for block in range(40):
            lines = [b'{"jsonrpc":"2.0","method":"guard.check","params":{"source_ip":"10.%d.%d.%d","method":"OPTIONS"}}\n'
                     % (block, n >> 8, n & 255) for n in range(5000)]
            client.file.write(b"".join(lines))
            sent += len(lines)
        client.send('{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}')
        client.socket.settimeout(60)
        assert client.receive()["result"]["pong"] is True
        assert sent == 200_000 and resident() < 16 + 32
    finally:
        process.stop()


def test_the_packaged_configuration_is_good():
    done = run("--config", ROOT / "packaging/sipguardd.yaml", "--check-config")
    assert done.returncode == 0, done.stderr


def test_the_metrics_are_what_prometheus_reads(tmp_path):
    """With Prometheus' own reader for Python; no count is told twice."""
    daemon = Daemon(tmp_path).start()
    try:
        client = Client(daemon.socket)
        scan = {"source_ip": "198.51.100.7", "method": "REGISTER", "user_agent": "friendly-scanner"}
        for _ in range(3):
            client.call("guard.check", **scan)
        printed = daemon.control("stats", "--prometheus")
    finally:
        daemon.stop()
    samples = {}
    for family in text_string_to_metric_families(printed):
        assert family.type in ("counter", "gauge") and family.documentation, family
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in samples
            samples[key] = sample.value
    verdicts = [value for key, value in samples.items() if key[0] == "sipguardd_requests_total"]
    assert len(verdicts) == 4 and sum(verdicts) == 3
    assert samples["sipguardd_signature_hits_total", ("signature", "ua-friendly-scanner")] == 3
    assert samples["sipguardd_listener_requests_total", ("listener", f"unix:{daemon.socket}")] >= 3
    assert samples["sipguardd_table_capacity", ("table", "sources")] > 1000
