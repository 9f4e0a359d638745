# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real faults on a real LXD: each is noticed, named, proved and undone, and the run goes on."""

import signal
import time

import pytest
from testbed import PASS, WEDGE, wait_until

SOAK = ("--hosts", "a", "--total", 24, "--parallel", 6, "--deadline", "all=15", "--stop-timeout", "5s", "--json")

# Waits for something of a container of the soak, 20 s at most; prints what it chose.
ONE_OF = """
for i in $(seq 200); do x=$({find} | shuf -n 1); [ -n "$x" ] && break; sleep .1; done
[ -n "$x" ] && {do} && echo "$x"
"""
RUNNING = "pgrep -f '^.lxc monitor. /var/lib/lxd/containers soak-'"
POOL = "/var/lib/lxd/storage-pools/default/containers"


def provoke(bed, find, do):
    return bed.sh("a", ONE_OF.format(find=find, do=do)).strip()


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
    assert units["passed"] + units["wedged"] == 24 and outcome.data["leftovers"] == [], outcome
    if wedge["evidence"]:
        directory = f"/var/lib/lxdsoak/evidence/{wedge['evidence']}"
        wait_until(lambda: bed.run("a", "test", "-e", f"{directory}/README.txt").returncode == 0, 10, "evidence")
        assert bed.sh("a", f"cat {directory}/README.txt").startswith(name)
    # no callback of the agent's loop takes 50 ms while all this goes on
    assert outcome.data["hosts"]["a"]["agent"]["loop_cpu_max_ns"] < 50_000_000, outcome
    return wedge


def test_a_monitor_stops(bed):
    pid, outcome = soak_with(bed, lambda: provoke(bed, RUNNING, "kill -STOP $x"))
    wedge = check(bed, outcome, "monitor-stuck", suspect=f"pid {pid} ")
    assert wedge["cleared_by"] == "end-monitor" and wedge["sure"] == 100
    stacks = bed.sh("a", f"cat /var/lib/lxdsoak/evidence/{wedge['evidence']}/stacks.txt")
    assert f"pid {pid} [lxc monitor], state T" in stacks and "do_signal_stop" in stacks, stacks
    # it is in the journal, with its explanation
    entries = bed.sh("a", f"journalctl -x -o cat -t lxdsoak-agent LXDSOAK_RUN={outcome.data['run']} -p crit")
    assert "monitor-stuck" in entries
    assert outcome.store.one("select count(*) from recovery where rung = 'end-monitor' and result = 'ok'") == 1


def test_a_container_freezes_behind_lxds_back(bed):
    path, outcome = soak_with(bed, lambda: provoke(
        bed, "grep -l 'populated 1' /sys/fs/cgroup/lxc.payload.soak-*/cgroup.events | xargs -r -n 1 dirname",
        "echo 1 > $x/cgroup.freeze"), "--exec", "sleep 3")
    if outcome.code == PASS:
        pytest.fail(f"{path} was over before it froze: {outcome}")
    check(bed, outcome, "instance-frozen", suspect=path.rsplit("/", 1)[1])


def test_a_container_does_not_end_when_asked(bed):
    """Its init is stopped: it does not hear what it is asked."""
    _, outcome = soak_with(bed, lambda: provoke(bed, f"for m in $({RUNNING}); do pgrep -P $m -x init; done",
                                                "kill -STOP $x"), "--exec", "sleep 3")
    wedge = check(bed, outcome, "stop-ignored")
    assert wedge["cleared_by"] == "forced-stop"


def test_a_command_does_not_end(bed):
    outcome = bed.soak("--hosts", "a", "--total", 2, "--parallel", 2, "--exec", "sleep 600", "--deadline", "exec=4",
                       timeout=150)
    assert outcome.code == WEDGE and outcome.data["units"]["wedged"] == 2, outcome
    assert {w["class"] for w in outcome.data["wedges"]} == {"exec-stuck"}, outcome
    for wedge in outcome.data["wedges"]:
        assert wedge["cleared_by"] == "forced-stop", wedge
        # its deadline and 5 s at most
        assert (wedge["detected_ns"] - wedge["since_ns"]) / 1e9 < 4 + 5, wedge
    assert outcome.data["leftovers"] == []


def test_the_daemon_stops_and_goes_on(bed):
    bed.sh("a", "systemctl start lxd")
    began = time.monotonic()
    _, outcome = soak_with(bed, lambda: bed.sh(
        "a", "p=$(systemctl show -P MainPID lxd); kill -STOP $p; sleep 20; kill -CONT $p; echo $p"))
    wedge = check(bed, outcome, "daemon-hung")
    assert wedge["unit"] is None and wedge["cleared_by"] == "itself" and wedge["sure"] == 100
    assert (wedge["detected_ns"] - wedge["since_ns"]) / 1e9 < 30
    assert time.monotonic() - began < 200


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
    _, outcome = soak_with(bed, lambda: bed.sh("a", "kill -9 $(systemctl show -P MainPID lxd)"))
    # what it dropped in the middle is removed from the host, and done again
    assert outcome.code == WEDGE, outcome
    assert {w["class"] for w in outcome.data["wedges"]} == {"daemon-down"}, outcome
    assert all(w["cleared_by"] for w in outcome.data["wedges"]), outcome
    assert outcome.data["units"]["passed"] == 24, outcome
    assert bed.coord("cleanup", "--hosts", "a", timeout=120).code == PASS


def test_the_daemon_is_restarted(bed):
    _, outcome = soak_with(bed, lambda: bed.sh("a", "systemctl restart lxd", timeout=150))
    wedge = check(bed, outcome, "daemon-down")
    assert "restarted" in wedge["detail"] or wedge["cleared_by"] == "itself", wedge
    assert outcome.data["units"]["passed"] == 24


def test_something_holds_a_mount(bed):
    def hold():
        return provoke(bed, f"ls -d {POOL}/soak-*/rootfs/mnt 2>/dev/null", "mount -t tmpfs none $x")
    path, outcome = soak_with(bed, hold)
    if outcome.code == PASS:
        pytest.fail(f"{path} was deleted all the same: {outcome}")
    check(bed, outcome, "delete-busy", suspect=path)


def test_the_pool_is_full(bed):
    bed.sh("a", """
        mkdir -p /tiny && mount -t tmpfs -o size=6M none /tiny
        lxc storage create tiny dir source=/tiny
        lxc profile device set default root pool=tiny""", timeout=60)
    try:
        outcome = bed.soak("--hosts", "a", "--total", 12, "--parallel", 8, "--on-wedge", "recover", timeout=240)
    finally:
        bed.sh("a", """
            lxc profile device set default root pool=default
            lxc image list -f csv -c f | while read -r f; do
                lxc query -X DELETE "/1.0/storage-pools/tiny/volumes/image/$f" || :; done
            lxc storage delete tiny && umount /tiny && rmdir /tiny""", timeout=120)
    assert outcome.code == WEDGE, outcome
    assert {w["class"] for w in outcome.data["wedges"]} == {"pool-full"}, outcome
    assert outcome.data["units"]["passed"] > 0, "there was room again, and it went on"
    assert outcome.data["units"]["passed"] + outcome.data["units"]["wedged"] == 12, [e["error"] for e in outcome.data["errors"]]
    assert outcome.data["leftovers"] == []
