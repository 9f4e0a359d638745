# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that leaks for real, and one that does not: what is told of it, and what counts."""

import json

import pytest

from soak import INCONCLUSIVE, LEAK, PASS, Coordinator, wait_until

# Short units, and as much time for steady points as can be: a few seconds tell, on a busy machine too.
UNITS = 250
SOAK = ("--total", UNITS, "--parallel", 4, "--phases", "create,start,stop,delete", "--steady-share", 90)
KINDS = ("fds", "threads", "rss", "goroutines", "mounts", "veths", "cgroups", "loops", "processes",
         "volumes", "operations", "warnings")


@pytest.fixture
def host(make_host):
    return make_host("--latency", "all=3ms")


def steady(outcome):
    (host,) = outcome.data["hosts"].values()
    return host["steady"]


def series(outcome, kind):
    return outcome.store.rows("select units, count from census where kind = ? order by seq", kind)


def kinds(outcome):
    """What was found of the daemon; other things on this machine are others' as well."""
    return {leak["kind"]: leak for leak in outcome.data["leaks"]
            if leak["kind"] in ("fds", "goroutines", "threads", "rss")}


def test_healthy_daemon_leaks_nothing(host):
    outcome = host.soak(*SOAK)
    assert kinds(outcome) == {} and outcome.units["passed"] == UNITS, outcome
    told = steady(outcome)
    assert told["enough"] and told["judged"] >= 8 and told["units"] >= 100, told
    assert 0.01 <= told["visible"]["fds"] < 0.1, told
    assert told["visible"]["rss"] is None, "half an hour is needed"
    assert series(outcome, "fds")[0][0] == 0 and series(outcome, "fds")[-1][0] == UNITS
    assert outcome.store.one("select count(distinct kind) from census") == len(KINDS)
    # each census found the daemon, and nothing of ours in flight
    pid = host.lxd.process.pid
    assert outcome.store.rows("select distinct daemon_pid from census") == [(pid,)]
    assert {n for _, n in series(outcome, "operations")} == {0}
    assert host.lxd.stats()["requests"]["gc-get"] == told["points"]
    detail = json.loads(outcome.store.one("select detail from census where kind = 'fds' limit 1"))
    assert detail["pipe"] >= 1 and any(n.startswith("socket /tmp/lxdsoak-") for n in detail), detail


@pytest.mark.parametrize("dialect", ["lxd-5.0.2", "incus-6.12"])
def test_descriptors_and_goroutines(make_host, dialect):
    host = make_host("--latency", "all=3ms", dialect=dialect)
    host.lxd.fault("fd-leak", bytes=2)
    host.lxd.fault("goroutine-leak", bytes=1)
    outcome = host.soak(*SOAK)
    assert outcome.code == LEAK and outcome.data["verdict"] == "leak", outcome
    found = kinds(outcome)
    assert set(found) == {"fds", "goroutines"}, found
    fds, goroutines = found["fds"], found["goroutines"]
    assert 1.9 < fds["ci_low"] <= fds["per_unit"] <= fds["ci_high"] < 2.1, fds
    assert fds["what"] == "/dev/null" and 1.5 * UNITS < fds["total"] < 2.1 * UNITS, fds
    assert fds["host"] == host.agent.endpoint and fds["accepted"] is False
    assert 0.9 < goroutines["per_unit"] < 1.1 and goroutines["what"] is None, goroutines
    assert outcome.data["reason"].startswith("fds +2.0 a unit on "), outcome
    assert outcome.units["passed"] == UNITS and outcome.data["leftovers"] == [], outcome
    rows = outcome.store.rows("select kind, round(per_unit), total, what, accepted from leak order by kind")
    assert [r for r in rows if r[0] == "fds"] == [("fds", 2.0, fds["total"], "/dev/null", 0)], rows
    assert outcome.store.rows("select verdict, exit_code from run") == [("leak", LEAK)]


