/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A ZeroMQ socket on an sd_event loop. ZMQ_FD is edge-triggered and signals
 * "look at ZMQ_EVENTS", nothing more; the pump here looks after every wake-up
 * and after every send, receives at most 64 messages a turn and comes back
 * through a defer source for the rest, so that neither a stall nor starvation
 * is possible. (Both happen with the obvious code; see docs/architecture.md.)
 */

#include <systemd/sd-event.h>
#include <zmq.h>

#include "base/error.h"

#define ZSOCK_FRAMES_MAX 4

struct zsock;

struct zframe {
        const void *data;
        size_t size;
};

/*
 * One whole message. Frames are valid during the call only. user_id is the ZAP
 * User-Id, NULL where there was no ZAP.
 * Messages of more than ZSOCK_FRAMES_MAX frames are dropped and counted.
 * The handler may send on, but must not free the zsock.
 */
typedef void (*zsock_handler)(struct zsock *z, const struct zframe *frames, size_t n,
                              const char *user_id, void *userdata);

/* Takes socket over (also on failure), with its options already set. */
int zsock_new(sd_event *event, void *socket, zsock_handler handler, void *userdata,
              struct zsock **ret) _warn_unused_;
struct zsock *zsock_free(struct zsock *z);
DEFINE_CLEANUP(struct zsock *, zsock_free)

void *zsock_socket(struct zsock *z);

/* In a handler: the address of the message's sender over TCP, NULL where there is none. */
const char *zsock_peer_address(const struct zsock *z);
/* An address as ZeroMQ says it, as people write it: without the "::ffff:" before an IPv4 one. */
const char *zsock_plain_address(const char *address);

/* How many messages of too many frames there were. */
uint64_t zsock_dropped(const struct zsock *z);

/* Never blocks. -EAGAIN: no room or no peer yet; -EHOSTUNREACH: the peer of a
 * ROUTER is gone. */
int zsock_send(struct zsock *z, const struct zframe *frames, size_t n) _warn_unused_;

/* The options every socket of ours has: LINGER, HWM,
 * no HEARTBEAT, RECONNECT, MAXMSGSIZE, TCP keep-alive, IPv6. */
int zsock_set_common_options(void *socket) _warn_unused_;
