/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What went wrong in a phase: before anything is disturbed, somebody says whether it was a wedge,
 * and that decides how the unit is unwound, or that it is left as it is. See unit.h. */

#include "agent/unit-internal.h"

/* A command that ran and said no is nobody's wedge. */
static bool is_plain(const struct unit *u, const struct unit_event *ev)
{
        return !u->plan.diagnose || (u->state == S_EXEC && ev->exit_status > 0);
}

/* What verify found on the host stays as it is: that is the finding. */
static void go_back(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        if (u->phase != PHASE_VERIFY || u->instance_may_exist)
                unwind_failed(u, u->failed_as, now_ns, step);
        else if (u->verify_left)
                unit_leave(u, step);
        else
                unit_end(u, step);
}

void unit_fail(struct unit *u, const struct unit_event *ev, enum result result, int64_t now_ns,
               struct unit_step *step)
{
        forward_sample(u, ev, result, now_ns, step);
        u->failed_as = result;
        if (is_plain(u, ev))
                go_back(u, now_ns, step);
        else
                unit_act(u, S_DIAGNOSE, UNIT_DIAGNOSE, 0, step);
}

static void wedge(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        u->outcome = OUTCOME_WEDGED;
        if (u->plan.leave_wedged) {
                unit_leave(u, step);
                return;
        }
        u->wedged = true;
        if (u->instance_may_exist)
                unwind_begin(u, now_ns, step);
        else
                unwind_gone(u, now_ns, step);
}

void unit_diagnosed(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step)
{
        switch (ev->diagnosis) {
        case UNIT_WEDGED: wedge(u, now_ns, step); return;
        case UNIT_AWAY:
                /* A daemon that was killed forgets things: those are ours to remove. */
                u->outcome = OUTCOME_INTERRUPTED;
                u->away = !u->plan.leave_wedged;
                break;
        case UNIT_FAILED: break;
        }
        go_back(u, now_ns, step);
}

void unit_stopped(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                  struct unit_step *step)
{
        forward_sample(u, ev, RESULT_TIMEOUT, now_ns, step);
        wedge(u, now_ns, step);
}
