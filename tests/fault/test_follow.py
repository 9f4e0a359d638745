# SPDX-License-Identifier: LGPL-2.1-or-later
"""lxdsoak-report --follow: a run as it goes on, from its store, from journals and from streams; it
ends with the run, and with its verdict."""

import os
import pty
import signal
import subprocess

import pytest

import children
import journald
import soak
from soak import INCONCLUSIVE, PASS, STOPPED, USAGE, WEDGE
from test_journal import bed  # noqa: F401
from test_report import report


class Follower:
    """One that follows, in the background."""

    def __init__(self, directory, *arguments, stdin=subprocess.DEVNULL, terminal=None):
        self.paths = [os.path.join(str(directory), f"follow.{w}") for w in ("out", "err")]
        environment = soak.environment(directory)
        if terminal is not None:
            environment["TERM"] = "xterm"
        with open(self.paths[0], "wb") as out, open(self.paths[1], "wb") as err:
            self.process = subprocess.Popen(
                [children.binary("report/lxdsoak-report"), "show", *map(str, arguments), "--follow"],
                stdin=stdin, stdout=out, stderr=err if terminal is None else terminal,
                cwd=str(directory), env=environment, preexec_fn=children.die_with_parent)

    def said(self, which=1):
        with open(self.paths[which], encoding="utf-8") as file:
            return file.read()

    def end(self, timeout=60):
        code = self.process.wait(timeout)
        return code, self.said(0), self.said(1)

    def stop(self):
        children.end(self.process, first=signal.SIGKILL)


@pytest.fixture
def follow(short_dir):
    made = []

    def make(*arguments, **keywords):
        made.append(Follower(short_dir, *arguments, **keywords))
        return made[-1]

    yield make
    for follower in made:
        follower.stop()


def begun(run):
    """When its store has the run, with a unit or two."""
    def units():
        try:
            return soak.Store(run.run_dir).one("select count(*) from unit") > 1
        except soak.sqlite3.Error:
            return False
    soak.wait_until(units, 60, "run with units")
    return run.run_dir


def test_from_the_store(host, follow):
    run = host.start("--total", 100000, "--parallel", 3)
    follower = follow(begun(run), "--json")
    soak.wait_until(lambda: follower.said().count(" of 100000 units") >= 2, 60, "two lines")
    assert follower.process.poll() is None and follower.said(0) == ""
    run.signal(signal.SIGINT)
    outcome = run.end()
    assert follower.end()[:2] == (outcome.code, outcome.out) and outcome.code == STOPPED
    # one that is over already: as without --follow
    told = report(host.directory, "--follow", "--json")
    assert (told.returncode, told.stdout, told.stderr) == (STOPPED, outcome.out, ""), told


def test_wedges_as_they_come(host, follow):
    host.lxd.fault("silent", request="exec-post", after=4, count=1)
    run = host.start("--total", 40, "--parallel", 1, "--deadline", "all=2s", "--on-wedge", "continue")
    follower = follow(begun(run))
    outcome = run.end()
    code, out, err = follower.end()
    assert (code, outcome.code) == (WEDGE, WEDGE) and out.startswith("WEDGE: "), (out, err)
    assert err.count(": wedge ") >= 1, err


def test_interrupted(host, follow):
    run = host.start("--total", 100000, "--parallel", 3)
    follower = follow(begun(run))
    soak.wait_until(lambda: " of 100000 units" in follower.said(), 60, "line")
    follower.process.send_signal(signal.SIGINT)
    code, out, err = follower.end(20)
    assert (code, out) == (STOPPED, "") and " goes on" in err, err
    assert run.process.poll() is None
    run.signal(signal.SIGINT)
    assert run.end().code == STOPPED


def test_the_coordinator_is_killed(host, follow):
    run = host.start("--total", 100000, "--parallel", 3)
    follower = follow(begun(run))
    soak.wait_until(lambda: " of 100000 units" in follower.said(), 60, "line")
    children.end(run.process, first=signal.SIGKILL)
    code, out, err = follower.end(20)
    assert code == INCONCLUSIVE and "not ended: as far as is known" in out, (code, out)
    assert "its coordinator is gone; lxdsoak-coord resume goes on with it" in err, err


