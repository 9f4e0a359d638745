# SPDX-License-Identifier: LGPL-2.1-or-later
"""Soaks that must pass, and what they report and record."""

import json
import re

import pytest

from testbed import PASS, STOPPED, THRESHOLD

PHASES = ["create", "start", "ready", "exec", "stop", "delete", "verify"]


def check_passed(outcome, total):
    assert outcome.code == PASS, outcome
    data = outcome.data
    assert data["verdict"] == "pass"
    assert data["units"]["passed"] == total, outcome
    assert data["units"]["failed"] == data["units"]["wedged"] == data["units"]["interrupted"] == 0
    assert data["leftovers"] == data["wedges"] == data["outlived"] == []


def test_fifty_units_25_at_a_time(bed):
    outcome = bed.soak("--hosts", "a", "--total", 50, "--parallel", 25)
    check_passed(outcome, 50)
    data = outcome.data
    assert data["units"]["planned"] == 50
    assert data["wall_ns"] > 0
    for phase in PHASES:
        figures = data["phases"][phase]
        # two commands a unit by default
        assert figures["count"] == (100 if phase == "exec" else 50) or phase == "exec" and figures["count"] == 50
        assert figures["failed"] == 0
        assert 0 < figures["p50_ns"] <= figures["p90_ns"] <= figures["p99_ns"] <= figures["p999_ns"] \
            <= figures["max_ns"]
    assert list(data["hosts"]) == ["a"]
    check_censuses(outcome)


def check_censuses(outcome):
    """Before and after, and none in between; too few to call anything a leak."""
    steady = outcome.data["hosts"]["a"]["steady"]
    assert steady["points"] == 2 and not steady["enough"] and not steady["strangers"], steady
    assert outcome.data["leaks"] == []
    rows = outcome.store.rows("select units, kind, count, detail from census order by seq")
    before = {kind: (count, detail) for units, kind, count, detail in rows if units == 0}
    after = {kind: (count, detail) for units, kind, count, detail in rows if units == 50}
    assert len(before) + len(after) == len(rows)
    for counted in (before, after):
        assert 15 < counted["fds"][0] < 5000 and 5 < counted["threads"][0] < 1000, counted
        assert 20 << 20 < counted["rss"][0] < 4 << 30 and counted["mounts"][0] > 10, counted
        for kind in ("cgroups", "processes", "volumes", "operations"):
            assert counted[kind][0] == 0, (kind, counted)
        names = json.loads(counted["fds"][1])
        assert names["pipe"] > 0 and names["socket /var/lib/lxd/unix.socket"] > 0, names
    assert before["veths"] == after["veths"] and before["loops"] == after["loops"]
    # LXD 5.0.2 keeps the log of each deleted container open
    assert json.loads(after["fds"][1])["/var/log/lxd/*/lxc.log.old"] >= 50


def test_the_store_can_be_queried(bed):
    outcome = bed.soak("--hosts", "a", "--total", 6, "--parallel", 3)
    check_passed(outcome, 6)
    store, run = outcome.store, outcome.data["run"]
    units = store.rows("select unit, host, outcome from unit where run = ? order by unit", run)
    assert units == [(n, "a", "passed") for n in range(1, 7)]
    for phase in PHASES:
        assert store.one("select count(distinct unit) from sample where run = ? and phase = ?", run, phase) == 6
    assert store.one("select count(*) from sample where result <> 'ok' or duration_ns <= 0 "
                     "or start_realtime_ns < 1600000000000000000") == 0


def test_two_hosts_both_do_work(bed):
    outcome = bed.soak("--hosts", "a,b", "--total", 40, "--parallel", 8)
    check_passed(outcome, 40)
    done = dict(outcome.store.rows("select host, count(*) from unit where outcome = 'passed' group by host"))
    assert sum(done.values()) == 40 and done["a"] > 0 and done["b"] > 0
    assert set(outcome.data["hosts"]) == {"a", "b"}


def test_summary_for_people(bed):
    outcome = bed.coord("--hosts", "a,b", "--total", 4, "--parallel", 2)
    assert outcome.code == PASS, outcome
    lines = outcome.out.splitlines()
    assert re.search("pass", lines[0], re.I), "the verdict comes first"
    for phase in PHASES:
        assert any(phase in line for line in lines), outcome.out
    for word in ("p50", "p99", "max"):
        assert word in outcome.out


def test_quiet_says_nothing_on_stderr(bed):
    outcome = bed.coord("--hosts", "a", "--total", 2, "--quiet")
    assert outcome.code == PASS and outcome.err == "", outcome


