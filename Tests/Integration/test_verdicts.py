"""The proxy sends what the verdict says, and asks about what it should."""

import re
import socket
import time

import pytest

from fake import FakeDaemon, verdict
from harness import Bench, wait_until
from phone import Phone, first_answered_in_time
from test_odd_messages import TAG, message

DISARM = "683a653a7901746865726501627965"


@pytest.fixture(scope="module")
def bench():
    with Bench({"3000": "secret"}, daemon=False, defines=["WITH_TCP"]) as bench:
        yield bench


@pytest.fixture
def ask(bench):
    """Sends one message while the daemon gives one verdict; (answer, question)."""
    def ask(raw=None, **result):
        daemon = FakeDaemon(bench.daemon.socket, lambda question: verdict(question, **result))

        def send():
            phone = Phone(bench.proxy, "3000", "secret")
            try:
                phone.send(raw or message())
                return phone.receive(0.5 if result["verdict"] == "drop" else 10)
            finally:
                phone.close()
        try:
            return first_answered_in_time(bench.proxy, result["verdict"], send), daemon.checks()[0][1]["params"]
        finally:
            daemon.close()
    return ask


def test_pass_goes_on(ask):
    answer, _ = ask(verdict="pass")
    assert answer.startswith(b"SIP/2.0 404 ")


def test_drop_sends_nothing(ask):
    assert ask(verdict="drop")[0] is None


def test_reject_sends_code_reason_and_retry_after(ask):
    answer, _ = ask(verdict="reject", code=480, reason="Try again later", retry_after=17)
    assert answer.startswith(b"SIP/2.0 480 Try again later\r\n")
    assert b"\r\nRetry-After: 17\r\n" in answer
    # and none of it stays for the worker's next request
    for _ in range(4):
        answer, _ = ask(verdict="reject")
        assert answer.startswith(b"SIP/2.0 403 Forbidden\r\n")
        assert b"Retry-After" not in answer


@pytest.mark.parametrize("code,reason", [
    (200, "OK"), (99, "x"), (1000, "x"), (403.5, "x"), ("403", "x"), (403, "a\r\nX: y"), (403, "x" * 65), (403, "$ua"), (403, None)])
def test_reject_never_sends_a_wrong_code_or_reason(ask, code, reason):
    answer, _ = ask(verdict="reject", code=code, reason=reason)
    assert re.match(rb"SIP/2\.0 403 (Forbidden|x)\r\n", answer)


def test_plain_200_leaves_from_alone(ask):
    answer, _ = ask(verdict="ok200", variant="plain", code=200, reason="OK")
    assert answer.startswith(b"SIP/2.0 200 OK\r\n") and TAG in answer


def test_disarming_200_replaces_the_tag_and_keeps_the_uri(ask):
    answer, _ = ask(verdict="ok200", variant="disarm", from_tag=DISARM)
    assert f"\r\nFrom: <sip:105@127.0.0.1>;tag={DISARM}\r\n".encode() in answer and TAG not in answer


@pytest.mark.parametrize("uri", [b"sip:\xff@x", b"sip:a$ua@x", b"sip:" + b"a" * 300 + b"@x", b"tel:+1555"])
def test_disarming_200_carries_no_uri_that_is_odd(ask, uri):
    answer, _ = ask(message([(b"From", b"From: <" + uri + b">;tag=" + TAG)]), verdict="ok200", variant="disarm", from_tag=DISARM)
    sender = re.search(rb"(?m)^From: (.*)\r$", answer)[1]
    expected = b"sip:a$ua@x" if uri == b"sip:a$ua@x" else b"sip:anonymous@anonymous.invalid"
    assert sender == b"<" + expected + b">;tag=" + DISARM.encode()


def not_asked(proxy):
    """Requests that the proxy did not even ask about, since answers had come too late before."""
    return proxy.count("skipped_budget") + proxy.count("skipped_down")


def test_ack_and_cancel_are_not_asked_about(bench):
    daemon = FakeDaemon(bench.daemon.socket)
    phone = Phone(bench.proxy, "3000", "secret")
    for _ in range(20):
        before, skipped = len(daemon.checks()), not_asked(bench.proxy)
        for method in (b"ACK", b"CANCEL", b"INVITE", b"BYE", b"OPTIONS", b"MESSAGE"):
            phone.send(message().replace(b"REGISTER", method))
        wait_until(lambda: len(daemon.checks()) - before + not_asked(bench.proxy) - skipped >= 4, 20, "the proxy asks")
        phone.receive(0.3)
        methods = [question["params"]["message"].split(" ")[0] for _, question in daemon.checks()[before:]]
        if not_asked(bench.proxy) == skipped:
            break
        time.sleep(0.3)
    assert sorted(methods) == ["BYE", "INVITE", "MESSAGE", "OPTIONS"]
    phone.close()
    daemon.close()


def test_the_question_says_where_the_request_came_from(ask):
    _, params = ask(verdict="pass")
    assert params["source_ip"] == "127.0.0.3" and params["transport"] == "udp" and params["node"] == "kamailio"


def test_tcp_is_asked_about_too(bench):
    daemon = FakeDaemon(
        bench.daemon.socket, lambda question: verdict(question, verdict="ok200", variant="disarm", from_tag=DISARM))

    def send():
        with socket.create_connection((bench.proxy.address, bench.proxy.port), 10) as client:
            client.sendall(message().replace(b"/UDP", b"/TCP"))
            return client.recv(65535)
    answer = first_answered_in_time(bench.proxy, "ok200", send)
    assert answer.startswith(b"SIP/2.0 200 OK\r\n") and f";tag={DISARM}\r\n".encode() in answer
    assert {question["params"]["transport"] for _, question in daemon.checks()} == {"tcp"}
    daemon.close()


def test_ipv6_is_asked_about_too():
    with Bench({"3000": "secret"}, daemon=False, address="[::1]") as bench:
        daemon = FakeDaemon(bench.daemon.socket)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            client.bind(("::1", 0))
            client.settimeout(10)
            client.sendto(message(), ("::1", bench.proxy.port))
            assert client.recv(65535).startswith(b"SIP/2.0 404 ")
        assert wait_until(daemon.checks, 10, "it is asked about")[0][1]["params"]["source_ip"] == "::1"
        daemon.close()


def test_reports_say_what_became_of_it(bench):
    daemon = FakeDaemon(bench.daemon.socket)
    phone = Phone(bench.proxy, "3000", "mistyped")

    def reports():
        return [(q["params"]["outcome"], q["params"]["user"]) for _, q in daemon.questions if q["method"] == "guard.report"]

    def register():
        # Each worker tells on a connection of its own, so one report has to be there before the next is sent.
        before, status = len(reports()), phone.register()[0]
        wait_until(lambda: len(reports()) > before, 10, "the report")
        return status
    assert [register() for _ in range(2)] == [401, 401]
    phone.password = "secret"
    assert register() == 200
    phone.user = "4711"
    assert register() == 404
    assert reports() == [("challenged", "3000"), ("auth_failed", "3000"), ("auth_ok", "3000"), ("unknown_user", "4711")]
    assert all("id" not in question for _, question in daemon.questions if question["method"] == "guard.report")
    phone.close()
    daemon.close()
