"""Network namespaces with a cable between them: a server, a stranger and a phone, apart from this machine's own network."""

import contextlib
import ctypes
import os
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SERVER_FOR_STRANGER, STRANGER = "198.51.100.1", "198.51.100.7"
SERVER_FOR_STRANGER_V6, STRANGER_V6 = "2001:db8:5::1", "2001:db8:5::7"
SERVER_FOR_PHONE, PHONE = "192.0.2.1", "192.0.2.10"


def run(*words, input=None):
    done = subprocess.run([str(w) for w in words], input=input, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"
    return done.stdout


class Namespace:
    def __init__(self, name):
        self.name = f"sipguard-{name}-{os.getpid()}"
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")

    def command(self, *words):
        """The words of a command, to be run in here."""
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words, input=None):
        return run(*self.command(*words), input=input)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes meanwhile belong to the namespace, for as long as they live."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as here:
            switch(here)
            try:
                yield
            finally:
                switch(home)

    def cable(self, name, other, addresses, other_addresses):
        run("ip", "-n", self.name, "link", "add", name, "type", "veth", "peer", "name", "cable", "netns", other.name)
        for space, device, mine in ((self, name, addresses), (other, "cable", other_addresses)):
            for address in mine:
                nodad = ["nodad"] if ":" in address else []
                run("ip", "-n", space.name, "addr", "add", address, "dev", device, *nodad)
            run("ip", "-n", space.name, "link", "set", device, "up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, timeout=20)


def switch(file):
    if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def street():
    """A server with one cable to a stranger and one to a phone."""
    made = []
    try:
        for name in ("server", "stranger", "phone"):
            made.append(Namespace(name))
        server, stranger, phone = made
        server.cable("to-stranger", stranger, [f"{SERVER_FOR_STRANGER}/24", f"{SERVER_FOR_STRANGER_V6}/64"],
                     [f"{STRANGER}/24", f"{STRANGER_V6}/64"])
        server.cable("to-phone", phone, [f"{SERVER_FOR_PHONE}/24"], [f"{PHONE}/24"])
        yield server, stranger, phone
    finally:
        for space in made:
            space.remove()
