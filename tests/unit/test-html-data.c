/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is drawn of a run, out of its store. */

#include "tests/unit/made-run.h"

#include <math.h>

#include "report/html-data.h"

#define S NSEC_PER_SEC

static void read_data(struct made *m, struct summary **ret_summary, struct html_data **ret)
{
        struct error err = ERROR_INIT;

        assert_ok(summary_new(m->store, ret_summary, &err), err);
        assert_ok(html_data_new(m->store, *ret_summary, ret, &err), err);
}

static void metric(struct made *m, size_t host, int64_t at_ns, int64_t live, int64_t psi_us)
{
        struct record r = {.kind = RECORD_METRIC};

        for (int i = 0; i < METRIC_MAX_; i++)
                r.metric.figure[i] = -1;
        r.metric.realtime_ns = at_ns;
        r.metric.figure[METRIC_LIVE] = live;
        r.metric.figure[METRIC_PSI_IO_US] = psi_us;
        put(m, host, &r, false);
}

static void check_line(const struct html_data *d, enum html_gauge gauge, size_t slot, size_t bucket,
                       double wanted)
{
        double v = html_value_line(d, gauge, slot, bucket);

        if (isnan(wanted) ? isnan(v) : fabs(v - wanted) < 1e-6)
                return;
        print_error("%s of %zu in %zu: %g, not %g\n", html_gauge_kinds[gauge].name, slot, bucket, v,
                    wanted);
        fail();
}

/* What is computed from units: how many at a time, and how many a second. */
static void test_units(void **state)
{
        _cleanup_(summary_freep)
        struct summary *summary = NULL;
        _cleanup_(html_data_freep)
        struct html_data *d = NULL;
        struct made *m = *state;

        make(m, MODE_CHURN, 4, 0);
        /* host a: one from 0.5 to 3.5 s, created at 1.5; one from 2 to 3 s, that failed */
        sample(m, 0, 1, PHASE_CREATE, T0 + S / 2, S, RESULT_OK, NULL);
        outcome(m, 0, 1, OUTCOME_PASSED, T0 + S / 2, 3 * S, true);
        sample(m, 0, 2, PHASE_CREATE, T0 + 2 * S, S / 2, RESULT_FAIL, "no");
        outcome(m, 0, 2, OUTCOME_FAILED, T0 + 2 * S, S, true);
        end(m, 10 * S);
        read_data(m, &summary, &d);
        assert_int_equal(d->axis.step_ns, S);
        assert_false(d->merged);
        assert_int_equal(d->n_slots, 2);
        check_line(d, HTML_GAUGE_UNITS, 0, 0, 0.5);
        check_line(d, HTML_GAUGE_UNITS, 0, 1, 1);
        check_line(d, HTML_GAUGE_UNITS, 0, 2, 2);
        check_line(d, HTML_GAUGE_UNITS, 0, 3, 0.5);
        check_line(d, HTML_GAUGE_UNITS, 0, 4, 0);
        check_line(d, HTML_GAUGE_UNITS, 1, 2, 0);
        check_line(d, HTML_GAUGE_CREATED, 0, 0, 0);
        check_line(d, HTML_GAUGE_CREATED, 0, 1, 0.5);
        check_line(d, HTML_GAUGE_CREATED, 0, 4, 0);
        check_line(d, HTML_GAUGE_PASSED, 0, 3, 1);
        check_line(d, HTML_GAUGE_PASSED, 0, 2, 0);
        check_line(d, HTML_GAUGE_FAILED, 0, 3, 1);
        check_line(d, HTML_GAUGE_MOUNTS, 0, 0, NAN);
        /* only what ended well is in the percentiles, at its end */
        assert_true(html_bands(d, -1, PHASE_CREATE)[1].max == (float)S);
        assert_true(html_bands(d, 0, PHASE_CREATE)[1].p50 == (float)S);
        assert_true(html_bands(d, 1, PHASE_CREATE)[1].max == 0);
        assert_true(html_bands(d, -1, PHASE_CREATE)[2].max == 0);
}

/* What is measured on hosts, counters among it. */
static void test_metrics(void **state)
{
        _cleanup_(summary_freep)
        struct summary *summary = NULL;
        _cleanup_(html_data_freep)
        struct html_data *d = NULL;
        struct made *m = *state;

        make(m, MODE_CHURN, 4, 0);
        good_unit(m, 0, 1, T0);
        metric(m, 0, T0, 3, 1000000);
        metric(m, 0, T0 + 10 * S, 5, 3500000);
        metric(m, 0, T0 + 15 * S, -1, 3500000);
        metric(m, 0, T0 + 20 * S, 7, 200); /* it was booted */
        metric(m, 0, T0 + 30 * S, 7, 1000200);
        metric(m, 1, T0 + 10 * S, 0, 77); /* another host's counter is another */
        end(m, 40 * S);
        read_data(m, &summary, &d);
        assert_int_equal(d->slow.step_ns, 10 * S);
        check_line(d, HTML_GAUGE_LIVE, 0, 0, 3);
        check_line(d, HTML_GAUGE_LIVE, 0, 1, 5);
        check_line(d, HTML_GAUGE_LIVE, 1, 0, NAN);
        check_line(d, HTML_GAUGE_LIVE, 1, 1, 0);
        check_line(d, HTML_GAUGE_PSI_IO, 0, 0, NAN);
        check_line(d, HTML_GAUGE_PSI_IO, 0, 1, (25.0 + 0) / 2);
        assert_true(html_value_extreme(d, HTML_GAUGE_PSI_IO, 0, 1) == 25);
        check_line(d, HTML_GAUGE_PSI_IO, 0, 2, NAN);
        check_line(d, HTML_GAUGE_PSI_IO, 0, 3, 10);
        check_line(d, HTML_GAUGE_PSI_IO, 1, 1, NAN);
        /* LXD's own word is there: what was computed instead is not drawn */
        assert_null(d->gauges[HTML_GAUGE_CREATED]);
}

static void test_clocks(void **state)
{
        _cleanup_(summary_freep)
        struct summary *summary = NULL;
        _cleanup_(html_data_freep)
        struct html_data *d = NULL;
        struct made *m = *state;

        make(m, MODE_CHURN, 4, 0);
        good_unit(m, 0, 1, T0);
        good_unit(m, 1, 2, T0 - 3600 * S);
        end(m, 40 * S);
        read_data(m, &summary, &d);
        assert_int_equal(d->outside[0], 0);
        assert_int_equal(d->outside[1], PHASE_MAX_ + 1); /* exec twice */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_units, setup, teardown),
                cmocka_unit_test_setup_teardown(test_metrics, setup, teardown),
                cmocka_unit_test_setup_teardown(test_clocks, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
