# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real agent and coordinator against a LXD that is slow, wrong, silent or gone."""

import os
import pathlib
import re
import signal
import time

import pytest

from fake import DIALECTS
from soak import (INCONCLUSIVE, LEAK, PASS, STOPPED, THRESHOLD, USAGE, WEDGE, Agent, Coordinator,
                  frozen, wait_until)

PHASES = ["create", "start", "ready", "exec", "stop", "delete", "verify"]


def check_counts(outcome, total):
    """However it went: every unit has exactly one counted row, and the figures agree."""
    units = outcome.units
    counted = outcome.store.rows("select unit, count(*) from unit group by unit")
    assert sorted(u for u, _ in counted) == list(range(1, total + 1)), outcome
    assert {n for _, n in counted} == {1}
    outcomes = dict(outcome.store.rows("select outcome, count(*) from unit group by outcome"))
    for word in ("passed", "failed", "wedged", "interrupted"):
        assert units[word] == outcomes.get(word, 0), outcome
    assert outcome.data["exit_code"] == outcome.code


def check_passed(outcome, total):
    assert outcome.code == PASS, outcome
    assert outcome.data["verdict"] == "pass" and outcome.units["passed"] == total, outcome
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, total)


def check_failed(outcome, total, failed, *texts, code=THRESHOLD):
    """`failed` units (a number or a range) failed, LXD's own words are kept, nothing is left."""
    assert outcome.code == code, outcome
    wanted = failed if isinstance(failed, range) else range(failed, failed + 1)
    assert outcome.units["failed"] in wanted, outcome
    assert outcome.units["failed"] + outcome.units["passed"] == total, outcome
    said = outcome.errors()
    for text in texts:
        assert any(text in e for e in said), (text, said)
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, total)


def check_wedged(outcome, total, wedged, name):
    """So many units wedged, all of this class, and nothing of them is left: they were recovered."""
    assert outcome.code == WEDGE and outcome.data["verdict"] == "wedge", outcome
    wanted = wedged if isinstance(wedged, range) else range(wedged, wedged + 1)
    assert outcome.units["wedged"] in wanted, outcome
    assert outcome.units["wedged"] + outcome.units["passed"] == total, outcome
    assert len(outcome.data["wedges"]) == outcome.units["wedged"], outcome
    for found in outcome.data["wedges"]:
        assert found["class"] == name and found["cleared_by"], found
        assert found["suspect"] and found["unit"] and found["since_ns"] <= found["detected_ns"], found
    assert outcome.store.one("select count(*) from wedge where class = ?", name) \
        == outcome.units["wedged"]
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, total)


def check_clean(host):
    assert host.instances() == []
    assert host.lxd.stats()["operations"]["in_flight"] == 0


# All well

@pytest.mark.parametrize("dialect", DIALECTS)
def test_fifty_units_25_at_a_time(make_host, dialect):
    host = make_host("--latency", "all=lognormal:10ms:0.4", dialect=dialect)
    outcome = host.soak("--total", 50, "--parallel", 25)
    check_passed(outcome, 50)
    check_clean(host)
    data, store = outcome.data, outcome.store
    assert re.fullmatch("[0-9a-z]{8}", data["run"]) and data["wall_ns"] > 0
    assert data["wedges"] == data["outlived"] == []
    assert (data["units"]["planned"], data["units"]["failed"]) == (50, 0)
    for phase in PHASES:
        figures = data["phases"][phase]
        assert figures["count"] == (100 if phase == "exec" else 50), (phase, figures)
        assert figures["failed"] == 0 and 0 < figures["p50_ns"] <= figures["p90_ns"] \
            <= figures["p99_ns"] <= figures["p999_ns"] <= figures["max_ns"]
        assert store.one("select count(distinct unit) from sample where phase = ?", phase) == 50
    # what took 10 ms is not reported as less
    assert data["phases"]["start"]["p50_ns"] > 7_000_000
    assert list(data["hosts"]) == [host.agent.endpoint]
    assert store.one("select count(*) from sample where result <> 'ok' or duration_ns <= 0 "
                     "or start_realtime_ns < 1600000000000000000") == 0
    stats = host.lxd.stats()
    assert stats["instances"]["created"] == stats["instances"]["deleted"] == 50
    assert stats["operations"]["exec"]["success"] >= 100
    # connections are kept and used again
    assert stats["connections"]["opened"] <= 2 * 25 + 10, stats
    assert stats["requests_total"] >= 8 * stats["connections"]["opened"], stats
    # what commands printed was fetched and kept
    assert stats["requests"]["log-get"] >= 100
    assert any("lxdsoak fake container" in str(row) for table in tables(store)
               for row in store.rows(f"select * from {table}"))


