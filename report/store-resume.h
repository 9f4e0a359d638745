/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What lets a run go on after its coordinator died: the epoch, the leases, and how far the run had
 * come. A lease is in the store before it is sent, so the store knows of everything an agent may
 * be doing. Errors are those of store.h.
 */

#include "report/store.h"

struct store_past {
        struct run_spec spec; /* owned: store_past_release() */
        int64_t duration_ns;  /* --duration, 0 = none */
        int64_t started_realtime_ns;
        int64_t wall_ns;          /* the time it has been going */
        int64_t seen_realtime_ns; /* when its coordinator last wrote; 0 = never */
        uint32_t epoch;           /* of the newest coordinator: 1 = the first */
        int64_t counted;          /* units */
        int64_t not_counted;      /* outcomes that are not their unit's */
        bool stopped, ended;
        int exit_code; /* of the verdict; -1 = none yet */
};

int store_read_past(struct store *s, struct store_past *ret, struct error *err) _warn_unused_;
void store_past_release(struct store_past *past);

/* Another coordinator begins: the epoch goes up by one, and the run has not ended. Committed. */
int store_resume(struct store *s, int64_t wall_ns, int64_t now_realtime_ns,
                 struct error *err) _warn_unused_;
/* The run is still going: with the next commit. */
int store_set_seen(struct store *s, int64_t wall_ns, int64_t now_realtime_ns,
                   struct error *err) _warn_unused_;

struct store_lease {
        size_t host;
        int64_t lease, first, count, attempt;
        int64_t tries; /* how often these units were interrupted before */
        bool over;     /* taken back: what had not ended in it was to be lent again */
};

/* All three with the next commit; a lease may be sent only after that. */
int store_put_lease(struct store *s, const struct store_lease *l, struct error *err) _warn_unused_;
int store_end_lease(struct store *s, int64_t lease, struct error *err) _warn_unused_;
int store_end_leases(struct store *s, size_t host, struct error *err) _warn_unused_;

size_t store_n_hosts(const struct store *s);
const char *store_host_label(const struct store *s, size_t host);
/* The agent_id of the host's present agent; empty when it never had one. */
int store_agent_id(struct store *s, size_t host, char ret[static 33],
                   struct error *err) _warn_unused_;

/* Every counted unit, in order. A handler's return other than 0 ends it and is passed on. */
typedef int (*store_unit_handler)(size_t host, int64_t unit, enum outcome outcome, void *userdata);
int store_each_unit(struct store *s, store_unit_handler handler, void *userdata,
                    struct error *err) _warn_unused_;

/* Every host with a `returned` for this reason. */
typedef int (*store_host_handler)(size_t host, void *userdata);
int store_each_returned(struct store *s, const char *reason, store_host_handler handler,
                        void *userdata, struct error *err) _warn_unused_;

/* What became of units in a lease, beyond being counted. Numbers stand in SQL. */
#define STORE_PART_RETURNED    1
#define STORE_PART_INTERRUPTED 2
#define STORE_PART_HELD        3

struct store_part {
        int kind; /* STORE_PART_… */
        int64_t first, count;
};

/* Every lease there was, the newest first. */
typedef int (*store_lease_handler)(const struct store_lease *l, const struct store_part *parts,
                                   size_t n_parts, void *userdata);
int store_each_lease(struct store *s, store_lease_handler handler, void *userdata,
                     struct error *err) _warn_unused_;
