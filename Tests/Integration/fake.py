"""A daemon that is sick: listens on the socket and answers each line as it is told to."""

import json
import os
import socket
import threading
import time


PARSE_ERROR = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}\n'


def verdict(question, **result):
    return json.dumps({"jsonrpc": "2.0", "id": question.get("id"), "result": result}).encode() + b"\n"


def well(question):
    return verdict(question, verdict="pass", rule="default", decision="d", ttl=0)


class FakeDaemon:
    def __init__(self, path, answer=well):
        self.path, self.answer = str(path), answer
        self.questions = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    try:
                        question = json.loads(line.decode("utf-8"))
                    except ValueError:
                        connection.sendall(PARSE_ERROR)
                        continue
                    self.questions.append((line, question))
                    if "id" not in question:
                        continue
                    answer = self.answer(question)
                    if answer is None:
                        return
                    connection.sendall(answer)
        except (OSError, ValueError):
            pass

    def checks(self):
        """(line, question) of each guard.check, in order."""
        return [(line, question) for line, question in list(self.questions) if question["method"] == "guard.check"]

    def close(self):
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if os.path.exists(self.path):
            os.unlink(self.path)


def slow(seconds):
    def answer(question):
        time.sleep(seconds)
        return well(question)
    return answer


SICK = {
    "not JSON": lambda q: b"\x00\xff garbage\n",
    "another id": lambda q: well({"id": q["id"] + 7}),
    "the id before": lambda q: well({"id": q["id"] - 1}),
    "no id": lambda q: b'{"jsonrpc":"2.0","result":{"verdict":"drop"}}\n',
    "an unknown verdict": lambda q: verdict(q, verdict="explode"),
    "a verdict that is no string": lambda q: verdict(q, verdict={"a": 1}),
    "no result": lambda q: json.dumps({"jsonrpc": "2.0", "id": q["id"]}).encode() + b"\n",
    "a tag with a line break": lambda q: verdict(
        q, verdict="ok200", variant="disarm", from_tag="a\r\nX-Injected: yes"),
    "two answers": lambda q: well(q) + verdict(q, verdict="drop"),
    "an error": lambda q: json.dumps(
        {"jsonrpc": "2.0", "id": q["id"], "error": {"code": -32603, "message": "Internal error"}}).encode() + b"\n",
    "half a line": lambda q: well(q)[:20],
    "a line of 2 MB": lambda q: b'{"a":"' + b"x" * 2_000_000 + b'"}\n',
    "a line without end": lambda q: b"[" * 3_000_000,
    "a closed connection": lambda q: None,
}