def tables(store):
    return [n for (n,) in store.rows("select name from sqlite_master where type = 'table' "
                                     "and name not like 'sqlite_%'")]


def test_255_in_flight(make_host):
    host = make_host("--latency", "all=lognormal:400ms:0.3")
    outcome = host.soak("--total", 300, "--parallel", 255)
    check_passed(outcome, 300)
    check_clean(host)
    stats = host.lxd.stats()
    assert stats["operations"]["in_flight_max"] > 200, stats
    assert stats["connections"]["opened"] <= 2 * 255, stats
    assert stats["requests_total"] >= 10 * stats["connections"]["opened"], stats


def test_heavy_tails_are_only_slow(make_host):
    host = make_host("--latency", "all=tail:5ms:50:100", "--seed", "3")
    check_passed(host.soak("--total", 60, "--parallel", 12), 60)
    check_clean(host)


def test_two_hosts_share_the_work(make_host):
    fast = make_host("--latency", "all=5ms", name="a")
    slow = make_host("--latency", "all=100ms", name="b")
    run = Coordinator(fast.directory, "--hosts", f"{fast.agent.endpoint},{slow.agent.endpoint}",
                      "--json", "--total", 80, "--parallel", 4)
    outcome = run.end(120)
    check_passed(outcome, 80)
    done = dict(outcome.store.rows("select host, count(*) from unit group by host"))
    assert done[fast.agent.endpoint] > done[slow.agent.endpoint] > 0, done


@pytest.mark.parametrize("source", ["copy", "copy:template"])
def test_copies(make_host, source):
    host = make_host("--template", "template", "--latency", "all=2ms")
    outcome = host.soak("--total", 10, "--parallel", 5, "--source", source)
    check_passed(outcome, 10)
    assert "template" in host.instances()
    assert host.lxd.stats()["operations"]["copy"]["success"] == 10


def test_project(make_host):
    host = make_host("--project", "soaks", agent_options=("--project", "soaks"))
    check_passed(host.soak("--total", 4), 4)
    check_clean(host)


def test_density_keeps_then_cleanup_finds(host):
    outcome = host.soak("--mode", "density", "--total", 6, "--parallel", 2, "--keep")
    run = outcome.data["run"]
    assert outcome.code == PASS, outcome
    assert sorted(host.instances()) == [f"soak-{run}-{n}" for n in range(1, 7)]
    config = host.lxd.get(f"/1.0/instances/soak-{run}-1").metadata["config"]
    assert config["user.lxdsoak.run"] == run and config["user.lxdsoak.agent"]
    assert "user.lxdsoak.unit" in config
    shown = host.cleanup("--dry-run")
    assert shown.code == PASS and len(host.instances()) == 6, shown
    assert host.cleanup().code == PASS
    check_clean(host)


# One thing fails: that unit fails, with LXD's words, and the others go on

@pytest.mark.parametrize("operation, text", [
    ("create", "Failed creating instance from image: tar: short read"),
    ("start", "Failed to run: forkstart soak: exit status 1"),
    ("exec", "Failed to retrieve PID of executing child process"),
    ("stop", "Failed unmounting instance"),
    ("delete", "Error deleting storage volume"),
])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_operation_fails(make_host, dialect, operation, text):
    host = make_host("--latency", "all=2ms", dialect=dialect)
    host.lxd.fault("op-fail", operation=operation, after=4, count=1, text=text)
    # `ready` tries an exec until one works: there a failure is no failure
    phases = "create,start,ready,exec,stop,delete,verify" if operation != "exec" else \
        "create,start,exec,stop,delete,verify"
    outcome = host.soak("--total", 10, "--parallel", 3, "--phases", phases)
    check_failed(outcome, 10, 1, text)
    assert outcome.store.one("select phase from sample where result <> 'ok'") == operation
    check_clean(host)


