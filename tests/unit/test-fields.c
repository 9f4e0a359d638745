/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proto/fields.h"
#include "tests/unit/unit.h"

struct inner {
        int64_t depth;
};

struct thing {
        int64_t number, wide;
        bool flag, has_inner;
        char text[8];
        int word;
        struct string_list list;
        struct inner inner;
        json_object *rows;
};

static const char *const words[] = {"zero", "one"};

static int word_from_name(const char *s)
{
        return streq(s, "zero") ? 0 : streq(s, "one") ? 1 : -EINVAL;
}

static const char *word_name(int v)
{
        return words[v];
}

static const char *check_no_x(const char *s)
{
        return strchr(s, 'x') ? "without x" : NULL;
}

static const struct field inner_fields[] = {
        {"depth", FIELD_I64, offsetof(struct inner, depth), .min = 0, .max = 9, .required = true},
        {0},
};

static const struct field thing_fields[] = {
        {"number", FIELD_I64, offsetof(struct thing, number), .min = -5, .max = 100,
         .required = true},
        {"wide", FIELD_I64, offsetof(struct thing, wide), .min = INT64_MIN, .max = INT64_MAX},
        {"flag", FIELD_BOOL, offsetof(struct thing, flag)},
        {"text", FIELD_STRING, offsetof(struct thing, text), .size = 8, .min = 1,
         .check = check_no_x},
        {"word", FIELD_WORD, offsetof(struct thing, word), .from_name = word_from_name,
         .to_name = word_name},
        {"list", FIELD_LIST, offsetof(struct thing, list), .size = 5, .max = 2},
        {"inner", FIELD_OBJECT, offsetof(struct thing, inner), .sub = inner_fields,
         .presence = offsetof(struct thing, has_inner)},
        {"rows", FIELD_ARRAY, offsetof(struct thing, rows), .max = 3},
        {0},
};

/* Decodes text into *t. */
static int decode(const char *text, struct thing *t, struct error *err)
{
        json_object *o = json_tokener_parse(text);
        int r;

        assert_non_null(o);
        *err = ERROR_INIT;
        r = fields_decode(thing_fields, o, t, err);
        json_object_put(o);
        return r;
}

static void test_roundtrip(void **state)
{
        struct thing a = {.number = 7,
                          .wide = INT64_MIN,
                          .flag = true,
                          .text = "h\xc3\xa9llo",
                          .word = 1,
                          .has_inner = true,
                          .inner = {3}},
                     b = {0};
        struct error err = ERROR_INIT;
        json_object *o;

        assert_int_equal(string_list_add(&a.list, "a"), 0);
        assert_int_equal(string_list_add(&a.list, "bcdef"), 0);
        a.rows = json_tokener_parse("[1,[2],{}]");
        o = fields_encode(thing_fields, &a);
        assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
                            "{\"number\":7,\"wide\":-9223372036854775808,\"flag\":true,"
                            "\"text\":\"h\xc3\xa9llo\",\"word\":\"one\",\"list\":[\"a\",\"bcdef\"],"
                            "\"inner\":{\"depth\":3},\"rows\":[1,[2],{}]}");
        assert_ok(fields_decode(thing_fields, o, &b, &err), err);
        json_object_put(o);
        assert_int_equal(b.number, 7);
        assert_true(b.wide == INT64_MIN);
        assert_true(b.flag);
        assert_string_equal(b.text, "h\xc3\xa9llo");
        assert_int_equal(b.word, 1);
        assert_int_equal(b.list.n, 2);
        assert_string_equal(b.list.items[1], "bcdef");
        assert_true(b.has_inner);
        assert_int_equal(b.inner.depth, 3);
        assert_int_equal(json_object_array_length(b.rows), 3);
        fields_release(thing_fields, &a);
        fields_release(thing_fields, &b);
        fields_release(thing_fields, &b); /* twice is fine */
        assert_null(b.rows);
        assert_null(b.list.items);
}

static void test_absent(void **state)
{
        struct thing t = {.wide = 5, .text = "keep"}, empty = {.text = "t"};
        struct error err;
        json_object *o;

        assert_ok(decode("{\"number\":1,\"unknown\":[{}]}", &t, &err), err);
        assert_int_equal(t.wide, 5);
        assert_string_equal(t.text, "keep");
        assert_false(t.has_inner);

        o = fields_encode(thing_fields, &empty);
        assert_false(json_object_object_get_ex(o, "inner", NULL));
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "rows"), 0),
                            "[]");
        json_object_put(o);
}

