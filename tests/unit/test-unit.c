/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The unit state machine, to the bottom: every phase that can go wrong, going
 * wrong in every way, and the promise that it always ends, and never by
 * touching what is not its own.
 */

#include "tests/unit/unit.h"

#include "agent/unit.h"

#define SEC NSEC_PER_SEC

static const struct unit_plan plan = {
        .phases = PHASES_ALL,
        .n_exec = 2,
        .deadline_ns = {600 * SEC, 600 * SEC, 600 * SEC, 600 * SEC, 600 * SEC, 600 * SEC,
                        600 * SEC},
        .verify_grace_ns = 10 * SEC,
        .settle_limit_ns = 300 * SEC,
};

/* A world around one unit: what is really there, and what goes wrong. */
struct world {
        struct unit unit;
        struct unit_step step;
        int64_t now_ns;
        enum unit_seen seen; /* what a look would find */
        size_t left;         /* what the host would still have after a delete */
        struct unit_sample samples[32];
        size_t n_samples;
        bool leftovers;
        unsigned deletes, kills;
        enum unit_diagnosis diagnosis; /* what a diagnosis would say */
};

static void note(struct world *w)
{
        if (w->step.has_sample) {
                assert_true(w->n_samples < ELEMENTSOF(w->samples));
                w->samples[w->n_samples++] = w->step.sample;
        }
        w->leftovers |= w->step.leftovers;
}

static void feed(struct world *w, struct unit_event ev)
{
        w->now_ns += NSEC_PER_MSEC;
        unit_feed(&w->unit, &ev, w->now_ns, w->now_ns + 1000 * SEC, &w->step);
        note(w);
}

static void world_init(struct world *w, const struct unit_plan *p)
{
        *w = (struct world){.seen = UNIT_SEEN_ABSENT};
        unit_init(&w->unit, p);
}

static struct unit_event answer(enum result result, const char *text)
{
        return (struct unit_event){.kind = UNIT_EVENT_ANSWER,
                                   .result = result,
                                   .text = text,
                                   .code = result == RESULT_FAIL ? 400 : 0,
                                   .exit_status = result == RESULT_OK ? 0 : -1};
}

/* Does what the unit asks for, in a world where it works. */
static struct unit_event good(struct world *w)
{
        switch (w->step.action) {
        case UNIT_CREATE: w->seen = UNIT_SEEN_STOPPED; return answer(RESULT_OK, "");
        case UNIT_START: w->seen = UNIT_SEEN_RUNNING; return answer(RESULT_OK, "");
        case UNIT_LOOK:
                return (struct unit_event){.kind = UNIT_EVENT_LOOKED,
                                           .result = w->seen == UNIT_SEEN_ABSENT ? RESULT_FAIL
                                                                                 : RESULT_OK,
                                           .seen = w->seen};
        case UNIT_TRY_EXEC:
        case UNIT_EXEC: return answer(RESULT_OK, "");
        case UNIT_STOP: w->seen = UNIT_SEEN_STOPPED; return answer(RESULT_OK, "");
        case UNIT_KILL:
                w->kills++;
                w->seen = UNIT_SEEN_STOPPED;
                return answer(RESULT_OK, "");
        case UNIT_DELETE:
                w->deletes++;
                w->seen = UNIT_SEEN_ABSENT;
                return answer(RESULT_OK, "");
        case UNIT_INVENTORY:
                return (struct unit_event){
                        .kind = UNIT_EVENT_INVENTORY, .result = RESULT_OK, .n_left = w->left};
        case UNIT_PAUSE:
                w->now_ns += w->step.pause_ns;
                return (struct unit_event){.kind = UNIT_EVENT_PAUSED};
        case UNIT_DIAGNOSE:
                return (struct unit_event){.kind = UNIT_EVENT_DIAGNOSED, .diagnosis = w->diagnosis};
        case UNIT_RUNG: return answer(RESULT_FAIL, "");
        case UNIT_HOLD: return (struct unit_event){.kind = UNIT_EVENT_FINISH};
        case UNIT_END: break;
        }
        fail();
        return (struct unit_event){0};
}