# Where the clean-up of a failed unit meets the same fault, fewer units fail than it hits.
SOME = range(1, 4)


@pytest.mark.parametrize("fault, keys, failed, text", [
    ("error", {"request": "instances-post", "text": "no such luck"}, 3, "no such luck"),
    ("error", {"request": "state-put", "code": 400, "text": "what?"}, SOME, "what?"),
    ("error", {"request": "instance-delete", "text": "not now"}, SOME, "not now"),
    ("shutting-down", {"request": "instances-post"}, 3, "LXD is shutting down"),
    ("db-stalled", {"request": "instances-post", "ms": 700}, 3,
     "Failed to begin transaction: context deadline exceeded"),
], ids=["create-refused", "state-refused", "delete-refused",
        "shutting-down", "db-stalled"])
def test_failures_are_told_in_lxds_words(host, fault, keys, failed, text):
    host.lxd.fault(fault, after=2, count=3, **keys)
    outcome = host.soak("--total", 12, "--parallel", 4)
    check_failed(outcome, 12, failed, text)
    check_clean(host)


@pytest.mark.parametrize("fault, keys, wedged, name, text", [
    ("pool-full", {}, 3, "pool-full", "run out of disk space"),
    ("busy-lock", {"operation": "start"}, 3, "instance-busy-lock", "Instance is busy running"),
    ("busy-mount", {}, SOME, "delete-busy", "device or resource busy"),
], ids=["pool-full", "busy-lock", "busy-mount"])
def test_wedges_lxd_has_words_for(host, fault, keys, wedged, name, text):
    host.lxd.fault(fault, after=2, count=3, **keys)
    outcome = host.soak("--total", 12, "--parallel", 4)
    check_wedged(outcome, 12, wedged, name)
    assert any(text in e for e in outcome.errors()), outcome.errors()
    check_clean(host)


def test_pool_stays_full(host):
    """It is tried now and then, one unit at a time, and in the end the run stops by itself."""
    host.lxd.fault("pool-full")
    outcome = host.soak("--total", 6, "--parallel", 4)
    assert outcome.code == WEDGE, outcome
    assert outcome.units["passed"] == 0 and outcome.data["leftovers"] == []
    assert {w["class"] for w in outcome.data["wedges"]} == {"pool-full"}
    assert any(not w["cleared_by"] for w in outcome.data["wedges"]), "it is still full"
    check_clean(host)


@pytest.mark.parametrize("command, code", [("false", "1"), ("exit 7", "7")])
def test_command_fails(host, command, code):
    outcome = host.soak("--total", 3, "--exec", command)
    assert outcome.code == THRESHOLD and outcome.units["failed"] == 3, outcome
    assert outcome.data["phases"]["exec"]["failed"] == 3
    assert any(code in e for e in outcome.errors()), outcome.errors()
    check_clean(host)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_command_does_not_exist(make_host, dialect):
    host = make_host(dialect=dialect)
    outcome = host.soak("--total", 3, "--exec", "no-such-command")
    assert outcome.code == THRESHOLD and outcome.units["failed"] == 3, outcome
    assert any("not found" in e.lower() for e in outcome.errors()), outcome.errors()
    check_clean(host)


def test_stop_ignored(host):
    host.lxd.fault("stop-ignored", count=2)
    outcome = host.soak("--total", 6, "--parallel", 3, "--stop-timeout", "1s")
    check_failed(outcome, 6, 2, "Failed shutting down instance")
    check_clean(host)


# The answer is lost, broken, late or far too large. What LXD did counts, not what was heard.

@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["close", "malformed"])
@pytest.mark.parametrize("kind", ["instances-post", "state-put", "exec-post", "instance-delete",
                                  "operation-wait", "instance-get", "log-get"])
