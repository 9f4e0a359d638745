/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The unit state machine: see unit.h. Pure; everything comes in as arguments. */

#include "agent/unit.h"

enum state {
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

#define READY_POLL_NS     (100 * NSEC_PER_MSEC)
#define VERIFY_FIRST_NS   (50 * NSEC_PER_MSEC)
#define VERIFY_MOST_NS    (1000 * NSEC_PER_MSEC)
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
/* An instance that is stopped right after a start that succeeded: its init
 * has died, unless the state was read too early. */
#define STOPPED_LOOKS 3
/* Running, but an exec fails again and again: at 100 ms each, three seconds. */
#define FAILED_TRIES 30

void unit_init(struct unit *u, const struct unit_plan *plan)
{
        *u = (struct unit){
                .plan = *plan, .outcome = OUTCOME_PASSED, .rung = -1, .cleared_by = RUNG_ITSELF};
}

static void act(struct unit_step *step, enum unit_action action, int64_t deadline_ns)
{
        step->action = action;
        step->deadline_ns = deadline_ns;
}

static void pause_for(struct unit_step *step, int64_t ns)
{
        step->action = UNIT_PAUSE;
        step->pause_ns = ns;
}

static void end(struct unit *u, struct unit_step *step)
{
        u->state = S_END;
        step->action = UNIT_END;
}

/* ---- samples ---- */

static void take_sample(struct unit *u, const struct unit_event *ev, enum result result,
                        int64_t now_ns, struct unit_step *step)
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
        /* The first thing that goes wrong decides. */
        if (result == RESULT_INTERRUPTED) {
                if (u->outcome == OUTCOME_PASSED)
                        u->outcome = OUTCOME_INTERRUPTED;
        } else if (result != RESULT_OK && u->outcome == OUTCOME_PASSED) {
                u->outcome = OUTCOME_FAILED;
        }
}

/* ---- unwinding ---- */

static void unwind_inventory(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        u->state = S_UNWIND_INVENTORY;
        act(step, UNIT_INVENTORY, now_ns + UNWIND_REQUEST_NS);
}

/* The instance is gone for the API, or we have no more means: last look at the
 * host, if the spec wants one at all. */
static void unwind_gone(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        /* What the rungs may do is more now: from the first that is the host's, once more. */
        if (!u->host_only)
                u->rung = MIN(u->rung, (int)RUNG_STOP);
        u->instance_may_exist = false;
        u->host_only = true;
        u->pause_ns = VERIFY_FIRST_NS;
        u->unwind_start_ns = now_ns;
        if (u->plan.phases & PHASE_BIT(PHASE_VERIFY))
                unwind_inventory(u, now_ns, step);
        else
                end(u, step);
}

static int64_t unwind_deadline(const struct unit *u, int64_t now_ns)
{
        return now_ns + (u->wedged ? RUNG_REQUEST_NS : UNWIND_REQUEST_NS);
}

static void unwind_look(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        u->state = S_UNWIND_LOOK;
        act(step, UNIT_LOOK, unwind_deadline(u, now_ns));
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
        u->state = S_UNWIND_RUNG;
        act(step, UNIT_RUNG, now_ns + RUNG_REQUEST_NS);
        step->rung = (enum rung)u->rung;
        return true;
}

/* After a rung: look again where there was something. */
static void climbed(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        u->pause_ns = VERIFY_FIRST_NS;
        if (u->host_only)
                unwind_inventory(u, now_ns, step);
        else
                unwind_look(u, now_ns, step);
}

static void unwind_begin(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        if (!u->instance_may_exist) {
                end(u, step);
                return;
        }
        u->unwind_start_ns = now_ns;
        u->pause_ns = UNWIND_FIRST_NS;
        u->absent_looks = 0;
        if (!climb(u, now_ns, step))
                unwind_look(u, now_ns, step);
}

static void unwind_again(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                         struct unit_step *step)
{
        if (ev->text && ev->text[0])
                snprintf(u->last_error, sizeof(u->last_error), "%s", ev->text);
        if (ev->seen != UNIT_SEEN_ABSENT && climb(u, now_ns, step))
                return;
        if (now_ns - u->unwind_start_ns >= u->plan.settle_limit_ns) {
                /* It stays. What is left of it is reported as such. */
                if (u->outcome == OUTCOME_PASSED)
                        u->outcome = OUTCOME_FAILED;
                step->leftovers = true;
                end(u, step);
                return;
        }
        u->state = S_UNWIND_PAUSE;
        pause_for(step, u->pause_ns);
        u->pause_ns = MIN(u->pause_ns * 2, UNWIND_MOST_NS);
}

