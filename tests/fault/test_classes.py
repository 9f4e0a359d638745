# SPDX-License-Identifier: LGPL-2.1-or-later
"""The classes of wedges that a fake LXD can be made to show: each gets its own name.

The others need a host: tests/system/test_wedges.py. The last test here holds both against
the program's own list.
"""

import pathlib
import re

from soak import WEDGE, wait_until
from test_faults import check_clean, check_counts, soak_and

TESTS = pathlib.Path(__file__).resolve().parent.parent
QUICK = ("--deadline", "all=2s", "--probe-timeout", "1s")


def of_class(outcome, name):
    """The wedges of a class; there must be one, and it is in the store and the journal's words too."""
    found = [w for w in outcome.data["wedges"] if w["class"] == name]
    assert outcome.code == WEDGE and found, outcome
    assert outcome.store.one("select count(*) from wedge where class = ?", name) == len(found)
    assert all(w["suspect"] and w["since_ns"] <= w["detected_ns"] for w in found), found
    return found


def all_done(host, outcome, total):
    """Whatever wedged, the rest of the run came to its end and left nothing."""
    units = outcome.units
    assert units["passed"] + units["wedged"] == total and outcome.data["leftovers"] == [], outcome
    check_counts(outcome, total)
    check_clean(host)


def test_daemon_down(host):
    outcome = soak_and(host, "--total", 60, "--parallel", 4, *QUICK,
                       during=lambda: host.lxd.fault("gone", for_ms=6000))
    (wedge,) = of_class(outcome, "daemon-down")
    assert wedge["unit"] is None and wedge["cleared_by"] == "itself", wedge
    all_done(host, outcome, 60)


def test_daemon_hung(host):
    """Twice the limit without an answer, while no unit gets on: by the clock, since its process runs."""
    outcome = soak_and(host, "--total", 60, "--parallel", 4, *QUICK,
                       during=lambda: host.lxd.fault("stopped", for_ms=8000))
    (wedge,) = of_class(outcome, "daemon-hung")
    assert wedge["unit"] is None and wedge["cleared_by"] == "itself" and wedge["sure"] < 100, wedge
    assert 2 <= (wedge["detected_ns"] - wedge["since_ns"]) / 1e9 < 2 + 5, wedge
    all_done(host, outcome, 60)


def test_database_stalled(host):
    outcome = soak_and(host, "--total", 60, "--parallel", 4, "--probe-timeout", "1s",
                       during=lambda: host.lxd.fault("slow", request="@db", ms=6000, for_ms=6000))
    (wedge,) = of_class(outcome, "database-stalled")
    assert wedge["unit"] is None and wedge["cleared_by"] == "itself", wedge
    all_done(host, outcome, 60)


def test_operation_stuck(host):
    host.lxd.fault("op-stuck", operation="start", after=3, count=1, for_ms=20000)
    outcome = host.soak("--total", 8, "--parallel", 3, *QUICK)
    (wedge,) = of_class(outcome, "operation-stuck")
    assert wedge["suspect"].startswith("operation ") and wedge["cleared_by"], wedge
    all_done(host, outcome, 8)


def test_exec_that_lxd_lists_is_an_operation_stuck(host):
    """Here no forkexec shows on the host: it is the operation that does not get on."""
    host.lxd.fault("op-stuck", operation="exec", after=6, count=1, for_ms=30000)
    outcome = host.soak("--total", 6, "--parallel", 2, *QUICK)
    (wedge,) = of_class(outcome, "operation-stuck")
    assert wedge["cleared_by"] == "forced-stop", wedge
    all_done(host, outcome, 6)


def test_image_locked(host):
    """No create ends, other requests do, and nothing unpacks."""
    run = host.start("--total", 12, "--parallel", 4, "--exec", "sleep 3", "--deadline", "create=5s")
    wait_until(lambda: host.lxd.stats()["instances"]["running"] >= 3, 30, "running instances")
    host.lxd.fault("image-locked", for_ms=14000)  # before that, the others have come to their creates
    outcome = run.end(120)
    found = of_class(outcome, "image-locked")
    assert {w["suspect"] for w in found} == {"image soak"}, found
    all_done(host, outcome, 12)


def test_leftover(host):
    """LXD said it is deleted, and there is a directory of it."""
    run = host.start("--total", 4, "--parallel", 1, "--exec", "sleep 2")
    wait_until(lambda: host.lxd.stats()["instances"]["running"] >= 1, 30, "a running instance")
    (name,) = host.instances()
    lxd_dir = pathlib.Path(host.lxd.socket).parent
    (lxd_dir / "storage-pools").mkdir()
    (lxd_dir / "containers" / name).mkdir(parents=True)
    outcome = run.end(180)
    (wedge,) = of_class(outcome, "leftover")
    assert wedge["instance"] == name and name in wedge["suspect"] and wedge["cleared_by"], wedge
    all_done(host, outcome, 4)


def test_unknown(host):
    """`ready` never comes, LXD lists no operation, and no rule says why: not silence."""
    host.lxd.fault("silent", request="instance-get,state-get", after=6, count=1)
    outcome = host.soak("--total", 4, "--parallel", 1, *QUICK)
    (wedge,) = of_class(outcome, "unknown")
    assert wedge["evidence"] and wedge["sure"] < 50, wedge
    all_done(host, outcome, 4)


def test_the_second_capture_of_a_pool_is_not_taken(host):
    host.lxd.fault("pool-full", after=2, count=4)
    outcome = host.soak("--total", 12, "--parallel", 6)
    found = of_class(outcome, "pool-full")
    assert len(found) > 1 and sum(bool(w["evidence"]) for w in found) == 1, found
    all_done(host, outcome, 12)


def test_every_class_is_provoked_somewhere():
    soak_h = (TESTS.parent / "proto/soak.h").read_text(encoding="utf-8")
    listed = soak_h.split("#define WEDGE_CLASSES(X)")[1].split("#define")[0]
    classes = set(re.findall(r'X\([A-Z_]+, "([a-z-]+)"\)', listed))
    assert "unknown" in classes and len(classes) > 10
    tests = [p.read_text(encoding="utf-8") for d in ("fault", "system") for p in (TESTS / d).glob("*.py")]
    missing = {c for c in classes if not any(f'"{c}"' in text for text in tests)}
    assert not missing, f"no test provokes {missing}"