static void run_to_end(struct world *w)
{
        for (int i = 0; w->step.action != UNIT_END; i++) {
                assert_true(i < 10000);
                feed(w, good(w));
        }
}

static void begin(struct world *w)
{
        feed(w, (struct unit_event){.kind = UNIT_EVENT_BEGIN});
}

static void run_until(struct world *w, enum unit_action action)
{
        for (int i = 0; w->step.action != action; i++) {
                assert_true(i < 1000);
                assert_int_not_equal(w->step.action, UNIT_END);
                feed(w, good(w));
        }
}

static const struct unit_sample *last(const struct world *w)
{
        return &w->samples[w->n_samples - 1];
}

static void test_good_life(void **state)
{
        static const enum phase order[] = {PHASE_CREATE, PHASE_START, PHASE_READY,  PHASE_EXEC,
                                           PHASE_EXEC,   PHASE_STOP,  PHASE_DELETE, PHASE_VERIFY};
        struct world w;

        world_init(&w, &plan);
        begin(&w);
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);
        assert_int_equal(w.n_samples, ELEMENTSOF(order));
        for (size_t i = 0; i < w.n_samples; i++) {
                assert_int_equal(w.samples[i].phase, order[i]);
                assert_int_equal(w.samples[i].result, RESULT_OK);
                assert_true(w.samples[i].duration_ns > 0);
                if (i > 0)
                        assert_true(w.samples[i].start_monotonic_ns >=
                                    w.samples[i - 1].start_monotonic_ns +
                                            w.samples[i - 1].duration_ns);
        }
        assert_int_equal(w.samples[4].step, 1);
        assert_int_equal(w.kills, 0);
        assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
}

/* Every action, failing in every way: the unit ends, fails, and leaves nothing. */
static void test_each_failure(void **state)
{
        static const enum unit_action actions[] = {UNIT_CREATE, UNIT_START, UNIT_TRY_EXEC,
                                                   UNIT_EXEC,   UNIT_STOP,  UNIT_DELETE};
        static const enum result results[] = {RESULT_FAIL, RESULT_LOST, RESULT_TIMEOUT};

        for (size_t i = 0; i < ELEMENTSOF(actions); i++)
                for (size_t k = 0; k < ELEMENTSOF(results); k++) {
                        struct world w;

                        world_init(&w, &plan);
                        begin(&w);
                        run_until(&w, actions[i]);
                        if (actions[i] == UNIT_TRY_EXEC && results[k] == RESULT_FAIL)
                                continue; /* tried again; see test_ready */
                        feed(&w, answer(results[k], "it says no"));
                        assert_int_equal(last(&w)->result, results[k]);
                        assert_string_equal(last(&w)->text, "it says no");
                        run_to_end(&w);
                        assert_int_equal(w.unit.outcome, OUTCOME_FAILED);
                        assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
                        assert_false(w.leftovers);
                }
}

static void test_taken_name(void **state)
{
        struct world w;

        world_init(&w, &plan);
        begin(&w);
        w.seen = UNIT_SEEN_FOREIGN;
        feed(&w, answer(RESULT_FAIL, "Instance already exists"));
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_FAILED);
        assert_int_equal(w.deletes + w.kills, 0);
        assert_int_equal(w.seen, UNIT_SEEN_FOREIGN);
}

/* The answer to a create was lost; the instance appears after a first look. */
static void test_late_create(void **state)
{
        struct world w;

        world_init(&w, &plan);
        begin(&w);
        feed(&w, answer(RESULT_LOST, "connection closed"));
        assert_int_equal(w.step.action, UNIT_LOOK);
        feed(&w, good(&w));
        assert_int_equal(w.step.action, UNIT_PAUSE);
        w.seen = UNIT_SEEN_STOPPED;
        run_to_end(&w);
        assert_int_equal(w.deletes, 1);
        assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
}

