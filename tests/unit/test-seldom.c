/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/seldom.h"
#include "base/clock.h"
#include "tests/unit/unit.h"

#define SECOND NSEC_PER_SEC

static void test_the_same_once_in_ten_minutes(void **state)
{
        struct seldom s = {0};
        uint64_t unsaid = 99;

        assert_true(seldom_may(&s, "mallory", 5 * SECOND, &unsaid));
        assert_int_equal(unsaid, 0);
        for (int i = 0; i < 1000; i++)
                assert_false(seldom_may(&s, "mallory", 6 * SECOND, &unsaid));
        assert_false(seldom_may(&s, "mallory", 5 * SECOND + SELDOM_AGAIN_NS - 1, &unsaid));
        assert_true(seldom_may(&s, "mallory", 5 * SECOND + SELDOM_AGAIN_NS, &unsaid));
        assert_int_equal(unsaid, 1001);
        /* somebody else in between is told of all the same */
        assert_true(seldom_may(&s, "eve", 6 * SECOND + SELDOM_AGAIN_NS, &unsaid));
        assert_int_equal(unsaid, 0);
}

static void test_a_crowd_is_told_of_in_part(void **state)
{
        struct seldom s = {0};
        uint64_t unsaid = 0, total = 0;
        unsigned said = 0;
        char name[32];

        for (int i = 0; i < 100000; i++) {
                snprintf(name, sizeof(name), "10.0.%d.%d", i / 256, i % 256);
                if (seldom_may(&s, name, i * SECOND / 1000, &unsaid)) {
                        said++;
                        total += unsaid + 1;
                }
        }
        /* 100 s, that is two bursts */
        assert_int_equal(said, 2 * SELDOM_BURST);
        assert_int_equal(total + s.unsaid, 100000);
        assert_true(s.n <= SELDOM_SUBJECTS);
        assert_true(seldom_may(&s, "later", 1000 * SECOND, &unsaid));
        assert_int_equal(total + unsaid + 1, 100001);
}

/* The bound: one subject more than can be remembered takes the place of the oldest. */
static void test_the_oldest_is_forgotten(void **state)
{
        struct seldom s = {0};
        uint64_t unsaid;
        char name[32];

        for (int i = 0; i <= SELDOM_SUBJECTS; i++) {
                snprintf(name, sizeof(name), "%d", i);
                assert_true(seldom_may(&s, name, i * 6 * SECOND, &unsaid));
        }
        assert_int_equal(s.n, SELDOM_SUBJECTS);
        assert_false(seldom_may(&s, "1", (SELDOM_SUBJECTS + 1) * 6 * SECOND, &unsaid));
        assert_true(seldom_may(&s, "0", (SELDOM_SUBJECTS + 1) * 6 * SECOND, &unsaid));
        assert_int_equal(s.n, SELDOM_SUBJECTS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_same_once_in_ten_minutes),
                cmocka_unit_test(test_a_crowd_is_told_of_in_part),
                cmocka_unit_test(test_the_oldest_is_forgotten),
        };

        return cmocka_run_group_tests_name("seldom", tests, NULL, NULL);
}
