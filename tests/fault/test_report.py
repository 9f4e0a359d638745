# SPDX-License-Identifier: LGPL-2.1-or-later
"""lxdsoak-report of real runs: what it says is what the coordinator said."""

import csv
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from prometheus_client import parser as textformat
from prometheus_client.openmetrics import parser as openmetrics

import children
import soak
from soak import INCONCLUSIVE, PASS, THRESHOLD, USAGE


def report(directory, *arguments, stdin=b""):
    """Runs lxdsoak-report in a directory."""
    told = subprocess.run([children.binary("report/lxdsoak-report"), *map(str, arguments)],
                          input=stdin, capture_output=True, timeout=60, check=False,
                          cwd=str(directory), env=soak.environment(directory))
    told.stdout, told.stderr = told.stdout.decode(), told.stderr.decode()
    return told


def test_says_what_the_coordinator_said(host):
    run = host.start("--total", 12, "--parallel", 4)
    outcome = run.end()
    assert outcome.code == PASS, outcome
    run_id = outcome.data["run"]
    for what in ((outcome.run_dir,), (os.path.join(outcome.run_dir, "run.db"),), (run_id,), ("last",),
                 ()):
        told = report(host.directory, *what, "--json")
        assert (told.returncode, told.stdout, told.stderr) == (PASS, outcome.out, ""), told
    assert report(host.directory, "show", run_id).stdout.startswith("PASS: 12 of 12 units passed")


def test_exits_with_the_verdict(host):
    host.lxd.fault("op-fail", operation="start", after=1, count=1, text="no such cgroup")
    outcome = host.soak("--total", 3)
    assert outcome.code == THRESHOLD, outcome
    told = report(host.directory, "--json", outcome.run_dir)
    assert (told.returncode, told.stdout) == (THRESHOLD, outcome.out), told


def test_lists_runs(host):
    runs = [host.soak("--total", 2), host.soak("--total", 3)]
    listed = json.loads(report(host.directory, "list", "--json").stdout)
    assert [(r["run"], r["verdict"], r["passed"]) for r in listed] == \
        [(o.data["run"], "pass", o.units["passed"]) for o in runs]
    assert report(host.directory, "show", "--json").stdout == runs[1].out
    table = report(host.directory, "list", host.directory).stdout.splitlines()
    assert len(table) == 3 and all(o.data["run"] in line for o, line in zip(runs, table[1:]))


def test_says_what_is_not_there(short_dir):
    for arguments in (("last",), ("00000000",), ("list", "/nowhere"), ("--jsn",), ("a", "b")):
        told = report(short_dir, *arguments)
        assert told.returncode == USAGE and told.stdout == "", told
        assert len(told.stderr.splitlines()) == 1, told


def test_compare(host):
    """Only what is so large that no busy machine can hide it."""
    runs = [host.soak("--total", 120, "--parallel", 12)]
    host.lxd.fault("op-slow", operation="start", ms=1000)
    runs.append(host.soak("--total", 120, "--parallel", 12))
    host.lxd.fault("op-fail", operation="start", text="no such cgroup 12")
    runs.append(host.soak("--total", 30, "--parallel", 4))
    good, slow, bad = (o.run_dir for o in runs)
    told = report(host.directory, "compare", good, slow, "--json")
    found = json.loads(told.stdout)
    start = found["phases"]["start"]
    assert (told.returncode, found["verdict"], found["exit_code"]) == (98, "worse", 98), told
    assert start["verdict"] == "worse" and start["p_adjusted"] < 0.01, start
    assert start["interval_ns"][0] <= start["shift_ns"] <= start["interval_ns"][1], start
    assert 500e6 < start["shift_ns"] < 20e9 and start["count_a"] == start["count_b"] == 120, start
    text = report(host.directory, "compare", "--baseline", good, slow)
    assert text.returncode == 98 and text.stdout.startswith("WORSE: "), text
    assert "start takes " in " ".join(text.stdout.split()), text
    back = report(host.directory, "compare", slow, good, "--json")
    assert json.loads(back.stdout)["phases"]["start"]["verdict"] == "better", back
    itself = report(host.directory, "compare", good, good, "--json")
    assert (itself.returncode, json.loads(itself.stdout)["verdict"]) == (PASS, "same"), itself
    told = report(host.directory, "compare", "--baseline", good, "--json")  # with the last one
    found = json.loads(told.stdout)
    assert (told.returncode, found["failed"]["verdict"], found["failed"]["b"]) == (98, "worse", 30), told
    assert [(e["a"], e["b"]) for e in found["errors"] if "no such cgroup" in e["error"]] == [(0, 30)], told
    few = report(host.directory, "compare", bad, bad)
    for arguments in ((good,), (), ("--baseline", good, slow, bad), (good, "/nowhere"),
                      (good, slow, "--slower", "5")):
        told = report(host.directory, "compare", *arguments)
        assert (told.returncode, told.stdout) == (USAGE, ""), told
    assert few.returncode in (PASS, 96), few


