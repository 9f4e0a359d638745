# SPDX-License-Identifier: LGPL-2.1-or-later
"""One pair of hosts for all system tests of a process; what every test must leave as it was."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pytest
from _pytest.runner import runtestprotocol

import testbed

TIMES_AGAIN = 2


def pytest_configure(config):
    config.addinivalue_line("markers", "leaves(text): what the test leaves in a host on purpose")
    config.failed_tests = 0
    config.bed = None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.config.failed_tests += 1


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    """A test that failed in a run with a stop that LXD gave up at once is done again, and it is said."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for again in range(TIMES_AGAIN + 1):
        before = item.config.bed.n_runs if item.config.bed else 0
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        bed = item.config.bed
        given_up = bed.given_up(before) if bed and any(r.failed for r in reports) else []
        if not given_up or again == TIMES_AGAIN:
            break
        print(f"\n{item.nodeid}: done again: LXD gave up clean stops at once: {given_up}", file=sys.__stderr__)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="session")
def bed(request):
    build = os.environ.get("LXDSOAK_BUILD")
    if not build:
        pytest.skip("LXDSOAK_BUILD does not say where the programs were built: use tests/run system")
    names = ["a", "b"]
    pair = testbed.Testbed(tempfile.mkdtemp(prefix="lxdsoak-hosts-", dir="/var/tmp"), names)
    try:
        pair.up(build)
        request.config.bed = pair
        yield pair
    finally:
        keep_logs(request, pair)
        pair.down()


def keep_logs(request, pair):
    if not request.config.failed_tests:
        return
    logs = pathlib.Path(os.environ.get("LXDSOAK_LOGS", "/var/tmp/lxdsoak-logs"))
    logs = logs / (time.strftime("system-%Y%m%d-%H%M%S-") + os.environ.get("PYTEST_XDIST_WORKER", "alone"))
    logs.mkdir(parents=True, exist_ok=True)
    try:
        pair.hosts("logs", logs, timeout=120, check=False)
        subprocess.run(["cp", "-r", pair.scratch, logs / "runs"], check=False)
    finally:
        print(f"\njournals of the hosts and records of the runs are in {logs}")


@pytest.fixture(autouse=True)
def hosts_stay_clean(bed):
    """Every test finds, and must leave, hosts without a container, and agents at work."""
    yield
    problems = []
    for host in bed.names:
        left = bed.left_after(host)
        if left:
            problems.append(f"left in {host}: {left}")
            make_clean(bed, host)
        if bed.run(host, "systemctl", "is-active", "lxdsoak-agent").stdout.strip() != "active":
            problems.append(f"lxdsoak-agent in {host} is not active")
            bed.run(host, "bash", "-c", "systemctl reset-failed lxdsoak-agent; systemctl restart lxdsoak-agent")
    assert not problems, "\n".join(problems)


def make_clean(bed, host):
    """By force, so that the next test is not hit as well."""
    bed.run(host, "bash", "-c", """
        systemctl restart lxdsoak-agent
        timeout 60 lxc list --format csv -c n | xargs -r -n1 timeout 60 lxc delete --force
    """, timeout=180)
