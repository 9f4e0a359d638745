/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>

#include "base/text.h"
#include "tests/unit/unit.h"

static const struct {
        const char *bytes;
        bool valid;
        const char *copy;
} cases[] = {
        {"", true, ""},
        {"plain", true, "plain"},
        {"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", true,
         "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff", false, "?"},
        {"a\x80z", false, "a?z"},
        {"\xc0\xaf", false, "??"},           /* overlong '/' */
        {"\xe0\x80\xaf", false, "???"},      /* overlong */
        {"\xed\xa0\x80", false, "???"},      /* surrogate */
        {"\xf0\x8f\xbf\xbf", false, "????"}, /* overlong */
        {"\xf4\x90\x80\x80", false, "????"}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false, "????"},
        {"\xf4\x8f\xbf\xbf", true, "\xf4\x8f\xbf\xbf"},
        {"x\xe2\x82", false, "x??"}, /* cut */
        {"\xe2\x82z", false, "??z"},
};

static void test_utf8(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t n = strlen(cases[i].bytes);
                char buf[64];

                assert_int_equal(utf8_valid(cases[i].bytes, n), cases[i].valid);
                assert_int_equal(utf8_copy(buf, sizeof(buf), cases[i].bytes, n),
                                 strlen(cases[i].copy));
                assert_string_equal(buf, cases[i].copy);
        }
        assert_true(utf8_valid("a\0b", 3)); /* NUL is a character; whoever minds checks for it */
}

static void test_utf8_copy_cuts_between_characters(void **state)
{
        char buf[8];

        assert_int_equal(utf8_copy(buf, 4, "ab\xe2\x82\xac", 5), 2);
        assert_string_equal(buf, "ab");
        assert_int_equal(utf8_copy(buf, 6, "ab\xe2\x82\xac", 5), 5);
        assert_int_equal(utf8_copy(buf, 1, "ab", 2), 0);
        assert_string_equal(buf, "");
        assert_int_equal(utf8_copy(NULL, 0, "ab", 2), 0);
        assert_int_equal(utf8_copy(buf, sizeof(buf), "a\0b", 3), 3);
        assert_string_equal(buf, "a?b");
        utf8_copy(buf, sizeof(buf), buf, 1); /* onto itself */
        assert_string_equal(buf, "a");
}

static void test_printable(void **state)
{
        char buf[12];

        assert_string_equal(text_printable("fine", buf, sizeof(buf)), "fine");
        assert_string_equal(text_printable("\033[2J\n", buf, sizeof(buf)), "?[2J?");
        assert_string_equal(text_printable("\xc2\x9b"
                                           "31m",
                                           buf, sizeof(buf)),
                            "??31m");
        assert_string_equal(text_printable("0123456789a", buf, sizeof(buf)), "0123456789a");
        assert_string_equal(text_printable("0123456789ab", buf, sizeof(buf)), "01234567...");
        assert_string_equal(text_printable(NULL, buf, sizeof(buf)), "");
        assert_string_equal(TEXT_PRINTABLE("a\tb"), "a?b");
}

static void test_read_file(void **state)
{
        char path[] = "/tmp/test-text-XXXXXX";
        int fd = mkstemp(path);
        char *text = NULL;

        assert_true(fd >= 0);
        assert_int_equal(text_read_file(path, 10, &text), 0);
        assert_string_equal(text, "");
        free(text);
        assert_int_equal(write(fd, "0123456789", 10), 10);
        assert_int_equal(text_read_file(path, 10, &text), 0);
        assert_string_equal(text, "0123456789");
        free(text);
        text = NULL;
        assert_int_equal(text_read_file(path, 9, &text), -EFBIG);
        assert_int_equal(write(fd, "\0", 1), 1);
        assert_int_equal(text_read_file(path, 100, &text), -EINVAL);
        assert_int_equal(text_read_file("/tmp", 100, &text), -EISDIR);
        assert_int_equal(text_read_file("/nonexistent/x", 100, &text), -ENOENT);
        assert_int_equal(text_read_file("/dev/zero", 100000, &text), -EFBIG);
        assert_null(text);
        close(fd);
        unlink(path);
}

static void test_trim(void **state)
{
        char a[] = " \t a b \r", b[] = "", c[] = "   ", d[] = "x";

        assert_string_equal(text_trim(a), "a b");
        assert_string_equal(text_trim(b), "");
        assert_string_equal(text_trim(c), "");
        assert_string_equal(text_trim(d), "x");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_utf8),
                cmocka_unit_test(test_utf8_copy_cuts_between_characters),
                cmocka_unit_test(test_printable),
                cmocka_unit_test(test_read_file),
                cmocka_unit_test(test_trim),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
