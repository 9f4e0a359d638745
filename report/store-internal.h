/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the parts of the store share. store-open.c makes and opens it, store.c commits and explains
 * errors, store-run.c writes what there is one of a run or host, store-record.c the records. The
 * tables and every statement stand in store-schema.h.
 */

#include <sqlite3.h>

#include "report/store-schema.h"
#include "report/store.h"

struct store_host {
        char *label;
        int64_t agent;        /* agent.id of the present one, 0 = none yet */
        uint64_t seq, acked;  /* last record put, last one committed */
        int64_t agent_before; /* as of the last commit */
        bool dirty;
};

struct store {
        sqlite3 *db;
        sqlite3_stmt *statements[STORE_STMT_MAX_];
        char *path;
        char run[RUN_ID_SIZE]; /* empty before store_start_run() */
        bool read_only, in_batch, temporary;
        int lock_fd; /* of its directory, while it may be written; -1 = none */
        struct store_host *hosts;
        size_t n_hosts, n_pending;
};

/* Fills err from the last error of the database; `what` says what was tried. */
int store_error(struct store *s, int sqlite_code, const char *what, struct error *err);

/* Begins a batch if none is open. */
int store_batch(struct store *s, struct error *err) _warn_unused_;
/* Undoes the open batch, and what was noted of it. Returns r. */
int store_rollback(struct store *s, int r);

/*
 * Runs a statement with its parameters in order, one letter each in types: 't' const char * (NULL
 * and "" are NULL), 'e' const char * ("" stays), 'i' int64_t, 'd' double, 'a' const int64_t * and
 * size_t: so many parameters, negative ones NULL. Begins a batch if none is open, and rolls it back
 * on failure. Returns how many rows it changed, or a negative errno.
 */
int store_do(struct store *s, enum store_stmt stmt, struct error *err, const char *types,
             ...) _warn_unused_;
/* The same without a batch: a statement that commits by itself, or takes part in none. */
int store_prepare(struct store *s, enum store_stmt stmt, sqlite3_stmt **ret,
                  struct error *err) _warn_unused_;
