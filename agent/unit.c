/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The unit state machine: see unit.h. Here: which event leads where. Pure; everything comes in as
 * arguments. */

#include "agent/unit-internal.h"

void unit_init(struct unit *u, const struct unit_plan *plan)
{
        *u = (struct unit){
                .plan = *plan, .outcome = OUTCOME_PASSED, .rung = -1, .cleared_by = RUNG_ITSELF};
}

void unit_act(struct unit *u, enum unit_state state, enum unit_action action, int64_t deadline_ns,
              struct unit_step *step)
{
        u->state = state;
        step->action = action;
        step->deadline_ns = deadline_ns;
}

void unit_pause(struct unit *u, enum unit_state state, int64_t most_ns, struct unit_step *step)
{
        u->state = state;
        step->action = UNIT_PAUSE;
        step->pause_ns = u->pause_ns;
        u->pause_ns = MIN(u->pause_ns * 2, most_ns);
}

void unit_end(struct unit *u, struct unit_step *step)
{
        u->state = S_END;
        step->action = UNIT_END;
}

void unit_leave(struct unit *u, struct unit_step *step)
{
        step->leftovers = true;
        unit_end(u, step);
}

/* On its way out, or at the end of it. */
static bool is_unwinding(const struct unit *u)
{
        return u->state >= S_UNWIND_LOOK;
}

static void aborted(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step)
{
        struct unit_event why = *ev;

        if (u->state == S_DIAGNOSE) {
                unit_diagnosed(u, &(struct unit_event){.diagnosis = UNIT_FAILED}, now_ns, step);
                return;
        }
        if (is_unwinding(u)) {
                unwind_resume(u, now_ns, step);
                return;
        }
        if (u->state == S_HELD || u->state == S_NEW) {
                u->outcome = OUTCOME_INTERRUPTED;
                unwind_begin(u, now_ns, step);
                return;
        }
        why.code = 0;
        why.text = "cut short by us";
        forward_sample(u, &why, RESULT_INTERRUPTED, now_ns, step);
        if (u->state >= S_VERIFY_LOOK)
                unwind_gone(u, now_ns, step);
        else
                unwind_begin(u, now_ns, step);
}

static void recover(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        u->instance_may_exist = true;
        u->outcome = OUTCOME_INTERRUPTED;
        unwind_begin(u, now_ns, step);
}

void unit_feed(struct unit *u, const struct unit_event *ev, int64_t now_ns, int64_t now_realtime_ns,
               struct unit_step *ret)
{
        *ret = (struct unit_step){.action = UNIT_END};
        if (u->state == S_END)
                return;
        switch (ev->kind) {
        case UNIT_EVENT_BEGIN: forward_begin(u, now_ns, now_realtime_ns, ret); return;
        case UNIT_EVENT_RECOVER: recover(u, now_ns, ret); return;
        case UNIT_EVENT_ABORT: aborted(u, ev, now_ns, ret); return;
        case UNIT_EVENT_ANSWER:
                if (is_unwinding(u))
                        unwind_answered(u, ev, now_ns, ret);
                else
                        forward_answered(u, ev, now_ns, now_realtime_ns, ret);
                return;
        case UNIT_EVENT_LOOKED:
                if (is_unwinding(u))
                        unwind_looked(u, ev, now_ns, ret);
                else
                        forward_looked(u, ev, now_ns, ret);
                return;
        case UNIT_EVENT_INVENTORY:
                if (is_unwinding(u))
                        unwind_inventoried(u, ev, now_ns, ret);
                else
                        forward_inventoried(u, ev, now_ns, now_realtime_ns, ret);
                return;
        case UNIT_EVENT_PAUSED:
                if (is_unwinding(u))
                        unwind_resume(u, now_ns, ret);
                else
                        forward_paused(u, ret);
                return;
        case UNIT_EVENT_DIAGNOSED: unit_diagnosed(u, ev, now_ns, ret); return;
        case UNIT_EVENT_WEDGED: unit_stopped(u, ev, now_ns, ret); return;
        case UNIT_EVENT_FINISH: forward_finish(u, now_ns, now_realtime_ns, ret); return;
        case UNIT_EVENT_KEEP: unit_end(u, ret); return;
        }
}

bool unit_in_phase(const struct unit *u)
{
        return u->state >= S_CREATE && u->state <= S_VERIFY_PAUSE && u->state != S_HELD;
}

const char *unit_state_name(const struct unit *u)
{
        if (u->state == S_NEW)
                return "new";
        if (u->state == S_END)
                return "ended";
        if (u->state == S_HELD)
                return "held";
        if (u->state == S_DIAGNOSE)
                return "diagnose";
        if (is_unwinding(u))
                return "unwind";
        return phase_name(u->phase);
}
