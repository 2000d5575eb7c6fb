"""Two hundred phones behind one address, played by sipp."""

import collections
import pathlib

from harness import OFFICE, Process, free_port

SCENARIOS = pathlib.Path(__file__).with_name("sipp")
USER_AGENTS = (
    "Yealink SIP-T46S 66.85.0.5", "snomD385/10.1.54.13", "PolycomVVX-VVX_411-UA/5.9.5.0614", "Grandstream GXP2170 1.0.11.35",
    "Cisco-CP8841/14.2.1", "Zoiper v2.10.20.6",
)


def accounts(phones=200):
    return {str(3000 + n): f"pw-{n * 7919 % 100003}" for n in range(phones)}


class Office:
    def __init__(self, folder, proxy, phones):
        self.folder, self.proxy = pathlib.Path(folder), proxy
        self.answering_port = free_port()
        self.runs = 0
        names = list(phones)
        rows = []
        for n, name in enumerate(names):
            credentials = f"[authentication username={name} password={phones[name]}]"
            wrong = f"[authentication username={name} password=mistyped]"
            called = names[(n + 1) % len(names)]
            rows.append(f"{name};{credentials};{USER_AGENTS[n % len(USER_AGENTS)]};{called};{wrong}")
        self.table = self.folder / "phones.csv"
        self.table.write_text("\n".join(["SEQUENTIAL", *rows]) + "\n")

    def start(self, scenario, count, rate, limit=200):
        """Phones of the table in turn; `rate` scenarios begin in a second."""
        self.runs += 1
        return Process(
            ["sipp", f"{self.proxy.address}:{self.proxy.port}", "-sf", SCENARIOS / f"{scenario}.xml", "-inf", self.table,
             "-i", OFFICE, "-p", free_port(), "-m", count, "-r", rate, "-l", limit, "-key", "answering_port",
             self.answering_port, "-nostdin"],
            self.folder, f"{scenario}-{self.runs}")

    def answer(self):
        """Takes calls until it is stopped."""
        return Process(
            ["sipp", "-sf", SCENARIOS / "answer.xml", "-i", OFFICE, "-p", self.answering_port, "-nostdin"],
            self.folder, "answer")


def refused(requests, answers):
    """Of the office's requests those without a good final answer, and the count of each status."""
    finals, statuses = {}, collections.Counter()
    for answer in answers:
        if answer.status:
            statuses[answer.status] += 1
            if answer.status >= 200:
                finals.setdefault(answer.key, set()).add(answer.status)
    bad = [r for r in requests
           if r.status is None and r.method != "ACK" and not finals.get(r.key, set()) & {200, 401, 407}]
    return bad, statuses
