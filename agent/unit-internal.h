/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of the unit's state machine share: unit.c (which event leads where),
 * unit-forward.c (the phases, one after the other), unit-diagnose.c (what went wrong, and what
 * follows from it), unit-unwind.c (the way back, and the ladder).
 *
 * An event goes to the file that made the state it is for. Each function leads to one next action,
 * which it puts into *step.
 */

#include "agent/unit.h"

enum unit_state {
        S_NEW,
        S_CREATE,
        S_START,
        S_READY_LOOK,
        S_READY_EXEC,
        S_READY_PAUSE,
        S_EXEC,
        S_HELD,
        S_STOP,
        S_DELETE,
        S_VERIFY_LOOK,
        S_VERIFY,
        S_VERIFY_PAUSE,
        S_DIAGNOSE,
        S_UNWIND_LOOK,
        S_UNWIND_KILL,
        S_UNWIND_DELETE,
        S_UNWIND_PAUSE,
        S_UNWIND_INVENTORY,
        S_UNWIND_INVENTORY_PAUSE,
        S_UNWIND_RUNG,
        S_END,
};

/* How soon the host is asked again what it has, and how seldom at last. */
#define VERIFY_FIRST_NS (50 * NSEC_PER_MSEC)
#define VERIFY_MOST_NS  (1000 * NSEC_PER_MSEC)

/* ---- unit.c ---- */

/* Goes to a state, in which the answer to action is waited for. */
void unit_act(struct unit *u, enum unit_state state, enum unit_action action, int64_t deadline_ns,
              struct unit_step *step);
/* For u->pause_ns; the next pause is twice as long, up to most_ns. */
void unit_pause(struct unit *u, enum unit_state state, int64_t most_ns, struct unit_step *step);
void unit_end(struct unit *u, struct unit_step *step);
/* Ends it, and what the last inventory showed stays behind. */
void unit_leave(struct unit *u, struct unit_step *step);

/* ---- unit-forward.c ---- */

void forward_begin(struct unit *u, int64_t now_ns, int64_t now_realtime_ns, struct unit_step *step);
/* It was held long enough. */
void forward_finish(struct unit *u, int64_t now_ns, int64_t now_realtime_ns,
                    struct unit_step *step);
void forward_answered(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                      int64_t now_realtime_ns, struct unit_step *step);
void forward_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step);
void forward_inventoried(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                         int64_t now_realtime_ns, struct unit_step *step);
void forward_paused(struct unit *u, struct unit_step *step);
/* The present phase has ended so. The first that goes wrong decides the outcome. */
void forward_sample(struct unit *u, const struct unit_event *ev, enum result result, int64_t now_ns,
                    struct unit_step *step);

/* ---- unit-diagnose.c ---- */

/* The present phase went wrong: it ends so, and is diagnosed where the plan says so. */
void unit_fail(struct unit *u, const struct unit_event *ev, enum result result, int64_t now_ns,
               struct unit_step *step);
void unit_diagnosed(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step);
/* The watch says that the phase has stopped. */
void unit_stopped(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                  struct unit_step *step);

/* ---- unit-unwind.c ---- */

void unwind_begin(struct unit *u, int64_t now_ns, struct unit_step *step);
/* The same after a request that ended so. */
void unwind_failed(struct unit *u, enum result result, int64_t now_ns, struct unit_step *step);
/* The instance is gone for the API, or we have no more means: last look at the host, if the spec
 * wants one at all. */
void unwind_gone(struct unit *u, int64_t now_ns, struct unit_step *step);
/* After a pause, or when it was cut short: look again where there was something. */
void unwind_resume(struct unit *u, int64_t now_ns, struct unit_step *step);
void unwind_answered(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                     struct unit_step *step);
void unwind_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                   struct unit_step *step);
void unwind_inventoried(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                        struct unit_step *step);
