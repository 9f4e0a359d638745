/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drift of made-up runs, from the records of their samples and figures to the text and to JSON. */

#include "tests/unit/made-run.h"
#include "tests/unit/summary-text.h"

#include <math.h>

#include "report/summary.h"

#define HOUR (3600 * NSEC_PER_SEC)

struct shape { /* of a run: what happens to it in an hour */
        double create_per_hour;
        double start_step; /* in its midst, share */
        int64_t memory_per_hour;
};

static void figures(struct made *m, size_t host, int64_t at_ns, int64_t memory)
{
        struct record r = {.kind = RECORD_METRIC};

        for (int k = 0; k < METRIC_MAX_; k++)
                r.metric.figure[k] = -1;
        r.metric.realtime_ns = T0 + at_ns;
        r.metric.figure[METRIC_MEM_AVAILABLE] = memory;
        r.metric.figure[METRIC_API_NS] = about(m, 8);
        r.metric.figure[METRIC_PSI_CPU_US] = at_ns / 1000 / 20;
        put(m, host, &r, false);
}

static void wedge(struct made *m, size_t host, int64_t at_ns)
{
        struct record r = {.kind = RECORD_WEDGE, .unit = 1, .attempt = 1};

        r.wedge.class = WEDGE_MONITOR_STUCK;
        r.wedge.number = 1;
        r.wedge.since_realtime_ns = T0 + at_ns;
        r.wedge.detected_realtime_ns = T0 + at_ns + 5 * NSEC_PER_SEC;
        r.wedge.cleared_by = RUNG_STOP;
        r.wedge.cleared_realtime_ns = T0 + at_ns + 40 * NSEC_PER_SEC;
        put(m, host, &r, false);
}

/* A unit on each of two hosts every ten seconds, and so are their figures. */
static void soak(struct made *m, int64_t wall_ns, const struct shape *shape, const char *threshold)
{
        struct string_list thresholds = {0};
        struct error err = ERROR_INIT;
        int64_t unit = 0;

        make(m, MODE_CHURN, 2 * (wall_ns / (10 * NSEC_PER_SEC)), 0);
        if (threshold)
                assert_int_equal(string_list_add(&thresholds, threshold), 0);
        assert_ok(store_set_thresholds(m->store, &thresholds, &err), err);
        string_list_clear(&thresholds);
        for (int64_t at = 0; at < wall_ns; at += 10 * NSEC_PER_SEC)
                for (size_t host = 0; host < 2; host++) {
                        double h = (double)at / (double)HOUR;
                        double create = (double)about(m, 2900) * (1 + shape->create_per_hour * h);
                        double start = (double)about(m, 1400) *
                                       (at > wall_ns / 2 ? 1 + shape->start_step : 1);

                        sample(m, host, ++unit, PHASE_CREATE, T0 + at, (int64_t)create, RESULT_OK,
                               NULL);
                        sample(m, host, unit, PHASE_START, T0 + at, (int64_t)start, RESULT_OK,
                               NULL);
                        outcome(m, host, unit, OUTCOME_PASSED, T0 + at, 5 * NSEC_PER_SEC, true);
                        figures(m, host, at,
                                (INT64_C(8) << 30) + about(m, 1) -
                                        (host == 1 ? (int64_t)(h * (double)shape->memory_per_hour)
                                                   : 0));
                }
}

static struct summary *summary_of(struct made *m, int64_t wall_ns)
{
        struct summary *s = NULL;
        struct error err = ERROR_INIT;

        end(m, wall_ns);
        assert_ok(summary_new(m->store, &s, &err), err);
        return s;
}

static const struct summary_drift *drift_of(const struct summary *s, int host, const char *name)
{
        for (size_t i = 0; i < s->n_drifts; i++)
                if (s->drifts[i].host == host && streq(s->drifts[i].name, name))
                        return s->drifts + i;
        fail_msg("%s is not there", name);
        return NULL;
}

