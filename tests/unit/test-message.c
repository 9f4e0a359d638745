/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tables of message.c: every table is sound (names, places, limits), every
 * message survives the way there and back, and what a peer must not say is
 * refused.
 */

#include "proto/message.h"
#include "proto/wire.h"
#include "tests/unit/unit.h"

#define TABLES(X)                                                                                  \
        X(run_spec)                                                                                \
        X(msg_hello)                                                                               \
        X(msg_welcome)                                                                             \
        X(msg_refuse)                                                                              \
        X(msg_lease)                                                                               \
        X(msg_lease_ok)                                                                            \
        X(msg_revoke)                                                                              \
        X(msg_results)                                                                             \
        X(msg_ping)                                                                                \
        X(msg_pong)                                                                                \
        X(msg_stop)                                                                                \
        X(msg_stopped)                                                                             \
        X(msg_cleanup)                                                                             \
        X(msg_cleaned)                                                                             \
        X(msg_evidence)                                                                            \
        X(msg_exhibit)                                                                             \
        X(msg_err)                                                                                 \
        X(msg_item)

static const struct {
        const char *name;
        const struct field *fields;
        size_t size;
} tables[] = {
#define X(type) {#type, type##_fields, sizeof(struct type)},
        TABLES(X)
#undef X
};

static size_t field_size(const struct field *f)
{
        switch (f->type) {
        case FIELD_I64: return sizeof(int64_t);
        case FIELD_BOOL: return sizeof(bool);
        case FIELD_WORD: return sizeof(int);
        case FIELD_LIST: return sizeof(struct string_list);
        case FIELD_ARRAY: return sizeof(json_object *);
        case FIELD_STRING: return f->size;
        case FIELD_OBJECT: return 0;
        }
        return 0;
}

static void test_tables_are_sound(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                for (const struct field *f = tables[i].fields; f->name; f++) {
                        assert_true(f->offset + field_size(f) <= tables[i].size);
                        assert_true(f->max >= f->min || f->type == FIELD_STRING);
                        assert_true(f->required || f->presence > 0);
                        if (f->type == FIELD_STRING)
                                assert_true(f->size > 1 && f->min < (int64_t)f->size);
                        if (f->type == FIELD_LIST || f->type == FIELD_ARRAY)
                                assert_true(f->max > 0);
                        for (const struct field *g = tables[i].fields; g < f; g++) {
                                assert_string_not_equal(f->name, g->name);
                                assert_true(f->offset >= g->offset + field_size(g));
                        }
                }
}

/* A message filled with what its table allows at least. */
static json_object *smallest(const struct field *table)
{
        json_object *o = json_object_new_object();

        for (const struct field *f = table; f->name; f++) {
                json_object *v = NULL;

                switch (f->type) {
                case FIELD_I64: v = json_object_new_int64(f->min); break;
                case FIELD_BOOL: v = json_object_new_boolean(false); break;
                case FIELD_WORD: v = json_object_new_string(f->to_name(0)); break;
                case FIELD_LIST:
                case FIELD_ARRAY: v = json_object_new_array(); break;
                case FIELD_STRING:
                        v = json_object_new_string(streq(f->name, "run") && f->min ? "0a1b2c3d"
                                                   : f->min                        ? "a"
                                                                                   : "");
                        break;
                case FIELD_OBJECT: v = smallest(f->sub); break;
                }
                json_object_object_add(o, f->name, v);
        }
        return o;
}

static void test_every_table_goes_there_and_back(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(tables); i++) {
                json_object *a = smallest(tables[i].fields), *b;
                void *to = calloc(1, tables[i].size);
                struct error err = ERROR_INIT;

                assert_ok(fields_decode(tables[i].fields, a, to, &err), err);
                b = fields_encode(tables[i].fields, to);
                assert_true(json_object_equal(a, b));
                fields_release(tables[i].fields, to);
                free(to);
                json_object_put(a);
                json_object_put(b);
        }
}

/* Each key of each table taken away in turn. */
static void test_a_missing_key_is_named(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                for (const struct field *f = tables[i].fields; f->name; f++) {
                        json_object *a = smallest(tables[i].fields);
                        void *to = calloc(1, tables[i].size);
                        struct error err = ERROR_INIT;

                        json_object_object_del(a, f->name);
                        if (f->required)
                                assert_error(fields_decode(tables[i].fields, a, to, &err), -EBADMSG,
                                             err, f->name);
                        else
                                assert_ok(fields_decode(tables[i].fields, a, to, &err), err);
                        fields_release(tables[i].fields, to);
                        free(to);
                        json_object_put(a);
                }
}

static void test_a_hello_without_spec(void **state)
{
        struct msg_hello a = {.proto_min = 1, .proto_max = 1, .coord_id = "c"}, b = {0};
        json_object *o = fields_encode(msg_hello_fields, &a);
        struct error err = ERROR_INIT;

        assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
                            "{\"proto_min\":1,\"proto_max\":1,\"coord_id\":\"c\",\"who\":\"\","
                            "\"agent_id\":\"\",\"steal\":false}");
        assert_ok(fields_decode(msg_hello_fields, o, &b, &err), err);
        assert_false(b.has_spec);
        json_object_put(o);
}

