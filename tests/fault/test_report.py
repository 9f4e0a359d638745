# SPDX-License-Identifier: LGPL-2.1-or-later
"""lxdsoak-report of real runs: what it says is what the coordinator said."""

import json
import os
import subprocess

import children
import soak
from soak import PASS, THRESHOLD, USAGE


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