def test_broken_answers(make_host, dialect, fault, kind):
    host = make_host("--latency", "all=2ms", dialect=dialect)
    host.lxd.fault(fault, request=kind, after=3, count=3)
    outcome = host.soak("--total", 10, "--parallel", 3)
    assert outcome.code in (PASS, THRESHOLD), outcome
    assert outcome.units["passed"] >= 7, outcome
    assert outcome.units["passed"] + outcome.units["failed"] == 10, outcome
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, 10)
    check_clean(host)
    assert sum(f["hits"] for f in host.lxd.faults()) == 3


@pytest.mark.parametrize("kind", ["instances-post", "operation-wait", "instance-get", "log-get"])
def test_giant_answers(host, kind):
    host.lxd.fault("giant", request=kind, after=3, count=3)
    before = host.agent.rss_kib()
    outcome = host.soak("--total", 10, "--parallel", 3)
    assert outcome.code in (PASS, THRESHOLD) and outcome.units["passed"] >= 7, outcome
    assert outcome.data["leftovers"] == []
    # three at a time, each of 8 MiB and once more as what was made of it
    assert host.agent.rss_kib() - before < 56 * 1024
    check_clean(host)


def test_dripping_answers(host):
    host.lxd.fault("trickle", request="operation-wait", ms=2, bytes=50, count=10)
    check_passed(host.soak("--total", 10, "--parallel", 5), 10)


def test_slow_answers(host):
    host.lxd.latency(api="uniform:5ms:60ms")
    check_passed(host.soak("--total", 20, "--parallel", 10), 20)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("operation", ["create", "start", "stop", "delete"])
@pytest.mark.parametrize("effect", [True, False], ids=["done", "undone"])
def test_operation_vanishes(make_host, dialect, operation, effect):
    host = make_host("--latency", "all=5ms", dialect=dialect)
    host.lxd.fault("op-vanish", operation=operation, after=2, count=2, effect=effect)
    outcome = host.soak("--total", 8, "--parallel", 3)
    # a unit's clean-up may meet the second one
    check_wedged(outcome, 8, range(1, 3), "operation-lost")
    check_clean(host)


@pytest.mark.parametrize("kind, effect", [("instances-post", True), ("instances-post", False),
                                          ("state-put", True), ("exec-post", False),
                                          ("operation-wait", False), ("instance-delete", True)])
def test_one_request_is_never_answered(host, kind, effect):
    host.lxd.fault("silent", request=kind, after=3, count=1, effect=effect)
    outcome = host.soak("--total", 8, "--parallel", 3, "--deadline", "all=2s", timeout=90)
    assert outcome.code in (PASS, THRESHOLD, WEDGE), outcome
    assert outcome.units["passed"] >= 7, outcome
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, 8)
    check_clean(host)


@pytest.mark.parametrize("operation", ["create", "start", "exec", "stop", "delete"])
def test_operation_is_stuck_for_a_while(host, operation):
    host.lxd.fault("op-stuck", operation=operation, after=3, count=1, for_ms=6000)
    outcome = host.soak("--total", 8, "--parallel", 3, "--deadline", "all=2s", "--exec", "uptime",
                        timeout=90)
    assert outcome.code in (PASS, THRESHOLD, WEDGE), outcome
    assert outcome.units["passed"] >= 7, outcome
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, 8)
    check_clean(host)


# What the API says and what is so

def test_delete_that_lied_is_found_out(host):
    host.lxd.fault("delete-lied", after=2, count=1)
    outcome = host.soak("--total", 6, "--parallel", 2, timeout=180)
    check_wedged(outcome, 6, 1, "delete-lied")
    wedge = outcome.data["wedges"][0]
    assert "[lxc monitor]" in wedge["suspect"] and wedge["cleared_by"] == "end-monitor", wedge
    assert host.lxd.stats()["ghosts"] == [], "its monitor was ended"


def test_delete_that_lied_is_left_for_a_person(host):
    host.lxd.fault("delete-lied", after=2, count=1)
    outcome = host.soak("--total", 6, "--parallel", 2, "--on-wedge", "continue", timeout=180)
    assert outcome.code == WEDGE and outcome.units["wedged"] == 1, outcome
    assert outcome.units["passed"] == 5, outcome
    assert outcome.data["wedges"][0]["cleared_by"] is None
    assert "lxc monitor" in str(outcome.data["leftovers"]), outcome
    assert host.cleanup("--run", outcome.data["run"]).code == PASS


