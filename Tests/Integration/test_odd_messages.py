"""No byte, no length and no form of a header keeps a request from being asked about and decided."""

import codecs
import json
import re

import pytest

from fake import FakeDaemon
from harness import Bench, wait_until
from phone import Phone, first_answered_in_time

# How an integration writes bytes that are not part of valid UTF-8: as \\u00XX, each.
codecs.register_error("u00xx", lambda e: ("".join(map(chr, e.object[e.start:e.end])), e.end))

TAG = b"3130350131313431313334363739"                # svwar: "105", 01, a decimal number, in hex
LINES = [
    b"REGISTER sip:127.0.0.1 SIP/2.0", b"Via: SIP/2.0/UDP 127.0.0.3:5061;branch=z9hG4bK-3786986852;rport",
    b"Max-Forwards: 70", b'To: "105"<sip:105@127.0.0.1>', b'From: "105"<sip:105@127.0.0.1>;tag=' + TAG,
    b"User-Agent: friendly-scanner", b"Call-ID: 2447410737", b"Contact: sip:105@127.0.0.1", b"CSeq: 1 REGISTER",
    b"Accept: application/sdp", b"Content-Length: 0",
]


def message(change=(), end=b"\r\n", before=b"", last=None):
    """The scanner's REGISTER with lines replaced (by their name), added (None) or left out (value None)."""
    lines = list(LINES)
    for name, value in change:
        if name is None:
            lines.insert(2, value)
            continue
        at = next(i for i, line in enumerate(lines) if line.startswith(name + b":"))
        lines[at:at + 1] = [] if value is None else [value]
    return before + end.join(lines) + (end * 2 if last is None else last)


FROM = b'From: "105"<sip:105@127.0.0.1>;tag=' + TAG
ODD = {
    "plain": message(),
    "a byte that is not UTF-8": message([(b"From", b'From: "\xff\xfe"<sip:105@127.0.0.1>;tag=' + TAG)]),
    "half a UTF-8 sequence": message([(None, b"Subject: \xe2\x82 \xf0\x9f\x98 \xc3")]),
    "overlong UTF-8 and surrogates": message([(None, b"Subject: \xc0\xaf \xe0\x80\xaf \xed\xa0\x80 \xf4\x90\x80\x80")]),
    "valid UTF-8": message([(None, "Subject: Grüße, 你好, 😀".encode())]),
    "every high byte": message([(None, b"Subject: " + bytes(range(128, 256)))]),
    "control characters": message([(None, b"Subject: \x01\x02\x1f\x7f\"\\")]),
    "NUL in a header": message([(None, b"Subject: a\x00b")]),
    "NUL in User-Agent": message([(b"User-Agent", b"User-Agent: friendly-scanner\x00Yealink")]),
    "folded From": message([(b"From", b'From: "105"\r\n <sip:105@127.0.0.1>\r\n\t;tag=' + TAG)]),
    "folded User-Agent": message([(b"User-Agent", b"User-Agent:\r\n  friendly-scanner")]),
    "repeated headers": message([
        (None, b"User-Agent: snomD385/10.1.54.13"), (None, b"Contact: <sip:1@127.0.0.1>"), (None, b"Accept: */*")]),
    "12 KiB before the rest": message([(None, b"X-Long: " + b"a" * 12288)]),
    "12 KiB in User-Agent": message([(b"User-Agent", b"User-Agent: friendly-scanner " + b"a" * 12288)]),
    "40 KiB": message([(None, b"X-Long: " + b"a" * 1000)] * 40),
    "12 KiB of bytes that are not UTF-8": message([(None, b"X-Long: " + b"\xff" * 12288)]),
    "From without tag": message([(b"From", b'From: "105"<sip:105@127.0.0.1>')]),
    "compact names": message([
        (b"Via", LINES[1].replace(b"Via", b"v")), (b"To", LINES[3].replace(b"To", b"t")),
        (b"From", LINES[4].replace(b"From", b"f")), (b"Call-ID", LINES[6].replace(b"Call-ID", b"i"))]),
    "space before the colon": message([(b"From", FROM.replace(b"From:", b"FROM  :"))]),
    "a To tag": message([(b"To", b'To: "105"<sip:105@127.0.0.1>;tag=abc')]),
    "a tag in the display name": message([(b"From", b'From: "x;tag=y" <sip:105@127.0.0.1>;tag=' + TAG)]),
    "line feeds alone": message(end=b"\n"),
    "empty lines first": message(before=b"\r\n\r\n"),
}

