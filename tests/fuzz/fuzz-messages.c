/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bodies of messages: the first byte chooses the table, the rest is JSON. What
 * is accepted must survive being encoded and decoded again.
 */

#include "proto/message.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

union message {
        struct run_spec spec;
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_refuse refuse;
        struct msg_lease lease;
        struct msg_results results;
        struct msg_pong pong;
        struct msg_stopped stopped;
        struct msg_cleaned cleaned;
        struct msg_evidence evidence;
        struct msg_exhibit exhibit;
        struct msg_item item;
};

static const struct field *const tables[] = {
        run_spec_fields,    msg_hello_fields,    msg_welcome_fields, msg_refuse_fields,
        msg_lease_fields,   msg_lease_ok_fields, msg_results_fields, msg_ping_fields,
        msg_pong_fields,    msg_stop_fields,     msg_stopped_fields, msg_cleanup_fields,
        msg_cleaned_fields, msg_err_fields,      msg_item_fields,    msg_evidence_fields,
        msg_exhibit_fields, msg_revoke_fields,
};

static void roundtrip(const struct field *table, const union message *m)
{
        json_object *object = fields_encode(table, m), *again;
        union message n = {0};
        struct error err = ERROR_INIT;

        require(object);
        if (fields_decode(table, object, &n, &err) < 0)
                fprintf(stderr, "%s\n", err.text);
        require(err.code == 0);
        again = fields_encode(table, &n);
        require(again);
        require(strcmp(json_object_to_json_string(object), json_object_to_json_string(again)) == 0);
        json_object_put(object);
        json_object_put(again);
        fields_release(table, &n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_object *object = NULL;
        struct error err = ERROR_INIT;
        const struct field *table;
        union message m = {0};
        int r;

        if (size == 0 || wire_body_parse(data + 1, size - 1, &object, NULL) < 0)
                return 0;
        table = tables[data[0] % ELEMENTSOF(tables)];
        r = fields_decode(table, object, &m, &err);
        require_error(r, err);
        if (r == 0)
                roundtrip(table, &m);
        fields_release(table, &m);
        json_object_put(object);
        return 0;
}
