/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The planner, one rule at a time; test-plan-sim.c runs it whole. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/plan.h"
#include "coordinator/pool.h"
#include "coordinator/ranges.h"

#define S(n) ((int64_t)(n)*NSEC_PER_SEC)

static struct plan *plan_of(enum mode mode, int64_t total, int64_t parallel, size_t n_hosts)
{
        struct plan_config c = {
                .mode = mode, .total = total, .parallel = parallel, .n_hosts = n_hosts};
        struct plan *p = NULL;

        assert_int_equal(plan_new(&c, &p), 0);
        return p;
}

static int outcome(struct plan *p, const struct plan_lease *l, int64_t unit, enum outcome o,
                   int64_t now_ns)
{
        struct record r = {.kind = RECORD_OUTCOME,
                           .unit = unit,
                           .attempt = l->attempt,
                           .lease = l->lease,
                           .outcome.outcome = o};

        return plan_record(p, l->host, &r, now_ns);
}

static int held(struct plan *p, const struct plan_lease *l, int64_t unit, int64_t now_ns)
{
        struct record r = {.kind = RECORD_HELD, .unit = unit, .lease = l->lease};

        return plan_record(p, l->host, &r, now_ns);
}

static int returned(struct plan *p, const struct plan_lease *l, int64_t first, int64_t count,
                    const char *reason, int64_t now_ns)
{
        struct record r = {.kind = RECORD_RETURNED,
                           .lease = l->lease,
                           .returned = {.first = first, .count = count}};

        snprintf(r.returned.reason, sizeof(r.returned.reason), "%s", reason);
        return plan_record(p, l->host, &r, now_ns);
}

/* Takes all there is and confirms it; returns how many units. */
static int64_t take_all(struct plan *p, struct plan_lease *leases, size_t max, size_t *ret_n,
                        int64_t now_ns)
{
        int64_t units = 0;
        size_t n = 0;
        struct plan_lease l;

        while (plan_next(p, now_ns, &l) == 1) {
                assert_true(n < max);
                plan_lease_ok(p, l.host, l.lease);
                leases[n++] = l;
                units += l.count;
        }
        *ret_n = n;
        return units;
}

static void test_ranges(void **state)
{
        struct ranges r = {0};
        int64_t at = 0, end;

        assert_int_equal(ranges_add(&r, 5, 6), 0);
        assert_int_equal(ranges_add(&r, 7, 8), 0);
        assert_int_equal(r.n, 2);
        assert_int_equal(ranges_add(&r, 6, 7), 0); /* joins both */
        assert_int_equal(r.n, 1);
        assert_int_equal(ranges_add(&r, 5, 8), 0); /* again */
        assert_int_equal(r.count, 3);
        assert_int_equal(ranges_add(&r, 20, 30), 0);
        assert_int_equal(ranges_add(&r, 1, 2), 0);
        assert_int_equal(ranges_add(&r, 3, 3), 0); /* empty */
        assert_int_equal(r.n, 3);
        assert_true(ranges_contain(&r, 5) && ranges_contain(&r, 7) && ranges_contain(&r, 29));
        assert_false(ranges_contain(&r, 4) || ranges_contain(&r, 8) || ranges_contain(&r, 30));
        assert_true(ranges_next_gap(&r, &at, 40, &end));
        assert_true(at == 0 && end == 1);
        at = 1;
        assert_true(ranges_next_gap(&r, &at, 40, &end));
        assert_true(at == 2 && end == 5);
        at = 6;
        assert_true(ranges_next_gap(&r, &at, 10, &end));
        assert_true(at == 8 && end == 10);
        at = 21;
        assert_false(ranges_next_gap(&r, &at, 30, &end));
        assert_int_equal(ranges_add(&r, 0, 100), 0); /* swallows all */
        assert_true(r.n == 1 && r.count == 100);
        ranges_deinit(&r);
}

