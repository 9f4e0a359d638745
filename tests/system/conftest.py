# SPDX-License-Identifier: LGPL-2.1-or-later
"""One pair of hosts for all system tests; what every test must leave as it was."""

import os
import pathlib
import subprocess
import tempfile
import time

import pytest

import testbed


def pytest_configure(config):
    config.addinivalue_line("markers", "leaves(text): what the test leaves in a host on purpose")
    config.failed_tests = 0


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.config.failed_tests += 1


@pytest.fixture(scope="session")
def bed(request):
    build = os.environ.get("LXDSOAK_BUILD")
    if not build:
        pytest.skip("LXDSOAK_BUILD does not say where the programs were built: use tests/run system")
    names = ["a", "b"]
    pair = testbed.Testbed(tempfile.mkdtemp(prefix="lxdsoak-hosts-", dir="/var/tmp"), names)
    try:
        pair.up(build)
        yield pair
    finally:
        keep_logs(request, pair)
        pair.down()


def keep_logs(request, pair):
    if not request.config.failed_tests:
        return
    logs = pathlib.Path(os.environ.get("LXDSOAK_LOGS", "/var/tmp/lxdsoak-logs"))
    logs = logs / time.strftime("system-%Y%m%d-%H%M%S")
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