def test_a_wedge_ends_the_run_if_it_is_to(host):
    host.lxd.fault("delete-lied", after=2, count=1)
    outcome = host.soak("--total", 500, "--parallel", 2, "--on-wedge", "stop", timeout=180)
    assert outcome.code == WEDGE and outcome.units["wedged"] == 1, outcome
    assert 0 < outcome.units["passed"] < 499, outcome
    assert host.cleanup("--run", outcome.data["run"]).code == PASS


def make_evidence(host, directory, files):
    for name, text in files.items():
        path = pathlib.Path(host.agent.state) / "evidence" / directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_evidence_is_fetched(host):
    files = {"README.txt": "unknown: made up\n", "daemon/stack.txt": "é\x1b" * 70000, "empty": ""}
    make_evidence(host, "0a1b2c3d-0001-unknown", files)
    make_evidence(host, "0a1b2c3d-0002-unknown", {"README.txt": "b"})
    make_evidence(host, "0a1b2c3d-0003-unknown.part", {"README.txt": "not whole"})
    make_evidence(host, "0a1b2c3e-0001-unknown", {"README.txt": "another run's"})
    where = pathlib.Path(host.directory) / "fetched"
    hosts = ("--hosts", host.agent.endpoint, "--run-dir", where)
    outcome = host.evidence("0a1b2c3d", *hosts)
    assert outcome.code == PASS and "evidence of 2 wedges" in outcome.out, outcome
    (there,) = (where / "evidence").iterdir()
    assert sorted(p.name for p in there.iterdir()) == \
        ["0a1b2c3d-0001-unknown", "0a1b2c3d-0002-unknown"]
    for name, text in files.items():
        path = there / "0a1b2c3d-0001-unknown" / name
        assert path.read_text(encoding="utf-8") == text, name
        assert path.stat().st_mode & 0o777 == 0o640 and path.parent.stat().st_mode & 7 == 0
    outcome = host.evidence("0a1b2c3d", *hosts)
    assert outcome.code == PASS and "nothing new" in outcome.out, outcome
    outcome = host.evidence("00000000", *hosts)
    assert outcome.code == PASS and "no evidence of run 00000000" in outcome.out, outcome


def test_evidence_of_a_host_not_reached(host):
    make_evidence(host, "0a1b2c3d-0001-unknown", {"README.txt": "a"})
    outcome = host.evidence("0a1b2c3d", "--hosts", host.agent.endpoint + ",ipc:///nothing.sock",
                            "--connect-timeout", "1s")
    assert outcome.code == INCONCLUSIVE and "nothing.sock" in outcome.err, outcome
    assert "evidence of 1 wedge " in outcome.out, outcome


def test_evidence_is_kept(host):
    host.lxd.fault("delete-lied", after=2, count=1)
    outcome = host.soak("--total", 4, "--parallel", 2, timeout=180)
    wedge = outcome.data["wedges"][0]
    directory = pathlib.Path(host.agent.state) / "evidence" / wedge["evidence"]
    wait_until(directory.exists, 10, "evidence")
    page = (directory / "README.txt").read_text(encoding="utf-8")
    assert page.startswith("delete-lied") and wedge["instance"] in page, page
    assert wedge["suspect"].split()[1] in (directory / "tasks.txt").read_text(encoding="utf-8")
    assert (directory / "stacks.txt").exists() and (directory / "host" / "state.txt").exists()


def test_delete_that_kept_it_is_found_out(host):
    host.lxd.fault("delete-kept", after=2, count=1)
    outcome = host.soak("--total", 6, "--parallel", 2)
    assert outcome.code in (THRESHOLD, LEAK), outcome
    # either the unit's own clean-up took it away, or it is named as left behind
    left = host.instances()
    assert outcome.units["failed"] == 1 or left, outcome
    assert [l["name"] for l in outcome.data["leftovers"]] == left, outcome
    assert host.cleanup().code == PASS
    check_clean(host)


# The daemon

