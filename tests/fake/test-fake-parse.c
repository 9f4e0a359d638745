/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fake's pure parts: requests out of bytes, distributions out of text, timers in order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http-parse.h"
#include "latency.h"
#include "timer.h"

static int parse(const char *text, struct http_request *r, size_t *ret_used)
{
        static char data[4096]; /* http_request.body points into it */

        assert_true(strlen(text) < sizeof(data));
        strcpy(data, text);
        return http_parse(r, data, strlen(text), ret_used);
}

static void test_request(void **state)
{
        const char text[] = "PUT /1.0/a%20b?x=1&y=a%2Fb HTTP/1.1\r\nHost: l\r\nIf-Match: \"7\"\r\n"
                            "content-length: 3\r\n\r\nabcGET";
        struct http_request r;
        char value[8];
        size_t used;

        assert_int_equal(parse(text, &r, &used), 0);
        assert_int_equal(used, strlen(text) - 3);
        assert_string_equal(r.method, "PUT");
        assert_string_equal(r.target, "/1.0/a%20b");
        assert_string_equal(r.if_match, "\"7\"");
        assert_int_equal(r.body_size, 3);
        assert_memory_equal(r.body, "abc", 3);
        assert_true(r.keep_alive);
        assert_int_equal(http_unescape(r.target), 0);
        assert_string_equal(r.target, "/1.0/a b");
        assert_int_equal(http_query(r.query, "y", value, sizeof(value)), 0);
        assert_string_equal(value, "a/b");
        assert_int_equal(http_query(r.query, "z", value, sizeof(value)), -ENOENT);
        assert_int_equal(http_query(r.query, "y", value, 3), -EMSGSIZE);
}

static void test_chunked(void **state)
{
        const char text[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
        struct http_request r;
        size_t used;

        assert_int_equal(parse(text, &r, &used), 0);
        assert_int_equal(used, strlen(text));
        assert_int_equal(r.body_size, 13);
        assert_memory_equal(r.body, "abc0123456789", 13);
}

/* However a request is cut, it is never half believed. */
static void test_every_prefix_is_incomplete(void **state)
{
        static const char *const texts[] = {
                "GET /1.0 HTTP/1.1\r\nHost: l\r\n\r\n",
                "PUT /1.0 HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789",
                "PUT /1.0 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                for (size_t n = 0; n < strlen(texts[i]); n++) {
                        char *cut = must(strndup(texts[i], n)); /* of its own, for ASan */
                        struct http_request r;
                        size_t used;

                        assert_int_equal(http_parse(&r, cut, n, &used), -EAGAIN);
                        free(cut);
                }
        }
}

static void test_refused(void **state)
{
        static const struct {
                const char *text;
                int error;
        } cases[] = {
                {"GET\r\n\r\n", -EBADMSG},
                {"GET / HTTP/2.0\r\n\r\n", -EBADMSG},
                {"GET nowhere HTTP/1.1\r\n\r\n", -EBADMSG},
                {"OVERLONGMETHOD / HTTP/1.1\r\n\r\n", -EBADMSG},
                {"GET / HTTP/1.1\r\nContent-Length: \r\n\r\n", -EBADMSG},
                {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", -EBADMSG},
                {"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", -EMSGSIZE},
                {"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", -EBADMSG},
                {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", -EMSGSIZE},
                {"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", -EBADMSG},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct http_request r;
                size_t used;

                assert_int_equal(parse(cases[i].text, &r, &used), cases[i].error);
        }
}

static void test_latencies_refused(void **state)
{
        static const char *const bad[] = {"",
                                          "5",
                                          "-1ms",
                                          "5 ms",
                                          "nan",
                                          "2h",
                                          "uniform:5ms",
                                          "uniform:5ms:1ms",
                                          "tail:5ms:0:10",
                                          "tail:5ms:10",
                                          "x:5ms:1",
                                          "1ms:2ms:3ms:4ms:5ms"};
        struct latency l;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(latency_parse(bad[i], &l), -EINVAL);
}

static int compare(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

/* Medians are what was asked for, and one in 1,000 of a tail is 100 times that. */
static void test_distributions(void **state)
{
        static const char *const texts[] = {"20ms", "uniform:10ms:30ms", "lognormal:20ms:0.5",
                                            "tail:20ms"};
        enum { N = 100000 };
        static int64_t drawn[N];

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct rng r = {7};
                struct latency l;
                unsigned far = 0;

                assert_int_equal(latency_parse(texts[i], &l), 0);
                for (size_t n = 0; n < N; n++) {
                        drawn[n] = latency_draw(&l, &r);
                        far += drawn[n] == 2000 * NSEC_PER_MSEC;
                }
                qsort(drawn, N, sizeof(drawn[0]), compare);
                assert_in_range(drawn[N / 2], 195 * NSEC_PER_MSEC / 10, 205 * NSEC_PER_MSEC / 10);
                if (i == 3)
                        assert_in_range(far, 60, 140);
                else
                        assert_int_equal(far, 0);
        }
}

static struct timer fired_timers[500];
static int64_t last_fired;
static size_t n_fired;

static void fired(struct timer *t, int64_t now)
{
        assert_true(t->at_ns >= last_fired && t->at_ns <= now);
        last_fired = t->at_ns;
        n_fired++;
}

static void test_timers(void **state)
{
        struct timers ts = {0};
        struct rng r = {1};
        size_t disarmed = 0;

        for (size_t i = 0; i < ARRAY_SIZE(fired_timers); i++) {
                fired_timers[i].fn = fired;
                timers_arm(&ts, &fired_timers[i], (int64_t)(rng_next(&r) % 1000));
        }
        for (size_t i = 0; i < ARRAY_SIZE(fired_timers); i += 3)
                timers_arm(&ts, &fired_timers[i], (int64_t)(rng_next(&r) % 1000));
        for (size_t i = 0; i < ARRAY_SIZE(fired_timers); i += 7, disarmed++)
                timers_disarm(&ts, &fired_timers[i]);
        timers_run(&ts, 500);
        assert_true(timers_next(&ts) > 500);
        timers_run(&ts, 1000);
        assert_int_equal(n_fired, ARRAY_SIZE(fired_timers) - disarmed);
        assert_true(timers_next(&ts) == INT64_MAX);
        timers_deinit(&ts);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_request),
                cmocka_unit_test(test_chunked),
                cmocka_unit_test(test_every_prefix_is_incomplete),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_latencies_refused),
                cmocka_unit_test(test_distributions),
                cmocka_unit_test(test_timers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
