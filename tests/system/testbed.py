# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts with an installed lxdsoak, as the system tests use them.

Everything here goes through `tests/system/hosts` and the programs' command
lines; what a host has left is looked up on the host, never asked of lxdsoak.
"""

import dataclasses
import json
import os
import pathlib
import sqlite3
import subprocess
import time

HERE = pathlib.Path(__file__).parent
HOSTS = HERE / "hosts"
UNIT = "lxdsoak-agent.service"

PASS, THRESHOLD, LEAK, WEDGE, INCONCLUSIVE, STOPPED = 0, 99, 98, 97, 96, 105
USAGE, UNAVAILABLE, INTERNAL = 64, 69, 70

# What is left of containers on a host: one line each. Everything an LXD
# container brings with it, looked for where the kernel and the disk show it.
LEFT_SCRIPT = r"""
for name in $(timeout 30 lxc list --format csv -c n); do echo "instance $name"; done
for pid in $(pgrep -f '^\[lxc monitor\]'); do echo "process $(tr '\0' ' ' </proc/$pid/cmdline)"; done
find /sys/fs/cgroup -depth -type d \( -name 'lxc.payload.*' -o -name 'lxc.monitor.*' \) -printf 'cgroup %f\n'
ip -br link | awk '/^(veth|phys)/ { print "veth " $1 }'
find /var/lib/lxd/storage-pools/*/containers -mindepth 1 -maxdepth 1 -printf 'volume %p\n'
find /var/lib/lxd/containers /var/lib/lxd/devices -mindepth 1 -maxdepth 1 -printf 'directory %p\n'
awk '$5 ~ "^/var/lib/lxd/(storage-pools/[^/]*/containers|containers|devices)/" { print "mount " $5 }' /proc/self/mountinfo
"""


@dataclasses.dataclass
class Outcome:
    """How a program ended."""

    code: int
    out: str
    err: str
    run_dir: pathlib.Path

    @property
    def data(self):
        """The object that --json prints."""
        return json.loads(self.out)

    @property
    def store(self):
        return Store(self.run_dir / "run.db")

    def each_once(self, total):
        """Whether every unit of the quota has one counted row."""
        return self.store.rows("select unit from unit order by unit") == [(n,) for n in range(1, total + 1)]

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Store:
    """A run's record, read as the documentation says a person can."""

    def __init__(self, path):
        assert path.exists(), f"no store was written at {path}"
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def rows(self, query, *values):
        return self.db.execute(query, values).fetchall()

    def one(self, query, *values):
        return self.rows(query, *values)[0][0]


class Running:
    """A coordinator that is still at it."""

    def __init__(self, process, run_dir):
        self.process = process
        self.run_dir = run_dir

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, timeout):
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"still running after {timeout} s more:\n{out}\n{err}") from None
        return Outcome(self.process.returncode, out, err, self.run_dir)


