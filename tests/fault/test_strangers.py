# SPDX-License-Identifier: LGPL-2.1-or-later
"""Crowds at the agent's port: silent ones, babbling ones, more than there are descriptors for."""

import contextlib
import os
import random
import resource
import select
import signal
import socket

import pytest

import children
from peer import Peer, Place
from soak import PASS, wait_until

CROWD = 10_000
BABBLE = [b"GET / HTTP/1.0\r\n\r\n", b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", b"\x00" * 64, b"SSH-2.0-x\r\n",
          b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + bytes(48)]


@pytest.fixture
def place(short_dir):
    return Place(short_dir)


def descriptors(agent):
    return len(os.listdir(f"/proc/{agent.process.pid}/fd"))


def raise_limit(wanted):
    """Our own, for the other end of the connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        pytest.skip(f"this machine lets a process have {hard} open files, and the test needs {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


class Crowd:
    """Connections that say nothing, or nonsense."""

    def __init__(self, port, n, noise=None):
        self.sockets = []
        for i in range(n):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", port))
            self.sockets.append(s)
            if i % 100 == 99:  # not more at once than the backlog takes
                self.await_connected(self.sockets[-100:])
        self.say(noise)

    @staticmethod
    def await_connected(sockets):
        poll = select.poll()
        waiting = {s.fileno() for s in sockets}
        for fd in waiting:
            poll.register(fd, select.POLLOUT)
        while waiting and (ready := poll.poll(20_000)):
            for fd, _event in ready:
                poll.unregister(fd)
                waiting.discard(fd)

    def say(self, noise):
        for s in self.sockets if noise else ():
            with contextlib.suppress(OSError):
                s.send(noise.choice(BABBLE))

    def n_open(self):
        """How many the other end has not closed."""
        still = []
        for s in self.sockets:
            try:
                while s.recv(4096):
                    pass
                s.close()
            except BlockingIOError:
                still.append(s)
            except OSError:
                s.close()
        self.sockets = still
        return len(still)

    def go(self):
        for s in self.sockets:
            s.close()


@pytest.fixture
def crowds():
    made = []
    yield lambda *words: made.append(Crowd(*words)) or made[-1]
    for crowd in made:
        crowd.go()


def test_ten_thousand_strangers(make_host, place, crowds):
    raise_limit(CROWD + 1000)
    host = make_host("--latency", "all=lognormal:30ms:0.4", agent_options=place.options())
    key = place.key("driver", "drive")
    wait_until(lambda: "now has 1 key" in host.agent.said(), 20, "taken allow-list")
    before = descriptors(host.agent)
    run = place.coord(key, "--total", 100_000, "--parallel", 10)
    try:
        wait_until(lambda: host.lxd.stats()["instances"]["deleted"] > 20, 60, "units")
        silent, babbling = crowds(place.port, CROWD // 2), crowds(place.port, CROWD // 2, random.Random(1))
        assert descriptors(host.agent) - before > CROWD // 3
        done = host.lxd.stats()["instances"]["deleted"]
        wait_until(lambda: host.lxd.stats()["instances"]["deleted"] > done + 100, 60, "further units")
        wait_until(lambda: silent.n_open() + babbling.n_open() == 0, 120, "end of the strangers")
        wait_until(lambda: descriptors(host.agent) < before + 100, 60, "descriptors that are free again")
        run.signal(signal.SIGINT)
        outcome = run.end(60)
    finally:
        children.end(run.process, first=signal.SIGKILL)
    assert '"lost"' not in outcome.out and "silent" not in outcome.err, outcome
    assert outcome.store.one("select count(*) from unit where outcome <> 'passed'") == 0
    assert outcome.store.one("select state from host") == "finished"
    assert host.agent.rss_kib() < 512 * 1024


def test_more_strangers_than_descriptors(make_host, place, crowds):
    host = make_host("--latency", "all=lognormal:30ms:0.4", agent_options=place.options())
    key = place.key("driver", "drive")
    wait_until(lambda: "now has 1 key" in host.agent.said(), 20, "taken allow-list")
    with Peer(place.endpoint, place.agent.public, key) as friend:
        friend.connect()
        resource.prlimit(host.agent.process.pid, resource.RLIMIT_NOFILE, (200, 200))
        crowd = crowds(place.port, 600)
        wait_until(lambda: "Too many connections" in host.agent.said(), 30, "closed door")
        cpu = host.agent.cpu_seconds()
        wait_until(lambda: "TCP is open again" in host.agent.said(), 60, "open door")
        # it does not spin, and whom it knows comes back
        assert friend.line() == "closed"
        friend.connect()
        assert friend.ask("PING", {"stamp_ns": 1, "agent_stamp_ns": 0})[0] == "PONG"
        assert host.agent.cpu_seconds() - cpu < 5
        crowd.go()
    assert place.coord(key, "--total", 3).end(60).code == PASS