/* Against a plain array of flags. */
static void test_ranges_random(void **state)
{
        struct ranges r = {0};
        bool in[200] = {0};
        unsigned seed = 4711;
        int64_t count = 0;

        for (int i = 0; i < 3000; i++) {
                int64_t a = rand_r(&seed) % 200, b = a + rand_r(&seed) % 4, seen = 0, at = 0, end;

                b = MIN(b, INT64_C(200));
                if (i % 300 == 0) {
                        ranges_deinit(&r);
                        memset(in, 0, sizeof(in));
                        count = 0;
                }
                assert_int_equal(ranges_add(&r, a, b), 0);
                for (int64_t k = a; k < b; k++) {
                        count += !in[k];
                        in[k] = true;
                }
                assert_int_equal(r.count, count);
                for (int64_t k = 0; k < 200; k++)
                        assert_int_equal(ranges_contain(&r, k), in[k]);
                for (; ranges_next_gap(&r, &at, 200, &end); at = end)
                        for (int64_t k = at; k < end; k++, seen++)
                                assert_false(in[k]);
                assert_int_equal(seen, 200 - count);
        }
        ranges_deinit(&r);
}

static void test_pool(void **state)
{
        struct pool p;
        struct pool_range r;

        pool_init(&p, 100);
        assert_true(pool_take(&p, 10, &r));
        assert_true(r.first == 1 && r.end == 11 && r.attempt == 1);
        assert_int_equal(pool_put(&p, &(struct pool_range){3, 5, 2, 1}), 0);
        assert_int_equal(pool_put(&p, &(struct pool_range){5, 7, 2, 1}), 0);
        assert_int_equal(p.n, 1);
        assert_int_equal(pool_put(&p, &(struct pool_range){7, 8, 3, 2}), 0);
        assert_int_equal(p.n, 2);
        assert_int_equal(pool_left(&p), 95);
        assert_int_equal(pool_remove(&p, 4), 1);
        assert_int_equal(pool_remove(&p, 4), 0);
        assert_int_equal(pool_remove(&p, 50), 0); /* fresh ones are not looked for */
        assert_int_equal(pool_left(&p), 94);
        assert_true(pool_take(&p, 10, &r));
        assert_true(r.first == 3 && r.end == 4 && r.attempt == 2 && r.tries == 1);
        assert_true(pool_take(&p, 1, &r));
        assert_true(r.first == 5 && r.end == 6);
        assert_true(pool_take(&p, 9, &r));
        assert_true(r.first == 6 && r.end == 7);
        assert_true(pool_take(&p, 9, &r));
        assert_true(r.first == 7 && r.attempt == 3 && r.tries == 2);
        assert_true(pool_take(&p, 1000, &r));
        assert_true(r.first == 11 && r.end == 101);
        assert_false(pool_take(&p, 1, &r));
        pool_deinit(&p);
}

static void test_config(void **state)
{
        struct plan *p = NULL;

        assert_int_equal(plan_new(&(struct plan_config){.parallel = 1}, &p), -EINVAL);
        assert_int_equal(plan_new(&(struct plan_config){.n_hosts = 1}, &p), -EINVAL);
        assert_int_equal(
                plan_new(&(struct plan_config){.n_hosts = 1, .parallel = 1, .total = -1}, &p),
                -EINVAL);
        assert_int_equal(plan_new(&(struct plan_config){.n_hosts = 1,
                                                        .parallel = 1,
                                                        .total = INT64_C(1000000000000)},
                                  &p),
                         -EINVAL);
        assert_null(p);
        assert_null(plan_free(NULL));
}

/* The first leases fill the slots, wherever there is enough for that. */
static void test_first_fill(void **state)
{
        static const struct {
                int64_t total, parallel, a, b;
        } cases[] = {
                {200, 25, 25, 25}, {50, 25, 25, 25}, {30, 25, 15, 15},
                {3, 25, 2, 1},     {1, 25, 1, 0},    {100000, 255, 255, 255},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(plan_freep)
                struct plan *p = plan_of(MODE_CHURN, cases[i].total, cases[i].parallel, 2);
                struct plan_lease l[16];
                struct plan_counts c;
                size_t n;

                /* a is there first, and does not take what b is to have */
                plan_host_ready(p, 0, 0, S(1));
                take_all(p, l, 16, &n, S(1));
                plan_host_counts(p, 0, &c);
                assert_in_range(c.lent, cases[i].a, cases[i].a + 1);
                plan_host_ready(p, 1, 0, S(2));
                take_all(p, l, 16, &n, S(2));
                plan_host_counts(p, 1, &c);
                assert_in_range(c.lent, cases[i].b, cases[i].b + 1);
        }
}

