# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the binaries are, and child processes that are ended by pid, whatever happens."""

import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
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