def test_localhost_over_the_unix_socket(bed):
    said = bed.sh("a", "cd /tmp && lxdsoak-coord --hosts localhost --total 4 --parallel 2 --json "
                  "--run-dir /tmp/local && ls /tmp/local && rm -r /tmp/local", timeout=60)
    assert '"pass"' in said and "run.db" in said


def test_default_run_dir_is_named_after_the_run(bed):
    said = bed.sh("a", "mkdir /tmp/here && cd /tmp/here && lxdsoak-coord --hosts localhost --total 1 --quiet "
                  ">/dev/null && ls -d lxdsoak-*/run.db; rm -r /tmp/here")
    assert re.fullmatch(r"lxdsoak-[0-9a-z]{8}/run\.db", said.strip())


def test_host_with_port_and_by_address(bed):
    address = bed.address("a6")
    known = bed.known_as(address)
    assert bed.coord("--hosts", "a:7463,b", "--total", 4).code == PASS
    assert bed.coord("--hosts", f"[{address}]:7463", "--total", 1, "--known-agents", known).code == PASS


@pytest.mark.parametrize("stop", ["clean", "force"])
def test_stop_kinds(bed, stop):
    check_passed(bed.soak("--hosts", "a", "--total", 4, "--parallel", 4, "--stop", stop), 4)


def test_only_some_phases(bed):
    outcome = bed.soak("--hosts", "a", "--total", 4, "--parallel", 4, "--stop", "force",
                       "--phases", "create,start,stop,delete")
    check_passed(outcome, 4)
    counted = {name for name, figures in outcome.data["phases"].items() if figures["count"]}
    assert counted == {"create", "start", "stop", "delete"}


def test_copy_of_a_template_of_its_own(bed):
    check_passed(bed.soak("--hosts", "a,b", "--total", 8, "--parallel", 4, "--source", "copy"), 8)


def test_copy_of_an_instance_that_is_there(bed):
    bed.sh("a", "lxc init soak my-template")
    try:
        outcome = bed.soak("--hosts", "a", "--total", 4, "--parallel", 4, "--source", "copy:my-template")
        check_passed(outcome, 4)
        assert bed.instances("a") == ["my-template"]
    finally:
        bed.sh("a", "lxc delete my-template")


def test_commands_of_ones_own(bed):
    check_passed(bed.soak("--hosts", "a", "--total", 2, "--exec", "true", "--exec", "sh -c 'exit 0'"), 2)


def test_a_command_that_fails(bed):
    outcome = bed.soak("--hosts", "a", "--total", 2, "--exec", "false")
    assert outcome.code == THRESHOLD, outcome
    assert outcome.data["units"]["failed"] == 2
    assert outcome.data["phases"]["exec"]["failed"] == 2


def test_a_command_that_does_not_exist(bed):
    outcome = bed.soak("--hosts", "a", "--total", 2, "--exec", "no-such-command")
    assert outcome.code == THRESHOLD, outcome
    errors = outcome.store.rows("select error from sample where phase = 'exec' and result <> 'ok'")
    assert len(errors) == 2 and all("no-such-command" in e or "not found" in e.lower() for (e,) in errors), errors


def test_prefix_and_names(bed):
    outcome = bed.soak("--hosts", "a", "--total", 3, "--prefix", "mine", "--mode", "density", "--keep")
    try:
        run = outcome.data["run"]
        assert sorted(bed.instances("a")) == [f"mine-{run}-{n}" for n in (1, 2, 3)], outcome
        config = bed.sh("a", f"lxc config show mine-{run}-1")
        assert f"user.lxdsoak.run: {run}" in config and "user.lxdsoak.unit:" in config
    finally:
        assert bed.coord("cleanup", "--hosts", "a").code == PASS


def test_density_unwinds(bed):
    outcome = bed.soak("--hosts", "a", "--mode", "density", "--total", 8, "--parallel", 4)
    check_passed(outcome, 8)


def test_density_stops_at_min_free(bed):
    # The machine's own, which other hosts on it use too: room for what they take and give back meanwhile.
    available = int(bed.sh("a", "awk '/^MemAvailable/ { print $2 }' /proc/meminfo")) // 1024
    outcome = bed.soak("--hosts", "a", "--mode", "density", "--total", 100, "--parallel", 2,
                       "--min-free", f"{available - 300}M", timeout=300)
    assert outcome.code == PASS, outcome
    assert 0 < outcome.data["units"]["passed"] < 100, outcome


def test_duration_bounds_a_run(bed):
    outcome = bed.soak("--hosts", "a", "--duration", "3s", "--parallel", 2, timeout=60)
    assert outcome.code in (PASS, STOPPED), outcome
    assert outcome.data["units"]["passed"] > 0
    assert outcome.data["wall_ns"] < 30e9
