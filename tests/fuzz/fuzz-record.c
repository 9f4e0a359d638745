/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records: the input is a JSON array. What is accepted is the same after another turn. */

#include "proto/record.h"
#include "tests/fuzz/fuzz.h"

static void roundtrip(const struct record *a)
{
        static struct record b;
        json_object *first = record_encode(a), *second;

        require(first);
        require(record_decode(first, &b, NULL) == 0);
        second = record_encode(&b);
        require(second);
        require(strcmp(json_object_to_json_string(first), json_object_to_json_string(second)) == 0);
        json_object_put(first);
        json_object_put(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        json_tokener *tok = json_tokener_new();
        struct error err = ERROR_INIT;
        static struct record record;
        json_object *row;

        require(tok);
        row = json_tokener_parse_ex(tok, (const char *)data, (int)size);
        if (row) {
                int r = record_decode(row, &record, &err);

                require_error(r, err);
                if (r == 0)
                        roundtrip(&record);
        }
        json_object_put(row);
        json_tokener_free(tok);
        return 0;
}