def test_on_a_terminal(host, follow):
    run = host.start("--total", 100000, "--parallel", 3)
    ours, theirs = pty.openpty()
    follower = follow(begun(run), terminal=theirs)
    os.close(theirs)
    shown = b""
    while shown.count(b"of 100000 units") < 3:
        shown += os.read(ours, 65536)
    run.signal(signal.SIGINT)
    run.end()
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
    os.close(ours)
    code, out, _ = follower.end()
    assert code == STOPPED and out.startswith("STOPPED"), out
    assert shown.count(b"F") and b"\x1b[K" in shown and shown.endswith(b"\x1b[J"), shown
    # not more than 24 lines of it at a time
    assert all(part.count(b"\n") < 24 for part in shown.split(b"\x1b[J")), shown


@pytest.mark.skipif(not journald.possible(), reason="mount namespaces need root")
def test_from_streams(bed, follow):  # noqa: F811
    """Of both hosts, through pipes as ssh would make them: all that comes is waited for."""
    bed.host("a", "--latency", "all=5ms")
    run = bed.start("--total", 100000, "--parallel", 3)
    soak.wait_until(lambda: bed.own.entries > 0 and bed.journals[0].entries > 20, 60, "entries")
    run_id = next(line for line in bed.own.said().splitlines() if line.startswith("LXDSOAK_RUN="))[12:]
    tails = [subprocess.Popen(["tail", "-c", "+1", "-f", j.export], stdout=subprocess.PIPE,
                              preexec_fn=children.die_with_parent) for j in (bed.own, bed.journals[0])]
    try:
        fifo = os.path.join(bed.directory, "fifo")
        os.mkfifo(fifo)
        follower = follow(run_id, "--json", "--stream", "-", "--stream", fifo, stdin=tails[0].stdout)
        copy = subprocess.Popen(["sh", "-c", f"cat > {fifo}"], stdin=tails[1].stdout,
                                preexec_fn=children.die_with_parent)
        tails.append(copy)
        soak.wait_until(lambda: follower.said().count(" of 100000 units") >= 2, 60, "two lines")
        run.signal(signal.SIGINT)
        outcome = run.end()
        assert follower.end()[:2] == (outcome.code, outcome.out)
    finally:
        for tail in tails:
            children.end(tail)
    # a stream that is over before its run is
    told = report(bed.directory, run_id, "--follow", "--stream", bed.journals[0].export, "--stream",
                  "-", stdin=b"")
    assert told.returncode == INCONCLUSIVE, told
    half = open(bed.own.export, "rb").read().split(b"\n\n")[0] + b"\n"
    told = report(bed.directory, run_id, "--follow", "--stream", "-", stdin=half)
    assert told.returncode == INCONCLUSIVE and "the stream has ended, and the run had not" in told.stderr, told
    for wrong, says in ((("last", "--stream", "-"), "wants the id of the run"),
                        ((run_id, "--stream", "/nowhere"), "/nowhere"),
                        ((run_id, "--directory", bed.directory), "is not in these journals")):
        told = report(bed.directory, *wrong, "--follow")
        assert (told.returncode, told.stdout) == (USAGE, "") and says in told.stderr, told


@pytest.mark.skipif(not journald.possible(), reason="mount namespaces need root")
def test_from_journals(bed, follow):  # noqa: F811
    """From a directory of journal files that are written the while."""
    bed.host("a", "--latency", "all=20ms")
    run = bed.start("--total", 100000, "--parallel", 3)
    soak.wait_until(lambda: bed.own.entries > 0 and bed.journals[0].entries > 20, 60, "entries")
    files = os.path.join(bed.directory, "files")
    os.mkdir(files)
    writers = []
    try:
        for journal in (bed.own, bed.journals[0]):
            writers.append(subprocess.Popen(["tail", "-c", "+1", "-f", journal.export],
                                            stdout=subprocess.PIPE,
                                            preexec_fn=children.die_with_parent))
            writers.append(subprocess.Popen(
                [journald.REMOTE, "--output", os.path.join(files, f"{journal.hostname}.journal"), "-"],
                stdin=writers[-1].stdout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                preexec_fn=children.die_with_parent))
        soak.wait_until(lambda: "a.journal" in os.listdir(files) and report(
            bed.directory, "list", "--directory", files).stdout, 60, "journals")
        follower = follow("last", "--json", "--directory", files)
        soak.wait_until(lambda: follower.said().count(" of 100000 units") >= 2, 60, "two lines")
        run.signal(signal.SIGINT)
        outcome = run.end()
        assert follower.end()[:2] == (outcome.code, outcome.out)
    finally:
        for writer in writers:
            children.end(writer)
