# SPDX-License-Identifier: LGPL-2.1-or-later
"""A journal for programs under test: takes what sd_journal_send() sends, and writes it as
`journalctl -o export` would.

Programs see its socket where systemd's is, in a mount namespace of their own; children that are
started with preexec() are put there."""

import array
import ctypes
import os
import socket
import subprocess
import threading
import time

import children

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
REMOTE = "/lib/systemd/systemd-journal-remote"
BOOT_ID = "0123456789abcdef0123456789abcdef"


def mount(what, where, kind=None, flags=0):
    arguments = [a.encode() if a else None for a in (what, where, kind)]
    if children.libc.mount(*arguments, ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {what} on {where}")


def possible():
    """Is this user allowed to make mount namespaces?"""
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


class Journal:
    """The journal of one host. A context manager."""

    def __init__(self, directory, hostname):
        self.hostname = hostname
        self.directory = os.path.join(str(directory), f"{hostname}-journald")
        os.mkdir(self.directory)
        self.export = os.path.join(str(directory), f"{hostname}.export")
        self.drop = lambda payload: False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(os.path.join(self.directory, "socket"))
        self.entries = 0
        self.out = open(self.export, "wb")
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.thread.is_alive():
            sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            sender.sendto(b"", os.path.join(self.directory, "socket"))  # behind all that was sent
            sender.close()
            self.thread.join()
            self.socket.close()
            self.out.close()

    def receive(self):
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(16))
            for _, kind, fds in ancillary:  # what is too large comes as a file
                if kind == socket.SCM_RIGHTS:
                    fd = array.array("i", fds[:4])[0]
                    with os.fdopen(fd, "rb") as file:
                        file.seek(0)
                        data = file.read()
            if not data:
                return
            if self.drop(data):
                continue
            self.entries += 1
            now, monotonic = time.time_ns() // 1000, time.monotonic_ns() // 1000
            head = (f"__REALTIME_TIMESTAMP={now}\n__MONOTONIC_TIMESTAMP={monotonic}\n"
                    f"_BOOT_ID={BOOT_ID}\n_HOSTNAME={self.hostname}\n")
            self.out.write(head.encode() + data + b"\n")
            self.out.flush()

    def said(self):
        with open(self.export, encoding="utf-8", errors="replace") as export:
            return export.read()

    def preexec(self):
        """For Popen: in the child, systemd's journal is this one."""
        children.die_with_parent()
        if children.libc.unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        mount("tmpfs", "/run", "tmpfs")
        os.makedirs("/run/systemd/journal")
        mount(self.directory, "/run/systemd/journal", None, MS_BIND)

    def as_file(self, path):
        """Its entries as a journal file, made by systemd's own tool."""
        subprocess.run([REMOTE, "--output", path, self.export], check=True, capture_output=True)
        return path


def stream_of(file):
    """What systemd tells a service whose stderr is the journal's."""
    status = os.fstat(file.fileno())
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
