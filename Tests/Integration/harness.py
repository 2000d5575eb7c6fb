"""Starts and ends real proxies, daemons and tools, and counts their packets on the loopback interface."""

import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

from packet_filter import keep_udp

ROOT = pathlib.Path(__file__).resolve().parents[2]
KAMAILIO = ROOT / "integrations/kamailio"
SIPGUARDD = os.environ.get("SIPGUARDD", str(ROOT / ".build/release/sipguardd"))
SIPGUARDCTL = os.environ.get("SIPGUARDCTL", str(ROOT / ".build/release/sipguardctl"))
REALM = "sip.example.org"
# Kamailio stands in /usr/sbin, which is not in everybody's path.
os.environ["PATH"] += ":/usr/sbin:/sbin"
# On loopback every peer has one of this machine's own addresses; here they count as strangers.
POLICY = "version: 1\nextends: default\nown_addresses: []\n"
OFFICE = "127.0.0.2"
# Counters of sipguard.lua: no verdict came in time, or none was asked for after that.
UNASKED = ("failed_timeout", "failed_connect", "failed_down", "skipped_down", "skipped_budget")


def wait_until(condition, seconds, what):
    """The first true value of `condition`, or a failure that names what did not happen, in words or by a function."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)


_ports_given = set()
_ports_lock = threading.Lock()


def free_port():
    """A port that is free for UDP and TCP on every address, and was not given before."""
    with _ports_lock:
        for port in range(20000 + os.getpid() % 8000, 32000):
            if port in _ports_given:
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
                try:
                    udp.bind(("", port))
                    tcp.bind(("", port))
                except OSError:
                    continue
            _ports_given.add(port)
            return port
    raise AssertionError("no free port")


class Process:
    """A child in a session of its own, so that ending it ends its children too."""

    def __init__(self, arguments, folder, name, log=None, env=None):
        self.log = pathlib.Path(log or pathlib.Path(folder) / f"{name}.log")
        with open(self.log, "ab") as output:
            self.child = subprocess.Popen(
                [str(a) for a in arguments], stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder,
                env={**os.environ, **(env or {})}, start_new_session=True)

    def text(self):
        return self.log.read_text(errors="replace")

    def running(self):
        return self.child.poll() is None

    def signal(self, number):
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass

    def stop(self, seconds=10):
        if self.running():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        self.signal(signal.SIGKILL)
        self.child.wait()

    def wait(self, seconds):
        """The exit status, or None where it had to be ended."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.stop(1)
            return None


