# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exactly once: the coordinator is killed, and the run goes on; counted from the store and by LXD."""

import os
import random
import re
import signal
import sqlite3
import time

import pytest

import children
from peer import Peer
from soak import INCONCLUSIVE, LONG, PASS, STOPPED, USAGE, WEDGE, Coordinator, Store, frozen, wait_until

# A thousand kills in all, when there is time.
KILLS = 330 if LONG else 8
FREEZES = 110 if LONG else 1


def check_rows(store, total):
    """Each unit has one counted row, and no record is there twice; how many attempts it knows the end of."""
    assert store.rows("select unit from unit order by unit") == [(n,) for n in range(1, total + 1)]
    for table in ("sample", "late", "unit"):
        assert store.one(f"select count(*) from {table}") == \
            store.one(f"select count(*) from (select distinct agent, seq from {table})"), table
    return store.one("select (select count(*) from unit) + (select count(*) from late)")


def check_once(host, run_dir, total):
    """The same, and what LXD made is gone; every container belongs to one attempt of which the store knows the end."""
    store = Store(run_dir)
    attempts = check_rows(store, total)
    stats = host.lxd.stats()["instances"]
    assert stats["names"] == [] and stats["created"] == stats["deleted"], stats
    assert total <= stats["created"] <= attempts, (stats, attempts)
    return store


def kill(run):
    """As kill -9."""
    children.end(run.process, first=signal.SIGKILL)


def run_id(run_dir):
    return Store(run_dir).one("select run from run")


def epoch(run_dir):
    return Store(run_dir).one("select epoch from run")


def counted(run_dir):
    try:
        return Store(run_dir).one("select count(*) from unit")
    except Exception:  # pylint: disable=broad-except
        return 0  # not made yet


def test_coordinator_killed_again_and_again(make_host):
    host = make_host("--latency", "all=lognormal:15ms:0.4")
    dice = random.Random(7)
    total = 50 * KILLS
    run = host.start("--total", total, "--parallel", 8)
    run_dir = run.run_dir
    wait_until(lambda: counted(run_dir) >= 5, 60, "units")
    for n in range(KILLS):
        kill(run)
        run = Coordinator(host.directory, "resume", run_dir, "--json")
        wait_until(lambda n=n: epoch(run_dir) == n + 2, 60, "new epoch")
        time.sleep(dice.uniform(0, 0.8))
    outcome = run.end(180 + total)
    assert outcome.code == PASS, outcome
    assert outcome.data["units"]["passed"] == total and outcome.data["run"] == run_id(run_dir)
    store = check_once(host, run_dir, total)
    assert store.one("select max(attempt) from unit") == 1, "nothing was done twice"
    assert re.search("goes on: [0-9]+ units are done", outcome.err), outcome
    again = Coordinator(host.directory, "resume", run_dir, "--json").end(30)
    assert again.code == PASS and "has ended" in again.err, again
    assert again.data == outcome.data
    assert epoch(run_dir) == KILLS + 1


def test_agent_killed_again_and_again(make_host):
    host = make_host("--latency", "all=lognormal:10ms:0.4")
    dice = random.Random(11)
    total = 25 * KILLS
    run = host.start("--total", total, "--parallel", 6)
    run_dir = run.run_dir
    for n in range(KILLS):
        wait_until(lambda n=n: counted(run_dir) >= 10 * n + 5, 60, "units")
        time.sleep(dice.uniform(0, 0.3))
        host.agent.kill()
        host.agent.start()
    outcome = run.end(180 + total)
    assert outcome.code in (PASS, INCONCLUSIVE), outcome
    store = check_once(host, run_dir, total)
    assert store.one("select count(*) from late where why = 'interrupted'") > 0
    assert outcome.code == PASS or outcome.data["units"]["interrupted"] > 0, outcome


