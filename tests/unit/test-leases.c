/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The agent's leases: what may begin, until when, and that nothing late revives them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/leases.h"

#define S(n) ((int64_t)(n)*NSEC_PER_SEC)

static bool any(int64_t unit, void *userdata)
{
        const int64_t *busy = userdata;

        return !busy || unit != *busy;
}

static void add(struct leases *l, int64_t lease, int64_t first, int64_t count)
{
        assert_int_equal(leases_add(l, &(struct lease_part){lease, first, count, 1}, S(60)), 0);
}

static void test_order(void **state)
{
        struct leases l = {0};
        struct lease_part p;
        int64_t busy = 11;

        leases_echo(&l, S(1), S(1));
        assert_false(leases_next(&l, S(1), any, NULL, &p));
        add(&l, 3, 11, 2);
        add(&l, 5, 1, 1);
        assert_true(leases_know(&l, 5) && leases_know(&l, 4) && !leases_know(&l, 6));
        assert_int_equal(leases_add(&l, &(struct lease_part){5, 1, 1, 1}, S(60)), -EEXIST);
        assert_true(leases_next(&l, S(1), any, NULL, &p));
        assert_true(p.lease == 3 && p.first == 11 && p.count == 1 && p.attempt == 1);
        /* an earlier attempt at that one is under way: another lease is next */
        assert_true(leases_next(&l, S(1), any, &busy, &p));
        assert_true(p.lease == 5 && p.first == 1);
        leases_begun(&l, 5);
        assert_false(leases_next(&l, S(1), any, &busy, &p));
        leases_begun(&l, 3);
        assert_true(leases_next(&l, S(1), any, NULL, &p));
        assert_int_equal(p.first, 12);
        assert_false(leases_take(&l, 5, &p));
        assert_true(leases_take(&l, 3, &p));
        assert_true(p.first == 12 && p.count == 1);
        assert_false(leases_take(&l, 0, &p));
        leases_deinit(&l);
}

static void test_clock(void **state)
{
        struct leases l = {0};
        struct lease_part p;

        leases_echo(&l, S(100), S(100));
        add(&l, 1, 1, 9);
        assert_int_equal(leases_expire_ns(&l), S(160));
        leases_echo(&l, S(110), S(115));
        assert_int_equal(leases_expire_ns(&l), S(170));
        leases_echo(&l, S(90), S(120));  /* 30 s on the way */
        leases_echo(&l, S(999), S(120)); /* ours can only be older than now */
        assert_int_equal(leases_expire_ns(&l), S(180));
        assert_true(leases_next(&l, S(180) - 1, any, NULL, &p));
        assert_false(leases_next(&l, S(180), any, NULL, &p));
        /* not for ever */
        assert_int_equal(leases_add(&l, &(struct lease_part){3, 30, 1, 1}, S(9999)), 0);
        assert_int_equal(leases_expire_ns(&l), S(120) + LEASES_TTL_MAX_NS);
        leases_deinit(&l);
}

/* Neither a lease nor a new stamp revives what has expired, and nobody looked at the clock. */
static void test_expired_for_good(void **state)
{
        struct leases l = {0};
        struct lease_part p;

        leases_echo(&l, S(100), S(100));
        add(&l, 1, 1, 9);
        add(&l, 2, 10, 9);
        assert_false(leases_take_expired(&l, S(160) - 1, &p));
        leases_echo(&l, S(90), S(200)); /* with lease 3, which waited in the socket */
        add(&l, 3, 20, 1);
        assert_false(leases_next(&l, S(200), any, NULL, &p));
        leases_echo(&l, S(200), S(201));
        assert_false(leases_next(&l, S(201), any, NULL, &p));
        /* what comes after that is as good as any */
        add(&l, 4, 30, 2);
        assert_true(leases_next(&l, S(201), any, NULL, &p));
        assert_int_equal(p.lease, 4);
        leases_begun(&l, 4);
        /* revoked or given back, each of them once */
        assert_true(leases_take(&l, 2, &p));
        assert_int_equal(p.lease, 2);
        assert_true(leases_take_expired(&l, S(201), &p));
        assert_true(p.lease == 1 && p.first == 1 && p.count == 9);
        assert_true(leases_take_expired(&l, S(201), &p));
        assert_int_equal(p.lease, 3);
        assert_false(leases_take_expired(&l, S(201), &p));
        assert_true(leases_next(&l, S(201), any, NULL, &p));
        assert_int_equal(p.first, 31);
        assert_true(leases_take_expired(&l, S(260), &p));
        assert_true(p.lease == 4 && p.first == 31 && p.count == 1);
        assert_false(leases_take(&l, 0, &p));
        leases_deinit(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_clock),
                cmocka_unit_test(test_expired_for_good),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
