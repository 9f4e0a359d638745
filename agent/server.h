/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the network sees of an agent: its endpoints, who may say what, the
 * session of the one coordinator that drives it, and the answers to those that
 * only look or clean up. Messages come in here and leave from here; the work is
 * the run's.
 */

#include "agent/config.h"
#include "agent/inventory.h"
#include "agent/probe.h"
#include "agent/spool.h"
#include "base/loop.h"

struct server;

struct server_deps {
        sd_event *event;
        struct loop *loop;
        const struct agent_config *config;
        const char *lxd_socket;
        const char *agent_id;
        struct lxd *lxd;
        struct inventory *inventory;
        struct spool *spool;
        struct probe *probe;
        struct evidence *evidence;
};

/*
 * Binds every endpoint, takes up again what the spool holds of a run that was
 * under way. Errors with err set: an endpoint that cannot be bound, TCP without
 * a key, a bad allow-list.
 */
int server_new(const struct server_deps *deps, struct server **ret,
               struct error *err) _warn_unused_;
struct server *server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free)

/* Reads the allow-list again. On failure the old one stays. */
int server_reload(struct server *s, struct error *err) _warn_unused_;

/* Begins nothing new and cuts short what is in flight; on_idle is called once
 * nothing is left (at once if so). */
void server_shut_down(struct server *s, void (*on_idle)(void *userdata), void *userdata);

/* One line for STATUS=. */
void server_describe(struct server *s, char *buf, size_t size);