def write_series(path, values, head="t,value"):
    path.write_text(head + "\n" + "".join(f"{i * 60},{v}\n" for i, v in enumerate(values)))


def test_trend(tmp_path):
    teeth = [100 + (i * 7919 % 1000) / 100 for i in range(720)]
    write_series(tmp_path / "up.csv", [v + i / 10 for i, v in enumerate(teeth)], "units,rss")
    write_series(tmp_path / "step.csv", [v + 30 * (i >= 300) for i, v in enumerate(teeth)])
    write_series(tmp_path / "flat.csv", teeth)
    write_series(tmp_path / "few.csv", teeth[:7])
    up = report(tmp_path, "trend", "--csv", "up.csv", "--t", "units", "--value", "rss", "--json")
    told = json.loads(up.stdout)
    assert (up.returncode, up.stderr, told["verdict"], told["n"]) == (PASS, "", "up", 720), up
    assert told["interval"][0] < 1 / 600 < told["interval"][1]
    assert told["p"] < 1e-9 and 0 < told["smallest_visible_drift"] < told["slope"]
    step = report(tmp_path, "trend", "--csv", "step.csv", "--json", "--exit-code")
    told = json.loads(step.stdout)
    assert (step.returncode, told["verdict"], len(told["changepoints"])) == (98, "step", 1), step
    assert abs(told["changepoints"][0]["t"] - 300 * 60) < 300
    flat = report(tmp_path, "trend", "--csv", "flat.csv", "--exit-code")
    assert flat.returncode == PASS and flat.stdout.startswith("FLAT: no drift was found; one of "), flat
    for name in ("n ", "blocks ", "slope ", "interval ", "p ", "smallest visible drift ", "changepoints ",
                 "verdict "):
        assert f"\n  {name}" in flat.stdout, name
    few = report(tmp_path, "trend", "--csv", "few.csv", "--json")
    assert (few.returncode, json.loads(few.stdout)["verdict"]) == (96, "inconclusive"), few


def test_trend_says_what_is_wrong(tmp_path):
    (tmp_path / "bad.csv").write_text("t,value\n1,2\n2,much\n")
    for arguments, said in (((), "--csv"), (("--csv", "bad.csv"), "bad.csv, line 3: 'much'"),
                            (("--csv", "."), "directory"), (("--csv", "no.csv"), "no.csv"),
                            (("--csv", "bad.csv", "--floor", "-1"), "--floor"),
                            (("--csv", "bad.csv", "--value", "x"), "there are: t, value")):
        told = report(tmp_path, "trend", *arguments)
        assert (told.returncode, told.stdout) == (USAGE, "") and said in told.stderr, told


def test_figures_of_the_host(host):
    """A row when it begins, one when it ends, and one every ten seconds between."""
    outcome = host.soak("--duration", "11s", "--parallel", 2)
    assert outcome.code == PASS, outcome
    rows = outcome.store.rows(
        "select realtime_ns, in_flight, live, api_ns, mounts, mem_available, agent_rss, agent_cpu_ns,"
        " loop_late_ns, load_milli from metric order by seq")
    assert 3 <= len(rows) <= 4, rows
    first, second, last = rows[0], rows[1], rows[-1]
    assert first[0] < second[0] < last[0]
    assert (first[1], second[1], last[1]) == (0, 2, 0), rows
    assert all(r[3] >= 0 and r[4] > 0 and r[5] > 0 and r[6] > 0 and r[8] >= 0 and r[9] >= 0
               for r in rows[1:]), rows
    assert first[7] < second[7] < last[7], rows


MADE_RUN = os.path.join(os.path.dirname(__file__), "..", "bench", "made-run.py")


def made_run(like, what, path, samples, *arguments):
    """A run that never was, in the tables of one that was."""
    subprocess.run([sys.executable, MADE_RUN, what, str(samples), path, "--like", like,
                    *map(str, arguments)], check=True, timeout=120)
    return path


