/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The verdict: its order, and that its reason hides nothing. */

#include "tests/unit/unit.h"

#include "report/verdict.h"

#define GOOD .planned = 200, .passed = 200, .samples_ok = 1800, .hosts = 2

static const struct {
        struct verdict_facts facts;
        enum verdict verdict;
        const char *reason;
} cases[] = {
        {{GOOD}, VERDICT_PASS, "200 of 200 units passed, nothing left behind"},
        {{GOOD, .stopped = true},
         VERDICT_STOPPED,
         "200 of 200 units passed, nothing left behind; stopped by the user"},
        {{.planned = 200,
          .passed = 150,
          .interrupted = 20,
          .samples_ok = 1,
          .stopped = true,
          .leftovers = 1},
         VERDICT_STOPPED,
         "150 of 200 units passed, 20 interrupted, 30 not done, 1 thing left behind; stopped by "
         "the "
         "user"},
        {{.planned = 200, .passed = 197, .wedged = 1, .failed = 2, .leftovers = 3, .samples_ok = 9},
         VERDICT_WEDGE,
         "197 of 200 units passed, 1 wedged, 2 failed, 3 things left behind"},
        {{GOOD, .leftovers = 3}, VERDICT_LEAK, "200 of 200 units passed, 3 things left behind"},
        {{GOOD, .leaks = 1, .first_leak = "fds +1.0 a unit on a"},
         VERDICT_LEAK,
         "fds +1.0 a unit on a; 200 of 200 units passed, nothing left behind"},
        {{GOOD, .leaks = 2, .first_leak = "fds +1.0 a unit on a", .leftovers = 1},
         VERDICT_LEAK,
         "fds +1.0 a unit on a, and more; 200 of 200 units passed, 1 thing left behind"},
        {{GOOD, .leaks = 1, .wedges = 1, .first_wedge = "pool-full"},
         VERDICT_WEDGE,
         "1 wedge (pool-full); a leak; 200 of 200 units passed, nothing left behind"},
        {{.planned = 1, .failed = 1, .samples_ok = 1},
         VERDICT_THRESHOLD,
         "0 of 1 unit passed, 1 failed, nothing left behind"},
        /* nothing ever went well: still, units failed */
        {{.planned = 1, .failed = 1},
         VERDICT_THRESHOLD,
         "0 of 1 unit passed, 1 failed, nothing left behind"},
        {{.planned = 200, .passed = 199, .interrupted = 1, .samples_ok = 9},
         VERDICT_INCONCLUSIVE,
         "199 of 200 units passed, 1 interrupted, nothing left behind"},
        {{.planned = 200,
          .passed = 120,
          .samples_ok = 9,
          .hosts = 2,
          .hosts_unfinished = 1,
          .first_unfinished = "b lost: no sign of life for 70 s"},
         VERDICT_INCONCLUSIVE,
         "120 of 200 units passed, 80 not done; host b lost: no sign of life for 70 s"},
        {{GOOD, .hosts_unfinished = 2},
         VERDICT_INCONCLUSIVE,
         "200 of 200 units passed; 2 of 2 hosts not finished"},
        {{GOOD, .hosts_unfinished = 2, .first_unfinished = "a refused: no image soak"},
         VERDICT_INCONCLUSIVE,
         "200 of 200 units passed; 2 of 2 hosts not finished (a refused: no image soak)"},
        {{.planned = 200}, VERDICT_INCONCLUSIVE, "0 of 200 units passed, 200 not done"},
        {{.planned = -1}, VERDICT_INCONCLUSIVE, "0 units passed"},
        {{.planned = -1, .samples_ok = 7}, VERDICT_INCONCLUSIVE, "0 units passed"},
        {{.planned = -1, .passed = 1, .samples_ok = 7},
         VERDICT_PASS,
         "1 unit passed, nothing left behind"},
        {{.planned = -1, .held = 255, .samples_ok = 7},
         VERDICT_PASS,
         "255 units came up, nothing left behind"},
        {{.planned = -1, .held = 255, .failed = 1, .samples_ok = 7},
         VERDICT_THRESHOLD,
         "255 units came up, 1 failed, nothing left behind"},
        /* thresholds: broken, kept although units failed, nothing to hold one against */
        {{GOOD, .thresholds_broken = 1, .first_broken = "start.p99<2s does not hold (3 s)"},
         VERDICT_THRESHOLD,
         "200 of 200 units passed, nothing left behind; start.p99<2s does not hold (3 s)"},
        {{GOOD, .thresholds_broken = 3, .first_broken = "gap<1s does not hold (3 s)"},
         VERDICT_THRESHOLD,
         "200 of 200 units passed, nothing left behind; gap<1s does not hold (3 s), nor do 2 more"},
        {{.planned = 200, .passed = 199, .failed = 1, .failed_judged = true, .samples_ok = 9},
         VERDICT_PASS,
         "199 of 200 units passed, 1 failed, nothing left behind"},
        {{GOOD, .thresholds_not_measured = 1},
         VERDICT_INCONCLUSIVE,
         "200 of 200 units passed, nothing left behind; nothing to hold 1 threshold against"},
        /* what is missing: no verdict that might be wrong */
        {{GOOD, .missing = "3 entries of a"},
         VERDICT_INCONCLUSIVE,
         "3 entries of a; of what there is: 200 of 200 units passed, nothing left behind"},
        {{.planned = 2, .failed = 1, .leftovers = 1, .samples_ok = 1, .missing = "x"},
         VERDICT_INCONCLUSIVE,
         "x; of what there is: 0 of 2 units passed, 1 failed, 1 not done, 1 thing left behind"},
        {{GOOD, .wedged = 1, .missing = "x"},
         VERDICT_WEDGE,
         "x; of what there is: 200 of 200 units passed, 1 wedged, nothing left behind"},
};

static void test_cases(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char reason[256];

                assert_int_equal(verdict_decide(&cases[i].facts, reason, sizeof(reason)),
                                 cases[i].verdict);
                assert_string_equal(reason, cases[i].reason);
                assert_int_equal(verdict_decide(&cases[i].facts, NULL, 0), cases[i].verdict);
                verdict_decide(&cases[i].facts, reason, 10); /* cut, not overrun */
                assert_true(strlen(reason) < 10);
        }
}

static void test_exit_codes(void **state)
{
        assert_int_equal(verdict_exit_code(VERDICT_PASS), 0);
        assert_int_equal(verdict_exit_code(VERDICT_THRESHOLD), 99);
        assert_int_equal(verdict_exit_code(VERDICT_LEAK), 98);
        assert_int_equal(verdict_exit_code(VERDICT_WEDGE), 97);
        assert_int_equal(verdict_exit_code(VERDICT_INCONCLUSIVE), 96);
        assert_int_equal(verdict_exit_code(VERDICT_STOPPED), 105);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_exit_codes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