class Testbed:
    def __init__(self, state, names):
        self.state = pathlib.Path(state)
        self.names = names
        self.home = self.state / "outside" / "home"
        self.scratch = self.state / "outside" / "runs"
        self.n_runs = 0
        self.guard = None

    def hosts(self, command, *args, timeout=60, check=True):
        return subprocess.run([HOSTS, command, self.state, *args], text=True, timeout=timeout, check=check,
                              stdin=subprocess.DEVNULL, capture_output=True)

    def up(self, build):
        subprocess.run([HOSTS, "up", self.state, *self.names], check=True, timeout=900, stdin=subprocess.DEVNULL)
        # Nothing here has the last word when this process is killed.
        self.guard = subprocess.Popen([HOSTS, "guard", self.state, str(os.getpid())], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.scratch.mkdir()
        subprocess.run([HOSTS, "install", self.state, build], check=True, timeout=120, stdin=subprocess.DEVNULL)

    def down(self):
        subprocess.run([HOSTS, "down", self.state], check=True, timeout=120, stdin=subprocess.DEVNULL)

    # ---- in a host -------------------------------------------------------

    def run(self, host, *command, timeout=60):
        """Runs a command in a host; returns a CompletedProcess, whatever its exit code."""
        return subprocess.run([HOSTS, "run", self.state, host, "--", *command], text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def sh(self, host, script, timeout=60):
        """Runs a script that must succeed in a host; returns what it printed."""
        done = self.run(host, "bash", "-c", script, timeout=timeout)
        assert done.returncode == 0, f"in {host}: {script}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def address(self, host):
        return next(line.split()[0] for line in (self.state / "hosts").read_text().splitlines()
                    if line.split()[1] == host)

    def root(self, host):
        return self.state / host / "root"

    def left(self, host):
        return sorted(set(self.sh(host, LEFT_SCRIPT).splitlines()))

    def left_after(self, host, allowed=()):
        """What is left once the kernel has had time to finish."""
        end = time.monotonic() + 20
        while True:
            left = [line for line in self.left(host) if not any(a in line for a in allowed)]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.3)

    def instances(self, host):
        return self.sh(host, "timeout 30 lxc list --format csv -c n").split()

    def at_work(self, host="a", n=3):
        wait_until(lambda: len(self.instances(host)) >= n, 180, f"{n} instances in {host}")

    def await_agent(self, host):
        wait_until(lambda: self.unit_property(host, "ActiveState") == "active", 90, f"agent of {host}")

    def unit_property(self, host, name, unit=UNIT):
        return self.sh(host, f"systemctl show -P {name} {unit}").strip()

    def journal(self, host, since, unit=UNIT):
        self.sh(host, "journalctl --sync")
        lines = self.sh(host, f"journalctl -u {unit} -o json --no-pager --since '{since}'").splitlines()
        return [json.loads(line) for line in lines]

    def now(self, host):
        return self.sh(host, "date '+%F %T'").strip()

    # ---- the coordinator, from the third place ---------------------------

    @property
    def keys(self):
        """Where the third place has its own key, and those of the hosts."""
        return self.home / ".config/lxdsoak"

    def public_key(self, host):
        return (self.root(host) / "etc/lxdsoak/agent.pub").read_text().strip()

    def known_as(self, name):
        """A file of known agents in which `name` has host a's key too."""
        path = self.scratch / f"known-{name}"
        path.write_text((self.keys / "known_agents").read_text() + f"{name} {self.public_key('a')}\n")
        return path

    def next_run_dir(self):
        self.n_runs += 1
        return self.scratch / f"run-{self.n_runs}"

    def spawn(self, run_dir, *command, environment=None):
        """A command of `hosts` that is, in the end, a coordinator."""
        process = subprocess.Popen([HOSTS, *command], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, cwd=self.scratch, env={**os.environ, **(environment or {})})
        return Running(process, run_dir)

    def start(self, *args, environment=None):
        """Starts lxdsoak-coord; `--run-dir` is added to a run that has none."""
        args = [str(a) for a in args]
        if args[0] == "resume":
            run_dir = pathlib.Path(args[1])
        else:
            run_dir = self.next_run_dir()
            if args[0] not in ("cleanup", "keygen") and "--run-dir" not in args:
                args += ["--run-dir", str(run_dir)]
        return self.spawn(run_dir, "outside", self.state, "--", "lxdsoak-coord", *args, environment=environment)

    def given_up(self, after):
        """Clean stops that LXD gave up at once, in runs after that one.

        Now and then LXD 5.0 says at once that shutting a container down has failed, whatever time it was
        given: about one in a thousand. A unit fails then, as LXD says, and that is no fault of ours.
        """
        found = []
        for number in range(after + 1, self.n_runs + 1):
            path = self.scratch / f"run-{number}" / "run.db"
            if path.exists():  # else a command that keeps none
                found += Store(path).rows(
                    "select host, unit, duration_ns / 1e9 from sample where phase = 'stop' and result = 'fail' "
                    "and duration_ns < 4000000000 and error like '%shutting down the container failed%'")
        return found

    def coord(self, *args, timeout=120, environment=None):
        return self.start(*args, environment=environment).end(timeout)

    def soak(self, *args, timeout=180):
        """A run with --json whose object can be trusted to be there."""
        outcome = self.coord(*args, "--json", timeout=timeout)
        assert outcome.out.strip(), f"no summary was printed\n{outcome}"
        assert outcome.data["exit_code"] == outcome.code, outcome
        return outcome


def counted(run_dir):
    """How many units a run has so far."""
    try:
        return Store(run_dir / "run.db").one("select count(*) from unit")
    except (AssertionError, sqlite3.OperationalError):
        return 0  # not made yet


def wait_until(condition, within, what):
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"after {within} s still not: {what}"
        time.sleep(0.2)
