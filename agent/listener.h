/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The agent's sockets: one ROUTER for the unix sockets, guarded by their file
 * mode, and one with CURVE and the allow-list for TCP. Frames come in and go
 * out; what is no message of ours never gets past here.
 */

#include "agent/config.h"
#include "base/zsock.h"
#include "proto/keys.h"
#include "proto/wire.h"

#define ROUTING_ID_MAX 255

/* Who sent a message. Copied by value; an answer to a peer that is gone is dropped. */
struct peer {
        int socket; /* 0: unix, 1: TCP */
        uint8_t id[ROUTING_ID_MAX];
        size_t id_size;
        enum role role;
        char user[72]; /* "role:name", empty on a unix socket */
};

bool peer_equal(const struct peer *a, const struct peer *b);

struct listener_handlers {
        void (*message)(const struct peer *peer, const struct wire_header *header,
                        json_object *body, void *userdata);
        /* frames that are no message of ours */
        void (*bad)(const struct peer *peer, const struct error *err, void *userdata);
        void *userdata;
};

struct listener;

int listener_new(sd_event *event, const struct agent_config *config,
                 const struct listener_handlers *handlers, struct listener **ret,
                 struct error *err) _warn_unused_;
struct listener *listener_free(struct listener *l);
DEFINE_CLEANUP(struct listener *, listener_free)

/* body is borrowed, NULL = an empty object. -EMSGSIZE, or as zsock_send(). */
int listener_send(struct listener *l, const struct peer *to, const struct wire_header *header,
                  json_object *body) _warn_unused_;

/* The allow-list, anew. On failure the old one stays. */
int listener_reload(struct listener *l, struct error *err) _warn_unused_;
