/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who may connect over CURVE: the ZAP handler (rfc.zeromq.org/spec/27), a REP
 * socket on our own loop. It must be there before the first CURVE socket is
 * bound; without one, libzmq lets everybody in. Those in the allow-list get
 * their public key as the User-Id, which then comes with every message of
 * theirs: what the key may do is looked up with each, since the list can change
 * while they are connected.
 */

#include <systemd/sd-event.h>

#include "proto/keys.h"

struct zap;

/* Told of refusals as seldom.h has it; the reason then says how many were not told of. key is
 * empty where the peer had none. */
typedef void (*zap_denied)(const char *address, const char *key, const char *reason,
                           void *userdata);

/* allow is borrowed and looked at afresh for every peer: it may change. One a context. */
int zap_new(sd_event *event, void *context, const struct allow_list *allow, zap_denied denied,
            void *userdata, struct zap **ret) _warn_unused_;
struct zap *zap_free(struct zap *z);
DEFINE_CLEANUP(struct zap *, zap_free)

/* Makes socket, not yet bound, a CURVE server with this key that insists on a
 * ZAP handler (fails closed). */
int zap_set_curve_server(void *socket, const struct key_pair *pair) _warn_unused_;
/* Makes socket, not yet connected, a CURVE client of the server with that public key. */
int zap_set_curve_client(void *socket, const struct key_pair *pair,
                         const char *server_key) _warn_unused_;
