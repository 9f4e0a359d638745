# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures shared by the fault tests."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fake as fake_lxd  # noqa: E402
import soak  # noqa: E402

# An hour, for `tests/run long`.
collect_ignore = [] if soak.LONG else ["test_storm.py"]


@pytest.fixture
def short_dir():
    """A directory with a path short enough for a unix socket's name."""
    path = tempfile.mkdtemp(prefix="lxdsoak-", dir="/tmp")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(params=fake_lxd.DIALECTS)
def dialect(request):
    return request.param


@pytest.fixture
def lxd(short_dir):
    """A fake LXD 5.0.2 without latencies."""
    with fake_lxd.FakeLxd(short_dir) as fake:
        yield fake


@pytest.fixture
def any_lxd(short_dir, dialect):
    """A fake LXD of every dialect in turn."""
    with fake_lxd.FakeLxd(short_dir, dialect=dialect) as fake:
        yield fake


@pytest.fixture
def make_host(short_dir):
    """A function that makes a fake LXD with an agent on it; all are ended with the test."""
    made = []

    def make(*options, dialect="lxd-5.0.2", name="h", agent_options=()):
        fake = fake_lxd.FakeLxd(short_dir, *options, dialect=dialect, name=f"{name}-lxd")
        made.append(fake)
        agent = soak.Agent(short_dir, fake.socket, *agent_options, name=f"{name}-agent")
        made.append(agent)
        return soak.Host(fake, agent)

    yield make
    for thing in reversed(made):
        thing.stop()


@pytest.fixture
def host(make_host):
    """A host with LXD 5.0.2, whose operations take a few milliseconds."""
    return make_host("--latency", "all=lognormal:5ms:0.4")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With a failed test goes what the agent said."""
    outcome = yield
    report = outcome.get_result()
    used = getattr(item, "funcargs", {}).get("host")
    if report.when == "call" and report.failed and used:
        report.sections.append(("agent", used.agent.said()[-8000:]))
