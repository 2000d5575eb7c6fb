"""No security event of a real Asterisk is lost under a flood, whatever rate this machine makes of it."""

import collections
import json
import re
import socket
import threading
import time

from asterisk import AsteriskBench
from harness import wait_until

ACCOUNT, PASSWORD = "1001", "b8Hn2LrX"
SECONDS, RATE = 4, 4000                          # REGISTERs; nobody waits for answers
STRANGER = "127.0.0.4"


class EventCount(threading.Thread):
    """A second reader of the same events, that only counts."""

    def __init__(self, asterisk):
        super().__init__(daemon=True)
        self.counts, self.rest, self.over = collections.Counter(), b"", False
        self.socket = socket.create_connection(("127.0.0.1", asterisk.ami_port), 5)
        self.socket.settimeout(0.2)
        self.socket.sendall(f"Action: Login\r\nUsername: {asterisk.ami_user}\r\nSecret: {asterisk.ami_secret}\r\n"
                            "Events: security\r\n\r\n".encode())
        self.start()

    def run(self):
        while not self.over:
            try:
                data = self.socket.recv(1 << 20)
            except socket.timeout:
                continue
            if not data:
                return
            *frames, self.rest = (self.rest + data).split(b"\r\n\r\n")
            self.counts.update(kind(frame) for frame in frames if b"Service: PJSIP" in frame)

    def close(self):
        self.over = True
        self.join()
        self.socket.close()


def kind(frame):
    known = b"<unknown>" not in frame
    return re.search(rb"Event: (\w+)", frame)[1].decode(), known


def register(client, number, user):
    return (f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER}:{client};branch=z9hG4bKf{number};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{user}@127.0.0.1>;tag=f{number}\r\nTo: <sip:{user}@127.0.0.1>\r\n"
            f"Call-ID: f{number}@flood\r\nCSeq: 1 REGISTER\r\nContact: <sip:{user}@{STRANGER}:{client}>\r\n"
            "Content-Length: 0\r\n\r\n").encode()


def flood(bench):
    """Sends for so many seconds, half of it for an account that exists; answers are thrown away."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((STRANGER, 0))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        port, began, number = client.getsockname()[1], time.monotonic(), 0
        while (passed := time.monotonic() - began) < SECONDS:
            while number < passed * RATE:
                user = ACCOUNT if number % 2 else f"nobody{number % 997}"
                client.sendto(register(port, number, user), (bench.asterisk.address, bench.asterisk.port))
                number += 1
            time.sleep(0.001)
    return number


def logged(bench):
    """Asterisk's own count: the lines of its security log."""
    events = re.findall(r'SecurityEvent="(\w+)".*?Service="PJSIP".*?AccountID="([^"]*)"', bench.asterisk.messages())
    return collections.Counter((event, account != "<unknown>") for event, account in events)


def test_every_event_of_a_flood_is_counted():
    with AsteriskBench({ACCOUNT: PASSWORD}, feed=True) as bench:
        count = EventCount(bench.asterisk)
        began = time.monotonic()
        sent = flood(bench)

        def settled():
            before = count.counts.total()
            time.sleep(0.5)
            # A busy machine may pause longer than that, but the log and the feed do not end at the same event then.
            return before and count.counts.total() == before and count.counts == logged(bench)
        wait_until(settled, 60, "the last event")
        took = time.monotonic() - began - 0.5
        count.close()
        emitted = count.counts
        assert emitted == logged(bench), "both readers had time"

        def told():
            return json.loads(bench.daemon.control("--json", "stats"))
        wait_until(lambda: told()["reports"]["challenged"] >= emitted["ChallengeSent", True]
                   and told()["reports"]["unknown_user"] >= emitted["InvalidAccountID", True], 20, "the daemon has read them too")
        stats = told()
        print(f"{sent} REGISTERs, {emitted.total()} events in {took:.1f} s ({emitted.total() / took:.0f}/s): {dict(emitted)}")
        reports, errors = stats["reports"], stats["errors"]
        # One request is one report: the challenge that follows an unknown account is none of its own.
        assert reports["unknown_user"] == emitted["InvalidAccountID", True] > 0
        assert reports["challenged"] == emitted["ChallengeSent", True] > 0
        assert reports["auth_failed"] == reports["auth_ok"] == 0
        assert errors["asterisk_event_gaps"] == errors["asterisk_events_malformed"] == 0
