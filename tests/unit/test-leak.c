/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Made-up series of censuses: what is a leak, and what only looks like one. */

#include "tests/unit/unit.h"

#include <math.h>

#include "base/clock.h"
#include "report/leak.h"

#define POINTS_MAX 64

struct made {
        struct leak_point points[POINTS_MAX];
        size_t n;
        uint64_t random;
};

static double uniform(struct made *m)
{
        m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (double)(m->random >> 11) / (double)(UINT64_C(1) << 53);
}

/* About normal: twelve of them. */
static double noise(struct made *m)
{
        double sum = -6;

        for (int i = 0; i < 12; i++)
                sum += uniform(m);
        return sum;
}

static struct leak_point *add(struct made *m, int64_t units, enum census_kind kind, double count)
{
        struct leak_point *p = &m->points[m->n++];

        assert_true(m->n <= POINTS_MAX);
        *p = (struct leak_point){
                .units = units, .realtime_ns = units * NSEC_PER_SEC, .daemon_pid = 72};
        for (int k = 0; k < CENSUS_MAX_; k++)
                p->count[k] = -1;
        p->count[kind] = (int64_t)llround(count);
        return p;
}

/* n points up to `units`, each with what f says; the first is before the run. */
static void make(struct made *m, enum census_kind kind, size_t n, int64_t units,
                 double (*f)(struct made *m, double units))
{
        m->n = 0;
        for (size_t i = 0; i < n; i++) {
                int64_t x = (int64_t)i * units / (int64_t)(n - 1);

                add(m, x, kind, f(m, (double)x));
        }
}

static struct leak_judged judge(struct made *m, enum census_kind kind)
{
        struct leak_series series;
        struct leak_judged judged;

        leak_arrange(m->points, m->n);
        leak_choose(m->points, m->n, &series);
        assert_int_equal(leak_judge(m->points, &series, kind, &judged), 0);
        return judged;
}

static double one_a_unit(struct made *m, double x)
{
        return 31 + x;
}

static double one_in_fifty(struct made *m, double x)
{
        return 31 + floor(x / 50);
}

static double noisy_leak(struct made *m, double x)
{
        return 200 + 0.2 * x + 4 * noise(m);
}

static double constant(struct made *m, double x)
{
        return 31;
}

static double only_noise(struct made *m, double x)
{
        return 40 + 3 * noise(m);
}

/* Pools of connections, threads, pages: fast at first, then not at all. */
static double saturates(struct made *m, double x)
{
        return 30 + 60 * (1 - exp(-x / 200));
}

static double logarithm(struct made *m, double x)
{
        return 30 + 20 * log(1 + x / 10);
}

static double sawtooth(struct made *m, double x)
{
        return (80 + fmod(x, 270) / 9) * 1024 * 1024;
}

static double step(struct made *m, double x)
{
        return x < 900 ? 31 : 131;
}

static double memory_leak(struct made *m, double x)
{
        return 80e6 + 20480 * x + 2e5 * noise(m);
}

static double too_slow(struct made *m, double x)
{
        return 31 + floor(x / 250);
}

static double falls(struct made *m, double x)
{
        return 3000 - x;
}

static void test_leaks(void **state)
{
        struct made m = {.random = 7};
        struct leak_judged j;

        make(&m, CENSUS_FDS, 12, 300, one_a_unit);
        j = judge(&m, CENSUS_FDS);
        assert_int_equal(j.answer, LEAK_FOUND);
        assert_true(fabs(j.per_unit - 1) < 1e-9 && fabs(j.low - 1) < 0.1 && fabs(j.high - 1) < 0.1);
        assert_true(j.total > 240 && j.total <= 300);
        assert_true(j.visible >= leak_floor(CENSUS_FDS) && j.visible < 0.1);

        make(&m, CENSUS_VETHS, 20, 2000, one_in_fifty);
        j = judge(&m, CENSUS_VETHS);
        assert_int_equal(j.answer, LEAK_FOUND);
        assert_true(j.low < 0.02 && j.high > 0.02 && fabs(j.per_unit - 0.02) < 0.005);

        make(&m, CENSUS_GOROUTINES, 30, 2000, noisy_leak);
        j = judge(&m, CENSUS_GOROUTINES);
        assert_int_equal(j.answer, LEAK_FOUND);
        assert_true(j.low < 0.2 && j.high > 0.2 && j.visible < 0.1);

        make(&m, CENSUS_RSS, 30, 3000, memory_leak);
        j = judge(&m, CENSUS_RSS);
        assert_int_equal(j.answer, LEAK_FOUND);
        assert_true(fabs(j.per_unit - 20480) < 2000);
}

