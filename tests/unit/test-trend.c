/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verdict of drift on made-up series: how often it is wrong where there is nothing, and how
 * often right where there is something. LXDSOAK_ROUNDS=N takes N series of each kind;
 * LXDSOAK_SHOW=1 prints the shares.
 */

#include "tests/unit/stats-data.h"

#include "report/trend.h"

#define POINTS_MAX 1440

struct series {
        double t[POINTS_MAX], y[POINTS_MAX];
        uint64_t seed;
        struct trend trend;
};

static int rounds(int usual)
{
        const char *n = getenv("LXDSOAK_ROUNDS");

        return n && atoi(n) > 0 ? atoi(n) : usual;
}

/* What is of series s after compute(): share of all rounds, in per cent. */
static void show(const char *what, const int *verdicts, int n)
{
        if (!getenv("LXDSOAK_SHOW"))
                return;
        print_message("%s:", what);
        for (int v = 0; v < TREND_VERDICT_MAX_; v++)
                print_message(" %s %.1f %%", trend_verdict_word(v), 100.0 * verdicts[v] / n);
        print_message("\n");
}

static void compute(struct series *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                s->t[i] = (double)i * 60;
        assert_int_equal(trend_compute(s->t, s->y, n, &TREND_OPTIONS_DEFAULT, &s->trend), 0);
}

/* The share of rounds, in per cent, that have one of the verdicts (a bit each). */
static double share(const char *what, struct series *s, size_t n, int usual,
                    void (*make)(struct series *s, size_t n, double by), double by,
                    unsigned verdicts)
{
        int count[TREND_VERDICT_MAX_] = {0}, all = rounds(usual);
        double sum = 0;

        for (int round = 0; round < all; round++) {
                make(s, n, by);
                compute(s, n);
                count[s->trend.verdict]++;
        }
        show(what, count, all);
        for (int v = 0; v < TREND_VERDICT_MAX_; v++)
                sum += verdicts & 1U << v ? count[v] : 0;
        return 100 * sum / all;
}

#define ALARM (1U << TREND_UP | 1U << TREND_DOWN | 1U << TREND_STEP)

static void make_ar1(struct series *s, size_t n, double phi)
{
        random_ar1(&s->seed, phi, s->y, n);
}

/* Wanders around 5, drifting by this over the whole. */
static void make_drift(struct series *s, size_t n, double by)
{
        for (size_t i = 0; i < n; i++)
                s->y[i] = 5 * (1 + by * (double)i / (double)n + 0.25 * random_normal(&s->seed));
}

static void make_lognormal_drift(struct series *s, size_t n, double by)
{
        for (size_t i = 0; i < n; i++)
                s->y[i] = (1 + by * (double)i / (double)n) * exp(0.25 * random_normal(&s->seed));
}

static void test_false_alarms(void **state)
{
        static const double phi[] = {0, 0.3, 0.6, 0.9};

        for (size_t i = 0; i < ELEMENTSOF(phi); i++) {
                struct series s = {.seed = 20 + i};
                char what[32];

                snprintf(what, sizeof(what), "AR(1) %.1f", phi[i]);
                assert_true(share(what, &s, 720, 1000, make_ar1, phi[i], ALARM) <= 7);
        }
}

static void test_drift(void **state)
{
        struct series s = {.seed = 30};

        assert_true(share("+10 %", &s, 1440, 200, make_drift, 0.1, 1U << TREND_UP) >= 90);
        assert_true(share("-10 %", &s, 1440, 200, make_drift, -0.1, 1U << TREND_DOWN) >= 90);
        assert_true(share("+10 %, log-normal", &s, 1440, 200, make_lognormal_drift, 0.1,
                          1U << TREND_UP) >= 90);
        assert_true(share("+40 %", &s, 1440, 100, make_drift, 0.4, 1U << TREND_UP) >= 95);
        assert_true(share("none", &s, 1440, 200, make_drift, 0, ALARM) <= 7);
}