def test_both_killed_in_the_middle_of_everything(make_host):
    """Neither sees the end of the other's last word."""
    host = make_host("--latency", "all=lognormal:10ms:0.4")
    dice = random.Random(13)
    total = 60 * KILLS
    run = host.start("--total", total, "--parallel", 6)
    run_dir = run.run_dir
    wait_until(lambda: counted(run_dir) >= 5, 60, "units")
    for _ in range(KILLS // 2):
        first, second = dice.sample([lambda: kill(run), host.agent.kill], 2)
        first()
        time.sleep(dice.uniform(0, 0.2))
        second()
        host.agent.start()
        run = Coordinator(host.directory, "resume", run_dir, "--json")
        time.sleep(dice.uniform(0.3, 1.5))
    outcome = run.end(180 + total)
    assert outcome.code in (PASS, INCONCLUSIVE), outcome
    check_once(host, run_dir, total)


def test_going_on_without_a_host(make_host):
    """It has units and is gone for good: they are done elsewhere, and the report names it."""
    a, b = make_host("--latency", "all=100ms", name="a"), make_host("--latency", "all=20ms", name="b")
    run = Coordinator(a.directory, "--hosts", f"{a.agent.endpoint},{b.agent.endpoint}", "--json",
                      "--total", 60, "--parallel", 3, "--lease", "10s")
    run_dir = run.run_dir
    wait_until(lambda: counted(run_dir) >= 10, 60, "units")
    kill(run)
    a.agent.kill()
    assert a.instances(), "it has units in flight"
    outcome = Coordinator(b.directory, "resume", run_dir, "--json", "--connect-timeout", "1s").end(180)
    assert outcome.code == INCONCLUSIVE, outcome
    assert "not there" in outcome.err and a.agent.endpoint in outcome.err
    assert re.search("nothing heard for 11 s; units .* go to other hosts", outcome.err), outcome
    assert Store(run_dir).rows("select unit from unit order by unit") == \
        [(n,) for n in range(1, 61)]
    states = dict(Store(run_dir).rows("select host, state from host"))
    assert states == {a.agent.endpoint: "lost", b.agent.endpoint: "finished"}
    assert outcome.data["hosts"][a.agent.endpoint]["state"] == "lost"
    assert "cleanup" in outcome.err
    # it comes back: what lies there is known to be its own
    a.agent.start()
    assert a.cleanup("--run", outcome.data["run"]).code == PASS and a.instances() == []


@pytest.mark.parametrize("who", ["agent", "coordinator", "both"])
def test_standing_still_for_longer_than_a_lease(make_host, who):
    """Frozen, and thawed when its units are somebody else's (an agent) or were given back (a coordinator)."""
    a, b = make_host("--latency", "all=20ms", name="a"), make_host("--latency", "all=20ms", name="b")
    dice = random.Random(17)
    parallel, total = 3, 400 + 400 * FREEZES
    run = Coordinator(a.directory, "--hosts", f"{a.agent.endpoint},{b.agent.endpoint}", "--json",
                      "--total", total, "--parallel", parallel, "--lease", "10s")
    victims = [run.process] * (who != "agent") + [a.agent.process] * (who != "coordinator")
    # the first leases are of a few units; by now either has one of hundreds, and units that wait
    wait_until(lambda: counted(run.run_dir) >= 60, 60, "units")
    for _ in range(FREEZES):
        time.sleep(dice.uniform(0.5, 2))
        wait_until(a.instances, 60, "units in flight, where it thawed too")
        dice.shuffle(victims)
        told = run.said().count("go to other hosts")
        with frozen(*victims):
            time.sleep(dice.uniform(11, 14))
            if who == "agent":
                wait_until(lambda told=told: run.said().count("go to other hosts") > told, 60,
                           "its units lent to the other")
    outcome = run.end(180 + total)
    assert outcome.code == PASS, outcome
    store = Store(run.run_dir)
    assert store.rows("select unit from unit order by unit") == [(n,) for n in range(1, total + 1)]
    assert a.instances() == b.instances() == []
    if who == "agent":
        assert re.search(r"host .*a-agent.*: nothing heard for 11 s; units .* go to other hosts", outcome.err), outcome
        # what waited there when it was frozen it gave back; only what was in flight came late
        assert store.one("select count(*) from returned where reason = 'expired'") > 0
        assert store.one("select count(*) from late where why = 'late'") <= 2 * parallel * FREEZES, outcome
    created = a.lxd.stats()["instances"]["created"] + b.lxd.stats()["instances"]["created"]
    assert total <= created <= total + store.one("select count(*) from late"), created


def test_a_host_that_lives_and_gets_nowhere(make_host):
    """What waits there is done elsewhere; what is in flight there ends there, when it can."""
    a, b = make_host("--latency", "all=5ms", name="a"), make_host("--latency", "all=5ms", name="b")
    total, parallel = 600, 3
    run = Coordinator(a.directory, "--hosts", f"{a.agent.endpoint},{b.agent.endpoint}", "--json", "--total", total,
                      "--parallel", parallel, "--deadline", "all=600")
    wait_until(lambda: counted(run.run_dir) >= 60, 60, "units")
    a.lxd.fault("op-stuck")
    wait_until(lambda: counted(run.run_dir) >= total - parallel, 120, "what waits on the one, done by the other")
    assert run.process.poll() is None
    stuck = a.instances()
    assert 1 <= len(stuck) <= parallel, stuck
    a.lxd.heal()
    outcome = run.end(60)
    assert outcome.code == PASS, outcome
    assert re.search(r"host .*a-agent.*: nothing has ended there for 30 s; what it has not begun is to go to other hosts",
                     outcome.err), outcome
    store = Store(run.run_dir)
    assert store.rows("select unit from unit order by unit") == [(n,) for n in range(1, total + 1)]
    assert store.one("select sum(count) from returned where reason = 'revoked'") > 0
    assert store.one("select max(attempt) from unit") == 1, "nothing was begun twice"
    assert a.instances() == b.instances() == []


# Two that want the same host

def test_second_coordinator_is_refused_and_told_who(host):
    run = host.start("--total", 400, "--parallel", 4)
    wait_until(lambda: counted(run.run_dir) >= 1, 60, "units")
    other = host.soak("--total", 1)
    assert other.code == INCONCLUSIVE, other
    assert f"busy with run {run_id(run.run_dir)} of " in other.err and "@" in other.err, other
    assert "--wait" in other.err and "--steal" in other.err
    shown = host.command("status", "--json").data["hosts"][host.agent.endpoint]
    assert shown["run"] == run_id(run.run_dir) and "@" in shown["driver"], shown
    assert shown["version"] and shown["server"] == "lxd 5.0.2" and shown["since_ns"] > 0
    assert 0 <= shown["in_flight"] <= 4 and shown["silent_ns"] < 10_000_000_000
    text = host.command("status").out
    assert run_id(run.run_dir) in text and "driven" in text, text
    # and it is asked to come to an end
    asked = host.command("stop")
    assert asked.code == PASS and "is asked to stop it" in asked.out, asked
    outcome = run.end(180)
    assert outcome.code == STOPPED and "asks that the run be stopped" in outcome.err, outcome
    assert 0 < outcome.units["passed"] < 400 and host.instances() == []
    assert "idle" in host.command("status").out
    assert "no such run" in host.command("stop").out


def test_one_waits_for_the_other(host):
    first = host.start("--total", 60, "--parallel", 4)
    wait_until(lambda: counted(first.run_dir) >= 1, 60, "units")
    second = host.start("--total", 5, "--wait")
    assert first.end(180).code == PASS
    outcome = second.end(180)
    assert outcome.code == PASS and outcome.units["passed"] == 5, outcome
    assert "waiting until they are free" in outcome.err and outcome.err.count("busy with run") == 1


def test_two_that_wait_for_each_others_hosts(make_host):
    a, b = make_host("--latency", "all=2ms", name="a"), make_host("--latency", "all=2ms", name="b")
    names = [a.agent.endpoint, b.agent.endpoint]
    runs = [Coordinator(a.directory, "--hosts", ",".join(hosts), "--json", "--total", 20, "--wait")
            for hosts in (names, names[::-1], names, names[::-1])]
    for run in runs:
        outcome = run.end(180)
        assert outcome.code == PASS and outcome.units["passed"] == 20, outcome
    assert a.instances() == b.instances() == []


def test_a_host_is_taken_and_given_back(host):
    first = host.start("--total", 100, "--parallel", 4)
    run_dir = first.run_dir
    wait_until(lambda: counted(run_dir) >= 10, 60, "units")
    thief = host.soak("--total", 5, "--steal")
    assert thief.code == PASS and thief.units["passed"] == 5, thief
    lost = first.end(180)
    assert lost.code == STOPPED, lost
    assert "has taken this host" in lost.err and f"resume {run_dir}" in lost.err, lost
    outcome = Coordinator(host.directory, "resume", run_dir, "--json").end(180)
    assert outcome.code == PASS and outcome.units["passed"] == 100, outcome
    store = Store(run_dir)
    assert store.rows("select unit from unit order by unit") == [(n,) for n in range(1, 101)]
    assert host.instances() == []


def test_a_run_is_resumed_while_it_is_driven(host):
    run = host.start("--total", 100, "--parallel", 4)
    wait_until(lambda: counted(run.run_dir) >= 1, 60, "units")
    second = Coordinator(host.directory, "resume", run.run_dir, "--json").end(30)
    assert second.code == USAGE and "is driving this run" in second.err, second
    assert run.end(180).code == PASS


def copy_of(run_dir):
    copy = run_dir + "-copy"
    os.mkdir(copy)
    with sqlite3.connect(os.path.join(run_dir, "run.db")) as db, \
            sqlite3.connect(os.path.join(copy, "run.db")) as to:
        db.backup(to)
    return copy


def test_the_newest_start_drives(host):
    """An older one that stood still hears of it, ends, and says how to go on."""
    run = host.start("--total", 200, "--parallel", 4)
    wait_until(lambda: counted(run.run_dir) >= 5, 60, "units")
    with frozen(run.process):
        copy = copy_of(run.run_dir)
        newer = Coordinator(host.directory, "resume", copy, "--json")
        wait_until(lambda: counted(copy) >= 60, 60, "units")
    older = run.end(180)
    assert older.code == STOPPED and "later start" in older.err and "resume" in older.err, older
    outcome = newer.end(180)
    assert outcome.code == PASS and outcome.units["passed"] == 200, outcome
    check_once(host, copy, 200)


def test_the_older_copy_stays_out(host):
    """What was told to one store is not known to the other."""
    run = host.start("--total", 200, "--parallel", 4)
    wait_until(lambda: counted(run.run_dir) >= 5, 60, "units")
    copy = copy_of(run.run_dir)
    wait_until(lambda: counted(run.run_dir) >= 50, 60, "units")
    kill(run)
    host.agent.kill()
    host.agent.start()
    late = Coordinator(host.directory, "resume", copy, "--json").end(180)
    assert late.code == INCONCLUSIVE and "older copy" in late.err, late
    outcome = Coordinator(host.directory, "resume", run.run_dir, "--json").end(180)
    assert outcome.code == PASS, outcome
    check_once(host, run.run_dir, 200)


def test_the_same_agent_under_two_names(host):
    other = os.path.join(host.directory, "other.sock")
    os.symlink(host.agent.socket, other)
    outcome = Coordinator(host.directory, "--hosts", f"{host.agent.endpoint},ipc://{other}",
                          "--total", 4).end(30)
    assert outcome.code == INCONCLUSIVE, outcome
    assert "are one machine" in outcome.err, outcome
    assert host.agent.endpoint in outcome.err and other in outcome.err
    assert host.instances() == []


def test_going_on_while_the_agent_is_started_again(host):
    """systemd takes 10 s for that."""
    run = host.start("--total", 20, "--parallel", 2)
    wait_until(lambda: counted(run.run_dir) >= 1, 60, "units")
    kill(run)
    host.agent.kill()
    resumed = Coordinator(host.directory, "resume", run.run_dir, "--json", "--connect-timeout", "60s")
    time.sleep(5)
    host.agent.start()
    assert resumed.end(180).code == PASS
    check_once(host, run.run_dir, 20)


def test_going_on_while_lxd_is_away(host):
    """An agent started anew has not seen LXD yet, and refuses; the coordinator of its run asks again."""
    run = host.start("--total", 20, "--parallel", 2)
    wait_until(lambda: counted(run.run_dir) >= 1, 60, "units")
    kill(run)
    host.agent.kill()
    host.lxd.fault("gone")
    host.agent.start()
    resumed = Coordinator(host.directory, "resume", run.run_dir, "--json", "--connect-timeout", "60s")
    wait_until(lambda: "Refused somebody" in host.agent.said(), 60, "refusal")
    time.sleep(3)
    assert resumed.process.poll() is None, resumed.said()
    host.lxd.heal()
    outcome = resumed.end(180)
    assert outcome.code in (PASS, WEDGE), outcome
    assert {w["class"] for w in outcome.data["wedges"]} <= {"daemon-down"}, outcome
    check_once(host, run.run_dir, 20)


def test_resume_says_what_it_cannot(host):
    for words, text in ((("resume",), "give one run"), (("resume", "0a1b2c3d"), "there is no run"),
                        (("resume", "/nowhere"), "there is no run")):
        outcome = Coordinator(host.directory, *words).end(30)
        assert outcome.code == USAGE and text in outcome.err, outcome
    run = host.start("--total", 50)
    wait_until(lambda: counted(run.run_dir) >= 1, 60, "units")
    kill(run)
    host.agent.kill()
    outcome = Coordinator(host.directory, "resume", run.run_dir, "--connect-timeout", "1s").end(30)
    assert outcome.code == INCONCLUSIVE and "no host is there" in outcome.err, outcome
    host.agent.start()
    outcome = Coordinator(host.directory, "resume", run.run_dir, "--json").end(180)
    assert outcome.code == PASS, outcome
    check_once(host, run.run_dir, 50)


# Versions that do not match

def test_versions_that_do_not_match(host):
    """Which side speaks what, whatever else the other's HELLO has; and frames of another version do no harm."""
    with Peer(host.agent.endpoint) as peer:
        peer.connect()
        for body in ({"proto_min": 2, "proto_max": 3}, {"proto_min": 7, "proto_max": 9, "of": ["the", "future"]}):
            said, what = peer.ask("HELLO", body)
            assert (said, what["code"]) == ("REFUSE", "version"), what
            assert f"{body['proto_min']} to {body['proto_max']}" in what["text"], what
        peer.raw(b"LXS9" + bytes(40), b"{}")
        assert peer.ask("PING", {"stamp_ns": 1, "agent_stamp_ns": 0})[0] in ("PONG", "ERR")
    assert host.soak("--total", 2).code == PASS
