# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything at once: agents and coordinators are killed, ended and frozen, and their LXDs go away, at random."""

import random
import time

from soak import INCONCLUSIVE, LEAK, PASS, THRESHOLD, WEDGE, Coordinator, Store, frozen, wait_until
from test_once import check_rows, counted, kill

WORLDS = 50
TOTAL, BLOWS, LEASE = 800, 20, 10


class World:
    """A run on two hosts, and what befalls it."""

    def __init__(self, make_host, seed):
        self.dice = random.Random(seed)
        self.blows = []
        latency = f"all=lognormal:{self.dice.choice([5, 20, 60])}ms:0.6"
        self.hosts = [make_host("--latency", latency, name=f"{name}{seed}") for name in "ab"]
        self.run = Coordinator(self.hosts[0].directory, "--hosts", ",".join(h.agent.endpoint for h in self.hosts),
                               "--json", "--total", TOTAL, "--parallel", self.dice.choice([2, 6, 20]),
                               "--lease", f"{LEASE}s")
        self.run_dir = self.run.run_dir

    def freeze(self, process):
        with frozen(process):
            time.sleep(self.dice.choice([1, 3, LEASE - 2, LEASE + 3]))

    def agent_is_killed(self, host):
        host.agent.kill()
        time.sleep(self.dice.choice([0, 0, 1, 4]))
        host.agent.start()

    def agent_ends(self, host):
        host.agent.stop()
        host.agent.start()

    def agent_stands_still(self, host):
        self.freeze(host.agent.process)

    def coordinator_is_killed(self, _):
        kill(self.run)
        time.sleep(self.dice.choice([0, 0, 1, LEASE + 2]))
        self.run = Coordinator(self.hosts[0].directory, "resume", self.run_dir, "--json")

    def coordinator_stands_still(self, _):
        self.freeze(self.run.process)

    def both_are_killed(self, host):
        host.agent.kill()
        self.coordinator_is_killed(host)
        host.agent.start()

    def lxd_restarts(self, host):
        host.lxd.fault("restart", ms=self.dice.choice([0, 300, 3000]))

    def lxd_is_away(self, host):
        host.lxd.fault("gone", for_ms=self.dice.choice([500, 2500, 6000]))

    def lxd_stands_still(self, host):
        host.lxd.fault("stopped", for_ms=self.dice.choice([500, 3000, 7000]))

    def database_stalls(self, host):
        host.lxd.fault("db-stalled", ms=self.dice.choice([500, 1500]), for_ms=3000)

    BEFALLS = (agent_is_killed, agent_ends, agent_stands_still, coordinator_is_killed, coordinator_stands_still,
               both_are_killed, lxd_restarts, lxd_is_away, lxd_stands_still, database_stalls)

    def rage(self):
        wait_until(lambda: counted(self.run_dir) >= 1, 60, "units")
        while len(self.blows) < BLOWS:
            time.sleep(self.dice.uniform(0, 2))
            if self.run.process.poll() is not None:
                return
            what, host = self.dice.choice(self.BEFALLS), self.dice.choice(self.hosts)
            self.blows.append((what.__name__, self.hosts.index(host), counted(self.run_dir)))
            what(self, host)

    def end(self):
        for host in self.hosts:
            host.lxd.heal()
        outcome = self.run.end(300)
        assert outcome.code in (PASS, THRESHOLD, LEAK, WEDGE, INCONCLUSIVE), outcome
        assert {w["class"] for w in outcome.data["wedges"]} <= {"daemon-down", "daemon-hung", "database-stalled"}, outcome
        return outcome

    def check(self, outcome):
        """From the store and from LXD. Of a host that was lost at the end the store knows no more."""
        attempts = check_rows(Store(self.run_dir), TOTAL)
        there = [h for h in self.hosts if outcome.data["hosts"][h.agent.endpoint]["state"] != "lost"]
        reported = {item["name"] for item in outcome.data["leftovers"]}
        assert {name for host in there for name in host.instances()} <= reported, outcome
        if there == self.hosts:
            created = sum(host.lxd.stats()["instances"]["created"] for host in self.hosts)
            assert created <= attempts, (created, attempts, outcome)
        for host in self.hosts:
            wait_until(lambda host=host: host.cleanup().code == PASS, 60, "cleanup")
            assert host.instances() == []

    def stop(self):
        kill(self.run)
        for host in self.hosts:
            host.agent.stop()
            host.lxd.stop()


def test_everything_at_once(make_host):
    first = random.SystemRandom().randrange(1 << 32)
    for seed in range(first, first + WORLDS):
        world = World(make_host, seed)
        try:
            world.rage()
            world.check(world.end())
        except BaseException:
            print(f"seed {seed}, what befell it: {world.blows}\n{world.run.said()[-5000:]}")
            raise
        finally:
            world.stop()