static void test_ready(void **state)
{
        struct unit_event starting = {.kind = UNIT_EVENT_LOOKED, .seen = UNIT_SEEN_OTHER};
        struct unit_event stopped = {.kind = UNIT_EVENT_LOOKED, .seen = UNIT_SEEN_STOPPED};
        struct unit_event no_command = answer(RESULT_FAIL, "Command not found");
        struct world w;

        /* Not yet running, then an exec that is too early, then one that answers. */
        world_init(&w, &plan);
        begin(&w);
        run_until(&w, UNIT_LOOK);
        feed(&w, starting);
        assert_int_equal(w.step.action, UNIT_PAUSE);
        run_until(&w, UNIT_TRY_EXEC);
        feed(&w, answer(RESULT_FAIL, "Instance is not running"));
        assert_int_equal(w.step.action, UNIT_PAUSE);
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);

        /* No such command in it: it was entered all the same. */
        world_init(&w, &plan);
        begin(&w);
        run_until(&w, UNIT_TRY_EXEC);
        no_command.exit_status = 127;
        feed(&w, no_command);
        assert_int_equal(last(&w)->result, RESULT_OK);

        /* Its init dies at once. */
        world_init(&w, &plan);
        begin(&w);
        run_until(&w, UNIT_LOOK);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(w.step.action, UNIT_LOOK);
                w.seen = UNIT_SEEN_STOPPED;
                feed(&w, stopped);
                if (w.step.action == UNIT_PAUSE)
                        feed(&w, good(&w));
        }
        assert_int_equal(last(&w)->phase, PHASE_READY);
        assert_int_equal(last(&w)->result, RESULT_FAIL);

        /* It never runs: the phase's deadline. */
        world_init(&w, &plan);
        begin(&w);
        run_until(&w, UNIT_LOOK);
        while (w.n_samples == 2) {
                feed(&w, w.step.action == UNIT_LOOK ? starting : good(&w));
                w.now_ns += SEC;
        }
        assert_int_equal(last(&w)->result, RESULT_TIMEOUT);
}

static void test_deleted_but_alive(void **state)
{
        struct world w;

        world_init(&w, &plan);
        w.left = 3;
        begin(&w);
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_FAILED);
        assert_int_equal(last(&w)->phase, PHASE_VERIFY);
        assert_true(last(&w)->duration_ns >= plan.verify_grace_ns);
        assert_true(w.leftovers);

        /* Slow to let go, but within the grace: healthy. */
        world_init(&w, &plan);
        w.left = 1;
        begin(&w);
        run_until(&w, UNIT_INVENTORY);
        feed(&w, good(&w));
        w.left = 0;
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);
        assert_false(w.leftovers);
}

/* The delete was reported done, and the API still lists it. */
static void test_deleted_but_listed(void **state)
{
        struct world w;

        world_init(&w, &plan);
        begin(&w);
        run_until(&w, UNIT_DELETE);
        feed(&w, answer(RESULT_OK, ""));
        assert_int_equal(w.seen, UNIT_SEEN_STOPPED);
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_FAILED);
        assert_int_equal(last(&w)->phase, PHASE_VERIFY);
        assert_int_equal(last(&w)->result, RESULT_FAIL);
        assert_int_equal(w.seen, UNIT_SEEN_ABSENT); /* removed after all */
}

/* Nothing can be removed: it gives up in bounded time and says so. */
static void test_will_not_go(void **state)
{
        struct world w;
        int64_t begun;

        world_init(&w, &plan);
        begin(&w);
        run_until(&w, UNIT_STOP);
        feed(&w, answer(RESULT_TIMEOUT, "no end"));
        begun = w.now_ns;
        while (w.step.action != UNIT_END)
                feed(&w, w.step.action == UNIT_KILL ? answer(RESULT_FAIL, "busy running a stop")
                                                    : good(&w));
        assert_true(w.now_ns - begun < plan.settle_limit_ns + 20 * SEC);
        assert_true(w.leftovers);
        assert_true(w.unit.instance_may_exist);
        assert_string_equal(w.unit.last_error, "busy running a stop");
        assert_int_equal(w.deletes, 0);
}

static void test_density(void **state)
{
        struct unit_plan held = plan;
        struct world w;

        held.hold = true;
        world_init(&w, &held);
        begin(&w);
        run_until(&w, UNIT_HOLD);
        assert_int_equal(w.n_samples, 5);
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);
        assert_int_equal(w.n_samples, 8);

        world_init(&w, &held);
        begin(&w);
        run_until(&w, UNIT_HOLD);
        feed(&w, (struct unit_event){.kind = UNIT_EVENT_KEEP});
        assert_int_equal(w.step.action, UNIT_END);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);
        assert_int_equal(w.seen, UNIT_SEEN_RUNNING);
}

