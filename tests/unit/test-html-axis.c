/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Time in buckets, and the upward axis. */

#include "tests/unit/unit.h"

#include "report/html-axis.h"
#include "report/html-scale.h"

#define S  NSEC_PER_SEC
#define T0 (INT64_C(1751371200) * S) /* 2025-07-01 12:00:00 UTC */

static void test_steps_are_round(void **state)
{
        static const struct {
                int64_t span, step_s;
                size_t n;
        } cases[] = {
                {0, 1, 1},
                {1 * S, 1, 2},
                {719 * S, 1, 720},
                {720 * S, 2, 361},
                {3600 * S, 10, 361},
                {86400 * S, 300, 289},
                {7 * 86400 * S, 900, 673},
                {100 * 86400 * S, 6 * 3600, 401},
                {720 * 86400 * S, 2 * 86400, 361},
        };
        struct html_axis a;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                html_axis_init(&a, T0, T0 + cases[i].span, 0, HTML_BUCKETS_MAX);
                assert_int_equal(a.step_ns, cases[i].step_s * S);
                assert_int_equal(a.n, cases[i].n);
                assert_int_equal(a.begin_ns % a.step_ns, 0);
        }
}

static void test_limits_of_steps(void **state)
{
        struct html_axis a;

        html_axis_init(&a, T0, T0 + 60 * S, 10 * S, HTML_BUCKETS_MAX);
        assert_int_equal(a.step_ns, 10 * S);
        html_axis_init(&a, T0, T0 + 3600 * S, 0, 61);
        assert_int_equal(a.step_ns, 60 * S);
        html_axis_init(&a, T0, T0 + 3600 * S, 0, 0);
        assert_int_equal(a.n, 1);
        html_axis_init(&a, T0, T0 - 1, 0, HTML_BUCKETS_MAX);
        assert_int_equal(a.n, 1);
        html_axis_init(&a, -5, INT64_MAX / 2, 0, HTML_BUCKETS_MAX);
        assert_in_range(a.n, 1, HTML_BUCKETS_MAX);
}

static void test_buckets(void **state)
{
        struct html_axis a;
        int64_t outside = 0;

        html_axis_init(&a, T0 + 500, T0 + 100 * S, 0, HTML_BUCKETS_MAX);
        assert_int_equal(a.begin_ns, T0);
        assert_int_equal(html_axis_bucket(&a, T0, &outside), 0);
        assert_int_equal(html_axis_bucket(&a, T0 + S - 1, &outside), 0);
        assert_int_equal(html_axis_bucket(&a, T0 + S, &outside), 1);
        assert_int_equal(html_axis_bucket(&a, html_axis_end_ns(&a) - 1, &outside), a.n - 1);
        assert_int_equal(outside, 0);
        assert_int_equal(html_axis_bucket(&a, T0 - 1, &outside), 0);
        assert_int_equal(html_axis_bucket(&a, html_axis_end_ns(&a), &outside), a.n - 1);
        assert_int_equal(outside, 2);
        assert_true(html_axis_permille(&a, 0) == 0);
        assert_true(html_axis_permille(&a, INT64_MAX) == 1000);
        assert_true(html_axis_permille(&a, (T0 + html_axis_end_ns(&a)) / 2) > 499);
}

static void check_tick(const struct html_scale *s, size_t i, const char *wanted)
{
        char text[32];

        assert_string_equal(html_scale_tick(s, i, text, sizeof(text)), wanted);
}

static void test_scale(void **state)
{
        struct html_scale s;

        html_scale_init(&s, HTML_UNIT_COUNT, 0, 17);
        assert_int_equal(s.n_ticks, 3);
        check_tick(&s, 0, "20");
        check_tick(&s, 1, "10");
        check_tick(&s, 2, "0");
        assert_int_equal(html_scale_y(&s, 20), 0);
        assert_int_equal(html_scale_y(&s, 5), HTML_HEIGHT * 3 / 4);
        assert_int_equal(html_scale_y(&s, 1e9), 0);
        html_scale_init(&s, HTML_UNIT_BYTES, 0, 3e9);
        check_tick(&s, 0, "4 GiB");
        html_scale_init(&s, HTML_UNIT_COUNT, 0, 0);
        check_tick(&s, 0, "1");
}

static void test_scale_of_durations(void **state)
{
        struct html_scale s;

        html_scale_init(&s, HTML_UNIT_DURATION, 2e6, 3e9);
        assert_int_equal(s.n_ticks, 5);
        check_tick(&s, 0, "10.0 s");
        check_tick(&s, 4, "1.0 ms");
        assert_int_equal(html_scale_y(&s, 1e8), HTML_HEIGHT / 2);
        assert_int_equal(html_scale_y(&s, 0), HTML_HEIGHT);
        /* one value, and far too many decades */
        html_scale_init(&s, HTML_UNIT_DURATION, 1e6, 1e6);
        assert_int_equal(s.n_ticks, 2);
        html_scale_init(&s, HTML_UNIT_DURATION, 0, 1e12);
        assert_int_equal(s.n_ticks, HTML_TICKS_MAX);
        check_tick(&s, 1, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_steps_are_round),
                cmocka_unit_test(test_limits_of_steps),
                cmocka_unit_test(test_buckets),
                cmocka_unit_test(test_scale),
                cmocka_unit_test(test_scale_of_durations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