static void test_agent_limit(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 1000, 100, 1);
        struct plan_lease l[4];
        size_t n;

        plan_host_ready(p, 0, 8, S(1));
        assert_int_equal(take_all(p, l, 4, &n, S(1)), 9);
}

/* Steady: about two leases of 30 s each are waiting beyond what is in flight, not more. */
static void test_ahead(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 1000000, 10, 1);
        struct plan_lease l[1000];
        struct plan_counts c = {0};
        size_t n = 0, oldest = 0, more;

        plan_host_ready(p, 0, 0, S(1));
        for (int64_t unit = 1; unit <= 1500; unit++) {
                int64_t now_ns = S(1) + unit * NSEC_PER_SEC / 5; /* 5 a second, in order */

                plan_pong(p, 0, now_ns);
                take_all(p, l + n, ELEMENTSOF(l) - n, &more, now_ns);
                n += more;
                while (unit >= l[oldest].first + l[oldest].count)
                        oldest++;
                assert_int_equal(outcome(p, l + oldest, unit, OUTCOME_PASSED, now_ns),
                                 PLAN_COUNTED);
                plan_host_counts(p, 0, &c);
                assert_true(c.lent <= 10 + 2 * 5 * 30 + 20);
        }
        assert_true(c.lent >= 5 * 30 - 10);
        assert_true(n < 100);
        assert_true(c.rate_per_sec > 4.5 && c.rate_per_sec < 5.5);
        assert_true(plan_footprint(p) < 100);
}

static void test_total_done(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 3, 5, 1);
        struct plan_lease l[8];
        struct plan_counts c;
        size_t n;

        assert_int_equal(plan_state(p, S(1)), PLAN_RUNNING);
        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, l, 8, &n, S(1)), 3);
        assert_int_equal(n, 1);
        assert_int_equal(outcome(p, l, 2, OUTCOME_PASSED, S(2)), PLAN_COUNTED);
        assert_int_equal(outcome(p, l, 1, OUTCOME_FAILED, S(2)), PLAN_COUNTED);
        assert_int_equal(outcome(p, l, 1, OUTCOME_PASSED, S(2)), PLAN_LATE);
        assert_int_equal(plan_state(p, S(2)), PLAN_RUNNING);
        assert_int_equal(outcome(p, l, 3, OUTCOME_WEDGED, S(2)), PLAN_COUNTED);
        assert_int_equal(outcome(p, l, 3, OUTCOME_PASSED, S(2)), PLAN_LATE);
        assert_int_equal(plan_state(p, S(2)), PLAN_DONE);
        assert_int_equal(plan_ended_why(p, S(2)), PLAN_END_TOTAL);
        plan_total_counts(p, &c);
        assert_true(c.passed == 1 && c.failed == 1 && c.wedged == 1 && c.late == 2 && c.lent == 0);
        assert_int_equal(plan_counted(p), 3);
        assert_int_equal(outcome(p, l, 4, OUTCOME_PASSED, S(2)), -EINVAL);
        assert_int_equal(outcome(p, l, 0, OUTCOME_PASSED, S(2)), -EINVAL);
        assert_int_equal(returned(p, l, INT64_MAX, 2, "drain", S(2)), -EINVAL);
        assert_int_equal(returned(p, l, 1, INT64_MAX, "drain", S(2)), -EINVAL);
}

