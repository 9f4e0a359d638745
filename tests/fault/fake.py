# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake LXD as a test uses it: start and stop it, ask its API, set faults, read statistics."""

import http.client
import json
import os
import select
import socket
import subprocess
import time

import children

DIALECTS = ("lxd-5.0.2", "lxd-5.21", "incus-6.12")


class UnixConnection(http.client.HTTPConnection):
    """http.client over a unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    """One HTTP answer, read to its end; `json` is None when it is none."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        try:
            self.json = json.loads(self.body)
        except ValueError:
            self.json = None

    @property
    def metadata(self):
        return self.json["metadata"]


def request(path, method, target, body=None, timeout=30, headers=None):
    """One request on a connection of its own."""
    connection = UnixConnection(path, timeout)
    try:
        text = json.dumps(body) if body is not None else None
        connection.request(method, target, body=text, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class FakeLxd:
    """One fake LXD in a directory of its own. A context manager; stop() may be called twice."""

    def __init__(self, directory, *options, dialect="lxd-5.0.2", name="lxd"):
        self.socket = os.path.join(str(directory), f"{name}.sock")
        self.control = os.path.join(str(directory), f"{name}-control.sock")
        self.dialect = dialect
        self.log = os.path.join(str(directory), f"{name}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [children.binary("tests/fake/lxdsoak-fake-lxd"), "--socket", self.socket,
                 "--control", self.control, "--dialect", dialect, *options],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=children.die_with_parent)
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        if not ready or self.process.stdout.readline() != b"ready\n":
            self.stop()
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise RuntimeError("the fake did not start: " + log.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it; its exit status."""
        return children.end(self.process)

    # The API, as a client sees it

    def api(self, method, target, body=None, timeout=30, headers=None):
        return request(self.socket, method, target, body, timeout, headers)

    def get(self, target, **kw):
        return self.api("GET", target, **kw)

    def start_operation(self, method, target, body=None):
        """Sends what starts an operation; its URL."""
        answer = self.api(method, target, body)
        assert answer.status == 202, answer.body
        return answer.json["operation"]

    def finish(self, url, seconds=20):
        """Waits until the operation has ended, by GET alone; the operation."""
        deadline = time.monotonic() + seconds
        while True:
            operation = self.get(url).metadata
            if operation["status_code"] != 103:
                return operation
            assert time.monotonic() < deadline, "operation did not end"
            time.sleep(0.005)

    def operate(self, method, target, body=None, seconds=20):
        return self.finish(self.start_operation(method, target, body), seconds)

    def create(self, name, config=None, alias="soak", **more):
        body = {"name": name, "source": {"type": "image", "alias": alias},
                "config": config or {}, **more}
        return self.operate("POST", "/1.0/instances", body)

    def set_state(self, name, action, force=False, timeout=-1, seconds=20):
        return self.operate("PUT", f"/1.0/instances/{name}/state",
                            {"action": action, "force": force, "timeout": timeout}, seconds)

    def execute(self, name, *command, seconds=20):
        return self.operate("POST", f"/1.0/instances/{name}/exec",
                            {"command": list(command), "record-output": True,
                             "wait-for-websocket": False}, seconds)

    def running(self, name):
        """A running instance of that name."""
        assert self.create(name)["status_code"] == 200
        assert self.set_state(name, "start")["status_code"] == 200

    # The control API

    def ask(self, method, target, body=None):
        answer = request(self.control, method, "/fake/" + target, body)
        if answer.status != 200:
            raise ValueError(answer.json["error"])
        return answer.json

    def fault(self, fault, **keys):
        """Adds a fault; its id."""
        return self.ask("PUT", "faults", {"fault": fault, **keys})["ids"][0]

    def heal(self, fault_id=None):
        """Takes one fault away, or all."""
        self.ask("DELETE", f"faults/{fault_id}" if fault_id else "faults")

    def faults(self):
        return self.ask("GET", "faults")

    def latency(self, **kinds):
        self.ask("PUT", "latency", kinds)

    def stats(self):
        return self.ask("GET", "stats")

    def reset_stats(self):
        self.ask("DELETE", "stats")
