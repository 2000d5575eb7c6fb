"""Starts and ends a real Asterisk 22 (scripts/asterisk) with the shipped dialplan, and what calls it."""

import hashlib
import itertools
import os
import pathlib
import re
import socket
import subprocess
import time

from harness import POLICY, REALM, ROOT, Bench, Daemon, Process, free_port, wait_until

UNPACKED = pathlib.Path(os.environ.get("ASTERISK_ROOT", ROOT / ".build/asterisk/root"))
SHIPPED = ROOT / "integrations/asterisk"
ADDRESS = "127.0.0.1"
TRUNK = "127.0.0.5"                              # its calls reach the dialplan without a password
MODULES = """
    res_sorcery_config res_sorcery_memory res_sorcery_astdb res_timing_timerfd res_rtp_asterisk res_pjproject
    res_pjsip res_pjsip_session res_pjsip_sdp_rtp res_pjsip_authenticator_digest
    res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_ip res_pjsip_acl res_pjsip_registrar
    res_pjsip_pubsub res_pjsip_header_funcs res_pjsip_caller_id res_pjsip_nat chan_pjsip pbx_config
    func_channel func_callerid func_logic func_strings func_uri app_exec app_stack app_verbose func_timeout
    app_dial bridge_simple codec_ulaw res_speech res_agi res_security_log res_http_websocket
    res_websocket_client res_stasis res_ari_model res_ari res_ari_asterisk
""".split()
# Where objects that are made at run time live: in memory, beside those of the file.
SORCERY = """
[res_pjsip]
endpoint=config,pjsip.conf,criteria=type=endpoint
endpoint=memory
aor=config,pjsip.conf,criteria=type=aor
aor=memory
auth=config,pjsip.conf,criteria=type=auth
auth=memory
[res_pjsip_endpoint_identifier_ip]
identify=config,pjsip.conf,criteria=type=identify
identify=memory
"""
EXTENSIONS = """
[globals]
SIPGUARD_ADDRESS=127.0.0.1:{fastagi}
SIPGUARD_PROGRAM={program}
SIPGUARD_SOCKET={socket}
{globals}

#include "{shipped}/extensions_sipguard.conf"

[phones]
exten => _X!,1,Gosub(sipguard,s,1)
 same => n,Goto(passed,${{EXTEN}},1)

; 7 and a number: through the program; 8: nobody is asked
[trunk]
exten => _X!,1,Gosub(sipguard,s,1)
 same => n,Goto(passed,${{EXTEN}},1)
exten => _7X!,1,Gosub(sipguard-classic,s,1)
 same => n,Goto(passed,${{EXTEN}},1)
exten => _8X!,1,Goto(passed,${{EXTEN}},1)

; 600 is answered, every other number is busy
[passed]
exten => _X!,1,Hangup(17)
exten => 600,1,Answer()
 same => n,Wait(2)
 same => n,Hangup()
"""
ACCOUNT = """
[{user}]
type=endpoint
context=phones
disallow=all
allow=ulaw
direct_media=no
auth={user}
aors={user}
[{user}]
type=auth
auth_type=userpass
username={user}
password={password}
[{user}]
type=aor
max_contacts=1
remove_existing=yes
"""


def unpacked():
    """The folder of the real Asterisk, fetched where it is not there yet."""
    if not (UNPACKED / "complete").exists():
        subprocess.run([ROOT / "scripts/asterisk", UNPACKED.parent], check=True, timeout=300, stdout=subprocess.DEVNULL)
    return UNPACKED


