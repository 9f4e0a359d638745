/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What journalctl -o export writes, read: as it should be, and broken in every place. */

#include "report/journal-stream.h"
#include "tests/unit/unit.h"

/* Two entries; the second has a field of bytes with a newline and a NUL in it. */
#define FIRST                                                                                      \
        "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000000001\nMESSAGE_ID=abc\n"                    \
        "LXDSOAK_RUN=k3xw90ab\nPRIORITY=6\n_HOSTNAME=a\n\n"
#define SECOND                                                                                     \
        "__REALTIME_TIMESTAMP=1700000000000002\nLXDSOAK_ERROR\n\5\0\0\0\0\0\0\0x\ny\0z\n"          \
        "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nLXDSOAK_RUN=k3xw90ab\n\n"

static const char both[] = FIRST SECOND;

static size_t read_all(const char *bytes, size_t size, struct journal_entry *e, int *ret,
                       struct error *err)
{
        _cleanup_(fclosep)
        FILE *f = fmemopen((void *)bytes, MAX(size, (size_t)1), "r");
        _cleanup_(journal_stream_freep)
        struct journal_stream *s = NULL;
        size_t n = 0;

        assert_non_null(f);
        assert_int_equal(journal_stream_new(f, &s), 0);
        *err = ERROR_INIT;
        while ((*ret = journal_stream_next(s, e, err)) > 0)
                n++;
        return n;
}

static void test_reads(void **state)
{
        _cleanup_(fclosep)
        FILE *f = fmemopen((void *)both, sizeof(both) - 1, "r");
        _cleanup_(journal_stream_freep)
        struct journal_stream *s = NULL;
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        struct error err = ERROR_INIT;
        size_t size;

        assert_int_equal(journal_stream_new(f, &s), 0);
        assert_int_equal(journal_stream_next(s, &e, &err), 1);
        assert_string_equal(journal_entry_get(&e, "LXDSOAK_RUN", &size), "k3xw90ab");
        assert_int_equal(size, 8);
        assert_string_equal(journal_entry_get(&e, "MESSAGE_ID", NULL), "abc");
        assert_string_equal(journal_entry_get(&e, "_HOSTNAME", NULL), "a");
        assert_string_equal(journal_entry_get(&e, "PRIORITY", NULL), "6");
        assert_null(journal_entry_get(&e, "__REALTIME_TIMESTAMP", NULL)); /* realtime_ns */
        assert_int_equal(e.realtime_ns, INT64_C(1700000000000001000));
        assert_int_equal(journal_stream_next(s, &e, &err), 1);
        assert_memory_equal(journal_entry_get(&e, "LXDSOAK_ERROR", &size), "x\ny\0z", 6);
        assert_int_equal(size, 5);
        assert_string_equal(journal_entry_get(&e, "MESSAGE", &size), "a\nb");
        assert_int_equal(size, 3);
        assert_null(journal_entry_get(&e, "MESSAGE_ID", NULL)); /* of the entry before */
        assert_int_equal(journal_stream_next(s, &e, &err), 0);
}

/* Cut off anywhere: an error, or fewer entries, and never one that is half. */
static void test_cut_off(void **state)
{
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        struct error err;
        int r;

        for (size_t size = 1; size < sizeof(both) - 1; size++) {
                size_t n = read_all(both, size, &e, &r, &err);

                if (both[size - 1] != '\n')
                        assert_error(r, -EBADMSG, err, "at line");
                assert_true(n <= 2);
        }
        assert_int_equal(read_all(both, sizeof(both) - 1, &e, &r, &err), 2);
        assert_int_equal(r, 0);
}

static void test_refused(void **state)
{
        static const struct {
                const char *bytes;
                size_t size;
                const char *says;
        } cases[] = {
#define CASE(bytes, says) {bytes, sizeof(bytes) - 1, says}
                CASE("LXDSOAK_X\n\5\0\0\0\0\0\0\0ab\n", "cut off"),
                CASE("LXDSOAK_X\n\2\0\0\0\0\0\0\0abc\n\n", "longer than it says"),
                CASE("LXDSOAK_X\n\377\377\377\377\377\377\377\377ab\n", "no sensible size"),
                CASE("OTHER\n\377\0\0\0\0\0\0\0ab\n", "cut off"),
                CASE("LXDSOAK_X=abc", "cut off"),
#undef CASE
        };
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        struct error err;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                read_all(cases[i].bytes, cases[i].size, &e, &r, &err);
                assert_error(r, -EBADMSG, err, cases[i].says);
        }
}

static void test_many_fields(void **state)
{
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};

        for (int i = 0; i < 2 * JOURNAL_FIELDS_MAX; i++)
                assert_int_equal(journal_entry_add(&e, "LXDSOAK_X", 9, "1", 1), 0);
        assert_int_equal(e.n, JOURNAL_FIELDS_MAX);
        journal_entry_reset(&e);
        assert_null(journal_entry_get(&e, "LXDSOAK_X", NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reads),
                cmocka_unit_test(test_cut_off),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_many_fields),
        };

        return cmocka_run_group_tests_name("journal-stream", tests, NULL, NULL);
}
