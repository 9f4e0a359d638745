# SPDX-License-Identifier: LGPL-2.1-or-later
"""Things go wrong half-way: it is said, it counts, and the host is left clean."""

import re
import signal
import time

import pytest
from test_cleanup import drop_nameless_pairs
from testbed import INCONCLUSIVE, PASS, STOPPED, THRESHOLD, WEDGE, Store, wait_until

LONG = ("--hosts", "a,b", "--total", 400, "--parallel", 6)


def test_interrupt_drains(bed):
    run = bed.start(*LONG, "--json")
    bed.at_work()
    run.signal(signal.SIGINT)
    outcome = run.end(90)
    assert outcome.code == STOPPED, outcome
    assert outcome.data["verdict"] == "stopped" and outcome.data["leftovers"] == []
    assert outcome.data["units"]["failed"] == 0, "units that were under way ended well, or were interrupted"
    assert bed.left_after("a") == bed.left_after("b") == []


def test_second_interrupt_gives_up_and_cleanup_finds_the_rest(bed):
    run = bed.start(*LONG)
    bed.at_work()
    run.signal(signal.SIGINT)
    time.sleep(0.3)
    run.signal(signal.SIGINT)
    outcome = run.end(60)
    assert outcome.code == STOPPED, outcome
    assert bed.coord("cleanup", "--hosts", "a,b").code == PASS
    assert bed.left_after("a") == bed.left_after("b") == []


def test_coordinator_is_killed_and_cleanup_finds_the_rest(bed):
    run = bed.start(*LONG)
    bed.at_work()
    run.signal(signal.SIGKILL)
    run.end(30)
    # For 10 s the agents cannot know that it is gone, and leave its run alone.
    time.sleep(12)
    deadline = time.monotonic() + 60
    while (outcome := bed.coord("cleanup", "--hosts", "a,b", timeout=90)).code != PASS:
        assert "is being driven" in outcome.out + outcome.err, outcome
        assert time.monotonic() < deadline, outcome
        time.sleep(3)
    assert bed.left_after("a") == bed.left_after("b") == []


def test_coordinator_is_killed_and_the_run_goes_on(bed):
    run = bed.start("--hosts", "a,b", "--total", 60, "--parallel", 4, "--json")
    bed.at_work()
    run.signal(signal.SIGKILL)
    run.end(30)
    outcome = bed.coord("resume", run.run_dir, "--json", timeout=180)
    assert outcome.code == PASS and outcome.data["units"]["passed"] == 60, outcome
    assert outcome.each_once(60)
    assert outcome.store.one("select max(attempt) from unit") == 1, "nothing was done twice"
    assert outcome.data["leftovers"] == [] and bed.left_after("a") == bed.left_after("b") == []


def test_lxd_is_killed_half_way(bed):
    run = bed.start("--hosts", "a", "--total", 30, "--parallel", 6, "--json")
    bed.at_work()
    bed.sh("a", "kill -9 $(systemctl show -P MainPID lxd.service)")
    outcome = run.end(150)
    # Units that LXD dropped were done again; that it went is in the report.
    assert outcome.code == WEDGE, outcome
    units = outcome.data["units"]
    assert units["passed"] + units["failed"] + units["wedged"] + units["interrupted"] == 30, outcome
    assert units["passed"] > 20, outcome
    # LXD forgets the links of starts that were under way: said where they can be
    # told from a stranger's, and then removed by cleanup.
    assert all(item["kind"] == "veth" for item in outcome.data["leftovers"]), outcome
    assert bed.coord("cleanup", "--hosts", "a", timeout=120).code == PASS
    drop_nameless_pairs(bed)
    assert bed.left_after("a") == []


def test_agent_is_killed_half_way(bed):
    run = bed.start("--hosts", "a", "--total", 20, "--parallel", 5, "--json")
    bed.at_work()
    bed.sh("a", "kill -9 $(systemctl show -P MainPID lxdsoak-agent.service)")
    outcome = run.end(150)
    assert outcome.code in (PASS, THRESHOLD, INCONCLUSIVE), outcome
    assert bed.coord("cleanup", "--hosts", "a", timeout=90).code == PASS
    assert bed.left_after("a") == []