class Asterisk:
    """A real Asterisk on loopback with everything it reads and writes in `folder`/asterisk."""

    def __init__(self, folder, accounts, fastagi_port=None, settings=(), program="/nonexistent", port=None):
        self.folder = pathlib.Path(folder) / "asterisk"
        self.address, self.port = ADDRESS, port or free_port()
        self.ami_port, self.http_port = free_port(), free_port()
        self.fastagi_port = fastagi_port or free_port()
        self.ami_user, self.ami_secret = "sipguardd", "feed-secret"
        self.ari_user, self.ari_secret = "sipguardd", "actuator-secret"
        self.process = None
        self.root = unpacked()
        self.libraries = next((self.root / "usr/lib").glob("*-linux-gnu"))
        # The loader that belongs to it: its libraries are newer than the system's.
        loader = next(path for place in (self.libraries, self.root / "usr/lib") for path in place.glob("ld-linux*.so.*"))
        self.program = [str(argument) for argument in (
            loader, "--library-path", f"{self.libraries}:{self.root}/usr/lib", self.root / "usr/sbin/asterisk",
            "-C", self.folder / "etc/asterisk.conf")]
        for name in ("etc", "run", "log", "var", "spool", "cache", "agi"):
            (self.folder / name).mkdir(parents=True)
        self.write(accounts, "\n".join(settings), program)

    def write(self, accounts, variables, program):
        folder = self.folder
        files = {
            "asterisk": "[directories]\n" + "".join(f"{name} => {value}\n" for name, value in {
                "astcachedir": folder / "cache", "astetcdir": folder / "etc", "astvarlibdir": folder / "var",
                "astmoddir": self.libraries / "asterisk/modules", "astdbdir": folder / "var", "astkeydir": folder / "var",
                "astdatadir": self.root / "usr/share/asterisk", "astagidir": folder / "agi",
                "astspooldir": folder / "spool", "astrundir": folder / "run", "astlogdir": folder / "log",
                "astsbindir": self.root / "usr/sbin"}.items()) + "[options]\nnofork = yes\nnocolor = yes\n",
            "modules": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES),
            "logger": "[logfiles]\nmessages => notice,warning,error,security\n",
            "manager": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {self.ami_port}\n"
                       f"[{self.ami_user}]\nsecret = {self.ami_secret}\nread = security\nwrite =\n",
            "http": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = {self.http_port}\n",
            "ari": f"[general]\nenabled = yes\n"
                   f"[{self.ari_user}]\ntype = user\npassword = {self.ari_secret}\nread_only = no\n",
            "pjsip": f"[global]\ntype=global\ndefault_realm={REALM}\n"
                     f"[udp]\ntype=transport\nprotocol=udp\nbind={self.address}:{self.port}\n"
                     "[trunk]\ntype=endpoint\ncontext=trunk\ndisallow=all\nallow=ulaw\n"
                     f"[trunk]\ntype=identify\nendpoint=trunk\nmatch={TRUNK}\n"
                     + "".join(ACCOUNT.format(user=user, password=password) for user, password in accounts.items()),
            "sorcery": SORCERY,
            # above the ports that free_port() gives
            "rtp": "[general]\nrtpstart=33000\nrtpend=39998\n",
            "extensions": EXTENSIONS.format(
                fastagi=self.fastagi_port, globals=variables, shipped=SHIPPED, program=program,
                socket=folder.parent / "ask.sock"),
            "cdr": "[general]\nenable=no\n", "cel": "[general]\nenable=no\n",
        }
        for name in ("acl", "ccss", "cli_permissions", "features", "udptl", "pjproject", "indications", "extconfig"):
            files[name] = ""
        for name, text in files.items():
            (folder / f"etc/{name}.conf").write_text(text)

    def services(self, honeypot):
        """The part of sipguardd.yaml that reads this Asterisk's events, and has it answer by itself."""
        lines = ["asterisk:", f"  ami: {{ address: '127.0.0.1:{self.ami_port}', user: {self.ami_user}, "
                              f"secret: {self.ami_secret} }}"]
        if honeypot:
            lines.append(f"  ari: {{ address: '127.0.0.1:{self.http_port}', user: {self.ari_user}, "
                         f"secret: {self.ari_secret}, domains: ['{self.address}', {REALM}] }}")
        return "\n".join(lines) + "\n"

    def start(self):
        self.process = Process([*self.program, "-f"], self.folder, "asterisk")
        # It says "fully booted" as well where it has no SIP port, so only SIP tells.
        wait_until(lambda: self.options() or not self.process.running(), 60, "asterisk answers")
        assert self.process.running(), self.process.text() + self.messages()
        return self

    def options(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((TRUNK, 0))
            port = client.getsockname()[1]
            client.settimeout(0.2)
            client.sendto(
                f"OPTIONS sip:{self.address}:{self.port} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {TRUNK}:{port};branch=z9hG4bK-ready-{time.monotonic_ns()};rport\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:ready@{TRUNK}>;tag=r\r\nTo: <sip:{self.address}>\r\n"
                f"Call-ID: ready-{time.monotonic_ns()}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode(),
                (self.address, self.port))
            try:
                return client.recv(65535).startswith(b"SIP/2.0 ")
            except OSError:
                return False

    def messages(self):
        log = self.folder / "log/messages"
        return log.read_text(errors="replace") if log.exists() else ""

    def command(self, *words):
        """What the console says."""
        done = subprocess.run(
            [*self.program, "-rx", " ".join(words)], capture_output=True, text=True, timeout=60, cwd=self.folder)
        return done.stdout

    def stop(self):
        if self.process:
            self.process.stop()


class AsteriskBench(Bench):
    """One Asterisk and one daemon in a folder of their own, that is gone afterwards with everything in it."""

    def set_up(self, accounts, daemon=True, policy=POLICY, settings=(), program="/nonexistent", port=None, feed=False,
               honeypot=False):
        self.daemon = Daemon(self.folder, policy)
        self.asterisk = self.proxy = Asterisk(self.folder, accounts, settings=settings, program=program, port=port)
        self.daemon.listeners = [f"fastagi:127.0.0.1:{self.asterisk.fastagi_port}"]
        if feed or honeypot:
            self.daemon.configuration = pathlib.Path(self.folder) / "sipguardd.yaml"
            self.daemon.configuration.write_text(self.asterisk.services(honeypot))
        self.asterisk.start()
        if daemon:
            self.daemon.start()
            if self.daemon.configuration:
                wait_until(lambda: "security events" in self.daemon.process.text(), 30, "the events are read")


class Call:
    """What a caller saw: the final status, after how many seconds, and every message in order."""

    def __init__(self, status, took, messages):
        self.status, self.took, self.messages = status, took, messages


class Caller:
    """Calls Asterisk: without credentials from the trunk's address, or with those of an account."""

    # Of all callers: another one may get the same port, and the same branch again would be a retransmission.
    numbers = itertools.count(1)

    def __init__(self, asterisk, user="100", password=None, address=TRUNK, user_agent="snomD385/10.1.54.13"):
        self.target = (asterisk.address, asterisk.port)
        self.user, self.password, self.user_agent = user, password, user_agent
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.address, self.port = self.socket.getsockname()

    def message(self, method, number, caller, call_id, cseq, branch, to_tag="", more="", body=""):
        return "\r\n".join([
            f"{method} sip:{number}@{self.target[0]}:{self.target[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:{caller}@{REALM}>;tag=c{self.port}",
            f"To: <sip:{number}@{REALM}>{to_tag}",
            f"Call-ID: {call_id}", f"CSeq: {cseq} {method}",
            f"Contact: <sip:{self.user}@{self.address}:{self.port}>",
            f"User-Agent: {self.user_agent}" + more,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}", "", body]).encode("latin-1")

    def call(self, number, caller=None, seconds=30, more="", hang_up=True):
        """Calls, acknowledges whatever comes, and hangs up what was answered."""
        call_number = next(self.numbers)
        call_id = f"call-{self.port}-{call_number}@{self.address}"
        caller = caller or self.user
        body = (f"v=0\r\no=- 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
                f"m=audio {self.port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")
        began, seen, extra = time.monotonic(), [], more
        for cseq in (1, 2):
            branch = f"z9hG4bK{self.port}x{call_number}x{cseq}"
            self.send(self.message("INVITE", number, caller, call_id, cseq, branch, more=extra, body=body))
            answer = self.final(call_id, cseq, began + seconds, seen)
            took = time.monotonic() - began
            if answer is None:
                return Call(None, took, seen)
            status = int(answer.split(b" ", 2)[1])
            tag = re.search(rb"(?im)^To:[^\r\n]*?(;tag=[^;\r\n]+)", answer)
            tag = tag[1].decode() if tag else ""
            again = branch if status >= 300 else branch + "a"
            self.send(self.message("ACK", number, caller, call_id, cseq, again, tag))
            if status == 401 and self.password and cseq == 1:
                extra = more + "\r\n" + self.authorization(number, answer)
                continue
            if status < 300 and hang_up:
                self.send(self.message("BYE", number, caller, call_id, cseq + 1, branch + "b", tag))
                self.final(call_id, cseq + 1, time.monotonic() + 1, seen)
            return Call(status, took, seen)

    def receives(self, method, seconds=1):
        """Whether a request of that method comes."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65535).startswith(method.encode() + b" ")
        except socket.timeout:
            return False

    def send(self, message):
        self.socket.sendto(message, self.target)

    def final(self, call_id, cseq, deadline, seen):
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65535)
            except socket.timeout:
                return None
            if call_id.encode() not in data:
                continue
            seen.append(data)
            if data.startswith(b"SIP/2.0 ") and f"CSeq: {cseq} ".encode() in data and data[8:9] >= b"2":
                return data

    def authorization(self, number, challenge):
        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()

        nonce = re.search(rb'nonce="([^"]+)"', challenge)[1].decode()
        opaque = re.search(rb'opaque="([^"]+)"', challenge)
        uri = f"sip:{number}@{self.target[0]}:{self.target[1]}"
        first = md5(f"{self.user}:{REALM}:{self.password}")
        response = md5(f"{first}:{nonce}:00000001:5c1e:auth:{md5('INVITE:' + uri)}")
        return (f'Authorization: Digest username="{self.user}", realm="{REALM}", nonce="{nonce}", uri="{uri}", '
                f'response="{response}", algorithm=MD5, cnonce="5c1e", qop=auth, nc=00000001'
                + (f', opaque="{opaque[1].decode()}"' if opaque else ""))

    def close(self):
        self.socket.close()
