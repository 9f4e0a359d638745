/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream of journal entries that comes in pieces. */

#include "report/journal-feed.h"
#include "tests/unit/unit.h"

static const char two[] = "__REALTIME_TIMESTAMP=5\nLXDSOAK_RUN=k3xw90ab\n"
                          "LXDSOAK_ERROR\n\6\0\0\0\0\0\0\0a\n\nb=c\nMESSAGE_ID=x\n\n\n"
                          "LXDSOAK_RUN=k3xw90ab\nLXDSOAK_UNIT=7\n\n";

static void put(struct journal_feed *f, const char *bytes, size_t n)
{
        struct error err = ERROR_INIT;

        assert_ok(journal_feed_put(f, bytes, n, &err), err);
}

/* Of whatever size the pieces are: each entry once, when it is there, and as it was. */
static void test_pieces(void **state)
{
        for (size_t size = 1; size <= sizeof(two); size++) {
                _cleanup_(journal_feed_deinit)
                struct journal_feed f = {0};
                _cleanup_(journal_entry_deinit)
                struct journal_entry e = {0};
                struct error err = ERROR_INIT;
                size_t n = 0, length;
                int r;

                for (size_t at = 0; at < sizeof(two) - 1; at += size) {
                        put(&f, two + at, MIN(size, sizeof(two) - 1 - at));
                        while ((r = journal_feed_next(&f, &e, &err)) > 0) {
                                assert_string_equal(journal_entry_get(&e, "LXDSOAK_RUN", NULL),
                                                    "k3xw90ab");
                                if (n++ > 0)
                                        continue;
                                assert_int_equal(e.realtime_ns, 5000);
                                assert_memory_equal(journal_entry_get(&e, "LXDSOAK_ERROR", &length),
                                                    "a\n\nb=c", 6);
                                assert_int_equal(length, 6);
                                assert_string_equal(journal_entry_get(&e, "MESSAGE_ID", NULL), "x");
                        }
                        assert_int_equal(r, 0);
                }
                assert_int_equal(n, 2);
                assert_string_equal(journal_entry_get(&e, "LXDSOAK_UNIT", NULL), "7");
        }
}

static void test_broken(void **state)
{
        static const char bad[] = "LXDSOAK_ERROR\n\1\0\0\0\0\0\0\0abc\n\nA=b\n\n";
        _cleanup_(journal_feed_deinit)
        struct journal_feed f = {0};
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        struct error err = ERROR_INIT;

        put(&f, bad, sizeof(bad) - 1);
        assert_error(journal_feed_next(&f, &e, &err), -EBADMSG, err, "longer than it says");
}

/* What never becomes whole is not kept without end. */
static void test_bound(void **state)
{
        _cleanup_(journal_feed_deinit)
        struct journal_feed f = {0};
        _cleanup_(freep)
        char *much = malloc(JOURNAL_FIELD_MAX);
        struct error err = ERROR_INIT;

        assert_non_null(much);
        memset(much, 'A', JOURNAL_FIELD_MAX);
        for (size_t i = 0; i < JOURNAL_FEED_MAX / JOURNAL_FIELD_MAX; i++)
                put(&f, much, JOURNAL_FIELD_MAX);
        assert_error(journal_feed_put(&f, "A", 1, &err), -EBADMSG, err, "is longer than");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pieces),
                cmocka_unit_test(test_broken),
                cmocka_unit_test(test_bound),
        };

        return cmocka_run_group_tests_name("journal-feed", tests, NULL, NULL);
}
