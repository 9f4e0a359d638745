# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake LXD against what is known of the real ones: the API in each dialect."""

import http.client
import os
import signal
import socket
import subprocess
import time

import pytest

import children
from fake import DIALECTS, FakeLxd, UnixConnection, request

ERROR_WAIT = ("lxd-5.21",)       # a failed or late wait answers an error
EXEC_OUTPUT = ("lxd-5.21", "incus-6.12")


def test_server(any_lxd):
    answer = any_lxd.get("/1.0")
    assert answer.status == 200 and answer.json["type"] == "sync"
    environment = answer.metadata["environment"]
    version = {"lxd-5.0.2": ("lxd", "5.0.2"), "lxd-5.21": ("lxd", "5.21.4"),
               "incus-6.12": ("incus", "6.12")}[any_lxd.dialect]
    assert (environment["server"], environment["server_version"]) == version
    assert environment["server_pid"] == any_lxd.process.pid
    extensions = answer.metadata["api_extensions"]
    assert "container_exec_recording" in extensions and "operation_wait" in extensions
    assert ("instance_create_start" in extensions) == (any_lxd.dialect != "lxd-5.0.2")
    assert ("instance_force_delete" in extensions) == (any_lxd.dialect == "incus-6.12")


def test_life_of_an_instance(any_lxd):
    operation = any_lxd.create("c1", {"user.lxdsoak.run": "r1"})
    assert operation["status"] == "Success" and operation["err"] == ""
    assert operation["resources"]["instances"] == ["/1.0/instances/c1"]
    assert operation["updated_at"] == operation["created_at"]
    instance = any_lxd.get("/1.0/instances/c1").metadata
    assert (instance["status"], instance["status_code"]) == ("Stopped", 102)
    assert instance["config"]["user.lxdsoak.run"] == "r1"
    assert instance["expanded_config"]["volatile.base_image"]
    assert instance["expanded_devices"]["root"]["pool"] == "default"
    assert "volatile.eth0.host_name" not in instance["config"]
    assert any_lxd.set_state("c1", "start")["status_code"] == 200
    instance = any_lxd.get("/1.0/instances/c1").metadata
    assert instance["status"] == "Running"
    assert instance["config"]["volatile.eth0.host_name"].startswith("veth")
    assert instance["config"]["volatile.last_state.power"] == "RUNNING"
    state = any_lxd.get("/1.0/instances/c1/state").metadata
    assert state["pid"] > 4194304 and state["status"] == "Running"
    assert any_lxd.get("/1.0/instances").metadata == ["/1.0/instances/c1"]
    assert any_lxd.get("/1.0/instances?recursion=1").metadata[0]["name"] == "c1"
    assert any_lxd.get("/1.0/instances?recursion=2").metadata[0]["state"]["pid"] == state["pid"]
    assert any_lxd.set_state("c1", "stop", timeout=10)["status_code"] == 200
    assert any_lxd.get("/1.0/instances/c1").metadata["status"] == "Stopped"
    assert any_lxd.operate("DELETE", "/1.0/instances/c1")["status_code"] == 200
    assert any_lxd.get("/1.0/instances/c1").status == 404
    assert any_lxd.get("/1.0/instances").metadata == []


def test_async_shape(any_lxd):
    answer = any_lxd.api("POST", "/1.0/instances",
                         {"name": "c1", "source": {"type": "image", "alias": "soak"}})
    assert answer.status == 202
    assert answer.headers["Location"] == answer.json["operation"]
    assert (answer.json["type"], answer.json["status_code"]) == ("async", 100)
    assert answer.metadata["status_code"] == 103 and answer.metadata["class"] == "task"


def test_exec(any_lxd):
    any_lxd.running("c1")
    operation = any_lxd.execute("c1", "cat", "/etc/issue")
    assert operation["status_code"] == 200 and operation["metadata"]["return"] == 0
    url = operation["metadata"]["output"]["1"]
    directory = "logs/exec-output/" if any_lxd.dialect in EXEC_OUTPUT else "logs/"
    assert url.startswith("/1.0/instances/c1/" + directory + "exec_")
    assert any_lxd.get(url).body == b"lxdsoak fake container\n"
    assert url in any_lxd.get("/1.0/instances/c1/logs").metadata
    for stream in ("1", "2"):
        assert any_lxd.api("DELETE", operation["metadata"]["output"][stream]).status == 200
    assert any_lxd.get(url).status == 404
    assert b"load average" in any_lxd.get(
        any_lxd.execute("c1", "uptime")["metadata"]["output"]["1"]).body