static void test_decode_twice(void **state)
{
        struct thing t = {0};
        struct error err;

        assert_ok(decode("{\"number\":1,\"list\":[\"a\",\"b\"],\"rows\":[1]}", &t, &err), err);
        assert_ok(decode("{\"number\":1,\"list\":[\"c\"],\"rows\":[]}", &t, &err), err);
        assert_int_equal(t.list.n, 1);
        assert_string_equal(t.list.items[0], "c");
        assert_int_equal(json_object_array_length(t.rows), 0);
        fields_release(thing_fields, &t);
}

static void test_not_utf8_is_made_so(void **state)
{
        struct thing t = {.text = "a\xffz"};
        json_object *o;

        assert_int_equal(string_list_add(&t.list, "\xfe"), 0);
        o = fields_encode(thing_fields, &t);
        assert_string_equal(json_object_get_string(json_object_object_get(o, "text")), "a?z");
        assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "list"),
                                                           JSON_C_TO_STRING_PLAIN),
                            "[\"?\"]");
        json_object_put(o);
        fields_release(thing_fields, &t);
}

static const struct {
        const char *json, *says;
} bad[] = {
        {"{}", "\"number\" is missing"},
        {"{\"number\":null}", "\"number\" must be a whole number, not of type null"},
        {"{\"number\":\"1\"}", "not of type string"},
        {"{\"number\":1.5}", "not of type double"},
        {"{\"number\":101}", "\"number\" is 101, must be -5 to 100"},
        {"{\"number\":-6}", "is -6"},
        {"{\"number\":1,\"wide\":9223372036854775808}", "\"wide\" is 9223372036854775808"},
        {"{\"number\":1,\"wide\":99999999999999999999999}", "\"wide\" is"},
        {"{\"number\":1,\"flag\":1}", "\"flag\" must be true or false"},
        {"{\"number\":1,\"text\":\"12345678\"}", "\"text\" is 8 bytes long, must be at most 7"},
        {"{\"number\":1,\"text\":\"\"}", "must be at least 1"},
        {"{\"number\":1,\"text\":\"a\\u0000b\"}", "holds a NUL"},
        {"{\"number\":1,\"text\":\"ax\\n\"}", "\"text\" is \"ax?\", must be without x"},
        {"{\"number\":1,\"word\":\"two\\u001b\"}", "\"word\" is \"two?\", which is no word"},
        {"{\"number\":1,\"word\":1}", "\"word\" must be a string"},
        {"{\"number\":1,\"list\":{}}", "\"list\" must be an array"},
        {"{\"number\":1,\"list\":[\"a\",\"b\",\"c\"]}",
         "\"list\" has 3 entries, must be at most 2"},
        {"{\"number\":1,\"list\":[\"a\",\"123456\"]}", "\"list\" is 6 bytes long"},
        {"{\"number\":1,\"list\":[\"a\",\"\"]}", "\"list\" is 0 bytes long"},
        {"{\"number\":1,\"list\":[\"a\",null]}", "\"list\" must be a string"},
        {"{\"number\":1,\"inner\":[]}", "\"inner\" must be an object"},
        {"{\"number\":1,\"inner\":{}}", "\"inner\": \"depth\" is missing"},
        {"{\"number\":1,\"inner\":{\"depth\":10}}", "\"inner\": \"depth\" is 10"},
        {"{\"number\":1,\"rows\":[1,2,3,4]}", "\"rows\" has 4 entries"},
        {"{\"number\":1,\"rows\":\"a\"}", "\"rows\" must be an array"},
};

static void test_bad(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct thing t = {0};
                struct error err;

                assert_error(decode(bad[i].json, &t, &err), -EBADMSG, err, bad[i].says);
                assert_false(t.has_inner);
                fields_release(thing_fields, &t);
        }
}

static void test_no_error_object(void **state)
{
        json_object *o = json_tokener_parse("{\"number\":1,\"inner\":{\"depth\":-1}}");
        struct thing t = {0};

        assert_int_equal(fields_decode(thing_fields, o, &t, NULL), -EBADMSG);
        json_object_put(o);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_roundtrip),    cmocka_unit_test(test_absent),
                cmocka_unit_test(test_decode_twice), cmocka_unit_test(test_not_utf8_is_made_so),
                cmocka_unit_test(test_bad),          cmocka_unit_test(test_no_error_object),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
