/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A growing byte buffer and the few ways to put JSON into it. */

#include <stdarg.h>

#include "buf.h"

void buf_deinit(struct buf *b)
{
        free(b->data);
        *b = (struct buf){0};
}

char *buf_reserve(struct buf *b, size_t n)
{
        if (b->cap - b->len < n) {
                size_t cap = b->cap ? b->cap : 512;

                while (cap - b->len < n)
                        cap *= 2;
                b->data = must(realloc(b->data, cap));
                b->cap = cap;
        }
        return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
        if (n == 0)
                return;
        memcpy(buf_reserve(b, n), data, n);
        b->len += n;
}

void buf_puts(struct buf *b, const char *s)
{
        buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...)
{
        va_list ap;
        int n;

        buf_reserve(b, 160);
        va_start(ap, format);
        n = vsnprintf(b->data + b->len, b->cap - b->len, format, ap);
        va_end(ap);
        if (n < 0)
                return;
        if ((size_t)n >= b->cap - b->len) {
                buf_reserve(b, (size_t)n + 1);
                va_start(ap, format);
                n = vsnprintf(b->data + b->len, b->cap - b->len, format, ap);
                va_end(ap);
        }
        b->len += (size_t)n;
}

void buf_json_bytes(struct buf *b, const char *s, size_t n)
{
        char *p = buf_reserve(b, 6 * n + 2), *begin = p;

        *p++ = '"';
        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)s[i];

                if (c == '"' || c == '\\') {
                        *p++ = '\\';
                        *p++ = (char)c;
                } else if (c == '\n') {
                        *p++ = '\\';
                        *p++ = 'n';
                } else if (c < 0x20) {
                        p += sprintf(p, "\\u%04x", c);
                } else {
                        *p++ = (char)c;
                }
        }
        *p++ = '"';
        b->len += (size_t)(p - begin);
}

void buf_json_string(struct buf *b, const char *s)
{
        buf_json_bytes(b, s, strlen(s));
}

void buf_json(struct buf *b, json_object *o)
{
        size_t n;
        const char *s = json_object_to_json_string_length(
                o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

        buf_add(b, s, n);
}

void buf_json_time(struct buf *b, int64_t realtime)
{
        time_t seconds = (time_t)(realtime / NSEC_PER_SEC);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        buf_printf(b, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09dZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(realtime % NSEC_PER_SEC));
}

void buf_consume(struct buf *b, size_t n)
{
        memmove(b->data, b->data + n, b->len - n);
        b->len -= n;
}

void buf_reset(struct buf *b, size_t keep)
{
        if (b->cap > keep)
                buf_deinit(b);
        b->len = 0;
}