@pytest.mark.parametrize("command, code", [(("true",), 0), (("false",), 1), (("exit", "7"), 7),
                                           (("sh", "-c", "exit 3"), 3), (("/bin/true",), 0)])
def test_exec_return(lxd, command, code):
    lxd.running("c1")
    operation = lxd.execute("c1", *command)
    assert operation["status"] == "Success" and operation["metadata"]["return"] == code


def test_exec_missing_command(any_lxd):
    any_lxd.running("c1")
    operation = any_lxd.execute("c1", "no-such-command")
    assert operation["status"] == "Failure" and operation["metadata"]["return"] == 127
    assert operation["err"] == "Command not found"


def test_exec_sleep_takes_its_time(lxd):
    lxd.running("c1")
    begin = time.monotonic()
    lxd.execute("c1", "sleep", "0.3")
    assert time.monotonic() - begin >= 0.3


def test_exec_ends_with_its_instance(lxd):
    lxd.running("c1")
    url = lxd.start_operation("POST", "/1.0/instances/c1/exec",
                              {"command": ["sleep", "60"], "record-output": True})
    assert lxd.set_state("c1", "stop", force=True)["status_code"] == 200
    operation = lxd.finish(url)
    assert operation["status"] == "Success" and operation["metadata"]["return"] == 137


def test_errors_at_once(any_lxd):
    short = {"type", "error", "error_code"}
    answer = any_lxd.api("POST", "/1.0/instances",
                         {"name": "c1", "source": {"type": "image", "alias": "nothing"}})
    assert answer.status == 404 and answer.json["error_code"] == 404
    assert (set(answer.json) == short) == (any_lxd.dialect == "lxd-5.0.2")
    any_lxd.create("c1")
    answer = any_lxd.api("POST", "/1.0/instances/c1/exec", {"command": ["true"]})
    assert answer.status == 400 and answer.json["error"] == "Instance is not running"
    any_lxd.set_state("c1", "start")
    answer = any_lxd.api("DELETE", "/1.0/instances/c1")
    assert answer.status == 400 and answer.json["error"] == "Instance is running"
    assert any_lxd.get("/1.0/operations/00000000-0000-4000-8000-000000000000").json["error"] == \
        "Operation not found"
    assert any_lxd.get("/1.0/nothing").status == 404
    assert any_lxd.get("/1.0/instances?project=nothing").status == 404
    assert any_lxd.get("/1.0/events").status == 400
    assert any_lxd.api("POST", "/1.0/instances", {"name": "-x"}).status == 400


def test_errors_of_operations(any_lxd):
    any_lxd.running("c1")
    taken = any_lxd.create("c1")
    assert taken["status"] == "Failure" and "already exists" in taken["err"]
    assert any_lxd.get("/1.0/instances/c1").metadata["status"] == "Running"
    assert "already running" in any_lxd.set_state("c1", "start")["err"]
    assert any_lxd.set_state("c1", "stop", force=True)["status_code"] == 200
    assert "already stopped" in any_lxd.set_state("c1", "stop")["err"]


def test_operation_cannot_be_cancelled(lxd):
    lxd.latency(create="500ms")
    url = lxd.start_operation("POST", "/1.0/instances",
                              {"name": "c1", "source": {"type": "image", "alias": "soak"}})
    answer = lxd.api("DELETE", url)
    assert answer.status == 400 and answer.json["error"] == "This operation can't be cancelled"


def test_busy_instance(lxd):
    lxd.create("c1")
    lxd.latency(start="300ms")
    url = lxd.start_operation("PUT", "/1.0/instances/c1/state", {"action": "start"})
    assert lxd.set_state("c1", "stop", force=True)["err"] == \
        'Instance is busy running a "start" operation'
    assert lxd.api("PATCH", "/1.0/instances/c1", {"config": {}}).status == 500
    assert lxd.finish(url)["status_code"] == 200