static void unwind_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                          struct unit_step *step)
{
        switch (ev->seen) {
        case UNIT_SEEN_FOREIGN:
                u->instance_may_exist = false;
                end(u, step);
                return;
        case UNIT_SEEN_ABSENT:
                if (++u->absent_looks >= ABSENT_LOOKS)
                        unwind_gone(u, now_ns, step);
                else
                        unwind_again(u, ev, now_ns, step);
                return;
        case UNIT_SEEN_STOPPED:
                u->state = S_UNWIND_DELETE;
                act(step, UNIT_DELETE, unwind_deadline(u, now_ns));
                return;
        case UNIT_SEEN_RUNNING:
        case UNIT_SEEN_OTHER:
                u->state = S_UNWIND_KILL;
                act(step, UNIT_KILL, unwind_deadline(u, now_ns));
                return;
        case UNIT_SEEN_UNKNOWN: unwind_again(u, ev, now_ns, step); return;
        }
}

static void unwind_inventoried(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                               struct unit_step *step)
{
        if (ev->result == RESULT_OK && ev->n_left == 0) {
                end(u, step);
        } else if (now_ns - u->unwind_start_ns >= RUNG_GRACE_NS && climb(u, now_ns, step)) {
                u->unwind_start_ns = now_ns;
        } else if (now_ns - u->unwind_start_ns >= u->plan.verify_grace_ns) {
                if (u->outcome == OUTCOME_PASSED)
                        u->outcome = OUTCOME_FAILED;
                step->leftovers = ev->n_left > 0;
                end(u, step);
        } else {
                u->state = S_UNWIND_INVENTORY_PAUSE;
                pause_for(step, u->pause_ns);
                u->pause_ns = MIN(u->pause_ns * 2, VERIFY_MOST_NS);
        }
}

/* ---- the way there ---- */

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
        u->state = entry[phase].state;
        act(step, entry[phase].action, phase_deadline(u));
}

/* The phase that follows the current one, with the hold of a density run
 * before stop. */