static void test_interrupted(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 1, 1, 1);
        struct plan_lease l[2];
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        for (int attempt = 1; attempt <= PLAN_TRIES_MAX; attempt++) {
                assert_int_equal(take_all(p, l, 2, &n, S(1)), 1);
                assert_int_equal(l[0].attempt, attempt);
                assert_int_equal(outcome(p, l, 1, OUTCOME_INTERRUPTED, S(1)),
                                 attempt < PLAN_TRIES_MAX ? PLAN_INTERRUPTED : PLAN_COUNTED);
                /* the same once more does not put it back twice */
                assert_int_equal(outcome(p, l, 1, OUTCOME_INTERRUPTED, S(1)), PLAN_INTERRUPTED);
        }
        assert_int_equal(plan_state(p, S(1)), PLAN_DONE);
        assert_int_equal(plan_counted(p), 1);
}

static void test_drain(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 100, 2, 1);
        struct plan_lease l[2];
        struct plan_counts c;
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, l, 2, &n, S(1)), 3);
        plan_drain(p);
        assert_int_equal(plan_state(p, S(1)), PLAN_DRAINING);
        assert_int_equal(outcome(p, l, 1, OUTCOME_PASSED, S(2)), PLAN_COUNTED);
        assert_int_equal(outcome(p, l, 2, OUTCOME_INTERRUPTED, S(2)), PLAN_COUNTED);
        assert_int_equal(returned(p, l, 3, 1, "drain", S(2)), PLAN_NOTED);
        assert_int_equal(take_all(p, l, 2, &n, S(2)), 0);
        assert_int_equal(plan_state(p, S(2)), PLAN_DONE);
        assert_int_equal(plan_ended_why(p, S(2)), PLAN_END_DRAIN);
        plan_total_counts(p, &c);
        assert_true(c.passed == 1 && c.interrupted == 1 && c.returned == 1);
}

static void test_resend(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 4, 4, 1);
        struct plan_lease a, b;

        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(plan_next(p, S(1), &a), 1);
        assert_false(a.repeated);
        assert_int_equal(plan_next(p, S(1), &b), 0);
        assert_int_equal(plan_wakeup_ns(p, S(1)), S(1) + PLAN_RESEND_NS);
        assert_int_equal(plan_next(p, S(1) + PLAN_RESEND_NS, &b), 1);
        assert_true(b.repeated && b.lease == a.lease && b.first == a.first && b.count == a.count);
        /* a new session: at once, and once */
        plan_host_silent(p, 0, S(4));
        assert_int_equal(plan_next(p, S(9), &b), 0);
        plan_host_ready(p, 0, 0, S(9));
        assert_int_equal(plan_next(p, S(9), &b), 1);
        assert_int_equal(plan_next(p, S(9), &b), 0);
        plan_lease_ok(p, 0, a.lease);
        plan_lease_ok(p, 0, a.lease);
        plan_lease_ok(p, 0, 999);
        assert_int_equal(plan_next(p, S(60), &b), 0);
}

static void test_expiry(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 4, 2, 2);
        struct plan_lease a[4], b[4], gone;
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, a, 4, &n, S(1)), 2);
        plan_pong(p, 0, S(5));
        assert_int_equal(outcome(p, a, 1, OUTCOME_PASSED, S(6)), PLAN_COUNTED);
        plan_host_silent(p, 0, S(15));
        plan_host_ready(p, 1, 0, S(15));
        take_all(p, b, 4, &n, S(15));
        for (int64_t u = 3; u <= 4; u++) /* in however many leases */
                for (size_t i = 0; i < n; i++)
                        if (u >= b[i].first && u < b[i].first + b[i].count)
                                assert_int_equal(outcome(p, b + i, u, OUTCOME_PASSED, S(20)),
                                                 PLAN_COUNTED);
        plan_pong(p, 1, S(70));
        assert_int_equal(plan_expire(p, S(75) - 1, &gone), 0);
        assert_int_equal(plan_wakeup_ns(p, S(74)), S(75));
        assert_int_equal(plan_expire(p, S(75), &gone), 1);
        assert_true(gone.host == 0 && gone.lease == a[0].lease);
        assert_int_equal(plan_expire(p, S(75), &gone), 0);
        assert_int_equal(take_all(p, b, 4, &n, S(75)), 1);
        assert_true(b[0].host == 1 && b[0].first == 2 && b[0].attempt == 2);

        /* the first host comes back and had done it: counts, and the second owes nothing */
        assert_int_equal(outcome(p, a, 2, OUTCOME_PASSED, S(76)), PLAN_COUNTED);
        assert_int_equal(plan_state(p, S(76)), PLAN_DONE);
        assert_int_equal(outcome(p, b, 2, OUTCOME_FAILED, S(77)), PLAN_LATE);
        assert_int_equal(plan_counted(p), 4);
}

