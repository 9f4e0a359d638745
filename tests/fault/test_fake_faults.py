# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every fault of the fake LXD does what it says, where it says, and ends when it is taken away."""

import http.client
import json
import os
import socket
import subprocess
import time

import pytest

import children
from fake import FakeLxd, UnixConnection

IMAGE = {"type": "image", "alias": "soak"}


def elapsed(call):
    begin = time.monotonic()
    result = call()
    return time.monotonic() - begin, result


def test_every_fault_is_tested():
    text = subprocess.run([children.binary("tests/fake/lxdsoak-fake-lxd"), "--help"],
                          capture_output=True, text=True, timeout=10, check=True).stdout
    names = [line.split()[0] for line in text.split("Faults")[1].splitlines()[1:] if line.strip()]
    with open(__file__, encoding="utf-8") as source:
        tests = source.read()
    assert len(names) > 20
    assert [n for n in names if f'fault("{n}"' not in tests] == []


# Requests

def test_slow(lxd):
    lxd.fault("slow", request="server-get", ms=300)
    assert elapsed(lambda: lxd.get("/1.0"))[0] >= 0.3
    assert elapsed(lambda: lxd.get("/1.0/instances"))[0] < 0.25
    lxd.heal()
    assert elapsed(lambda: lxd.get("/1.0"))[0] < 0.25


def test_error(any_lxd):
    any_lxd.fault("error", request="instances-*", code=500, text="no such luck", count=1)
    answer = any_lxd.get("/1.0/instances")
    assert (answer.status, answer.json["error"]) == (500, "no such luck")
    assert any_lxd.get("/1.0/instances").status == 200


def test_silent(lxd):
    for effect in (False, True):
        lxd.fault("silent", request="instances-post", count=1, effect=effect)
        with pytest.raises(socket.timeout):
            lxd.api("POST", "/1.0/instances", {"name": f"c{effect}", "source": IMAGE}, timeout=0.3)
    assert lxd.get("/1.0/instances").metadata == ["/1.0/instances/cTrue"]
    time.sleep(0.1)
    assert lxd.stats()["connections"]["current"] == 0


@pytest.mark.parametrize("keys", [{}, {"bytes": 0}, {"bytes": 10}])
def test_close(lxd, keys):
    lxd.fault("close", request="instances-post", count=1, **keys)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        lxd.api("POST", "/1.0/instances", {"name": "c1", "source": IMAGE})
    assert lxd.get("/1.0/instances").metadata == ["/1.0/instances/c1"]
    lxd.fault("close", request="instances-post", count=1, effect=False, **keys)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        lxd.api("POST", "/1.0/instances", {"name": "c2", "source": IMAGE})
    assert lxd.get("/1.0/instances").metadata == ["/1.0/instances/c1"]


def test_malformed(any_lxd):
    any_lxd.fault("malformed", request="server-get", count=1)
    connection = UnixConnection(any_lxd.socket)
    for good in (False, True):  # the connection itself stays sound
        connection.request("GET", "/1.0")
        body = connection.getresponse().read()
        assert body
        if good:
            json.loads(body)
        else:
            with pytest.raises(ValueError):
                json.loads(body)
    connection.close()


def test_malformed_wait(any_lxd):
    any_lxd.latency(create="200ms")
    any_lxd.fault("malformed", request="operation-wait")
    url = any_lxd.start_operation("POST", "/1.0/instances", {"name": "c1", "source": IMAGE})
    assert any_lxd.get(url + "/wait?timeout=5").json is None


def test_giant(lxd):
    lxd.fault("giant", request="instances-get", bytes=20 << 20)
    answer = lxd.get("/1.0/instances")
    assert len(answer.body) > 20 << 20 and len(answer.metadata) == 20 << 20
    assert lxd.stats()["max_rss_kib"] < 20 << 10


