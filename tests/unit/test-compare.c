/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Two runs against each other, made up: how often two halves of one are called different, and how
 * often a slower phase is found. LXDSOAK_ROUNDS=N takes N pairs of each kind; LXDSOAK_SHOW=1 prints
 * the shares.
 */

#include "tests/unit/stats-data.h"

#include "report/compare.h"

#define UNITS 500

static int rounds(int usual)
{
        const char *n = getenv("LXDSOAK_ROUNDS");

        return n && atoi(n) > 0 ? atoi(n) : usual;
}

/* What a unit's phases take, log-normal, and how that wanders from unit to unit. */
struct kind {
        const char *what;
        double sigma; /* of the logarithm */
        double own;   /* AR(1) of every phase by itself */
        double load;  /* AR(1) of what all phases share: other units on the same host */
        double share; /* of the variance that is of the load */
};

static void add(struct compare_samples *s, int phase, double host, double ns)
{
        assert_int_equal(stats_thin_add(s->phases + phase, host, ns), 0);
}

/* A run on two hosts, one of them slower, cut in the middle of each host's life. */
static void make(struct compare_samples *a, struct compare_samples *b, const struct kind *k,
                 uint64_t *seed)
{
        static double load[UNITS], own[UNITS];

        compare_samples_init(a);
        compare_samples_init(b);
        for (int host = 0; host < 2; host++) {
                random_ar1(seed, k->load, load, UNITS);
                for (int phase = 0; phase < PHASE_MAX_; phase++) {
                        random_ar1(seed, k->own, own, UNITS);
                        for (int i = 0; i < UNITS; i++) {
                                double z = sqrt(k->share) * load[i] + sqrt(1 - k->share) * own[i];

                                add(i < UNITS / 2 ? a : b, phase, host,
                                    1e9 * (phase + 1) * (host + 4) / 4 * exp(k->sigma * z));
                        }
                }
        }
        a->units = b->units = UNITS;
}

static void slow_down(struct compare_samples *s, int phase, double by)
{
        for (size_t i = 0; i < s->phases[phase].n; i++)
                s->phases[phase].y[i] *= by;
}

/* In how many of 100 pairs the verdict is this, B's start being so many times as slow. */
static double share(const struct kind *k, double by, enum compare_verdict wanted, int usual,
                    uint64_t seed)
{
        int n = rounds(usual), count = 0, slower = 0;

        for (int round = 0; round < n; round++) {
                struct compare_samples a, b;
                struct compare c;

                make(&a, &b, k, &seed);
                slow_down(&b, PHASE_START, by);
                assert_int_equal(compare_compute(&a, &b, COMPARE_FLOOR, &c), 0);
                count += c.verdict == wanted;
                slower += c.phases[PHASE_START].verdict == COMPARE_WORSE;
                compare_samples_deinit(&a);
                compare_samples_deinit(&b);
        }
        if (getenv("LXDSOAK_SHOW"))
                print_message("%s, %.2f: %.1f %% %s, start slower %.1f %%\n", k->what, by,
                              100.0 * count / n, compare_verdict_word(wanted), 100.0 * slower / n);
        return 100.0 * count / n;
}

static const struct kind kinds[] = {
        {"independent", 0.25, 0, 0, 0},
        {"wide", 0.5, 0, 0, 0},
        {"AR(1) 0.3", 0.25, 0.3, 0, 0},
        {"AR(1) 0.6", 0.25, 0.6, 0, 0},
        {"load of ten units", 0.3, 0.2, 0.9, 0.3},
};

static void test_halves(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                assert_true(share(kinds + i, 1, COMPARE_SAME, i == 4 ? 200 : 60, 100 + i) >= 95);
}

static void test_slower(void **state)
{
        assert_true(share(&kinds[0], 1.1, COMPARE_WORSE, 100, 200) >= 90);
        assert_true(share(&kinds[2], 1.1, COMPARE_WORSE, 100, 201) >= 90);
        assert_true(share(&kinds[0], 0.9, COMPARE_BETTER, 30, 202) >= 90);
        assert_true(share(&kinds[4], 1.5, COMPARE_WORSE, 30, 203) >= 90);
        /* less than the floor is no matter, however sure */
        assert_true(share(&(struct kind){"sharp", 0.01}, 1.04, COMPARE_SAME, 10, 204) >= 95);
        assert_true(share(&(struct kind){"sharp", 0.01}, 1.06, COMPARE_WORSE, 10, 205) >= 95);
}

