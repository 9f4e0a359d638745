/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes over the network: the first 44 bytes as a header, the rest as a body. */

#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static void header(const uint8_t *data, size_t size)
{
        struct wire_header h, again;
        struct error err = ERROR_INIT;
        uint8_t buf[WIRE_HEADER_SIZE];
        int r = wire_header_decode(data, size, &h, &err);

        require_error(r, err);
        if (r < 0)
                return;
        require(strlen(h.run) <= WIRE_RUN_SIZE);
        wire_header_encode(&h, buf);
        require(memcmp(buf, data, sizeof(buf)) == 0);
        require(wire_header_decode(buf, sizeof(buf), &again, NULL) == 0);
}

static void body(const uint8_t *data, size_t size)
{
        json_object *object = NULL, *again = NULL;
        struct error err = ERROR_INIT;
        const char *text;
        int r = wire_body_parse(data, size, &object, &err);

        require_error(r, err);
        require((r == 0) == (object != NULL));
        if (r < 0)
                return;
        /* what was taken can be sent on */
        text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
        r = wire_body_parse(text, strlen(text), &again, NULL);
        require(r == 0);
        json_object_put(again);
        json_object_put(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t n = MIN(size, (size_t)WIRE_HEADER_SIZE);

        header(data, n);
        header(data, size);
        body(data + n, size - n);
        body(data, size);
        return 0;
}
