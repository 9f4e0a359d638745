/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "proto/record-journal.h"
#include "tests/unit/unit.h"

static const struct record samples[] = {
        {.seq = 1,
         .kind = RECORD_SAMPLE,
         .unit = 1,
         .attempt = 1,
         .lease = 1,
         .sample = {.phase = PHASE_EXEC,
                    .step = 1,
                    .start_realtime_ns = 1700000000000000000,
                    .start_monotonic_ns = 5,
                    .duration_ns = 123456789,
                    .result = RESULT_FAIL,
                    .error_code = 127,
                    .error = "No such \"file\"\n\xc3\xa9"}},
        {.seq = 2,
         .kind = RECORD_EXEC,
         .unit = UNITS_MAX,
         .attempt = 2,
         .lease = 9,
         .exec = {.step = 0,
                  .command = "cat /etc/issue",
                  .exit_status = -1,
                  .out = "Debian\n",
                  .err = "\033[1m",
                  .truncated = true}},
        {.seq = 3,
         .kind = RECORD_LEFTOVER,
         .unit = -1,
         .leftover = {.kind = LEFTOVER_MOUNT, .name = "/var/lib/lxd/x", .detail = "zfs"}},
        {.seq = 4, .kind = RECORD_HELD, .unit = 7, .held = {.live = 7, .mem_available = -1}},
        {.seq = 5,
         .kind = RECORD_OUTCOME,
         .unit = 7,
         .outcome = {.outcome = OUTCOME_WEDGED,
                     .name = "soak-0a1b2c3d-7",
                     .start_realtime_ns = 8,
                     .duration_ns = 9}},
        {.seq = INT64_MAX,
         .kind = RECORD_RETURNED,
         .returned = {.first = 5, .count = 6, .reason = "drain"}},
        {.seq = 7,
         .kind = RECORD_WEDGE,
         .unit = 7,
         .wedge = {.number = 1,
                   .class = WEDGE_MONITOR_STUCK,
                   .instance = "soak-0a1b2c3d-7",
                   .suspect = "pid 4711 [lxc monitor]",
                   .since_realtime_ns = 1,
                   .detected_realtime_ns = 2,
                   .sure = 100,
                   .detail = "state T",
                   .evidence = "e",
                   .cleared_by = -1}},
        {.seq = 8,
         .kind = RECORD_WEDGE,
         .wedge = {.number = WEDGES_MAX,
                   .class = WEDGE_DAEMON_DOWN,
                   .since_realtime_ns = 1,
                   .detected_realtime_ns = 2,
                   .cleared_by = RUNG_ITSELF,
                   .cleared_realtime_ns = 3}},
        {.seq = 9,
         .kind = RECORD_RECOVERY,
         .unit = 7,
         .recovery = {.wedge = 1,
                      .rung = RUNG_MONITOR,
                      .start_realtime_ns = 1,
                      .duration_ns = 2,
                      .result = RESULT_FAIL,
                      .error = "no"}},
        {.seq = 10,
         .kind = RECORD_CENSUS,
         .census = {.units = 50,
                    .realtime_ns = 1,
                    .daemon_pid = -1,
                    .count = {1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12},
                    .detail = "{}"}},
        {.seq = 11,
         .kind = RECORD_METRIC,
         .metric = {.realtime_ns = 9,
                    .figure = {1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}},
};

static const char *const rows[] = {
        ("[1,\"sample\",1,1,1,\"exec\",1,1700000000000000000,5,123456789,\"fail\",127,"
         "\"No such \\\"file\\\"\\n\xc3\xa9\"]"),
        "[2,\"exec\",999999999,2,9,0,\"cat /etc/issue\",-1,\"Debian\\n\",\"\\u001b[1m\",true]",
        "[3,\"leftover\",-1,0,0,\"mount\",\"/var/lib/lxd/x\",\"zfs\"]",
        "[4,\"held\",7,0,0,7,-1]",
        "[5,\"outcome\",7,0,0,\"wedged\",\"soak-0a1b2c3d-7\",8,9]",
        "[9223372036854775807,\"returned\",0,0,0,5,6,\"drain\"]",
        ("[7,\"wedge\",7,0,0,1,\"monitor-stuck\",\"soak-0a1b2c3d-7\",\"pid 4711 [lxc "
         "monitor]\",1,2,"
         "100,\"state T\",\"e\",\"\",0]"),
        "[8,\"wedge\",0,0,0,10000,\"daemon-down\",\"\",\"\",1,2,0,\"\",\"\",\"itself\",3]",
        "[9,\"recovery\",7,0,0,1,\"end-monitor\",1,2,\"fail\",\"no\"]",
        "[10,\"census\",0,0,0,50,1,-1,1,2,3,-1,5,6,7,8,9,10,11,12,\"{}\"]",
        "[11,\"metric\",0,0,0,9,1,2,3,-1,5,6,7,8,9,10,11,12,13,14,15,16]",
};

/* The row as text; the caller frees it. */
static char *encode(const struct record *r)
{
        json_object *o = record_encode(r);
        char *text;

        assert_non_null(o);
        text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
        return text;
}

static int decode(const char *text, struct record *ret, struct error *err)
{
        json_object *o = json_tokener_parse(text);
        int r;

        *err = ERROR_INIT;
        r = record_decode(o, ret, err);
        json_object_put(o);
        return r;
}

static void test_roundtrip(void **state)
{
        bool seen[RECORD_MAX_] = {false};

        for (size_t i = 0; i < ELEMENTSOF(samples); i++) {
                struct record back;
                struct error err;
                char *text = encode(&samples[i]), *again;

                assert_string_equal(text, rows[i]);
                assert_ok(decode(text, &back, &err), err);
                again = encode(&back);
                assert_string_equal(again, text);
                free(text);
                free(again);
                seen[samples[i].kind] = true;
        }
        for (int kind = 0; kind < RECORD_MAX_; kind++)
                assert_true(seen[kind]);
}

/* ---- as fields of the journal ---- */

struct kept {
        char name[40][48], value[40][EXEC_OUTPUT_MAX + 1];
        size_t n;
        const char *without; /* a field that is not told */
};

static void keep(const char *name, const char *value, void *userdata)
{
        struct kept *k = userdata;

        assert_true(k->n < ELEMENTSOF(k->name));
        assert_true(strlen(name) < sizeof(k->name[0]) && startswith(name, "LXDSOAK_"));
        for (size_t i = 0; i < k->n; i++)
                assert_string_not_equal(k->name[i], name);
        snprintf(k->name[k->n], sizeof(k->name[0]), "%s", name);
        snprintf(k->value[k->n++], sizeof(k->value[0]), "%s", value);
}

static const char *tell(const char *name, size_t *ret_size, void *userdata)
{
        struct kept *k = userdata;

        for (size_t i = 0; i < k->n; i++)
                if (streq(k->name[i], name) && !(k->without && streq(k->without, name))) {
                        *ret_size = strlen(k->value[i]);
                        return k->value[i];
                }
        return NULL;
}

/* What comes back is what was told; without any one field it is what it was, or refused. */
static void test_fields(void **state)
{
        static struct kept k;

        for (size_t i = 0; i < ELEMENTSOF(samples); i++) {
                struct record r = samples[i], back;
                struct error err = ERROR_INIT;
                char *text, *again;

                r.lease = 0;
                text = encode(&r);
                k.n = 0;
                k.without = NULL;
                record_to_fields(&r, keep, &k);
                assert_ok(record_from_fields(tell, &k, &back, &err), err);
                again = encode(&back);
                assert_string_equal(again, text);
                free(again);
                for (size_t f = 0; f < k.n; f++) {
                        int n;

                        k.without = k.name[f];
                        err = ERROR_INIT;
                        n = record_from_fields(tell, &k, &back, &err);
                        if (n < 0)
                                assert_error(n, -EBADMSG, err, k.name[f]);
                }
                free(text);
        }
}

static void test_bad_fields(void **state)
{
        static struct kept k;
        static const struct {
                const char *field, *value;
        } cases[] = {
                {"LXDSOAK_RECORD", "nonsense"}, {"LXDSOAK_SEQ", "0"},
                {"LXDSOAK_SEQ", "1x"},          {"LXDSOAK_PHASE", "dance"},
                {"LXDSOAK_DURATION_NS", "-1"},  {"LXDSOAK_UNIT", "0"},
                {"LXDSOAK_STEP", "99"},         {"LXDSOAK_RESULT", ""},
        };
        struct record back;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct error err = ERROR_INIT;

                k.n = 0;
                record_to_fields(&samples[0], keep, &k);
                for (size_t f = 0; f < k.n; f++)
                        if (streq(k.name[f], cases[i].field))
                                strcpy(k.value[f], cases[i].value);
                assert_error(record_from_fields(tell, &k, &back, &err), -EBADMSG, err,
                             cases[i].field);
        }
}