def soak_and(host, *arguments, during, timeout=150):
    """Starts a soak, waits until it is well under way, calls `during`, waits for its end."""
    run = host.start(*arguments)
    try:
        wait_until(lambda: host.lxd.stats()["instances"]["deleted"] >= 4, 30, "units done")
        during()
        return run.end(timeout)
    finally:
        if run.process.poll() is None:
            run.signal(signal.SIGKILL)
            run.process.wait(10)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault, keys", [("restart", {"ms": 0}), ("restart", {"ms": 1500}),
                                         ("gone", {"for_ms": 2500}),
                                         ("gone", {"for_ms": 2500, "effect": True}),
                                         ("shutting-down", {"for_ms": 1500})],
                         ids=["restart", "restart-slowly", "gone", "socket-gone", "shutting-down"])
def test_daemon_goes_and_comes_back(make_host, dialect, fault, keys):
    host = make_host("--latency", "all=lognormal:30ms:0.3", dialect=dialect)
    outcome = soak_and(host, "--total", 60, "--parallel", 6,
                       during=lambda: host.lxd.fault(fault, **keys))
    assert outcome.units["passed"] + outcome.units["failed"] == 60, outcome
    assert outcome.data["leftovers"] == [], outcome
    check_counts(outcome, 60)
    check_clean(host)
    if fault == "shutting-down":  # and then it did not
        assert outcome.code in (PASS, THRESHOLD) and outcome.units["passed"] > 3, outcome
        return
    # what was in flight is done again: that the daemon went is no unit's failure
    assert outcome.units["passed"] >= 50, outcome
    assert outcome.code in (PASS, THRESHOLD, WEDGE), outcome
    assert {w["class"] for w in outcome.data["wedges"]} <= {"daemon-down"}, outcome
    if outcome.code == WEDGE:
        assert all(w["unit"] is None and w["cleared_by"] for w in outcome.data["wedges"]), outcome


def test_daemon_stands_still_for_a_while(host):
    outcome = soak_and(host, "--total", 40, "--parallel", 4,
                       during=lambda: host.lxd.fault("stopped", for_ms=4000))
    check_passed(outcome, 40)
    check_clean(host)


def test_agent_stands_still_before_it_asks_for_an_operation(host):
    """LXD forgets an operation 5 s after its end: that is not LXD's fault, nor a wedge. In the first
    second of a run, when nothing but the time it began says that its agent was not there."""
    host.lxd.fault("slow", request="instances-post", ms=300, count=1)
    run = host.start("--total", 20, "--parallel", 4)
    wait_until(lambda: host.lxd.faults()[0]["hits"] == 1, 30, "the first create asked for")
    with frozen(host.agent.process):
        time.sleep(7)
    outcome = run.end(120)
    check_passed(outcome, 20)
    check_clean(host)


def test_daemon_is_silent_and_the_deadline_bounds_it(host):
    """Units in flight end at their deadline, the run can be stopped, and cleanup does the rest."""
    run = host.start("--total", 1000, "--parallel", 4, "--deadline", "all=2s")
    try:
        wait_until(lambda: host.lxd.stats()["instances"]["deleted"] >= 4, 30, "units done")
        host.lxd.fault("stopped")
        time.sleep(6)
        run.signal(signal.SIGINT)
        time.sleep(1)
        run.signal(signal.SIGINT)
        outcome = run.end(60)
    finally:
        if run.process.poll() is None:
            run.signal(signal.SIGKILL)
            run.process.wait(10)
    assert outcome.code in (STOPPED, LEAK, WEDGE, THRESHOLD), outcome
    host.lxd.heal()
    assert host.cleanup().code == PASS
    check_clean(host)


def test_database_stalls_for_a_while(host):
    outcome = soak_and(host, "--total", 40, "--parallel", 4, during=lambda: host.lxd.fault(
        "db-stalled", ms=1500, for_ms=2000))
    assert outcome.code in (PASS, THRESHOLD), outcome
    assert outcome.units["passed"] >= 20 and outcome.data["leftovers"] == [], outcome
    check_counts(outcome, 40)
    check_clean(host)


def test_image_is_locked_for_a_while(host):
    outcome = soak_and(host, "--total", 30, "--parallel", 4,
                       during=lambda: host.lxd.fault("image-locked", for_ms=2500))
    check_passed(outcome, 30)