class Daemon:
    """sipguardd with its sockets in `folder`; without a policy it uses the built-in one."""

    def __init__(self, folder, policy=POLICY, tcp_port=None):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "ask.sock"
        self.admin = self.folder / "admin.sock"
        self.policy = self.folder / "policy.yaml"
        self.has_policy = policy is not None
        if self.has_policy:
            self.policy.write_text(policy)
        self.tcp_port = tcp_port
        self.listeners = []                      # more than the usual ones, as --listen takes them
        self.configuration = None                # a file that stands beside the usual options
        self.prefix = []                         # a command that runs it elsewhere
        self.process = None

    def start(self, log=None):
        listen = [f"unix:{self.socket},role=ask,mode=0660", f"unix:{self.admin},role=admin,mode=0600"]
        if self.tcp_port:
            listen.append(f"tcp:127.0.0.1:{self.tcp_port},role=ask")
        listen += self.listeners
        arguments = [*self.prefix, SIPGUARDD, "--log-level", "info", "--log-format", "text"]
        if self.has_policy:
            arguments += ["--policy", self.policy]
        if self.configuration:
            arguments += ["--config", self.configuration]
        for one in listen:
            arguments += ["--listen", one]
        self.process = Process(arguments, self.folder, "sipguardd", log)
        wait_until(lambda: self.answers() or not self.process.running(), 30, "sipguardd is ready")
        assert self.process.running(), self.process.text()
        return self

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}\n')
                return b"pong" in client.recv(4096)
        except OSError:
            return False

    def control(self, *arguments):
        done = subprocess.run(
            [SIPGUARDCTL, "--socket", self.admin, *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self):
        if self.process:
            self.process.stop()


class Proxy:
    """A Kamailio with two workers or more, its accounts and its sockets in `folder`."""

    def __init__(self, folder, accounts, sipguard_socket, configuration="kamailio.cfg", defines=(), address="127.0.0.1",
                 port=None, workers=2):
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.address = address
        self.ctl = self.folder / "ctl"
        table = self.folder / "accounts"
        table.mkdir(exist_ok=True)
        rows = [f"{user}:0:0:{password}" for user, password in accounts.items()]
        header = "key_name(string) key_type(int) value_type(int) key_value(string)"
        (table / "account").write_text("\n".join([header, *rows]) + "\n")
        self.arguments = [
            "kamailio", "-f", KAMAILIO / configuration, "-DD", "-E", "-m", "64", "-M", "8",
            "-Y", self.folder, "-P", self.folder / "kamailio.pid",
            "-A", f"LISTEN=udp:{address}:{self.port}", "-A", f"WORKERS={workers}",
            "-A", f'LISTEN_TCP=tcp:{address}:{self.port}',
            "-A", f'REALM="{REALM}"', "-A", f'ACCOUNTS_DB="text://{table}"', "-A", f'CTL="unix:{self.ctl}"',
            "-A", f'SIPGUARD_LUA="{KAMAILIO}/sipguard.lua"', "-A", f'SIPGUARD_SOCKET="{sipguard_socket}"',
        ]
        for define in defines:
            self.arguments += ["-A", define]
        self.process = None

    def start(self):
        self.process = Process(self.arguments, self.folder, "kamailio")
        wait_until(lambda: self.command("core.version") or not self.process.running(), 60, "kamailio is ready")
        assert self.process.running(), self.process.text()
        return self

    def command(self, *words):
        done = subprocess.run(["kamcmd", "-s", f"unix:{self.ctl}", *words], capture_output=True, text=True, timeout=30)
        return done.stdout if done.returncode == 0 else ""

    def counters(self):
        """What sipguard.lua counted in all workers."""
        dump = self.command("htable.dump", "sipguard")
        return {name: int(value) for name, value in re.findall(r"name: (\w+)\s+value: (\d+)", dump)}

    def count(self, name):
        return self.counters().get(name, 0)

    def unasked(self):
        """Requests that passed without a verdict, as they should where this machine is busy: the daemon counts few of those."""
        counters = self.counters()
        return sum(counters.get(name, 0) for name in UNASKED)

    def stop(self):
        if self.process:
            self.process.stop()


class Bench:
    """One proxy and one daemon in a folder of their own, that is gone afterwards with everything in it."""

    def __init__(self, accounts, **options):
        self.folder = tempfile.mkdtemp(prefix="sipguard-")
        try:
            self.set_up(accounts, **options)
        except BaseException:
            self.close()
            raise

    def set_up(self, accounts, leak=True, daemon=True, policy=POLICY, defines=(), tcp=False, **proxy):
        self.daemon = Daemon(self.folder, policy, free_port() if tcp else None)
        defines = list(defines) + (["WITH_LEAK"] if leak else [])
        if tcp:
            server = f"conn=sipguard;addr=127.0.0.1;port={self.daemon.tcp_port};priority=10;weight=10"
            loop = free_port()
            defines += [f'SIPGUARD_SERVER="{server}"', f"DISARM_LISTEN=udp:127.0.0.1:{loop}",
                        f'DISARM_URI="sip:127.0.0.1:{loop}"', f"DISARM_PORT={loop}"]
        self.proxy = Proxy(self.folder, accounts, self.daemon.socket, defines=defines, **proxy)
        if daemon:
            self.daemon.start()
        self.proxy.start()
        if daemon and tcp:
            wait_until(lambda: "Connected to host" in self.proxy.process.text(), 20, "Kamailio is connected")

    def close(self):
        for part in (getattr(self, "proxy", None), getattr(self, "daemon", None)):
            if part:
                part.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Packet:
    """One SIP message in one datagram."""

    __slots__ = ("time", "source", "source_port", "target", "target_port", "payload")

    def __init__(self, *values):
        self.time, self.source, self.source_port, self.target, self.target_port, self.payload = values

    @property
    def status(self):
        found = re.match(rb"SIP/2\.0 (\d{3}) ", self.payload)
        return int(found[1]) if found else None

    @property
    def method(self):
        return self.payload.split(b" ", 1)[0].decode("ascii", "replace")

    @property
    def branch(self):
        found = re.search(rb"branch=([^;\s]+)", self.payload)
        return found[1] if found else b""

    @property
    def key(self):
        """The same in a request and in its answers."""
        cseq = re.search(rb"(?im)^CSeq:\s*(\d+)", self.payload)
        return self.branch, cseq[1] if cseq else b""

    def header(self, name, compact="\0"):
        found = re.search(rf"(?im)^(?:{name}|{compact})\s*:\s*(.*?)\r?$".encode(), self.payload)
        return found[1].decode("latin-1") if found else None

    @property
    def to_user(self):
        found = re.search(r"sips?:([^@>;]*)@", self.header("To", "t") or "")
        return found[1] if found else None


class Capture:
    """Every UDP datagram on the loopback interface from or to the ports watched, each once."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)      # SO_RCVBUFFORCE
        keep_udp(self.socket, [], outgoing=False)                    # what leaves is seen again as incoming
        self.socket.bind(("lo", 0x0800))
        self.socket.settimeout(0.2)
        self.marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.marker_port = free_port()
        self.marker.bind(("", self.marker_port))
        self.packets = {self.marker_port: []}
        self.marks_sent, self.marks_seen, self.lock = 0, 0, threading.Lock()
        keep_udp(self.socket, list(self.packets), outgoing=False)
        self.open = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def catch_up(self):
        """Until all is kept that was sent before: a busy machine may run the thread late."""
        with self.lock:
            self.marks_sent += 1
            number = self.marks_sent
            self.marker.sendto(b"%d" % number, ("127.0.0.1", self.marker_port))
        wait_until(lambda: self.marks_seen >= number, 20, "the capture catches up")

    def watch(self, port):
        self.packets[port] = []
        keep_udp(self.socket, list(self.packets), outgoing=False)
        return port

    def _run(self):
        while self.open:
            try:
                data = self.socket.recv(65535)
            except socket.timeout:
                continue
            size = (data[0] & 15) * 4
            ports = struct.unpack_from("!HH", data, size)
            if ports == (self.marker_port, self.marker_port):
                self.marks_seen = int(data[size + 8:])
                continue
            for port in ports:
                if port in self.packets:
                    source, target = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
                    self.packets[port].append(
                        Packet(time.monotonic(), source, ports[0], target, ports[1], data[size + 8:]))
                    break

    def requests(self, port, source=None):
        """What came to the proxy, in order."""
        self.catch_up()
        return [p for p in list(self.packets[port]) if p.target_port == port and source in (None, p.source)]

    def answers(self, port, target=None):
        """What the proxy sent back."""
        self.catch_up()
        return [p for p in list(self.packets[port]) if p.source_port == port and target in (None, p.target)]

    def dropped(self):
        """Packets the kernel could not keep for us: must stay 0, or the counts prove nothing."""
        return struct.unpack("II", self.socket.getsockopt(263, 6, 8))[1]       # SOL_PACKET, PACKET_STATISTICS

    def close(self):
        self.open = False
        self.thread.join()
        self.socket.close()
        self.marker.close()
