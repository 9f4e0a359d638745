# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real faults on a real LXD: each is noticed, named, proved and undone, and the run goes on."""

import os
import signal
import threading

import pytest
from faults import (INSTANCE_FAULTS, LINGER, kill_daemon, put_silent_fs, restart_daemon, small_pool, stall_database,
                    stop_daemon)
from testbed import PASS, WEDGE, wait_until

SOAK = ("--hosts", "a", "--total", 24, "--parallel", 6, "--deadline", "all=15", "--stop-timeout", "5s", "--json")


def soak_with(bed, fault, *options, timeout=240):
    """A run with a fault in its midst; what the fault hit, and how it ended."""
    run = bed.start(*SOAK, *options)
    try:
        wait_until(lambda: len(bed.instances("a")) >= 3, 60, "instances")
        hit = fault()
        return hit, run.end(timeout)
    except BaseException:
        run.signal(signal.SIGINT)
        run.end(120)
        raise


def soak_with_one(bed, fault, *options):
    """With one fault of an instance; which instance, what was hit, how it ended."""
    hit, outcome = soak_with(bed, lambda: INSTANCE_FAULTS[fault].provoke(bed, "a"), *options)
    assert hit, f"nothing to hit was there: {outcome}"
    if outcome.code == PASS:
        pytest.fail(f"{hit} was over before it showed: {outcome}")
    assert [w["instance"] for w in outcome.data["wedges"]] == [hit[0]], (hit, outcome)
    return *hit, outcome


def check(bed, outcome, name, suspect="", cleared=True):
    """One wedge, of this class; all other units passed; nothing is left; it is proved."""
    assert outcome.code == WEDGE and outcome.data["verdict"] == "wedge", outcome
    units = outcome.data["units"]
    found = outcome.data["wedges"]
    assert [w["class"] for w in found] == [name], outcome
    wedge = found[0]
    assert suspect in wedge["suspect"], wedge
    assert bool(wedge["cleared_by"]) == cleared, wedge
    assert units["wedged"] == (0 if wedge["unit"] is None else 1), outcome
    assert units["passed"] + units["wedged"] == 24, outcome
    # a daemon that ends in the middle of a start forgets the links it has made
    allowed = {"veth"} if wedge["unit"] is None else set()
    assert {left["kind"] for left in outcome.data["leftovers"]} <= allowed, outcome
    if wedge["evidence"]:
        directory = f"/var/lib/lxdsoak/evidence/{wedge['evidence']}"
        wait_until(lambda: bed.run("a", "test", "-e", f"{directory}/README.txt").returncode == 0, 10, "evidence")
        assert bed.sh("a", f"cat {directory}/README.txt").startswith(name)
    # no callback of the agent's loop takes 50 ms while all this goes on
    assert outcome.data["hosts"]["a"]["agent"]["loop_cpu_max_ns"] < 50_000_000, outcome
    return wedge


def evidence(bed, wedge, name):
    return bed.sh("a", f"cat /var/lib/lxdsoak/evidence/{wedge['evidence']}/{name}")


def test_a_monitor_stops(bed):
    _, pid, outcome = soak_with_one(bed, "its monitor stops")
    wedge = check(bed, outcome, "monitor-stuck", suspect=f"pid {pid} ")
    # in the middle of its start there are mounts to take away as well
    assert wedge["cleared_by"] in ("end-monitor", "unmount") and wedge["sure"] == 100
    stacks = evidence(bed, wedge, "stacks.txt")
    assert f"pid {pid} [lxc monitor], state T" in stacks and "do_signal_stop" in stacks, stacks
    # it is in the journal, with its explanation
    bed.sh("a", "journalctl --sync")
    entries = bed.sh("a", f"journalctl -x -o cat -t lxdsoak-agent LXDSOAK_RUN={outcome.data['run']} -p crit")
    assert "monitor-stuck" in entries
    assert outcome.store.one("select count(*) from recovery where rung = 'end-monitor' and result = 'ok'") == 1


def test_a_container_freezes_behind_lxds_back(bed):
    _, path, outcome = soak_with_one(bed, "it is frozen behind LXD's back", "--exec", LINGER)
    check(bed, outcome, "instance-frozen", suspect=path.rsplit("/", 1)[1])


def test_a_container_does_not_end_when_asked(bed):
    _, _, outcome = soak_with_one(bed, "its init ignores SIGPWR", "--exec", LINGER)
    wedge = check(bed, outcome, "stop-ignored")
    assert wedge["cleared_by"] == "forced-stop"


