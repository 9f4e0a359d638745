# SPDX-License-Identifier: LGPL-2.1-or-later
"""A report from journals alone: the same as from the store, byte for byte, or it says what is
missing. Programs log to journals that tests make [journald.py]."""

import json
import os
import re
import subprocess

import pytest

import children
import fake
import journald
import soak
from soak import INCONCLUSIVE, LEAK, PASS, STOPPED, THRESHOLD, USAGE, WEDGE, Coordinator
from test_report import report

pytestmark = pytest.mark.skipif(not journald.possible(), reason="mount namespaces need root")


class Bed:
    """Hosts with a journal each, and one for the coordinator."""

    def __init__(self, directory):
        self.directory = directory
        self.made, self.journals, self.agents, self.lxds = [], [], [], []
        self.own = self.keep(journald.Journal(directory, "desk"))

    def keep(self, thing):
        self.made.append(thing)
        return thing

    def host(self, name, *options):
        journal = self.keep(journald.Journal(self.directory, name))
        lxd = self.keep(fake.FakeLxd(self.directory, *options, name=f"{name}-lxd"))
        agent = self.keep(soak.Agent(self.directory, lxd.socket, name=f"{name}-agent",
                                     journal=journal))
        self.journals.append(journal)
        self.agents.append(agent)
        self.lxds.append(lxd)
        return lxd, agent

    def start(self, *arguments):
        return Coordinator(self.directory, "--hosts", ",".join(a.endpoint for a in self.agents),
                           "--json", *arguments, journal=self.own)

    def soak(self, *arguments):
        run = self.start(*arguments)
        try:
            return run.end()
        finally:
            children.end(run.process)

    def stop(self):
        for thing in reversed(self.made):
            thing.stop()

    def streams(self, *journals):
        return [w for j in journals or [self.own, *self.journals] for w in ("--stream", j.export)]


@pytest.fixture
def bed(short_dir):
    made = Bed(short_dir)
    yield made
    made.stop()


def check_same(bed, outcome):
    """All ways to the same report."""
    bed.stop()
    where = bed.directory
    told = report(where, outcome.data["run"], "--json", *bed.streams())
    assert (told.stdout, told.stderr) == (outcome.out, ""), told
    assert told.returncode == outcome.code, told
    # in whatever order, and read twice
    again = report(where, "--json", *reversed([f"--stream={j.export}" for j in
                                               [bed.own, *bed.journals, bed.own]]))
    assert (again.returncode, again.stdout) == (outcome.code, outcome.out), again
    # as journal files, one by one and as a directory
    os.mkdir(os.path.join(where, "files"))
    files = [j.as_file(os.path.join(where, "files", f"{j.hostname}.journal"))
             for j in (bed.own, *bed.journals)]
    for arguments in ([f"--file={f}" for f in files], ["--directory", os.path.join(where, "files")]):
        told = report(where, "last", "--json", *arguments)
        assert (told.returncode, told.stdout) == (outcome.code, outcome.out), told
    # the page too
    assert report(where, *bed.streams()).stdout == report(where, outcome.run_dir).stdout


def test_the_same_as_from_the_store(bed):
    bed.host("a", "--latency", "all=lognormal:5ms:0.4")
    bed.host("b", "--latency", "all=lognormal:5ms:0.4")
    outcome = bed.soak("--total", 40, "--parallel", 6, "--threshold", "start.p99<60s",
                       "--threshold", "failed < 1%")
    assert outcome.code == PASS, outcome
    assert [t["holds"] for t in outcome.data["thresholds"]] == [True, True]
    check_same(bed, outcome)


def test_failures_and_what_was_left(bed):
    lxd, _ = bed.host("a", "--latency", "all=2ms")
    lxd.fault("op-fail", operation="start", after=2, count=2, text="Failed to run: «forkstart»\nline 2")
    lxd.fault("delete-lied", after=4, count=1)
    outcome = bed.soak("--total", 12, "--parallel", 3, "--exec", "printf 'a\\nb'")
    assert outcome.code in (LEAK, THRESHOLD, WEDGE), outcome
    check_same(bed, outcome)


