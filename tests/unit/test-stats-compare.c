/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two samples: against scipy and R, and against all pairs written out. */

#include "tests/unit/stats-data.h"

#include "report/stats-compare.h"
#include "report/stats-depend.h"
#include "report/stats-order.h"

static void test_mann_whitney(void **state)
{
        static const double x[] = {19, 22, 16, 29, 24}, y[] = {20, 11, 17, 12};
        struct stats_mann_whitney w, mirror;

        assert_int_equal(stats_mann_whitney(x, 5, y, 4, 1, 1, &w), 0);
        assert_true(w.u == 17 && w.exact);
        assert_digits(w.p_exact, .1111111, 7);
        assert_digits(w.p, .1113469, 7);
        assert_int_equal(stats_mann_whitney(y, 4, x, 5, 1, 1, &mirror), 0);
        assert_true(mirror.u == 3 && mirror.z == -w.z && mirror.p == w.p);
        assert_digits(mirror.p_exact, .1111111, 7);
}

/* Hollander and Wolfe's example, as in ?wilcox.test of R: W = 35, one-sided p .1272. */
static void test_hollander(void **state)
{
        static const double x[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
        static const double y[] = {1.15, 0.88, 0.90, 0.74, 1.21};
        struct stats_mann_whitney w;

        assert_int_equal(stats_mann_whitney(x, 10, y, 5, 1, 1, &w), 0);
        assert_true(w.u == 35 && w.exact);
        assert_digits(w.p_exact / 2, .1272, 4);
}

static void test_ties(void **state)
{
        static const double x[] = {1, 2, 2, 3}, y[] = {2, 3, 3, 4, 4}, same[] = {1, 1, 1};
        struct stats_mann_whitney w;

        assert_int_equal(stats_mann_whitney(x, 4, y, 5, 1, 1, &w), 0);
        /* pairs: 3 > 2, and 2 = 2 twice, 3 = 3 twice; Σ t³−t = 24 + 24 + 6 */
        assert_true(w.u == 3 && !w.exact);
        assert_digits(w.z, -(7 - 0.5) / sqrt(20 / 12.0 * (10 - 54 / 72.0)), 12);
        assert_int_equal(stats_mann_whitney(same, 3, same, 3, 1, 1, &w), 0);
        assert_true(w.z == 0 && w.p == 1);
        assert_int_equal(stats_mann_whitney(x, 4, y, 0, 1, 1, &w), -ENODATA);
        assert_int_equal(stats_mann_whitney(x, 4, (double[]){NAN}, 1, 1, 1, &w), -EINVAL);
}

/* Values that depend on each other count for less. */
static void test_inflated(void **state)
{
        struct stats_mann_whitney w, v;

        assert_int_equal(stats_mann_whitney(nile, 40, nile + 40, 60, 1, 1, &w), 0);
        assert_int_equal(stats_mann_whitney(nile, 40, nile + 40, 60, 4, 4, &v), 0);
        assert_digits(w.z, 2 * v.z, 9);
}

/* The k-th of all pairs, from 1. */
static double kth_pair(const double *x, size_t n, const double *y, size_t m, double k)
{
        double d[400];

        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < m; j++)
                        d[i * m + j] = y[j] - x[i];
        stats_sort(d, n * m);
        return d[(size_t)k - 1];
}

static void test_shift(void **state)
{
        uint64_t seed = 11;

        for (size_t n = 1; n <= 20; n++)
                for (size_t m = 1; m <= 20; m++) {
                        double x[20], y[20], pairs = (double)(n * m), end;
                        struct stats_shift s;

                        for (size_t i = 0; i < 20; i++) {
                                x[i] = floor(random_normal(&seed) * 10) / 2;
                                y[i] = m % 2 ? random_normal(&seed) * 1e3 : floor(x[i] * 3) - 4;
                        }
                        stats_sort(x, n);
                        stats_sort(y, m);
                        assert_int_equal(stats_shift(x, n, y, m, 1, 1, 0.05, &s), 0);
                        assert_true(s.shift ==
                                    kth_pair(x, n, y, m, floor((pairs + 1) / 2)) / 2 +
                                            kth_pair(x, n, y, m, ceil((pairs + 1) / 2)) / 2);
                        end = fmax(1, floor(pairs / 2 -
                                            1.959963984540054 *
                                                    sqrt(pairs * (double)(n + m + 1) / 12)));
                        assert_true(s.lo == kth_pair(x, n, y, m, end));
                        assert_true(s.hi == kth_pair(x, n, y, m, pairs + 1 - end));
                }
}

/* By counting and by making all sums, against sorting them. */
static void test_pseudo_median(void **state)
{
        static const double x[] = {1, 2, 10};
        uint64_t seed = 17;

        /* 1 1.5 2 5.5 6 10 */
        assert_true(stats_pseudo_median(x, 3) == 3.75);
        for (size_t n = 1; n <= 90; n++) {
                double y[90], sums[90 * 91 / 2];
                size_t k = 0;

                for (size_t i = 0; i < n; i++)
                        y[i] = n % 2 ? random_normal(&seed) : floor(random_normal(&seed) * 4);
                stats_sort(y, n);
                for (size_t i = 0; i < n; i++)
                        for (size_t j = i; j < n; j++)
                                sums[k++] = y[i] + y[j];
                stats_sort(sums, k);
                assert_true(stats_pseudo_median(y, n) ==
                            (sums[(k - 1) / 2] / 2 + sums[k / 2] / 2) / 2);
        }
}

