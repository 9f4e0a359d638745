/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the spool share: spool.c (what is written, and the thread that does it),
 * spool-open.c (making it and opening it), spool-read.c (what a start finds in it).
 */

#include <pthread.h>
#include <sqlite3.h>

#include "agent/spool-schema.h"
#include "agent/spool.h"
#include "base/handover.h"

enum job_kind {
#define X(name, a, b, c, d) JOB_##name,
        SPOOL_JOBS(X)
#undef X
                JOB_MAX_,
};

#define STATEMENTS_EACH 4

struct spool {
        sqlite3 *db;
        sqlite3_stmt *statements[JOB_MAX_][STATEMENTS_EACH]; /* NULL: it needs no more */
        int lock_fd;
        int todo_fd, done_fd; /* eventfds; the thread waits on the first */
        sd_event_source *source;
        sd_event_source *linger; /* wakes the thread for what is in no hurry */
        bool lingering;          /* something is in todo and the thread was not woken for it */
        pthread_t thread;
        bool running;
        struct handover todo, done;
        _Atomic bool stopping;
        /* Of the last failed batch: written before it is handed back, read by its handlers. */
        char error[256];
};

/* ---- spool.c ---- */

/* The thread, once the statements are there. */
int spool_begin_writing(struct spool *s, sd_event *event) _warn_unused_;
/* After what was submitted is written. */
void spool_end_writing(struct spool *s);

/* ---- spool-open.c ---- */

/* What SQLite says, as a negative errno; 0: it is content. */
int spool_errno(int rc);
