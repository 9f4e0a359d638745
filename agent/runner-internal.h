/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the runner share: runner.c, runner-exec.c (commands and their output),
 * runner-wedge.c (questions to the detector, and the ladder). */

#include "agent/helper-ask.h"
#include "agent/runner.h"

#define VETHS_SIZE 256
#define LEFT_MAX   16 /* things of one unit reported */

struct runner {
        struct runner_env *env;
        struct unit unit;
        int64_t number, attempt, lease;
        char unit_key[24]; /* what user.lxdsoak.unit says */
        char name[NAME_SIZE];
        char veths[VETHS_SIZE];
        int64_t start_ns, start_realtime_ns;

        /* what is under way: at most one of these */
        bool intent_pending;
        struct lxd_call *call;
        struct inventory_query *query;
        sd_event_source *timer;
        bool timer_armed;

        enum unit_action action;
        size_t exec_step;
        bool abort_pending, removal_pending;

        /* a command whose output is being fetched */
        struct unit_event exec_event;
        char exec_text[ERROR_TEXT_MAX];
        char *output[2], *output_path[2];
        bool truncated;
        int fetching;

        /* a wedge, or the question whether it is one */
        struct unit_sample last; /* what is asked about */
        struct wedge_inquiry *inquiry;
        struct helper_call *helper;
        struct inventory_removal *removal;
        int64_t wedge; /* its number, 0 = none */
        char operation[80];
        enum rung rung;
        int removing; /* enum leftover_kind */
        bool removed, rung_is_over, left_behind;
        int64_t rung_start_ns, rung_start_realtime_ns;
        int64_t watched_ns, look_again_ns, extensions; /* the phase begun at watched_ns */

        struct inventory_item *left; /* the first n_left of them, LEFT_MAX at most */
        size_t n_left;
};

/* runner.c */
void runner_feed(struct runner *r, const struct unit_event *event);
enum result runner_result_of(const struct lxd_answer *a);
int runner_request(struct runner *r, const char *method, const char *suffix, json_object *body,
                   int64_t deadline_ns, lxd_handler handler) _warn_unused_;
int runner_arm_timer(struct runner *r, int64_t pause_ns) _warn_unused_;
void runner_add_record(struct runner *r, struct record *record, bool ends);
/* Cancels whatever is under way. */
void runner_cancel(struct runner *r);

/* runner-exec.c */
int runner_exec(struct runner *r, int64_t deadline_ns) _warn_unused_;
int runner_try_exec(struct runner *r, int64_t deadline_ns) _warn_unused_;
void runner_exec_clear(struct runner *r);

/* runner-wedge.c */
int runner_diagnose(struct runner *r) _warn_unused_;
int runner_climb(struct runner *r, enum rung rung) _warn_unused_;
/* A forced stop is a rung too, and is recorded as one. */
void runner_note_kill(struct runner *r, const struct lxd_answer *a);
/* The unit ends: what became of its wedge. */
void runner_close_wedge(struct runner *r);
void runner_cancel_wedge(struct runner *r);