def test_density(bed):
    bed.host("a", "--latency", "all=2ms")
    outcome = bed.soak("--mode", "density", "--total", 30, "--parallel", 3)
    assert outcome.code == PASS, outcome
    creates = outcome.data["live"]["create"]
    assert creates["spread"] > 10 and creates["low_ns"] <= creates["per_hundred_ns"] <= creates["high_ns"]
    assert sum(b["count"] for b in creates["buckets"]) == 30
    assert creates["buckets"][-1]["from"] >= 24, creates
    check_same(bed, outcome)


def test_what_does_not_count(bed):
    """An agent that is killed: its units are interrupted and done again."""
    bed.host("a", "--latency", "all=30ms")
    _, agent = bed.host("b", "--latency", "all=30ms")
    run = bed.start("--total", 60, "--parallel", 6)
    soak.wait_until(lambda: bed.journals[1].entries > 60, 60, "entries of b")
    agent.kill()
    agent.start()
    outcome = run.end()
    assert outcome.units["late"] > 0, outcome
    assert outcome.store.one("select count(*) from late where why = 'interrupted'") > 0
    check_same(bed, outcome)


def test_ended_by_a_threshold(bed):
    bed.host("a", "--latency", "all=20ms")
    outcome = bed.soak("--total", 10000, "--parallel", 4, "--threshold", "start.max<1ms,abort",
                       "--threshold", "units_per_sec>0")
    assert outcome.code == THRESHOLD, outcome
    assert outcome.units["passed"] < 1000 and outcome.units["failed"] == 0, outcome
    assert [(t["holds"], t["ended_run"]) for t in outcome.data["thresholds"]] == \
        [(False, True), (True, False)]
    assert outcome.err.count("start.max<1ms,abort does not hold: no more units are begun") == 1
    check_same(bed, outcome)


def test_stopped_by_the_user(bed):
    bed.host("a", "--latency", "all=20ms")
    run = bed.start("--total", 1000, "--parallel", 4)
    soak.wait_until(lambda: bed.journals[0].entries > 50, 60, "entries")
    run.signal(2)
    outcome = run.end()
    assert outcome.code == STOPPED, outcome
    check_same(bed, outcome)


def test_a_dropped_entry_is_noticed(bed):
    bed.host("a", "--latency", "all=2ms")
    dropped = []
    bed.journals[0].drop = lambda data: b"LXDSOAK_UNIT=5\n" in data and b"LXDSOAK_OUTCOME" in data \
        and (dropped.append(data) or True)
    outcome = bed.soak("--total", 12, "--parallel", 3)
    assert outcome.code == PASS and len(dropped) == 1, outcome
    bed.stop()
    told = report(bed.directory, *bed.streams())
    assert told.returncode == INCONCLUSIVE, told
    assert told.stdout.startswith("INCONCLUSIVE: 1 of ") and "11 of 12 units passed" in told.stdout


@pytest.mark.parametrize("which, says", [
    ("a", "entries of host"), ("desk", "the coordinator's entries")])
def test_a_missing_journal_is_noticed(bed, which, says):
    bed.host("a", "--latency", "all=2ms")
    outcome = bed.soak("--total", 6)
    assert outcome.code == PASS, outcome
    bed.stop()
    kept = [j for j in (bed.own, *bed.journals) if j.hostname != which]
    told = report(bed.directory, *bed.streams(*kept))
    assert told.returncode == INCONCLUSIVE and says in told.stdout, told


def test_from_a_pipe(bed):
    bed.host("a", "--latency", "all=2ms")
    outcome = bed.soak("--total", 6)
    bed.stop()
    streams = b"".join(open(j.export, "rb").read() for j in (bed.journals[0], bed.own))
    told = report(bed.directory, "last", "--json", "--stream", "-", stdin=streams)
    assert (told.returncode, told.stdout) == (PASS, outcome.out), told


