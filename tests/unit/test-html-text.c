/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text of others in a page: nothing of it is markup. */

#include "tests/unit/unit.h"

#include "report/html-text.h"

static void check(void (*write)(FILE *out, const char *s), const char *in, const char *wanted)
{
        _cleanup_(freep)
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        write(out, in);
        fclose(out);
        assert_string_equal(text, wanted);
}

static void test_text(void **state)
{
        check(html_text, "a <b> & \"c\" 'd'", "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
        check(html_text, "&lt;", "&amp;lt;");
        check(html_text, "", "");
        check(html_text, NULL, "");
        check(html_text, "größer µs – ✓", "größer µs – ✓");
        check(html_text, "one\ntwo\tthree", "one two three");
        check(html_text, "\x1b[31m\x07\x7f", "?[31m??");
        check(html_foreign, "<", "<bdi>&lt;</bdi>");
}

static void test_what_is_not_utf8(void **state)
{
        check(html_text, "a\xff\xc3", "a??");
        check(html_text, "\xe2\x82<", "??&lt;"); /* a lead byte takes nothing along */
        check(html_text, "\xc0\xbc", "??");      /* '<' in two bytes */
        check(html_text, "\xed\xa0\x80", "???");
}

static void test_json(void **state)
{
        check(html_json_string, "</script>", "\"\\u003c/script\\u003e\"");
        check(html_json_string, "a\"b\\c&d", "\"a\\u0022b\\u005cc\\u0026d\"");
        check(html_json_string, "a\nb\x01", "\"a b?\"");
        check(html_json_string, "µ", "\"µ\"");
}

static void test_path(void **state)
{
        check(html_path, "evidence/a-1/k3xw90ab-0001-leftover",
              "evidence/a-1/k3xw90ab-0001-leftover");
        check(html_path, "javascript:alert(1)", "javascript%3Aalert%281%29");
        check(html_path, "a b?c#d%\"\xc3\xbc", "a%20b%3Fc%23d%25%22%C3%BC");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_what_is_not_utf8),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_path),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