def test_a_task_cannot_be_killed(bed):
    """Nor may anything that looks at it hang; it goes when what it waits for is given up."""
    fault = INSTANCE_FAULTS["a task in it cannot be killed"]
    put_silent_fs(bed, "a", os.environ["LXDSOAK_BUILD"])

    def provoke():
        hit = fault.provoke(bed, "a")
        threading.Timer(fault.after, fault.end, (bed, "a")).start()
        return hit

    try:
        hit, outcome = soak_with(bed, provoke, "--exec", LINGER)
    finally:
        fault.end(bed, "a")
    assert hit and outcome.data["wedges"][0]["instance"] == hit[0], (hit, outcome)
    wedge = check(bed, outcome, "task-unkillable", suspect="cat")
    stacks = evidence(bed, wedge, "stacks.txt")
    assert "fuse" in stacks and f"{wedge['suspect'].split()[1]} cat, state D" in stacks, stacks


def test_a_command_does_not_end(bed):
    outcome = bed.soak("--hosts", "a", "--total", 2, "--parallel", 2, "--exec", "sleep 600", "--deadline", "exec=4",
                       timeout=150)
    assert outcome.code == WEDGE and outcome.data["units"]["wedged"] == 2, outcome
    assert {w["class"] for w in outcome.data["wedges"]} == {"exec-stuck"}, outcome
    for wedge in outcome.data["wedges"]:
        assert wedge["cleared_by"] == "forced-stop", wedge
        # its deadline and 5 s at most, and what a busy machine adds
        assert 4 <= (wedge["detected_ns"] - wedge["since_ns"]) / 1e9 < 4 + 20, wedge
    assert outcome.data["leftovers"] == []


def test_the_daemon_stops_and_goes_on(bed):
    _, outcome = soak_with(bed, lambda: stop_daemon(bed, "a"))
    wedge = check(bed, outcome, "daemon-hung")
    assert wedge["unit"] is None and wedge["cleared_by"] == "itself" and wedge["sure"] == 100
    assert (wedge["detected_ns"] - wedge["since_ns"]) / 1e9 < 30


def test_the_database_stands_still(bed):
    """What needs no database is answered; what fails meanwhile is no unit's fault, and is done again."""
    _, outcome = soak_with(bed, lambda: stall_database(bed, "a", seconds=12), "--probe-timeout", "4s")
    wedge = check(bed, outcome, "database-stalled")
    assert wedge["unit"] is None and wedge["cleared_by"] == "itself", wedge
    assert bed.coord("cleanup", "--hosts", "a", timeout=120).code == PASS


def test_the_daemon_is_restarted_by_us(bed):
    """It stands still for good; the last rung was allowed."""
    bed.sh("a", "systemctl start lxd")
    _, outcome = soak_with(bed, lambda: bed.sh("a", "kill -STOP $(systemctl show -P MainPID lxd)"),
                           "--allow-daemon-restart")
    found = outcome.data["wedges"]
    assert outcome.code == WEDGE and [w["class"] for w in found] == ["daemon-hung"], outcome
    assert found[0]["cleared_by"] == "restart-daemon", found
    assert outcome.data["units"]["passed"] == 24, outcome
    assert bed.coord("cleanup", "--hosts", "a", timeout=120).code == PASS


def test_the_daemon_is_killed(bed):
    _, outcome = soak_with(bed, lambda: kill_daemon(bed, "a"))
    # what it dropped in the middle is removed from the host, and done again
    assert outcome.code == WEDGE, outcome
    assert {w["class"] for w in outcome.data["wedges"]} == {"daemon-down"}, outcome
    assert all(w["cleared_by"] for w in outcome.data["wedges"]), outcome
    assert outcome.data["units"]["passed"] == 24, outcome
    assert bed.coord("cleanup", "--hosts", "a", timeout=120).code == PASS


def test_the_daemon_is_restarted(bed):
    _, outcome = soak_with(bed, lambda: restart_daemon(bed, "a"))
    wedge = check(bed, outcome, "daemon-down")
    assert "restarted" in wedge["detail"] or wedge["cleared_by"] == "itself", wedge
    assert outcome.data["units"]["passed"] == 24
    assert bed.coord("cleanup", "--hosts", "a", timeout=120).code == PASS


def test_something_holds_a_mount(bed):
    _, path, outcome = soak_with_one(bed, "a mount in it is held")
    check(bed, outcome, "delete-busy", suspect=path)


def test_the_pool_is_full(bed):
    with small_pool(bed, "a", "6M"):
        outcome = bed.soak("--hosts", "a", "--total", 12, "--parallel", 8, timeout=240)
        # while the pool is still there: the volumes in it are looked for
        assert bed.left_after("a") == []
    assert outcome.code == WEDGE, outcome
    assert {w["class"] for w in outcome.data["wedges"]} == {"pool-full"}, outcome
    assert outcome.data["units"]["passed"] > 0, "there was room again, and it went on"
    errors = [error for (error,) in outcome.store.rows("select error from sample where result <> 'ok'")]
    assert outcome.data["units"]["passed"] + outcome.data["units"]["wedged"] == 12, errors
    assert any("space" in (error or "") for error in errors), errors
    assert outcome.data["leftovers"] == []