def test_monitor_is_stuck_for_a_while(host):
    """One instance of ours: its unit fails, and is cleared once the monitor moves again."""
    run = host.start("--total", 12, "--parallel", 3, "--deadline", "all=3s", "--exec", "sleep 1")
    try:
        wait_until(lambda: host.lxd.stats()["instances"]["running"] >= 2, 30, "running instances")
        name = host.instances()[0]
        host.lxd.fault("monitor-stuck", instance=f"^{name}$", for_ms=8000)
        outcome = run.end(120)
    finally:
        if run.process.poll() is None:
            run.signal(signal.SIGKILL)
            run.process.wait(10)
    assert outcome.code in (THRESHOLD, LEAK, WEDGE), outcome
    assert outcome.units["passed"] >= 11, outcome
    assert host.instances() == []


# What cannot work is said before anything is done

def test_image_is_missing(host):
    outcome = host.soak("--total", 5, "--image", "no-such-image")
    assert outcome.code == INCONCLUSIVE, outcome
    assert "no-such-image" in outcome.err and "image" in outcome.err.lower(), outcome
    assert host.lxd.stats()["requests"].get("instances-post", 0) == 0
    assert outcome.seconds < 15


def test_template_is_missing(host):
    outcome = host.soak("--total", 5, "--source", "copy:no-such-template")
    assert outcome.code == INCONCLUSIVE and "no-such-template" in outcome.err, outcome
    assert host.lxd.stats()["requests"].get("instances-post", 0) == 0


def test_no_agent_there(host):
    missing = os.path.join(host.directory, "nobody.sock")
    run = Coordinator(host.directory, "--hosts", f"ipc://{missing}", "--total", 5, "--json",
                      "--connect-timeout", "2s")
    outcome = run.end(30)
    assert outcome.code == INCONCLUSIVE and "nobody.sock" in outcome.err, outcome
    assert outcome.seconds < 15


def test_lxd_is_away_from_the_start(host):
    host.lxd.fault("gone")
    outcome = host.soak("--total", 5, "--connect-timeout", "5s", timeout=90)
    assert outcome.code in (INCONCLUSIVE, THRESHOLD), outcome
    assert outcome.err.strip(), "it says why"


@pytest.mark.parametrize("arguments, named", [
    (["--total", "0"], "total"), (["--total", "-1"], "total"),
    (["--total", "1000000000000"], "total"), (["--total", "many"], "total"),
    (["--total", "1", "--parallel", "0"], "parallel"),
    (["--total", "1", "--nothing"], "nothing"), ([], "total"),
], ids=" ".join)
def test_usage(host, arguments, named):
    run = Coordinator(host.directory, "--hosts", host.agent.endpoint, *arguments)
    outcome = run.end(15)
    assert outcome.code == USAGE and named in outcome.err, outcome
    assert not os.path.exists(outcome.run_dir)
    assert host.lxd.stats()["requests"].get("instances-post", 0) == 0


@pytest.mark.parametrize("hosts", ["", "a,a", "a,,b", "ipc:///tmp/x.sock,ipc:///tmp/x.sock"])
def test_hosts_that_cannot_be(short_dir, hosts):
    outcome = Coordinator(short_dir, "--hosts", hosts, "--total", 1).end(15)
    assert outcome.code == USAGE and outcome.err.strip(), outcome
    assert not os.path.exists(outcome.run_dir)


# What is not ours

def foreign(host, name, config=None):
    assert host.lxd.create(name, config)["status_code"] == 200
    assert host.lxd.set_state(name, "start")["status_code"] == 200
    return host.lxd.get(f"/1.0/instances/{name}").metadata


def test_name_is_taken(make_host):
    host = make_host("--latency", "all=lognormal:20ms:0.3")
    run = host.start("--total", 30, "--parallel", 1)
    try:
        first = wait_until(host.instances, 30, "first instance")[0]
        taken = first[:-2] + "30"
        before = foreign(host, taken)
        outcome = run.end(120)
    finally:
        if run.process.poll() is None:
            run.signal(signal.SIGKILL)
            run.process.wait(10)
    check_failed(outcome, 30, 1, "exist")
    assert host.instances() == [taken]
    assert host.lxd.get(f"/1.0/instances/{taken}").metadata == before
    assert host.cleanup().code == PASS
    assert host.lxd.get(f"/1.0/instances/{taken}").metadata == before


