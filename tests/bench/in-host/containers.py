# SPDX-License-Identifier: LGPL-2.1-or-later
"""What containers a host has, by LXD's word and by the kernel's, and how to be rid of them."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

SOCKET = "/var/lib/lxd/unix.socket"
POOLS = pathlib.Path("/var/lib/lxd/storage-pools")
MONITOR = re.compile(rb"^\[lxc monitor\] /var/lib/lxd/containers (\S+)")


class UnixConnection(http.client.HTTPConnection):
    """http.client over a unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def ask(path):
    """GETs what LXD has at a path."""
    connection = UnixConnection("lxd", timeout=30)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())["metadata"]
    finally:
        connection.close()


def listed():
    """{name: status} of all instances LXD lists."""
    return {i["name"]: i["status"] for i in ask("/1.0/instances?recursion=1")}


def running():
    """Names of the instances LXD says are running."""
    return {name for name, status in listed().items() if status == "Running"}


def monitors():
    """{pid: name} of the processes that hold a container."""
    found = {}
    for cmdline in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            match = MONITOR.match(cmdline.read_bytes())
            if match:
                found[int(cmdline.parent.name)] = match[1].rstrip(b"\0").decode()
    return found


def on_host():
    """{kind: names} of what the kernel and the disk show of containers."""
    cgroups = pathlib.Path("/sys/fs/cgroup").glob("**/lxc.payload.*")
    volumes = POOLS.glob("*/containers/*")
    mounts = re.findall(r"/storage-pools/[^/ ]+/containers/([^/ ]+)",
                        pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    veths = [n for n in os.listdir("/sys/class/net") if n.startswith("veth")]
    return {"monitor": sorted(monitors().values()),
            "cgroup": sorted({c.name.removeprefix("lxc.payload.") for c in cgroups}),
            "volume": sorted(v.name for v in volumes), "mount": sorted(set(mounts)),
            "veth": sorted(veths)}


def left():
    """{kind: names} of all there is, empty kinds left out. LXD not answering is one of them."""
    found = on_host()
    try:
        found["instance"] = sorted(listed())
    except OSError as error:
        found["no answer of LXD"] = [str(error)]
    return {kind: names for kind, names in found.items() if names}


def left_behind(within_s=5):
    """What is left once the kernel has had some seconds to finish."""
    end = time.monotonic() + within_s
    while (found := left()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def count(found):
    """How many containers that is: one that shows in several places counts once."""
    named = {n for kind, names in found.items() if kind != "veth" for n in names}
    return max(len(named), len(found.get("veth", [])))


def try_delete(names):
    """Asks LXD to delete; never waits for ever."""
    for name in names:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["lxc", "delete", "--force", name], timeout=20, check=False,
                           stdin=subprocess.DEVNULL, capture_output=True)


def kill_monitors():
    """What holds a container that would not be deleted; with it goes the container."""
    for pid in monitors():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def remove_all():
    """Brings the host back to no container at all; restarts LXD if it must. True if it had to."""
    if not left():
        return False
    with contextlib.suppress(OSError):
        try_delete(listed())
    if not left_behind():
        return False
    subprocess.run(["systemctl", "kill", "--signal=SIGKILL", "lxd.service"], check=False)
    kill_monitors()
    subprocess.run(["systemctl", "restart", "lxd.service"], check=False, timeout=120)
    try_delete(listed())
    if still := left_behind(within_s=20):
        raise RuntimeError(f"the host could not be cleaned: {still}")
    return True
