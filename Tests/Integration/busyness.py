"""How busy this machine is with something else, for tests that measure how long something takes."""

import pathlib
import re
import threading
import time

# A machine that lets a sleep of a millisecond take longer than this is busy, and no round trip on it tells anything.
BUSY = 0.010
MOST_WAITING = 0.3                               # threads


class Busyness(threading.Thread):
    """By how much a short sleep is late at worst: what the machine's other work costs whoever waits on it. And how many threads
    wait for a processor on average: whoever does more than to sleep waits among these."""

    def __init__(self):
        super().__init__(daemon=True)
        self.worst, self.waiting, self.over = 0, 0, threading.Event()

    @property
    def is_busy(self):
        return self.worst > BUSY or self.waiting > MOST_WAITING

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            time.sleep(0.001)
            self.worst = max(self.worst, time.monotonic() - began - 0.001)

    def __enter__(self):
        self.began, self.before = time.monotonic(), waits_of_all()
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        waits = waits_of_all()
        waited = sum(waits[task] - self.before[task] for task in waits.keys() & self.before.keys())
        self.waiting = waited / (time.monotonic() - self.began)


def waits_of_all():
    """For how long each thread of this machine has waited for a processor so far, in seconds."""
    return {task: queued(task / "schedstat") for task in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*")}


class Queueing:
    """For how long those who have to do with a round trip wanted to run and could not, since others did."""

    def __init__(self, proxy):
        workers = re.findall(r"(?m)^(\d+)\nudp receiver", proxy.command("core.ps"))
        assert len(workers) >= 1
        threads = [thread.native_id for thread in threading.enumerate() if not isinstance(thread, Busyness)]
        self.files = [pathlib.Path(f"/proc/{task}/task/{task}/schedstat") for task in workers] + [
            pathlib.Path(f"/proc/self/task/{task}/schedstat") for task in threads]

    def waits(self):
        """Of each thread so far, in seconds."""
        return [queued(file) for file in self.files]

    def since(self, before):
        return sum(max(0, now - then) for now, then in zip(self.waits(), before))


def queued(schedstat):
    try:
        return int(schedstat.read_text().split()[1]) / 1e9
    except OSError:                              # it has ended, or this kernel does not tell
        return 0
