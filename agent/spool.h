/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The agent's memory on disk, one SQLite file: the run it works on, its leases,
 * what it intends to create, and the records nobody has acknowledged yet.
 * Order: disk, then wire. A thread of its own does the writing, so that a slow
 * disk never holds up the loop; what is submitted while it writes goes together into
 * the next transaction, each of which is on the disk before its handlers run.
 * Records and what is acknowledged of them wait up to 200 ms for others to go with.
 *
 * Reading is done at the start, before the loop runs, and when an earlier run is taken up again.
 */

#include <systemd/sd-event.h>

#include "base/error.h"
#include "proto/soak.h"

#define SPOOL_RECORDS_MAX (1024 * 1024) /* unacknowledged; then no new units are begun */

struct spool;

/* r: 0, or a negative errno when the transaction could not be made durable. */
typedef void (*spool_handler)(int r, void *userdata);

/*
 * Opens or makes DIR/spool.db and starts the thread. -EWOULDBLOCK: another
 * agent has it; other errors with err set.
 */
int spool_open(sd_event *event, const char *dir, struct spool **ret,
               struct error *err) _warn_unused_;
/* Writes what was submitted, then ends the thread; handlers are not called. */
struct spool *spool_close(struct spool *s);
DEFINE_CLEANUP(struct spool *, spool_close)

/* What waits for others waits no longer. */
void spool_hurry(struct spool *s);

/* In a handler that was told of a failure: the database's own words for it. */
const char *spool_error_text(struct spool *s);

/* ---- writing: each is queued and ordered; handler (may be NULL) is called
 * from the loop when it is durable ---- */

int spool_put_meta(struct spool *s, const char *key, const char *value, spool_handler handler,
                   void *userdata) _warn_unused_;

/*
 * The run worked on, its spec as JSON and the epoch of its coordinator, of which the highest is
 * kept. Another run's leases and intents are forgotten with it; its records stay. committed: a
 * record number the coordinator has of this agent in this run; numbers go on behind it.
 */
int spool_put_run(struct spool *s, const char *run, const char *spec, uint32_t epoch,
                  uint64_t committed, spool_handler handler, void *userdata) _warn_unused_;
/* The run is over on this host, or set aside. The epochs of the last 1000 runs are kept. */
int spool_end_run(struct spool *s, spool_handler handler, void *userdata) _warn_unused_;

int spool_put_lease(struct spool *s, int64_t lease, int64_t first, int64_t count, int64_t attempt,
                    spool_handler handler, void *userdata) _warn_unused_;

/* Unit is about to be created: from now on a restart has to look for it. Also
 * takes it out of its lease. */
int spool_put_intent(struct spool *s, int64_t lease, int64_t unit, int64_t attempt,
                     const char *name, spool_handler handler, void *userdata) _warn_unused_;

/* A record as JSON text. ends_unit >= 0: the intent of that unit is settled with
 * it; returned_lease > 0: that lease's unstarted units are given back with it. */
int spool_put_record(struct spool *s, const char *run, uint64_t seq, const char *row,
                     int64_t ends_unit, int64_t returned_lease, spool_handler handler,
                     void *userdata) _warn_unused_;

/* Records up to seq were committed by the coordinator. */
int spool_ack(struct spool *s, const char *run, uint64_t seq) _warn_unused_;

/* What is kept of a run, or of all ("") but the current one, that nobody will ask
 * for any more. */
int spool_forget(struct spool *s, const char *run) _warn_unused_;
/* An instance that left things on the host, until it is forgotten; row is ours to
 * keep only. Put again under the same name, it is replaced. */
int spool_put_suspect(struct spool *s, const char *name, const char *row) _warn_unused_;
int spool_drop_suspect(struct spool *s, const char *name) _warn_unused_;

/* ---- reading, at the start, and when a run is taken up: then nothing is under way that could be
 * held up, and what is to be read is durable ---- */

char *spool_get_meta(struct spool *s, const char *key); /* the caller frees; NULL = none */

struct spool_run {
        char run[RUN_ID_SIZE];
        char *spec; /* the caller frees */
        uint32_t epoch;
        uint64_t head, acked; /* last record number given out; last acknowledged */
        int64_t newest_lease;
};
/* 1 and *ret, or 0: there is none. */
int spool_get_run(struct spool *s, struct spool_run *ret, struct error *err) _warn_unused_;

struct spool_row {
        int64_t lease, unit, attempt, count; /* leases: unit is the first */
        uint64_t seq;                        /* records */
        const char *text;                    /* intents: the name; records: the row */
};
typedef int (*spool_row_handler)(const struct spool_row *row, void *userdata);

/* Each row in order; stops at a negative return and passes it on. */
int spool_each_lease(struct spool *s, spool_row_handler handler, void *userdata) _warn_unused_;
int spool_each_intent(struct spool *s, spool_row_handler handler, void *userdata) _warn_unused_;
int spool_each_suspect(struct spool *s, spool_row_handler handler, void *userdata) _warn_unused_;
int spool_each_record(struct spool *s, const char *run, spool_row_handler handler,
                      void *userdata) _warn_unused_;
