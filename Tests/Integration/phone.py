"""One phone in Python: registers with digest, again and again, and measures how long each answer takes."""

import hashlib
import re
import socket
import time

from harness import REALM, UNASKED, wait_until


def first_answered_in_time(proxy, given, send):
    """What `send` gets for the first request whose verdict came before the proxy's time was up. On a busy machine that need not
    be the first request; one that the proxy passed by itself is counted as that."""
    for _ in range(20):
        before = proxy.counters()
        answer, risen = send(), set()

        def is_counted():
            risen.update(name for name, value in proxy.counters().items() if value > before.get(name, 0))
            return risen & {given, *UNASKED}
        wait_until(is_counted, 10, f"a verdict or a reason for none, {answer!r}: {risen}")
        if given in risen:
            return answer
        time.sleep(0.3)
    raise AssertionError("no verdict came in time, twenty times in a row")


class Phone:
    def __init__(self, proxy, user, password, address="127.0.0.3"):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.address, self.port = self.socket.getsockname()
        self.target = (proxy.address, proxy.port)
        self.user, self.password = user, password
        self.cseq = 0
        self.nonce = None

    def send(self, message):
        self.socket.sendto(message, self.target)

    def receive(self, seconds=10.0):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65535)
        except socket.timeout:
            return None

    def register(self, seconds=10.0):
        """(status, seconds until the answer) of one REGISTER; status None where nothing came."""
        self.cseq += 1
        uri = f"sip:{self.target[0]}:{self.target[1]}"
        lines = [
            f"REGISTER {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch=z9hG4bK-phone-{self.port}-{self.cseq};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self.user}@{REALM}>;tag=reg{self.port}",
            f"To: <sip:{self.user}@{REALM}>",
            f"Call-ID: phone-{self.port}@{self.address}",
            f"CSeq: {self.cseq} REGISTER",
            f"Contact: <sip:{self.user}@{self.address}:{self.port}>",
            "Expires: 600",
            "User-Agent: snomD385/10.1.54.13",
        ]
        if self.nonce:
            lines.append(self.authorization(uri))
        message = "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()
        began = time.monotonic()
        self.send(message)
        while True:
            answer = self.receive(seconds)
            if answer is None:
                return None, time.monotonic() - began
            if f"CSeq: {self.cseq} ".encode() in answer:
                break
        took = time.monotonic() - began
        if found := re.search(rb'nonce="([^"]+)"', answer):
            self.nonce = found[1].decode()
        return int(answer.split(b" ", 2)[1]), took

    def authorization(self, uri):
        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()

        first = md5(f"{self.user}:{REALM}:{self.password}")
        response = md5(f"{first}:{self.nonce}:00000001:0a4f113b:auth:{md5('REGISTER:' + uri)}")
        return (f'Authorization: Digest username="{self.user}", realm="{REALM}", nonce="{self.nonce}", uri="{uri}", '
                f'response="{response}", algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001')

    def close(self):
        self.socket.close()
