/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Percentiles along time, out of counts. */

#include "tests/unit/unit.h"

#include <math.h>

#include "report/html-grid.h"

static void check_near(double value, double wanted)
{
        if (fabs(value - wanted) > wanted * 0.032) {
                print_error("%g is not near %g\n", value, wanted);
                fail();
        }
}

static void test_percentiles(void **state)
{
        _cleanup_(html_grid_freep)
        struct html_grid *g = NULL;
        struct html_grid_sum sum;

        assert_int_equal(html_grid_new(3, &g), 0);
        for (int64_t i = 1; i <= 1000; i++)
                html_grid_add(g, PHASE_START, 1, i * NSEC_PER_MSEC);
        html_grid_sum(g, PHASE_START, 1, 1, &sum);
        assert_int_equal(sum.count, 1000);
        check_near(html_grid_percentile(&sum, 50), 500e6);
        check_near(html_grid_percentile(&sum, 99), 990e6);
        check_near(html_grid_percentile(&sum, 0.1), 1e6);
        assert_true(html_grid_percentile(&sum, 100) == 1000e6);
        assert_int_equal(sum.max_ns, 1000 * NSEC_PER_MSEC);
        html_grid_sum(g, PHASE_START, 2, 1, &sum);
        assert_true(sum.count == 0 && html_grid_percentile(&sum, 50) == 0);
        html_grid_sum(g, PHASE_STOP, 1, 1, &sum);
        assert_int_equal(sum.count, 0);
}

/* Percentiles of several buckets are those of all their samples, not a mean of percentiles. */
static void test_sums(void **state)
{
        _cleanup_(html_grid_freep)
        struct html_grid *g = NULL;
        struct html_grid_sum sum;

        assert_int_equal(html_grid_new(2, &g), 0);
        for (int i = 0; i < 99; i++)
                html_grid_add(g, PHASE_EXEC, 0, 10 * NSEC_PER_MSEC);
        html_grid_add(g, PHASE_EXEC, 1, 3 * NSEC_PER_SEC);
        html_grid_sum(g, PHASE_EXEC, 0, 2, &sum);
        check_near(html_grid_percentile(&sum, 50), 10e6);
        check_near(html_grid_percentile(&sum, 99), 10e6);
        assert_true(html_grid_percentile(&sum, 100) == 3e9);
}

static void test_ends(void **state)
{
        _cleanup_(html_grid_freep)
        struct html_grid *g = NULL;
        struct html_grid_sum sum;

        assert_int_equal(html_grid_new(1, &g), 0);
        html_grid_add(g, PHASE_CREATE, 0, -5);
        html_grid_add(g, PHASE_CREATE, 0, 0);
        html_grid_add(g, PHASE_CREATE, 0, INT64_MAX);
        html_grid_sum(g, PHASE_CREATE, 0, 1, &sum);
        assert_int_equal(sum.cells[0], 2);
        assert_int_equal(sum.cells[HTML_GRID_CELLS - 1], 1);
        assert_int_equal(sum.max_ns, INT64_MAX);
}

static void test_moves(void **state)
{
        _cleanup_(html_grid_freep)
        struct html_grid *a = NULL;
        _cleanup_(html_grid_freep)
        struct html_grid *b = NULL;
        struct html_grid_sum sum;

        assert_int_equal(html_grid_new(2, &a), 0);
        assert_int_equal(html_grid_new(2, &b), 0);
        html_grid_add(a, PHASE_STOP, 1, NSEC_PER_SEC);
        html_grid_add(b, PHASE_STOP, 1, 2 * NSEC_PER_SEC);
        html_grid_move(a, b);
        html_grid_sum(a, PHASE_STOP, 1, 1, &sum);
        assert_true(sum.count == 2 && sum.max_ns == 2 * NSEC_PER_SEC);
        html_grid_sum(b, PHASE_STOP, 1, 1, &sum);
        assert_true(sum.count == 0 && sum.max_ns == 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_percentiles),
                cmocka_unit_test(test_sums),
                cmocka_unit_test(test_ends),
                cmocka_unit_test(test_moves),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
