# SPDX-License-Identifier: LGPL-2.1-or-later
"""cleanup removes what runs have left, in any state, and nothing else."""

import json
import signal

import pytest

from testbed import PASS, WEDGE, wait_until


@pytest.fixture
def foreign(bed):
    """Somebody else's container with our prefix."""
    name = "soak-aaaaaaaa-1"
    bed.sh("a", f"lxc launch -q soak {name} && lxc config set {name} user.lxdsoak.note=mine")
    yield name
    bed.sh("a", f"lxc delete --force {name}")


def keep(bed, host, total):
    outcome = bed.soak("--hosts", host, "--mode", "density", "--keep", "--total", total, "--parallel", total)
    assert outcome.code == PASS, outcome
    assert len([i for i in bed.instances(host) if outcome.data["run"] in i]) == total
    return outcome.data["run"]


def test_nothing_to_clean(bed):
    outcome = bed.coord("cleanup", "--hosts", "a,b")
    assert outcome.code == PASS, outcome


def test_whatever_state_and_nothing_else(bed, foreign):
    run = keep(bed, "a", 4)
    bed.sh("a", f"lxc pause soak-{run}-1; lxc stop --force soak-{run}-2; lxc config set soak-{run}-3 user.x=y")
    before = sorted(bed.instances("a"))

    shown = bed.coord("cleanup", "--hosts", "a,b", "--dry-run")
    assert shown.code == PASS, shown
    assert all(f"soak-{run}-{n}" in shown.out for n in (1, 2, 3, 4)) and foreign not in shown.out, shown
    assert sorted(bed.instances("a")) == before

    done = bed.coord("cleanup", "--hosts", "a,b")
    assert done.code == PASS, done
    assert all(f"soak-{run}-{n}" in done.out for n in (1, 2, 3, 4)) and foreign not in done.out, done
    assert bed.instances("a") == [foreign]
    assert bed.left_after("a", allowed=[foreign, "veth", "phys"]) == []
    assert bed.sh("a", f"lxc exec {foreign} -- echo alive").strip() == "alive"


def test_one_run_only(bed):
    first, second = keep(bed, "a", 2), keep(bed, "a", 2)
    assert bed.coord("cleanup", "--hosts", "a", "--run", first).code == PASS
    assert sorted(bed.instances("a")) == [f"soak-{second}-1", f"soak-{second}-2"]
    assert bed.coord("cleanup", "--hosts", "a").code == PASS


def test_a_mount_held_in_the_root_file_system(bed):
    run = keep(bed, "a", 1)
    path = f"/var/lib/lxd/storage-pools/default/containers/soak-{run}-1/rootfs/mnt"
    bed.sh("a", f"mount -t tmpfs none {path}")
    try:
        outcome = bed.coord("cleanup", "--hosts", "a", timeout=60)
        # Gone, or said that it would not go; never success with something left.
        assert (outcome.code == PASS) == (bed.left_after("a") == []), outcome
    finally:
        bed.run("a", "umount", path)
        assert bed.coord("cleanup", "--hosts", "a", timeout=60).code == PASS


# ---- what the API has forgotten ----------------------------------------------


def monitor(bed, name):
    return bed.sh("a", rf"pgrep -f '^\[lxc monitor\] .* {name}$'").strip()


def delete_lies(bed, name):
    """LXD reports a delete as successful while all of the container lives on."""
    bed.sh("a", f"kill -STOP {monitor(bed, name)}")
    bed.sh("a", f"""
        api() {{ timeout 40 lxc query --wait "$@" >/dev/null 2>&1; }}
        api -X PUT -d '{{"action":"stop","force":true}}' /1.0/instances/{name}/state
        api -X DELETE /1.0/instances/{name}
    """)
    assert name not in bed.instances("a")


def of(bed, *names):
    """What the host has of these, and of which link pairs: the lines that must not change."""
    lines = [line for line in bed.left("a") if any(n in line for n in names)]
    for name in names:
        lines.append(f"monitor {name} {monitor(bed, name)}")
        lines.append(bed.sh("a", f"lxc config get {name} volatile.eth0.host_name | xargs ip -br link show dev").split()[0])
    return sorted(lines)


@pytest.fixture
def namesakes(bed):
    """Called by a test with the run: somebody's containers that are called like that run's."""
    made = []

    def make(run):
        for name in (f"soak-{run}-99", f"soak-{run}-1-1", f"x-soak-{run}-11", f"soak-{run}-1x"):
            bed.sh("a", f"lxc launch -q soak {name}")
            made.append(name)
        return made

    yield make
    for name in made:
        bed.sh("a", f"lxc delete --force {name}")


