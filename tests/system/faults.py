# SPDX-License-Identifier: LGPL-2.1-or-later
"""Faults done to a real LXD in a host: how each is provoked, what it is to be called, how it is undone.

A fault of an instance picks one that is running (never one in `spared`), and says which.
"""

import contextlib
import dataclasses
import pathlib
import time

POOL = "/var/lib/lxd/storage-pools/default/containers"
# While a container starts, what is to become its init is called as its monitor is, and has no child yet.
MONITORS = """for p in $(pgrep -f '^.lxc monitor. /var/lib/lxd/containers soak-'); do
    pgrep -P $p >/dev/null && echo $p; done"""
# What a soak runs in its containers, so that there is time to hit one, and for ever in one that is told to.
LINGER = "sh -c 'sleep 4; test ! -e /tmp/hang || { trap \"\" TERM; sleep 600; }'"
# The containers that are at it: up, and not on their way down yet.
IS_LINGERING = """[ -n "$(find %s -name cgroup.procs -exec cat {} + | sed 's,.*,/proc/&/cmdline,' |
    xargs -r grep -lsz '^sleep 4;')" ]"""
LINGERING = f"for c in /sys/fs/cgroup/lxc.payload.soak-*; do {IS_LINGERING % '$c'} && echo $c; done"
OF_LINGERING = "basename $1 | sed 's/^lxc.payload.//; s/-1$//'"
INIT_OF = "i=$(for m in $(pgrep -f \"^.lxc monitor. .* $n *\\$\"); do pgrep -P $m -x init; done)"

# Waits for something that fits, 30 s at most; `of` makes the instance's name of it. Prints both.
ONE_OF = """
spared=" {spared} "
instance_of() {{ {of} ; }}
free() {{ while read -r x; do n=$(instance_of "$x"); case $spared in *" $n "*) ;; *) [ -z "$n" ] || echo "$n $x";; esac; done; }}
while [ $SECONDS -lt 30 ]; do
    read -r n x < <({{ {find} ; }} 2>/dev/null | free | shuf -n 1) || :
    [ -n "${{x:-}}" ] && {{ {do} ; }} && echo "$n $x" && exit
    sleep .1
done
"""
OF_MONITOR = "tr '\\0' ' ' </proc/$1/cmdline 2>/dev/null | sed 's/ *$//; s/.* //'"


@dataclasses.dataclass
class Fault:
    wedge: str  # the class it is to be found as
    find: str = ""
    of: str = ""
    do: str = ""
    undo: str = ""  # of what has no rung that clears it; runs `after` seconds later
    after: float = 0

    def provoke(self, bed, host, spared=()):
        """Returns (instance, what was hit), or None when there was nothing to hit."""
        said = bed.sh(host, ONE_OF.format(find=self.find, of=self.of, do=self.do, spared=" ".join(spared)),
                      timeout=150)
        return tuple(said.strip().split(maxsplit=1)) if said.strip() else None

    def end(self, bed, host):
        if self.undo:
            bed.sh(host, self.undo)