/* What is said to be visible is: of series with just that drift, nine of ten are found. */
static void test_visible(void **state)
{
        struct series s = {.seed = 40};
        double visible = 0;

        for (int round = 0; round < 20; round++) {
                make_drift(&s, 1440, 0);
                compute(&s, 1440);
                visible += s.trend.visible / s.trend.level * 1440 * 60 / 20;
        }
        assert_in_range((int)(visible * 1000), 60, 110);
        assert_in_range((int)share("visible", &s, 1440, 200, make_drift, visible, 1U << TREND_UP),
                        84, 96);
}

/* Memory of a garbage collector: teeth of about so many points, some shorter and some longer. */
static void make_sawtooth(struct series *s, size_t n, double period)
{
        double age = random_uniform(&s->seed) * period, length = period;

        for (size_t i = 0; i < n; i++, age++) {
                if (age >= length) {
                        age = 0;
                        length = period * (0.6 + 0.8 * random_uniform(&s->seed));
                }
                s->y[i] = 100e6 + 20e6 * age / period + 0.5e6 * random_normal(&s->seed);
        }
}

static void make_even_sawtooth(struct series *s, size_t n, double period)
{
        double first = random_uniform(&s->seed) * period;

        for (size_t i = 0; i < n; i++)
                s->y[i] = 100e6 + 20e6 * fmod((double)i + first, period) / period;
}

static void make_leak(struct series *s, size_t n, double each)
{
        make_sawtooth(s, n, 60);
        for (size_t i = 0; i < n; i++)
                s->y[i] += each * (double)i;
}

static void test_sawtooth(void **state)
{
        struct series s = {.seed = 50};

        for (double period = 4; period < 400; period = floor(period * 1.6 + 1)) {
                assert_true(share("teeth", &s, 1440, 20, make_sawtooth, period, ALARM) <= 15);
                assert_true(share("even teeth", &s, 1440, 20, make_even_sawtooth, period, ALARM) <=
                            7.5);
        }
        for (int round = 0; round < 50; round++) {
                make_leak(&s, 1440, 60e3);
                compute(&s, 1440);
                assert_int_equal(s.trend.verdict, TREND_UP);
                assert_true(fabs(s.trend.slope * 60 / 60e3 - 1) < 0.05);
                assert_true(s.trend.lo <= s.trend.slope && s.trend.slope <= s.trend.hi);
        }
}

static void make_step(struct series *s, size_t n, double at)
{
        for (size_t i = 0; i < n; i++)
                s->y[i] = (i < at * (double)n ? 1 : 1.3) + 0.1 * random_normal(&s->seed);
}

static void test_step(void **state)
{
        static const double at[] = {0.25, 0.5, 0.8};
        struct series s = {.seed = 60};

        for (size_t k = 0; k < ELEMENTSOF(at); k++)
                for (int round = 0; round < 30; round++) {
                        const struct trend *t = &s.trend;

                        make_step(&s, 720, at[k]);
                        compute(&s, 720);
                        assert_int_equal(t->verdict, TREND_STEP);
                        assert_int_equal(t->n_changes, 1);
                        assert_true(fabs(t->changes[0].t - at[k] * 720 * 60) < 10 * 60);
                        assert_true(fabs(t->changes[0].before - 1) < 0.05);
                        assert_true(fabs(t->changes[0].after - 1.3) < 0.05);
                        assert_true(t->changes[0].p <= 0.005);
                }
}

/* There and back again: Mann-Kendall sees nothing, and nothing is what a first look against a last
 * one sees. */
static void test_pulse(void **state)
{
        struct series s = {.seed = 70};

        for (size_t i = 0; i < 720; i++)
                s.y[i] = (i < 300 || i >= 450 ? 1 : 1.3) + 0.1 * random_normal(&s.seed);
        compute(&s, 720);
        assert_int_equal(s.trend.verdict, TREND_STEP);
        assert_int_equal(s.trend.n_changes, 2);
        assert_true(fabs(s.trend.changes[0].t / 60 - 300) < 5);
        assert_true(fabs(s.trend.changes[1].t / 60 - 450) < 5);
}

