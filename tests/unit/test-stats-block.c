/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Order and block medians: against plain sorting, and what blocks do to a false alarm. */

#include "tests/unit/stats-data.h"

#include "report/stats-block.h"
#include "report/stats-order.h"
#include "report/stats-trend.h"

static void test_select(void **state)
{
        uint64_t seed = 1;

        for (size_t n = 1; n < 60; n++)
                for (unsigned distinct = 1; distinct < 70; distinct += 3) {
                        double x[60], sorted[60], rank[60], ties;

                        for (size_t i = 0; i < n; i++)
                                x[i] = (double)(stats_random(&seed) % distinct);
                        memcpy(sorted, x, sizeof(x));
                        stats_sort(sorted, n);
                        assert_int_equal(stats_rank(x, n, rank, &ties), 0);
                        for (size_t i = 0; i < n; i++) {
                                double below = 0, equal = 0;

                                for (size_t j = 0; j < n; j++) {
                                        below += x[j] < x[i];
                                        equal += !(x[j] < x[i] || x[j] > x[i]);
                                }
                                assert_true(fabs(rank[i] - (below + (equal + 1) / 2)) < 1e-9);
                        }
                        for (size_t k = 0; k < n; k++) {
                                double copy[60];

                                memcpy(copy, x, sizeof(x));
                                assert_true(stats_select(copy, n, k) == sorted[k]);
                                stats_sort(copy, n);
                                assert_memory_equal(copy, sorted, n * sizeof(*x));
                        }
                        assert_true(stats_median(x, n) ==
                                    sorted[(n - 1) / 2] / 2 + sorted[n / 2] / 2);
                }
}

static void test_ranks(void **state)
{
        static const double x[] = {3, 1, 3, 3, 2, 1};
        double rank[6], ties;

        assert_int_equal(stats_rank(x, 6, rank, &ties), 0);
        assert_true(rank[0] == 5 && rank[1] == 1.5 && rank[4] == 3);
        assert_true(ties == 24 + 6);
}

/* Orders that make a careless quickselect quadratic: 1e6 points would take minutes then. */
static void test_select_large(void **state)
{
        size_t n = 1000000;
        double *x = malloc(n * sizeof(*x));

        assert_non_null(x);
        for (int kind = 0; kind < 4; kind++) {
                for (size_t i = 0; i < n; i++)
                        x[i] = kind == 0   ? 1
                               : kind == 1 ? (double)i
                               : kind == 2 ? (double)(n - i)
                                           : (double)(i < n / 2 ? i : n - i);
                stats_select(x, n, n / 3);
        }
        free(x);
}

static void test_blocks(void **state)
{
        static const double y[] = {1, 9, 2, 4, 100, 6, 7, 8, 3, 0, 5};
        double bx[4], by[4];

        /* 3, 3, 3 and 2 points */
        assert_int_equal(stats_block_medians(NULL, y, 11, 4, bx, by), 0);
        assert_true(by[0] == 2 && by[1] == 6 && by[2] == 7 && by[3] == 2.5);
        assert_true(bx[0] == 2 && bx[1] == 5 && bx[2] == 8 && bx[3] == 10.5);
        assert_int_equal(stats_block_begin(11, 4, 3), 9);
        assert_int_equal(stats_block_begin(11, 4, 4), 11);
        assert_int_equal(stats_block_medians(NULL, y, 11, 12, bx, by), -ENODATA);
        assert_int_equal(stats_block_medians(NULL, y, 11, 0, bx, by), -ENODATA);
        assert_int_equal(stats_block_medians(y, (double[]){1, NAN}, 2, 1, bx, by), -EINVAL);
}

static void test_sort_points(void **state)
{
        double x[] = {3, 1, 2, 1}, y[] = {30, 10, 20, 11};

        assert_int_equal(stats_sort_points(x, y, 4), 0);
        assert_true(x[0] == 1 && x[1] == 1 && x[2] == 2 && x[3] == 3);
        assert_true(y[0] == 10 && y[1] == 11 && y[2] == 20 && y[3] == 30);
}

/* The reason for all this: false alarms in 200 series that wander and have no trend. */
static void test_false_alarms(void **state)
{
        uint64_t seed = 3;
        int raw = 0, blocked = 0;

        for (int round = 0; round < 200; round++) {
                double y[720], bx[24], by[24];
                struct stats_kendall k;

                random_ar1(&seed, 0.9, y, ELEMENTSOF(y));
                assert_int_equal(stats_kendall(NULL, y, ELEMENTSOF(y), &k), 0);
                raw += k.p < 0.05;
                assert_int_equal(stats_block_medians(NULL, y, ELEMENTSOF(y), 24, bx, by), 0);
                assert_int_equal(stats_kendall(bx, by, 24, &k), 0);
                blocked += k.p < 0.05;
        }
        assert_in_range(raw, 100, 150);
        assert_in_range(blocked, 1, 30);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_select),       cmocka_unit_test(test_ranks),
                cmocka_unit_test(test_select_large), cmocka_unit_test(test_blocks),
                cmocka_unit_test(test_sort_points),  cmocka_unit_test(test_false_alarms),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
