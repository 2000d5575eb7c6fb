"""Builds, starts and ends what is measured. Everything lives in one temporary directory and is ended by its process."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import workloads


HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / ".build"
DAEMON = BUILD / "release" / "sipguardd"


class Failure(Exception):
    """Something that keeps the benchmark from being done or from being true."""


class Server:
    """A running server: its process and its socket."""

    def __init__(self, process, path):
        self.process, self.path = process, path

    def memory(self):
        """Resident bytes."""
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def ask(self, line):
        """One line of answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(self.path))
            client.sendall(line.encode())
            return client.makefile().readline()


def with_connections(server, count):
    """Resident bytes while so many connections are open that have each asked."""
    request = {"source_ip": "198.51.100.7", "method": "OPTIONS"}
    line = (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "guard.check", "params": request}) + "\n").encode()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(count)]
        for client in clients:
            client.settimeout(5)
            client.connect(str(server.path))
            for _ in range(20):
                client.sendall(line)
                client.recv(65536)
        return server.memory()


def share_not_logged(server):
    """Of all decisions until now those for which the decision log had no room."""
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "stats.get"}) + "\n"
    stats = json.loads(Server(server.process, f"{server.path}.admin").ask(line))["result"]
    return stats["errors"]["decisions_not_logged"] / max(1, stats["requests"]["total"])


def redis():
    """Debian's redis-tools holds the server too: it is the program redis-check-rdb under another name."""
    return shutil.which("redis-server") or shutil.which("redis-check-rdb")


def build():
    """The C programs and the daemon as it is released."""
    wanted = {
        "gcc": shutil.which("gcc"), "libjansson-dev": shutil.which("pkg-config") and jansson_version(),
        "pkg-config": shutil.which("pkg-config"), "redis-tools": redis(),
    }
    missing = [package for package, found in wanted.items() if not found]
    if missing:
        raise Failure(f"missing: {' '.join(missing)}\n  apt-get install --no-install-recommends {' '.join(missing)}")
    if not shutil.which("swift"):
        raise Failure("missing: swift, see https://www.swift.org/install/linux/")
    compile("load")
    compile_reference()
    for product in ("sipguardd", "sipguard-agi", "micro-bench"):
        run(["swift", "build", "-c", "release", "--product", product], cwd=HERE.parent, stdout=sys.stderr)


def compile(name, *more):
    """One of the programs in C."""
    BUILD.mkdir(exist_ok=True)
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", BUILD / f"bench-{name}"]
    run(["gcc", *flags, HERE / f"{name}.c", *more, "-lpthread"])


def compile_reference():
    """The servers in C."""
    headers = HERE.parent / "Sources" / "CPlatform" / "include"
    compile("reference", "-I", headers, *sorted((HERE / "guard").glob("*.c")), "-ljansson")


def run(command, **options):
    if subprocess.run([str(word) for word in command], **options).returncode:
        raise Failure(f"{command[0]} failed")


def jansson_version():
    found = subprocess.run(["pkg-config", "--modversion", "jansson"], capture_output=True, text=True)
    return found.stdout.strip()


@contextlib.contextmanager
def running(directory):
    """All servers by name, until the block is left."""
    (directory / "redis-server").symlink_to(redis())
    sockets = {name: directory / f"{number}.sock" for number, name in enumerate(COMMANDS)}
    started = {}
    try:
        for name, command in COMMANDS.items():
            started[name] = Server(start(command(directory, sockets[name]), directory, sockets[name]), sockets[name])
        for name, server in started.items():
            wait(name, server)
        load_script(started["Redis"])
        yield started
    finally:
        for server in started.values():
            server.process.terminate()
        for server in started.values():
            end(server.process)


def configuration(directory, path, what="all", **more):
    """A file that has the daemon listen there and write decisions down, unless told otherwise every one."""
    content = {
        "listeners": [
            {"unix": str(path), "role": "ask", "mode": "0600"}, {"unix": f"{path}.admin", "role": "admin", "mode": "0600"}],
        "decision_log": {"path": str(directory / f"{path.stem}.jsonl"), "what": what},
    }
    file = directory / f"{path.stem}.yaml"
    file.write_text(json.dumps(content | more))
    return file


COMMANDS = {
    "C echo": lambda directory, path: [BUILD / "bench-reference", path, "echo"],
    "C + jansson": lambda directory, path: [BUILD / "bench-reference", path, "jansson"],
    workloads.BY_HAND: lambda directory, path: [BUILD / "bench-reference", path, "guard", directory / "by-hand.jsonl"],
    "Redis": lambda directory, path: [
        directory / "redis-server", "--port", "0", "--unixsocket", path, "--unixsocketperm", "600", "--dir", directory,
        "--save", "", "--appendonly", "no", "--daemonize", "no",
    ],
    workloads.OURS: lambda directory, path: [DAEMON, "--config", configuration(directory, path)],
    workloads.LESS_LOGGED: lambda directory, path: [DAEMON, "--config", configuration(directory, path, what="treated")],
}


def start(words, directory, path):
    def die_with_us():
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    with open(log_of(path), "wb") as log:
        return subprocess.Popen(
            [str(word) for word in words], cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            preexec_fn=die_with_us)


def log_of(path):
    return path.with_suffix(".log")


def wait(name, server):
    """Until it takes connections."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and server.process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(str(server.path))
            return
        time.sleep(0.02)
    raise Failure(f"{name} does not start:\n{log_of(server.path).read_text(errors='replace')}")


def end(process):
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def load_script(server):
    if not server.ask(workloads.resp("SCRIPT", "LOAD", workloads.SCRIPT)).startswith("$40"):
        raise Failure("Redis does not take the script")


def prove_policy(server):
    """The figures mean nothing if the policy is not at work: a scanner must be told apart from a phone."""
    request = {"source_ip": "198.51.100.7", "method": "REGISTER", "user_agent": "friendly-scanner"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "guard.check", "params": request}
    reply = json.loads(server.ask(json.dumps(call) + "\n"))
    if reply.get("result", {}).get("verdict") != "ok200":
        raise Failure(f"sipguardd answers a scanner with {reply}")


def prove_ban(server):
    """What the scanner's rows are said to be about: a source that was banned for its flood."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "source.show", "params": {"source": workloads.SCANNER}}
    shown = json.loads(Server(server.process, f"{server.path}.admin").ask(json.dumps(call) + "\n"))
    if not shown.get("result", {}).get("ban"):
        raise Failure(f"the scanner's flood ended without a ban: {shown}")


def load(server, workload, connections, seconds, warm_up, directory):
    """One slice: the generator's figures and the server's memory behind it."""
    words = [BUILD / "bench-load", "-s", server.path, "-e", workload.reply]
    for name in workload.files:
        words += ["-f", directory / name]
    words += ["-c", connections, "-t", seconds, "-w", warm_up, "-p", server.process.pid]
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds + warm_up + 20)
    if done.returncode:
        raise Failure(f"{workload.title} at {connections} connections: {done.stderr.strip() or done.stdout.strip()}")
    return json.loads(done.stdout) | {"memory": server.memory()}
