/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many instances there were, told from what began and ended. */

#include "report/live-count.h"
#include "tests/unit/unit.h"

static int set_up(void **state)
{
        struct live_count *c = malloc(sizeof(*c));

        *state = c;
        return c ? live_count_init(c) : -1;
}

static int tear_down(void **state)
{
        live_count_deinit(*state);
        free(*state);
        return 0;
}

static void add(struct live_count *c, int64_t unit, int64_t at_ns)
{
        assert_int_equal(live_count_add(c, &(struct live_unit){.unit = unit}, at_ns), 0);
}

static void test_known(void **state)
{
        struct live_count *c = *state;

        assert_int_equal(live_count_at(c, 5), 0);
        add(c, 2, 10);
        add(c, 1, 20);
        add(c, 3, 20);
        live_count_remove(c, 2, 30);
        live_count_remove(c, 2, 40); /* is gone */
        live_count_remove(c, 9, 40); /* never was */
        assert_int_equal(live_count_at(c, 9), 0);
        assert_int_equal(live_count_at(c, 10), 1);
        assert_int_equal(live_count_at(c, 19), 1);
        assert_int_equal(live_count_at(c, 20), 3);
        assert_int_equal(live_count_at(c, 29), 3);
        assert_int_equal(live_count_at(c, INT64_MAX), 2);
        assert_int_equal(c->n_units, 2);
        assert_true(c->units[0].unit == 1 && c->units[1].unit == 3);
}

/* A second attempt at a unit is no second instance. */
static void test_attempts(void **state)
{
        struct live_count *c = *state;
        const struct live_unit second = {.unit = 1, .start_realtime_ns = 77};

        add(c, 1, 10);
        assert_int_equal(live_count_add(c, &second, 20), 0);
        assert_int_equal(live_count_at(c, 30), 1);
        assert_int_equal(c->units[0].start_realtime_ns, 77);
}

/* The host was booted: its clock begins anew, and what was before is not found by it any more. */
static void test_boot(void **state)
{
        struct live_count *c = *state;

        add(c, 1, 1000 * NSEC_PER_SEC);
        add(c, 2, 2000 * NSEC_PER_SEC);
        add(c, 3, 50);
        assert_int_equal(live_count_at(c, 1500 * NSEC_PER_SEC), 3);
        assert_int_equal(live_count_at(c, 10), 3);
        add(c, 4, 60);
        assert_int_equal(live_count_at(c, 55), 3);
        assert_int_equal(live_count_at(c, 60), 4);
        live_count_reset(c);
        assert_int_equal(live_count_at(c, 60), 0);
        add(c, 4, 60);
        assert_int_equal(live_count_at(c, 60), 1);
}

/* Two that ended at nearly the same time may come the other way round. */
static void test_order(void **state)
{
        struct live_count *c = *state;

        add(c, 1, 1000);
        add(c, 2, 990);
        live_count_remove(c, 1, 995);
        assert_int_equal(live_count_at(c, 999), 0);
        assert_int_equal(live_count_at(c, 1000), 1);
}

/* However much comes: of long ago, the oldest that is kept. */
static void test_bounds(void **state)
{
        struct live_count *c = *state;

        for (int64_t i = 0; i < 10 + LIVE_UNITS_MAX; i++)
                add(c, i, 1 + i);
        assert_int_equal(c->n_units, LIVE_UNITS_MAX);
        assert_int_equal(live_count_at(c, INT64_MAX), LIVE_UNITS_MAX);
        for (int64_t back = 0; back < 3000; back++)
                assert_int_equal(live_count_at(c, LIVE_UNITS_MAX - back), LIVE_UNITS_MAX - back);
        assert_int_equal(live_count_at(c, 5), LIVE_UNITS_MAX - LIVE_CHANGES_MAX + 1);
        for (int64_t i = 0; i < LIVE_UNITS_MAX; i++)
                live_count_remove(c, i, 2 * LIVE_UNITS_MAX + i);
        assert_int_equal(live_count_at(c, INT64_MAX), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {T(test_known), T(test_attempts), T(test_boot),
                                           T(test_order), T(test_bounds)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