def test_drift(host):
    """Four hours in which create takes 10 % more an hour, from its store and from its journal."""
    like = os.path.join(host.soak("--total", 1).run_dir, "run.db")
    shape = (28800, "--every", 4000, "--drift", 10, "--threshold", "drift.create<5%/h", "--threshold",
             "drift.mem_available>-20%/h")
    store = made_run(like, "store", os.path.join(host.directory, "made"), *shape)
    stream = made_run(like, "export", os.path.join(host.directory, "made.export"), *shape)
    told = report(host.directory, store, "--json")
    found = json.loads(told.stdout)
    assert told.returncode == THRESHOLD and "drift.create<5%/h does not hold (+" in found["reason"], told
    assert [t["holds"] for t in found["thresholds"]] == [False, True]
    drift = {(d["host"], d["series"]): d for d in found["drift"]}
    create, start = drift[None, "create"], drift[None, "start"]
    assert (create["verdict"], create["unit"], start["verdict"]) == ("up", "ns", "flat"), drift
    # of the level in the midst
    assert 6 < create["percent_per_hour"] < 11 and create["p"] < 1e-6, create
    assert create["low"] < create["slope_per_hour"] < create["high"]
    assert create["low"] < 100e6 * 0.1 < create["high"], create
    assert 0 < start["smallest_visible"] < create["slope_per_hour"]
    memory = drift["a", "mem_available"]
    assert memory["verdict"] == "down" and memory["n"] > 400, memory
    text = report(host.directory, store)
    assert "\ndrift\n  create: +" in text.stdout, text
    assert "series do not drift; the smallest drift that could have been seen:" in text.stdout, text
    gathered = report(host.directory, "--stream", stream, "--json")
    assert (gathered.returncode, gathered.stdout) == (THRESHOLD, told.stdout), gathered
    assert report(host.directory, "--stream", stream).stdout == text.stdout


ENTRY = """__REALTIME_TIMESTAMP={}
__MONOTONIC_TIMESTAMP=1
_BOOT_ID=11111111111111111111111111111111
_HOSTNAME=a
SYSLOG_IDENTIFIER={}
PRIORITY={}
MESSAGE={}

"""


def test_what_the_journal_says_around_a_change(host):
    """Of journals, what was said when create began to take longer; of the store, where to look."""
    like = os.path.join(host.soak("--total", 1).run_dir, "run.db")
    shape = (14400, "--every", 4000, "--step", 80)
    store = made_run(like, "store", os.path.join(host.directory, "made"), *shape)
    stream = made_run(like, "export", os.path.join(host.directory, "made.export"), *shape)
    half = 1_750_000_000_000_000 + 3_600_000_000
    with open(stream, "a", encoding="utf-8") as out:
        for i, (after, who, priority, text) in enumerate((
                (-5, "kernel", 4, "dm-3: the pool is full"), (2, "lxd", 6, "took a snapshot"),
                (3, "lxd", 7, "for developers"), (4, "cron", 6, "a job"), (9, "cron", 6, "another job"),
                (70, "cron", 6, "a job far off"), (4000, "kernel", 0, "much later"))):
            out.write(ENTRY.format(half + after * 1_000_000 + i, who, priority, text))
    told = json.loads(report(host.directory, store, "--json").stdout)
    create = told["drift"][0]
    assert create["verdict"] == "step" and len(create["changepoints"]) == 1, create
    assert abs(create["changepoints"][0]["t_ns"] - half * 1000) < 60e9
    assert 1.6 < create["changepoints"][0]["after"] / create["changepoints"][0]["before"] < 2
    text = report(host.directory, "--stream", stream, "--stream", stream).stdout
    drift = text[text.index("\ndrift\n"):]
    lines = [line[15:] for line in drift.splitlines() if re.match(r"      \d\d:\d\d:\d\d ", line)]
    assert lines[0] == "a kernel: dm-3: the pool is full" and len(set(lines)) == len(lines) == 4, text
    assert set(lines[1:]) <= {"a lxd: took a snapshot", "a cron: a job", "a cron: another job",
                              "a cron: a job far off"}, text
    assert "      journalctl --since '2025-06-15 " in drift
    page = report(host.directory, store).stdout
    assert "dm-3" not in page and "      journalctl --since '2025-06-15 " in page
    assert json.loads(report(host.directory, "--stream", stream, "--json").stdout) == told


def test_too_short_to_tell_drift(host):
    """Never a number; what was asked is not known."""
    outcome = host.soak("--total", 4, "--threshold", "drift.create<5%/h")
    assert outcome.code == INCONCLUSIVE, outcome
    assert [(t["value"], t["holds"]) for t in outcome.data["thresholds"]] == [(None, None)]
    create = outcome.data["drift"][0]
    assert (create["series"], create["verdict"], create["slope_per_hour"]) == \
        ("create", "inconclusive", None), create
    text = report(host.directory, outcome.run_dir).stdout
    assert "\ndrift\n  too short to tell drift: needs half an hour" in text, text
    refused = host.soak("--total", 1, "--threshold", "drift.create<5%/h,abort")
    assert refused.code == USAGE and "cannot abort" in refused.err, refused