static void test_text_is_made_utf8(void **state)
{
        struct record r = samples[1];
        char *text;

        strcpy(r.exec.out, "\xff\xfe ok");
        text = encode(&r);
        assert_non_null(strstr(text, "\"?? ok\""));
        free(text);
}

static void test_long_text_is_cut(void **state)
{
        char text[2048] = "[1,\"sample\",1,1,1,\"stop\",0,0,0,0,\"ok\",0,\"", big[1201];
        struct record r;
        struct error err;

        for (size_t i = 0; i < 400; i++)
                memcpy(big + 3 * i, "\xe2\x82\xac", 3);
        big[1200] = '\0';
        strcat(text, big);
        strcat(text, "\"]");
        assert_ok(decode(text, &r, &err), err);
        assert_int_equal(strlen(r.sample.error), 510); /* whole characters below ERROR_TEXT_MAX */
}

static void test_further_elements_are_ignored(void **state)
{
        struct record r;
        struct error err;

        assert_ok(decode("[4,\"held\",7,0,0,7,-1,\"new\",{}]", &r, &err), err);
        assert_int_equal(r.held.live, 7);
}

/* Every element of every kind: missing, or of another type, is named. */
static void test_each_element_is_checked(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                json_object *row = json_tokener_parse(rows[i]);
                size_t n = json_object_array_length(row);

                for (size_t k = 0; k < n; k++) {
                        json_object *bad = json_object_new_array();
                        struct record r = {.unit = -77};
                        struct error err = ERROR_INIT;
                        char says[32];

                        for (size_t j = 0; j < k; j++)
                                json_object_array_add(
                                        bad, json_object_get(json_object_array_get_idx(row, j)));
                        snprintf(says, sizeof(says), "element %zu, ", k);
                        assert_error(record_decode(bad, &r, &err), -EBADMSG, err, says);
                        json_object_array_add(bad, json_object_new_object());
                        err = ERROR_INIT;
                        snprintf(says, sizeof(says), "Element %zu of", k);
                        assert_error(record_decode(bad, &r, &err), -EBADMSG, err, says);
                        assert_int_equal(r.unit, -77); /* untouched */
                        json_object_put(bad);
                }
                json_object_put(row);
        }
}

