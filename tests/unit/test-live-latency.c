/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What more instances cost: known slopes, none, and how often one is seen that is not there. */

#include "report/live-latency.h"
#include "tests/unit/stats-data.h"

#define MS (1e6)
#ifndef SERIES
#define SERIES 300
#endif

struct made {
        double level, each; /* ms; what an instance more costs */
        double phi;         /* how much of its noise a value has from the one before */
        double noise;       /* ms */
        uint64_t seed;
};

static void add(struct live_latency *l, struct made *m, double *wander, int64_t live)
{
        double ms;

        *wander = m->phi * *wander + sqrt(1 - m->phi * m->phi) * m->noise * random_normal(&m->seed);
        ms = m->level + m->each * (double)live + *wander;
        assert_int_equal(live_latency_add(l, live, (int64_t)(MAX(ms, 1.0) * MS)), 0);
}

/* Density: one after the other, up to n. */
static struct live_slope climb(struct made m, int64_t n)
{
        struct live_latency l;
        struct live_slope slope;
        double wander = m.noise * random_normal(&m.seed);

        live_latency_init(&l);
        for (int64_t live = 0; live < n; live++)
                add(&l, &m, &wander, live);
        assert_int_equal(live_latency_end_host(&l, live_latency_blocks(0, 1)), 0);
        assert_int_equal(live_latency_tell(&l, &slope), 0);
        live_latency_deinit(&l);
        return slope;
}

static void test_known(void **state)
{
        struct live_slope s =
                climb((struct made){.level = 800, .each = 3, .noise = 100, .seed = 1}, 256);

        assert_true(s.told);
        assert_true(s.lo < 3 * MS && 3 * MS < s.hi);
        assert_true(s.lo > 2.5 * MS && s.hi < 3.5 * MS);
        assert_true(s.spread > 200 && s.spread < 256);
}

/* The interval has to hold the slope there is about 95 times in 100, also where what goes wrong
 * goes on for a while. */
static void holds(double phi, double least)
{
        int held = 0;

        for (unsigned i = 0; i < SERIES; i++) {
                struct live_slope s = climb((struct made){.level = 800,
                                                          .each = 1,
                                                          .phi = phi,
                                                          .noise = 100,
                                                          .seed = 1000 + i},
                                            256);

                assert_true(s.told);
                held += s.lo <= MS && MS <= s.hi;
        }
        if (getenv("LXDSOAK_SHOW"))
                printf("phi %.1f: %.1f %%\n", phi, 100.0 * held / SERIES);
        assert_true(held >= least * SERIES);
}

static void test_interval(void **state)
{
        holds(0, 0.92);
        holds(0.5, 0.9);
        holds(0.8, 0.85);
}

/* A slow host that has many and a quick one that has few: neither costs more with more. */
static void test_hosts(void **state)
{
        struct live_latency l;
        struct live_slope slope;
        double wander = 0;

        live_latency_init(&l);
        for (size_t host = 0; host < 2; host++) {
                struct made m = {.level = host ? 2000 : 500, .noise = 50, .seed = 3};

                for (int64_t i = 0; i < 288; i++)
                        add(&l, &m, &wander, (host ? 200 : 20) + i % 4 * 20);
                assert_int_equal(live_latency_end_host(&l, live_latency_blocks(host, 2)), 0);
        }
        assert_int_equal(live_latency_tell(&l, &slope), 0);
        assert_false(slope.told); /* within a block it is the same all the time */
        live_latency_deinit(&l);

        live_latency_init(&l);
        for (size_t host = 0; host < 2; host++) {
                struct made m = {.level = host ? 2000 : 500, .each = 2, .noise = 50, .seed = 3};

                for (int64_t i = 0; i < 300; i++)
                        add(&l, &m, &wander, (host ? 200 : 20) + i / 10);
                assert_int_equal(live_latency_end_host(&l, live_latency_blocks(host, 2)), 0);
        }
        assert_int_equal(live_latency_tell(&l, &slope), 0);
        assert_true(slope.told);
        assert_true(fabs(slope.slope - 2 * MS) < 0.6 * MS);
        assert_true(slope.lo < 2 * MS && 2 * MS < slope.hi);
        live_latency_deinit(&l);
}

static void test_little(void **state)
{
        struct made m = {.level = 800, .noise = 100, .seed = 1};
        struct live_slope s = climb(m, 11);

        assert_false(s.told);
        assert_true(fabs(s.slope) <= 0);
        assert_false(climb(m, 0).told);
        assert_true(climb(m, 24).told);
}

/* Whatever comes, at most so many buckets, and each value in its own. */
static void test_buckets(void **state)
{
        struct live_latency l;
        uint64_t n = 0;

        live_latency_init(&l);
        for (int64_t live = 0; live < 256; live++)
                assert_int_equal(live_latency_add(&l, live, 1000 + live), 0);
        assert_int_equal(l.width, 32);
        for (size_t i = 0; i < LIVE_BUCKETS; i++) {
                assert_int_equal(histogram_count(l.buckets[i]), 32);
                assert_int_equal(histogram_min(l.buckets[i]), 1000 + 32 * (int64_t)i);
                assert_int_equal(histogram_max(l.buckets[i]), 1031 + 32 * (int64_t)i);
        }
        assert_int_equal(live_latency_add(&l, 256, 1), 0);
        assert_true(l.width == 64 && !l.buckets[5] && histogram_count(l.buckets[4]) == 1);
        assert_int_equal(live_latency_add(&l, 65535, 1), 0);
        assert_true(l.width == 8192 && histogram_count(l.buckets[7]) == 1);
        assert_int_equal(live_latency_widen(&l, 4 * 8192), 0);
        for (size_t i = 0; i < LIVE_BUCKETS; i++)
                n += l.buckets[i] ? histogram_count(l.buckets[i]) : 0;
        assert_int_equal(n, 258);
        assert_int_equal(histogram_count(l.buckets[1]), 1);
        live_latency_deinit(&l);
}

/* Work does not grow with hosts, and those that are looked at have a level. */
static void test_many_hosts(void **state)
{
        static const size_t n_hosts[] = {1, 2, 10, 11, 100, 179, 180, 181, 1000, 10000};

        for (size_t i = 0; i < ELEMENTSOF(n_hosts); i++) {
                size_t sum = 0;

                for (size_t host = 0; host < n_hosts[i]; host++) {
                        size_t blocks = live_latency_blocks(host, n_hosts[i]);

                        assert_true(blocks == 0 || (blocks >= 4 && blocks <= 72));
                        sum += blocks;
                }
                assert_in_range(sum, MIN(72 * n_hosts[i], (size_t)340), 730);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known),   cmocka_unit_test(test_interval),
                cmocka_unit_test(test_hosts),   cmocka_unit_test(test_little),
                cmocka_unit_test(test_buckets), cmocka_unit_test(test_many_hosts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