static void test_no_leaks(void **state)
{
        static const struct {
                const char *name;
                double (*f)(struct made *m, double x);
                enum census_kind kind;
        } cases[] = {
                {"constant", constant, CENSUS_FDS},       {"noise", only_noise, CENSUS_THREADS},
                {"saturates", saturates, CENSUS_THREADS}, {"logarithm", logarithm, CENSUS_FDS},
                {"sawtooth", sawtooth, CENSUS_RSS},       {"one step", step, CENSUS_FDS},
                {"too slow", too_slow, CENSUS_FDS},       {"falls", falls, CENSUS_FDS},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t n = 8; n <= 48; n += 4) {
                        struct made m = {.random = 11 * n};
                        struct leak_judged j;

                        make(&m, cases[i].kind, n, 2000, cases[i].f);
                        j = judge(&m, cases[i].kind);
                        if (j.answer == LEAK_FOUND)
                                print_error("%s, %zu points: %g a unit (%g to %g)\n", cases[i].name,
                                            n, j.per_unit, j.low, j.high);
                        assert_int_not_equal(j.answer, LEAK_FOUND);
                }
}

/* A kind that wanders about, over and over: hardly ever called a leak. */
static void test_false_alarms(void **state)
{
        struct made m = {.random = 3};
        int alarms = 0, runs = 4000;

        for (int i = 0; i < runs; i++) {
                make(&m, CENSUS_GOROUTINES, 9 + (size_t)i % 30, 300, only_noise);
                alarms += judge(&m, CENSUS_GOROUTINES).answer == LEAK_FOUND;
        }
        /* 12 kinds a host: one host in a hundred, at the worst */
        assert_true(alarms * 1200 <= runs);
}

static void test_too_little(void **state)
{
        struct made m = {0};

        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_TOO_LITTLE);
        /* nine points, one of them before the run: eight are judged, and seven not */
        make(&m, CENSUS_FDS, 9, 320, one_a_unit);
        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_FOUND);
        make(&m, CENSUS_FDS, 8, 320, one_a_unit);
        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_TOO_LITTLE);
        /* enough points, too few units */
        make(&m, CENSUS_FDS, 20, 100, one_a_unit);
        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_TOO_LITTLE);
        /* memory: long enough, or not at all */
        make(&m, CENSUS_RSS, 30, 3000, memory_leak);
        for (size_t i = 0; i < m.n; i++)
                m.points[i].realtime_ns /= 2;
        assert_int_equal(judge(&m, CENSUS_RSS).answer, LEAK_TOO_LITTLE);
        /* a kind that is not known at some points has fewer of them */
        make(&m, CENSUS_FDS, 12, 1200, one_a_unit);
        for (size_t i = 2; i < 8; i++)
                m.points[i].count[CENSUS_FDS] = -1;
        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_TOO_LITTLE);
}

/* Another process of the daemon's begins anew: what the old one had is gone. */
static void test_daemon_restarts(void **state)
{
        struct made m = {0};
        struct leak_series series;

        for (int64_t x = 0; x <= 2000; x += 100) {
                bool again = x > 600;

                add(&m, x, CENSUS_FDS, 31 + (double)(again ? x - 600 : x))->daemon_pid =
                        again ? 99 : 72;
        }
        leak_arrange(m.points, m.n);
        leak_choose(m.points, m.n, &series);
        assert_int_equal(m.points[series.first].daemon_pid, 99);
        assert_int_equal(series.first + series.n, m.n);
        assert_true(series.units > 1000 && series.units < 1300);
        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_FOUND);
        /* one that only looks like a fall, and is none */
        for (size_t i = 0; i < m.n; i++)
                m.points[i].count[CENSUS_FDS] = m.points[i].daemon_pid == 99 ? 31 : 700;
        assert_int_equal(judge(&m, CENSUS_FDS).answer, LEAK_NONE);
}

/* An agent that was started anew counts its units from 0. */
static void test_agent_restarts(void **state)
{
        struct made m = {0};
        struct leak_judged j;

        make(&m, CENSUS_FDS, 16, 1500, one_a_unit);
        for (size_t i = 7; i < m.n; i++)
                m.points[i].units -= m.points[6].units;
        j = judge(&m, CENSUS_FDS);
        assert_int_equal(m.points[15].units, 1500);
        assert_int_equal(j.answer, LEAK_FOUND);
        assert_true(fabs(j.per_unit - 1) < 0.01);
}

/* They come in any order from the store of two agents. */
static void test_order(void **state)
{
        struct made m = {0}, turned;

        make(&m, CENSUS_FDS, 16, 1500, one_a_unit);
        turned = m;
        for (size_t i = 0; i < m.n; i++)
                turned.points[i] = m.points[m.n - 1 - i];
        assert_int_equal(judge(&turned, CENSUS_FDS).answer, LEAK_FOUND);
        assert_memory_equal(m.points, turned.points, sizeof(m.points[0]) * m.n);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leaks),           cmocka_unit_test(test_no_leaks),
                cmocka_unit_test(test_false_alarms),    cmocka_unit_test(test_too_little),
                cmocka_unit_test(test_daemon_restarts), cmocka_unit_test(test_agent_restarts),
                cmocka_unit_test(test_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