static void test_the_largest_hello_fits(void **state)
{
        struct msg_hello a = {.proto_min = 1, .proto_max = 1, .has_spec = true, .coord_id = "c"},
                         b = {0};
        char command[EXEC_LENGTH_MAX];
        struct error err = ERROR_INIT;
        json_object *o;

        a.spec = (struct run_spec){.run = "0a1b2c3d",
                                   .prefix = DEFAULT_PREFIX,
                                   .image = "debian/12",
                                   .phases = PHASES_ALL,
                                   .parallel = PARALLEL_MAX,
                                   .seed = INT64_MIN,
                                   .total = UNITS_MAX,
                                   .deadline_ns = {1, 1, 1, 1, 1, 1, 1},
                                   .probe_timeout_ns = NSEC_PER_SEC,
                                   .lease_ns = 60 * NSEC_PER_SEC};
        memset(command, '\001', sizeof(command) - 1); /* six bytes each in JSON */
        command[sizeof(command) - 1] = '\0';
        for (size_t i = 0; i < EXEC_COMMANDS_MAX; i++)
                assert_int_equal(string_list_add(&a.spec.exec, command), 0);
        o = fields_encode(msg_hello_fields, &a);
        assert_true(strlen(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)) <
                    WIRE_SEND_MAX);
        assert_ok(fields_decode(msg_hello_fields, o, &b, &err), err);
        assert_true(b.has_spec);
        assert_int_equal(b.spec.exec.n, EXEC_COMMANDS_MAX);
        assert_string_equal(b.spec.exec.items[0], command);
        json_object_put(o);
        fields_release(msg_hello_fields, &a);
        fields_release(msg_hello_fields, &b);
}

static const struct {
        const struct field *table;
        const char *key, *value, *says;
} bad[] = {
        {run_spec_fields, "run", "\"../../x\"", "0-9 and a-z"},
        {run_spec_fields, "run", "\"\"", "\"run\" is 0 bytes"},
        {run_spec_fields, "prefix", "\"a/b\"", "letters, digits"},
        {run_spec_fields, "prefix", "\"aaaaaaaaaaaaaaaaaaaaa\"", "at most 20"},
        {run_spec_fields, "project", "\"a?b\"", "project of LXD"},
        {run_spec_fields, "parallel", "0", "1 to 1024"},
        {run_spec_fields, "parallel", "1025", "1 to 1024"},
        {run_spec_fields, "total", "-1", "\"total\""},
        {run_spec_fields, "total", "1000000000", "999999999"},
        {run_spec_fields, "phases", "128", "1 to 127"},
        {run_spec_fields, "phases", "0", "1 to 127"},
        {run_spec_fields, "mode", "\"chrun\"", "\"mode\" is \"chrun\""},
        {run_spec_fields, "deadline_stop_ns", "0", "deadline_stop_ns"},
        {run_spec_fields, "on_wedge", "\"retry\"", "\"on_wedge\" is \"retry\""},
        {run_spec_fields, "probe_timeout_ns", "1", "probe_timeout_ns"},
        {run_spec_fields, "allow_leak", "1048576", "allow_leak"},
        {run_spec_fields, "exec", "[\"\"]", "\"exec\""},
        {msg_lease_fields, "first", "0", "\"first\" is 0"},
        {msg_lease_fields, "count", "1000000000", "\"count\""},
        {msg_lease_fields, "ttl_ns", "-1", "\"ttl_ns\""},
        {msg_welcome_fields, "hostname", "\"a\\nb\"", "control characters"},
        {msg_welcome_fields, "parallel_max", "0", "\"parallel_max\""},
        {msg_refuse_fields, "code", "\"because\"", "\"code\" is \"because\""},
        {msg_stop_fields, "mode", "\"now\"", "\"mode\""},
        {msg_stopped_fields, "leftovers", "{}", "\"leftovers\" must be an array"},
        {msg_stopped_fields, "pong", "{\"stamp_ns\":-5}", "\"pong\": \"stamp_ns\" is -5"},
        {msg_cleanup_fields, "run", "\"abc\"", "\"run\""},
        {msg_err_fields, "code", "\"\"", "\"code\""},
};

static void test_what_a_peer_must_not_say(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                json_object *o = smallest(bad[i].table);
                struct error err = ERROR_INIT;
                char to[16384] __attribute__((aligned(16))) = {0};

                json_object_object_add(o, bad[i].key, json_tokener_parse(bad[i].value));
                assert_error(fields_decode(bad[i].table, o, to, &err), -EBADMSG, err, bad[i].says);
                fields_release(bad[i].table, to);
                json_object_put(o);
        }
}

static void test_too_many_rows(void **state)
{
        json_object *o = smallest(msg_results_fields), *rows = json_object_object_get(o, "rows");
        struct msg_results m = {0};
        struct error err = ERROR_INIT;

        for (int i = 0; i < MESSAGE_ROWS_MAX; i++)
                json_object_array_add(rows, NULL);
        assert_ok(fields_decode(msg_results_fields, o, &m, &err), err);
        fields_release(msg_results_fields, &m);
        json_object_array_add(rows, NULL);
        assert_error(fields_decode(msg_results_fields, o, &m, &err), -EBADMSG, err, "1001 entries");
        json_object_put(o);
}

static void test_words(void **state)
{
        for (int i = 0; i < REFUSE_MAX_; i++)
                assert_int_equal(refuse_code_from_name(refuse_code_name(i)), i);
        for (int i = 0; i < STOP_MODE_MAX_; i++)
                assert_int_equal(stop_mode_from_name(stop_mode_name(i)), i);
        assert_string_equal(refuse_code_name(REFUSE_STALE_EPOCH), "stale_epoch");
        assert_string_equal(refuse_code_name(REFUSE_MAX_), "?");
        assert_string_equal(stop_mode_name(-1), "?");
        assert_int_equal(refuse_code_from_name(""), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tables_are_sound),
                cmocka_unit_test(test_every_table_goes_there_and_back),
                cmocka_unit_test(test_a_missing_key_is_named),
                cmocka_unit_test(test_a_hello_without_spec),
                cmocka_unit_test(test_the_largest_hello_fits),
                cmocka_unit_test(test_what_a_peer_must_not_say),
                cmocka_unit_test(test_too_many_rows),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