static void test_drift(void **state)
{
        struct made *m = *state;
        const struct shape shape = {.create_per_hour = 0.05, .memory_per_hour = INT64_C(100) << 20};
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        json_object *o;

        soak(m, 4 * HOUR, &shape, "drift.create<4%/h");
        s = summary_of(m, 4 * HOUR);
        text = text_of(s);
        o = summary_to_json(s);
        assert_int_equal(s->n_drifts, 2 + 2 * 3);
        assert_int_equal(drift_of(s, -1, "create")->trend.verdict, TREND_UP);
        assert_int_equal(drift_of(s, -1, "start")->trend.verdict, TREND_FLAT);
        assert_int_equal(drift_of(s, 0, "mem_available")->trend.verdict, TREND_FLAT);
        assert_int_equal(drift_of(s, 1, "mem_available")->trend.verdict, TREND_DOWN);
        assert_int_equal(drift_of(s, 1, "psi_cpu_us")->trend.verdict, TREND_FLAT);
        assert_true(fabs(drift_of(s, 1, "psi_cpu_us")->trend.level - 5) < 1e-6);
        assert_non_null(strstr(text, "\ndrift\n  create: +4."));
        assert_non_null(strstr(text, "\n  mem_available on b: -1.3 %/h ("));
        assert_non_null(strstr(text, "\n  6 other series do not drift; the smallest drift that "
                                     "could have been seen:\n    start "));
        /* percent of the level in the midst: 5 / 1.1 */
        assert_true(fabs(json_object_get_double(at(o, "/drift/0/percent_per_hour")) - 4.5) < 0.5);
        assert_string_equal(json_object_get_string(at(o, "/drift/0/series")), "create");
        assert_string_equal(json_object_get_string(at(o, "/drift/0/unit")), "ns");
        assert_string_equal(json_object_get_string(at(o, "/drift/0/verdict")), "up");
        assert_null(at(o, "/drift/0/host"));
        assert_string_equal(json_object_get_string(at(o, "/drift/5/host")), "b");
        assert_int_equal(json_object_array_length(at(o, "/drift/0/changepoints")), 0);
        assert_true(json_object_get_double(at(o, "/drift/0/low")) <
                    json_object_get_double(at(o, "/drift/0/slope_per_hour")));
        assert_true(json_object_get_double(at(o, "/drift/1/smallest_visible")) > 0);
        assert_int_equal(s->verdict, VERDICT_THRESHOLD);
        assert_non_null(strstr(s->reason, "drift.create<4%/h does not hold (+4."));
        json_object_put(o);
}

static void test_step(void **state)
{
        struct made *m = *state;
        const struct shape shape = {.start_step = 0.5};
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        json_object *o;

        soak(m, 2 * HOUR, &shape, NULL);
        wedge(m, 1, HOUR - 30 * NSEC_PER_SEC);
        s = summary_of(m, 2 * HOUR);
        text = text_of(s);
        o = summary_to_json(s);
        assert_string_equal(json_object_get_string(at(o, "/drift/1/verdict")), "step");
        assert_true(llabs(json_object_get_int64(at(o, "/drift/1/changepoints/0/t_ns")) - T0 -
                          HOUR) < 120 * NSEC_PER_SEC);
        assert_true(json_object_get_double(at(o, "/drift/1/changepoints/0/after")) >
                    1.4 * json_object_get_double(at(o, "/drift/1/changepoints/0/before")));
        assert_non_null(strstr(text, "  start: 1 change of level\n    2025-07-01 1"));
        assert_non_null(strstr(text, "      wedge: monitor-stuck on b since 2025-07-01 "
                                     "12:59:30 UTC, cleared after 40.0 s by forced-stop\n"));
        assert_non_null(strstr(text, "      journalctl --since '2025-07-01 12:5"));
        json_object_put(o);
}

/* Said so, never a number; and what was asked of it is not known. */
static void test_short(void **state)
{
        struct made *m = *state;
        const struct shape shape = {.create_per_hour = 5};
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;
        json_object *o;

        soak(m, HOUR / 3, &shape, "drift.create<5%/h");
        s = summary_of(m, HOUR / 3);
        text = text_of(s);
        o = summary_to_json(s);
        assert_non_null(strstr(text, "\ndrift\n  too short to tell drift: needs half an hour, "));
        assert_string_equal(json_object_get_string(at(o, "/drift/0/verdict")), "inconclusive");
        assert_null(at(o, "/drift/0/slope_per_hour"));
        assert_null(at(o, "/drift/0/p"));
        assert_null(at(o, "/drift/0/smallest_visible"));
        assert_int_equal(s->thresholds[0].state, THRESHOLD_NOT_MEASURED);
        assert_int_equal(s->verdict, VERDICT_INCONCLUSIVE);
        json_object_put(o);
}

/* The load itself grows: nothing is said of drift. */
static void test_density(void **state)
{
        struct made *m = *state;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        _cleanup_(freep)
        char *text = NULL;

        make(m, MODE_DENSITY, 0, 0);
        good_unit(m, 0, 1, T0);
        s = summary_of(m, HOUR);
        text = text_of(s);
        assert_int_equal(s->n_drifts, 0);
        assert_null(strstr(text, "drift"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_drift, setup, teardown),
                cmocka_unit_test_setup_teardown(test_step, setup, teardown),
                cmocka_unit_test_setup_teardown(test_short, setup, teardown),
                cmocka_unit_test_setup_teardown(test_density, setup, teardown),
        };

        return cmocka_run_group_tests_name("summary-drift", tests, NULL, NULL);
}