def test_cleanup_leaves_others_alone(host):
    before = {name: foreign(host, name, config) for name, config in {
        "soak-abcdefgh-1": None, "other": {"user.x": "1"},
        "soak-abcdefgh-2": {"user.lxdsoak": "almost"}}.items()}
    outcome = host.soak("--mode", "density", "--total", 4, "--keep")
    assert outcome.code == PASS and len(host.instances()) == 7, outcome
    outcome = host.cleanup("--run", outcome.data["run"])
    assert outcome.code == PASS, outcome
    assert host.cleanup().code == PASS
    assert sorted(host.instances()) == sorted(before)
    for name, was in before.items():
        assert host.lxd.get(f"/1.0/instances/{name}").metadata == was


@pytest.mark.parametrize("state", ["stopped", "running", "frozen", "ignores-stop"])
def test_cleanup_whatever_the_state(host, state):
    outcome = host.soak("--mode", "density", "--total", 2, "--keep")
    name = host.instances()[0]
    if state == "stopped":
        host.lxd.set_state(name, "stop", force=True)
    elif state == "frozen":
        host.lxd.set_state(name, "freeze")
    elif state == "ignores-stop":
        host.lxd.fault("stop-ignored")
    outcome = host.cleanup()
    assert outcome.code == PASS and name in outcome.out + outcome.err, outcome
    check_clean(host)


def test_cleanup_says_what_it_left_alone(make_host):
    """A run that is driven has no instance at that very moment: that is no success."""
    host = make_host()
    run = host.start("--total", 100000, "--parallel", 2)
    try:
        wait_until(lambda: host.lxd.stats()["instances"]["deleted"] >= 1, 30, "units done")
        host.lxd.fault("error", request="instances-post", code=503, text="LXD is shutting down")
        wait_until(lambda: host.instances() == [], 30, "no instance")
        outcome = host.cleanup()
    finally:
        host.lxd.heal()
        run.signal(signal.SIGINT)
        run.end(60)
    assert outcome.code == LEAK and "is being driven" in outcome.out + outcome.err, outcome


# The programs themselves

def test_interrupt_drains(make_host):
    host = make_host("--latency", "all=lognormal:30ms:0.3")
    run = host.start("--total", 5000, "--parallel", 8)
    wait_until(lambda: host.lxd.stats()["instances"]["deleted"] >= 4, 30, "units done")
    run.signal(signal.SIGINT)
    outcome = run.end(60)
    assert outcome.code == STOPPED and outcome.data["verdict"] == "stopped", outcome
    assert outcome.units["failed"] == 0 and outcome.data["leftovers"] == [], outcome
    check_clean(host)


@pytest.mark.parametrize("victim", ["coordinator", "agent"])
def test_killed_half_way_and_cleaned_up(make_host, victim):
    host = make_host("--latency", "all=lognormal:30ms:0.3")
    run = host.start("--total", 300, "--parallel", 8)
    wait_until(lambda: host.lxd.stats()["instances"]["deleted"] >= 4, 30, "units done")
    if victim == "coordinator":
        run.signal(signal.SIGKILL)
        run.process.wait(10)
    else:
        host.agent.kill()
        host.agent.start()
        outcome = run.end(120)
        assert outcome.code in (PASS, THRESHOLD, INCONCLUSIVE), outcome
    # For 10 s the agent cannot know that its coordinator is gone.
    time.sleep(12)
    wait_until(lambda: host.cleanup().code == PASS, 60, "cleanup")
    wait_until(lambda: host.instances() == [], 30, "clean host")


def test_agent_ends_cleanly(host):
    host.soak("--total", 4)
    assert host.agent.stop() == 0
    assert host.lxd.stats()["connections"]["current"] == 0


def test_agent_without_lxd(short_dir):
    with pytest.raises(AssertionError, match="the agent ended"):
        Agent(short_dir, os.path.join(str(short_dir), "nothing.sock"))