/* The interval holds the shift as often as it says, and 400,000 values are no matter of pairs. */
static void test_interval(void **state)
{
        uint64_t seed = 13;
        size_t n = 200000;
        double *x = malloc(n * sizeof(*x)), *y = malloc(n * sizeof(*y));
        struct stats_shift s;
        int inside = 0;

        assert_true(x && y);
        for (int round = 0; round < 1000; round++) {
                for (size_t i = 0; i < 50; i++) {
                        x[i] = random_normal(&seed);
                        y[i] = random_normal(&seed) + 0.5;
                }
                stats_sort(x, 40);
                stats_sort(y, 50);
                assert_int_equal(stats_shift(x, 40, y, 50, 1, 1, 0.05, &s), 0);
                inside += s.lo <= 0.5 && 0.5 <= s.hi;
        }
        assert_in_range(inside, 930, 970);
        for (size_t i = 0; i < n; i++) {
                x[i] = (double)i;
                y[i] = (double)i + 1000;
        }
        assert_int_equal(stats_shift(x, n, y, n, 1, 1, 0.05, &s), 0);
        assert_true(s.shift == 1000 && s.lo < 1000 && s.hi > 1000);
        free(x);
        free(y);
}

static void test_fisher(void **state)
{
        double p;

        /* the lady tasting tea; ?fisher.test of R: .4857 two-sided */
        assert_int_equal(stats_fisher(3, 4, 1, 4, &p), 0);
        assert_digits(p, .4857, 4);
        /* convictions of twins, also there: 2 of 17 against 10 of 13, 2 · one-sided .0005 */
        assert_int_equal(stats_fisher(2, 17, 10, 13, &p), 0);
        assert_digits(p, .0005367, 7);
        assert_int_equal(stats_fisher(0, 500, 0, 500, &p), 0);
        assert_digits(p, 1, 9);
        assert_int_equal(stats_fisher(0, 0, 5, 500, &p), 0);
        assert_digits(p, 1, 9);
        assert_int_equal(stats_fisher(5, 4, 0, 4, &p), -EINVAL);
}

/* Independent values are worth one each; an AR(1) of 0.6 is worth a quarter. */
static void test_inflation(void **state)
{
        static const double phi[] = {0, 0.6}, lo[] = {1, 3.5}, hi[] = {1.3, 5.5};
        double *x = malloc(2000 * sizeof(*x)), *group = malloc(2000 * sizeof(*group)), f, sum;
        uint64_t seed = 19;

        assert_true(x && group);
        for (size_t k = 0; k < ELEMENTSOF(phi); k++) {
                sum = 0;
                for (int round = 0; round < 50; round++) {
                        random_ar1(&seed, phi[k], x, 2000);
                        assert_int_equal(stats_inflation(x, NULL, 2000, &f), 0);
                        sum += f / 50;
                }
                assert_true(lo[k] <= sum && sum <= hi[k]);
        }
        /* two hosts of which one is slower are no correlation */
        for (size_t i = 0; i < 2000; i++) {
                x[i] = random_normal(&seed) + (i < 1000 ? 0 : 5);
                group[i] = i < 1000 ? 0 : 1;
        }
        assert_int_equal(stats_inflation(x, group, 2000, &f), 0);
        assert_true(f < 1.5);
        assert_int_equal(stats_inflation(x, NULL, 2000, &f), 0);
        assert_true(f > 100);
        assert_int_equal(stats_inflation(x, NULL, 0, &f), -ENODATA);
        x[5] = NAN;
        assert_int_equal(stats_inflation(x, NULL, 2000, &f), -EINVAL);
        free(x);
        free(group);
}

static void test_adjust(void **state)
{
        static const double p[] = {.01, .02, .03, .04, .05};
        double q[5], some[] = {.04, NAN, .001, .9, .03};

        assert_int_equal(stats_adjust(p, 5, q), 0);
        for (size_t i = 0; i < 5; i++)
                assert_digits(q[i], .05, 12);
        assert_int_equal(stats_adjust(some, 5, some), 0);
        assert_digits(some[0], .04 * 4 / 3, 12);
        assert_true(isnan(some[1]));
        assert_digits(some[2], .004, 12);
        assert_digits(some[3], .9, 12);
        assert_digits(some[4], .04 * 4 / 3, 12);
        assert_int_equal(stats_adjust(NULL, 0, NULL), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mann_whitney), cmocka_unit_test(test_hollander),
                cmocka_unit_test(test_ties),         cmocka_unit_test(test_inflated),
                cmocka_unit_test(test_shift),        cmocka_unit_test(test_pseudo_median),
                cmocka_unit_test(test_interval),     cmocka_unit_test(test_adjust),
                cmocka_unit_test(test_fisher),       cmocka_unit_test(test_inflation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
