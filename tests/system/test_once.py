# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exactly once, on a real LXD: agents and coordinator are killed again and again; counted from the store and by LXD."""

import contextlib
import json
import os
import random
import signal
import time

from testbed import INCONCLUSIVE, PASS, THRESHOLD, counted, wait_until

KILLS = 100 if os.environ.get("LXDSOAK_LONG") == "1" else 3
PARALLEL = 4
EVENTS = "/var/tmp/lifecycle.json"


@contextlib.contextmanager
def lifecycle(bed):
    """LXD's own word on what it made and what it removed; yields how to ask for it."""
    for host in bed.names:
        bed.sh(host, f"systemd-run --quiet --unit=lifecycle --property=StandardOutput=truncate:{EVENTS} "
                     "--setenv=HOME=/root lxc monitor --type=lifecycle --format=json")

    def names(host, action):
        events = [json.loads(line) for line in bed.sh(host, f"cat {EVENTS}").split("\n") if line]
        return [e["metadata"]["source"].rpartition("/")[2] for e in events if e["metadata"]["action"] == action]

    try:
        yield names
    finally:
        for host in bed.names:
            bed.sh(host, f"systemctl stop lifecycle; rm -f {EVENTS}")


class Storm:
    """A run whose agents and coordinator are killed KILLS times, each when something was counted since the last."""

    def __init__(self, bed, total, dice):
        self.bed, self.dice, self.n_kills = bed, dice, 0
        # LXD 5.0 keeps one a unit open (lxc.log.old), which shows in so many units
        self.run = bed.start("--hosts", ",".join(bed.names), "--total", total, "--parallel", PARALLEL, "--json",
                             "--allow-leak", "fds")

    def end(self):
        try:
            while self.n_kills < KILLS and self.goes_on():
                time.sleep(self.dice.uniform(0, 2))
                victim = self.dice.choice(["coordinator", *self.bed.names])
                if victim == "coordinator":
                    self.kill_coordinator()
                else:
                    self.kill_agent(victim)
                self.n_kills += 1
            outcome = self.run.end(600 + 20 * KILLS)
            for host in self.bed.names:
                self.bed.await_agent(host)
            return outcome
        except BaseException:
            self.run.signal(signal.SIGKILL)
            print(self.run.end(10))
            raise

    def goes_on(self):
        """Waits until a unit more is counted; false: a fast machine was done before all were killed."""
        before = counted(self.run.run_dir)
        wait_until(lambda: counted(self.run.run_dir) > before or self.run.process.poll() is not None, 120, "progress")
        return self.run.process.poll() is None

    def kill_coordinator(self):
        """And goes on. There may be no agent at that moment: systemd waits 10 s before it starts one again."""
        self.run.signal(signal.SIGKILL)
        self.run.end(10)
        self.run = self.bed.start("resume", self.run.run_dir, "--json", "--connect-timeout", "60s")

    def kill_agent(self, host):
        self.bed.await_agent(host)
        self.bed.sh(host, "systemctl kill --signal=KILL --kill-whom=main lxdsoak-agent")


def test_killed_again_and_again(bed):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    total = 40 + 20 * KILLS
    with lifecycle(bed) as names:
        storm = Storm(bed, total, random.Random(seed))
        outcome = storm.end()
        assert storm.n_kills >= KILLS / 2, outcome
        assert outcome.code in (PASS, INCONCLUSIVE, THRESHOLD), outcome
        store = outcome.store
        assert outcome.each_once(total)
        for table in ("sample", "late", "unit"):
            assert store.one(f"select count(*) from {table}") == \
                store.one(f"select count(*) from (select distinct agent, seq from {table})")
        created, deleted = ([n for host in bed.names for n in names(host, f"instance-{what}")]
                            for what in ("created", "deleted"))
    # whatever became of an attempt, LXD made its container at most once, and it is gone or reported
    assert len(set(created)) >= total - store.one("select count(*) from unit where outcome <> 'passed'")
    assert len(created) <= store.one("select (select count(*) from unit) + (select count(*) from late)")
    reported = [name for (name,) in store.rows("select name from leftover where kind = 'instance'")]
    assert sorted(created) == sorted(deleted + reported), outcome
    assert sorted(n for host in bed.names for n in bed.instances(host)) == sorted(reported)
    assert bed.coord("cleanup", "--hosts", ",".join(bed.names)).code == PASS
    assert [bed.left_after(host) for host in bed.names] == [[], []]
