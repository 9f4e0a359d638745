/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may drive an agent, a row a case. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/arbiter.h"

#define S(n) ((int64_t)(n)*NSEC_PER_SEC)

static const char *const words[] = {"again", "begin", "stale", "busy", "steal", "not admin"};

static void test_table(void **state)
{
        static const struct {
                struct arbiter a;
                struct arbiter_hello h;
                enum arbiter_answer answer;
        } cases[] = {
                /* nothing here; something that is over; something nobody drives any more */
                {{.run = ""}, {"b", "B", 1}, ARBITER_BEGIN},
                {{"a", 1, "A", true, S(99), .stopped = true}, {"b", "B", 1}, ARBITER_BEGIN},
                {{"a", 1, "A", true, S(39)}, {"b", "B", 1}, ARBITER_BEGIN},
                {{"a", 1, "A", false, S(99)}, {"b", "B", 1}, ARBITER_BEGIN},
                /* somebody drives, or was not so silent, or has left something under way */
                {{"a", 1, "A", true, S(99)}, {"b", "B", 1}, ARBITER_BUSY},
                {{"a", 1, "A", true, S(41)}, {"b", "B", 9}, ARBITER_BUSY},
                {{"a", 1, "A", false, 0, .occupied = true}, {"b", "B", 1}, ARBITER_BUSY},
                /* it is taken, by who may; what is free need not be */
                {{"a", 1, "A", true, S(99)}, {"b", "B", 1, true, true}, ARBITER_STEAL},
                {{"a", 1, "A", true, S(99)}, {"b", "B", 1, true, false}, ARBITER_NOT_ADMIN},
                {{"a", 1, "A", false, 0}, {"b", "B", 1, true, false}, ARBITER_BEGIN},
                /* the run's own: again, a later start, an earlier one, a second one of the same */
                {{"a", 2, "A", true, S(99)}, {"a", "A", 2}, ARBITER_AGAIN},
                {{"a", 2, "", false, 0}, {"a", "A", 2}, ARBITER_AGAIN},
                {{"a", 2, "A", true, S(99)}, {"a", "X", 3}, ARBITER_AGAIN},
                {{"a", 2, "A", true, S(99)}, {"a", "X", 1}, ARBITER_STALE},
                {{"a", 2, "A", true, S(99)}, {"a", "A", 1}, ARBITER_STALE},
                {{"a", 2, "A", true, S(99)}, {"a", "X", 2}, ARBITER_STALE},
                {{"a", 2, "", false, 0}, {"a", "A", 1}, ARBITER_STALE},
                /* somebody is taking it: only that one comes in, for half a minute */
                {{"a", 1, "A", .thief = "B", .thief_ns = S(99)}, {"b", "B", 1}, ARBITER_BEGIN},
                {{"a", 1, "A", .thief = "B", .thief_ns = S(99)}, {"c", "C", 1}, ARBITER_BUSY},
                {{"a", 1, "A", .thief = "B", .thief_ns = S(99)}, {"a", "A", 1}, ARBITER_STALE},
                {{"a", 1, "A", .thief = "B", .thief_ns = S(99)}, {"a", "A", 2}, ARBITER_BUSY},
                /* or does not come for it after all */
                {{"a", 1, "A", .ending = true, .occupied = true}, {"a", "A", 1}, ARBITER_BUSY},
                {{"a", 1, "A", .ending = true, .stopped = true}, {"a", "A", 1}, ARBITER_BEGIN},
                {{"a", 1, "A", .ending = true, .stopped = true}, {"a", "X", 1}, ARBITER_STALE},
                {{"a", 1, "A", .ending = true, .stopped = true}, {"a", "X", 2}, ARBITER_BEGIN},
                {{"", .thief = "B", .thief_ns = S(99)}, {"a", "A", 1}, ARBITER_BUSY},
                {{"a", 1, "A", .thief = "B", .thief_ns = S(70)}, {"c", "C", 1}, ARBITER_BEGIN},
                {{"a", 1, "A", .thief = "B", .thief_ns = S(70)}, {"a", "A", 1}, ARBITER_AGAIN},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                enum arbiter_answer answer = arbiter_hello(&cases[i].a, &cases[i].h, S(100));

                if (answer != cases[i].answer)
                        fail_msg("case %zu: %s, wanted %s", i, words[answer],
                                 words[cases[i].answer]);
        }
}

static void test_reserve(void **state)
{
        struct arbiter a = {0};

        assert_false(arbiter_is_reserved(&a, S(1)));
        arbiter_reserve(&a, "B", S(1));
        assert_true(arbiter_is_reserved(&a, S(2)));
        assert_false(arbiter_is_reserved(&a, S(1) + ARBITER_RESERVE_NS));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_reserve),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
