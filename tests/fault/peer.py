# SPDX-License-Identifier: LGPL-2.1-or-later
"""Agents that listen on TCP with keys, and peers that say to them what no coordinator would."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess

import children
import soak


def free_port():
    """A port of this machine nobody listens on; the kernel does not give it out again soon."""
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Key:
    """A key that lxdsoak-coord made."""

    def __init__(self, directory, name):
        self.name, self.path = name, os.path.join(str(directory), f"{name}.key")
        made = subprocess.run([children.binary("coordinator/lxdsoak-coord"), "keygen", self.path],
                              check=True, capture_output=True, text=True, timeout=30)
        self.public = made.stdout.split()[2]


class Place:
    """A directory with an agent's key, an allow-list, and keys of others."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.port = free_port()
        self.endpoint = f"tcp://127.0.0.1:{self.port}"
        self.agent = Key(directory, "agent")
        self.list = os.path.join(self.directory, "authorized_keys")
        self.known = os.path.join(self.directory, "known_agents")
        self.lines = {}
        self.write()
        with open(self.known, "w", encoding="ascii") as f:
            f.write(f"127.0.0.1 {self.agent.public}\n")

    def options(self):
        return ("--listen", self.endpoint, "--key", self.agent.path, "--authorized-keys", self.list)

    def write(self):
        """The allow-list as editors do: another file, renamed."""
        with open(self.list + ".new", "w", encoding="ascii") as f:
            f.writelines(f"{line}\n" for line in self.lines.values())
        os.chmod(self.list + ".new", 0o644)
        os.rename(self.list + ".new", self.list)

    def key(self, name, role=None):
        """A new key; with a role, it is allowed."""
        key = Key(self.directory, name)
        if role:
            self.allow(key, role)
        return key

    def allow(self, key, role):
        self.lines[key.name] = f"{role} {key.name} {key.public}"
        self.write()

    def forbid(self, key):
        del self.lines[key.name]
        self.write()

    def coord(self, key, *arguments):
        """A coordinator that comes over TCP with that key, started."""
        return soak.Coordinator(self.directory, *arguments, "--hosts", f"127.0.0.1:{self.port}", "--key", key.path,
                                "--known-agents", self.known)


class Peer:
    """One connection. A context manager."""

    def __init__(self, endpoint, agent_key=None, key=None):
        words = [endpoint, *([agent_key] if agent_key else []), *([key.path] if key else [])]
        self.process = subprocess.Popen([children.binary("tests/fault/lxdsoak-peer"), *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        preexec_fn=children.die_with_parent)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        children.end(self.process, first=signal.SIGKILL)

    def line(self, seconds=20):
        """The next line it prints; None when there is none in so long."""
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                return None
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            assert read, "the peer ended"
            self.rest += read
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()

    def connect(self):
        assert self.line() == "connected"
        return self

    def send(self, word, body=None, run="-", epoch=0, seq=0):
        self.process.stdin.write(f"{word} {run} {epoch} {seq} {json.dumps(body or {})}\n".encode())

    def raw(self, *frames):
        self.process.stdin.write(b"raw " + b" ".join(f.hex().encode() for f in frames) + b"\n")

    def heard(self, seconds=20):
        """The next message: its type and body; (None, None) when there is none in so long."""
        line = self.line(seconds)
        if line is None:
            return None, None
        found = re.match(r"(\S+) (\S+) (.*)", line)
        return (found[1], json.loads(found[3])) if found else (line, None)

    def ask(self, word, body=None, **more):
        self.send(word, body, **more)
        return self.heard()
