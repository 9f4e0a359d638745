# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who drives a host: a second coordinator, the same host under two names, one that speaks another version."""

import os
import pathlib
import subprocess

from testbed import HOSTS, INCONCLUSIVE, PASS, STOPPED, counted, wait_until


def begun(bed, *args):
    """A run of host a that has got somewhere."""
    run = bed.start("--hosts", "a", *args, "--json")
    wait_until(lambda: counted(run.run_dir) >= 2, 120, "units")
    return run


def test_second_coordinator_is_refused_or_waits(bed):
    first = begun(bed, "--total", 20, "--parallel", 3)
    refused = bed.coord("--hosts", "a", "--total", 1)
    waiting = bed.start("--hosts", "a", "--total", 2, "--wait", "--json")
    outcome, waited = first.end(180), waiting.end(180)
    assert outcome.code == PASS and outcome.each_once(20), outcome
    assert refused.code == INCONCLUSIVE, refused
    assert f"busy with run {outcome.data['run']} of " in refused.err, refused
    assert "--wait" in refused.err and "--steal" in refused.err, refused
    assert waited.code == PASS and waited.each_once(2), waited
    assert "waiting until they are free" in waited.err, waited


def test_host_is_taken_and_given_back(bed):
    first = begun(bed, "--total", 24, "--parallel", 3)
    thief = bed.soak("--hosts", "a", "--total", 3, "--steal")
    assert thief.code == PASS and thief.each_once(3), thief
    lost = first.end(60)
    assert lost.code == STOPPED, lost
    assert "has taken this host" in lost.err and f"resume {first.run_dir}" in lost.err, lost
    outcome = bed.coord("resume", first.run_dir, "--json", timeout=180)
    assert outcome.code == PASS and outcome.each_once(24), outcome


def test_same_host_under_two_names(bed):
    outcome = bed.coord("--hosts", "a,a6", "--total", 4, "--known-agents", bed.known_as("a6"), timeout=60)
    assert outcome.code == INCONCLUSIVE, outcome
    assert "are one machine" in outcome.err and "a6" in outcome.err, outcome
    assert bed.instances("a") == []


def say(bed, message):
    """What the agent of host a answers to a message as no coordinator of today sends it."""
    peer = pathlib.Path(os.environ["LXDSOAK_BUILD"]) / "tests/fault/lxdsoak-peer"
    command = ["timeout", "60", peer, f"tcp://{bed.address('a')}:7463", bed.public_key("a"), bed.keys / "coord.key"]
    with subprocess.Popen([HOSTS, "outside", bed.state, "--", *command], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == "connected\n"
            process.stdin.write(f"{message}\n")
            process.stdin.flush()
            return process.stdout.readline()
        finally:
            process.terminate()


def test_versions_that_do_not_match(bed):
    """Refused before anything is lent, with what each side speaks; and who speaks the same goes on being served."""
    run = begun(bed, "--total", 12, "--parallel", 2)
    said = say(bed, 'HELLO - 0 0 {"proto_min": 7, "proto_max": 9, "of": ["the", "future"]}')
    assert said.startswith("REFUSE ") and '"version"' in said and "7 to 9" in said, said
    outcome = run.end(120)
    assert outcome.code == PASS and outcome.each_once(12), outcome