def test_thresholds(host):
    host.lxd.fault("op-fail", operation="start", after=3, count=1, text="no such cgroup")
    outcome = host.soak("--total", 40, "--threshold", "failed<5%", "--threshold", "gap<10m")
    assert outcome.code == PASS and outcome.units["failed"] == 1, outcome
    assert [(t["threshold"], t["holds"]) for t in outcome.data["thresholds"]] == \
        [("failed<5%", True), ("gap<10m", True)]
    outcome = host.soak("--total", 6, "--threshold", "start.p50<1ms", "--threshold", "stop.p99<1h")
    assert outcome.code == THRESHOLD, outcome
    assert "start.p50<1ms does not hold" in outcome.data["reason"]
    assert "BROKEN" in report(host.directory, outcome.run_dir).stdout


def test_exports_are_read_by_their_tools(host):
    """xmllint, Prometheus' own parser of OpenMetrics, and Python's of CSV."""
    host.lxd.fault("op-fail", operation="start", after=3, count=1, text='<"no"> such, cgroup\n&c.')
    outcome = host.soak("--total", 12, "--threshold", "start.p99<1h")
    assert outcome.code == THRESHOLD, outcome
    there = os.path.join(host.directory, "out")
    told = report(host.directory, "export", outcome.run_dir, "--csv", there + ".csv", "--junit",
                  there + ".xml", "--openmetrics", there + ".om", "--hgrm", there)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", ""), told

    with open(there + ".csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == outcome.store.one("select count(*) from sample")
    assert [r["error"] for r in rows if r["result"] == "fail"] == \
        [e for (e,) in outcome.store.rows("select error from sample where result = 'fail'")]
    assert sum(int(r["duration_ns"]) for r in rows) == \
        outcome.store.one("select sum(duration_ns) from sample")

    subprocess.run(["xmllint", "--noout", there + ".xml"], check=True, timeout=30)
    suite = xml.etree.ElementTree.parse(there + ".xml").getroot().find("testsuite")
    assert suite.attrib["failures"] == "1" and suite.attrib["errors"] == "0"
    assert {c.attrib["name"]: c.find("failure") is not None for c in suite.iter("testcase")} == \
        {"inconclusive": False, "units": True, "threshold start.p99<1h": False, "wedge": False,
         "leak": False}

    with open(there + ".om", encoding="utf-8") as file:
        families = {f.name: f for f in openmetrics.text_fd_to_metric_families(file)}
    passed, = (s.value for s in families["lxdsoak_units"].samples if s.labels["outcome"] == "passed")
    assert passed == outcome.units["passed"]
    p50, = (s.value for s in families["lxdsoak_phase_duration_seconds"].samples
            if s.labels["phase"] == "start" and s.labels.get("quantile") == "0.5")
    assert p50 == pytest.approx(outcome.data["phases"]["start"]["p50_ns"] / 1e9)

    with open(os.path.join(there, "start.hgrm"), encoding="ascii") as file:
        lines = [line.split() for line in file if line.strip() and line[0] != "#"][1:]
    assert [float(line[0]) for line in lines] == sorted(float(line[0]) for line in lines)
    assert float(lines[-1][1]) == 1 and int(lines[-1][2]) == 11
    assert float(lines[-1][0]) == pytest.approx(outcome.data["phases"]["start"]["max_ns"] / 1e6,
                                                abs=0.001)


def test_export_needs_a_format(short_dir):
    told = report(short_dir, "export", "last")
    assert told.returncode == USAGE and "--csv" in told.stderr, told


def read_textfile(path):
    """Every sample of it, as Prometheus' own parser reads it: {name: {labels: value}}."""
    with open(path, encoding="utf-8") as file:
        samples = [s for f in textformat.text_fd_to_metric_families(file) for s in f.samples]
    found = {}
    for sample in samples:
        found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    assert sum(len(f) for f in found.values()) == len(samples)
    return found


def test_textfile(host):
    """While it goes on it has the live figures, and is never half; at the end, the run's."""
    path = os.path.join(host.directory, "lxdsoak.prom")
    run = host.start("--total", 100000, "--parallel", 3, "--textfile", path)
    soak.wait_until(lambda: os.path.exists(path) and "lxdsoak_units_in_flight{" in
                    open(path, encoding="utf-8").read(), 60, "textfile with figures")
    live = read_textfile(path)
    assert list(live["lxdsoak_host_up"].values()) == [1]
    assert list(live["lxdsoak_units_in_flight"].values())[0] <= 3
    run.signal(2)
    outcome = run.end()
    ended = read_textfile(path)
    assert sum(v for k, v in ended["lxdsoak_units_total"].items() if ("outcome", "passed") in k) == \
        outcome.units["passed"]
    assert dict(list(ended["lxdsoak_run_info"])[0])["verdict"] == "stopped"
    assert [f for f in os.listdir(host.directory) if f.startswith("lxdsoak.prom")] == ["lxdsoak.prom"]
