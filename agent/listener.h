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
        enum role role; /* when the message came; ROLE_MAX_ = its key is no longer allowed */
        /* empty on a unix socket */
        char name[ALLOW_NAME_SIZE], key[KEY_Z85_SIZE], address[64];
};

bool peer_equal(const struct peer *a, const struct peer *b);
/* For people: "alice (drive, key …, from 192.0.2.1)". Returns buf. */
const char *peer_describe(const struct peer *peer, char *buf, size_t size);
#define PEER_DESCRIBE(peer) peer_describe((peer), (char[224]){0}, 224)

struct listener_handlers {
        void (*message)(const struct peer *peer, const struct wire_header *header,
                        json_object *body, void *userdata);
        /* frames that are no message of ours */
        void (*bad)(const struct peer *peer, const struct error *err, void *userdata);
        /* anything at all of a peer that was connected before its key was taken out */
        void (*revoked)(const struct peer *peer, void *userdata);
        /* the allow-list has become another one */
        void (*changed)(void *userdata);
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

/* What the peer's key may do now: its role, or ROLE_MAX_ when it is no longer allowed. */
enum role listener_role(const struct listener *l, const struct peer *peer);

/* The allow-list, anew. On failure the old one stays. It is also read when its file changes. */
int listener_reload(struct listener *l, struct error *err) _warn_unused_;