def test_host_is_cut_off_half_way(bed):
    run = bed.start("--hosts", "a,b", "--total", 60, "--parallel", 4, "--json")
    bed.at_work("b")
    bed.hosts("cut", "b")
    time.sleep(4)
    bed.hosts("heal", "b")
    outcome = run.end(150)
    assert outcome.code == PASS, outcome
    assert outcome.data["units"]["passed"] == 60, outcome


def test_host_is_cut_off_for_longer_than_its_lease(bed):
    """Its units are done by the other; what it still ended is late, and it takes part again."""
    run = bed.start("--hosts", "a,b", "--total", 90, "--parallel", 4, "--lease", "10s", "--json")
    bed.at_work("b")
    # and the coordinator has heard so: a lease that is not confirmed counts from when it was sent last
    wait_until(lambda: Store(run.run_dir / "run.db").one("select count(*) from unit where host = 'b'"), 60, "unit of b")
    bed.hosts("cut", "b")
    time.sleep(15)
    bed.hosts("heal", "b")
    outcome = run.end(240)
    assert outcome.code == PASS and outcome.data["units"]["passed"] == 90, outcome
    assert outcome.each_once(90)
    assert re.search("host b: nothing heard for 11 s; units .* go to other hosts", outcome.err), outcome
    assert "host b: connected again" in outcome.err, outcome
    assert bed.left_after("a") == bed.left_after("b") == []


def boots(bed, host):
    """Power on again, with an agent that starts with the host."""
    bed.hosts("boot", host, timeout=180)
    bed.await_agent(host)


@pytest.fixture
def enabled(bed):
    bed.sh("b", "systemctl enable lxdsoak-agent")
    yield
    bed.sh("b", "systemctl disable lxdsoak-agent")


@pytest.mark.usefixtures("enabled")
def test_host_is_lost_for_good(bed):
    """A power cut: what it had is done elsewhere, and the report says which host, and what may lie there."""
    run = bed.start("--hosts", "a,b", "--total", 60, "--parallel", 4, "--lease", "10s", "--json")
    bed.at_work("b")
    bed.hosts("kill", "b")
    try:
        outcome = run.end(240)
    finally:
        boots(bed, "b")
    assert outcome.code == INCONCLUSIVE and outcome.data["units"]["passed"] == 60, outcome
    assert outcome.each_once(60)
    assert {h: outcome.data["hosts"][h]["state"] for h in ("a", "b")} == {"a": "finished", "b": "lost"}, outcome
    assert re.search(r"lxdsoak-coord cleanup --hosts .*\bb\b", outcome.err), outcome
    # what lay there is its agent's to remove, once it is back; and cleanup finds no more
    wait_until(lambda: bed.instances("b") == [], 90, "removal of what was in flight")
    cleaned = bed.coord("cleanup", "--hosts", "b", "--run", outcome.data["run"], timeout=120)
    assert cleaned.code == PASS, cleaned
    assert bed.left_after("a") == bed.left_after("b") == []


@pytest.mark.usefixtures("enabled")
def test_host_is_rebooted_half_way(bed):
    """It comes back, removes what it had in flight, and goes on with the run."""
    run = bed.start("--hosts", "a,b", "--total", 120, "--parallel", 4, "--json")
    bed.at_work("b")
    bed.hosts("kill", "b")
    boots(bed, "b")
    outcome = run.end(300)
    assert outcome.code in (PASS, INCONCLUSIVE), outcome
    assert outcome.each_once(120)
    assert "host b: its agent was started anew" in outcome.err, outcome
    assert outcome.store.one("select count(*) from late where why = 'interrupted'") > 0
    assert outcome.data["leftovers"] == [] and bed.left_after("a") == bed.left_after("b") == []


def test_name_is_taken(bed):
    run = bed.start("--hosts", "a", "--total", 10, "--parallel", 1, "--json")
    bed.at_work(n=1)
    mine = bed.instances("a")[0]
    taken = mine[:-2] + "10"
    bed.sh("a", f"lxc init soak {taken}")
    try:
        outcome = run.end(120)
        assert outcome.code == THRESHOLD, outcome
        assert outcome.data["units"]["failed"] == 1 and outcome.data["units"]["passed"] == 9, outcome
        errors = outcome.store.rows("select error from sample where result <> 'ok'")
        assert any("exists" in (e or "") for (e,) in errors), errors
        assert bed.instances("a") == [taken], "somebody else's instance was removed"
    finally:
        bed.run("a", "lxc", "delete", "--force", taken)