static void test_phases_cut_short(void **state)
{
        struct unit_plan cut = plan;
        struct world w;

        /* What the benchmark does. */
        cut.phases = PHASE_BIT(PHASE_CREATE) | PHASE_BIT(PHASE_START) | PHASE_BIT(PHASE_STOP) |
                     PHASE_BIT(PHASE_DELETE);
        world_init(&w, &cut);
        begin(&w);
        run_to_end(&w);
        assert_int_equal(w.n_samples, 4);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);

        /* Without a delete the host is left as it was all the same. */
        cut.phases = PHASE_BIT(PHASE_CREATE) | PHASE_BIT(PHASE_START);
        world_init(&w, &cut);
        begin(&w);
        run_to_end(&w);
        assert_int_equal(w.n_samples, 2);
        assert_int_equal(w.unit.outcome, OUTCOME_PASSED);
        assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
}

/* Cut short at every step of a life: interrupted, and gone. */
static void test_abort_anywhere(void **state)
{
        for (int at = 0;; at++) {
                struct world w;
                bool over = false;

                world_init(&w, &plan);
                begin(&w);
                for (int i = 0; i < at && !over; i++) {
                        feed(&w, good(&w));
                        over = w.step.action == UNIT_END;
                }
                if (over)
                        break;
                feed(&w, (struct unit_event){.kind = UNIT_EVENT_ABORT});
                run_to_end(&w);
                assert_int_equal(w.unit.outcome, OUTCOME_INTERRUPTED);
                assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
        }
}

static void test_recover(void **state)
{
        static const enum unit_seen found[] = {UNIT_SEEN_ABSENT, UNIT_SEEN_STOPPED,
                                               UNIT_SEEN_RUNNING, UNIT_SEEN_OTHER};

        for (size_t i = 0; i < ELEMENTSOF(found); i++) {
                struct world w;

                world_init(&w, &plan);
                w.seen = found[i];
                feed(&w, (struct unit_event){.kind = UNIT_EVENT_RECOVER});
                run_to_end(&w);
                assert_int_equal(w.unit.outcome, OUTCOME_INTERRUPTED);
                assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
                assert_int_equal(w.n_samples, 0);
        }
}

/* Answers at random, well- and ill-disposed: it always ends, and the samples are
 * in order. */
static void test_chaos(void **state)
{
        uint64_t x = 42;

        for (int round = 0; round < 20000; round++) {
                struct world w;

                world_init(&w, &plan);
                begin(&w);
                for (int i = 0; w.step.action != UNIT_END; i++) {
                        assert_true(i < 5000);
                        x = x * UINT64_C(6364136223846793005) + 1;
                        if ((x >> 33) % 50 == 0)
                                feed(&w, (struct unit_event){.kind = UNIT_EVENT_ABORT});
                        else if (w.step.action == UNIT_LOOK && (x >> 33) % 7 == 0)
                                feed(&w, (struct unit_event){.kind = UNIT_EVENT_LOOKED,
                                                             .result = RESULT_OK,
                                                             .seen = (x >> 40) % 6});
                        else if (w.step.action <= UNIT_DELETE && w.step.action != UNIT_LOOK &&
                                 (x >> 33) % 5 == 0)
                                feed(&w, answer(1 + (x >> 40) % 3, "chaos"));
                        else
                                feed(&w, good(&w));
                }
                for (size_t i = 1; i < w.n_samples; i++)
                        assert_true(w.samples[i].phase >= w.samples[i - 1].phase);
        }
}

/* ---- wedges ---- */

static struct unit_plan watched(void)
{
        struct unit_plan p = plan;

        p.diagnose = true;
        return p;
}

/* Goes on until the unit asks for this. */
static void until(struct world *w, enum unit_action action)
{
        for (int i = 0; w->step.action != action; i++) {
                assert_true(i < 1000 && w->step.action != UNIT_END);
                feed(w, good(w));
        }
}

