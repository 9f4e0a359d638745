/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The store of a run: one SQLite file, RUN_DIR/run.db, written and on disk before anything is
 * acknowledged (WAL, synchronous=FULL). store-schema.h defines its tables; docs/store.md explains
 * them. It knows nothing of plans or sockets, and never prints.
 *
 * Writing goes in batches: put any number of records, then store_commit(); only then may they be
 * acknowledged. After any failure the batch is gone as a whole (the store is as after the last
 * commit), and it is for the caller to end the run: err says what to do in words.
 *
 * One process writes a store: who opens it for writing locks its directory till store_free().
 *
 * Errors everywhere: -ENOSPC disk full, -EIO, -EBUSY another process writes it, -EEXIST there is a
 * run already, -ENOENT, -EACCES, -EUCLEAN not a run store or damaged, -EPROTONOSUPPORT written by
 * a newer version or an older one, -ENOMEM.
 */

#include <json-c/json.h>
#include <stdint.h>

#include "base/error.h"
#include "base/exit-code.h"
#include "proto/message.h"
#include "proto/record.h"

#define STORE_FILE "run.db"

struct store;

/* Makes run_dir (one level) and a new run.db in it; -EEXIST when it has one. */
int store_create(const char *run_dir, struct store **ret, struct error *err) _warn_unused_;
/* One that is gone when it is closed: what is read from elsewhere goes through it into a report. */
int store_create_temporary(struct store **ret, struct error *err) _warn_unused_;
/* Opens what is there. path: the run's directory or the file itself. */
int store_open(const char *path, bool read_only, struct store **ret,
               struct error *err) _warn_unused_;
/* Does somebody write it just now? 1, 0; -errno: that cannot be told here. path: of the run.db. */
int store_driven(const char *path) _warn_unused_;
/* Drops what was not committed. */
struct store *store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free)

/*
 * The run's row; the first thing written, committed at once. Times: realtime. spec is stored as
 * JSON with its seed. duration_ns: --duration, 0 = none.
 */
int store_start_run(struct store *s, const struct run_spec *spec, int64_t duration_ns,
                    int64_t started_realtime_ns, struct error *err) _warn_unused_;

/* Hosts are named by their index 0.. in the order added. Committed with the next commit. */
int store_add_host(struct store *s, const char *label, size_t *ret_host,
                   struct error *err) _warn_unused_;

/* How a host ended; stored in host.state. The verdict needs every host `finished`. */
#define STORE_HOST_STATES(X)                                                                       \
        X(WAITING, "waiting")   /* no session yet */                                               \
        X(ACTIVE, "active")     /* WELCOME */                                                      \
        X(FINISHED, "finished") /* STOPPED, all records here, looked over */                       \
        X(REFUSED, "refused")   /* REFUSE */                                                       \
        X(LOST, "lost")         /* never reached, or gone and not back in time */

enum store_host_state {
#define X(n, w) STORE_HOST_##n,
        STORE_HOST_STATES(X)
#undef X
                STORE_HOST_MAX_,
};
const char *store_host_state_name(int v);
int store_host_state_from_name(const char *s) _warn_unused_;

/*
 * WELCOME: who answers there, and state ACTIVE. Records are numbered by the agent, so a new
 * agent_id (its spool was lost) begins at 1 anew. -EEXIST when another host of the run has this
 * agent_id: one machine under two names; nothing is changed.
 */
int store_set_agent(struct store *s, size_t host, const struct msg_welcome *welcome,
                    struct error *err) _warn_unused_;
/* text: why, for people ("image: no such alias"); NULL = keeps what is there. */
int store_set_host_state(struct store *s, size_t host, enum store_host_state state,
                         const char *text, struct error *err) _warn_unused_;
/* The last PONG of a host (with the ruler), and the highest oldest_ns any PONG of it had. */
int store_set_pong(struct store *s, size_t host, const struct msg_pong *pong, int64_t oldest_max_ns,
                   struct error *err) _warn_unused_;
/* STOPPED's leftovers: an array of msg_item objects; what is there at the end of the run. */
int store_put_leftovers(struct store *s, size_t host, json_object *leftovers,
                        struct error *err) _warn_unused_;

/*
 * A record of the host's present agent. 1 = stored, 0 = had it (nothing done). -EILSEQ: a number is
 * missing before it; nothing done, and the batch stays good. counted: for an outcome, whether it is
 * the unit's (plan_record() == PLAN_COUNTED); why: the word for one that is not ("late",
 * "interrupted"), may be NULL.
 */
int store_put_record(struct store *s, size_t host, const struct record *r, bool counted,
                     const char *why, struct error *err) _warn_unused_;

/*
 * Records up to number seq of the host's present agent are not to be had: the next one may be
 * seq + 1. Only in a temporary store; what is missing is to be said with store_add_missing().
 */
int store_skip_records(struct store *s, size_t host, uint64_t seq) _warn_unused_;
/* Something of the run is not in here, and so the verdict cannot be trusted: a line for people. */
int store_add_missing(struct store *s, const char *text, struct error *err) _warn_unused_;

/* Ends the batch: on disk when it returns 0. Without anything put since, it costs nothing. */
int store_commit(struct store *s, struct error *err) _warn_unused_;
/* The number of the last record committed of the host's present agent: what to acknowledge. */
uint64_t store_acked(const struct store *s, size_t host);
/* Records put and not committed. */
size_t store_pending(const struct store *s);

/* What has to hold, as texts of report/threshold.h: with store_start_run(). Commits. */
int store_set_thresholds(struct store *s, const struct string_list *texts,
                         struct error *err) _warn_unused_;
/* The texts, added to *ret, and the one that ended the run ("" = none did). */
int store_get_thresholds(struct store *s, struct string_list *ret, char *ret_aborted, size_t size,
                         struct error *err) _warn_unused_;
/* One of them did not, and ended the run. */
int store_set_aborted(struct store *s, const char *text, struct error *err) _warn_unused_;
/* The user stopped it: kept for the verdict. */
int store_set_stopped(struct store *s, struct error *err) _warn_unused_;
/* wall_ns: monotonic. Commits. The verdict follows with store_set_verdict(). */
int store_end_run(struct store *s, int64_t ended_realtime_ns, int64_t wall_ns,
                  struct error *err) _warn_unused_;
int store_set_verdict(struct store *s, enum verdict verdict, struct error *err) _warn_unused_;

/* The leaks, as they were found when the run was over, in place of those that were there before;
 * committed with the verdict. what: "" = not known. */
struct store_leak {
        const char *host, *kind, *what;
        double per_unit, low, high;
        int64_t total;
        bool accepted;
};
int store_drop_leaks(struct store *s, struct error *err) _warn_unused_;
int store_put_leak(struct store *s, const struct store_leak *leak, struct error *err) _warn_unused_;

/* What reports read. The handle is the store's; do not write through it. */
struct sqlite3 *store_db(struct store *s);
const char *store_path(const struct store *s);
