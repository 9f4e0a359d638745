/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unwinding: what is there is looked at, stopped by force and deleted, and the host looked over,
 * until nothing is left or the time is up. Where it was a wedge, it goes by the ladder, a rung each
 * time it does not get on. See unit.h. */

#include "agent/unit-internal.h"

#define UNWIND_FIRST_NS   (250 * NSEC_PER_MSEC)
#define UNWIND_MOST_NS    (5 * NSEC_PER_SEC)
#define UNWIND_REQUEST_NS (120 * NSEC_PER_SEC)
/* A request of the ladder: what is wedged may well not answer, and the next rung waits. A
 * stuck monitor costs LXD 5 s, a stale lock 30 s. */
#define RUNG_REQUEST_NS (35 * NSEC_PER_SEC)
/* How long the host may take to let go before a rung is tried on it. */
#define RUNG_GRACE_NS (2 * NSEC_PER_SEC)
/* A create whose answer was lost may still be carried out: absent is believed
 * only when seen so often. */
#define ABSENT_LOOKS 3

static int64_t request_deadline(const struct unit *u, int64_t now_ns)
{
        return now_ns + (u->wedged ? RUNG_REQUEST_NS : UNWIND_REQUEST_NS);
}

static void look(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        unit_act(u, S_UNWIND_LOOK, UNIT_LOOK, request_deadline(u, now_ns), step);
}

static void take_inventory(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        unit_act(u, S_UNWIND_INVENTORY, UNIT_INVENTORY, now_ns + UNWIND_REQUEST_NS, step);
}

/* The next rung of the ladder; false: there is none, or nothing is wedged. */
static bool climb(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        /* What is left of an instance that is gone is none of the daemon's. */
        int top = u->plan.may_restart && !u->host_only ? RUNG_RESTART : RUNG_UNMOUNT;

        if (!(u->wedged || (u->away && u->host_only)) || u->rung >= top)
                return false;
        u->rung++;
        /* The forced stop is part of every round, so it is no rung to be climbed again. */
        if (u->rung == RUNG_STOP)
                u->rung++;
        unit_act(u, S_UNWIND_RUNG, UNIT_RUNG, now_ns + RUNG_REQUEST_NS, step);
        step->rung = (enum rung)u->rung;
        return true;
}

/* It stays, or cannot be looked at. */
static void give_up(struct unit *u, bool leftovers, struct unit_step *step)
{
        if (u->outcome == OUTCOME_PASSED)
                u->outcome = OUTCOME_FAILED;
        step->leftovers = leftovers;
        unit_end(u, step);
}

/* ---- the beginning, and where it goes on ---- */

void unwind_begin(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        if (!u->instance_may_exist) {
                unit_end(u, step);
                return;
        }
        u->unwind_start_ns = now_ns;
        u->pause_ns = UNWIND_FIRST_NS;
        u->absent_looks = 0;
        if (!climb(u, now_ns, step))
                look(u, now_ns, step);
}

void unwind_failed(struct unit *u, enum result result, int64_t now_ns, struct unit_step *step)
{
        unwind_begin(u, now_ns, step);
        /* A no is an answer: nothing is still under way that could make it appear. */
        if (result == RESULT_FAIL)
                u->absent_looks = ABSENT_LOOKS - 1;
}

void unwind_gone(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        /* What the rungs may do is more now: from the first that is the host's, once more. */
        if (!u->host_only)
                u->rung = MIN(u->rung, (int)RUNG_STOP);
        u->instance_may_exist = false;
        u->host_only = true;
        u->pause_ns = VERIFY_FIRST_NS;
        u->unwind_start_ns = now_ns;
        if (u->plan.phases & PHASE_BIT(PHASE_VERIFY))
                take_inventory(u, now_ns, step);
        else
                unit_end(u, step);
}

void unwind_resume(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        if (u->host_only)
                take_inventory(u, now_ns, step);
        else
                look(u, now_ns, step);
}

/* ---- while the API knows it ---- */

/* It did not get on: another rung, or the same again later. */
static void try_again(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                      struct unit_step *step)
{
        if (ev->text && ev->text[0])
                snprintf(u->last_error, sizeof(u->last_error), "%s", ev->text);
        if (ev->seen != UNIT_SEEN_ABSENT && climb(u, now_ns, step))
                return;
        if (now_ns - u->unwind_start_ns >= u->plan.settle_limit_ns)
                give_up(u, true, step);
        else
                unit_pause(u, S_UNWIND_PAUSE, UNWIND_MOST_NS, step);
}

void unwind_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                   struct unit_step *step)
{
        switch (ev->seen) {
        case UNIT_SEEN_FOREIGN:
                u->instance_may_exist = false;
                unit_end(u, step);
                return;
        case UNIT_SEEN_ABSENT:
                if (++u->absent_looks >= ABSENT_LOOKS)
                        unwind_gone(u, now_ns, step);
                else
                        try_again(u, ev, now_ns, step);
                return;
        case UNIT_SEEN_STOPPED:
                unit_act(u, S_UNWIND_DELETE, UNIT_DELETE, request_deadline(u, now_ns), step);
                return;
        case UNIT_SEEN_RUNNING:
        case UNIT_SEEN_OTHER:
                unit_act(u, S_UNWIND_KILL, UNIT_KILL, request_deadline(u, now_ns), step);
                return;
        case UNIT_SEEN_UNKNOWN: try_again(u, ev, now_ns, step); return;
        }
}

static void tried_rung(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                       struct unit_step *step)
{
        if (ev->result == RESULT_OK)
                u->cleared_by = u->rung;
        u->pause_ns = VERIFY_FIRST_NS;
        unwind_resume(u, now_ns, step);
}

/* Of a rung, a forced stop or a delete. Whatever it says, what is there is looked at again. */
void unwind_answered(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                     struct unit_step *step)
{
        if (u->state == S_UNWIND_RUNG) {
                tried_rung(u, ev, now_ns, step);
                return;
        }
        if (ev->result != RESULT_OK) {
                try_again(u, ev, now_ns, step);
                return;
        }
        /* It may be a rung that did something before that made the stop work. */
        if (u->state == S_UNWIND_KILL &&
            (u->cleared_by == RUNG_ITSELF || u->cleared_by == RUNG_CANCEL))
                u->cleared_by = RUNG_STOP;
        if (u->state == S_UNWIND_DELETE)
                u->absent_looks = ABSENT_LOOKS - 1;
        look(u, now_ns, step);
}

/* ---- when only the host may have parts of it ---- */

void unwind_inventoried(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                        struct unit_step *step)
{
        if (ev->result == RESULT_OK && ev->n_left == 0)
                unit_end(u, step);
        else if (now_ns - u->unwind_start_ns >= RUNG_GRACE_NS && climb(u, now_ns, step))
                u->unwind_start_ns = now_ns;
        else if (now_ns - u->unwind_start_ns >= u->plan.verify_grace_ns)
                give_up(u, ev->n_left > 0, step);
        else
                unit_pause(u, S_UNWIND_INVENTORY_PAUSE, VERIFY_MOST_NS, step);
}
