/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way there: the phases one after the other, each of which ends with a sample. See unit.h. */

#include "agent/unit-internal.h"

#define READY_POLL_NS (100 * NSEC_PER_MSEC)
/* An instance that is stopped right after a start that succeeded: its init
 * has died, unless the state was read too early. */
#define STOPPED_LOOKS 3
/* Running, but an exec fails again and again: at 100 ms each, three seconds. */
#define FAILED_TRIES 30

void forward_sample(struct unit *u, const struct unit_event *ev, enum result result, int64_t now_ns,
                    struct unit_step *step)
{
        struct unit_sample *s = &step->sample;

        step->has_sample = true;
        s->phase = u->phase;
        s->step = u->phase == PHASE_EXEC ? (int64_t)u->exec_step : 0;
        s->start_realtime_ns = u->phase_start_realtime_ns;
        s->start_monotonic_ns = u->phase_start_ns;
        s->duration_ns = (ev->ended_ns ? ev->ended_ns : now_ns) - u->phase_start_ns;
        s->result = result;
        s->code = ev->code;
        s->text[0] = '\0';
        if (result != RESULT_OK)
                snprintf(s->text, sizeof(s->text), "%s", ev->text ? ev->text : "");
        if (result == RESULT_INTERRUPTED) {
                if (u->outcome == OUTCOME_PASSED)
                        u->outcome = OUTCOME_INTERRUPTED;
        } else if (result != RESULT_OK && u->outcome == OUTCOME_PASSED) {
                u->outcome = OUTCOME_FAILED;
        }
}

/* ---- from phase to phase ---- */

static bool wants(const struct unit *u, enum phase p)
{
        return u->plan.phases & PHASE_BIT(p);
}

/* Where somebody watches, a request is not given up because of the time alone. */
static int64_t phase_deadline(const struct unit *u)
{
        return u->plan.diagnose ? 0 : u->phase_start_ns + u->plan.deadline_ns[u->phase];
}

static void enter(struct unit *u, enum phase phase, int64_t now_ns, int64_t now_realtime_ns,
                  struct unit_step *step)
{
        static const struct {
                int state;
                enum unit_action action;
        } entry[] = {
                [PHASE_CREATE] = {S_CREATE, UNIT_CREATE},
                [PHASE_START] = {S_START, UNIT_START},
                [PHASE_READY] = {S_READY_LOOK, UNIT_LOOK},
                [PHASE_EXEC] = {S_EXEC, UNIT_EXEC},
                [PHASE_STOP] = {S_STOP, UNIT_STOP},
                [PHASE_DELETE] = {S_DELETE, UNIT_DELETE},
                [PHASE_VERIFY] = {S_VERIFY_LOOK, UNIT_LOOK},
        };

        u->phase = phase;
        u->phase_start_ns = now_ns;
        u->phase_start_realtime_ns = now_realtime_ns;
        u->pause_ns = VERIFY_FIRST_NS;
        unit_act(u, entry[phase].state, entry[phase].action, phase_deadline(u), step);
}

/* The phase that follows the current one, with the hold of a density run
 * before stop. */
static void advance(struct unit *u, int64_t now_ns, int64_t now_realtime_ns, struct unit_step *step)
{
        for (int p = (int)u->phase + 1; p < PHASE_MAX_; p++) {
                if (p >= PHASE_STOP && u->plan.hold && !u->held) {
                        u->held = true;
                        u->phase = PHASE_EXEC; /* so that FINISH goes on with stop */
                        unit_act(u, S_HELD, UNIT_HOLD, 0, step);
                        return;
                }
                if (!wants(u, p) || (p == PHASE_EXEC && u->plan.n_exec == 0))
                        continue;
                u->exec_step = 0;
                enter(u, p, now_ns, now_realtime_ns, step);
                return;
        }
        /* Phases without a delete still leave the host as it was. */
        unwind_begin(u, now_ns, step);
}

static void pass(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                 int64_t now_realtime_ns, struct unit_step *step)
{
        forward_sample(u, ev, RESULT_OK, now_ns, step);
        advance(u, now_ns, now_realtime_ns, step);
}

void forward_begin(struct unit *u, int64_t now_ns, int64_t now_realtime_ns, struct unit_step *step)
{
        u->instance_may_exist = true;
        enter(u, PHASE_CREATE, now_ns, now_realtime_ns, step);
}

void forward_finish(struct unit *u, int64_t now_ns, int64_t now_realtime_ns, struct unit_step *step)
{
        u->phase = PHASE_EXEC;
        advance(u, now_ns, now_realtime_ns, step);
}

/* ---- ready ---- */

static bool phase_over(const struct unit *u, int64_t now_ns)
{
        return !u->plan.diagnose && now_ns - u->phase_start_ns >= u->plan.deadline_ns[u->phase];
}

static void ready_again(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                        struct unit_step *step)
{
        if (phase_over(u, now_ns)) {
                unit_fail(u, ev, RESULT_TIMEOUT, now_ns, step);
                return;
        }
        u->pause_ns = READY_POLL_NS;
        unit_pause(u, S_READY_PAUSE, READY_POLL_NS, step);
}

