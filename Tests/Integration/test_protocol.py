"""Every example of docs/protocol.md, against a live daemon, and the whole contract in what rpc.discover says."""

import json
import pathlib
import re
import socket

import pytest

from harness import ROOT, Daemon, wait_until

PAGE = (ROOT / "docs/protocol.md").read_text()
EXAMPLES = re.findall(r"```jsonrpc\n(.*?)```", PAGE, re.S)
ANY = "…"


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rwb")

    def send(self, line):
        self.file.write(line.encode() + b"\n")
        self.file.flush()

    def receive(self):
        return json.loads(self.file.readline())

    def call(self, name, /, **params):
        self.send(json.dumps({"jsonrpc": "2.0", "id": 0, "method": name, "params": params}))
        return self.receive()["result"]

    def close(self):
        self.socket.close()


def differences(expected, actual, path="reply"):
    """Where `actual` is not what the page shows."""
    if expected == ANY:
        return []
    if isinstance(expected, dict) and isinstance(actual, dict):
        extra = [] if ANY in expected else [k for k in actual if k not in expected]
        found = [f"{path}.{k} is not on the page" for k in extra]
        for key, value in expected.items():
            if key == ANY:
                continue
            found += differences(value, actual[key], f"{path}.{key}") if key in actual else [f"{path}.{key} is missing"]
        return found
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [d for i, pair in enumerate(zip(expected, actual)) for d in differences(*pair, f"{path}[{i}]")]
    return [] if expected == actual and type(expected) is type(actual) else [f"{path}: {actual!r}, not {expected!r}"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("protocol"), policy=None).start()
    yield daemon
    daemon.stop()


def test_every_example_of_the_page(tmp_path):
    # The examples build on each other, from a fresh daemon with the built-in policy.
    daemon = Daemon(tmp_path, policy=None).start()
    try:
        client = Client(daemon.admin)
        calls = 0
        for example in EXAMPLES:
            for line in example.strip().splitlines():
                if line.startswith("--> "):
                    client.send(line[4:])
                    calls += 1
                else:
                    assert line.startswith("<-- "), line
                    actual = client.receive()
                    assert not differences(json.loads(line[4:]), actual), (line, actual)
        assert calls >= 25
    finally:
        daemon.stop()


def test_the_page_and_rpc_discover_name_the_same_methods_roles_and_parameters(daemon):
    client = Client(daemon.admin)
    document = client.call("rpc.discover")
    served = {m["name"]: {t["name"] for t in m["tags"]} for m in document["methods"]}
    table = PAGE.split("## Roles")[1].split("## Errors")[0]
    on_page = {}
    for row in re.findall(r"^\| (\[`.*?) \| (.*?) \|", table, re.M):
        names = re.findall(r"\[`([\w.]+)`\]", row[0])
        roles = [r.strip() for r in row[1].split(",")]
        for name, role in zip(names, roles if len(roles) == len(names) else roles * len(names)):
            on_page[name] = {f"role:{role}"}
    assert served == on_page
    check = PAGE.split("## guard.check")[1].split("| result |")[0]
    named = set(re.findall(r"`(\w+)`", "\n".join(r.split("|")[1] for r in check.splitlines() if r.startswith("| `"))))
    offered = {p["name"] for m in document["methods"] if m["name"] == "guard.check" for p in m["params"]}
    assert offered == named


def test_rpc_discover_is_a_valid_openrpc_document(daemon):
    from jsonschema import Draft7Validator
    document = Client(daemon.admin).call("rpc.discover")
    assert document["openrpc"].startswith("1.3")
    assert document["info"]["title"] and document["info"]["version"]
    assert len({m["name"] for m in document["methods"]}) == len(document["methods"])
    for method in document["methods"]:
        assert set(method) <= {"name", "summary", "description", "params", "result", "errors", "tags", "paramStructure"}
        for descriptor in [*method["params"], method["result"]]:
            assert descriptor["name"]
            Draft7Validator.check_schema(descriptor["schema"])
        needed = [p.get("required", False) for p in method["params"]]
        assert method["paramStructure"] == "by-name" or needed == sorted(needed, reverse=True)


def test_netstrings_over_tcp_say_the_same(tmp_path):
    from harness import free_port
    daemon = Daemon(tmp_path, tcp_port=free_port()).start()
    try:
        with socket.create_connection(("127.0.0.1", daemon.tcp_port), timeout=30) as client:
            ping = b'{"jsonrpc":"2.0","id":"x","method":"daemon.ping"}'
            client.sendall(b"%d:%s," % (len(ping), ping) * 3)
            received = b""
            while received.count(b"pong") < 3:
                chunk = client.recv(4096)
                assert chunk
                received += chunk
            length, rest = received.split(b":", 1)
            assert json.loads(rest[:int(length)])["result"]["pong"] is True and rest[int(length):int(length) + 1] == b","
            stats = b'{"jsonrpc":"2.0","id":1,"method":"stats.get"}'
            client.sendall(b"%d:%s," % (len(stats), stats))
            assert b"-32003" in client.recv(4096)
    finally:
        daemon.stop()


def test_an_over_long_line_is_refused_and_the_connection_goes_on(daemon):
    client = Client(daemon.socket)
    client.send('{"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":{"x":"' + "y" * 70_000 + '"}}')
    assert client.receive()["error"]["code"] == -32002
    client.send('{"jsonrpc":"2.0","id":2,"method":"daemon.ping"}')
    assert client.receive()["result"]["pong"] is True


def test_connections_over_the_limit_are_told_so(daemon):
    admin = Client(daemon.admin)

    def others():
        return sum(one["open"] for one in admin.call("stats.get")["listeners"] if one["name"] == f"unix:{daemon.socket}")
    wait_until(lambda: others() == 0, 20, "those of before are closed")
    clients = [Client(daemon.socket) for _ in range(256)]
    try:
        for client in clients[:256:64]:
            client.send('{"jsonrpc":"2.0","id":2,"method":"daemon.ping"}')
            assert client.receive()["result"]["pong"] is True
        over = Client(daemon.socket)
        assert over.receive()["error"]["code"] == -32001
        assert over.file.readline() == b""
    finally:
        for client in clients:
            client.close()


def test_what_an_attacker_names_himself_is_never_in_a_log_as_it_came(daemon):
    client = Client(daemon.admin)
    client.call("ban.add", address="203.0.113.9", by="\u001b[31mme\nforged line")
    log = pathlib.Path(daemon.process.log)
    wait_until(lambda: "ban added" in log.read_text(), 20, "the ban is logged")
    assert "\u001b" not in log.read_text() and "\nforged line" not in log.read_text()
