# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures shared by the fault tests."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import fake as fake_lxd  # noqa: E402


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
