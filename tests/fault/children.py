# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the binaries are, and child processes that are ended by pid, whatever happens."""

import ctypes
import errno
import os
import shutil
import signal
import subprocess

PR_SET_PDEATHSIG = 1
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
libc = ctypes.CDLL(None, use_errno=True)


def build_dir():
    """The build directory: LXDSOAK_BUILD, or ./build beside the sources."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get("LXDSOAK_BUILD") or os.path.join(here, "..", "..", "build")


def binary(path):
    """The built program at `path` below the build directory."""
    found = os.path.join(build_dir(), path)
    if not os.access(found, os.X_OK):
        raise FileNotFoundError(f"{found}: build it first, or set LXDSOAK_BUILD")
    return os.path.abspath(found)


def die_with_parent():
    """For preexec_fn: killed when the tests themselves are, whatever they are killed by."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def preexec_of(*places):
    """That of the first place that is one, for a child to be started in."""
    return next((place.preexec for place in places if place), die_with_parent)


class SmallDisk:
    """A directory that is a small file system for children started with its preexec, and an empty directory for
    everybody else: a process keeps the name space in which it is mounted, and it is gone with that process."""

    FILLER = "filler"

    def __init__(self, directory, kib):
        self.directory = str(directory)
        os.makedirs(self.directory, exist_ok=True)
        self.data = f"size={kib}k,mode=0755".encode()
        self.keeper = subprocess.Popen(["sleep", "3600"], preexec_fn=self._mount)

    def _mount(self):
        die_with_parent()
        if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) or \
           libc.mount(b"none", self.directory.encode(), b"tmpfs", 0, self.data):
            raise OSError(ctypes.get_errno(), "a small file system")

    def preexec(self):
        die_with_parent()
        here = os.getcwd()
        with open(f"/proc/{self.keeper.pid}/ns/mnt", "rb") as space:
            if libc.setns(space.fileno(), CLONE_NEWNS):
                raise OSError(ctypes.get_errno(), "the name space of a small file system")
        os.chdir(here)

    def stop(self):
        end(self.keeper)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def path(self, *names):
        """As others get there."""
        return os.path.join(f"/proc/{self.keeper.pid}/root", self.directory.lstrip("/"), *names)

    def copy(self, to):
        """What is in it now; of a database that is being written, maybe a torn one."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.path(), to, ignore=shutil.ignore_patterns(self.FILLER))
        return to

    def fill(self):
        with open(self.path(self.FILLER), "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError as e:
                assert e.errno == errno.ENOSPC, e

    def free(self):
        os.unlink(self.path(self.FILLER))


def end(process, timeout=10, first=signal.SIGTERM):
    """Ends a child: asked once, then killed. Returns its exit status."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
    return process.returncode
