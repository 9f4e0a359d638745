/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/parse.h"
#include "tests/unit/unit.h"

#define S NSEC_PER_SEC

static const struct {
        const char *s;
        int r;
        int64_t v;
} integers[] =
        {
                {"0", 0, 0},
                {"-0", 0, 0},
                {"007", 0, 7},
                {"42", 0, 42},
                {"-42", 0, -42},
                {"9223372036854775807", 0, INT64_MAX},
                {"9223372036854775808", -ERANGE},
                {"-9223372036854775808", 0, INT64_MIN},
                {"-9223372036854775809", -ERANGE},
                {"99999999999999999999999999", -ERANGE},
                {"99999999999999999999999999x", -EINVAL},
                {"", -EINVAL},
                {"-", -EINVAL},
                {"--1", -EINVAL},
                {"+1", -EINVAL},
                {" 1", -EINVAL},
                {"1 ", -EINVAL},
                {"1.0", -EINVAL},
                {"0x10", -EINVAL},
                {"1e3", -EINVAL},
},
  sizes[] =
          {
                  {"0", 0, 0},
                  {"512", 0, 512},
                  {"1K", 0, 1024},
                  {"512M", 0, 512 << 20},
                  {"2G", 0, INT64_C(2) << 30},
                  {"3T", 0, INT64_C(3) << 40},
                  {"8388607T", 0, INT64_C(8388607) << 40},
                  {"8388608T", -ERANGE},
                  {"9223372036854775808", -ERANGE},
                  {"99999999999999999999G", -ERANGE},
                  {"", -EINVAL},
                  {"K", -EINVAL},
                  {"-1K", -EINVAL},
                  {"1k", -EINVAL},
                  {"1KB", -EINVAL},
                  {"1.5G", -EINVAL},
                  {"1 G", -EINVAL},
},
  durations[] = {
          {"0", 0, 0},
          {"30", 0, 30 * S},
          {"1.5", 0, 3 * S / 2},
          {"250ms", 0, S / 4},
          {"2s", 0, 2 * S},
          {"2m", 0, 120 * S},
          {"2min", 0, 120 * S},
          {"24h", 0, 86400 * S},
          {"2d", 0, 2 * 86400 * S},
          {"1h30m", 0, 5400 * S},
          {"1h30m15s250ms", 0, 5415 * S + S / 4},
          {"0.5h", 0, 1800 * S},
          {"0.000000001s", 0, 1},
          {"0.0000000019", 0, 1},
          {"0.123456789012345678s", 0, 123456789},
          {"0.1234567890123456789s", -EINVAL},
          {"106751d", 0, INT64_C(106751) * 86400 * S},
          {"106752d", -ERANGE},
          {"106751d24h", -ERANGE},
          {"9223372036854775807d", -ERANGE},
          {"99999999999999999999d", -ERANGE},
          {"99999999999999999999x", -EINVAL},
          {"", -EINVAL},
          {"s", -EINVAL},
          {"-1s", -EINVAL},
          {"1h30", -EINVAL}, /* minutes or seconds? */
          {"1.s", -EINVAL},
          {".5s", -EINVAL},
          {"1 s", -EINVAL},
          {"1S", -EINVAL},
          {"1us", -EINVAL},
          {"1w", -EINVAL},
          {"1,5s", -EINVAL},
};

static void check(int (*parse)(const char *, int64_t, int64_t, int64_t *), const char *s, int r,
                  int64_t v)
{
        int64_t got = 77, want = r < 0 ? 77 : v;
        int q = parse(s, INT64_MIN, INT64_MAX, &got);

        if (q != r || got != want)
                print_error("«%s»: %d, %lld; wanted %d, %lld\n", s, q, (long long)got, r,
                            (long long)want);
        assert_int_equal(q, r);
        assert_true(got == want);
}

static void test_values(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(integers); i++)
                check(parse_i64, integers[i].s, integers[i].r, integers[i].v);
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++)
                check(parse_size, sizes[i].s, sizes[i].r, sizes[i].v);
        for (size_t i = 0; i < ELEMENTSOF(durations); i++)
                check(parse_duration, durations[i].s, durations[i].r, durations[i].v);
}

static void test_limits(void **state)
{
        int64_t v = 0;

        assert_int_equal(parse_i64("5", 5, 6, &v), 0);
        assert_int_equal(parse_i64("4", 5, 6, &v), -ERANGE);
        assert_int_equal(parse_i64("7", 5, 6, &v), -ERANGE);
        assert_int_equal(parse_size("1K", 1025, 2000, &v), -ERANGE);
        assert_int_equal(parse_size("1K", 0, 1023, &v), -ERANGE);
        assert_int_equal(parse_duration("1s", 2 * S, 3 * S, &v), -ERANGE);
        assert_int_equal(parse_duration("1s", 0, S - 1, &v), -ERANGE);
        assert_int_equal(v, 5);
}

static void test_bool(void **state)
{
        bool b = false;

        assert_int_equal(parse_bool("yes", &b), 0);
        assert_true(b);
        assert_int_equal(parse_bool("off", &b), 0);
        assert_false(b);
        assert_int_equal(parse_bool("1", &b), 0);
        assert_true(b);
        assert_int_equal(parse_bool("false", &b), 0);
        assert_false(b);
        assert_int_equal(parse_bool("", &b), -EINVAL);
        assert_int_equal(parse_bool("YES", &b), -EINVAL);
        assert_int_equal(parse_bool("2", &b), -EINVAL);
}

static void test_format(void **state)
{
        static const struct {
                int64_t v;
                const char *s;
        } d[] = {{0, "0 ns"},
                 {999, "999 ns"},
                 {1000, "1.0 µs"},
                 {12345, "12 µs"},
                 {9949, "9.9 µs"},
                 {9951, "10 µs"},
                 {999499, "999 µs"},
                 {999500, "1.0 ms"},
                 {320 * NSEC_PER_MSEC, "320 ms"},
                 {999999999, "1.0 s"},
                 {3 * S / 2, "1.5 s"},
                 {59 * S, "59.0 s"},
                 {59960 * NSEC_PER_MSEC, "1m00s"},
                 {123 * S, "2m03s"},
                 {3599 * S + S / 2, "1h00m"},
                 {7380 * S, "2h03m"},
                 {(3 * 24 + 4) * 3600 * S, "3d04h"},
                 {-3 * S / 2, "-1.5 s"},
                 {INT64_MAX, "106751d23h"},
                 {INT64_MIN, "-106751d23h"}},
          b[] = {{0, "0 B"},
                 {1023, "1023 B"},
                 {1024, "1 KiB"},
                 {1536, "1.5 KiB"},
                 {20000, "20 KiB"},
                 {512 << 20, "512 MiB"},
                 {(1 << 20) - 1, "1.0 MiB"},
                 {INT64_MAX, "8.0 EiB"},
                 {INT64_MIN, "-8 EiB"}};
        char buf[32];

        for (size_t i = 0; i < ELEMENTSOF(d); i++)
                assert_string_equal(format_duration(d[i].v, buf, sizeof(buf)), d[i].s);
        for (size_t i = 0; i < ELEMENTSOF(b); i++)
                assert_string_equal(format_size(b[i].v, buf, sizeof(buf)), b[i].s);
        assert_string_equal(format_size(1536, buf, 4), "1.5");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_bool),
                cmocka_unit_test(test_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
