/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Kaplan-Meier against the trial it is always shown with, and against plain counting. */

#include "tests/unit/stats-data.h"

#include "report/stats-survival.h"

/* Freireich et al. 1963: weeks of remission under 6-MP; 1 ended, 0 was last seen then. */
static const struct {
        double t;
        unsigned ended;
} freireich[] = {{6, 1},  {6, 1},  {6, 1},  {7, 1},  {10, 1}, {13, 1}, {16, 1},
                 {22, 1}, {23, 1}, {6, 0},  {9, 0},  {10, 0}, {11, 0}, {17, 0},
                 {19, 0}, {20, 0}, {25, 0}, {32, 0}, {32, 0}, {34, 0}, {35, 0}};

static void test_freireich(void **state)
{
        static const struct {
                double t, survival;
                unsigned at_risk;
        } wanted[] = {{6, .8571, 21},  {7, .8067, 17}, {10, .7529, 15}, {13, .6902, 12},
                      {16, .6275, 11}, {22, .5378, 7}, {23, .4482, 6}};
        struct stats_observation o[ELEMENTSOF(freireich)];
        struct stats_survival steps[ELEMENTSOF(freireich)];
        double t = 0;
        size_t n;

        for (size_t i = 0; i < ELEMENTSOF(o); i++)
                o[i] = (struct stats_observation){freireich[i].t, freireich[i].ended,
                                                  !freireich[i].ended};
        assert_int_equal(stats_survival(o, ELEMENTSOF(o), steps, &n), 0);
        assert_int_equal(n, ELEMENTSOF(wanted));
        for (size_t i = 0; i < n; i++) {
                assert_true(steps[i].t == wanted[i].t);
                assert_int_equal(steps[i].at_risk, wanted[i].at_risk);
                assert_digits(steps[i].survival, wanted[i].survival, 4);
        }
        assert_int_equal(stats_survival_quantile(steps, n, 0.5, &t), 0);
        assert_true(t == 23);
        assert_int_equal(stats_survival_quantile(steps, n, 0.25, &t), 0);
        assert_true(t == 13);
        assert_int_equal(stats_survival_quantile(steps, n, 0.9, &t), -ENODATA);
}

/* Nothing censored: it is the plain share. Counts of many at once are as so many single ones. */
static void test_all_ended(void **state)
{
        const struct stats_observation o[] = {{3, 5, 0}, {1, 4, 0}, {2, 1, 0}, {1, 0, 0}};
        struct stats_survival steps[4];
        double t;
        size_t n;

        assert_int_equal(stats_survival(o, 4, steps, &n), 0);
        assert_int_equal(n, 3);
        assert_digits(steps[0].survival, 0.6, 12);
        assert_digits(steps[1].survival, 0.5, 12);
        assert_true(steps[2].survival == 0);
        assert_int_equal(stats_survival_quantile(steps, n, 0.5, &t), 0);
        assert_true(t == 2);
}

static void test_bad(void **state)
{
        const struct stats_observation none[] = {{1, 0, 0}}, bad[] = {{NAN, 1, 0}};
        const struct stats_observation censored[] = {{1, 0, 7}};
        struct stats_survival steps[1];
        size_t n = 42;

        assert_int_equal(stats_survival(none, 1, steps, &n), -ENODATA);
        assert_int_equal(stats_survival(none, 0, steps, &n), -ENODATA);
        assert_int_equal(stats_survival(bad, 1, steps, &n), -EINVAL);
        assert_int_equal(n, 42);
        assert_int_equal(stats_survival(censored, 1, steps, &n), 0);
        assert_int_equal(n, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_freireich),
                cmocka_unit_test(test_all_ended),
                cmocka_unit_test(test_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