def test_delete_lied(bed, namesakes):
    run = keep(bed, "a", 2)
    foreign = namesakes(run)
    delete_lies(bed, f"soak-{run}-1")
    before = of(bed, *foreign)
    assert f"cgroup lxc.payload.soak-{run}-1" in bed.left("a")
    bed.sh("a", "systemctl restart lxdsoak-agent")

    shown = bed.coord("cleanup", "--hosts", "a", "--dry-run")
    assert shown.code == PASS and "would remove process" in shown.out and "would remove cgroup" in shown.out, shown
    done = bed.coord("cleanup", "--hosts", "a")
    assert done.code == PASS and "removed process" in done.out and f"soak-{run}-2" in done.out, done
    assert of(bed, *foreign) == before
    assert sorted(bed.instances("a")) == sorted(foreign)
    mine = [line for line in bed.left_after("a") if not any(n in line for n in (*foreign, "veth"))]
    assert mine == []
    assert len([line for line in bed.left("a") if line.startswith("veth")]) == len(foreign)
    assert "nothing" in bed.coord("cleanup", "--hosts", "a").out


def test_a_monitor_that_is_stopped(bed):
    """LXD still has the instance, and cannot stop it."""
    run = keep(bed, "a", 1)
    bed.sh("a", f"kill -STOP {monitor(bed, f'soak-{run}-1')}")
    done = bed.coord("cleanup", "--hosts", "a", timeout=120)
    assert done.code == PASS and "removed process" in done.out, done
    assert bed.left_after("a") == []


def veth_pairs(bed):
    """Forgotten pairs: both ends are here. One that LXD had given no address yet when it
    was killed shows by nothing whose it is, so nobody may remove it."""
    lines = bed.sh("a", "ip -br link | grep -E '^(veth|phys)[^ ]*@[^ ]*[a-z]' | grep -v '@if' || :").splitlines()
    ends = {line.split()[0].split("@")[0]: line for line in lines}
    return [name for name, line in ends.items() if " 00:16:3e:" in line]


def drop_nameless_pairs(bed):
    bed.run("a", "bash", "-c", "ip -br link | sed -nE 's/^(veth[^@ ]*)@veth.*/\\1/p' | xargs -rn1 ip link del")


def test_links_after_lxd_was_killed(bed):
    run = bed.start("--hosts", "a", "--total", 24, "--parallel", 8, "--json")
    try:
        for _ in range(2):
            # Killed while systemd still waits for it to be ready, it would stay away for 10 minutes.
            wait_until(lambda: bed.unit_property("a", "ActiveState", "lxd.service") == "active", 60, "lxd is active")
            wait_until(lambda: len(bed.instances("a")) >= 4, 30, "4 instances")
            bed.sh("a", "sleep 1; kill -9 $(systemctl show -P MainPID lxd.service)")
        outcome = run.end(150)
        left = veth_pairs(bed)
        # Every forgotten pair that can be told to be ours was told.
        assert len([i for i in outcome.data["leftovers"] if i["kind"] == "veth"]) == len(left), outcome
        assert outcome.code == WEDGE, outcome
        done = bed.coord("cleanup", "--hosts", "a")
        assert done.code == PASS and done.out.count("removed veth") == len(left), done
        assert veth_pairs(bed) == []
    finally:
        run.signal(signal.SIGKILL)
        drop_nameless_pairs(bed)


ASK_HELPER = """
import socket, sys
helper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
helper.settimeout(30)
helper.connect("/run/lxdsoak/helper.sock")
for request in sys.argv[1:]:
    helper.send(request.encode())
    print(helper.recv(65536).decode())
"""


def ask_helper(bed, *requests):
    """What the root helper says, asked by root past the agent."""
    lines = [json.dumps({"id": 1, "verb": "remove", "lxd_dir": "/var/lib/lxd", **r}) for r in requests]
    done = bed.run("a", "python3", "-c", ASK_HELPER, *lines)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name, run", [
    ("mine", "aaaaaaaa"),
    ("soak-aaaaaaaa-1", "bbbbbbbb"),
    ("soak-aaaaaaaa-1x", "aaaaaaaa"),
    ("aaaaaaaa-1", "aaaaaaaa"),
    ("soak-aaaaaaaa-1/../x", "aaaaaaaa"),
    ("soak-aaaaaaaa-1", ""),
])
def test_helper_refuses_what_is_not_the_runs(bed, foreign, name, run):
    before = of(bed, foreign)
    kinds = ("process", "cgroup", "mount", "veth", "volume")
    answers = ask_helper(bed, *({"kind": kind, "instance": name, "run": run} for kind in kinds),
                         {"kind": "instance", "instance": foreign, "run": "aaaaaaaa"})
    assert len(answers) == 6
    assert all(answer["errno"] in (1, 22) for answer in answers), answers
    assert of(bed, foreign) == before
