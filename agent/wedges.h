/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The wedges of one run on this host: watches the daemon, answers for the units whether
 * what went wrong is a wedge, numbers what is found, has its evidence taken once, and
 * records how it ended. Decides nothing by itself: the rules are the detector's.
 */

#include "agent/inquiry.h"
#include "agent/pace.h"
#include "agent/probe.h"
#include "proto/message.h"
#include "proto/record.h"

struct wedges;

struct wedges_deps {
        sd_event *event;
        const char *lxd_socket;
        struct inventory *inventory;
        struct evidence *evidence; /* NULL: none is taken */
        struct probe *probe;
        const struct run_spec *spec;
        /* a record is ready: wedge, recovery */
        void (*on_record)(struct record *record, const char *instance, void *userdata);
        /* the daemon wedged, came back, or was restarted */
        void (*on_daemon)(void *userdata);
        void *userdata;
};

int wedges_new(const struct wedges_deps *deps, struct wedges **ret) _warn_unused_;
struct wedges *wedges_free(struct wedges *w);
DEFINE_CLEANUP(struct wedges *, wedges_free)

/* The run is over: nothing is watched, and nothing more is recorded. */
void wedges_stop(struct wedges *w);

/* A phase of some unit ended well, after so long. */
void wedges_progress(struct wedges *w, enum phase phase, int64_t duration_ns);
/* What comes of that; borrowed. */
const struct pace *wedges_pace(const struct wedges *w);

struct wedge_question {
        int64_t unit, attempt, lease;
        const char *instance;
        enum phase phase;
        enum result result; /* OK: it has not ended, and is beyond its deadline */
        int64_t code;
        const char *text;
        const char *left; /* VERIFY: one of the things the host still has, "" = nothing */
        int64_t since_ns; /* monotonic: when the phase began */
        int64_t extensions;
};

struct wedge_answer {
        enum diagnosis diagnosis;
        bool away;      /* the daemon was not there: nothing can be said of the unit */
        int64_t number; /* WEDGE: of the record */
        const struct finding *finding;
};

typedef void (*wedge_handler)(const struct wedge_answer *answer, void *userdata);

struct wedge_inquiry;

/* Asked one after the other, a few at a time; the answer comes from the loop. */
int wedges_ask(struct wedges *w, const struct wedge_question *question, wedge_handler handler,
               void *userdata, struct wedge_inquiry **ret) _warn_unused_;
void wedges_cancel(struct wedge_inquiry *i);

/* A rung was tried on a wedge. */
void wedges_tried(struct wedges *w, int64_t number, enum rung rung, int64_t start_realtime_ns,
                  int64_t duration_ns, enum result result, const char *error);
/* What was wedged is over; by: enum rung. */
void wedges_cleared(struct wedges *w, int64_t number, int by);
/* The unit has given up: it stays wedged. */
void wedges_kept(struct wedges *w, int64_t number);

/* The pool was full, and no create has ended well since. */
bool wedges_pool_is_full(const struct wedges *w);
/* The daemon does not answer: no unit's deadline runs, none is begun. */
bool wedges_daemon_is_away(const struct wedges *w);
/* For how long; 0 = it is there. */
int64_t wedges_daemon_away_ns(const struct wedges *w);
/* When a unit's phase must be looked at again at the earliest, after the daemon was away:
 * deadlines begin anew then. */
int64_t wedges_daemon_back_ns(const struct wedges *w);
/* The daemon's process, 0 = not known. */
int64_t wedges_daemon_pid(const struct wedges *w);
int64_t wedges_count(const struct wedges *w);
