"""What a real Kamailio and a real daemon saw is decided again by `sipguardctl replay`, from a capture and from the log.

One run with phones, a scanner, a cracker and a guesser without any tool's marks; each has an address of its own.
"""

import collections
import json
import pathlib
import re
import subprocess

import pytest
import yaml

from frames import Frames, pcap, pcapng
from harness import OFFICE, POLICY, SIPGUARDCTL, UNASKED, Bench, Process, free_port, wait_until
from office import Office, accounts
from phone import Phone

PHONE, MISTAKEN, SCANNER, CRACKER, GUESSER = (f"127.0.0.{n}" for n in range(3, 8))
BOUND = pathlib.Path(__file__).with_name("bound.py")
PHONES = 20
WORDS = [f"Quince-{n}-marmalade" for n in range(50)]
USERS = {PHONE: "2001", MISTAKEN: "2002", CRACKER: "2003", GUESSER: "2004"}


class Night:
    """What was captured and logged."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "decisions.jsonl"
        self.policy = folder / "policy.yaml"
        self.policy.write_text(POLICY)
        self.twice, self.once = folder / "twice.pcap", folder / "once.pcapng"

    def play(self):
        phones = accounts(PHONES)
        port = free_port()
        with Bench(phones | {user: "Right-1" for user in USERS.values()}, daemon=False, port=port) as bench:
            bench.daemon.configuration = self.folder / "sipguardd.yaml"
            bench.daemon.configuration.write_text(f"decision_log: {{ path: {self.log} }}\n")
            bench.daemon.start()
            frames = Frames(port)
            try:
                assert Office(bench.folder, bench.proxy, phones).start("register", PHONES, 100).wait(120) == 0
                ring(bench.proxy, PHONE, 2, "Right-1", 10)
                ring(bench.proxy, MISTAKEN, 6, "an old password", 10)
                self.tool(bench, "svwar", SCANNER, "-e", "100-300")
                (self.folder / "words").write_text("\n".join(WORDS) + "\n")
                self.tool(bench, "svcrack", CRACKER, "-u", USERS[CRACKER], "-d", self.folder / "words")
                for n in range(20):
                    ring(bench.proxy, GUESSER, 2, f"guess {n}", 0.3)
                asked = bench.proxy.count("asked")
                wait_until(lambda: len(self.checks()) >= asked, 20, "the log holds what was asked")
            finally:
                lost = frames.close()
            assert lost == 0, f"{lost} frames were not captured"
            self.counters = bench.proxy.counters()
        self.twice.write_bytes(pcap(frames.frames))
        self.once.write_bytes(pcapng([f for f in frames.frames if not f.is_outgoing]))
        self.frames = frames.frames
        return self

    def tool(self, bench, name, address, *arguments):
        tool = Process(["/usr/bin/python3", BOUND, address, name, "-x", address, "-p", bench.proxy.port,
                        "-P", free_port(), *arguments, bench.proxy.address], bench.folder, name)
        assert tool.wait(120) is not None, tool.text()

    def lines(self):
        text = self.log.read_text()                  # the last line may be under way
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def checks(self):
        return [line for line in self.lines() if "check" in line]

    def live(self):
        """For each source which of its requests the daemon did not let pass first, and by what rule."""
        requests, treated = collections.Counter(), {}
        for line in self.checks():
            source = line["check"]["source_ip"]
            requests[source] += line["check"].get("count", 1)
            if line["result"]["verdict"] != "pass" and source not in treated:
                treated[source] = requests[source], line["result"]["rule"]
        return treated

    def replay(self, *arguments, status=0):
        done = subprocess.run([SIPGUARDCTL, "replay", *map(str, arguments)], capture_output=True, text=True, timeout=120)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def result(self, *arguments, status=0):
        return json.loads(self.replay("--policy", self.policy, "--json", *arguments, status=status).stdout)

    def other(self, name, text):
        path = self.folder / name
        path.write_text(POLICY + text)
        return path


def ring(proxy, address, times, password, seconds):
    """One phone's tries in a row; its answers are those of the proxy, or none within these seconds."""
    phone = Phone(proxy, USERS[address], password, address)
    try:
        for _ in range(times):
            phone.register(seconds)
    finally:
        phone.close()


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    for _ in range(20):
        night = Night(tmp_path_factory.mktemp("night")).play()
        # what a busy machine let pass unasked is in the capture and not in the log
        if not night.counters.keys() & {*UNASKED, "reports_dropped"}:
            return night
    raise AssertionError(f"the machine is too busy: {night.counters}")


@pytest.fixture(params=["pcap with each frame twice", "pcapng"])
def recording(request, night):
    return night.once if request.param == "pcapng" else night.twice


def test_a_capture_shows_each_attack_at_the_message_at_which_the_daemon_saw_it(night, recording):
    live, result = night.live(), night.result(recording)
    assert set(live) == {SCANNER, CRACKER, GUESSER}, live
    assert live[SCANNER][0] == 1 and live[CRACKER][0] == 1 and live[GUESSER][0] > 8, live
    replayed = {s["source"]: (s["first_treated"], s["rule"]) for s in result["sources"] if s["first_treated"]}
    assert {source: first for source, (first, _) in replayed.items()} == {
        source: first for source, (first, _) in live.items()}
    assert replayed[SCANNER][1] == live[SCANNER][1] and replayed[CRACKER][1] == live[CRACKER][1]


