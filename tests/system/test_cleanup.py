# SPDX-License-Identifier: LGPL-2.1-or-later
"""cleanup removes what runs have left, in any state, and nothing else."""

import pytest

from testbed import PASS


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
