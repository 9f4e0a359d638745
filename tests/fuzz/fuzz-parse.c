/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers, sizes and durations, and text that has to become harmless. */

#include "base/parse.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void numbers(const char *s)
{
        char buf[64];
        int64_t v;
        bool b;

        if (parse_i64(s, -1000, 1000, &v) == 0)
                require(v >= -1000 && v <= 1000 && v == strtoll(s, NULL, 10));
        if (parse_size(s, 1, INT64_MAX, &v) == 0)
                require(v >= 1 && format_size(v, buf, sizeof(buf))[0]);
        if (parse_duration(s, 0, INT64_MAX, &v) == 0)
                require(v >= 0 && format_duration(v, buf, sizeof(buf))[0]);
        if (parse_bool(s, &b) == 0)
                require(strlen(s) <= 5);
}

static void text(const uint8_t *data, size_t size)
{
        char *copy = malloc(size + 1), small[8];
        size_t n = utf8_copy(copy, size + 1, (const char *)data, size);

        require(n <= size && copy[n] == '\0' && utf8_valid(copy, n));
        if (utf8_valid((const char *)data, size) && !memchr(data, 0, size))
                require(n == size && memcmp(copy, data, size) == 0);
        require(utf8_copy(small, sizeof(small), (const char *)data, size) < sizeof(small));
        require(utf8_valid(small, strlen(small)));
        text_printable(copy, small, sizeof(small));
        require(utf8_valid(small, strlen(small)));
        for (char *p = small; *p; p++)
                require((unsigned char)*p >= ' ' && *p != 0x7f);
        text_trim(copy);
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *s = fuzz_string(data, size);

        numbers(s);
        text(data, size);
        free(s);
        return 0;
}
