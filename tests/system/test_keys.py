# SPDX-License-Identifier: LGPL-2.1-or-later
"""Over TCP nothing happens without the right keys."""

import pytest

from testbed import INCONCLUSIVE, PASS, USAGE, wait_until


@pytest.fixture
def stranger(bed):
    """The secret key of nobody in particular."""
    path = bed.scratch / "stranger.key"
    for name in ("stranger.key", "stranger.pub"):
        (bed.scratch / name).unlink(missing_ok=True)
    made = bed.coord("keygen", path)
    assert made.code == PASS, made
    assert made.out.split()[0] == "drive" and made.out.split()[2] == (bed.scratch / "stranger.pub").read_text().strip()
    return path


def test_keygen_makes_a_private_file_once(bed, stranger):
    assert stranger.stat().st_mode & 0o777 == 0o600
    before = stranger.read_text()
    again = bed.coord("keygen", stranger)
    assert again.code != PASS and str(stranger) in again.err, again
    assert stranger.read_text() == before


def test_coordinator_that_nobody_allowed(bed, stranger):
    outcome = bed.coord("--hosts", "a", "--total", 1, "--key", stranger, "--connect-timeout", "4s", timeout=30)
    assert outcome.code == INCONCLUSIVE, outcome
    assert "a" in outcome.err


def test_agent_that_is_not_who_it_should_be(bed, stranger):
    known = bed.scratch / "known-wrong"
    known.write_text(f"a {stranger.with_suffix('.pub').read_text().strip()}\n")
    outcome = bed.coord("--hosts", "a", "--total", 1, "--known-agents", known, "--connect-timeout", "4s", timeout=30)
    assert outcome.code == INCONCLUSIVE, outcome


def test_no_key_at_all(bed):
    outcome = bed.coord("--hosts", "a", "--total", 1, "--key", "/nowhere/coord.key", timeout=20)
    assert outcome.code == USAGE, outcome
    assert "/nowhere/coord.key" in outcome.err


def test_secret_that_others_can_read(bed, stranger):
    stranger.chmod(0o644)
    outcome = bed.coord("--hosts", "a", "--total", 1, "--key", stranger, timeout=20)
    assert outcome.code == USAGE, outcome
    assert str(stranger) in outcome.err


def test_enrolled_with_two_commands_and_let_out_again(bed, stranger):
    """What the README says, with `hosts run` in the place of ssh; at the end the line is taken out
    while the key drives."""
    known = bed.scratch / "known-new"
    known.write_text(bed.sh("a", "su -s /bin/sh nobody -c 'lxdsoak-agent --show-key'"))  # no secret is needed for it
    assert known.read_text().split()[0] == "a"
    allowed = bed.root("a") / "etc/lxdsoak/authorized_keys"
    before = allowed.read_text()
    line = bed.coord("keygen", "--show", stranger).out
    keys = ["--key", stranger, "--known-agents", known]
    pid = bed.unit_property("a", "MainPID")
    since = bed.now("a")
    try:
        bed.sh("a", f"tee -a /etc/lxdsoak/authorized_keys <<'END'\n{line}END")
        assert bed.coord("--hosts", "a", "--total", 1, *keys).code == PASS
        run = bed.start("--hosts", "a", "--total", 10000, "--parallel", 2, *keys)
        wait_until(lambda: bed.instances("a"), 30, "an instance")
        allowed.write_text(before + "drive nobody\n")  # an error in the list: the reload says so
        assert bed.run("a", "systemctl", "reload", "lxdsoak-agent").returncode != 0
        allowed.write_text(before)
        bed.sh("a", "systemctl reload lxdsoak-agent")
        outcome = run.end(60)
        assert outcome.code == INCONCLUSIVE and "no longer in /etc/lxdsoak/authorized_keys" in outcome.err, outcome
        wait_until(lambda: not bed.instances("a"), 60, "the end of what was begun")
    finally:
        allowed.write_text(before)
    refused = bed.coord("--hosts", "a", "--total", 1, *keys, "--connect-timeout", "4s", timeout=30)
    assert refused.code == INCONCLUSIVE and "it refused our key" in refused.err, refused
    entries = [e for e in bed.journal("a", since) if e.get("MESSAGE_ID") == "b7d3d6a1c2f64b0c9b1f7a9e3d5c1a20"]
    assert entries and all(e["LXDSOAK_KEY"] in line and e["LXDSOAK_PEER"] for e in entries), entries
    assert bed.unit_property("a", "MainPID") == pid


def test_noise_on_the_port_does_no_harm(bed):
    before = bed.unit_property("a", "MainPID")
    for noise in ("hello", r"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL"):
        bed.hosts("outside", "--", "bash", "-c", f"exec 3<>/dev/tcp/a/7463 && printf '{noise}' >&3; sleep 0.2")
    bed.hosts("outside", "--", "bash", "-c", "exec 3<>/dev/tcp/a/7463 && head -c 100000 /dev/urandom >&3; true",
              check=False)
    assert bed.coord("--hosts", "a", "--total", 1).code == PASS
    assert bed.unit_property("a", "MainPID") == before


def test_without_the_drop_in_there_is_no_tcp(bed):
    listen = bed.root("b") / "etc/lxdsoak/agent.conf.d/50-listen.conf"
    text = listen.read_text()
    listen.unlink()
    try:
        bed.sh("b", "systemctl restart lxdsoak-agent")
        assert ":7463" not in bed.sh("b", "ss -tln")
        assert bed.sh("b", "test -S /run/lxdsoak/agent.sock && echo there").strip() == "there"
    finally:
        listen.write_text(text)
        bed.sh("b", "systemctl restart lxdsoak-agent")
