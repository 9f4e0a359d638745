# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what: each verb with each role, keys that are taken out, strangers, replays."""

import json
import os
import signal
import socket
import subprocess
import threading

import pytest

import children
from peer import Peer, Place
from soak import INCONCLUSIVE, PASS, USAGE, Coordinator, environment, wait_until

ROLES = ["observe", "drive", "admin"]
PING = {"stamp_ns": 1, "agent_stamp_ns": 0}


@pytest.fixture
def place(short_dir):
    return Place(short_dir)


@pytest.fixture
def host(make_host, place):
    return make_host("--latency", "all=lognormal:5ms:0.4", agent_options=place.options())


def end(run, timeout=60):
    try:
        return run.end(timeout)
    finally:
        children.end(run.process, first=signal.SIGKILL)


def hello(spec=None):
    body = {"proto_min": 1, "proto_max": 1, "coord_id": "0" * 32, "who": "test", "agent_id": "", "steal": False}
    return {**body, "spec": spec} if spec else body


def refusals(host, text=""):
    return [line for line in host.agent.said().splitlines() if "Refused" in line and text in line]


def refused_once(host, text):
    """The one line that says so. The agent's log is written beside its answers, so it may come a little later."""
    wait_until(lambda: refusals(host, text), 20, "refusal in the log")
    logged = refusals(host, text)
    assert len(logged) == 1, logged
    return logged[0]


def await_keys(host, n, times=1):
    text = f"now has {n} key{'' if n == 1 else 's'}"
    wait_until(lambda: host.agent.said().count(text) >= times, 20, "allow-list that was taken")


# Each verb with each role

# What a message needs, and what it is answered when it may be sent: over here nobody drives, so
# what only the driver may send is answered so.
VERBS = [
    ("HELLO", {}, "observe", ("WELCOME", None)),
    ("PING", PING, "observe", ("PONG", None)),
    ("BYE", {}, "observe", ("ERR", "no_session")),
    ("HELLO", {"image": "no-such-image"}, "drive", ("REFUSE", "image")),
    ("LEASE", {"lease": 1, "first": 1, "count": 1, "attempt": 1, "ttl_ns": 1}, "drive", ("ERR", "no_session")),
    ("ACK", {}, "drive", ("ERR", "no_session")),
    ("STOP", {"mode": "abort", "keep": False}, "drive", ("ERR", "no_run")),
    ("CLEANUP", {"run": "", "project": "", "dry_run": True}, "drive", ("CLEANED", None)),
    ("CLEANUP", {"run": "", "project": "", "dry_run": False}, "drive", ("CLEANED", None)),
    ("EVIDENCE", {"run": "abcd2345", "directory": "", "file": "", "offset": 0}, "drive", ("EXHIBIT", None)),
]


@pytest.mark.parametrize("role", ROLES)
def test_each_verb_with_each_role(host, place, role):
    outcome = host.soak("--total", 1)
    spec = {**json.loads(outcome.store.one("select spec from run")), "run": "abcd2345"}
    host.lxd.running("bystander")
    before = host.lxd.stats()["instances"]["created"]
    key = place.key("somebody", role)
    await_keys(host, 1)
    refused = []
    with Peer(place.endpoint, place.agent.public, key) as peer:
        peer.connect()
        for word, body, needed, (answer, code) in VERBS:
            if word == "HELLO":
                body = hello({**spec, **body} if body else None)
            said, what = peer.ask(word, body)
            if ROLES.index(role) >= ROLES.index(needed):
                assert said == answer, (word, what)
                assert code is None or what["code"] == code, (word, what)
            else:
                assert (said, what["code"]) == ("REFUSE", "role"), (word, what)
                assert f"needs role {needed}" in what["text"] and key.public in what["text"], what
                assert f"has role {role} in {place.list}" in what["text"], what
                peer.ask(word, body)
                refused.append(what["text"])
    # who, from where, and only once
    for text in refused:
        logged = refused_once(host, text)
        assert "somebody" in logged and "127.0.0.1" in logged, logged
    assert host.instances() == ["bystander"]
    assert host.lxd.stats()["instances"]["created"] == before
    assert host.agent.process.poll() is None


def test_commands_of_an_observer(host, place):
    key = place.key("watcher", "observe")
    await_keys(host, 1)
    for words in (("--total", 3), ("cleanup",), ("cleanup", "--dry-run"), ("evidence", "abcd2345")):
        outcome = end(place.coord(key, *words))
        assert outcome.code == INCONCLUSIVE, outcome
        assert "needs role drive" in outcome.err and key.public in outcome.err, outcome
    assert host.instances() == [] and host.lxd.stats()["instances"]["created"] == 0