def test_giant_cut_off_by_the_client(lxd):
    lxd.fault("giant", request="instances-get")
    connection = UnixConnection(lxd.socket)
    connection.request("GET", "/1.0/instances")
    connection.getresponse().read(1 << 20)
    connection.close()
    assert lxd.get("/1.0").status == 200


def test_trickle(lxd):
    lxd.fault("trickle", request="gc-get", ms=5, bytes=20, count=1)
    seconds, answer = elapsed(lambda: lxd.get("/internal/gc"))
    assert answer.json["type"] == "sync" and seconds > 0.04
    assert lxd.get("/internal/gc").status == 200


def test_shutting_down(any_lxd):
    any_lxd.running("c1")
    any_lxd.fault("shutting-down")
    answer = any_lxd.api("PUT", "/1.0/instances/c1/state", {"action": "stop"})
    assert answer.status == 503 and "is shutting down" in answer.json["error"]
    assert any_lxd.get("/1.0/instances/c1").status == 200


def test_db_stalled(lxd):
    lxd.fault("db-stalled", ms=400)
    seconds, answer = elapsed(lambda: lxd.get("/1.0/instances"))
    assert seconds >= 0.4 and answer.status == 500
    assert answer.json["error"] == "Failed to begin transaction: context deadline exceeded"
    for fast in ("/1.0", "/1.0/operations", "/1.0/resources"):
        seconds, answer = elapsed(lambda url=fast: lxd.get(url))
        assert seconds < 0.3 and answer.status == 200


# Operations

def test_op_slow(lxd):
    lxd.fault("op-slow", operation="create", ms=300)
    assert elapsed(lambda: lxd.create("c1"))[0] >= 0.3
    assert elapsed(lambda: lxd.set_state("c1", "start"))[0] < 0.25


def test_op_fail(lxd):
    lxd.fault("op-fail", operation="create", nth=2, text="it broke")
    assert lxd.create("c1")["status_code"] == 200
    assert lxd.create("c2")["err"] == "it broke"
    assert lxd.create("c3")["status_code"] == 200
    assert lxd.get("/1.0/instances").metadata == ["/1.0/instances/c1", "/1.0/instances/c3"]
    lxd.fault("op-fail", operation="start", effect=True)
    assert lxd.set_state("c1", "start")["status"] == "Failure"
    assert lxd.get("/1.0/instances/c1").metadata["status"] == "Running"


def test_op_stuck(lxd):
    lxd.create("c1")
    fault = lxd.fault("op-stuck", operation="start", instance="^c1$")
    url = lxd.start_operation("PUT", "/1.0/instances/c1/state", {"action": "start"})
    time.sleep(0.3)
    assert lxd.get(url).metadata["status"] == "Running"
    assert lxd.stats()["operations"]["in_flight"] == 1
    lxd.heal(fault)
    assert lxd.finish(url)["status_code"] == 200


def test_op_vanish(lxd):
    lxd.latency(create="200ms")
    lxd.fault("op-vanish", operation="create", count=1)
    url = lxd.start_operation("POST", "/1.0/instances", {"name": "c1", "source": IMAGE})
    answer = lxd.get(url + "/wait?timeout=10")
    assert answer.status == 404 and answer.json["error"] == "Operation not found"
    assert lxd.get(url).status == 404
    assert lxd.get("/1.0/instances/c1").status == 200
    lxd.fault("op-vanish", operation="create", count=1, effect=False)
    url = lxd.start_operation("POST", "/1.0/instances", {"name": "c2", "source": IMAGE})
    assert lxd.get(url + "/wait?timeout=10").status == 404
    assert lxd.get("/1.0/instances/c2").status == 404


def test_pool_full(any_lxd):
    any_lxd.fault("pool-full")
    assert "run out of disk space" in any_lxd.create("c1")["err"]
    assert any_lxd.get("/1.0/instances").metadata == []