/* What is slow only at the beginning is no drift, and said to have been left out. */
static void test_warm_up(void **state)
{
        struct series s = {.seed = 80};
        struct trend_options o = TREND_OPTIONS_DEFAULT;

        for (size_t i = 0; i < 1440; i++)
                s.y[i] = 1 + 2 * exp(-(double)i / 20) + 0.1 * random_normal(&s.seed);
        compute(&s, 1440);
        assert_int_equal(s.trend.verdict, TREND_FLAT);
        assert_in_range(s.trend.warm_up, 60, 216);
        assert_true(s.trend.from == (double)s.trend.warm_up * 60);
        o.warm_up = 300 * 60;
        assert_int_equal(trend_compute(s.t, s.y, 1440, &o, &s.trend), 0);
        assert_int_equal(s.trend.warm_up, 300);
        o.warm_up = 0;
        assert_int_equal(trend_compute(s.t, s.y, 1440, &o, &s.trend), 0);
        assert_int_equal(s.trend.warm_up, 0);
}

static void test_without_noise(void **state)
{
        struct series s = {0};

        for (size_t i = 0; i < 100; i++)
                s.y[i] = 7;
        compute(&s, 100);
        assert_int_equal(s.trend.verdict, TREND_FLAT);
        assert_true(s.trend.slope == 0 && s.trend.p == 1 && s.trend.level == 7);
        assert_true(s.trend.visible == s.trend.floor && s.trend.floor > 0);
        for (size_t i = 0; i < 100; i++)
                s.y[99 - i] = 7 + (double)i;
        compute(&s, 100);
        assert_int_equal(s.trend.verdict, TREND_DOWN);
        assert_true(fabs(s.trend.slope + 1 / 60.0) < 1e-12);
        for (size_t i = 0; i < 100; i++)
                s.y[i] = i < 40 ? 1 : 2;
        compute(&s, 100);
        assert_int_equal(s.trend.verdict, TREND_STEP);
        assert_true(s.trend.n_changes == 1 && s.trend.changes[0].t == 39.5 * 60);
}

/* Nile fell, and all at once, when the dam of 1902 was begun. */
static void test_nile(void **state)
{
        struct series s = {0};

        for (size_t i = 0; i < 100; i++) {
                s.t[i] = 1871 + (double)i;
                s.y[i] = nile[i];
        }
        assert_int_equal(trend_compute(s.t, s.y, 100, &TREND_OPTIONS_DEFAULT, &s.trend), 0);
        assert_int_equal(s.trend.verdict, TREND_STEP);
        assert_int_equal(s.trend.n_changes, 1);
        assert_true(s.trend.changes[0].t == 1898.5);
        assert_true(s.trend.changes[0].before > 1080 && s.trend.changes[0].after < 870);
}

static void test_floor(void **state)
{
        struct series s = {0};
        struct trend_options o = TREND_OPTIONS_DEFAULT;

        for (size_t i = 0; i < 100; i++)
                s.y[i] = 1000 + (double)i * 0.03;
        compute(&s, 100);
        assert_int_equal(s.trend.verdict, TREND_FLAT); /* 3 of 1000: below 0.5 % */
        assert_true(s.trend.p < 1e-6);
        o.floor_absolute = 2;
        assert_int_equal(trend_compute(s.t, s.y, 100, &o, &s.trend), 0);
        assert_int_equal(s.trend.verdict, TREND_UP);
        o.floor_absolute = 4;
        assert_int_equal(trend_compute(s.t, s.y, 100, &o, &s.trend), 0);
        assert_int_equal(s.trend.verdict, TREND_FLAT);
        assert_true(fabs(s.trend.visible * 99 * 60 - 4) < 1e-6);
}