def test_the_server_and_what_came_to_it_are_found(night, recording):
    result = night.result(recording)
    requests = [f for f in night.frames if not f.is_outgoing and is_request(f)]
    assert result["requests"] == len(requests) and result["sources_seen"] == 6
    assert result["recording"]["servers"] == ["127.0.0.1"]
    repeated = len(night.frames) // 2 if recording == night.twice else 0
    assert result["recording"]["repeated_packets"] == repeated
    assert {key: result["recording"][key] for key in ("cut_frames", "lost_fragments", "stream_gaps", "bad_lines")} == {
        "cut_frames": 0, "lost_fragments": 0, "stream_gaps": 0, "bad_lines": 0}
    # what the proxy reported of the phones is found in its responses
    reported = collections.Counter()
    for line in night.lines():
        if "report" in line:
            reported[line["report"]["outcome"]] += line["report"].get("count", 1)
    for outcome in ("auth_ok", "auth_failed", "challenged"):
        assert result["reports"][outcome] == reported[outcome] > 0, outcome


def is_request(frame):
    payload = frame.bytes[14 + (frame.bytes[14] & 15) * 4 + 8:]
    return re.match(rb"[A-Z]+ sip:\S+ SIP/2\.0\r\n", payload) and not payload.startswith(b"ACK ")


def test_the_decision_log_is_decided_again_as_it_was(night):
    result = night.result(night.log)
    checks = night.checks()
    assert result["recorded"] == {"same": len(checks), "different": 0}
    verdicts = collections.Counter()
    for line in checks:
        verdicts[line["result"]["verdict"]] += line["check"].get("count", 1)
    assert {name: count for name, count in result["verdicts"].items() if count} == verdicts
    assert {s["source"]: (s["first_treated"]) for s in result["sources"] if s["first_treated"]} == {
        source: first for source, (first, _) in night.live().items()}
    assert result["recording"]["bad_lines"] == 0


def test_the_log_holds_no_password(night):
    text = night.log.read_text()
    assert CRACKER in text and "Right-1" not in text
    for word in WORDS + [w.encode().hex() for w in WORDS]:
        assert word not in text


def test_without_signatures_exactly_the_tools_are_treated_otherwise(night, recording):
    default = subprocess.run([SIPGUARDCTL, "policy", "show", "--default"], capture_output=True, text=True, timeout=10).stdout
    names = [signature["name"] for signature in yaml.safe_load(default)["signatures"]]
    other = night.other("unsigned.yaml", "signatures:\n" + "".join(f"  - {{ name: {n}, mode: off }}\n" for n in names))
    comparison = night.result(recording, "--compare", other, "--top", 1000, status=1)["comparison"]
    assert {s["source"] for s in comparison["sources"]} == {SCANNER, CRACKER}
    tried = {line["check"].get("auth_user", line["check"].get("from_user"))
             for line in night.checks() if line["check"]["source_ip"] in (SCANNER, CRACKER)}
    assert {u["user"] for u in comparison["users"]} == tried
    for source in comparison["sources"]:
        assert [c["to"] for c in source["changes"]] == ["pass"] * len(source["changes"]), source


def test_with_a_lower_limit_exactly_those_with_wrong_passwords_are_treated_otherwise(night, recording):
    other = night.other("strict.yaml", "limits:\n  - { name: two-strikes, key: [source], count: auth_failed, "
                                       "limit: 2 per 10m, purpose: cracking }\n")
    comparison = night.result(recording, "--compare", other, status=1)["comparison"]
    assert {s["source"] for s in comparison["sources"]} == {MISTAKEN, GUESSER}
    assert {u["user"] for u in comparison["users"]} == {USERS[MISTAKEN], USERS[GUESSER]}
    mistaken = next(s for s in comparison["sources"] if s["source"] == MISTAKEN)
    # a challenge, and three failures of which the third exceeds
    assert mistaken["requests"] == 6 and mistaken["differing"] == 2
    assert {c["rule_to"] for c in mistaken["changes"]} == {"two-strikes"}
    text = night.replay(recording, "--policy", night.policy, "--compare", other, status=1).stdout
    assert "becomes" in text and f"{MISTAKEN} " in text and "two-strikes" in text
    assert ("came twice in the capture" in text) == (recording == night.twice)


def test_the_same_policy_makes_no_difference(night, recording):
    assert night.result(recording, "--compare", night.policy)["comparison"] == {
        "requests": 0, "sources_differing": 0, "users_differing": 0, "sources": [], "users": []}
    assert OFFICE in night.replay(recording, "--policy", night.policy).stdout


def test_what_cannot_be_read_has_its_status(night, recording):
    broken = night.folder / "broken"
    broken.write_bytes(recording.read_bytes()[:-30])
    done = night.replay(broken, "--policy", night.policy, "--json", status=65)
    assert json.loads(done.stdout)["requests"] > 0 and "copy it again" in done.stderr
    night.replay(night.folder / "none", status=66)
    bad = night.other("bad.yaml", "limts: []\n")
    assert "bad.yaml:4" in night.replay(recording, "--policy", bad, status=78).stderr
    assert "--server" in night.replay(recording, "--server", "198.51.100.1", status=65).stderr
    night.replay(recording, "--server", "nowhere", status=64)
