# SPDX-License-Identifier: LGPL-2.1-or-later
"""lxdsoak-agent as a service, and in the foreground without one."""

import re
import time

import pytest

from testbed import PASS, UNAVAILABLE, UNIT, USAGE, wait_until


def main_pid(bed, host="a"):
    return int(bed.unit_property(host, "MainPID"))


def test_runs_as_its_own_user_with_its_own_directories(bed):
    pid = main_pid(bed)
    assert bed.sh("a", f"ps -o user= -p {pid}").strip() == "lxdsoak"
    assert bed.sh("a", "stat -c '%U:%G' /var/lib/lxdsoak").strip() == "lxdsoak:lxdsoak"
    assert bed.sh("a", "stat -c '%a %U:%G' /run/lxdsoak/agent.sock").strip() == "660 lxdsoak:lxdsoak"
    assert bed.unit_property("a", "Slice") == "lxdsoak.slice"


def test_says_it_is_ready_and_what_it_does(bed):
    assert bed.unit_property("a", "Type") == "notify"
    assert bed.unit_property("a", "StatusText")
    assert bed.unit_property("a", "WatchdogUSec") not in ("0", "infinity")


def test_helper_is_only_a_socket_until_it_is_asked(bed):
    assert bed.unit_property("a", "ActiveState", "lxdsoak-helper.socket") == "active"
    assert bed.sh("a", "stat -c '%a %U:%G' /run/lxdsoak/helper.sock").strip() == "660 root:lxdsoak"


def confinement(bed, pid):
    """What the kernel says of a process."""
    lines = bed.sh("a", f"cat /proc/{pid}/status").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_agent_is_confined(bed):
    assert "OK" in bed.sh("a", f"systemd-analyze security --no-pager --threshold=20 {UNIT} | tail -n1")
    kernel = confinement(bed, main_pid(bed))
    assert {int(kernel[c], 16) for c in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}, kernel
    assert kernel["Uid"].split()[0] != "0" and kernel["NoNewPrivs"] == "1" and kernel["Seccomp"] == "2", kernel


def test_helper_has_what_its_verbs_need_and_no_more(bed):
    assert bed.coord("--hosts", "a", "--total", 1).code == PASS  # it was asked
    kernel = confinement(bed, bed.unit_property("a", "MainPID", "lxdsoak-helper.service"))
    # DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, KILL, NET_ADMIN, SYS_CHROOT, SYS_PTRACE, SYS_ADMIN, SYSLOG
    assert int(kernel["CapBnd"], 16) == sum(1 << n for n in (1, 2, 3, 5, 12, 18, 19, 21, 34)), kernel
    assert kernel["NoNewPrivs"] == "1" and kernel["Seccomp"] == "2", kernel


def test_stop_and_start(bed):
    bed.sh("a", f"systemctl stop {UNIT}")
    assert bed.unit_property("a", "ActiveState") == "inactive"
    assert bed.unit_property("a", "Result") == "success"
    bed.sh("a", f"systemctl start {UNIT}")
    assert bed.unit_property("a", "ActiveState") == "active"
    assert bed.coord("--hosts", "a", "--total", 1).code == PASS


def test_restart_is_a_new_process(bed):
    before = main_pid(bed)
    bed.sh("a", f"systemctl restart {UNIT}")
    assert main_pid(bed) != before


def test_reload_is_the_same_process_and_still_works(bed):
    before = main_pid(bed)
    bed.sh("a", f"systemctl reload {UNIT}")
    assert bed.unit_property("a", "ActiveState") == "active"
    assert main_pid(bed) == before
    assert bed.coord("--hosts", "a", "--total", 1).code == PASS


def await_another(bed, before):
    wait_until(lambda: main_pid(bed) not in (0, before), 70, "restarted by systemd")
    bed.await_agent("a")


def test_comes_back_when_killed(bed):
    before = main_pid(bed)
    bed.sh("a", f"kill -9 {before}")
    await_another(bed, before)


