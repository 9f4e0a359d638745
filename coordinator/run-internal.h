/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of a run share: run.c (beginning and end), run-work.c (what
 * the hosts say, what is lent, what is written), run-resume.c (going on with an
 * earlier one), run-stop.c (how it ends before its time).
 */

#include "base/loop.h"
#include "coordinator/fleet.h"
#include "coordinator/plan.h"
#include "coordinator/run-thresholds.h"
#include "coordinator/view.h"
#include "report/summary.h"
#include "report/store-resume.h"

enum run_stage {
        RUN_CONNECTING, /* nothing is lent before every host is ready */
        RUN_WORKING,
        RUN_ENDING, /* STOP was sent: hosts take stock */
        RUN_OVER,
};

/* Units done at two times of late, for a rate that falls when nothing is done. */
struct run_rate {
        int64_t old_ns, old_done, mark_ns, mark_done;
};

struct run_host {
        int64_t oldest_max_ns; /* highest oldest_ns any PONG had */
        enum store_host_state state;
        bool dirty;    /* records put since the last commit */
        bool api_seen; /* its API did answer once */
        struct run_rate rate;
};

struct run {
        const struct coord_options *options;
        char id[RUN_ID_SIZE];
        char *dir;
        bool made_dir;
        struct run_spec spec;
        int64_t duration_ns;

        /* going on with an earlier coordinator's */
        uint32_t epoch;
        struct fleet_past *past; /* NULL: a new run */
        int64_t wall_before_ns;
        bool stop_before; /* the user had stopped it */

        sd_event *event;
        struct loop *loop;
        struct fleet *fleet;
        struct plan *plan;
        struct store *store;
        struct view *view;
        struct run_host *hosts;
        size_t *dirty; /* hosts with uncommitted records */
        size_t n_dirty;
        sd_event_source *work;  /* deferred: run_work() */
        sd_event_source *later; /* the same, when leases may go to the disk again */

        enum run_stage stage;
        int64_t started_ns, work_ended_ns;
        int64_t committed_ns, commit_took_ns; /* the last time */
        int64_t seen_ns;                      /* when store_set_seen() was called */
        int64_t started_realtime_ns, ended_realtime_ns;
        struct string_list threshold_texts; /* what has to hold */
        int64_t textfile_next_ns;
        bool textfile_trouble;             /* it could not be written the last time */
        char aborted[THRESHOLD_TEXT_MAX];  /* the one that ended the run; "" = none did */
        struct run_thresholds *thresholds; /* those that may; NULL = none */
        int64_t n_not_counted;             /* outcomes that were told, but are not their unit's */

        unsigned interrupts;       /* Ctrl-C so far */
        int64_t abort_deadline_ns; /* 0 = none */
        bool failed;               /* trouble of our own: exit 70 */
        bool waiting;              /* for a host another coordinator has; that was said */
        size_t n_stolen;           /* hosts */
        bool taken;                /* others go on with it: it has not ended */
};

/* run.c */
/* Ends the loop. */
void run_over(struct run *run);
/* Trouble of our own: says it and ends the loop. */
void run_fail(struct run *run, const struct error *err);
/* A line for people, with the live view out of the way. */
#define run_say(run, priority, ...)                                                                \
        do {                                                                                       \
                view_clear((run)->view);                                                           \
                log_entry(priority, NULL, NULL, 0, __VA_ARGS__);                                   \
        } while (0)

/* run-work.c */
extern const struct link_ops run_link_ops;
/* A plan for its spec, from now on. */
int run_make_plan(struct run *run, int64_t now_ns) _warn_unused_;
/* How long it has been going. */
int64_t run_wall_ns(const struct run *run, int64_t now_ns);
/* Every host is ready: begin. */
void run_begin(struct run *run, int64_t now_ns);
/* Takes back what expired, lends what is to be lent, sees whether it is over. */
void run_work(struct run *run, int64_t now_ns);
/* The same, soon. */
void run_kick(struct run *run);
/* Writes what is put, and acknowledges it. */
void run_commit(struct run *run);
/* Ends the run where one that is to end it does not hold. */
void run_look_at_thresholds(struct run *run, int64_t now_ns);
/* Hosts that are finished, or lost. */
void run_look_after_hosts(struct run *run, int64_t now_ns);
/* Has every host said STOPPED, with all it had to say? */
bool run_all_finished(const struct run *run);
/* Notes in the store how a host is. */
void run_set_host(struct run *run, size_t i, enum store_host_state state, const char *text);

/* run-resume.c */
/* Opens the store and counts its epoch up. 1: the run has ended, nothing is changed. */
int run_resume_open(struct run *run, struct error *err) _warn_unused_;
/* Makes the plan as it was. Before the first connection: records may come at once. */
int run_resume_plan(struct run *run, int64_t now_ns, struct error *err) _warn_unused_;
/* Says which hosts are not there. */
void run_resume_begin(struct run *run, int64_t now_ns);

/* run-textfile.c */
void run_textfile(struct run *run, int64_t now_ns);
void run_textfile_end(struct run *run, const struct summary *s);

/* run-view.c */
void run_show(struct run *run, int64_t now_ns);

/* run-stop.c */
int run_add_signals(struct run *run) _warn_unused_;
void run_stop_all(struct run *run, enum stop_mode mode, int64_t now_ns);
/* Somebody asks, as Ctrl-C does. */
void run_stop_asked(struct run *run, const char *who, int64_t now_ns);
/* Says how to go on with it. */
void run_say_resume(const struct run *run);
/* Says how to clean up by hand, if there is or may be anything. */
void run_say_cleanup(const struct run *run);