def test_a_leak_that_is_known(host):
    host.lxd.fault("fd-leak")
    outcome = host.soak(*SOAK, "--allow-leak", "fds")
    assert kinds(outcome)["fds"]["accepted"] is True, outcome
    assert "fds" not in outcome.data["reason"], outcome
    assert outcome.code == (PASS if len(outcome.data["leaks"]) == 1 else LEAK), outcome
    assert outcome.store.one("select accepted from leak where kind = 'fds'") == 1


def test_a_leak_of_one_kind_of_unit(host):
    """One unit in four leaks: the figure is that of all."""
    host.lxd.fault("fd-leak", instance="[048]$")
    outcome = host.soak(*SOAK)
    fds = kinds(outcome)["fds"]
    assert outcome.code == LEAK and 0.25 < fds["per_unit"] < 0.35, fds


def test_what_happens_once_is_no_leak(host):
    host.lxd.fault("fd-leak", bytes=100, after=120, count=1)
    outcome = host.soak(*SOAK)
    assert kinds(outcome) == {}, outcome
    fds = [n for _, n in series(outcome, "fds")]
    assert fds[-1] - fds[0] >= 100, fds


def test_a_cache_levels_off(host):
    host.lxd.fault("fd-leak", count=70)
    outcome = host.soak(*SOAK)
    assert kinds(outcome) == {}, outcome


def test_short_runs_are_not_held_up(host):
    host.lxd.fault("fd-leak")
    outcome = host.soak("--total", 50, "--parallel", 25)
    assert outcome.code == PASS and outcome.units["passed"] == 50, outcome
    told = steady(outcome)
    assert told["points"] == 2 and not told["enough"], told
    assert outcome.data["leaks"] == []
    # and it says so
    page = Coordinator(host.directory, "--hosts", host.agent.endpoint, "--total", 5).end(60)
    assert "too few steady points to tell" in page.out and "none seen" not in page.out, page


def test_no_steady_points_where_none_are_wanted(host):
    outcome = host.soak("--total", 60, *SOAK[2:-1], 0)
    assert steady(outcome)["points"] == 2, outcome


def test_daemon_restarts_in_the_midst(host):
    """What the old one had does not count for the new one, nor the other way round."""
    host.lxd.fault("goroutine-leak")
    run = host.start("--total", 500, *SOAK[2:])
    wait_until(lambda: host.lxd.stats()["instances"]["deleted"] >= 120, 60, "units done")
    host.lxd.fault("restart", ms=200)
    outcome = run.end(120)
    pids = outcome.store.rows("select distinct daemon_pid from census")
    assert len(pids) == 2, outcome
    found = kinds(outcome)
    assert set(found) <= {"goroutines"}, found
    if steady(outcome)["enough"]:
        assert 0.9 < found["goroutines"]["per_unit"] < 1.1, found


def test_a_unit_that_does_not_end_is_not_waited_for(host):
    """A steady point that does not come is given up, and the run goes on."""
    host.lxd.fault("op-stuck", operation="stop", after=100, count=1, for_ms=12000)
    outcome = host.soak(*SOAK, timeout=150)
    assert outcome.units["passed"] + outcome.units["wedged"] == UNITS, outcome
    gap = outcome.data["gap_max_ns"] / 1e9
    assert gap < 11, "the others were held up all the while"


def test_daemon_without_metrics_or_garbage(host):
    host.lxd.fault("error", request="metrics-get,gc-get,warnings-get,operations-get", code=404)
    outcome = host.soak(*SOAK)
    assert kinds(outcome) == {}, outcome
    assert outcome.store.rows("select distinct kind from census where kind in "
                              "('goroutines', 'warnings', 'operations')") == []
    assert steady(outcome)["visible"]["fds"] and steady(outcome)["visible"]["goroutines"] is None


def test_daemon_that_does_not_answer_a_census(host):
    """What gets no answer is not known; neither the run nor its end waits for long."""
    host.lxd.fault("silent", request="gc-get,metrics-get,warnings-get")
    outcome = host.soak("--total", 10, "--parallel", 4, timeout=90)
    assert outcome.code in (PASS, INCONCLUSIVE) and outcome.units["passed"] == 10, outcome
    assert outcome.store.one("select count(*) from census where kind = 'fds'") == 2