/* A host that lives and gets nowhere is to give back what waits there, once others are idle. */
static void test_stuck(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 10, 5, 2);
        struct plan_lease a[4], b[4];
        size_t n, host = 9;

        plan_host_ready(p, 0, 0, S(1));
        plan_host_ready(p, 1, 0, S(1));
        assert_int_equal(take_all(p, a, 4, &n, S(1)), 10);
        assert_true(n == 2 && a[0].host == 0 && a[0].count == 5);
        plan_in_flight(p, 0, 2);
        plan_in_flight(p, 1, 5);
        assert_int_equal(plan_revoke(p, S(1) + PLAN_STUCK_NS, &host), 0); /* nobody is idle */
        for (int64_t u = 6; u <= 10; u++)
                assert_int_equal(outcome(p, a + 1, u, OUTCOME_PASSED, S(10)), PLAN_COUNTED);
        assert_int_equal(plan_revoke(p, S(1) + PLAN_STUCK_NS - 1, &host), 0);
        assert_int_equal(plan_revoke(p, S(1) + PLAN_STUCK_NS, &host), 1);
        assert_int_equal(host, 0);
        assert_int_equal(plan_revoke(p, S(2) + PLAN_STUCK_NS, &host), 0);
        assert_int_equal(plan_revoke(p, S(1) + 2 * PLAN_STUCK_NS, &host), 1); /* it was lost */
        assert_int_equal(returned(p, a, 3, 3, "revoked", S(62)), PLAN_NOTED);
        assert_int_equal(plan_revoke(p, S(99), &host), 0);
        assert_int_equal(take_all(p, b, 4, &n, S(62)), 3);
        assert_true(n == 1 && b[0].host == 1 && b[0].first == 3 && b[0].attempt == a[0].attempt);
        /* with its next outcome it is as good as another */
        assert_int_equal(returned(p, b, 3, 3, "error", S(63)), PLAN_NOTED);
        assert_int_equal(outcome(p, a, 1, OUTCOME_PASSED, S(63)), PLAN_COUNTED);
        assert_int_equal(take_all(p, b, 4, &n, S(63)), 3);
        assert_true(n == 2);
}

/* When nobody gets on, what comes back is lent again, to whoever is there. */
static void test_all_stuck(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 4, 2, 2);
        struct plan_lease a[4];
        size_t n, host;

        plan_host_ready(p, 0, 0, S(1));
        plan_host_ready(p, 1, 0, S(1));
        assert_int_equal(take_all(p, a, 4, &n, S(1)), 4);
        assert_int_equal(outcome(p, a + 1, 3, OUTCOME_PASSED, S(2)), PLAN_COUNTED);
        assert_int_equal(plan_revoke(p, S(1) + PLAN_STUCK_NS, &host), 1);
        assert_int_equal(host, 0);
        plan_host_silent(p, 1, S(40));
        assert_int_equal(returned(p, a, 1, 2, "revoked", S(41)), PLAN_NOTED);
        assert_int_equal(take_all(p, a, 4, &n, S(41)), 2);
        assert_int_equal(a[0].host, 0);
}

