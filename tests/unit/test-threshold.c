/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Thresholds: how they are written, when they hold. */

#include "report/threshold.h"

#include <math.h>

#include "tests/unit/unit.h"

static struct threshold parse(const char *s)
{
        struct threshold t;
        struct error err = ERROR_INIT;

        assert_ok(threshold_parse(s, &t, &err), err);
        return t;
}

static void test_parse(void **state)
{
        struct threshold t = parse(" start.p99 < 2s ");

        assert_string_equal(t.text, "start.p99<2s");
        assert_int_equal(t.figure, THRESHOLD_PHASE_PERCENTILE);
        assert_int_equal(t.phase, PHASE_START);
        assert_true(t.percentile == 99 && t.limit == 2e9 && !t.abort);
        assert_int_equal(t.op, THRESHOLD_LESS);
        t = parse("failed<=0.5%,abort");
        assert_int_equal(t.figure, THRESHOLD_FAILED);
        assert_int_equal(t.op, THRESHOLD_LESS_EQUAL);
        assert_true(t.limit == 0.5 && t.abort);
        t = parse("exec.p99.9>=1ms");
        assert_true(t.percentile > 99.89 && t.percentile < 99.91 && t.limit == 1e6);
        assert_int_equal(t.op, THRESHOLD_GREATER_EQUAL);
        assert_true(parse("delete.max<1m30s").percentile == 100);
        assert_int_equal(parse("create.failed<1%").figure, THRESHOLD_PHASE_FAILED);
        assert_true(parse("units_per_sec>1.5").limit == 1.5);
        assert_true(parse("gap<1m").limit == 60e9);
        t = parse("drift.create < 5%/h");
        assert_int_equal(t.figure, THRESHOLD_DRIFT);
        assert_int_equal(t.drift, PHASE_CREATE);
        assert_true(t.limit == 5 && streq(t.text, "drift.create<5%/h"));
        t = parse("drift.mem_available>=-2.5%/h");
        assert_int_equal(t.drift, THRESHOLD_METRIC(METRIC_MEM_AVAILABLE));
        assert_true(t.limit == -2.5);
}

static void test_refused(void **state)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                {"", "compares nothing"},
                {"start.p99", "compares nothing"},
                {"start.p99=2s", "compares nothing"},
                {"start.p99<", "is no duration"},
                {"start.p99<2%", "is no duration"},
                {"start.p0<2s", "is no figure of a phase"},
                {"start.p101<2s", "is no figure of a phase"},
                {"start.pxx<2s", "is no figure of a phase"},
                {"start.mean<2s", "is no figure of a phase"},
                {"begin.p99<2s", "'begin' is no phase"},
                {"speed<3", "'speed' is no figure"},
                {"failed<1", "is no percentage"},
                {"failed<101%", "no such number"},
                {"failed<-1%", "no such number"},
                {"failed<%", "is no percentage"},
                {"units_per_sec>fast", "no such number"},
                {"units_per_sec>1e3", "no such number"},
                {"failed<1%,stop", "only abort"},
                {"failed<1%,abort,abort", "only abort"},
                {"failed<<1%", "no such number"},
                {"failed\x01<1%", "no text"},
                {"drift<5%/h", "is no figure"},
                {"drift.<5%/h", "nothing that can drift"},
                {"drift.begin<5%/h", "nothing that can drift"},
                {"drift.held<5%/h", "nothing that can drift"},
                {"drift.create<5%", "is no drift"},
                {"drift.create<%/h", "is no drift"},
                {"drift.create<--5%/h", "no such number"},
                {"drift.create<1e3%/h", "no such number"},
                {"drift.create<5%/h,abort", "cannot abort"},
                {"failed<-1%", "no such number"},
        };
        struct threshold t;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct error err = ERROR_INIT;

                assert_error(threshold_parse(cases[i].text, &t, &err), -EINVAL, err, cases[i].says);
        }
}

static void check(const char *text, const struct threshold_facts *f, enum threshold_state wanted,
                  double value)
{
        struct threshold t = parse(text);
        double found = -1;

        assert_int_equal(threshold_evaluate(&t, f, &found), wanted);
        if (wanted != THRESHOLD_NOT_MEASURED && !(fabs(found - value) <= 0.001 * fabs(value)))
                fail_msg("%s: %g, not %g", text, found, value);
}

static void test_evaluate(void **state)
{
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;
        struct threshold_facts f = {
                .ended = 200, .failed = 1, .units_per_sec = 2.5, .gap_ns = 30 * NSEC_PER_SEC};

        assert_int_equal(histogram_new(&h), 0);
        for (int i = 1; i <= 1000; i++)
                histogram_record(h, i * NSEC_PER_MSEC);
        f.phases[PHASE_START].ok = h;
        f.phases[PHASE_START].count = 1004;
        f.phases[PHASE_START].failed = 4;
        check("failed<1%", &f, THRESHOLD_HOLDS, 0.5);
        check("failed<0.5%", &f, THRESHOLD_BROKEN, 0.5);
        check("failed<=0.5%", &f, THRESHOLD_HOLDS, 0.5);
        check("start.p50<600ms", &f, THRESHOLD_HOLDS, 500e6);
        check("start.p99<900ms", &f, THRESHOLD_BROKEN, 990e6);
        check("start.max<1s", &f, THRESHOLD_BROKEN, 1e9);
        check("start.failed>1%", &f, THRESHOLD_BROKEN, 100.0 * 4 / 1004);
        check("units_per_sec>=2.5", &f, THRESHOLD_HOLDS, 2.5);
        check("gap<29s", &f, THRESHOLD_BROKEN, 30e9);
        check("stop.p99<1s", &f, THRESHOLD_NOT_MEASURED, 0);
        check("stop.failed<1%", &f, THRESHOLD_NOT_MEASURED, 0);
        f = (struct threshold_facts){0};
        check("failed<1%", &f, THRESHOLD_NOT_MEASURED, 0);
        check("units_per_sec>1", &f, THRESHOLD_NOT_MEASURED, 0);
        check("gap<1s", &f, THRESHOLD_NOT_MEASURED, 0);
}

