# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk that is full, on a host with a real LXD: under the agent's spool, the coordinator's store and the journal."""

import json
import shutil
import time

import pytest

from testbed import INTERNAL, PASS, UNIT, counted, wait_until

SPOOL, STORE, JOURNAL = "/var/lib/lxdsoak", "/mnt", "/var/log/journal"


def fill(bed, directory):
    bed.sh("a", f"! dd if=/dev/zero of={directory}/filler bs=4k status=none")
    assert bed.sh("a", f"df --output=avail {directory} | tail -n1").strip() == "0"


def free(bed, directory):
    bed.sh("a", f"rm {directory}/filler")


@pytest.fixture
def small_spool(bed):
    """Of host a: its agent has a file system of its own."""
    bed.sh("a", f"systemctl stop {UNIT} && mount -t tmpfs -o size=4M none {SPOOL} && systemctl start {UNIT}")
    yield
    bed.sh("a", f"systemctl stop {UNIT} && umount {SPOOL} && systemctl start {UNIT}")


@pytest.mark.usefixtures("small_spool")
def test_beneath_the_spool(bed):
    """Nothing is begun, nothing is lost, and work goes on when there is room."""
    total, since = 30, bed.now("a")

    def said(what):
        return sum(what in e["MESSAGE"] for e in bed.journal("a", since))

    run = bed.start("--hosts", "a", "--total", total, "--parallel", 4, "--json")
    wait_until(lambda: counted(run.run_dir) >= 4, 120, "units")
    fill(bed, SPOOL)
    wait_until(lambda: said("The spool cannot be written"), 120, "complaint")
    wait_until(lambda: bed.instances("a") == [], 120, "end of what was in flight")
    time.sleep(4)  # some tries to go on
    assert bed.instances("a") == [] and said("The spool cannot be written") == 1
    assert counted(run.run_dir) < total and run.process.poll() is None
    free(bed, SPOOL)
    outcome = run.end(180)
    assert outcome.code == PASS and outcome.each_once(total), outcome
    assert said("The spool can be written again") == 1


@pytest.fixture
def small_store(bed):
    """In host a: a small file system for a run driven from there."""
    bed.sh("a", f"mount -t tmpfs -o size=16M none {STORE}")
    yield f"{STORE}/run"
    bed.sh("a", f"umount {STORE}")


def test_beneath_the_store(bed, small_store):
    """The coordinator ends and says how to go on; what the agent ended meanwhile is not done again."""
    total, copy = 40, bed.next_run_dir()

    def locally(*args):
        return bed.spawn(copy, "run", bed.state, "a", "--", "lxdsoak-coord", *map(str, args))

    def passed():
        shown = bed.run("a", "lxdsoak-report", "show", small_store, "--json").stdout
        return json.loads(shown)["units"]["passed"] if shown else 0

    run = locally("--hosts", "localhost", "--total", total, "--parallel", 4, "--json", "--run-dir", small_store)
    wait_until(lambda: passed() >= 4, 120, "units")
    fill(bed, STORE)
    outcome = run.end(120)
    assert outcome.code == INTERNAL, outcome
    assert "full" in outcome.err and small_store in outcome.err and "resume" in outcome.err, outcome
    assert 4 <= passed() < total
    again = locally("resume", small_store, "--json").end(60)
    assert again.code == INTERNAL and "full" in again.err, again
    free(bed, STORE)
    again = locally("resume", small_store, "--json").end(180)
    bed.sh("a", f"cp -r {small_store} /root/run")
    shutil.move(bed.root("a") / "root/run", copy)
    assert again.code == PASS and again.each_once(total), again
    assert again.store.one("select max(attempt) from unit") == 1, "something was done twice"


@pytest.fixture
def small_journal(bed):
    """Of host a: its journal has a file system of its own, which is full."""
    bed.sh("a", f"mount -t tmpfs -o size=4M,mode=2755 none {JOURNAL} && systemctl restart systemd-journald && "
                "journalctl --flush")
    fill(bed, JOURNAL)
    yield
    bed.sh("a", f"umount -l {JOURNAL} && systemctl restart systemd-journald && journalctl --flush")


@pytest.mark.usefixtures("small_journal")
def test_beneath_the_journal(bed):
    """The run goes on, for what counts is in the store; and its entries come again when there is room."""
    agent = bed.unit_property("a", "MainPID")
    outcome = bed.soak("--hosts", "a", "--total", 12, "--parallel", 4)
    assert outcome.code == PASS and outcome.each_once(12), outcome
    assert bed.sh("a", f"df --output=avail {JOURNAL} | tail -n1").strip() == "0"
    free(bed, JOURNAL)
    bed.sh("a", "systemctl restart systemd-journald && journalctl --flush")
    since = bed.now("a")
    outcome = bed.soak("--hosts", "a", "--total", 2)
    assert outcome.code == PASS, outcome
    entries = [e for e in bed.journal("a", since) if e.get("LXDSOAK_RUN") == outcome.data["run"]]
    assert len([e for e in entries if e.get("LXDSOAK_PHASE") == "verify"]) == 2, entries
    assert bed.unit_property("a", "MainPID") == agent