def test_image_locked(lxd):
    lxd.running("c0")
    lxd.fault("image-locked")
    urls = [lxd.start_operation("POST", "/1.0/instances", {"name": f"c{i}", "source": IMAGE})
            for i in range(1, 4)]
    assert lxd.execute("c0", "true")["status_code"] == 200  # everything else goes on
    assert [lxd.get(u).metadata["status"] for u in urls] == ["Running"] * 3
    lxd.heal()
    assert [lxd.finish(u)["status"] for u in urls] == ["Success"] * 3


def test_busy_lock(lxd):
    lxd.create("c1")
    lxd.fault("busy-lock", instance="c1")
    assert lxd.set_state("c1", "start")["err"] == 'Instance is busy running a "stop" operation'
    assert "busy" in lxd.operate("DELETE", "/1.0/instances/c1")["err"]
    lxd.heal()
    assert lxd.operate("DELETE", "/1.0/instances/c1")["status_code"] == 200


def test_busy_mount(lxd):
    lxd.create("c1")
    lxd.fault("busy-mount")
    assert "device or resource busy" in lxd.operate("DELETE", "/1.0/instances/c1")["err"]
    assert lxd.get("/1.0/instances/c1").status == 200


def test_stop_ignored(lxd):
    lxd.running("c1")
    lxd.fault("stop-ignored")
    seconds, operation = elapsed(lambda: lxd.set_state("c1", "stop", timeout=1))
    assert seconds >= 1
    assert operation["err"].startswith('Failed shutting down instance, status is "Running"')
    # a forced stop takes over from a clean one that has no end
    url = lxd.start_operation("PUT", "/1.0/instances/c1/state", {"action": "stop", "timeout": -1})
    assert lxd.set_state("c1", "stop", force=True)["status_code"] == 200
    assert lxd.finish(url)["status"] == "Failure"


def test_forced_stop_beside_a_clean_one(lxd):
    """The clean one ends first; both end once, and the figures stay right."""
    lxd.running("c1")
    lxd.latency(stop="200ms")
    urls = [lxd.start_operation("PUT", "/1.0/instances/c1/state", {"action": "stop", "force": f})
            for f in (False, True)]
    for url in urls:
        lxd.finish(url)
    stats = lxd.stats()["operations"]
    assert stats["in_flight"] == 0 and stats["stop"]["started"] == 2
    assert stats["stop"]["success"] + stats["stop"]["failure"] == 2


