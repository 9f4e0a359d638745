/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drift of what comes all along a run: known drifts and none, cut into steps while it comes. */

#include "report/drift.h"
#include "tests/unit/stats-data.h"

#define T0   (INT64_C(1751371200) * NSEC_PER_SEC)
#define HOUR (3600 * NSEC_PER_SEC)
#ifndef SERIES
#define SERIES 200
#endif

/* A value every so often for some hours: level, drifting by so much an hour, with 25 % noise. */
static struct trend tell_seed(uint64_t seed, int64_t every_ns, int64_t hours_tenths, double level,
                              double per_hour, double step)
{
        struct drift_series s = {0};
        struct html_axis a;
        struct trend t;
        int64_t wall_ns = hours_tenths * HOUR / 10;

        drift_axis_init(&a, T0, wall_ns);
        for (int64_t at = 0; at < wall_ns; at += every_ns) {
                double h = (double)at / (double)HOUR;
                double y = level + per_hour * h + (at > wall_ns / 2 ? step : 0);

                assert_int_equal(
                        drift_add(&s, &a, T0 + at, y + 0.25 * level * random_normal(&seed)), 0);
        }
        assert_int_equal(drift_tell(&s, 0, &t), 0);
        drift_clear(&s);
        return t;
}

static struct trend tell(int64_t hours_tenths, double level, double per_hour, double step)
{
        return tell_seed(7, NSEC_PER_SEC, hours_tenths, level, per_hour, step);
}

static void assert_near(double found, double wanted, double by)
{
        if (!(fabs(found - wanted) <= by))
                fail_msg("%g, not %g", found, wanted);
}

static void test_known(void **state)
{
        struct trend t = tell(240, 100, 0.5, 0);

        assert_int_equal(t.verdict, TREND_UP);
        assert_near(t.slope, 0.5, 0.05);
        assert_true(t.lo < 0.5 && t.hi > 0.5 && t.visible < 0.3 && t.p < 1e-6);
        assert_near(drift_percent(&t, t.slope), 100 * t.slope / t.level, 1e-9);
        t = tell(240, 100, -0.5, 0);
        assert_int_equal(t.verdict, TREND_DOWN);
        t = tell(240, 100, 0, 0);
        assert_int_equal(t.verdict, TREND_FLAT);
        assert_true(t.visible > 0 && t.visible < 0.3);
}

/* Of a day of minutes without drift few are called drifting, of those with 10 % most. */
static void test_how_often(void **state)
{
        int alarms = 0, found = 0;

        for (uint64_t seed = 1; seed <= SERIES; seed++) {
                alarms += tell_seed(seed, 60 * NSEC_PER_SEC, 240, 100, 0, 0).verdict != TREND_FLAT;
                found += tell_seed(seed, 60 * NSEC_PER_SEC, 240, 100, 10.0 / 24, 0).verdict ==
                         TREND_UP;
        }
        print_message("alarms %d, found %d of %d\n", alarms, found, SERIES);
        assert_true(alarms <= SERIES * 7 / 100);
        assert_true(found >= SERIES * 9 / 10);
}

static void test_step(void **state)
{
        struct trend t = tell(100, 100, 0, 40);

        assert_int_equal(t.verdict, TREND_STEP);
        assert_int_equal(t.n_changes, 1);
        assert_near(t.changes[0].t, 5, 0.1);
        assert_near(t.changes[0].after - t.changes[0].before, 40, 4);
        assert_int_equal(drift_time_ns(T0, 5), T0 + 5 * HOUR);
}

/* Never a number where there is too little. */
static void test_short(void **state)
{
        struct trend t = tell(4, 100, 50, 0);

        assert_int_equal(t.verdict, TREND_SHORT);
        assert_true(t.n > TREND_POINTS_MIN && !(fabs(t.slope) > 0) && t.n_changes == 0);
        assert_int_equal(tell(6, 100, 50, 0).verdict, TREND_UP);
}

/* What comes at other times than the run's says nothing of it; what never comes is no error. */
static void test_outside(void **state)
{
        struct drift_series s = {0};
        struct html_axis a;
        struct trend t;

        drift_axis_init(&a, T0, 10 * HOUR);
        assert_int_equal(drift_add(&s, &a, T0 - HOUR, 1), 0);
        assert_int_equal(drift_add(&s, &a, T0 + 12 * HOUR, 1), 0);
        assert_null(s.steps);
        assert_int_equal(drift_tell(&s, 0, &t), 0);
        assert_int_equal(t.verdict, TREND_SHORT);
        assert_int_equal(t.n, 0);
        drift_clear(&s);
        drift_axis_init(&a, T0, -1);
        assert_int_equal(a.n, 1);
        drift_axis_init(&a, INT64_MAX, INT64_MAX);
        assert_true(a.n <= HTML_BUCKETS_MAX && html_axis_end_ns(&a) > a.begin_ns);
}

/* Memory does not go with what comes, and strays do not count. */
static void test_bounded(void **state)
{
        struct drift_series s = {0};
        struct html_axis a;
        struct trend t;

        drift_axis_init(&a, T0, HOUR);
        for (int64_t i = 0; i < 1000000; i++)
                assert_int_equal(
                        drift_add(&s, &a, T0 + i * (HOUR / 1000000), i % 10 == 0 ? 1e9 : 50), 0);
        for (size_t i = 0; i < s.n; i++)
                assert_true(s.steps[i].room <= 128);
        assert_int_equal(drift_tell(&s, 0, &t), 0);
        assert_int_equal(t.verdict, TREND_FLAT);
        assert_near(t.level, 50, 0);
        drift_clear(&s);
}

static void test_percent(void **state)
{
        struct trend t = {.level = 0};

        assert_true(isnan(drift_percent(&t, 1)));
        assert_near(drift_percent(&t, 0), 0, 0);
        t.level = -50;
        assert_near(drift_percent(&t, 1), 2, 1e-12);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known),   cmocka_unit_test(test_how_often),
                cmocka_unit_test(test_step),    cmocka_unit_test(test_short),
                cmocka_unit_test(test_outside), cmocka_unit_test(test_bounded),
                cmocka_unit_test(test_percent),
        };

        return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
