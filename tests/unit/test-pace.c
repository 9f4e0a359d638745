/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What has ended well is noted a phase, and late is what takes much longer than all of them. */

#include "agent/pace.h"
#include "tests/unit/unit.h"

#define S(n) ((int64_t)(n)*NSEC_PER_SEC)

static void test_noted(void **state)
{
        struct pace p = {0};

        assert_int_equal(pace_newest_ns(&p), 0);
        pace_ended(&p, PHASE_STOP, S(3), S(100));
        pace_ended(&p, PHASE_STOP, S(2), S(120));
        pace_ended(&p, PHASE_CREATE, S(1), S(110));
        assert_int_equal(p.of[PHASE_STOP].slowest_ns, S(3));
        assert_int_equal(p.of[PHASE_STOP].last_ns, S(120));
        assert_int_equal(p.of[PHASE_CREATE].slowest_ns, S(1));
        assert_int_equal(p.of[PHASE_START].last_ns, 0);
        assert_int_equal(pace_newest_ns(&p), S(120));
}

static void test_late(void **state)
{
        struct pace p = {0};

        for (int i = 0; i < 19; i++)
                pace_ended(&p, PHASE_START, S(i % 5), S(i));
        assert_false(pace_is_late(&p, PHASE_START, S(1000))); /* too few to tell */
        pace_ended(&p, PHASE_START, S(1), S(20));
        assert_false(pace_is_late(&p, PHASE_START, S(9)));
        assert_true(pace_is_late(&p, PHASE_START, S(9) + 1));
        assert_false(pace_is_late(&p, PHASE_DELETE, S(1000)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_noted),
                cmocka_unit_test(test_late),
        };

        return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