static void test_short(void **state)
{
        struct series s = {0};

        for (size_t n = 0; n < TREND_POINTS_MIN; n++) {
                compute(&s, n);
                assert_int_equal(s.trend.verdict, TREND_SHORT);
                assert_int_equal(s.trend.n, n);
        }
        compute(&s, TREND_POINTS_MIN);
        assert_int_equal(s.trend.verdict, TREND_FLAT);
        memset(s.t, 0, sizeof(s.t));
        assert_int_equal(trend_compute(s.t, s.y, 100, &TREND_OPTIONS_DEFAULT, &s.trend), 0);
        assert_int_equal(s.trend.verdict, TREND_SHORT);
}

/* Of twenty tests one is below 5 % by chance; a strong one stands. */
static void test_adjust(void **state)
{
        struct trend t[20], *all[20];

        for (size_t i = 0; i < ELEMENTSOF(t); i++) {
                t[i] = (struct trend){.verdict = TREND_FLAT, .p = 0.3, .lo = -1, .hi = 1};
                all[i] = t + i;
        }
        t[3] = (struct trend){.verdict = TREND_UP, .p = 0.03, .lo = 1, .hi = 2};
        t[4] = (struct trend){.verdict = TREND_DOWN, .p = 0.0001, .lo = -2, .hi = -1};
        t[5] = (struct trend){.verdict = TREND_STEP, .p = 0.9, .n_changes = 1};
        t[6] = (struct trend){.verdict = TREND_SHORT};
        assert_int_equal(trend_adjust(all, ELEMENTSOF(t)), 0);
        assert_int_equal(t[3].verdict, TREND_FLAT);
        assert_digits(t[3].p, 0.03 * 19 / 2, 9);
        assert_int_equal(t[4].verdict, TREND_DOWN);
        assert_int_equal(t[5].verdict, TREND_STEP);
        assert_int_equal(t[6].verdict, TREND_SHORT);
        assert_true(t[6].p == 0);
}

/* In any order, with many at the same time, with numbers that are none. */
static void test_unruly(void **state)
{
        struct series s = {.seed = 90}, mixed;
        struct trend t = {.n = 42};

        make_drift(&s, 720, 0.5);
        compute(&s, 720);
        mixed = s;
        for (size_t i = 0; i < 720; i++) {
                mixed.t[i] = s.t[i * 7 % 720];
                mixed.y[i] = s.y[i * 7 % 720];
        }
        assert_int_equal(trend_compute(mixed.t, mixed.y, 720, &TREND_OPTIONS_DEFAULT, &mixed.trend),
                         0);
        assert_memory_equal(&mixed.trend, &s.trend, sizeof(s.trend));
        for (size_t i = 0; i < 720; i++)
                mixed.t[i] = i < 500 ? 0 : 1;
        assert_int_equal(trend_compute(mixed.t, mixed.y, 720, &TREND_OPTIONS_DEFAULT, &mixed.trend),
                         0);
        assert_true(isfinite(mixed.trend.slope) && isfinite(mixed.trend.visible));
        s.y[3] = NAN;
        assert_int_equal(trend_compute(s.t, s.y, 720, &TREND_OPTIONS_DEFAULT, &t), -EINVAL);
        s.y[3] = 0;
        s.t[3] = INFINITY;
        assert_int_equal(trend_compute(s.t, s.y, 720, &TREND_OPTIONS_DEFAULT, &t), -EINVAL);
        assert_int_equal(t.n, 42);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_false_alarms), cmocka_unit_test(test_drift),
                cmocka_unit_test(test_visible),      cmocka_unit_test(test_sawtooth),
                cmocka_unit_test(test_step),         cmocka_unit_test(test_pulse),
                cmocka_unit_test(test_warm_up),      cmocka_unit_test(test_without_noise),
                cmocka_unit_test(test_nile),         cmocka_unit_test(test_floor),
                cmocka_unit_test(test_short),        cmocka_unit_test(test_unruly),
                cmocka_unit_test(test_adjust),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
