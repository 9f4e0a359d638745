/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Steps: against R, NIST and Apache Otava, and how often there is said to be one where none is. */

#include "tests/unit/stats-data.h"

#include "report/stats-change.h"

static void test_pettitt(void **state)
{
        static const double flat[] = {1, 1, 1, 1};
        struct stats_pettitt p;

        assert_int_equal(stats_pettitt(nile, ELEMENTSOF(nile), &p), 0);
        assert_digits(p.u, 1617, 0);
        assert_int_equal(p.at, 28);
        assert_digits(p.p, 3.591022e-07, 13);
        assert_int_equal(stats_pettitt(flat, 4, &p), 0);
        assert_true(p.u == 0 && p.p == 1);
        assert_int_equal(stats_pettitt(flat, 1, &p), -ENODATA);
        assert_int_equal(stats_pettitt((double[]){1, NAN}, 2, &p), -EINVAL);
}

static void test_cusum(void **state)
{
        static const double x[] = {324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125,
                                   324.525, 325.225, 324.600, 324.625, 325.150, 328.325, 327.250,
                                   327.825, 328.500, 326.675, 327.775, 326.875, 328.350};
        struct stats_cusum c = {.target = 325, .k = .3175, .h = 4.1959}, mirror = c;
        size_t first = 0;

        for (size_t i = 0; i < ELEMENTSOF(x); i++) {
                int alarm = stats_cusum_add(&c, x[i]);

                assert_int_equal(stats_cusum_add(&mirror, 650 - x[i]), -alarm);
                assert_true(alarm >= 0);
                if (alarm && !first)
                        first = i + 1;
        }
        assert_int_equal(first, 14);
        assert_int_equal(stats_cusum_add(&c, NAN), 1);
}

static const double two_steps[] = {.3,   2.4,   1.5,   -.9,   -.5,   99.7,  98.3,
                                   99.1, 149.0, 149.7, 149.5, 149.1, 148.8, 150.0};

/* At 5 %: of 84 ways to put three of nine points first, one is as good as this by chance. */
static void test_divisive(void **state)
{
        struct stats_change c[8];
        size_t n;

        assert_int_equal(stats_changes(two_steps, 14, 2, 0.05, 199, c, ELEMENTSOF(c), &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(c[0].at, 5);
        assert_int_equal(c[1].at, 8);
        /* no room for more than there is */
        assert_int_equal(stats_changes(two_steps, 14, 2, 0.01, 199, c, 1, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(stats_changes(nile, ELEMENTSOF(nile), 5, 0.01, 199, c, 8, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(c[0].at, 28);
}

static void test_no_change(void **state)
{
        static const double flat[20] = {0};
        uint64_t seed = 5;
        struct stats_change c[4];
        int found = 0;
        size_t n;

        assert_int_equal(stats_changes(flat, 20, 2, 0.05, 99, c, 4, &n), 0);
        assert_int_equal(n, 0);
        for (int round = 0; round < 400; round++) {
                double y[24];

                for (size_t i = 0; i < ELEMENTSOF(y); i++)
                        y[i] = random_normal(&seed);
                assert_int_equal(stats_changes(y, 24, 3, 0.05, 199, c, 4, &n), 0);
                found += n > 0;
        }
        assert_in_range(found, 8, 33); /* 20 of 400 */
}

static void test_bad(void **state)
{
        static double many[STATS_CHANGE_MAX + 1];
        struct stats_change c[4];
        size_t n = 42;

        assert_int_equal(stats_changes(two_steps, 14, 1, 0.01, 99, c, 4, &n), -EINVAL);
        assert_int_equal(stats_changes(two_steps, 14, 2, 1, 99, c, 4, &n), -EINVAL);
        assert_int_equal(stats_changes(two_steps, 3, 2, 0.01, 99, c, 4, &n), -ENODATA);
        assert_int_equal(stats_changes(many, ELEMENTSOF(many), 2, 0.01, 99, c, 4, &n), -E2BIG);
        many[7] = -INFINITY;
        assert_int_equal(stats_changes(many, 20, 2, 0.01, 99, c, 4, &n), -EINVAL);
        assert_int_equal(n, 42);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pettitt),  cmocka_unit_test(test_cusum),
                cmocka_unit_test(test_divisive), cmocka_unit_test(test_no_change),
                cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
