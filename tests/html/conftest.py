# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs that never were, their pages, and one browser for all tests."""

import os
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import browser as chromium  # noqa: E402
import children  # noqa: E402


class Run:
    """A run's directory, and the page made of it."""

    def __init__(self, directory, *arguments):
        self.directory = directory
        self.store = os.path.join(directory, "run.db")
        self.page = os.path.join(directory, "page.html")
        subprocess.run([children.binary("tests/html/make-run"), directory, *map(str, arguments)],
                       check=True, stdin=subprocess.DEVNULL, timeout=120)
        self.write(self.page)
        with open(self.page, encoding="utf-8") as file:
            self.text = file.read()

    def write(self, path):
        """What lxdsoak-report --html does; returns the process."""
        return subprocess.run(
            [children.binary("report/lxdsoak-report"), self.directory, "--html", path],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, text=True, errors="replace",
            check=False)


@pytest.fixture(scope="session")
def runs():
    """A function that gives a run by the words of make-run; each is made once."""
    top = tempfile.mkdtemp(prefix="lxdsoak-html-")
    made = {}

    def get(*arguments):
        if arguments not in made:
            made[arguments] = Run(os.path.join(top, str(len(made))), *arguments)
        return made[arguments]

    yield get
    shutil.rmtree(top)


@pytest.fixture(scope="session")
def hour(runs):
    """Two hosts, an hour, 1200 units."""
    return runs(2, 1, 600)


@pytest.fixture(scope="session")
def week(runs):
    """Eight hosts, seven days."""
    return runs(8, 168, 3000)


@pytest.fixture(scope="session")
def hostile(runs):
    """All that hosts and LXD say tries to get out of its text."""
    return runs(3, 1, 200, "hostile")


@pytest.fixture(scope="session")
def browser():
    if not chromium.PROGRAM:
        pytest.skip("there is no chromium here")
    with chromium.Browser() as one:
        yield one