def test_wait_timeout(any_lxd):
    any_lxd.latency(create="3s")
    url = any_lxd.start_operation("POST", "/1.0/instances",
                                  {"name": "c1", "source": {"type": "image", "alias": "soak"}})
    begin = time.monotonic()
    answer = any_lxd.get(url + "/wait?timeout=1")
    assert 0.9 < time.monotonic() - begin < 2.5 and answer.status == 200
    if any_lxd.dialect in ERROR_WAIT:
        assert answer.json["type"] == "error"
        assert answer.json["error"] == "context deadline exceeded"
    else:
        assert answer.json["type"] == "sync" and answer.metadata["status_code"] == 103


def test_wait_end(any_lxd):
    any_lxd.latency(create="300ms")
    url = any_lxd.start_operation("POST", "/1.0/instances",
                                  {"name": "c1", "source": {"type": "image", "alias": "soak"}})
    answer = any_lxd.get(url + "/wait?timeout=10")
    assert answer.status == 200 and answer.metadata["status_code"] == 200


def test_wait_failure(any_lxd):
    any_lxd.running("c1")
    any_lxd.fault("op-fail", operation="stop", text="forkstop: exit status 1")
    any_lxd.latency(stop="200ms")
    url = any_lxd.start_operation("PUT", "/1.0/instances/c1/state", {"action": "stop"})
    answer = any_lxd.get(url + "/wait?timeout=10")
    assert answer.status == 200
    if any_lxd.dialect in ERROR_WAIT:
        assert answer.json["type"] == "error" and answer.json["metadata"] is None
        assert answer.json["error"] == "forkstop: exit status 1"
    else:
        assert answer.metadata["status_code"] == 400
        assert answer.metadata["err"] == "forkstop: exit status 1"
    # the operation itself is whole in every dialect
    assert any_lxd.get(url).metadata["err"] == "forkstop: exit status 1"


def test_wait_head(any_lxd):
    any_lxd.latency(create="800ms")
    url = any_lxd.start_operation("POST", "/1.0/instances",
                                  {"name": "c1", "source": {"type": "image", "alias": "soak"}})
    connection = UnixConnection(any_lxd.socket)
    connection.request("GET", url + "/wait?timeout=10")
    begin = time.monotonic()
    response = connection.getresponse()
    early = time.monotonic() - begin < 0.4
    assert early == (any_lxd.dialect != "lxd-5.0.2")
    assert b'"Success"' in response.read()
    # and the connection can be used again
    connection.request("GET", "/1.0")
    assert connection.getresponse().status == 200
    connection.close()


def test_operations_list_and_retention(short_dir):
    with FakeLxd(short_dir, "--retention", "500ms") as lxd:
        lxd.create("c1")
        lxd.latency(start="5s")
        lxd.start_operation("PUT", "/1.0/instances/c1/state", {"action": "start"})
        shown = lxd.get("/1.0/operations?recursion=1").metadata
        assert [o["description"] for o in shown["success"]] == ["Creating instance"]
        assert [o["description"] for o in shown["running"]] == ["Starting instance"]
        url = "/1.0/operations/" + shown["success"][0]["id"]
        assert lxd.get("/1.0/operations").metadata["success"] == [url]
        time.sleep(0.8)
        assert lxd.get(url).status == 404
        assert "success" not in lxd.get("/1.0/operations").metadata


def test_operations_are_kept_five_seconds(lxd):
    lxd.create("c1")
    url = lxd.get("/1.0/operations").metadata["success"][0]
    time.sleep(4)
    assert lxd.get(url).status == 200
    time.sleep(1.5)
    assert lxd.get(url).status == 404


def test_projects(short_dir):
    with FakeLxd(short_dir, "--project", "p") as lxd:
        assert lxd.operate("POST", "/1.0/instances?project=p", {
            "name": "c1", "source": {"type": "image", "alias": "soak"}})["status_code"] == 200
        assert lxd.get("/1.0/instances").metadata == []
        assert lxd.get("/1.0/instances?project=p").metadata == ["/1.0/instances/c1?project=p"]
        assert lxd.get("/1.0/operations").metadata == {}
        assert len(lxd.get("/1.0/operations?all-projects=true").metadata["success"]) == 1


def test_copy(short_dir):
    with FakeLxd(short_dir, "--template", "t") as lxd:
        body = {"name": "c1", "source": {"type": "copy", "source": "t", "instance_only": True}}
        answer = lxd.api("POST", "/1.0/instances", body)
        assert answer.json["error"] == "No root device could be found"
        body["profiles"] = ["default"]
        assert lxd.operate("POST", "/1.0/instances", body)["status_code"] == 200
        body["source"]["source"] = "nothing"
        assert lxd.api("POST", "/1.0/instances", body).status == 404