# What Kamailio itself cannot read, it answers nobody, and no route runs.
UNREADABLE = {
    "no From at all": message([(b"From", None)]),
    "two From": message([(None, FROM)]),
    "two Call-ID": message([(None, b"Call-ID: a@b")]),
    "no Via": message([(b"Via", None)]),
    "no CSeq": message([(b"CSeq", None)]),
    "not SIP": b"\x00\xff" * 100,
}


def header_block(raw):
    return re.split(rb"(?<=\n)[\r\n]", raw.lstrip(b"\r\n"))[0]


@pytest.fixture(scope="module")
def fake_bench():
    with Bench({"3000": "secret"}, daemon=False) as bench:
        daemon = FakeDaemon(bench.daemon.socket)
        phone = Phone(bench.proxy, "3000", "secret")
        yield bench, daemon, phone
        phone.close()
        daemon.close()


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_the_question_carries_every_byte_of_the_headers(fake_bench, raw):
    _, daemon, phone = fake_bench
    before = len(daemon.checks())
    phone.send(raw)
    wait_until(lambda: len(daemon.checks()) > before, 5, "the proxy asks")
    line, question = daemon.checks()[before]
    line.decode("utf-8")
    params = question["params"]
    block = header_block(raw)
    if len(block) <= 8192:
        # where there is no body the empty line may come with it
        text = block.decode("utf-8", "u00xx")
        assert params["message"] in (text, text + "\r\n", text + "\n")
        assert "user_agent" not in params
    else:
        # cut, and Kamailio's own reading of the headers beside it
        assert len(line) < 65536
        assert block.decode("utf-8", "u00xx").startswith(params.get("message", ""))
        assert params["from_tag"] == TAG.decode()
        assert params["user_agent"].startswith("friendly-scanner")
        assert params["call_id"] == "2447410737"
        assert params["method"] == "REGISTER"
        assert params["cseq"] == 1 and params["max_forwards"] == 70
        assert params["via_host"] == "127.0.0.3" and params["via_branch"] == "z9hG4bK-3786986852"
    assert params["source_ip"] == "127.0.0.3"
    assert params["transport"] == "udp"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("body", [b"secret", b"~"])
def test_a_body_is_not_sent(fake_bench, body, end):
    _, daemon, phone = fake_bench
    before = len(daemon.checks())
    phone.send(message([(b"Content-Length", b"Content-Length: %d" % len(body))]).replace(b"\r\n", end) + body)
    wait_until(lambda: len(daemon.checks()) > before, 5, "the proxy asks")
    assert body.decode() not in json.dumps(daemon.checks()[before][1])


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD.keys())
def test_the_scanner_is_recognised_all_the_same(raw):
    with Bench({"105": "secret"}) as bench:
        answer = decided(bench, raw)
        assert answer is not None, bench.proxy.process.text()
        assert answer.startswith(b"SIP/2.0 200 "), answer
        sender = re.search(rb"(?im)^(?:From|f)\s*:\s*(.*?)\r?$", answer)[1]
        assert TAG not in sender
        assert re.search(rb">;tag=[\w.!%*+`'~-]+$", sender), sender
        assert len(re.findall(rb"(?im)^(?:From|f)\s*:", answer)) == 1
        # and Kamailio is in good health
        healthy = Phone(bench.proxy, "105", "secret", address="127.0.0.5")
        assert healthy.register()[0] == 401
        healthy.close()


def decided(bench, raw):
    """The answer to a message that the daemon has decided."""
    def send():
        phone = Phone(bench.proxy, "105", "secret")
        try:
            phone.send(raw)
            return phone.receive()
        finally:
            phone.close()
    return first_answered_in_time(bench.proxy, "ok200", send)


def test_what_kamailio_cannot_read_is_answered_by_nobody(fake_bench):
    bench, daemon, _ = fake_bench
    before = len(daemon.checks())
    phone = Phone(bench.proxy, "3000", "secret")
    for raw in UNREADABLE.values():
        phone.send(raw)
    assert phone.receive(0.5) is None
    assert len(daemon.checks()) == before
    assert phone.register()[0] == 401
    phone.close()
