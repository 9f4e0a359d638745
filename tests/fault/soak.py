# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real agent and coordinator as a test runs them: in a directory of its own, ended by pid."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

import children
import journald

PASS, THRESHOLD, LEAK, WEDGE, INCONCLUSIVE, STOPPED, USAGE, INTERNAL = 0, 99, 98, 97, 96, 105, 64, 70

LONG = os.environ.get("LXDSOAK_LONG") == "1"  # there is time for what is too long for every run
SLOW = float(os.environ.get("LXDSOAK_SLOW", "1"))  # so many times longer may all take


def wait_until(true, seconds, what):
    """Until it is true; what it then said."""
    deadline = time.monotonic() + seconds * SLOW
    while not (said := true()):
        assert time.monotonic() < deadline, f"after {seconds} s: no {what}"
        time.sleep(0.02)
    return said


@contextlib.contextmanager
def frozen(*processes):
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def environment(home):
    """What the programs see: no settings of whoever runs the tests."""
    kept = ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH")
    return {**{k: v for k, v in os.environ.items() if k in kept}, "HOME": str(home), "TERM": "dumb"}


class Agent:
    """One lxdsoak-agent in the foreground, listening on ipc:// in `directory`. With a journal it
    logs there, as the service does, and not to its log."""

    def __init__(self, directory, lxd_socket, *options, name="agent", journal=None, disk=None):
        self.journal = journal
        self.directory = str(directory)
        self.state = os.path.join(self.directory, f"{name}-state")
        self.socket = os.path.join(self.directory, f"{name}.sock")
        self.endpoint = "ipc://" + self.socket
        self.log = os.path.join(self.directory, f"{name}.log")
        self.lxd_socket, self.options = lxd_socket, options
        self.config = os.path.join(self.directory, f"{name}.conf")  # not the machine's
        os.makedirs(self.state, exist_ok=True)
        self.disk = disk
        if disk:
            self.state = disk.directory
        with open(self.config, "w", encoding="utf-8"):
            pass
        self.process = None
        self.start()

    def start(self):
        before = self.said().count("Ready:") if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [children.binary("agent/lxdsoak-agent"), "--lxd-socket", self.lxd_socket,
                 "--state-dir", self.state, "--listen", self.endpoint, "--config", self.config,
                 "--helper", children.binary("agent/lxdsoak-helper"), *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                env={**environment(self.directory),
                     **(journald.stream_of(log) if self.journal else {})},
                preexec_fn=children.preexec_of(self.journal, self.disk))
        try:
            wait_until(lambda: self.said().count("Ready:") > before or
                       self.process.poll() is not None, 30, "ready agent")
            assert self.process.poll() is None, "the agent ended: " + self.said()
        except AssertionError:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, first=signal.SIGTERM):
        return children.end(self.process, timeout=30, first=first)

    def kill(self):
        """As kill -9."""
        return self.stop(signal.SIGKILL)

    def said(self):
        with open(self.journal.export if self.journal else self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Store:
    """run.db, opened to read."""

    def __init__(self, run_dir):
        path = os.path.join(run_dir, "run.db")
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def rows(self, query, *values):
        return self.db.execute(query, values).fetchall()

    def one(self, query, *values):
        return self.rows(query, *values)[0][0]


class Outcome:
    """How a run of the coordinator ended."""

    def __init__(self, code, out, err, run_dir, seconds):
        self.code, self.out, self.err, self.run_dir, self.seconds = code, out, err, run_dir, seconds

    @property
    def data(self):
        return json.loads(self.out)

    @property
    def units(self):
        return self.data["units"]

    @property
    def store(self):
        return Store(self.run_dir)

    def errors(self):
        """What LXD said, of every sample that did not go well."""
        return [e or "" for (e,) in self.store.rows("select error from sample where result <> 'ok'")]

    def __repr__(self):
        return f"exit {self.code} after {self.seconds:.1f} s\n{self.out}\n{self.err}"


class Coordinator:
    """One run of lxdsoak-coord, started; end() waits for it."""

    count = 0

    def __init__(self, directory, *arguments, journal=None, disk=None):
        Coordinator.count += 1
        self.run_dir = os.path.join(str(directory), f"run-{Coordinator.count}")
        if disk:
            self.run_dir = disk.directory
        words = [str(a) for a in arguments]
        if not words or words[0] not in ("cleanup", "evidence", "keygen", "resume", "status", "stop"):
            words += ["--run-dir", self.run_dir]
        self.out = os.path.join(str(directory), f"coord-{Coordinator.count}.out")
        self.err = os.path.join(str(directory), f"coord-{Coordinator.count}.err")
        self.begin = time.monotonic()
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [children.binary("coordinator/lxdsoak-coord"), *words], stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, cwd=str(directory), env=environment(directory),
                preexec_fn=children.preexec_of(journal, disk))

    def signal(self, number):
        self.process.send_signal(number)

    def said(self):
        """On stderr, so far."""
        with open(self.err, encoding="utf-8") as err:
            return err.read()

    def end(self, timeout=120):
        """Waits for its end; killed, and the test failed, when it takes longer than that."""
        try:
            code = self.process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            children.end(self.process, first=signal.SIGKILL)
            code = None
        with open(self.out, encoding="utf-8") as out:
            outcome = Outcome(code, out.read(), self.said(), self.run_dir, time.monotonic() - self.begin)
        assert code is not None, f"it hangs: {outcome.err}\n{outcome.out}"
        return outcome


class Host:
    """A fake LXD, an agent on it, and the coordinator's way to the two."""

    def __init__(self, lxd, agent):
        self.lxd, self.agent = lxd, agent
        self.directory = agent.directory

    def start(self, *arguments):
        """A soak in the background, with JSON on stdout."""
        return Coordinator(self.directory, "--hosts", self.agent.endpoint, "--json", *arguments)

    def soak(self, *arguments, timeout=120):
        run = self.start(*arguments)
        try:
            return run.end(timeout)
        finally:
            children.end(run.process, first=signal.SIGKILL)

    def cleanup(self, *arguments, timeout=120):
        run = Coordinator(self.directory, "cleanup", "--hosts", self.agent.endpoint, *arguments)
        try:
            return run.end(timeout)
        finally:
            children.end(run.process, first=signal.SIGKILL)

    def command(self, word, *arguments, timeout=60):
        """status, stop."""
        run = Coordinator(self.directory, word, "--hosts", self.agent.endpoint, *arguments)
        try:
            return run.end(timeout)
        finally:
            children.end(run.process, first=signal.SIGKILL)

    def evidence(self, *arguments, timeout=60):
        run = Coordinator(self.directory, "evidence", *arguments)
        try:
            return run.end(timeout)
        finally:
            children.end(run.process, first=signal.SIGKILL)

    def instances(self):
        return self.lxd.stats()["instances"]["names"]