def test_commands_of_a_driver(host, place):
    key = place.key("driver", "drive")
    await_keys(host, 1)
    outcome = end(place.coord(key, "--total", 5))
    assert outcome.code == PASS, outcome
    assert end(place.coord(key, "evidence", "abcd2345")).code == PASS
    assert end(place.coord(key, "cleanup")).code == PASS
    assert refusals(host) == []


# Keys that are taken out

@pytest.mark.parametrize("how", ["removed", "observe"])
@pytest.mark.parametrize("reload", [False, True], ids=["by itself", "reload"])
def test_key_that_is_taken_out_while_it_drives(host, place, how, reload):
    key, other = place.key("leaver", "drive"), place.key("stayer", "drive")
    await_keys(host, 2)
    pid = host.agent.process.pid
    run = place.coord(key, "--total", 100000, "--parallel", 4)
    wait_until(lambda: host.lxd.stats()["instances"]["deleted"] > 8, 60, "units")
    if how == "removed":
        place.forbid(key)
    else:
        place.allow(key, "observe")
    if reload:
        host.agent.process.send_signal(signal.SIGHUP)
    outcome = end(run)
    assert outcome.code == INCONCLUSIVE, outcome
    text = "is no longer in" if how == "removed" else "has role observe"
    assert text in outcome.err and key.public in outcome.err, outcome
    # what was begun runs to its end, and nothing more is begun
    wait_until(lambda: host.instances() == [], 60, "end of what was in flight")
    made = host.lxd.stats()["instances"]["created"]
    assert end(place.coord(other, "--total", 5)).code == PASS
    assert host.lxd.stats()["instances"]["created"] == made + 5
    wait_until(lambda: "The session of" in host.agent.said(), 20, "end of the session in the log")
    assert host.agent.process.pid == pid
    # and it does not come back
    again = end(place.coord(key, "--total", 1, "--connect-timeout", "3s"))
    assert again.code == INCONCLUSIVE and key.public in again.err, again


def test_key_that_is_taken_out_while_it_is_idle(host, place):
    key = place.key("idler", "admin")
    await_keys(host, 1)
    with Peer(place.endpoint, place.agent.public, key) as peer:
        peer.connect()
        assert peer.ask("PING", PING)[0] == "PONG"
        place.forbid(key)
        await_keys(host, 0)
        for word, body in (("PING", PING), ("HELLO", hello())):
            said, what = peer.ask(word, body)
            assert (said, what["code"]) == ("REFUSE", "role"), what
        # given back, the same connection is good again
        place.allow(key, "admin")
        await_keys(host, 1, times=2)
        assert peer.ask("HELLO", hello())[0] == "WELCOME"


def test_list_with_an_error_is_not_taken(host, place):
    key = place.key("driver", "drive")
    await_keys(host, 1)
    place.lines["bad"] = "drive nobody"
    place.write()
    wait_until(lambda: "authorized_keys:2: a line must be ROLE NAME PUBLICKEY" in host.agent.said(), 20,
               "complaint about the list")
    assert end(place.coord(key, "--total", 2)).code == PASS
    checked = agent(place, "--check")
    assert checked.returncode == USAGE and "authorized_keys:2:" in checked.stderr, checked
    del place.lines["bad"]
    place.write()
    assert agent(place, "--check").returncode == 0


# Strangers

def test_strangers_are_refused_and_named_once(host, place):
    friend, stranger = place.key("friend", "drive"), place.key("stranger")
    await_keys(host, 1)
    for _ in range(3):
        with Peer(place.endpoint, place.agent.public, stranger) as peer:
            assert peer.line() == "refused 400"
            peer.send("HELLO", hello())
            said = peer.line(0.2)
            assert said in (None, "closed"), said
    logged = refused_once(host, stranger.public)
    assert "from 127.0.0.1" in logged and "drive NAME" in logged, logged
    # without a key at all, and one that takes the agent for another
    for more in ((), (friend.public, friend)):
        with Peer(place.endpoint, *more) as peer:
            peer.send("HELLO", hello())
            said = peer.line(1)
            assert said is None or said.split()[0] in ("refused", "closed"), said
    outcome = end(place.coord(stranger, "--total", 1, "--connect-timeout", "5s"))
    assert outcome.code == INCONCLUSIVE and stranger.public in outcome.err, outcome
    assert "it refused our key" in outcome.err and "authorized_keys" in outcome.err
    assert host.lxd.stats()["instances"]["created"] == 0
    assert end(place.coord(friend, "--total", 2)).code == PASS


