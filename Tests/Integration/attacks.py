"""The real tools of Debian's sipvicious, as attacks with a proxy and a daemon each."""

import dataclasses
import pathlib
import re
import sys
import threading

from harness import Bench, Process, free_port, wait_until

TARGET = "127.0.0.1"
PHONE = "Yealink SIP-T46S 66.85.0.5"
FACE = pathlib.Path(__file__).with_name("face.py")
FACES = ("default", "compact", "phone")
KINDS = (
    ("svmap", "OPTIONS"), ("svwar", "REGISTER"), ("svwar", "INVITE"), ("svwar", "OPTIONS"),
    ("svcrack", "REGISTER"), ("svcrack", "INVITE"),
)
# 105 to 115 are reached within the answers that a mid-scan attack gets before the daemon is there; 2002 never is.
# The password of 110 lies within the range in both phases, so that there is something to find.
ACCOUNTS = {"105": "k3xSu7", "110": "190", "115": "Zp9wQe", "2002": "b8Hn2L"}
ACCOUNTS_MID = {**ACCOUNTS, "110": "5190"}
ANSWERS_BEFORE = 50
SELECT_TIME = 0.005                              # s the tools wait for an answer before they send the next message


@dataclasses.dataclass(frozen=True)
class Attack:
    tool: str
    method: str
    face: str
    phase: str                                   # "start", "mid", or "control": nobody is asked

    def __str__(self):
        return f"{self.tool}-{self.method}-{self.face}-{self.phase}"

    def command(self, port, local_port):
        tool = ["/usr/bin/" + self.tool] if self.face != "phone" else ["/usr/bin/python3", FACE, PHONE, self.tool]
        face = ["-c"] if self.face == "compact" else []
        common = ["-m", self.method, "-p", port, "-P", local_port, "-x", TARGET]
        span = {"start": "100-999", "mid": "100-9999", "control": "100-200"}[self.phase]
        what, target = {
            "svmap": ([], "127.0.1.0/21" if self.phase == "mid" else TARGET),
            "svwar": (["-e", span], TARGET),
            "svcrack": (["-u", "110", "-r", span], TARGET),
        }[self.tool]
        return [*tool, *face, *common, *what, target]


@dataclasses.dataclass
class Outcome:
    """What the packets at the proxy and the tool's own output say."""

    requests: list
    treated: int                                 # index of the first request that the daemon decided, or None
    answers_after: int                           # answers since then
    leaked: set                                  # users that the proxy gave away before
    output: str
    exit: object
    delay: float                                 # s from the first treated message to its answer
    slowest: float                               # s, the same of the messages before it, if that was longer
    counters: dict                               # of sipguard.lua

    @property
    def unasked(self):
        """Requests that passed because the daemon did not answer in time."""
        return self.counters.get("failed_timeout", 0) + self.counters.get("skipped_budget", 0)

    @property
    def messages(self):
        """Sent from the first message that the daemon decided to the end, that one included."""
        return len(self.requests) - self.treated if self.treated is not None else len(self.requests)

    @property
    def rows(self):
        """What the tool's result table says it found."""
        return [(a, b) for a, b in re.findall(r"^\| (\S+)\s+\| (.+?)\s+\|$", self.output, re.M)
                if a not in ("Extension", "SIP", "SIPDevice")]


def tag(packet):
    found = re.search(r";\s*tag=([^;\s]+)", packet.header("From", "f") or "")
    return found[1] if found else None


def judge(requests, answers, output, status, counters):
    by_key = {}
    for answer in answers:
        by_key.setdefault(answer.key, []).append(answer)
    treated, leaked, delay, slowest = None, set(), 0, 0
    for index, request in enumerate(requests):
        if request.method == "ACK":
            continue
        replies = by_key.get(request.key, [])
        waited = min((r.time - request.time for r in replies), default=0)
        slowest = max(slowest, waited)
        if not replies or any(r.status == 200 and tag(r) != tag(request) for r in replies):
            treated, delay = index, waited
            break
        if any(r.status in (401, 407) for r in replies) and request.to_user:
            leaked.add(request.to_user)
    since = requests[treated].time if treated is not None else float("inf")
    return Outcome(requests, treated, sum(a.time >= since for a in answers), leaked, output, status, delay, slowest, counters)


def run(attack, capture, **bench_options):
    """The attack's outcome. On a machine that is busy with something else it is run again, since then it says nothing:
    verdicts that come too late let requests pass, as they should, and a tool that is answered late has sent more."""
    for _ in range(20):
        outcome = run_once(attack, capture, **bench_options)
        if attack.tool == "svmap" and attack.phase == "mid":     # sends all it has in any case, and its test counts what passed
            return outcome
        waited = outcome.slowest if attack.phase == "start" else outcome.delay
        if not (outcome.unasked or waited > SELECT_TIME):
            return outcome
    raise AssertionError(f"{attack}: the machine is too busy: {outcome.delay:.3f} s, {outcome.counters}")


def run_once(attack, capture, **bench_options):
    mid = attack.phase == "mid"
    many = attack.tool == "svmap" and mid
    port = capture.watch(free_port())
    with Bench(ACCOUNTS_MID if mid else ACCOUNTS, daemon=attack.phase == "start", port=port,
               address="0.0.0.0" if many else TARGET, **bench_options) as bench:
        tool = Process(attack.command(port, free_port()), bench.folder, "tool")
        try:
            if mid:
                wait_until(lambda: len(capture.answers(port)) >= ANSWERS_BEFORE, 60, f"{attack}: 50 answers")
                bench.daemon.start()
            status = tool.wait(30)
        finally:
            tool.stop(1)
        output = tool.text()
        counters = bench.proxy.counters()
        if attack.phase != "control" and not bench_options:
            assert counters.get("asked", 0) > 0, f"{attack}: the proxy never asked: {bench.proxy.process.text()}"
            assert bench.daemon.process.running(), bench.daemon.process.text()
        return judge(capture.requests(port), capture.answers(port), output, status, counters)
