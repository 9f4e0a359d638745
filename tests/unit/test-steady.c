/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When a made-up run comes to rest, and what that costs it. */

#include "tests/unit/unit.h"

#include "agent/steady.h"
#include "base/clock.h"

struct sim {
        struct steady s;
        int64_t now_ns, unit_ns, rest_ns;
        int64_t parallel, total, begun, first_point;
};

/*
 * A host on which every unit takes unit_ns, `parallel` at a time, evenly spread; a rest takes what
 * is in flight to end, and rest_ns. Returns how long `total` units took.
 */
static int64_t run(struct sim *m, int64_t share)
{
        int64_t apart_ns = m->unit_ns / m->parallel, begun_ns = m->now_ns;

        steady_init(&m->s, share, m->parallel);
        m->first_point = 0;
        steady_unit_begins(&m->s, m->now_ns);
        m->now_ns += m->unit_ns; /* the first ones */
        for (int64_t i = 1; i <= m->total; i++) {
                int64_t in_flight = MIN(m->parallel, m->total - i);

                m->now_ns += apart_ns;
                steady_unit_ended(&m->s, m->unit_ns);
                if (!steady_is_due(&m->s, m->total - i - in_flight, m->now_ns))
                        continue;
                if (!m->first_point)
                        m->first_point = m->s.units;
                steady_drain(&m->s, m->now_ns);
                assert_true(steady_is_draining(&m->s));
                assert_false(steady_is_due(&m->s, m->total, m->now_ns));
                for (int64_t k = 0; k < in_flight; k++, i++) {
                        m->now_ns += apart_ns / 2; /* the host has more time for each */
                        steady_unit_ended(&m->s, m->unit_ns);
                }
                m->now_ns += m->rest_ns;
                assert_false(steady_is_late(&m->s, m->now_ns));
                steady_resume(&m->s, m->now_ns);
                m->now_ns += m->unit_ns / 2; /* half of what was in flight is there again */
        }
        return m->now_ns - begun_ns;
}

static struct sim make(int64_t parallel, int64_t unit_ms, int64_t total)
{
        return (struct sim){
                .now_ns = 1000 * NSEC_PER_SEC,
                .unit_ns = unit_ms * NSEC_PER_MSEC,
                .rest_ns = 1500 * NSEC_PER_MSEC,
                .parallel = parallel,
                .total = total,
        };
}

/* What it takes longer, in tenths of a percent. */
static int64_t loss(struct sim *m, int64_t share)
{
        struct sim without = *m;
        int64_t took = run(m, share), best = run(&without, 0);

        assert_int_equal(without.s.n, 0);
        return (took - best) * 1000 / best;
}

static void test_short_runs_are_left_alone(void **state)
{
        struct sim m = make(25, 12000, 50);

        assert_int_equal(loss(&m, 4), 0);
        assert_int_equal(m.s.n, 0);
        m = make(8, 5000, 20);
        assert_int_equal(loss(&m, 4), 0);
}

static void test_share_is_kept(void **state)
{
        static const struct {
                int64_t parallel, unit_ms, total, share, points;
        } cases[] = {
                {25, 12000, 200, 4, 0},    {25, 12000, 2000, 4, 8}, {8, 5000, 2000, 4, 8},
                {25, 12000, 20000, 4, 20}, {8, 5000, 300, 20, 8},   {4, 60, 100000, 4, 20},
                {255, 60000, 10000, 4, 5}, {1, 2000, 2000, 4, 20},  {25, 12000, 2000, 1, 1},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct sim m = make(cases[i].parallel, cases[i].unit_ms, cases[i].total);
                int64_t lost = loss(&m, cases[i].share);

                if (lost > cases[i].share * 10 || m.s.n < cases[i].points)
                        print_error("case %zu: %lld points, %lld ‰ lost\n", i, (long long)m.s.n,
                                    (long long)lost);
                assert_true(lost <= cases[i].share * 10);
                assert_true(m.s.n >= cases[i].points);
        }
}

/* However long a run is: a few dozen, not thousands. */
static void test_number_is_bounded(void **state)
{
        struct sim m = make(25, 500, 1000000);

        run(&m, 4);
        assert_true(m.s.n > 50 && m.s.n < 200);
        assert_true(m.first_point >= 50);
}

static void test_settling(void **state)
{
        struct steady s;

        steady_init(&s, 4, 1);
        assert_int_equal(steady_settle_ns(&s), 100 * NSEC_PER_MSEC);
        steady_unit_ended(&s, 4 * NSEC_PER_SEC);
        assert_int_equal(steady_settle_ns(&s), NSEC_PER_SEC);
        for (int i = 0; i < 100; i++)
                steady_unit_ended(&s, 60 * NSEC_PER_SEC);
        assert_int_equal(steady_settle_ns(&s), 2 * NSEC_PER_SEC);
}

/* One unit that does not end is not waited for, and tried again is only after a while. */
static void test_late(void **state)
{
        struct sim m = make(4, 1000, 400);
        int64_t now;

        run(&m, 4);
        now = m.now_ns;
        steady_drain(&m.s, now);
        assert_false(steady_is_late(&m.s, now + 6 * NSEC_PER_SEC));
        assert_true(steady_is_late(&m.s, now + 8 * NSEC_PER_SEC));
        steady_resume(&m.s, now + 8 * NSEC_PER_SEC);
        assert_false(steady_is_draining(&m.s));
        assert_true(m.s.cost_ns > 7 * NSEC_PER_SEC);
        for (int i = 0; i < 50; i++)
                steady_unit_ended(&m.s, m.unit_ns);
        assert_false(steady_is_due(&m.s, 1000, now + 20 * NSEC_PER_SEC));
        assert_true(steady_is_due(&m.s, 1000, now + 800 * NSEC_PER_SEC));
        /* little is left to do */
        assert_false(steady_is_due(&m.s, 3, now + 800 * NSEC_PER_SEC));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_short_runs_are_left_alone),
                cmocka_unit_test(test_share_is_kept),
                cmocka_unit_test(test_number_is_bounded),
                cmocka_unit_test(test_settling),
                cmocka_unit_test(test_late),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
