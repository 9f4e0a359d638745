/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The histogram against the reference's known answers, and its promises: bounded
 * relative error, and merges of any split the same to the byte. */

#include "tests/unit/unit.h"

#include "base/histogram.h"

static uint64_t next_random(uint64_t *x)
{
        *x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *x >> 20;
}

static void test_reference(void **state)
{
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;

        /* HdrHistogram's own figures for 1 .. 3.6e9 with 3 digits */
        assert_int_equal(histogram_new_full(INT64_C(3600000000), 3, &h), 0);
        assert_int_equal(histogram_n_counters(h), 23552);
        for (int i = 0; i < 10000; i++)
                histogram_record(h, 1000);
        histogram_record(h, 100000000);
        assert_int_equal(histogram_count(h), 10001);
        assert_int_equal(histogram_percentile(h, 50), 1000);
        assert_int_equal(histogram_percentile(h, 99.99), 1000);
        assert_int_equal(histogram_percentile(h, 99.999), 100000000);
        assert_int_equal(histogram_percentile(h, 100), 100000000);
        assert_int_equal(histogram_min(h), 1000);
        assert_int_equal(histogram_max(h), 100000000);
}

static void test_empty_and_limits(void **state)
{
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;
        struct histogram *bad;

        assert_int_equal(histogram_new_full(1, 3, &bad), -EINVAL);
        assert_int_equal(histogram_new_full(1000, 9, &bad), -EINVAL);
        assert_int_equal(histogram_new(&h), 0);
        assert_int_equal(histogram_percentile(h, 50), 0);
        assert_int_equal(histogram_min(h), 0);
        histogram_record(h, -5);
        assert_int_equal(histogram_max(h), 0);
        histogram_record(h, INT64_MAX);
        assert_int_equal(histogram_saturated(h), 1);
        assert_int_equal(histogram_max(h), HISTOGRAM_MAX);
        histogram_record(h, HISTOGRAM_MAX);
        assert_int_equal(histogram_saturated(h), 1);
        assert_int_equal(histogram_count(h), 3);
}

/* The last counter of the largest layout ends at INT64_MAX. */
static void test_widest(void **state)
{
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;

        assert_int_equal(histogram_new_full(INT64_MAX, 5, &h), 0);
        histogram_record(h, 0);
        histogram_record(h, INT64_MAX);
        assert_int_equal(histogram_saturated(h), 0);
        assert_true(histogram_percentile(h, 100) == INT64_MAX);
        assert_int_equal(histogram_percentile(h, 50), 0);
}

/* Every value comes back within 1/1000, never smaller than it was. */
static void test_relative_error(void **state)
{
        uint64_t x = 1;

        for (int i = 0; i < 300; i++) {
                _cleanup_(histogram_freep)
                struct histogram *h = NULL;
                int64_t v = (int64_t)(next_random(&x) % (uint64_t)HISTOGRAM_MAX) >> (i % 40), got;

                assert_int_equal(histogram_new(&h), 0);
                histogram_record(h, v);
                histogram_record(h, HISTOGRAM_MAX); /* so that max does not hide the bucket */
                got = histogram_percentile(h, 50);
                assert_true(got >= v);
                assert_true((double)(got - v) <= (double)v / 1000.0 + 0.5);
        }
}

static void test_merge(void **state)
{
        _cleanup_(histogram_freep)
        struct histogram *all = NULL, *sum = NULL, *other = NULL;
        struct histogram *parts[3];
        uint64_t x = 7;

        assert_int_equal(histogram_new(&all), 0);
        assert_int_equal(histogram_new(&sum), 0);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                assert_int_equal(histogram_new(&parts[i]), 0);
        for (int i = 0; i < 100000; i++) {
                int64_t v = (int64_t)(next_random(&x) % 5000000000000);

                histogram_record(all, v);
                histogram_record(parts[next_random(&x) % ELEMENTSOF(parts)], v);
        }
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                assert_int_equal(histogram_merge(sum, parts[i]), 0);
                histogram_free(parts[i]);
        }
        assert_true(histogram_equal(all, sum));
        histogram_record(sum, 1);
        assert_false(histogram_equal(all, sum));
        assert_int_equal(histogram_new_full(1000, 3, &other), 0);
        assert_int_equal(histogram_merge(sum, other), -EINVAL);
}

/* Going over it finds every value, once, in order. */
static void test_next(void **state)
{
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;
        int64_t value, last = -1;
        uint64_t count, sum = 0;
        size_t i = 0;

        assert_int_equal(histogram_new(&h), 0);
        assert_false(histogram_next(h, &i, &value, &count));
        histogram_record(h, 0);
        histogram_record(h, 5);
        histogram_record(h, 5);
        histogram_record(h, 1234567);
        histogram_record(h, INT64_MAX);
        i = 0;
        while (histogram_next(h, &i, &value, &count)) {
                assert_true(value > last);
                last = value;
                sum += count;
                if (value == 5)
                        assert_int_equal(count, 2);
        }
        assert_int_equal(sum, histogram_count(h));
        assert_int_equal(last, histogram_max(h));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_reference),
                cmocka_unit_test(test_empty_and_limits),
                cmocka_unit_test(test_relative_error),
                cmocka_unit_test(test_widest),
                cmocka_unit_test(test_merge),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
