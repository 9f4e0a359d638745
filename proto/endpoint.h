/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where an agent is: what people write after --hosts and --listen, as ZeroMQ
 * endpoints. It does not look names up.
 */

#include "base/error.h"

#define AGENT_IPC_ENDPOINT "ipc:///run/lxdsoak/agent.sock"
#define HOSTS_MAX          10000

struct endpoint {
        char label[256]; /* as the user wrote it, without the port and brackets: names the host
                            everywhere */
        bool local;      /* a unix socket: guarded by its file mode, no CURVE */
        char path[108];  /* local */
        char node[256];  /* else: name or address, without brackets */
        unsigned port;   /* else */
};

/*
 * One host as written: NAME, NAME:PORT, V4:PORT, [V6]:PORT, V6 alone,
 * localhost (the agent's own unix socket; localhost:PORT is TCP), ipc:///PATH,
 * tcp://HOST:PORT.
 * -EINVAL with err set.
 */
int endpoint_parse(const char *s, struct endpoint *ret, struct error *err) _warn_unused_;

/*
 * A comma-separated list of them. -EINVAL also when it is empty, has an empty
 * entry, names one host twice or is longer than HOSTS_MAX. *ret is the
 * caller's to free().
 */
int endpoint_parse_list(const char *s, struct endpoint **ret, size_t *ret_n,
                        struct error *err) _warn_unused_;

/*
 * What an agent binds to: ipc:///PATH or tcp://ADDRESS:PORT, ADDRESS being *,
 * an IPv4 or a bracketed IPv6 address.
 */
int endpoint_parse_listen(const char *s, struct endpoint *ret, struct error *err) _warn_unused_;
