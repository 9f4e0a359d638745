/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the hosts are on the network: names looked up before the loop begins
 * (libzmq's own look-up would hold up all its connections), and a plain
 * connect() that tells why ZeroMQ gets no connection, which it keeps to itself.
 */

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "proto/endpoint.h"

#define ADDRESSES_MAX 8 /* of one host; further ones are not tried */

struct address {
        struct sockaddr_storage sockaddr;
        socklen_t size;
        char text[160]; /* as ZeroMQ connects to it: tcp://10.0.0.1:7463, ipc:///path */
};

struct host_addresses {
        struct address list[ADDRESSES_MAX];
        size_t n;
        struct error err; /* set when n is 0: why */
};

/*
 * Looks up n endpoints, several at a time; blocks. ret has room for n. Returns
 * how many could not be found (their err says why), or a negative errno.
 */
int addresses_resolve(const struct endpoint *endpoints, size_t n,
                      struct host_addresses *ret) _warn_unused_;

struct dial;

/* error: 0 when addresses[index] accepted, else the last one's -errno, -ETIMEDOUT
 * when it did not answer in time. Called once, from the loop. */
typedef void (*dial_handler)(int error, size_t index, void *userdata);

/* Tries the addresses (borrowed) one after the other, each for timeout_ns. */
int dial_new(sd_event *event, const struct address *addresses, size_t n, int64_t timeout_ns,
             dial_handler handler, void *userdata, struct dial **ret) _warn_unused_;
struct dial *dial_free(struct dial *p);