static const struct {
        const char *row, *says;
} bad[] = {
        {"{}", "must be array"},
        {"[-1,\"held\",7,0,0,7,-1]", "number, is -1"},
        {"[18446744073709551615,\"held\",7,0,0,7,-1]", "number, is 18446744073709551615"},
        {"[1,\"nonsense\\u001b\",7,0,0,7,-1]", "kind, is \"nonsense?\""},
        {"[1,\"held\",0,0,0,7,-1]", "unit, is 0"},
        {"[1,\"held\",1000000000,0,0,7,-1]", "must be 1 to 999999999"},
        {"[1,\"held\",7,0,0,7,-2]", "memory available"},
        {"[1,\"sample\",1,1,1,\"dance\",0,0,0,0,\"ok\",0,\"\"]", "phase, is \"dance\""},
        {"[1,\"sample\",1,1,1,\"stop\",0,0,0,-1,\"ok\",0,\"\"]", "duration, is -1"},
        {"[1,\"returned\",0,0,0,1,0,\"\"]", "count, is 0"},
};

static void test_bad(void **state)
{
        struct error err = ERROR_INIT;
        struct record r;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_error(decode(bad[i].row, &r, &err), -EBADMSG, err, bad[i].says);
        err = ERROR_INIT;
        assert_error(record_decode(NULL, &r, &err), -EBADMSG, err, "null");
}

static void test_encode_refuses_no_kind(void **state)
{
        struct record r = {.kind = RECORD_MAX_};

        assert_null(record_encode(&r));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_roundtrip),
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_bad_fields),
                cmocka_unit_test(test_text_is_made_utf8),
                cmocka_unit_test(test_long_text_is_cut),
                cmocka_unit_test(test_further_elements_are_ignored),
                cmocka_unit_test(test_each_element_is_checked),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_encode_refuses_no_kind),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