def monitors():
    """The titles of processes that look like a container's monitor."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                title = f.read().rstrip(b"\0").decode(errors="replace")
        except OSError:
            continue
        if title.startswith("[lxc monitor] "):
            found.append(title)
    return found


def test_delete_lied(short_dir):
    title = "[lxc monitor] /var/lib/lxd/containers fake-lied-1"
    with FakeLxd(short_dir) as lxd:
        lxd.create("fake-lied-1")
        lxd.fault("delete-lied")
        assert lxd.operate("DELETE", "/1.0/instances/fake-lied-1")["status_code"] == 200
        assert lxd.get("/1.0/instances/fake-lied-1").status == 404
        time.sleep(0.2)
        assert title in monitors() and lxd.stats()["ghosts"] == ["fake-lied-1"]
        lxd.ask("DELETE", "ghosts")
        assert title not in monitors()
        lxd.create("fake-lied-1")
        lxd.operate("DELETE", "/1.0/instances/fake-lied-1")
        time.sleep(0.2)
        assert title in monitors()
    assert title not in monitors()


def test_delete_kept(lxd):
    lxd.create("c1")
    lxd.fault("delete-kept", count=1)
    assert lxd.operate("DELETE", "/1.0/instances/c1")["status_code"] == 200
    assert lxd.get("/1.0/instances/c1").status == 200
    assert lxd.operate("DELETE", "/1.0/instances/c1")["status_code"] == 200
    assert lxd.get("/1.0/instances/c1").status == 404


def test_leaks(lxd):
    lxd.fault("fd-leak", bytes=3)
    lxd.fault("goroutine-leak", bytes=100)
    before = len(os.listdir(f"/proc/{lxd.process.pid}/fd"))
    for i in range(5):
        lxd.create(f"c{i}")
        lxd.operate("DELETE", f"/1.0/instances/c{i}")
    assert len(os.listdir(f"/proc/{lxd.process.pid}/fd")) >= before + 14  # a connection less
    metrics = dict(line.split() for line in lxd.get("/1.0/metrics").body.decode().splitlines()
                   if not line.startswith("#"))
    assert float(metrics["lxd_go_goroutines"]) >= 540
    assert lxd.stats()["leaked_fds"] == 15


# Instances

def test_monitor_stuck(lxd):
    lxd.running("c1")
    lxd.running("c2")
    lxd.fault("monitor-stuck", instance="^c1$")
    assert elapsed(lambda: lxd.get("/1.0/instances/c2"))[0] < 0.5
    assert elapsed(lambda: lxd.get("/1.0/instances"))[0] < 0.5
    seconds, answer = elapsed(lambda: lxd.get("/1.0/instances/c1"))
    assert 4.9 < seconds < 6.5 and answer.metadata["status_code"] == 112
    seconds, answer = elapsed(lambda: lxd.get("/1.0/instances?recursion=1"))
    assert 4.9 < seconds < 6.5
    assert [i["status"] for i in answer.metadata] == ["Error", "Running"]
    for hanging in ("/1.0/instances/c1/state", "/1.0/instances?recursion=2"):
        with pytest.raises(socket.timeout):
            lxd.get(hanging, timeout=6)
    assert lxd.api("POST", "/1.0/instances/c1/exec", {"command": ["true"]}).status == 400
    assert lxd.set_state("c1", "stop", force=True)["err"] == "The instance is already stopped"
    seconds, operation = elapsed(lambda: lxd.operate("DELETE", "/1.0/instances/c1"))
    assert seconds > 4.5 and operation["status"] == "Success"
    assert lxd.stats()["ghosts"] == ["c1"]


def test_frozen(lxd):
    lxd.running("c1")
    lxd.fault("frozen", instance="^c1$")
    assert lxd.get("/1.0/instances/c1").metadata["status"] == "Running"
    url = lxd.start_operation("POST", "/1.0/instances/c1/exec", {"command": ["true"]})
    time.sleep(0.2)
    assert lxd.get(url).metadata["status"] == "Running"
    assert lxd.set_state("c1", "stop", timeout=1)["status"] == "Failure"
    assert lxd.set_state("c1", "stop", force=True)["status"] == "Success"
    assert lxd.finish(url)["metadata"]["return"] == 137
    lxd.heal()
    lxd.set_state("c1", "start")
    lxd.fault("frozen", instance="^c1$")
    url = lxd.start_operation("POST", "/1.0/instances/c1/exec", {"command": ["true"]})
    lxd.heal()
    assert lxd.finish(url)["metadata"]["return"] == 0


# The daemon

def test_restart(lxd):
    lxd.running("c0")
    lxd.latency(create="60s")
    url = lxd.start_operation("POST", "/1.0/instances", {"name": "c1", "source": IMAGE})
    connection = UnixConnection(lxd.socket)
    connection.request("GET", url + "/wait?timeout=30")
    pid = lxd.get("/1.0").metadata["environment"]["server_pid"]
    lxd.fault("restart", ms=400)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.getresponse()
    with pytest.raises(ConnectionRefusedError):
        lxd.get("/1.0")
    time.sleep(0.6)
    assert lxd.get("/1.0").metadata["environment"]["server_pid"] != pid
    assert lxd.get(url).status == 404
    # what was being created is there, cannot be started, and can be deleted
    lxd.latency(create="0ms")
    assert "lstat" in lxd.set_state("c1", "start")["err"]
    assert lxd.operate("DELETE", "/1.0/instances/c1")["status_code"] == 200
    assert lxd.get("/1.0/instances/c0").metadata["status"] == "Running"


def test_stopped(lxd):
    lxd.latency(create="200ms")
    url = lxd.start_operation("POST", "/1.0/instances", {"name": "c1", "source": IMAGE})
    fault = lxd.fault("stopped")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(0.5)
        s.connect(lxd.socket)  # by the kernel alone
        s.sendall(b"GET /1.0 HTTP/1.1\r\nHost: l\r\n\r\n")
        with pytest.raises(socket.timeout):
            s.recv(1)
        lxd.heal(fault)
        s.settimeout(10)
        assert s.recv(10) == b"HTTP/1.1 2"  # what was sent meanwhile is done
    assert lxd.finish(url)["status_code"] == 200


def test_stopped_for_a_while(lxd):
    lxd.fault("stopped", for_ms=500)
    seconds, answer = elapsed(lambda: lxd.get("/1.0"))
    assert 0.4 < seconds < 3 and answer.status == 200


@pytest.mark.parametrize("effect, error", [(False, ConnectionRefusedError),
                                           (True, FileNotFoundError)])
def test_gone(lxd, effect, error):
    lxd.create("c1")
    fault = lxd.fault("gone", effect=effect)
    with pytest.raises(error):
        lxd.get("/1.0")
    lxd.heal(fault)
    assert lxd.get("/1.0/instances").metadata == ["/1.0/instances/c1"]


# Scope

def test_after_count_and_instance(lxd):
    lxd.fault("op-fail", operation="create", instance="-b$", after=1, count=2, text="x")
    results = [lxd.create(f"n{i}-{k}")["status"] for i in range(4) for k in "ab"]
    assert results == ["Success", "Success", "Success", "Failure", "Success", "Failure", "Success",
                       "Success"]
    assert (lxd.faults()[0]["matched"], lxd.faults()[0]["hits"]) == (3, 2)


def test_probability(lxd):
    lxd.fault("error", request="gc-get", probability=0.5)
    failed = sum(lxd.get("/internal/gc").status == 500 for _ in range(200))
    assert 60 < failed < 140


def test_several_at_once(lxd):
    assert len(lxd.ask("PUT", "faults", [{"fault": "slow", "request": "server-get", "ms": 200},
                                         {"fault": "malformed", "request": "server-get"}])["ids"]) \
        == 2
    seconds, answer = elapsed(lambda: lxd.get("/1.0"))
    assert seconds >= 0.2 and answer.json is None


def test_fault_goes_by_itself(lxd):
    lxd.fault("error", for_ms=200)
    assert lxd.get("/1.0").status == 500
    time.sleep(0.4)
    assert lxd.get("/1.0").status == 200 and lxd.faults() == []


def test_wait_of_a_named_instance(lxd):
    lxd.fault("error", request="operation-*", instance="^c2$")
    for name, status in (("c1", 200), ("c2", 500)):
        url = lxd.start_operation("POST", "/1.0/instances", {"name": name, "source": IMAGE})
        assert lxd.get(url).status == status


def test_stop_with_everything_in_flight(short_dir):
    lxd = FakeLxd(short_dir)
    lxd.running("c1")
    lxd.fault("op-stuck", operation="exec")
    lxd.fault("silent", request="server-get")
    lxd.fault("slow", request="metrics-get", ms=60000)
    url = lxd.start_operation("POST", "/1.0/instances/c1/exec", {"command": ["true"]})
    connections = []
    for target in (url + "/wait?timeout=-1", "/1.0", "/1.0/metrics"):
        connections.append(UnixConnection(lxd.socket))
        connections[-1].request("GET", target)
    time.sleep(0.2)
    assert lxd.stop() == 0
    with open(lxd.log, encoding="utf-8") as log:
        assert log.read() == ""
    for connection in connections:
        connection.close()