def test_lists_and_compares(bed):
    """All runs the journals tell of, as the directories do, and two of them beside each other. One
    whose coordinator was killed has no verdict, from either."""
    lxd, _ = bed.host("a", "--latency", "all=2ms")
    first = bed.soak("--total", 120, "--parallel", 12)
    lxd.fault("op-slow", operation="start", ms=1000)
    second = bed.soak("--total", 120, "--parallel", 12)
    assert (first.code, second.code) == (PASS, PASS), (first, second)
    cut = bed.start("--total", 10000, "--parallel", 4)
    before = bed.journals[0].entries
    soak.wait_until(lambda: bed.journals[0].entries > before + 60, 60, "units")
    children.end(cut.process, first=9)
    bed.stop()
    where = bed.directory
    ids = [first.data["run"], second.data["run"]]
    stored = {r["run"]: r for r in json.loads(report(where, "list", "--json").stdout)}
    told = report(where, "list", "--json", *bed.streams())
    listed = json.loads(told.stdout)
    assert (told.returncode, told.stderr) == (PASS, ""), told
    assert [r["run"] for r in listed[:2]] == ids and len(listed) == 3, told
    for run in listed:
        assert run.pop("path") is None and stored[run["run"]].pop("path"), run
    assert listed[:2] == [stored[i] for i in ids], told
    assert listed[2]["verdict"] is None and listed[2]["passed"] >= stored[listed[2]["run"]]["passed"], told
    table = report(where, "list", *bed.streams()).stdout.splitlines()
    assert len(table) == 4 and table[1].startswith(ids[0]) and table[1].endswith(" -"), table
    # what any user can write
    with open(os.path.join(where, "junk.export"), "wb") as junk:
        for i in range(1002):
            junk.write(b"__REALTIME_TIMESTAMP=1\nMESSAGE_ID=b7d3d6a1c2f64b0c9b1f7a9e3d5c1a01\n"
                       b"LXDSOAK_RUN=junk%04d\n\n" % i)
    told = report(where, "list", "--stream", "junk.export")
    assert told.returncode == PASS and "1001 more could not be read" in told.stderr, told
    for wrong in (("list", ".", *bed.streams()), ("list", "--stream", "/nowhere")):
        assert report(where, *wrong).returncode == USAGE, wrong
    for two in (ids, ("--baseline", ids[0], ids[1])):
        from_store = report(where, "compare", "--json", *two)
        told = report(where, "compare", "--json", *two, *bed.streams())
        assert (told.returncode, told.stdout) == (98, from_store.stdout), told
    assert report(where, "compare", *ids, *bed.streams(bed.own)).returncode == INCONCLUSIVE


def queries():
    """The journalctl lines of docs/journal.md, with what a line ending in | goes on with."""
    docs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "journal.md")
    with open(docs, encoding="utf-8") as file:
        text = file.read().split("## Queries")[1].replace("|\n", "|")
    return re.findall(r"^    (journalctl .*)$", text, re.MULTILINE)


def test_the_queries_of_the_docs(bed):
    """Each of them finds what it says: the journal of a run with a failure, something left behind
    and a wedge stands in for the host's."""
    lxd, _ = bed.host("a", "--latency", "all=2ms")
    lxd.fault("op-fail", operation="start", after=2, count=1, text="no such cgroup")
    lxd.fault("delete-lied", after=3, count=1)
    lxd.fault("silent", request="exec-post", after=30, count=1)
    outcome = bed.soak("--total", 20, "--parallel", 3, "--deadline", "all=2s", "--on-wedge",
                       "continue")
    assert outcome.code == WEDGE and outcome.data["leftovers"], outcome
    bed.stop()
    os.mkdir(os.path.join(bed.directory, "journals"))
    bed.journals[0].as_file(os.path.join(bed.directory, "journals", "a.journal"))
    run = outcome.data["run"]
    lines = queries()
    assert len(lines) >= 8, lines
    for line in lines:
        ours = line.replace("7k2m9x4d", run)
        if " -D " not in ours:  # the host's own journal
            ours = ours.replace("journalctl ", "journalctl -D ./journals ", 1)
        ours = ours.replace(" -f ", " ")  # it would not end
        for unit in ("lxdsoak-agent", "lxd"):  # these journals know of no units
            ours = ours.replace(f" -u {unit}", "")
        told = subprocess.run(["bash", "-o", "pipefail", "-c", ours + " --no-pager" * ("|" not in ours)],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
                              cwd=bed.directory)
        assert told.returncode == 0 and told.stdout and b"-- No entries --" not in told.stdout, \
            (line, told)