INSTANCE_FAULTS = {
    "its monitor stops": Fault("monitor-stuck", MONITORS, OF_MONITOR, "kill -STOP $x"),
    "it is frozen behind LXD's back": Fault("instance-frozen", LINGERING, OF_LINGERING, "echo 1 >$x/cgroup.freeze"),
    "its init ignores SIGPWR": Fault("stop-ignored", LINGERING, OF_LINGERING, INIT_OF + "; kill -USR1 $i"),
    "a command in it ignores SIGTERM": Fault("exec-stuck", LINGERING, OF_LINGERING, f"touch {POOL}/$n/rootfs/tmp/hang; " + IS_LINGERING % "$x"),
    "a mount in it is held": Fault(
        "delete-busy", f"ls -d {POOL}/soak-*/rootfs/mnt", "set -- ${1%/rootfs*}; basename $1",
        "mount -t tmpfs none $x"),
    # in its PID name space and its cgroup, reading what never answers
    "a task in it cannot be killed": Fault(
        "task-unkillable", LINGERING, OF_LINGERING,
        INIT_OF + """
           [ -e /silent.pid ] || {
               mkdir -p /silent
               setsid /silent-fs /silent >/silent.number 2>&1 </dev/null & echo $! >/silent.pid
               for k in $(seq 50); do [ ! -s /silent.number ] || break; sleep .1; done
           }
           (echo $BASHPID >/sys/fs/cgroup/lxc.payload.$n/cgroup.procs && exec setsid nsenter -t $i -p cat /silent/silent
           ) >/dev/null 2>&1 </dev/null &
           for k in $(seq 20); do sleep .1; grep -qs '^cat' $(sed 's,.*,/proc/&/cmdline,' \
               /sys/fs/cgroup/lxc.payload.$n/cgroup.procs) && break; done""",
        # its server gone, the kernel gives up what it was asked
        """[ ! -e /silent.pid ] || kill $(cat /silent.pid) || :
           umount -l /silent 2>/dev/null || :
           rm -f /silent.pid /silent.number; rmdir /silent 2>/dev/null || :""", 30),
}


def put_silent_fs(bed, host, build):
    """The file system of `a task in it cannot be killed` goes into the host."""
    target = pathlib.Path(bed.root(host)) / "silent-fs"
    target.write_bytes((pathlib.Path(build) / "tests/system/silent-fs").read_bytes())
    target.chmod(0o755)


def daemon_pid(bed, host):
    return bed.sh(host, "systemctl start lxd; systemctl show -P MainPID lxd").strip()


def stop_daemon(bed, host, seconds=20):
    """SIGSTOP, and SIGCONT."""
    pid = daemon_pid(bed, host)
    bed.sh(host, f"kill -STOP {pid}")
    try:
        time.sleep(seconds)
    finally:
        bed.sh(host, f"kill -CONT {pid}")


def kill_daemon(bed, host):
    bed.sh(host, f"kill -9 {daemon_pid(bed, host)}")


def restart_daemon(bed, host):
    bed.sh(host, "systemctl restart lxd", timeout=200)


def stall_database(bed, host, seconds=20):
    """The database has a single connection: it counts until the time has come, on a fast machine and on a slow one.

    The clock is looked at anew for each row it hands out, if what is asked of the clock depends on the row.
    """
    later = "strftime('%s', 'now', (x * 0) || ' seconds')"
    bed.sh(host, f"""
        end=$(($(date +%s) + {seconds}))
        lxd sql global "SELECT x FROM (WITH RECURSIVE c(x) AS
            (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x % 100000 OR {later} < '$end')
            SELECT x FROM c WHERE x % 100000 = 0)" """, timeout=200)


@contextlib.contextmanager
def small_pool(bed, host, size):
    """A storage pool that can be filled, at /tiny, in the default profile."""
    bed.sh(host, f"""
        mkdir -p /tiny && mount -t tmpfs -o size={size} none /tiny
        lxc storage create tiny dir source=/tiny
        lxc profile device set default root pool=tiny""", timeout=60)
    try:
        yield
    finally:
        bed.sh(host, """
            timeout 30 lxc list --format csv -c n | xargs -r -n1 timeout 60 lxc delete --force
            lxc profile device set default root pool=default
            lxc image list -f csv -c f | while read -r f; do
                lxc query -X DELETE "/1.0/storage-pools/tiny/volumes/image/$f" || :; done
            lxc storage delete tiny && umount /tiny && rmdir /tiny""", timeout=120)


DAEMON_FAULTS = {
    "it stands still for 20 s": (stop_daemon, "daemon-hung"),
    "its database stands still": (stall_database, "database-stalled"),
    "it is killed": (kill_daemon, "daemon-down"),
    "it is restarted": (restart_daemon, "daemon-down"),
}
