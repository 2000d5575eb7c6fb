"""Feeds from files and from real HTTP and HTTPS servers that are slow, huge, wrong or gone, and names from a real DNS server."""

import contextlib
import datetime
import http.server
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from harness import Daemon, wait_until
from namespaces import Namespace
from test_protocol import Client

POLICY = "version: 1\nextends: default\nown_addresses: []\nfeeds:\n"


class Server(http.server.ThreadingHTTPServer):
    """Answers as the test wants; `answers` maps a path to a function of the request."""

    daemon_threads = True

    def __init__(self, context=None):
        self.answers, self.seen = {}, []
        super().__init__(("127.0.0.1", 0), Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        answer = self.server.answers.get(self.path)
        try:
            answer(self) if answer else self.say(b"", 404)
        except OSError:
            pass

    def say(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running(server):
    try:
        yield server
    finally:
        server.close()


class Fed:
    """A daemon with feeds and a client to ask it."""

    def __init__(self, folder, *feeds, keeps_state=False):
        lines = "".join(f"  - {{ {feed} }}\n" for feed in feeds)
        self.daemon = Daemon(folder, POLICY + lines)
        if keeps_state:
            self.daemon.configuration = folder / "sipguardd.yaml"
            self.daemon.configuration.write_text(f"state_file: {folder / 'state.json'}\n")
        self.daemon.start()
        self.client = Client(self.daemon.admin)

    def feed(self, name="list"):
        return next(f for f in self.client.call("feed.list")["feeds"] if f["name"] == name)

    def refresh(self):
        self.client.call("feed.refresh")

    def rule(self, source):
        return self.client.call("guard.check", source_ip=source, method="OPTIONS", user_agent="Yealink SIP-T46S")["rule"]

    def wait(self, condition, what, seconds=30):
        return wait_until(lambda: condition(self.feed()), seconds, lambda: f"{what}: {self.feed()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.daemon.stop()


def test_a_file_is_read_and_read_again_when_another_takes_its_place(tmp_path):
    place = tmp_path / "block.txt"
    place.write_text("# ours\n198.51.100.0/28\nnonsense\n2001:db8:5::/48\n")
    with Fed(tmp_path, f"name: list, path: {place}, weight: 100, refresh: 1s") as fed:
        fed.wait(lambda f: f["entries"] == 2 and f["first_bad_lines"] == [3], "the file is read")
        assert fed.rule("198.51.100.7") == "list" and fed.rule("2001:db8:5::1") == "list"
        assert fed.rule("198.51.100.16") == "default"
        beside = tmp_path / "new"
        beside.write_text("198.51.100.16\n")
        beside.rename(place)
        fed.wait(lambda f: f["entries"] == 1 and f["bad_lines"] == 0, "the new file is read")
        assert fed.rule("198.51.100.16") == "list" and fed.rule("198.51.100.8") == "default"
        place.write_text("<html>sorry</html>\n")
        fed.wait(lambda f: f["error"] and f["entries"] == 1, "what is no list is refused")
        place.unlink()
        fed.wait(lambda f: "No such file" in (f["error"] or ""), "the file is missed")
        assert fed.rule("198.51.100.16") == "list"
        os.mkfifo(place)
        fed.wait(lambda f: "is no file" in (f["error"] or ""), "a pipe holds nobody")
        wait_until(lambda: "feed cannot be read" in fed.daemon.process.text(), 20, "it is logged")
        assert "list" in fed.daemon.control("feeds")


def test_only_news_are_asked_for(tmp_path):
    def answer(handler):
        if handler.headers.get("If-None-Match") == '"v1"':
            assert handler.headers.get("If-Modified-Since") == "Fri, 20 Nov 2026 10:00:00 GMT"
            handler.say(b"", 304)
        else:
            handler.say(b"198.51.100.7\n", ETag='"v1"', Last_Modified="Fri, 20 Nov 2026 10:00:00 GMT")

    with running(Server()) as server:
        server.answers["/list"] = answer
        with Fed(tmp_path, f'name: list, url: "http://127.0.0.1:{server.port}/list", weight: 100, refresh: 1s') as fed:
            fed.wait(lambda f: f["entries"] == 1, "the list comes")
            wait_until(lambda: len(server.seen) >= 3, 30, "it is asked for again")
            assert server.seen[1][1]["If-None-Match"] == '"v1"'
            fed.wait(lambda f: f["error"] is None and f["entries"] == 1 and f["age_seconds"] <= 2, "it is confirmed")
            assert fed.rule("198.51.100.7") == "list"
            # the server goes away: the list stays, and its age is told
            server.close()
            fed.wait(lambda f: f["error"], "the loss is noticed")
            assert fed.rule("198.51.100.7") == "list"
            wait_until(lambda: [a["alarm"] for a in fed.client.call("stats.get")["alarms"]] == ["feed-stale"], 30,
                       "an old list is an alarm")
            assert "ALARM feed-stale" in fed.daemon.control("stats")


def test_the_last_good_list_outlives_a_restart(tmp_path):
    def answer(handler):
        if handler.headers.get("If-None-Match") == '"v1"':
            handler.say(b"", 304)
        else:
            handler.say(b"198.51.100.7\nnonsense\n2001:db8:7::/48\n203.0.113.0/28\n", ETag='"v1"')

    lists = tmp_path / "state.json.feeds"
    with running(Server()) as server:
        server.answers["/list"] = answer
        feed = f'name: list, url: "http://127.0.0.1:{server.port}/list", weight: 100, refresh: 1h'
        with Fed(tmp_path, feed, keeps_state=True) as fed:
            fed.wait(lambda f: f["entries"] == 3, "the list comes")
            wait_until((lists / "list.list").exists, 20, "the list is saved")
            assert [p.name for p in lists.iterdir()] == ["list.list"]
            assert (lists / "list.list").stat().st_mode & 0o777 == 0o600
            loaded_at = fed.feed()["loaded_at"]
        hour = time.time() - 3600
        os.utime(lists / "list.list", (hour, hour))
        asked = len(server.seen)
        with Fed(tmp_path, feed, keeps_state=True) as fed:  # the server is asked for news
            wait_until(lambda: len(server.seen) > asked, 30, "the server is asked again")
            assert server.seen[asked][1]["If-None-Match"] == '"v1"'
            state = fed.wait(lambda f: f["age_seconds"] is not None and f["age_seconds"] < 10 and fed.feed(), "it is confirmed")
            assert state["entries"] == 3 and state["first_bad_lines"] == [2] and state["error"] is None
            assert abs(seconds(state["loaded_at"]) - seconds(loaded_at)) <= 1
            wait_until(lambda: "feed restored" in fed.daemon.process.text(), 20, "it is logged")
            assert fed.daemon.process.text().count("feed loaded") == 1, "only in the first run"
            wait_until(lambda: time.time() - (lists / "list.list").stat().st_mtime < 60, 20, "what is confirmed is young")
            (lists / "list.list").unlink()
            for _ in range(2):                              # what is lost is noticed, and asked for as a whole
                asked = len(server.seen)
                fed.refresh()
                wait_until(lambda: len(server.seen) > asked, 30, "the server is asked again")
            wait_until((lists / "list.list").exists, 20, "the list is saved again")
            assert "If-None-Match" not in server.seen[-1][1]
        os.utime(lists / "list.list", (hour, hour))
    with Fed(tmp_path, feed, keeps_state=True) as fed:      # the server is gone
        state = fed.wait(lambda f: f["error"] and fed.feed(), "the loss is noticed")
        assert state["entries"] == 3 and 3590 < state["age_seconds"] < 3700
        assert [fed.rule(a) for a in ("198.51.100.7", "2001:db8:7::1", "203.0.113.9")] == ["list"] * 3
        assert " 1 h " in fed.daemon.control("feeds")
    other = feed.replace("/list", "/other")
    with Fed(tmp_path, other, keeps_state=True) as fed:     # a list of elsewhere
        fed.wait(lambda f: f["error"], "the loss is noticed")
        assert fed.feed()["entries"] == 0 and fed.rule("198.51.100.7") == "default"
    with Fed(tmp_path, "name: another, path: /nonexistent, weight: 1", keeps_state=True):
        wait_until(lambda: not list(lists.iterdir()), 20, "what no policy names is removed")


def seconds(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def drip(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b"1")
        time.sleep(0.2)


def hang(handler):
    time.sleep(40)


def flood(handler):
    handler.send_response(200)
    handler.end_headers()
    line = b"198.51.100.7\n" * 5000
    for _ in range(2000):
        handler.wfile.write(line)


def lie(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"198.51.100.8\n")


@pytest.mark.parametrize("answer, says", [
    (lambda h: h.say(b"", 500), "status 500"),
    (lambda h: h.say(b""), "empty"),
    (lambda h: h.say(b"<html>\nsorry\n</html>"), "no list"),
    (lambda h: h.say(b"\0" * 100000), "no list"),
    (lambda h: h.say(b"0.0.0.0/0\n::/0\n"), "no list"),
    (lambda h: h.say(b"", 302, Location="/list"), "redirects"),
    (lambda h: h.say(b"", 302, Location="file:///etc/passwd"), "rotocol"),
    (lambda h: h.wfile.write(b"nonsense\r\n\r\n"), ""),
    (lambda h: h.say(b"198.51.100.8\n" * 1001), "more than 1000 entries"),
    (flood, "longer than"),
    (lie, ""),
], ids=["error", "empty", "page", "zeros", "everybody", "circle", "file", "nonsense", "many", "flood", "lie"])
def test_a_bad_answer_leaves_the_old_list(tmp_path, answer, says):
    with running(Server()) as server:
        server.answers["/list"] = lambda handler: handler.say(b"198.51.100.7\n")
        url = f'"http://127.0.0.1:{server.port}/list"'
        with Fed(tmp_path, f"name: list, url: {url}, weight: 100, refresh: 1h, most: 1000") as fed:
            fed.wait(lambda f: f["entries"] == 1, "the list comes")
            server.answers["/list"] = answer
            fed.refresh()
            fed.wait(lambda f: f["error"], "the bad answer is noticed", 60)
            assert says in fed.feed()["error"]
            assert fed.feed()["entries"] == 1 and fed.rule("198.51.100.7") == "list"


def test_who_hangs_or_drips_keeps_nobody_waiting(tmp_path):
    files = tmp_path / "file.txt"
    files.write_text("198.51.100.9\n")
    with running(Server()) as server:
        server.answers.update({"/hang": hang, "/drip": drip})
        base = f"http://127.0.0.1:{server.port}"
        with Fed(tmp_path, f'name: dripping, url: "{base}/drip", weight: 100',
                 f'name: list, url: "{base}/hang", weight: 100', f"name: file, path: {files}, weight: 100") as fed:
            wait_until(lambda: fed.rule("198.51.100.9") == "file", 20, "a file is read meanwhile")
            took = []
            for _ in range(3):
                began = time.monotonic()
                for _ in range(200):
                    fed.rule("198.51.100.7")
                took.append(time.monotonic() - began)
            assert min(took) < 2
            # 15 s below 50 bytes a second: long before the 40 s that this server takes
            wait_until(lambda: fed.feed("dripping")["error"], 35, "a dripping server is cut off")
            began = time.monotonic()
            fed.daemon.process.stop(20)
            assert time.monotonic() - began < 9, "a server that hangs holds no stop"


def test_apiban_comes_in_pages_and_its_key_is_never_told(tmp_path):
    key = tmp_path / "key"
    key.write_text("s3cretkey\n")
    pages = {"": (["198.51.100.7", "198.51.100.8"], "100"), "/100": (["198.51.100.9"], "200"), "/200": (["no new bans"], "none")}
    with running(Server()) as server:
        for name, (addresses, following) in pages.items():
            body = json.dumps({"ipaddress": addresses, "ID": following}).encode()
            server.answers[f"/api/s3cretkey/banned{name}"] = lambda handler, body=body: handler.say(body)
        url = f"http://127.0.0.1:{server.port}/api/{{key}}/banned"
        with Fed(tmp_path, f'name: list, url: "{url}", key_file: {key}, format: apiban, weight: 100') as fed:
            fed.wait(lambda f: f["entries"] == 3, "all pages come")
            assert fed.rule("198.51.100.9") == "list" and fed.feed()["source"] == url
            server.answers.clear()
            fed.refresh()
            fed.wait(lambda f: f["error"] and f["entries"] == 3, "the failure is noticed")
            key.unlink()
            fed.refresh()
            fed.wait(lambda f: "key file" in (f["error"] or ""), "the missing key is noticed")
            everything = fed.daemon.process.text() + json.dumps(fed.client.call("feed.list")) + json.dumps(
                fed.client.call("stats.get")) + json.dumps(fed.client.call("policy.show"))
            assert "s3cretkey" not in everything


def certificate(folder, name):
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)

    authority, key, signed = folder / "ca.pem", folder / "key.pem", folder / "cert.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
            "-keyout", folder / "ca.key", "-out", authority)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", folder / "csr.pem")
    extension = folder / "san"
    extension.write_text(f"subjectAltName=IP:{name}\n")
    openssl("x509", "-req", "-in", folder / "csr.pem", "-CA", authority, "-CAkey", folder / "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", extension, "-out", signed)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed, key)
    return authority, context


def test_https_is_checked(tmp_path):
    authority, context = certificate(tmp_path, "127.0.0.1")
    with running(Server(context)) as server, running(Server()) as plain:
        server.answers["/list"] = lambda handler: handler.say(b"198.51.100.7\n")
        server.answers["/away"] = lambda handler: handler.say(
            b"", 302, Location=f"http://127.0.0.1:{plain.port}/list")
        plain.answers["/list"] = server.answers["/list"]
        base = f"https://127.0.0.1:{server.port}"
        with Fed(tmp_path, f'name: list, url: "{base}/list", ca_file: {authority}, weight: 100',
                 f'name: stranger, url: "{base}/list", weight: 100',
                 f'name: away, url: "{base}/away", ca_file: {authority}, weight: 100') as fed:
            fed.wait(lambda f: f["entries"] == 1, "the list comes")
            wait_until(lambda: "certificate" in (fed.feed("stranger")["error"] or ""), 30, "a stranger is refused")
            wait_until(lambda: fed.feed("away")["error"], 30, "the way into the open is refused")
            assert fed.feed("away")["entries"] == 0 and not plain.seen


def test_100000_networks_are_taken_without_a_pause(tmp_path):
    place = tmp_path / "block.txt"

    def write(first):
        text = "".join(f"10.{first + (n >> 16)}.{n >> 8 & 255}.{n & 255}\n" for n in range(100_000))
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").rename(place)

    write(0)
    with Fed(tmp_path, f"name: list, path: {place}, weight: 100, refresh: 1s") as fed:
        fed.wait(lambda f: f["entries"] == 100_000, "the list is read", 60)
        assert fed.rule("10.1.0.1") == "list" and fed.rule("10.9.0.1") == "default"
        write(9)
        deadline = time.monotonic() + 60
        while fed.rule("10.9.0.1") != "list":        # every answer is one list's or the other's
            assert fed.rule("198.51.100.1") == "default"
            assert time.monotonic() < deadline
            time.sleep(0.01)                         # below what is a flood
        assert fed.rule("10.1.0.1") == "default"
        status = pathlib.Path(f"/proc/{fed.daemon.process.child.pid}/status").read_text()
        assert int(status.split("VmRSS:")[1].split()[0]) < 200_000


class NameServer:
    """The one name server of a network of its own; `zone` maps a name to IPv4 addresses."""

    def __init__(self, space):
        self.zone, self.asked = {}, 0
        with space.inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(1500)
            except OSError:
                return
            if not query:
                return
            self.asked += 1
            labels, place = [], 12
            while query[place]:
                labels.append(query[place + 1:place + 1 + query[place]].decode())
                place += 1 + query[place]
            question, kind = query[12:place + 5], query[place + 1:place + 3]
            found = self.zone.get(".".join(labels).lower())
            addresses = found if found and kind == b"\0\1" else []
            head = query[:2] + struct.pack(">HHHHH", 0x8180 if found is not None else 0x8183, 1, len(addresses), 0, 0)
            answers = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(a) for a in addresses)
            self.socket.sendto(head + question + answers, peer)

    def close(self):
        self.socket.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_names_of_the_allow_list_are_looked_up_and_kept(tmp_path):
    space = Namespace("names")
    settings = pathlib.Path("/etc/netns") / space.name
    servers = []
    try:
        settings.mkdir(parents=True)
        (settings / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (settings / "nsswitch.conf").write_text("hosts: dns\n")
        servers.append(NameServer(space))
        servers[0].zone["phone.example.net"] = ["198.51.100.7"]
        policy = ("version: 1\nextends: default\nown_addresses: []\nallow:\n"
                  "  - { name: phone.example.net, comment: reception, refresh: 5s }\n"
                  "  - { name: never.example.net, refresh: 5s }\n")
        daemon = Daemon(tmp_path, policy)
        daemon.prefix = space.command()
        daemon.start()
        try:
            client = Client(daemon.admin)

            def rule(source):
                return client.call("guard.check", source_ip=source, method="OPTIONS", user_agent="friendly-scanner")["rule"]

            wait_until(lambda: rule("198.51.100.7") == "allow", 30, "the name is allowed")
            wait_until(lambda: [a["subject"] for a in client.call("stats.get")["alarms"]] == ["never.example.net"], 30,
                       "a name that never resolved is an alarm")
            servers[0].zone["phone.example.net"] = ["198.51.100.8"]
            wait_until(lambda: rule("198.51.100.8") == "allow", 30, "the name's new address is allowed")
            assert rule("198.51.100.7") != "allow"
            client.call("allow.add", name="trunk.example.org", by="test")
            servers[0].zone["trunk.example.org"] = ["198.51.100.20", "198.51.100.21"]
            # gone: the last answer stays, and everybody is told
            servers[0].zone["phone.example.net"] = None
            wait_until(lambda: "phone.example.net" in [a["subject"] for a in client.call("stats.get")["alarms"]], 30,
                       "the loss is an alarm")
            assert rule("198.51.100.8") == "allow"
            assert "phone.example.net" in daemon.control("allow")
        finally:
            daemon.stop()
    finally:
        for server in servers:
            server.close()
        space.remove()
        for file in settings.glob("*"):
            file.unlink()
        settings.rmdir()
