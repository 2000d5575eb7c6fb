"""The figures that the daemon is to reach, beside what one run has found."""

import statistics

import workloads


class Target:
    """One figure: its name, how it is found in a run, the bound, whether more is better, and what another has there."""

    def __init__(self, name, bound, find, more=False, other=lambda run: None):
        self.name, self.bound, self.find, self.more, self.other = name, bound, find, more, other

    def row(self, run):
        value = self.find(run)
        if value is None:
            return None
        ratio = value / self.bound if self.bound else None
        holds = value >= self.bound if self.more else value <= self.bound
        return {
            "figure": self.name, "value": value, "target": self.bound, "ratio": ratio, "holds": holds, "other": self.other(run)}


def ratio(connections, reference, key, asked="message", server=workloads.OURS):
    """A server's median ratio to a reference, asked with header blocks of many sources or otherwise."""

    def find(run):
        for row in run["figures"]:
            if (row["asked"], row["connections"], row["server"]) == (asked, connections, server):
                return row["ratios"][reference][key]
        return None

    return find


def beside(title, bound, connections, reference, key, more=False):
    """The daemon's ratio to a reference, and that of the same work in C."""
    by_hand = ratio(connections, reference, key, server=workloads.BY_HAND)
    return Target(title, bound, ratio(connections, reference, key), more, by_hand)


def inside(name):
    """A figure of the measurements in one process."""
    return lambda run: next((figure["value"] for figure in run["inside"] if figure["name"] == name), None)


def single(name):
    return lambda run: run["single"].get(name)


def flooded(find, ceiling=None):
    """The worst of the runs with forged sources, or the one with that ceiling."""
    return lambda run: max((find(one) for one in run["forged"] if ceiling in (None, one["memory"])), default=None)


def above(one):
    return one["peak"] - one["memory"]


def against(load):
    """A p99 in the flood against that in another load."""
    return lambda one: one["against"][load]


def memory(connections):
    """Resident megabytes besides the tables."""

    def find(run):
        rows = [row for row in run["figures"] if row["server"] == workloads.OURS and row["connections"] == connections]
        return statistics.median(row["memory"] for row in rows) / 2**20 - 64 if rows else None

    return find


ALL = [
    beside("round trips against C echo, 8 workers", 0.80, 8, "C echo", "rate", more=True),
    beside("round trips against C echo, 32 workers", 0.75, 32, "C echo", "rate", more=True),
    beside("round trips against Redis, 8 workers", 2.0, 8, "Redis", "rate", more=True),
    beside("round trips against Redis, 32 workers", 1.8, 32, "Redis", "rate", more=True),
    beside("round trips against C + jansson, 8 workers", 2.8, 8, "C + jansson", "rate", more=True),
    beside("round trips against C + jansson, 32 workers", 2.4, 32, "C + jansson", "rate", more=True),
    beside("p99 against C echo, 8 workers", 1.25, 8, "C echo", "p99"),
    beside("p99 against C echo, 32 workers", 1.5, 32, "C echo", "p99"),
    beside("CPU of a request against C echo, 32 workers", 1.35, 32, "C echo", "cpu"),
    Target("round trips about one address against C echo, 8 workers", 0.5, ratio(8, "C echo", "rate", "one source"), more=True),
    Target("round trips about one address against C echo, 32 workers", 0.5, ratio(32, "C echo", "rate", "one source"), more=True),
    Target("p50 against C echo, one worker on the server's core", 1.25, single("pinned p50")),
    Target("share of these decisions that the log had no room for", 0, single("not logged")),
    Target("the decision alone, us", 0.8, lambda run: in_microseconds(inside("decision")(run))),
    Target("allocations of 10,000 decisions", 0, inside("allocations, decision")),
    Target("limit with 10 M sources, median ns", 150, inside("limit at 10 M sources, median")),
    Target(
        "limit with 10 M sources, worst of 20 ms against a fixed array", 1.0, single("worst stall"),
        other=single("another array's worst stall")),
    Target(
        "limit with 10 M sources, longest of all against a fixed array", 1.0, single("longest stall"),
        other=single("another array's longest stall")),
    Target("limit, longest update while 10 M sources come, ms", 5, lambda run: in_milliseconds(inside("limit while 10 M sources come, longest")(run))),
    Target("200 signatures over 6 fields, us", 0.6, lambda run: in_microseconds(inside("200 signatures over 6 fields")(run))),
    Target("100,000 prefixes, IPv4, ns", 60, inside("100,000 prefixes, IPv4")),
    Target("100,000 prefixes, IPv6, ns", 150, inside("100,000 prefixes, IPv6")),
    Target("memory besides the tables, idle, MiB", 24, single("idle memory")),
    Target("memory besides the tables, 32 connections, MiB", 24, memory(32)),
    Target("exec to first verdict, nothing to bring back, ms", 100, single("start, nothing")),
    Target("exec to first verdict, 100,000 banned sources, ms", 100, single("start, sources")),
    Target("exec to first verdict, 100,000 bans set by hand, ms", 100, single("start, by hand")),
    Target("forged sources: banned, trusted and active state lost", 0, flooded(lambda one: sum(one["lost"].values()))),
    Target("forged sources, 256 MiB: peak memory above it, MiB", 32, flooded(above, 256)),
    Target("forged sources, 64 MiB: peak memory above it, MiB", 32, flooded(above, 64)),
    Target("forged sources, 256 MiB: p99 of another's verdict, against calm", 1.5, flooded(against("calm"), 256)),
    Target("forged sources, 64 MiB: p99 of another's verdict, against calm", 1.5, flooded(against("calm"), 64)),
    Target("the same, 256 MiB, against the same load from 1,000 sources", 1.5, flooded(against("crowd"), 256)),
    Target("the same, 64 MiB, against the same load from 1,000 sources", 1.5, flooded(against("crowd"), 64)),
    Target("sipguard-agi from exec to exit, against the same in C", 1.5, single("classic AGI")),
]


def in_microseconds(value):
    return None if value is None else value / 1000


def in_milliseconds(value):
    return None if value is None else value / 1_000_000


def table(run):
    """Lines of Markdown, and rows for machines."""
    rows = [row for row in (target.row(run) for target in ALL) if row]
    lines = ["| figure | measured | target | of the target | | another's |", "|---|--:|--:|--:|---|--:|"]
    for row in rows:
        share = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        other = "" if row["other"] is None else f"{row['other']:.3g}"
        verdict = "" if row["holds"] else "missed"
        lines.append(f"| {row['figure']} | {row['value']:.3g} | {row['target']:g} | {share} | {verdict} | {other} |")
    lines += ["", f"*Another's* is what {workloads.BY_HAND} has there, and a second fixed array where it is about the first."]
    return lines, rows