def test_frames_that_are_no_message(host, place):
    key = place.key("babbler", "drive")
    await_keys(host, 1)
    header = b"LXS1" + bytes([1, 0, 44, 0]) + bytes(36)
    for frames in ((b"",), (b"x", b"y", b"z"), (b"LXS2" + header[4:], b"{}"), (header, b"[]"), (header, b"{" * 40),
                   (header, b"\xff{}"), (header + b"x", b"{}"), (header[:4] + bytes([99]) + header[5:], b"{}")):
        with Peer(place.endpoint, place.agent.public, key) as peer:
            peer.connect()
            peer.raw(*frames)
            said, what = peer.heard()
            assert (said, what["code"]) == ("ERR", "bad_message"), (frames, what)
    assert end(place.coord(key, "--total", 2)).code == PASS


class Relay:
    """Between a peer and the agent: keeps what the peer sent, so that it can be sent again."""

    def __init__(self, port):
        self.port, self.sent, self.out = port, [], None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with self.listener, self.listener.accept()[0] as inside, \
                socket.create_connection(("127.0.0.1", self.port)) as self.out:
            threading.Thread(target=self.copy, args=(self.out, inside, None), daemon=True).start()
            self.copy(inside, self.out, self.sent)

    @staticmethod
    def copy(source, to, keep):
        try:
            while data := source.recv(1 << 16):
                if keep is not None:
                    keep.append(data)
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_replayed_bytes_do_nothing(host, place):
    key = place.key("driver", "drive")
    await_keys(host, 1)
    relay = Relay(place.port)
    with Peer(relay.endpoint, place.agent.public, key) as peer:
        peer.connect()
        assert peer.ask("HELLO", hello())[0] == "WELCOME"
        before = len(relay.sent)
        assert peer.ask("PING", PING)[0] == "PONG"
        # the same message once more on the same connection: its number was used
        for data in relay.sent[before:]:
            relay.out.sendall(data)
        assert peer.line() == "closed"
    # and the whole of what was said, on another connection
    with socket.create_connection(("127.0.0.1", place.port)) as again:
        again.settimeout(20)
        try:
            for data in relay.sent:
                again.sendall(data)
            while again.recv(1 << 16):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert end(place.coord(key, "--total", 2)).code == PASS


# What the programs say of their keys

def agent(place, *words):
    return subprocess.run([children.binary("agent/lxdsoak-agent"), "--config", os.path.join(place.directory, "no.conf"),
                           "--key", place.agent.path, "--authorized-keys", place.list, *words], text=True,
                          env=environment(place.directory), capture_output=True, timeout=60, check=False)


def test_show_key_and_make_key(place):
    shown = agent(place, "--show-key")
    name, key = shown.stdout.split()
    assert shown.returncode == 0 and key == place.agent.public and socket.gethostname() in name.split(","), shown
    assert agent(place, "--make-key").stdout == shown.stdout
    os.unlink(place.agent.path)
    missing = agent(place, "--show-key")
    assert missing.returncode == USAGE and "--make-key" in missing.stderr and missing.stdout == "", missing
    assert not os.path.exists(place.agent.path)
    os.unlink(place.agent.path.replace(".key", ".pub"))
    made = agent(place, "--make-key")
    assert made.returncode == 0 and os.stat(place.agent.path).st_mode & 0o777 == 0o600, made
    assert agent(place, "--show-key").stdout == made.stdout != shown.stdout


def test_two_commands_enrol_a_host(make_host, place):
    """As the README has them: what one side prints, appended to the other's file, is enough."""
    host = make_host(agent_options=place.options())
    assert end(Coordinator(place.directory, "keygen")).code == PASS
    shown = agent(place, "--show-key").stdout
    with open(os.path.join(place.directory, ".config/lxdsoak/known_agents"), "w", encoding="ascii") as f:
        f.write("127.0.0.1," + shown)
    line = end(Coordinator(place.directory, "keygen", "--show"))
    with open(place.list, "a", encoding="ascii") as f:
        f.write(line.out)
        f.write(line.out)  # twice is as good as once
    await_keys(host, 1)
    outcome = end(Coordinator(place.directory, "--hosts", f"127.0.0.1:{place.port}", "--total", 2))
    assert outcome.code == PASS, outcome