static void test_figures(void **state)
{
        struct compare_samples a, b;
        struct compare c;
        uint64_t seed = 7;

        make(&a, &b, kinds, &seed);
        slow_down(&b, PHASE_STOP, 1.5);
        slow_down(&b, PHASE_CREATE, 0.5);
        assert_int_equal(compare_compute(&a, &b, COMPARE_FLOOR, &c), 0);
        assert_int_equal(c.verdict, COMPARE_WORSE);
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct compare_phase *q = c.phases + p;

                assert_int_equal(q->verdict, p == PHASE_STOP     ? COMPARE_WORSE
                                             : p == PHASE_CREATE ? COMPARE_BETTER
                                                                 : COMPARE_SAME);
                assert_int_equal(q->n_a, UNITS);
                assert_true(q->lo <= q->shift && q->shift <= q->hi);
                assert_true(q->p <= q->p_adjusted && q->inflation_a >= 1);
                assert_true(q->visible >= COMPARE_FLOOR * q->median_a &&
                            q->visible < 0.2 * q->median_a);
        }
        assert_true(fabs(c.phases[PHASE_STOP].shift / 0.5 / c.phases[PHASE_STOP].median_a - 1) <
                    0.2);
        compare_samples_deinit(&a);
        compare_samples_deinit(&b);
}

static void test_shares(void **state)
{
        static const struct {
                uint64_t n_a, failed_a, wedged_a, n_b, failed_b, wedged_b;
                enum compare_verdict wanted;
        } cases[] = {
                {500, 0, 0, 500, 0, 0, COMPARE_SAME},
                {500, 0, 0, 500, 1, 1, COMPARE_SAME},
                {500, 2, 0, 500, 20, 0, COMPARE_WORSE},
                {500, 20, 0, 500, 2, 0, COMPARE_BETTER},
                {500, 0, 0, 500, 0, 12, COMPARE_WORSE},
                {500, 20, 0, 500, 2, 12, COMPARE_WORSE},
                {1000000, 100, 0, 1000000, 300, 0, COMPARE_SAME}, /* sure, and small */
                {0, 0, 0, 500, 5, 0, COMPARE_SAME},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct compare_samples a, b;
                uint64_t seed = 9;
                struct compare c;

                make(&a, &b, kinds, &seed);
                a.units = cases[i].n_a;
                a.failed = cases[i].failed_a;
                a.wedged = cases[i].wedged_a;
                b.units = cases[i].n_b;
                b.failed = cases[i].failed_b;
                b.wedged = cases[i].wedged_b;
                assert_int_equal(compare_compute(&a, &b, COMPARE_FLOOR, &c), 0);
                assert_int_equal(c.verdict, cases[i].wanted);
                compare_samples_deinit(&a);
                compare_samples_deinit(&b);
        }
}

/* Nothing to compare is never the same. */
static void test_nothing(void **state)
{
        struct compare_samples a, b;
        struct compare c;

        compare_samples_init(&a);
        compare_samples_init(&b);
        assert_int_equal(compare_compute(&a, &b, COMPARE_FLOOR, &c), 0);
        assert_int_equal(c.verdict, COMPARE_INCONCLUSIVE);
        for (int i = 0; i < COMPARE_SAMPLES_MIN; i++)
                add(&a, 0, 0, 1e9);
        for (int i = 0; i < COMPARE_SAMPLES_MIN - 1; i++)
                add(&b, 0, 0, 2e9);
        assert_int_equal(compare_compute(&a, &b, COMPARE_FLOOR, &c), 0);
        assert_int_equal(c.verdict, COMPARE_INCONCLUSIVE);
        add(&b, 0, 0, 2e9);
        assert_int_equal(compare_compute(&a, &b, COMPARE_FLOOR, &c), 0);
        assert_int_equal(c.verdict, COMPARE_WORSE); /* all alike on each side, and twice as slow */
        compare_samples_deinit(&a);
        compare_samples_deinit(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_halves),  cmocka_unit_test(test_slower),
                cmocka_unit_test(test_figures), cmocka_unit_test(test_shares),
                cmocka_unit_test(test_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
