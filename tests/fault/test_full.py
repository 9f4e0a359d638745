# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk that is full, under the agent's spool and under the coordinator's store: work stops, it is said why, and it
goes on when there is room."""

import time

import children
from soak import INTERNAL, PASS, Agent, Coordinator, Host, wait_until
from test_once import check_once, counted

import fake as fake_lxd


def begun(host):
    return host.lxd.stats()["instances"]["created"]


def test_under_the_spool(short_dir):
    total = 600
    with fake_lxd.FakeLxd(short_dir, "--latency", "all=5ms") as lxd, \
         children.SmallDisk(f"{short_dir}/small", 8192) as disk, Agent(short_dir, lxd.socket, disk=disk) as agent:
        host = Host(lxd, agent)
        run = host.start("--total", total, "--parallel", 4)
        wait_until(lambda: counted(run.run_dir) >= 30, 60, "units")
        disk.fill()
        wait_until(lambda: "The spool cannot be written" in agent.said(), 30, "complaint")
        # what was in flight ends; nothing is begun any more
        wait_until(lambda: host.instances() == [], 60, "end of what was in flight")
        before = begun(host)
        time.sleep(4)  # some of its own attempts
        assert begun(host) == before and host.instances() == []
        assert agent.said().count("The spool cannot be written") == 1, agent.said()
        assert "disk is full" in agent.said(), agent.said()
        assert counted(run.run_dir) < total and run.process.poll() is None
        disk.free()
        outcome = run.end(180)
        assert outcome.code == PASS, outcome
        wait_until(lambda: "The spool can be written again" in agent.said(), 20, "word of it")
        check_once(host, run.run_dir, total)


def test_under_the_spool_when_it_starts(short_dir):
    """It says what is full and does not become ready."""
    with fake_lxd.FakeLxd(short_dir) as lxd, children.SmallDisk(f"{short_dir}/small", 8) as disk:
        try:
            Agent(short_dir, lxd.socket, disk=disk).stop()
        except AssertionError as e:
            assert "spool" in str(e) and "full" in str(e), e
        else:
            raise AssertionError("it is ready on a disk of 8 KiB")


def test_under_the_store(host):
    total = 1000
    with children.SmallDisk(f"{host.directory}/small", 16384) as disk:
        copy = f"{host.directory}/copy"
        run = Coordinator(host.directory, "--hosts", host.agent.endpoint, "--json", "--total", total, "--parallel", 4,
                          disk=disk)
        wait_until(lambda: counted(disk.copy(copy)) >= 30, 60, "units")
        disk.fill()
        outcome = run.end(60)
        assert outcome.code == INTERNAL, outcome
        assert "full" in outcome.err and disk.directory in outcome.err and "resume" in outcome.err, outcome
        assert 30 <= counted(disk.copy(copy)) < total
        # it is still full
        again = Coordinator(host.directory, "resume", disk.directory, "--json", disk=disk).end(60)
        assert again.code == INTERNAL and "full" in again.err, again
        disk.free()
        # the agent ended what it had, and kept what nobody took
        again = Coordinator(host.directory, "resume", disk.directory, "--json", disk=disk).end(120)
        assert again.code == PASS, again
        store = check_once(host, disk.copy(copy), total)
        assert store.one("select max(attempt) from unit") == 1, "nothing was done twice"