static void test_no_deadline_where_somebody_watches(void **state)
{
        struct unit_plan p = watched();
        struct world w;

        world_init(&w, &p);
        begin(&w);
        assert_int_equal(w.step.deadline_ns, 0);
        assert_true(unit_in_phase(&w.unit));
        until(&w, UNIT_STOP);
        assert_int_equal(w.step.deadline_ns, 0);
}

/* It is asked before anything is disturbed, and what is said decides the outcome. */
static void test_diagnosis(void **state)
{
        static const struct {
                enum unit_diagnosis said;
                enum outcome outcome;
        } cases[] = {{UNIT_FAILED, OUTCOME_FAILED},
                     {UNIT_WEDGED, OUTCOME_WEDGED},
                     {UNIT_AWAY, OUTCOME_INTERRUPTED}};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct unit_plan p = watched();
                struct world w;

                world_init(&w, &p);
                w.diagnosis = cases[i].said;
                begin(&w);
                until(&w, UNIT_STOP);
                feed(&w, answer(RESULT_FAIL, "no"));
                assert_int_equal(w.step.action, UNIT_DIAGNOSE);
                assert_false(unit_in_phase(&w.unit));
                assert_int_equal(w.kills + w.deletes, 0);
                run_to_end(&w);
                assert_int_equal(w.unit.outcome, cases[i].outcome);
                assert_int_equal(w.seen, UNIT_SEEN_ABSENT);
        }
}

/* A command that said no is the workload's business. */
static void test_plain_failure_is_not_diagnosed(void **state)
{
        struct unit_plan p = watched();
        struct unit_event ev = answer(RESULT_FAIL, "exit status 3");
        struct world w;

        world_init(&w, &p);
        begin(&w);
        until(&w, UNIT_EXEC);
        ev.exit_status = 3;
        feed(&w, ev);
        assert_int_equal(w.step.action, UNIT_LOOK);
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_FAILED);
}

/* The watch says that it stopped; then each rung is tried in its turn while nothing helps. */
static void test_ladder(void **state)
{
        struct unit_plan p = watched();
        enum rung tried[8];
        size_t n = 0;
        struct world w;

        p.may_restart = true;
        world_init(&w, &p);
        begin(&w);
        until(&w, UNIT_STOP);
        feed(&w, (struct unit_event){.kind = UNIT_EVENT_WEDGED, .text = "monitor-stuck"});
        assert_int_equal(w.samples[w.n_samples - 1].result, RESULT_TIMEOUT);
        for (;;) {
                if (w.step.action == UNIT_RUNG)
                        tried[n++] = w.step.rung;
                if (n == 5)
                        break;
                if (w.step.action == UNIT_KILL)
                        feed(&w, answer(RESULT_TIMEOUT, "no answer"));
                else
                        feed(&w, good(&w));
        }
        assert_int_equal(tried[0], RUNG_CANCEL);
        assert_int_equal(tried[1], RUNG_THAW);
        assert_int_equal(tried[2], RUNG_MONITOR);
        assert_int_equal(tried[3], RUNG_UNMOUNT);
        assert_int_equal(tried[4], RUNG_RESTART);
        assert_int_equal(w.unit.cleared_by, RUNG_ITSELF);
        feed(&w, answer(RESULT_OK, ""));
        run_to_end(&w);
        assert_int_equal(w.unit.outcome, OUTCOME_WEDGED);
        assert_int_equal(w.unit.cleared_by, RUNG_RESTART); /* not the forced stop after it */
        assert_false(w.leftovers);
}

/* Rungs that found nothing to do have not cleared it. */
static void test_forced_stop_clears(void **state)
{
        struct unit_plan p = watched();
        struct world w;

        world_init(&w, &p);
        begin(&w);
        until(&w, UNIT_STOP);
        feed(&w, (struct unit_event){.kind = UNIT_EVENT_WEDGED, .text = "operation-stuck"});
        while (w.step.action != UNIT_RUNG || w.step.rung != RUNG_UNMOUNT)
                if (w.step.action == UNIT_KILL)
                        feed(&w, answer(RESULT_TIMEOUT, "no answer"));
                else
                        feed(&w, good(&w));
        run_to_end(&w);
        assert_int_equal(w.unit.cleared_by, RUNG_STOP);
}