def test_create_start(any_lxd):
    any_lxd.create("c1", start=True)
    status = any_lxd.get("/1.0/instances/c1").metadata["status"]
    assert status == ("Stopped" if any_lxd.dialect == "lxd-5.0.2" else "Running")


def test_force_delete(any_lxd):
    any_lxd.running("c1")
    answer = any_lxd.api("DELETE", "/1.0/instances/c1?force=1")
    assert answer.status == (202 if any_lxd.dialect == "incus-6.12" else 400)


def test_image_lock(any_lxd):
    any_lxd.latency(create="200ms")
    urls = [any_lxd.start_operation("POST", "/1.0/instances", {
        "name": f"c{i}", "source": {"type": "image", "alias": "soak"}}) for i in range(5)]
    begin = time.monotonic()
    for url in urls:
        assert any_lxd.finish(url)["status_code"] == 200
    took = time.monotonic() - begin
    assert took > 0.8 if any_lxd.dialect != "lxd-5.0.2" else took < 0.8


def test_configuration(lxd):
    lxd.create("c1", {"user.a": "1"})
    assert lxd.api("PATCH", "/1.0/instances/c1", {"config": {"user.b": "2"}}).status == 200
    answer = lxd.get("/1.0/instances/c1")
    assert answer.metadata["config"]["user.a"] == "1" and answer.metadata["config"]["user.b"] == "2"
    assert lxd.api("PUT", "/1.0/instances/c1", {"config": {}},
                   headers={"If-Match": '"nothing"'}).status == 412
    assert lxd.api("PUT", "/1.0/instances/c1", {"config": {"user.c": "3"}},
                   headers={"If-Match": answer.headers["ETag"]}).status == 202
    config = lxd.get("/1.0/instances/c1").metadata["config"]
    assert "user.a" not in config and config["user.c"] == "3" and "volatile.uuid" in config


def test_what_instances_are_made_of(any_lxd):
    alias = any_lxd.get("/1.0/images/aliases/soak").metadata
    assert any_lxd.get("/1.0/images/" + alias["target"][:12]).metadata["aliases"][0]["name"] == \
        "soak"
    assert any_lxd.get("/1.0/images/aliases/nothing").status == 404
    assert any_lxd.operate("POST", "/1.0/instances", {
        "name": "c1", "source": {"type": "image", "fingerprint": alias["target"][:12]},
    })["status_code"] == 200
    assert "root" in any_lxd.get("/1.0/profiles/default").metadata["devices"]
    assert any_lxd.get("/1.0/storage-pools").metadata == ["/1.0/storage-pools/default"]
    assert any_lxd.get("/1.0/storage-pools/default/resources").metadata["space"]["total"] > 0
    assert any_lxd.get("/1.0/storage-pools/default/volumes/container").metadata == \
        ["/1.0/storage-pools/default/volumes/container/c1"]
    assert any_lxd.get("/1.0/storage-pools/default/volumes/container/c1").status == 200
    assert any_lxd.get("/1.0/warnings?recursion=1").metadata == []
    assert any_lxd.get("/1.0/networks").status == 200
    prefix = "incus" if any_lxd.dialect == "incus-6.12" else "lxd"
    assert f"\n{prefix}_go_goroutines " in any_lxd.get("/1.0/metrics").body.decode()
    collect = "/internal/debug/gc" if prefix == "incus" else "/internal/gc"
    assert any_lxd.get(collect).status == 200


def test_testing_wait(any_lxd):
    answer = any_lxd.api("POST", "/internal/testing/operation-wait", {"duration": "0.2s"})
    assert answer.status == (202 if any_lxd.dialect == "lxd-5.21" else 404)


def test_large_answers_are_chunked(lxd):
    for i in range(10):
        lxd.create(f"c{i}")
    answer = lxd.get("/1.0/instances?recursion=1")
    assert answer.headers["Transfer-Encoding"] == "chunked" and len(answer.metadata) == 10


