/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The planner of a run that goes on: each unit is where the newest lease of it left it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/plan-internal.h"

#define S(n) ((int64_t)(n)*NSEC_PER_SEC)

static struct plan *plan_of(enum mode mode, int64_t total, size_t n_hosts)
{
        struct plan_config c = {.mode = mode, .total = total, .parallel = 10, .n_hosts = n_hosts};
        struct plan *p = NULL;

        assert_int_equal(plan_new(&c, &p), 0);
        return p;
}

static void lease(struct plan *p, struct plan_past past, const struct plan_part *part)
{
        assert_int_equal(plan_restore_lease(p, &past, part, part != NULL, S(5)), 0);
}

static bool in_pool(const struct plan *p, int64_t first, int64_t end, int64_t attempt,
                    int64_t tries)
{
        for (size_t i = 0; i < p->pool.n; i++) {
                const struct pool_range *r = p->pool.items + i;

                if (first >= r->first && end <= r->end)
                        return r->attempt == attempt && r->tries == tries;
        }
        return false;
}

static int outcome(struct plan *p, size_t host, int64_t lease, int64_t unit, enum outcome o)
{
        struct record r = {
                .kind = RECORD_OUTCOME, .unit = unit, .lease = lease, .outcome.outcome = o};

        return plan_record(p, host, &r, S(6));
}

static void test_ledger(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 100, 2);
        const struct plan_part returned = {PLAN_PART_RETURNED, 5, 4},
                               cut = {PLAN_PART_INTERRUPTED, 2, 1};
        struct plan_counts c;
        struct plan_lease l;

        assert_int_equal(plan_restore_unit(p, 0, 1, OUTCOME_PASSED), 0);
        assert_int_equal(plan_restore_unit(p, 1, 22, OUTCOME_FAILED), 0);
        assert_int_equal(plan_restore_unit(p, 1, 22, OUTCOME_FAILED), -EINVAL);
        lease(p, (struct plan_past){0, 6, 9, 2, 2, 1, false}, NULL);  /* live */
        lease(p, (struct plan_past){1, 5, 11, 10, 2, 0, true}, NULL); /* taken back */
        lease(p, (struct plan_past){1, 4, 21, 5, 1, 0, false}, NULL); /* 22 has ended */
        lease(p, (struct plan_past){0, 3, 9, 12, 1, 0, true}, NULL);  /* nothing is left of it */
        lease(p, (struct plan_past){0, 2, 5, 4, 1, 0, false}, &returned); /* unstarted */
        lease(p, (struct plan_past){0, 1, 1, 4, 1, 0, false}, &cut);      /* 3 and 4 are live */
        assert_int_equal(plan_restored(p), 0);

        assert_true(in_pool(p, 2, 3, 2, 1));
        assert_true(in_pool(p, 5, 9, 1, 0));
        assert_true(in_pool(p, 11, 21, 3, 0));
        assert_int_equal(p->pool.n_back, 1 + 4 + 10);
        assert_int_equal(p->pool.fresh, 26);
        plan_host_counts(p, 0, &c);
        assert_true(c.lent == 2 + 2 && c.passed == 1);
        plan_host_counts(p, 1, &c);
        assert_true(c.lent == 4 && c.failed == 1);
        assert_int_equal(p->hosts[0].leases[0]->id, 1);
        assert_int_equal(p->hosts[0].leases[1]->id, 6);

        /* the newest of each host is sent again, and a new one has a new number */
        plan_host_ready(p, 0, 0, S(6));
        assert_int_equal(plan_next(p, S(6), &l), 1);
        assert_true(l.repeated && l.lease == 6 && l.first == 9 && l.count == 2 && l.attempt == 2);
        assert_int_equal(plan_next(p, S(6), &l), 0);
        plan_lease_ok(p, 0, 6);
        assert_int_equal(plan_next(p, S(6), &l), 1);
        assert_true(!l.repeated && l.lease == 7 && l.first == 2 && l.tries == 1);

        /* what was under way ends as if nothing had been */
        assert_int_equal(outcome(p, 0, 1, 3, OUTCOME_PASSED), PLAN_COUNTED);
        assert_int_equal(outcome(p, 0, 3, 9, OUTCOME_PASSED), PLAN_COUNTED);
        assert_int_equal(outcome(p, 0, 6, 9, OUTCOME_PASSED), PLAN_LATE);
        assert_int_equal(outcome(p, 1, 5, 11, OUTCOME_INTERRUPTED), PLAN_INTERRUPTED);
        /* a host that does not come back */
        assert_int_equal(plan_expire(p, S(5) + plan_patience_ns(p), &l), 1);
}

static void test_density(void **state)
{
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_DENSITY, 0, 1);
        const struct plan_part held = {PLAN_PART_HELD, 1, 3};
        struct plan_counts c;

        lease(p, (struct plan_past){0, 1, 1, 5, 1, 0, false}, &held);
        assert_int_equal(plan_restore_full(p, 0), 0);
        assert_int_equal(plan_restored(p), 0);
        plan_host_counts(p, 0, &c);
        assert_true(c.held == 3 && c.lent == 2);
        assert_true(plan_host_is_full(p, 0));
}

static void test_nonsense(void **state)
{
        const struct plan_past bad[] = {
                {2, 1, 1, 1, 1, 0, false}, {0, 0, 1, 1, 1, 0, false},   {0, 1, 0, 1, 1, 0, false},
                {0, 1, 1, 0, 1, 0, false}, {0, 1, 50, 52, 1, 0, false}, {0, 1, 1, 1, 0, 0, false},
        };
        _cleanup_(plan_freep)
        struct plan *p = plan_of(MODE_CHURN, 100, 2);

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(plan_restore_lease(p, bad + i, NULL, 0, S(1)), -EINVAL);
        assert_int_equal(plan_restore_unit(p, 0, 101, OUTCOME_PASSED), -EINVAL);
        assert_int_equal(plan_restore_full(p, 2), -EINVAL);
        /* a gap nobody has heard of is done after all */
        lease(p, (struct plan_past){0, 1, 11, 5, 1, 0, false}, NULL);
        assert_int_equal(plan_restored(p), 0);
        assert_true(in_pool(p, 1, 11, 1, 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ledger),
                cmocka_unit_test(test_density),
                cmocka_unit_test(test_nonsense),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