static void ready_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                         struct unit_step *step)
{
        struct unit_event why = *ev;

        if (ev->result == RESULT_LOST || ev->result == RESULT_TIMEOUT) {
                unit_fail(u, ev, ev->result, now_ns, step);
        } else if (ev->seen == UNIT_SEEN_RUNNING) {
                unit_act(u, S_READY_EXEC, UNIT_TRY_EXEC, phase_deadline(u), step);
        } else if (ev->seen == UNIT_SEEN_ABSENT || ev->seen == UNIT_SEEN_FOREIGN) {
                why.text = "the instance is gone though nobody deleted it";
                unit_fail(u, &why, RESULT_FAIL, now_ns, step);
        } else if (ev->seen == UNIT_SEEN_STOPPED && ++u->stopped_looks >= STOPPED_LOOKS) {
                why.text = "the instance stopped by itself right after its start: its init ended";
                unit_fail(u, &why, RESULT_FAIL, now_ns, step);
        } else {
                if (ev->seen != UNIT_SEEN_STOPPED)
                        u->stopped_looks = 0;
                why.text = "the instance did not come to the state Running";
                ready_again(u, &why, now_ns, step);
        }
}

/* 126 and 127: there is no such command in it; but it was entered. */
static void ready_executed(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                           int64_t now_realtime_ns, struct unit_step *step)
{
        if (ev->result == RESULT_OK || ev->exit_status == 127 || ev->exit_status == 126)
                pass(u, ev, now_ns, now_realtime_ns, step);
        else if (ev->result == RESULT_LOST || ev->result == RESULT_TIMEOUT)
                unit_fail(u, ev, ev->result, now_ns, step);
        else if (phase_over(u, now_ns) || ++u->failed_tries >= FAILED_TRIES)
                unit_fail(u, ev, RESULT_FAIL, now_ns, step);
        else
                ready_again(u, ev, now_ns, step);
}

/* ---- exec ---- */

static void executed(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                     int64_t now_realtime_ns, struct unit_step *step)
{
        if (ev->result != RESULT_OK) {
                unit_fail(u, ev, ev->result, now_ns, step);
                return;
        }
        forward_sample(u, ev, RESULT_OK, now_ns, step);
        if (u->exec_step + 1 < u->plan.n_exec) {
                u->exec_step++;
                enter(u, PHASE_EXEC, now_ns, now_realtime_ns, step);
        } else {
                advance(u, now_ns, now_realtime_ns, step);
        }
}

/* ---- verify ---- */

/* First the API: a delete that LXD reported done, of an instance it still lists. */
static void verify_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                          struct unit_step *step)
{
        struct unit_event why = *ev;

        switch (ev->seen) {
        case UNIT_SEEN_ABSENT:
        case UNIT_SEEN_FOREIGN:
                unit_act(u, S_VERIFY, UNIT_INVENTORY, phase_deadline(u), step);
                return;
        case UNIT_SEEN_UNKNOWN: unit_fail(u, ev, ev->result, now_ns, step); return;
        default:
                u->instance_may_exist = true;
                why.text = "LXD says it is deleted, but still lists it";
                unit_fail(u, &why, RESULT_FAIL, now_ns, step);
        }
}

void forward_inventoried(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                         int64_t now_realtime_ns, struct unit_step *step)
{
        struct unit_event why = *ev;

        if (ev->result == RESULT_OK && ev->n_left == 0) {
                pass(u, ev, now_ns, now_realtime_ns, step);
                return;
        }
        if (now_ns - u->phase_start_ns < u->plan.verify_grace_ns) {
                unit_pause(u, S_VERIFY_PAUSE, VERIFY_MOST_NS, step);
                return;
        }
        if (ev->result == RESULT_OK)
                why.text = "LXD says it is deleted, but the host still has parts of it";
        u->verify_left = ev->n_left > 0;
        unit_fail(u, &why, ev->result == RESULT_OK ? RESULT_FAIL : ev->result, now_ns, step);
}

/* ---- whose answer it is ---- */

void forward_answered(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                      int64_t now_realtime_ns, struct unit_step *step)
{
        if (u->state == S_READY_EXEC) {
                ready_executed(u, ev, now_ns, now_realtime_ns, step);
        } else if (u->state == S_EXEC) {
                executed(u, ev, now_ns, now_realtime_ns, step);
        } else if (ev->result != RESULT_OK) {
                unit_fail(u, ev, ev->result, now_ns, step);
        } else {
                if (u->state == S_DELETE)
                        u->instance_may_exist = false;
                pass(u, ev, now_ns, now_realtime_ns, step);
        }
}

void forward_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step)
{
        if (u->state == S_VERIFY_LOOK)
                verify_looked(u, ev, now_ns, step);
        else
                ready_looked(u, ev, now_ns, step);
}

void forward_paused(struct unit *u, struct unit_step *step)
{
        if (u->state == S_READY_PAUSE)
                unit_act(u, S_READY_LOOK, UNIT_LOOK, phase_deadline(u), step);
        else
                unit_act(u, S_VERIFY, UNIT_INVENTORY, phase_deadline(u), step);
}