/* Gone for the API and alive on the host: the host is climbed alone. */
static void test_ladder_on_the_host(void **state)
{
        struct unit_plan p = watched();
        bool ended_monitor = false;
        struct world w;

        world_init(&w, &p);
        w.left = 2;
        w.diagnosis = UNIT_WEDGED;
        begin(&w);
        for (int i = 0; w.step.action != UNIT_END; i++) {
                assert_true(i < 1000);
                if (w.step.action == UNIT_RUNG && w.step.rung == RUNG_MONITOR) {
                        ended_monitor = true;
                        w.left = 0;
                        feed(&w, answer(RESULT_OK, ""));
                } else {
                        feed(&w, good(&w));
                }
        }
        assert_true(ended_monitor);
        assert_int_equal(w.unit.outcome, OUTCOME_WEDGED);
        assert_int_equal(w.unit.cleared_by, RUNG_MONITOR);
        assert_false(w.leftovers);
}

/* All rungs were tried while LXD still had it. Gone there, the host has parts of it: those that
 * may be removed only now are. */
static void test_ladder_once_more(void **state)
{
        struct unit_plan p = watched();
        enum rung last = RUNG_CANCEL;
        int restarts = 0;
        struct world w;

        p.may_restart = true;
        world_init(&w, &p);
        begin(&w);
        until(&w, UNIT_STOP);
        feed(&w, (struct unit_event){.kind = UNIT_EVENT_WEDGED, .text = "monitor-stuck"});
        w.left = 2;
        for (int i = 0; w.step.action != UNIT_END; i++) {
                assert_true(i < 1000);
                if (w.step.action == UNIT_RUNG) {
                        last = w.step.rung;
                        restarts += last == RUNG_RESTART;
                }
                if (w.step.action == UNIT_KILL && restarts == 0) {
                        feed(&w, answer(RESULT_TIMEOUT, "no answer"));
                } else if (w.step.action == UNIT_RUNG && w.unit.host_only && last == RUNG_UNMOUNT) {
                        w.left = 0;
                        feed(&w, answer(RESULT_OK, ""));
                } else {
                        feed(&w, good(&w));
                }
        }
        assert_int_equal(restarts, 1);
        assert_int_equal(last, RUNG_UNMOUNT);
        assert_int_equal(w.unit.cleared_by, RUNG_UNMOUNT);
        assert_false(w.leftovers);
}

static void test_left_as_it_is(void **state)
{
        struct unit_plan p = watched();
        struct world w;

        p.leave_wedged = true;
        world_init(&w, &p);
        begin(&w);
        until(&w, UNIT_STOP);
        feed(&w, (struct unit_event){.kind = UNIT_EVENT_WEDGED, .text = "x"});
        assert_int_equal(w.step.action, UNIT_END);
        assert_true(w.leftovers);
        assert_int_equal(w.kills + w.deletes, 0);
        assert_int_equal(w.unit.outcome, OUTCOME_WEDGED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good_life),
                cmocka_unit_test(test_each_failure),
                cmocka_unit_test(test_taken_name),
                cmocka_unit_test(test_late_create),
                cmocka_unit_test(test_ready),
                cmocka_unit_test(test_deleted_but_alive),
                cmocka_unit_test(test_deleted_but_listed),
                cmocka_unit_test(test_will_not_go),
                cmocka_unit_test(test_density),
                cmocka_unit_test(test_phases_cut_short),
                cmocka_unit_test(test_abort_anywhere),
                cmocka_unit_test(test_recover),
                cmocka_unit_test(test_chaos),
                cmocka_unit_test(test_no_deadline_where_somebody_watches),
                cmocka_unit_test(test_diagnosis),
                cmocka_unit_test(test_plain_failure_is_not_diagnosed),
                cmocka_unit_test(test_ladder),
                cmocka_unit_test(test_forced_stop_clears),
                cmocka_unit_test(test_ladder_on_the_host),
                cmocka_unit_test(test_ladder_once_more),
                cmocka_unit_test(test_left_as_it_is),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
