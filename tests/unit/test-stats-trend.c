/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Mann-Kendall and Theil-Sen against R and scipy, and what they do with ties and bad input. */

#include "tests/unit/stats-data.h"

#include "report/stats-normal.h"
#include "report/stats-trend.h"

static void test_normal(void **state)
{
        assert_digits(stats_normal_quantile(0.975), 1.959963984540054, 14);
        assert_digits(stats_normal_quantile(0.9), 1.2815515655446004, 14);
        assert_digits(stats_normal_quantile(1e-9), -5.9978070150076865, 13);
        assert_digits(stats_normal_quantile(0.5), 0, 15);
        assert_true(isinf(stats_normal_quantile(0)) && isinf(stats_normal_quantile(1)));
        assert_digits(stats_normal_two_sided(-1.959963984540054), 0.05, 15);
}

static void test_nile(void **state)
{
        struct stats_kendall k;
        struct stats_slope s;

        assert_int_equal(stats_kendall(NULL, nile, ELEMENTSOF(nile), &k), 0);
        assert_digits(k.s, -1387, 0);
        assert_digits(k.var, 112728.3333, 4);
        assert_digits(k.z, -4.1280665, 7);
        assert_digits(k.p, 3.658263e-05, 11);
        assert_int_equal(stats_slope(NULL, nile, ELEMENTSOF(nile), 0.05, &s), 0);
        assert_digits(s.slope, -2.6, 12);
        assert_digits(s.lo, -3.627906977, 9);
        assert_digits(s.hi, -1.428571429, 9);
        assert_int_equal(s.pairs, 100 * 99 / 2);
}

/* Sen's own example, whose x are not equally far apart. */
static void test_sen(void **state)
{
        static const double y[] = {9, 15, 19, 20, 45, 55, 78}, x[] = {1, 2, 3, 4, 10, 12, 18};
        static const double mixed_y[] = {78, 9, 45, 15, 20, 55, 19};
        static const double mixed_x[] = {18, 1, 10, 2, 4, 12, 3};
        struct stats_slope s;
        struct stats_kendall k, mixed;

        assert_int_equal(stats_slope(x, y, 7, 0.07, &s), 0);
        assert_digits(s.slope, 4, 12);
        assert_digits(s.lo, 3.714285714, 9);
        assert_digits(s.hi, 4.375, 12);
        assert_digits(s.intercept, 20 - 4 * 4, 12);
        assert_int_equal(stats_slope(mixed_x, mixed_y, 7, 0.07, &s), 0);
        assert_digits(s.lo, 3.714285714, 9);
        assert_int_equal(stats_kendall(x, y, 7, &k), 0);
        assert_int_equal(stats_kendall(mixed_x, mixed_y, 7, &mixed), 0);
        assert_digits(k.s, 21, 0);
        assert_memory_equal(&k, &mixed, sizeof(k));
}

/* Ties in x and y, worked out by hand. Pairs with the same x have no slope. */
static void test_ties(void **state)
{
        static const double x[] = {1, 1, 2, 2, 3, 4}, y[] = {1, 2, 2, 2, 5, 5};
        struct stats_kendall k;
        struct stats_slope s;

        assert_int_equal(stats_kendall(x, y, 6, &k), 0);
        assert_digits(k.s, 10, 0);
        /* v0 = 6·5·17 = 510, vt = 2·18 = 36, vu = 66 + 18 = 84; Σt(t−1) = 4, Σu(u−1) = 8,
         * Σt(t−1)(t−2) = 0 */
        assert_digits(k.var, (510 - 36 - 84) / 18.0 + 4 * 8 / 60.0, 12);
        assert_int_equal(stats_slope(x, y, 6, 0.05, &s), 0);
        assert_int_equal(s.pairs, 13);
}

static void test_no_trend(void **state)
{
        static const double flat[5] = {7, 7, 7, 7, 7};
        struct stats_kendall k;
        struct stats_slope s;

        assert_int_equal(stats_kendall(NULL, flat, 5, &k), 0);
        assert_true(k.s == 0 && k.var == 0 && k.z == 0 && k.p == 1);
        assert_int_equal(stats_slope(NULL, flat, 5, 0.05, &s), 0);
        assert_true(s.slope == 0 && s.lo == 0 && s.hi == 0 && s.intercept == 7);
}

static void test_bad(void **state)
{
        static double many[STATS_TREND_MAX + 1];
        double y[] = {1, NAN, 3, 4}, good[] = {1, 2, 3, 4}, same[] = {5, 5, 5, 5};
        struct stats_kendall k = {.s = 42};
        struct stats_slope s = {.slope = 42};

        assert_int_equal(stats_kendall(NULL, y, 4, &k), -EINVAL);
        assert_int_equal(stats_slope(NULL, y, 4, 0.05, &s), -EINVAL);
        y[1] = INFINITY;
        assert_int_equal(stats_kendall(y, good, 4, &k), -EINVAL);
        assert_int_equal(stats_slope(y, good, 4, 0.05, &s), -EINVAL);
        y[1] = 1e301;
        assert_int_equal(stats_slope(NULL, y, 4, 0.05, &s), -EINVAL);
        assert_int_equal(stats_kendall(NULL, good, 2, &k), -ENODATA);
        assert_int_equal(stats_slope(NULL, good, 2, 0.05, &s), -ENODATA);
        assert_int_equal(stats_slope(same, good, 4, 0.05, &s), -ENODATA);
        assert_int_equal(stats_slope(NULL, good, 4, 0, &s), -EINVAL);
        assert_int_equal(stats_slope(NULL, good, 4, NAN, &s), -EINVAL);
        assert_int_equal(stats_kendall(NULL, many, ELEMENTSOF(many), &k), -E2BIG);
        assert_int_equal(stats_slope(NULL, many, ELEMENTSOF(many), 0.05, &s), -E2BIG);
        assert_true(k.s == 42 && s.slope == 42);
}

/* The interval holds the slope as often as it says: 95 of 100, of a line with noise. */
static void test_interval(void **state)
{
        uint64_t seed = 7;
        int inside = 0;

        for (int round = 0; round < 2000; round++) {
                struct stats_slope s;
                double y[24];

                for (size_t i = 0; i < ELEMENTSOF(y); i++)
                        y[i] = 0.3 * (double)i + random_normal(&seed);
                assert_int_equal(stats_slope(NULL, y, ELEMENTSOF(y), 0.05, &s), 0);
                inside += s.lo <= 0.3 && 0.3 <= s.hi;
        }
        assert_in_range(inside, 1870, 1930);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_normal),   cmocka_unit_test(test_nile),
                cmocka_unit_test(test_sen),      cmocka_unit_test(test_ties),
                cmocka_unit_test(test_no_trend), cmocka_unit_test(test_bad),
                cmocka_unit_test(test_interval),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