def test_comes_back_when_it_stands_still(bed):
    """Deaf to the watchdog's SIGABRT as well; systemd would wait as long for it as for a stop, 90 s."""
    drop_in = f"/run/systemd/system/{UNIT}.d"
    bed.sh("a", f"mkdir {drop_in}; printf '[Service]\\nWatchdogSec=2\\nRestartSec=1\\n' >{drop_in}/soon.conf; "
                f"systemctl daemon-reload; systemctl restart {UNIT}")
    try:
        since, before = bed.now("a"), main_pid(bed)
        bed.sh("a", f"kill -STOP {before}")
        await_another(bed, before)
        assert "watchdog" in bed.sh("a", f"journalctl --sync; journalctl -u {UNIT} -o cat --since '{since}'")
    finally:
        bed.sh("a", f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {UNIT}")


def test_journal_has_fields_a_program_can_read(bed):
    since = bed.now("a")
    outcome = bed.soak("--hosts", "a", "--total", 2)
    assert outcome.code == PASS, outcome
    run = outcome.data["run"]
    entries = [e for e in bed.journal("a", since) if e.get("LXDSOAK_RUN") == run]
    samples = [e for e in entries if "LXDSOAK_PHASE" in e]
    assert {"create", "start", "exec", "stop", "delete", "verify"} <= {e["LXDSOAK_PHASE"] for e in samples}
    for entry in samples:
        assert entry["LXDSOAK_RESULT"] == "ok"
        assert int(entry["LXDSOAK_DURATION_NS"]) > 0
        assert int(entry["LXDSOAK_UNIT"]) in (1, 2)
        assert entry["MESSAGE"] and entry["MESSAGE_ID"]
    explained = bed.sh("a", f"journalctl --catalog -u {UNIT} --no-pager MESSAGE_ID={samples[0]['MESSAGE_ID']} -n 1")
    assert "Subject:" in explained, "no catalog entry for a sample's MESSAGE_ID"


@pytest.mark.parametrize("line, named", [
    ("colour = red", "colour"),
    ("listen = tcp://nowhere", "listen"),
    ("listen", "listen"),
])
def test_bad_configuration_is_one_clear_line(bed, line, named):
    drop_in = bed.root("a") / "etc/lxdsoak/agent.conf.d/99-bad.conf"
    since = bed.now("a")
    drop_in.write_text(line + "\n")
    try:
        assert bed.run("a", "systemctl", "restart", UNIT).returncode != 0
        assert bed.unit_property("a", "ExecMainStatus") == str(USAGE)
        time.sleep(2)
        assert bed.unit_property("a", "ActiveState") == "failed", "it must not be restarted for ever"
        said = [e["MESSAGE"] for e in bed.journal("a", since) if e.get("_COMM", "").startswith("lxdsoak")]
        assert any("99-bad.conf" in m and named in m for m in said), said
    finally:
        drop_in.unlink()
        bed.sh("a", f"systemctl reset-failed {UNIT}; systemctl restart {UNIT}")


def foreground(bed, options, user="root", seconds=10):
    return bed.run("a", "bash", "-c", f"""
        mkdir -p /tmp/fg && chown {user} /tmp/fg
        timeout {seconds} setpriv --reuid={user} --clear-groups \
            lxdsoak-agent --state-dir /tmp/fg --listen ipc:///tmp/fg/sock {options}
        code=$?; rm -rf /tmp/fg; exit $code
    """)


def test_missing_lxd_socket_in_the_foreground(bed):
    done = foreground(bed, "--lxd-socket /nowhere/unix.socket")
    assert done.returncode == UNAVAILABLE, done
    assert "/nowhere/unix.socket" in done.stderr


def test_refused_lxd_socket_in_the_foreground(bed):
    done = foreground(bed, "--lxd-socket /var/lib/lxd/unix.socket", user="nobody")
    assert done.returncode == UNAVAILABLE, done
    assert re.search("permission|refused|group", done.stderr, re.I), done.stderr


def test_unknown_option_in_the_foreground(bed):
    done = foreground(bed, "--colour red")
    assert done.returncode == USAGE and "colour" in done.stderr, done


def test_foreground_without_systemd_does_the_work(bed):
    said = bed.sh("a", """
        mkdir -p /tmp/fg
        env -u NOTIFY_SOCKET -u JOURNAL_STREAM lxdsoak-agent --state-dir /tmp/fg --listen ipc:///tmp/fg/sock \
            2>/tmp/fg/log & pid=$!
        for i in $(seq 50); do [ -S /tmp/fg/sock ] && break; sleep 0.1; done
        lxdsoak-coord --hosts ipc:///tmp/fg/sock --total 2 --run-dir /tmp/fg/run; code=$?
        kill $pid; wait $pid; echo "agent $? coordinator $code"; cat /tmp/fg/log; rm -rf /tmp/fg
    """, timeout=60)
    assert "agent 0 coordinator 0" in said, said


def test_version_and_help(bed):
    for program in ("lxdsoak-agent", "lxdsoak-coord"):
        assert bed.sh("a", f"{program} --version").strip()
        text = bed.sh("a", f"{program} --help")
        assert "--listen" in text or "--total" in text
