/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proto/wire.h"
#include "tests/unit/unit.h"

static void fill(uint8_t buf[static WIRE_HEADER_SIZE])
{
        struct wire_header h = {.type = MESSAGE_RESULTS,
                                .run = "0a1b2c3d",
                                .epoch = 0x01020304,
                                .seq = 5,
                                .ack = 6};

        wire_header_encode(&h, buf);
}

static void test_layout(void **state)
{
        static const uint8_t want[WIRE_HEADER_SIZE] = {'L', 'X', 'S', '1', MESSAGE_RESULTS,
                                                       0,   44,  0,   '0', 'a',
                                                       '1', 'b', '2', 'c', '3',
                                                       'd', 0,   0,   0,   0,
                                                       0,   0,   0,   0,   4,
                                                       3,   2,   1,   5,   0,
                                                       0,   0,   0,   0,   0,
                                                       0,   6};
        uint8_t buf[WIRE_HEADER_SIZE];

        fill(buf);
        assert_memory_equal(buf, want, sizeof(want));
}

static void test_roundtrip(void **state)
{
        for (int type = MESSAGE_INVALID_ + 1; type < MESSAGE_TYPE_MAX_; type++) {
                struct wire_header a = {.type = (enum message_type)type,
                                        .run = "0123456789abcdef",
                                        .epoch = UINT32_MAX,
                                        .seq = UINT64_MAX,
                                        .ack = UINT64_MAX - 1},
                                   b;
                uint8_t buf[WIRE_HEADER_SIZE];
                struct error err = ERROR_INIT;

                wire_header_encode(&a, buf);
                assert_ok(wire_header_decode(buf, sizeof(buf), &b, &err), err);
                assert_int_equal(b.type, type);
                assert_string_equal(b.run, a.run);
                assert_int_equal(b.epoch, a.epoch);
                assert_true(b.seq == a.seq && b.ack == a.ack);
                assert_string_not_equal(message_type_name(type), "?");
        }
        assert_string_equal(message_type_name(MESSAGE_LEASE_OK), "LEASE_OK");
        assert_string_equal(message_type_name(0), "?");
        assert_string_equal(message_type_name(-1), "?");
        assert_string_equal(message_type_name(MESSAGE_TYPE_MAX_), "?");
}

/* One byte of a good header changed. */
static int with_byte(size_t at, uint8_t value, struct error *err)
{
        struct wire_header h = {.epoch = 77};
        uint8_t buf[WIRE_HEADER_SIZE];
        int r;

        fill(buf);
        buf[at] = value;
        *err = ERROR_INIT;
        r = wire_header_decode(buf, sizeof(buf), &h, err);
        if (r < 0)
                assert_int_equal(h.epoch, 77); /* untouched */
        return r;
}

static void test_bad_headers(void **state)
{
        uint8_t buf[WIRE_HEADER_SIZE + 1] = {0};
        struct wire_header h;
        struct error err;

        fill(buf);
        for (size_t n = 0; n <= sizeof(buf); n++) {
                err = ERROR_INIT;
                if (n != WIRE_HEADER_SIZE)
                        assert_error(wire_header_decode(buf, n, &h, &err), -EBADMSG, err, "e");
        }
        err = ERROR_INIT;
        assert_error(wire_header_decode("GET / HTTP/1.1\r\n", 16, &h, &err), -EBADMSG, err,
                     "does not speak");
        /* another version is told apart whatever the size of its header */
        err = ERROR_INIT;
        assert_error(wire_header_decode("LXS2", 4, &h, &err), -EPROTONOSUPPORT, err, "version 2");
        assert_error(with_byte(3, 'x', &err), -EBADMSG, err, "does not speak");
        assert_error(with_byte(4, 0, &err), -EOPNOTSUPP, err, "type 0");
        assert_error(with_byte(4, MESSAGE_TYPE_MAX_, &err), -EOPNOTSUPP, err, "not known");
        assert_error(with_byte(4, 255, &err), -EOPNOTSUPP, err, "type 255");
        assert_error(with_byte(5, 1, &err), -EBADMSG, err, "flags 0x01");
        assert_error(with_byte(6, 45, &err), -EBADMSG, err, "length 45");
        assert_error(with_byte(8, '\n', &err), -EBADMSG, err, "RESULTS with an unprintable run");
        assert_error(with_byte(9, 0, &err), -EBADMSG, err, "run id"); /* NUL, then more */
        assert_error(with_byte(9, 0xe9, &err), -EBADMSG, err, "run id");
}

static int parse(const char *text, size_t size, struct error *err)
{
        json_object *o = NULL;
        int r;

        *err = ERROR_INIT;
        r = wire_body_parse(text, size, &o, err);
        assert_int_equal(o != NULL, r == 0);
        json_object_put(o);
        return r;
}

static void test_bodies(void **state)
{
        static const char *const good[] = {"{}", " {\"a\":[1,{\"b\":null}]} ", "{\"a\":1.5e3}",
                                           "{\"\xc3\xa9\":\"\\u00e9\"}"};
        /* json-c takes 'a' for "a", bare control characters in strings and NaN for a number even
         * when strict; no field of ours is a double, so a NaN ends as a wrong type */
        static const char *const bad[] = {
                "",           " ",           "[]",         "1",       "null",
                "\"a\"",      "{",           "{\"a\":}",   "{}{}",    "{} x",
                "{\"a\":1,}", "{a:1}",       "{\"a\":01}", "/*c*/{}", "{\"a\":\"\xff\"}",

                "{\"a\":nul", "{\"a\":\"abc"};
        struct error err;

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_ok(parse(good[i], strlen(good[i]), &err), err);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                if (parse(bad[i], strlen(bad[i]), &err) == 0)
                        print_error("accepted «%s»\n", bad[i]);
                assert_error(parse(bad[i], strlen(bad[i]), &err), -EBADMSG, err, "Body");
        }
        assert_error(parse("{}\0{}", 5, &err), -EBADMSG, err, "Body");
        assert_error(parse("{\"a\":\"b\0c\"}", 11, &err), -EBADMSG, err, "Body");
        assert_error(parse(NULL, 0, &err), -EBADMSG, err, "Body");
}

static void test_body_limits(void **state)
{
        char deep[64] = "{\"a\":", *big = malloc(WIRE_FRAME_MAX + 1);
        struct error err;

        /* the object itself and 15 arrays are 16 deep; one more is too deep */
        memset(deep + 5, '[', 14);
        memset(deep + 19, ']', 14);
        strcpy(deep + 33, "}");
        assert_ok(parse(deep, strlen(deep), &err), err);
        memset(deep + 5, '[', 16);
        memset(deep + 21, ']', 16);
        strcpy(deep + 37, "}");
        assert_error(parse(deep, strlen(deep), &err), -EBADMSG, err, "nesting");

        assert_non_null(big);
        memset(big, ' ', WIRE_FRAME_MAX + 1);
        memcpy(big, "{}", 2);
        assert_ok(parse(big, WIRE_FRAME_MAX, &err), err);
        assert_error(parse(big, WIRE_FRAME_MAX + 1, &err), -EBADMSG, err, "at most 1048576");
        free(big);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layout),      cmocka_unit_test(test_roundtrip),
                cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_bodies),
                cmocka_unit_test(test_body_limits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
