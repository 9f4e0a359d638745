/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A growing byte buffer and the few ways to put JSON into it. It knows nothing
 * of sockets and sets no limit; who fills it bounds what goes in.
 */

#include "util.h"

struct buf {
        char *data;
        size_t len, cap;
};

void buf_deinit(struct buf *b);

/* Makes room for @n more bytes and returns where they go; buf.len is not moved. */
char *buf_reserve(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *data, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *format, ...) _printf_(2, 3);

/* Appends @n bytes of @s as a JSON string, quoted and escaped. */
void buf_json_bytes(struct buf *b, const char *s, size_t n);
void buf_json_string(struct buf *b, const char *s);

/* Appends @o as JSON without white space; NULL is `null`. */
void buf_json(struct buf *b, json_object *o);

/* Appends @realtime_ns as Go writes a time in UTC, quoted. */
void buf_json_time(struct buf *b, int64_t realtime_ns);

/* Drops the first @n bytes. */
void buf_consume(struct buf *b, size_t n);

/* Empties the buffer, and gives the memory back when it holds more than @keep bytes. */
void buf_reset(struct buf *b, size_t keep);
