# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one ruler all sides are measured with: a control group of their own.

A group's cpu.stat has the CPU time of every process that ever was in it, so threads,
children and what was killed are counted alike, to the microsecond. Only processes in
a group made here are ever killed.
"""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import time

CGROUPS = pathlib.Path("/sys/fs/cgroup")


def cpu_seconds(group):
    """User and system time of a control group; 0 of one that is not there."""
    try:
        stat = (group / "cpu.stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return 0.0
    return int(dict(line.split() for line in stat.splitlines())["usage_usec"]) / 1e6


class Group:
    """A control group that does not outlive its `with`, nor do the processes in it."""

    def __init__(self, name):
        self.path = CGROUPS / f"lxdsoak-bench-{name}"

    def __enter__(self):
        self.path.mkdir()
        return self

    def __exit__(self, *_):
        self.kill()
        self.path.rmdir()

    def enter(self):
        """Puts the calling process in."""
        (self.path / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def commands(self):
        """The command lines of what runs in it."""
        lines = []
        for pid in (self.path / "cgroup.procs").read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):
                words = pathlib.Path("/proc", pid, "cmdline").read_bytes()
                lines.append(words.replace(b"\0", b" ").decode(errors="replace").strip())
        return lines

    def kill(self):
        """Ends all in it, and waits until that is so."""
        end = time.monotonic() + 20
        (self.path / "cgroup.kill").write_text("1", encoding="ascii")
        while "populated 1" in (self.path / "cgroup.events").read_text(encoding="ascii"):
            if time.monotonic() > end:
                raise RuntimeError(f"after 20 s there still are processes in {self.path}")
            time.sleep(0.02)


@dataclasses.dataclass
class Measured:
    """How a command ended, and what it took."""

    wall_s: float
    cpu_s: float
    code: int | None  # None: it did not end by itself within the limit
    killed: list  # command lines of what was still there in the end
    out: str
    err: str


def measure(name, command, limit_s, directory):
    """Runs a command in a group of its own, for `limit_s` at most."""
    out, err = directory / f"{name}.out", directory / f"{name}.err"
    with Group(name) as group, open(out, "wb") as out_file, open(err, "wb") as err_file:
        begin = time.monotonic()
        # pylint: disable-next=subprocess-popen-preexec-fn
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out_file,
                                   stderr=err_file, preexec_fn=group.enter, cwd=directory)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        wall_s = time.monotonic() - begin
        killed = group.commands()
        group.kill()
        process.wait()
        cpu_s = cpu_seconds(group.path)
    return Measured(wall_s, cpu_s, code, killed, out.read_text(errors="replace"),
                    err.read_text(errors="replace"))
