# SPDX-License-Identifier: LGPL-2.1-or-later
"""What cannot work is refused with a clear line, the right exit code and no trace."""

import os

import pytest

from testbed import INCONCLUSIVE, USAGE


@pytest.mark.parametrize("args, named", [
    (["--hosts", "a", "--total", "0"], "total"),
    (["--hosts", "a", "--total", "-1"], "total"),
    (["--hosts", "a", "--total", "1000000000000"], "total"),
    (["--hosts", "a", "--total", "many"], "total"),
    (["--hosts", "a,a", "--total", "1"], "a"),
    (["--hosts", "", "--total", "1"], "hosts"),
    (["--hosts", "a,,b", "--total", "1"], "hosts"),
    (["--total", "1"], "hosts"),
    (["--hosts", "a"], "total"),
    (["--hosts", "a", "--total", "1", "--parallel", "0"], "parallel"),
    (["--hosts", "a", "--total", "1", "--parallel", "1025"], "parallel"),
    (["--hosts", "a", "--total", "1", "--prefix", "No_Good"], "prefix"),
    (["--hosts", "a", "--total", "1", "--phases", "create,dance"], "dance"),
    (["--hosts", "a", "--total", "1", "--mode", "odd"], "mode"),
    (["--hosts", "a", "--total", "1", "--colour"], "colour"),
    (["--hosts", "a", "--total", "1", "surplus"], "surplus"),
    (["cleanup"], "hosts"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else None)
def test_bad_usage(bed, args, named):
    outcome = bed.coord(*args, timeout=30)
    assert outcome.code == USAGE, outcome
    assert named in outcome.err and len(outcome.err.splitlines()) <= 2, outcome
    assert outcome.out == "" and not outcome.run_dir.exists()


@pytest.mark.parametrize("host", ["nosuchhost", "outside", "10.77.0.99"],
                         ids=["no address", "nobody listens", "nobody answers"])
def test_host_that_cannot_be_reached(bed, host):
    outcome = bed.coord("--hosts", host, "--total", 2, "--known-agents", bed.known_as(host),
                        "--connect-timeout", "4s", timeout=30)
    assert outcome.code == INCONCLUSIVE, outcome
    assert host in outcome.err, outcome


def test_one_of_two_hosts_is_cut_off(bed):
    bed.hosts("cut", "b")
    try:
        outcome = bed.coord("--hosts", "a,b", "--total", 4, "--connect-timeout", "4s", timeout=40)
        assert outcome.code == INCONCLUSIVE, outcome
        assert "b" in outcome.err
    finally:
        bed.hosts("heal", "b")


def test_host_without_a_known_key(bed):
    outcome = bed.coord("--hosts", "stranger", "--total", 1, timeout=20)
    assert outcome.code in (USAGE, INCONCLUSIVE), outcome
    assert "stranger" in outcome.err and "known_agents" in outcome.err, outcome


def test_image_that_does_not_exist(bed):
    outcome = bed.coord("--hosts", "a,b", "--total", 4, "--image", "no-such-image", timeout=40)
    assert outcome.code == INCONCLUSIVE, outcome
    assert "no-such-image" in outcome.err + outcome.out, outcome


def test_template_that_does_not_exist(bed):
    outcome = bed.coord("--hosts", "a", "--total", 2, "--source", "copy:no-such-instance", timeout=40)
    assert outcome.code == INCONCLUSIVE, outcome
    assert "no-such-instance" in outcome.err + outcome.out, outcome


def test_run_dir_that_cannot_be_written(bed):
    outcome = bed.coord("--hosts", "a", "--total", 1, "--run-dir", "/proc/nowhere", timeout=20)
    assert outcome.code in (USAGE, 70), outcome
    assert "/proc/nowhere" in outcome.err, outcome


def test_run_dir_that_holds_a_run_already(bed):
    first = bed.coord("--hosts", "a", "--total", 1)
    size = os.stat(first.run_dir / "run.db").st_size
    again = bed.coord("--hosts", "a", "--total", 1, "--run-dir", first.run_dir, timeout=20)
    assert again.code == USAGE, again
    assert str(first.run_dir) in again.err
    assert os.stat(first.run_dir / "run.db").st_size == size
