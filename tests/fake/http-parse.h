/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The reading half of HTTP/1.1: bytes to requests. Pure and bounded: no socket,
 * no allocation, sizes refused before they are believed.
 */

#include "util.h"

#define HTTP_MAX_HEAD   (16 * 1024)
#define HTTP_MAX_BODY   (1024 * 1024)
#define HTTP_MAX_TARGET 1024

struct http_request {
        char method[8];
        char target[HTTP_MAX_TARGET]; /* path only, still percent-encoded */
        char query[HTTP_MAX_TARGET];  /* after the `?`, "" when there is none */
        char if_match[72];
        char *body; /* points into the bytes given to the parser; not NUL-terminated */
        size_t body_size;
        bool keep_alive;
        bool expect_continue; /* set, with -EAGAIN, when the client waits for a 100 */
};

/*
 * Parses one request at the start of the @n bytes at @data. A chunked body is
 * decoded in place, which is done only once the request is complete.
 * 0 and the bytes it took in @ret_used; -EAGAIN when it is not complete yet;
 * -EBADMSG when it is no HTTP; -EMSGSIZE when it is more than the limits above.
 */
_warn_unused_ int http_parse(struct http_request *r, char *data, size_t n, size_t *ret_used);

/*
 * Finds @key in a query string and writes its decoded value to @ret (@size bytes).
 * 0, -ENOENT, or -EMSGSIZE.
 */
_warn_unused_ int http_query(const char *query, const char *key, char *ret, size_t size);

/* Decodes %XX in place. Returns -EBADMSG for a broken or a NUL escape. */
_warn_unused_ int http_unescape(char *s);
