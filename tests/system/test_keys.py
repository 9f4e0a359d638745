# SPDX-License-Identifier: LGPL-2.1-or-later
"""Over TCP nothing happens without the right keys."""

import pytest

from testbed import INCONCLUSIVE, PASS, USAGE


@pytest.fixture
def stranger(bed):
    """The secret key of nobody in particular."""
    path = bed.scratch / "stranger.key"
    for name in ("stranger.key", "stranger.pub"):
        (bed.scratch / name).unlink(missing_ok=True)
    made = bed.coord("keygen", path)
    assert made.code == PASS, made
    assert made.out.strip() == (bed.scratch / "stranger.pub").read_text().strip()
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


def test_a_key_that_is_allowed_later_works_after_reload(bed, stranger):
    allowed = bed.root("a") / "etc/lxdsoak/authorized_keys"
    before = allowed.read_text()
    allowed.write_text(before + f"admin guest {stranger.with_suffix('.pub').read_text().strip()}\n")
    try:
        bed.sh("a", "systemctl reload lxdsoak-agent")
        outcome = bed.coord("--hosts", "a", "--total", 1, "--key", stranger)
        assert outcome.code == PASS, outcome
    finally:
        allowed.write_text(before)
        bed.sh("a", "systemctl reload lxdsoak-agent")
    refused = bed.coord("--hosts", "a", "--total", 1, "--key", stranger, "--connect-timeout", "4s", timeout=30)
    assert refused.code == INCONCLUSIVE, refused


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