/* What is sure is held against the limit; what is not could be anything that would not have shown.
 */
static void test_drift(void **state)
{
        const int mem = THRESHOLD_METRIC(METRIC_MEM_AVAILABLE);
        const struct threshold_drift drifts[] = {
                {.figure = PHASE_CREATE, .told = true, .sure = true, .percent = 7, .visible = 1},
                {.figure = PHASE_START, .told = true, .percent = 2.5, .visible = 4},
                {.figure = PHASE_STOP, .percent = 0},
                {.figure = mem, .told = true, .sure = true, .percent = -1, .visible = 0.1},
                {.figure = mem, .told = true, .sure = true, .percent = -4, .visible = 0.1},
                {.figure = THRESHOLD_METRIC(METRIC_API_NS), .told = true, .visible = 0.1},
                {.figure = THRESHOLD_METRIC(METRIC_API_NS)},
                {.figure = THRESHOLD_METRIC(METRIC_MOUNTS),
                 .told = true,
                 .sure = true,
                 .percent = (double)NAN,
                 .visible = (double)NAN},
        };
        struct threshold_facts f = {.drifts = drifts, .n_drifts = ELEMENTSOF(drifts)};

        check("drift.create<5%/h", &f, THRESHOLD_BROKEN, 7);
        check("drift.create<8%/h", &f, THRESHOLD_HOLDS, 7);
        check("drift.start<5%/h", &f, THRESHOLD_HOLDS, 2.5);
        check("drift.start<3%/h", &f, THRESHOLD_NOT_MEASURED, 0);
        check("drift.start>-3%/h", &f, THRESHOLD_NOT_MEASURED, 0);
        check("drift.start>5%/h", &f, THRESHOLD_BROKEN, 2.5);
        check("drift.stop<5%/h", &f, THRESHOLD_NOT_MEASURED, 0);
        check("drift.delete<5%/h", &f, THRESHOLD_NOT_MEASURED, 0);
        check("drift.mem_available<5%/h", &f, THRESHOLD_HOLDS, -1);
        check("drift.mem_available>-5%/h", &f, THRESHOLD_HOLDS, -4);
        check("drift.mem_available>-2%/h", &f, THRESHOLD_BROKEN, -4);
        check("drift.mem_available>-0.5%/h", &f, THRESHOLD_BROKEN, -4);
        check("drift.api_ns<5%/h", &f, THRESHOLD_NOT_MEASURED, 0);
        check("drift.mounts<5%/h", &f, THRESHOLD_NOT_MEASURED, 0);
}

/* Not for the first unit that fails, but for the first that is too slow where that is the limit. */
static void test_aborts(void **state)
{
        struct threshold rate = parse("failed<10%,abort"), never = parse("failed<10%"),
                         max = parse("start.max<1s,abort");
        struct threshold_facts f = {.ended = 1, .failed = 1};
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;

        assert_false(threshold_aborts(&rate, &f));
        f = (struct threshold_facts){.ended = THRESHOLD_ABORT_MIN, .failed = 2};
        assert_true(threshold_aborts(&rate, &f));
        assert_false(threshold_aborts(&never, &f));
        f.failed = 1;
        assert_false(threshold_aborts(&rate, &f));
        assert_false(threshold_aborts(&max, &f));
        assert_int_equal(histogram_new(&h), 0);
        f.phases[PHASE_START].ok = h;
        assert_false(threshold_aborts(&max, &f));
        histogram_record(h, 2 * NSEC_PER_SEC);
        assert_true(threshold_aborts(&max, &f));
}

static void test_format(void **state)
{
        struct threshold t = parse("start.p99<2s");
        char buf[32];

        assert_string_equal(threshold_format(&t, 1.5e9, buf, sizeof(buf)), "1.5 s");
        t = parse("failed<1%");
        assert_string_equal(threshold_format(&t, 0.5, buf, sizeof(buf)), "0.50 %");
        t = parse("drift.create<5%/h");
        assert_string_equal(threshold_format(&t, 6.5, buf, sizeof(buf)), "+6.50 %/h");
        t = parse("units_per_sec>1");
        assert_string_equal(threshold_format(&t, 1.25, buf, sizeof(buf)), "1.25");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),    cmocka_unit_test(test_refused),
                cmocka_unit_test(test_evaluate), cmocka_unit_test(test_aborts),
                cmocka_unit_test(test_drift),    cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests_name("threshold", tests, NULL, NULL);
}
