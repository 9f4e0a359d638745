/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the agent and its helper say to each other: one JSON object a message, over
 * a SOCK_SEQPACKET unix socket, one request at a time a connection.
 *
 *   → {"verb": "inventory", "id": 7, "lxd_dir": "/var/lib/lxd",
 *      "targets": [{"instance": "soak-x-1", "project": "", "veths": "veth1,veth2"}]}
 *   ← {"id": 7, "more": true, "items": [{"kind": "process", "name": "pid 4711 [lxc monitor]",
 *      "detail": "state T, parent 1, …", "instance": "soak-x-1", "target": 0}]}
 *   ← {"id": 7, "blind": ["volume"], "omitted": 0, "took_us": 2100}
 * or, instead of any of these answers,
 *   ← {"id": 7, "errno": 110, "error": "nothing was heard for 10 s while listing /proc"}
 *
 * Removing one kind of thing of one instance; error "" = it is gone:
 *   → {"verb": "remove", "id": 8, "lxd_dir": "/var/lib/lxd", "kind": "process",
 *      "run": "ab12cd34", "instance": "soak-ab12cd34-1", "project": "", "veths": "veth1"}
 *   ← {"id": 8, "more": true, "items": [{"name": "pid 4711 [lxc monitor]", "error": ""}]}
 *   ← {"id": 8, "took_us": 510000}
 *
 * Names on the host that look like a run's (PROJECT_ before it in a project):
 *   → {"verb": "names", "id": 9, "lxd_dir": "/var/lib/lxd"}
 *   ← {"id": 9, "more": true, "items": [{"name": "soak-ab12cd34-1"}]}
 *   ← {"id": 9}
 *
 * What the host shows of one instance ("" = only the daemon), for the wedge detector:
 *   → {"verb": "examine", "id": 10, "lxd_dir": "/var/lib/lxd", "daemon_pid": 72,
 *      "run": "ab12cd34", "instance": "soak-ab12cd34-1", "project": ""}
 *   ← {"id": 10, "facts": {"daemon": {"pid": 72, "state": "S", …}, "monitor": {…, "frozen": false},
 *      "init": {…}, "payload_frozen": false, "unkillable": {…}, "exec": […], "unpack": […],
 *      "holder": {…, "mount": "/…"}}}             what there is not is not there
 *
 * The same as files, "limit_bytes" at most; parts of one name belong together. When the time is up,
 * what was sent counts, and the last message is an error:
 *   → {"verb": "evidence", …}
 *   ← {"id": 11, "more": true, "files": [{"name": "stacks.txt", "text": "…"}]}
 *   ← {"id": 11, "omitted": 0}
 *
 * Its frozen cgroups, thawed:
 *   → {"verb": "thaw", …}
 *   ← {"id": 12, "items": [{"name": "/sys/fs/cgroup/lxc.payload.…", "error": ""}]}
 *
 * The daemon, killed and started again by systemd:
 *   → {"verb": "restart-daemon", "id": 13, "lxd_dir": "/var/lib/lxd", "daemon_pid": 72}
 *   ← {"id": 13, "items": [{"name": "lxd.service", "error": ""}]}
 *
 * How much there is of what may leak, and what it is (kinds of CENSUS_KINDS; what could not be
 * counted is not there). The daemon's comes first; when the time is up, what was sent counts:
 *   → {"verb": "census", "id": 14, "lxd_dir": "/var/lib/lxd", "daemon_pid": 72}
 *   ← {"id": 14, "more": true, "counts": {"fds": 31, "threads": 14, …},
 *      "groups": {"fds": {"socket /var/lib/lxd/unix.socket": 4, "pipe": 2, …}}}
 *   ← {"id": 14, "counts": {"veths": 2, …}, "groups": {"processes": {"[lxc monitor]": 2}}}
 *
 * "target" is the index in the request's list, so that two projects' instances of
 * one name can be told apart. An answer ends with the first message without "more".
 */

#define HELPER_MESSAGE_MAX 65536
#define HELPER_ITEMS_MAX   48 /* a message, so that it always stays below HELPER_MESSAGE_MAX */
#define HELPER_SOCKET      "/run/lxdsoak/helper.sock"
#define HELPER_USER        "lxdsoak"
#define HELPER_LXD_DIR_MAX 1024
