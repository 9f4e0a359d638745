/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An input that stands for several things: parts with a byte 0x1e between them. */

#include "tests/fuzz/fuzz.h"

#define FUZZ_SEPARATOR 0x1e

struct fuzz_parts {
        const uint8_t *data;
        size_t size;
};

/* Takes the next part off the input; false when there is none. */
static inline _unused_ bool fuzz_part(struct fuzz_parts *rest, const uint8_t **ret,
                                      size_t *ret_size)
{
        const uint8_t *end;

        if (!rest->data)
                return false;
        end = rest->size > 0 ? memchr(rest->data, FUZZ_SEPARATOR, rest->size) : NULL;
        *ret = rest->data;
        *ret_size = end ? (size_t)(end - rest->data) : rest->size;
        rest->data = end ? end + 1 : NULL;
        rest->size -= *ret_size + (end ? 1 : 0);
        return true;
}