def test_keep_alive_and_pipelining(lxd):
    connection = UnixConnection(lxd.socket)
    for _ in range(20):
        connection.request("GET", "/1.0")
        assert connection.getresponse().read()
    connection.close()
    assert lxd.stats()["connections"]["opened"] == 1
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(lxd.socket)
        s.sendall(b"GET /1.0/instances HTTP/1.1\r\nHost: l\r\n\r\n" * 2 +
                  b"GET /1.0/instances HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n")
        data = b""
        while chunk := s.recv(65536):
            data += chunk
    assert data.count(b"HTTP/1.1 200 OK") == 3


def test_request_body_forms(lxd):
    connection = UnixConnection(lxd.socket)
    body = b'{"name":"c1","source":{"type":"image","alias":"soak"}}'
    connection.request("POST", "/1.0/instances", body=iter([body[:9], body[9:]]),
                       encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 202
    connection.close()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(lxd.socket)
        s.sendall(b"PATCH /1.0/instances/c1 HTTP/1.1\r\nHost: l\r\nExpect: 100-continue\r\n"
                  b"Content-Length: 13\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 100 Continue")
        s.sendall(b'{"config":{}}')
        assert s.recv(1000).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("raw, status", [
    (b"nonsense\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
    (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n\r\n", 413),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * 20000, 413),
    (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
])
def test_bad_requests_are_refused(lxd, raw, status):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(lxd.socket)
        s.sendall(raw)
        assert s.recv(1000).startswith(b"HTTP/1.1 %d" % status)
    assert lxd.get("/1.0").status == 200


def test_limits(short_dir):
    with FakeLxd(short_dir, "--max-instances", "2", "--max-connections", "3") as lxd:
        assert lxd.create("c1")["status_code"] == lxd.create("c2")["status_code"] == 200
        assert "Too many" in lxd.create("c3")["err"]
        connections = [UnixConnection(lxd.socket) for _ in range(3)]
        for connection in connections:
            connection.connect()
        with pytest.raises((OSError, http.client.HTTPException)):
            lxd.get("/1.0")
        for connection in connections:
            connection.close()


def test_latency_distributions(short_dir):
    with FakeLxd(short_dir, "--latency", "exec=lognormal:2ms:0.5", "--seed", "5") as lxd:
        lxd.running("c1")
        assert lxd.execute("c1", "true")["status_code"] == 200
        lxd.latency(api="uniform:100ms:120ms")
        begin = time.monotonic()
        lxd.get("/1.0")
        assert 0.1 <= time.monotonic() - begin < 1
        with pytest.raises(ValueError):
            lxd.latency(api="fast")


def test_stops_cleanly(short_dir):
    lxd = FakeLxd(short_dir)
    lxd.running("c1")
    assert lxd.stop() == 0
    assert not os.path.exists(lxd.socket) and not os.path.exists(lxd.control)


def test_takes_over_a_dead_socket_only(short_dir):
    lxd = FakeLxd(short_dir)
    with pytest.raises(RuntimeError, match="in use"):
        FakeLxd(short_dir)
    assert lxd.get("/1.0").status == 200
    lxd.process.send_signal(signal.SIGKILL)
    lxd.stop()
    assert os.path.exists(lxd.socket)
    with FakeLxd(short_dir) as again:
        assert again.get("/1.0").status == 200


@pytest.mark.parametrize("arguments", [[], ["--socket"], ["--socket", "s", "--dialect", "x"],
                                       ["--socket", "s", "--latency", "create=fast"],
                                       ["--socket", "s", "--seed", "-1"], ["--nothing"],
                                       ["--socket", "s", "extra"]])
def test_usage(arguments):
    program = children.binary("tests/fake/lxdsoak-fake-lxd")
    done = subprocess.run([program, *arguments], capture_output=True, timeout=10, check=False)
    assert done.returncode == 64 and done.stderr


def test_help_lists_everything():
    program = children.binary("tests/fake/lxdsoak-fake-lxd")
    text = subprocess.run([program, "--help"], capture_output=True, timeout=10, check=True,
                          text=True).stdout
    for word in (*DIALECTS, "--latency", "op-stuck", "cat FILE", "exec"):
        assert word in text


def test_control_refuses_nonsense(lxd):
    for bad in ({"fault": "nothing"}, {"fault": "slow", "ms": -1}, {"fault": "slow", "color": 1},
                {"fault": "slow", "operation": "create"}, {"fault": "slow", "instance": "("}, 3):
        assert request(lxd.control, "PUT", "/fake/faults", bad).status == 400, bad
    assert request(lxd.control, "GET", "/nothing").status == 404
    assert lxd.faults() == []