static void advance(struct unit *u, int64_t now_ns, int64_t now_realtime_ns, struct unit_step *step)
{
        for (int p = (int)u->phase + 1; p < PHASE_MAX_; p++) {
                if (p >= PHASE_STOP && u->plan.hold && !u->held) {
                        u->held = true;
                        u->phase = PHASE_EXEC; /* so that FINISH goes on with stop */
                        u->state = S_HELD;
                        step->action = UNIT_HOLD;
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

/* A command that ran and said no is nobody's wedge. */
static bool is_plain(const struct unit *u, const struct unit_event *ev)
{
        return !u->plan.diagnose || (u->state == S_EXEC && ev->exit_status > 0);
}

static void unwind_failed(struct unit *u, enum result result, int64_t now_ns,
                          struct unit_step *step)
{
        unwind_begin(u, now_ns, step);
        /* A no is an answer: nothing is still under way that could make it appear. */
        if (result == RESULT_FAIL)
                u->absent_looks = ABSENT_LOOKS - 1;
}

static void fail(struct unit *u, const struct unit_event *ev, enum result result, int64_t now_ns,
                 struct unit_step *step)
{
        take_sample(u, ev, result, now_ns, step);
        u->failed_as = result;
        if (is_plain(u, ev)) {
                unwind_failed(u, result, now_ns, step);
                return;
        }
        u->state = S_DIAGNOSE;
        step->action = UNIT_DIAGNOSE;
}

/* What a wedge leaves, or what verify found, stays as it is. */
static void leave(struct unit *u, struct unit_step *step)
{
        step->leftovers = true;
        end(u, step);
}

static void wedge(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        u->outcome = OUTCOME_WEDGED;
        if (u->plan.leave_wedged) {
                leave(u, step);
                return;
        }
        u->wedged = true;
        if (u->instance_may_exist) {
                unwind_begin(u, now_ns, step);
                return;
        }
        unwind_gone(u, now_ns, step);
}

static void diagnosed(struct unit *u, const struct unit_event *ev, int64_t now_ns,
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
        if (u->phase != PHASE_VERIFY || u->instance_may_exist)
                unwind_failed(u, u->failed_as, now_ns, step);
        else if (u->verify_left)
                leave(u, step);
        else
                end(u, step);
}

/* The watch says that the phase has stopped. */
static void stopped(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step)
{
        take_sample(u, ev, RESULT_TIMEOUT, now_ns, step);
        wedge(u, now_ns, step);
}

static void pass(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                 int64_t now_realtime_ns, struct unit_step *step)
{
        take_sample(u, ev, RESULT_OK, now_ns, step);
        advance(u, now_ns, now_realtime_ns, step);
}

static bool phase_over(const struct unit *u, int64_t now_ns)
{
        return !u->plan.diagnose && now_ns - u->phase_start_ns >= u->plan.deadline_ns[u->phase];
}

static void ready_again(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                        struct unit_step *step)
{
        if (phase_over(u, now_ns)) {
                fail(u, ev, RESULT_TIMEOUT, now_ns, step);
                return;
        }
        u->state = S_READY_PAUSE;
        pause_for(step, READY_POLL_NS);
}

static void ready_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                         struct unit_step *step)
{
        struct unit_event why = *ev;

        if (ev->result == RESULT_LOST || ev->result == RESULT_TIMEOUT) {
                fail(u, ev, ev->result, now_ns, step);
        } else if (ev->seen == UNIT_SEEN_RUNNING) {
                u->state = S_READY_EXEC;
                act(step, UNIT_TRY_EXEC, phase_deadline(u));
        } else if (ev->seen == UNIT_SEEN_ABSENT || ev->seen == UNIT_SEEN_FOREIGN) {
                why.text = "the instance is gone though nobody deleted it";
                fail(u, &why, RESULT_FAIL, now_ns, step);
        } else if (ev->seen == UNIT_SEEN_STOPPED && ++u->stopped_looks >= STOPPED_LOOKS) {
                why.text = "the instance stopped by itself right after its start: its init ended";
                fail(u, &why, RESULT_FAIL, now_ns, step);
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
                fail(u, ev, ev->result, now_ns, step);
        else if (phase_over(u, now_ns) || ++u->failed_tries >= FAILED_TRIES)
                fail(u, ev, RESULT_FAIL, now_ns, step);
        else
                ready_again(u, ev, now_ns, step);
}

static void executed(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                     int64_t now_realtime_ns, struct unit_step *step)
{
        if (ev->result != RESULT_OK) {
                fail(u, ev, ev->result, now_ns, step);
                return;
        }
        take_sample(u, ev, RESULT_OK, now_ns, step);
        if (u->exec_step + 1 < u->plan.n_exec) {
                u->exec_step++;
                enter(u, PHASE_EXEC, now_ns, now_realtime_ns, step);
        } else {
                advance(u, now_ns, now_realtime_ns, step);
        }
}

/* First the API: a delete that LXD reported done, of an instance it still lists. */
static void verify_looked(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                          struct unit_step *step)
{
        struct unit_event why = *ev;

        switch (ev->seen) {
        case UNIT_SEEN_ABSENT:
        case UNIT_SEEN_FOREIGN:
                u->state = S_VERIFY;
                act(step, UNIT_INVENTORY, phase_deadline(u));
                return;
        case UNIT_SEEN_UNKNOWN: fail(u, ev, ev->result, now_ns, step); return;
        default:
                u->instance_may_exist = true;
                why.text = "LXD says it is deleted, but still lists it";
                fail(u, &why, RESULT_FAIL, now_ns, step);
        }
}

static void verified(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                     int64_t now_realtime_ns, struct unit_step *step)
{
        struct unit_event why = *ev;

        if (ev->result == RESULT_OK && ev->n_left == 0) {
                pass(u, ev, now_ns, now_realtime_ns, step);
                return;
        }
        if (now_ns - u->phase_start_ns < u->plan.verify_grace_ns) {
                u->state = S_VERIFY_PAUSE;
                pause_for(step, u->pause_ns);
                u->pause_ns = MIN(u->pause_ns * 2, VERIFY_MOST_NS);
                return;
        }
        if (ev->result == RESULT_OK)
                why.text = "LXD says it is deleted, but the host still has parts of it";
        take_sample(u, &why, ev->result == RESULT_OK ? RESULT_FAIL : ev->result, now_ns, step);
        u->verify_left = ev->n_left > 0;
        if (u->plan.diagnose) {
                u->state = S_DIAGNOSE;
                step->action = UNIT_DIAGNOSE;
        } else {
                step->leftovers = u->verify_left;
                end(u, step);
        }
}

static void answered(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                     int64_t now_realtime_ns, struct unit_step *step)
{
        switch (u->state) {
        case S_READY_EXEC: ready_executed(u, ev, now_ns, now_realtime_ns, step); return;
        case S_EXEC: executed(u, ev, now_ns, now_realtime_ns, step); return;
        case S_UNWIND_RUNG:
                if (ev->result == RESULT_OK)
                        u->cleared_by = u->rung;
                climbed(u, now_ns, step);
                return;
        case S_UNWIND_KILL:
        case S_UNWIND_DELETE:
                /* It may be a rung that did something before that made the stop work. */
                if (ev->result == RESULT_OK && u->state == S_UNWIND_KILL &&
                    (u->cleared_by == RUNG_ITSELF || u->cleared_by == RUNG_CANCEL))
                        u->cleared_by = RUNG_STOP;
                /* Whatever it says, look what is there. */
                if (ev->result != RESULT_OK) {
                        unwind_again(u, ev, now_ns, step);
                } else if (u->state == S_UNWIND_DELETE) {
                        u->absent_looks = ABSENT_LOOKS - 1;
                        unwind_look(u, now_ns, step);
                } else {
                        unwind_look(u, now_ns, step);
                }
                return;
        default: break;
        }
        if (ev->result != RESULT_OK) {
                fail(u, ev, ev->result, now_ns, step);
                return;
        }
        if (u->state == S_DELETE)
                u->instance_may_exist = false;
        pass(u, ev, now_ns, now_realtime_ns, step);
}

static void paused(struct unit *u, int64_t now_ns, struct unit_step *step)
{
        switch (u->state) {
        case S_READY_PAUSE:
                u->state = S_READY_LOOK;
                act(step, UNIT_LOOK, phase_deadline(u));
                return;
        case S_VERIFY_PAUSE:
                u->state = S_VERIFY;
                act(step, UNIT_INVENTORY, phase_deadline(u));
                return;
        case S_UNWIND_INVENTORY_PAUSE: unwind_inventory(u, now_ns, step); return;
        default: unwind_look(u, now_ns, step); return;
        }
}

static void aborted(struct unit *u, const struct unit_event *ev, int64_t now_ns,
                    struct unit_step *step)
{
        struct unit_event why = *ev;

        if (u->state == S_DIAGNOSE) {
                diagnosed(u, &(struct unit_event){.diagnosis = UNIT_FAILED}, now_ns, step);
                return;
        }
        if (u->state >= S_UNWIND_LOOK) {
                /* It is on its way out already; what was cancelled is asked again. */
                if (u->host_only)
                        unwind_inventory(u, now_ns, step);
                else
                        unwind_look(u, now_ns, step);
                return;
        }
        if (u->state == S_HELD || u->state == S_NEW) {
                u->outcome = OUTCOME_INTERRUPTED;
                unwind_begin(u, now_ns, step);
                return;
        }
        why.code = 0;
        why.text = "cut short by us";
        take_sample(u, &why, RESULT_INTERRUPTED, now_ns, step);
        if (u->state >= S_VERIFY_LOOK)
                unwind_gone(u, now_ns, step);
        else
                unwind_begin(u, now_ns, step);
}

void unit_feed(struct unit *u, const struct unit_event *ev, int64_t now_ns, int64_t now_realtime_ns,
               struct unit_step *ret)
{
        *ret = (struct unit_step){.action = UNIT_END};
        if (u->state == S_END)
                return;
        switch (ev->kind) {
        case UNIT_EVENT_BEGIN:
                u->instance_may_exist = true;
                enter(u, PHASE_CREATE, now_ns, now_realtime_ns, ret);
                return;
        case UNIT_EVENT_RECOVER:
                u->instance_may_exist = true;
                u->outcome = OUTCOME_INTERRUPTED;
                unwind_begin(u, now_ns, ret);
                return;
        case UNIT_EVENT_ABORT: aborted(u, ev, now_ns, ret); return;
        case UNIT_EVENT_ANSWER: answered(u, ev, now_ns, now_realtime_ns, ret); return;
        case UNIT_EVENT_LOOKED:
                if (u->state == S_UNWIND_LOOK)
                        unwind_looked(u, ev, now_ns, ret);
                else if (u->state == S_VERIFY_LOOK)
                        verify_looked(u, ev, now_ns, ret);
                else
                        ready_looked(u, ev, now_ns, ret);
                return;
        case UNIT_EVENT_INVENTORY:
                if (u->state == S_UNWIND_INVENTORY)
                        unwind_inventoried(u, ev, now_ns, ret);
                else
                        verified(u, ev, now_ns, now_realtime_ns, ret);
                return;
        case UNIT_EVENT_PAUSED: paused(u, now_ns, ret); return;
        case UNIT_EVENT_DIAGNOSED: diagnosed(u, ev, now_ns, ret); return;
        case UNIT_EVENT_WEDGED: stopped(u, ev, now_ns, ret); return;
        case UNIT_EVENT_FINISH:
                u->phase = PHASE_EXEC;
                advance(u, now_ns, now_realtime_ns, ret);
                return;
        case UNIT_EVENT_KEEP: end(u, ret); return;
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
        if (u->state >= S_UNWIND_LOOK)
                return "unwind";
        return phase_name(u->phase);
}