/* A late outcome arrives while its unit waits to be lent again. */
static void test_late_in_pool(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 5, 5, 1);
        struct plan_lease a[2], l;
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, a, 2, &n, S(1)), 5);
        plan_host_silent(p, 0, S(11));
        assert_int_equal(plan_expire(p, S(100), &l), 1);
        assert_int_equal(returned(p, a, 1, 2, "expired", S(101)), PLAN_NOTED); /* had gone back */
        assert_int_equal(outcome(p, a, 5, OUTCOME_INTERRUPTED, S(101)), PLAN_INTERRUPTED);
        assert_int_equal(outcome(p, a, 3, OUTCOME_PASSED, S(101)), PLAN_COUNTED);
        plan_host_ready(p, 0, 0, S(102));
        assert_int_equal(take_all(p, a, 2, &n, S(102)), 4);
        assert_true(n == 2 && a[0].first == 1 && a[0].count == 2 && a[1].first == 4 &&
                    a[1].count == 2 && a[1].attempt == 2);
}

static void test_gone_and_stranded(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 10, 2, 2);
        struct plan_lease l[4];
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        take_all(p, l, 4, &n, S(1));
        assert_int_equal(plan_host_gone(p, 0, S(2)), 0);
        assert_int_equal(plan_state(p, S(2)), PLAN_RUNNING); /* b may still come */
        assert_int_equal(plan_host_gone(p, 1, S(2)), 0);
        assert_int_equal(plan_state(p, S(2)), PLAN_STRANDED);
        plan_host_ready(p, 1, 0, S(3)); /* it did */
        assert_true(take_all(p, l, 4, &n, S(3)) >= 2);
        assert_int_equal(plan_state(p, S(3)), PLAN_RUNNING);
}

static void test_deadline(void **state)
{
        struct plan_config c = {
                .mode = MODE_CHURN, .parallel = 3, .n_hosts = 1, .deadline_ns = S(100)};
        _cleanup_(plan_freep)
        struct plan *p = NULL;
        struct plan_lease l[4];
        size_t n;

        assert_int_equal(plan_new(&c, &p), 0);
        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, l, 4, &n, S(1)), 4);
        plan_pong(p, 0, S(99));
        for (int64_t u = 1; u <= 3; u++)
                assert_int_equal(outcome(p, l, u, OUTCOME_PASSED, S(99)), PLAN_COUNTED);
        assert_int_equal(plan_wakeup_ns(p, S(99)), S(100));
        assert_int_equal(plan_state(p, S(100)), PLAN_DRAINING);
        assert_int_equal(plan_ended_why(p, S(100)), PLAN_END_DEADLINE);
        assert_int_equal(take_all(p, l + 1, 3, &n, S(100)), 0);
        assert_int_equal(outcome(p, l, 4, OUTCOME_PASSED, S(103)), PLAN_COUNTED);
        assert_int_equal(plan_state(p, S(103)), PLAN_DONE);
}

static void test_density(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_DENSITY, 1000, 4, 2);
        struct plan_lease a[8], b[8];
        struct plan_counts c;
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        take_all(p, a, 8, &n, S(1));
        plan_host_ready(p, 1, 0, S(1));
        take_all(p, b, 8, &n, S(1));
        for (int64_t u = a[0].first; u < a[0].first + 4; u++) {
                assert_int_equal(held(p, a, u, S(2)), PLAN_NOTED);
                assert_int_equal(held(p, a, u, S(2)), PLAN_NOTED); /* once */
        }
        plan_host_counts(p, 0, &c);
        assert_true(c.held == 4 && c.lent == 1);
        assert_int_equal(returned(p, a, a[0].first + 4, 1, PLAN_REASON_FULL, S(3)), PLAN_NOTED);
        assert_true(plan_host_is_full(p, 0));
        assert_int_equal(plan_state(p, S(3)), PLAN_RUNNING); /* b goes on */
        while (plan_next(p, S(3), a + 1) == 1)
                assert_int_equal(a[1].host, 1);
        assert_int_equal(returned(p, b, b[0].first, b[0].count, PLAN_REASON_FULL, S(3)),
                         PLAN_NOTED);
        assert_int_equal(plan_ended_why(p, S(3)), PLAN_END_FULL);
        if (plan_state(p, S(3)) == PLAN_DRAINING)
                assert_int_equal(plan_host_gone(p, 1, S(4)), 0);
        assert_int_equal(plan_state(p, S(4)), PLAN_DONE);
        /* the unwinding */
        for (int64_t u = a[0].first; u < a[0].first + 4; u++)
                assert_int_equal(outcome(p, a, u, OUTCOME_PASSED, S(5)), PLAN_COUNTED);
        plan_host_counts(p, 0, &c);
        assert_true(c.held == 0 && c.passed == 4);
}

