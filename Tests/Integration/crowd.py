"""What the forged floods of the tests and of the benches have in common."""

import itertools
import json
import pathlib
import re
import socket


class Client:
    """Asks many questions at once, and gives the results in their order."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.answers = self.socket.makefile()

    def ask(self, method, every):
        """Raises ValueError where a question has no result."""
        results, every = [], iter(every)
        while part := list(itertools.islice(every, 50)):
            lines = [json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n" for params in part]
            self.socket.sendall("".join(lines).encode())
            for params in part:
                answer = json.loads(self.answers.readline())
                if "result" not in answer:
                    raise ValueError(f"{method} {params}: {answer}")
                results.append(answer["result"])
        return results


def sources(group, count):
    """The first addresses of a network of eight bits."""
    return [f"{group}.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(count)]


def peak(pid):
    """MiB that were resident at most."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
