/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The run an agent works on: its leases, the units in flight and held, and the
 * end, when everything is unwound and stock is taken. It knows nothing of
 * sockets: the server feeds it leases and stops, and sends what it tells.
 */

#include "agent/leases.h"
#include "agent/outbox.h"
#include "agent/preflight.h"
#include "agent/probe.h"
#include "agent/runner.h"
#include "agent/suspects.h"

struct run;

struct run_deps {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        struct spool *spool;
        struct suspects *suspects; /* told of every instance that left something */
        struct outbox *outbox;
        struct probe *probe;
        struct evidence *evidence; /* NULL: none is taken */
        const char *agent_id;
        /* Nothing is in flight or held any more, and the host was looked over:
         * leftovers is an array of msg_item rows, borrowed. */
        void (*on_stopped)(struct run *run, json_object *leftovers, void *userdata);
        void *userdata;
};

/* Takes spec over (its lists), also on failure. */
int run_new(const struct run_deps *deps, struct run_spec *spec, struct run **ret,
            struct error *err) _warn_unused_;
struct run *run_free(struct run *run); /* cancels; the instances stay for the next start */
DEFINE_CLEANUP(struct run *, run_free)

const struct run_spec *run_get_spec(const struct run *run);
/* After preflight: units may begin. Takes *source over. */
void run_set_source(struct run *run, struct source_info *source);
bool run_has_source(const struct run *run);

/* It was lent units. */
bool run_has_begun(const struct run *run);
bool run_knows_lease(const struct run *run, int64_t lease);
/* One that is not known yet; ids only go up. */
int run_add_lease(struct run *run, const struct msg_lease *lease) _warn_unused_;
/* After a restart: leases up to this one are known. */
void run_set_newest_lease(struct run *run, int64_t lease);
/* Gives back what is not begun of it; 0 = of any. */
void run_revoke(struct run *run, int64_t lease);
/* The clock of its leases, see leases.h. */
void run_echo(struct run *run, int64_t stamp_ns, int64_t now_ns);
/* The numbers of the leases it has something of: not begun, in flight or held. NULL: no memory. */
json_object *run_list_leases(const struct run *run);

/* A unit an earlier agent had begun: it is removed and recorded as interrupted. */
int run_recover(struct run *run, int64_t unit, int64_t attempt, int64_t lease) _warn_unused_;
/* A lease an earlier agent had: what is not begun is given back. */
void run_return_lease(struct run *run, int64_t lease, int64_t first, int64_t count,
                      const char *reason);

/* Ends it; a higher mode may follow a lower one. on_stopped comes once. */
void run_stop(struct run *run, enum stop_mode mode, bool keep);
bool run_is_stopping(const struct run *run);
bool run_is_stopped(const struct run *run);

/* A record of the host's, not of a unit. */
void run_put_record(struct run *run, struct record *record);

/* A record of an earlier agent's that is not acknowledged, as a JSON row: it may not have had the
 * time to tell the journal. */
void run_tell_again(struct run *run, const char *row);

/* in_flight, held, oldest_ns. */
void run_fill(const struct run *run, struct msg_pong *ret);
/* One line for STATUS=. */
void run_describe(const struct run *run, char *buf, size_t size);