static void test_density_fails(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_DENSITY, 1000, 1, 1);
        struct plan_lease l[4];
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, l, 4, &n, S(1)), 2);
        assert_int_equal(outcome(p, l, 1, OUTCOME_FAILED, S(2)), PLAN_COUNTED);
        assert_int_equal(plan_ended_why(p, S(2)), PLAN_END_FAILED);
        assert_int_equal(plan_state(p, S(2)), PLAN_DRAINING);
        assert_int_equal(held(p, l, 2, S(3)), PLAN_NOTED);
        assert_int_equal(plan_state(p, S(3)), PLAN_DONE);
        assert_int_equal(take_all(p, l, 4, &n, S(3)), 0);
}

/* All planned are up. A host that held some is lost: they stay its own, nobody starts them anew. */
static void test_density_total(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_DENSITY, 2, 4, 1);
        struct plan_lease l[4], gone;
        struct plan_counts c;
        size_t n;

        plan_host_ready(p, 0, 0, S(1));
        assert_int_equal(take_all(p, l, 4, &n, S(1)), 2);
        assert_int_equal(held(p, l, 1, S(2)), PLAN_NOTED);
        assert_int_equal(held(p, l, 2, S(2)), PLAN_NOTED);
        assert_int_equal(plan_state(p, S(2)), PLAN_DONE);
        assert_int_equal(plan_expire(p, S(200), &gone), 1);
        plan_host_counts(p, 0, &c);
        assert_true(c.held == 0 && c.lent == 0 && c.retried == 0);
        assert_int_equal(plan_state(p, S(200)), PLAN_DONE);
        assert_int_equal(outcome(p, l, 1, OUTCOME_PASSED, S(201)), PLAN_COUNTED);
}

/* 10^9 units planned: nothing is as large as that. */
static void test_memory(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, UNITS_MAX, 1024, 1);
        struct plan_lease l;
        unsigned seed = 1;
        size_t most = 0;

        plan_host_ready(p, 0, 0, 0);
        for (int64_t t = 1; t < 200; t++) {
                plan_pong(p, 0, S(t));
                while (plan_next(p, S(t), &l) == 1) {
                        plan_lease_ok(p, 0, l.lease);
                        for (int64_t u = l.first; u < l.first + l.count; u++)
                                if (rand_r(&seed) % 5000) /* some never end */
                                        assert_int_equal(outcome(p, &l, u, OUTCOME_PASSED, S(t)),
                                                         PLAN_COUNTED);
                        if (plan_counted(p) > t * 5000)
                                break;
                }
                most = MAX(most, plan_footprint(p));
        }
        assert_true(plan_counted(p) > 500000);
        assert_true(most < 5000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ranges),        cmocka_unit_test(test_ranges_random),
                cmocka_unit_test(test_pool),          cmocka_unit_test(test_config),
                cmocka_unit_test(test_first_fill),    cmocka_unit_test(test_agent_limit),
                cmocka_unit_test(test_ahead),         cmocka_unit_test(test_total_done),
                cmocka_unit_test(test_interrupted),   cmocka_unit_test(test_drain),
                cmocka_unit_test(test_resend),        cmocka_unit_test(test_expiry),
                cmocka_unit_test(test_stuck),         cmocka_unit_test(test_all_stuck),
                cmocka_unit_test(test_late_in_pool),  cmocka_unit_test(test_gone_and_stranded),
                cmocka_unit_test(test_deadline),      cmocka_unit_test(test_density),
                cmocka_unit_test(test_density_fails), cmocka_unit_test(test_density_total),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
