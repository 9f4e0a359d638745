/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reading half of HTTP/1.1: bytes to requests. */

#include <ctype.h>
#include <strings.h>

#include "http-parse.h"

struct head {
        size_t content_length;
        bool chunked;
};

static int copy_span(char *to, size_t size, const char *from, size_t n)
{
        if (n >= size)
                return -EMSGSIZE;
        memcpy(to, from, n);
        to[n] = 0;
        return 0;
}

static int parse_request_line(struct http_request *r, const char *line, const char *end)
{
        const char *target = memchr(line, ' ', (size_t)(end - line)), *version, *query;
        int e;

        if (!target)
                return -EBADMSG;
        version = memchr(target + 1, ' ', (size_t)(end - target - 1));
        if (!version || end - version != 9 || strncmp(version + 1, "HTTP/1.", 7) != 0)
                return -EBADMSG;
        r->keep_alive = version[8] == '1';
        e = copy_span(r->method, sizeof(r->method), line, (size_t)(target - line));
        if (e < 0)
                return -EBADMSG;
        target++;
        if (*target != '/')
                return -EBADMSG;
        query = memchr(target, '?', (size_t)(version - target));
        r->query[0] = 0;
        if (query) {
                e = copy_span(r->query, sizeof(r->query), query + 1, (size_t)(version - query - 1));
                if (e < 0)
                        return e;
        }
        return copy_span(r->target, sizeof(r->target), target,
                         (size_t)((query ? query : version) - target));
}

static bool header_is(const char *line, const char *end, const char *name, const char **ret_value)
{
        size_t n = strlen(name);

        if ((size_t)(end - line) <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
                return false;
        for (line += n + 1; line < end && (*line == ' ' || *line == '\t'); line++)
                ;
        *ret_value = line;
        return true;
}

static int parse_length(const char *v, const char *end, size_t *ret)
{
        size_t n = 0;

        if (v == end)
                return -EBADMSG;
        for (; v < end && *v != ' '; v++) {
                if (!isdigit((unsigned char)*v))
                        return -EBADMSG;
                n = n * 10 + (size_t)(*v - '0');
                if (n > HTTP_MAX_BODY)
                        return -EMSGSIZE;
        }
        *ret = n;
        return 0;
}

static int parse_header(struct http_request *r, struct head *h, const char *line, const char *end)
{
        const char *v;

        if (header_is(line, end, "Content-Length", &v))
                return parse_length(v, end, &h->content_length);
        if (header_is(line, end, "Transfer-Encoding", &v)) {
                if (end - v < 7 || strncasecmp(v, "chunked", 7) != 0)
                        return -EBADMSG;
                h->chunked = true;
        } else if (header_is(line, end, "Connection", &v)) {
                if (end - v >= 5 && strncasecmp(v, "close", 5) == 0)
                        r->keep_alive = false;
                else if (end - v >= 10 && strncasecmp(v, "keep-alive", 10) == 0)
                        r->keep_alive = true;
        } else if (header_is(line, end, "Expect", &v)) {
                r->expect_continue = true;
        } else if (header_is(line, end, "If-Match", &v)) {
                return copy_span(r->if_match, sizeof(r->if_match), v, (size_t)(end - v));
        }
        return 0;
}

/* One chunk's size line at @p; returns its length in bytes with the CRLF, or an error. */
static int chunk_line(const char *p, size_t n, size_t *ret_size)
{
        const char *nl = memchr(p, '\n', n < 20 ? n : 20);
        size_t size = 0;
        const char *q;

        if (!nl)
                return n < 20 ? -EAGAIN : -EBADMSG;
        for (q = p; isxdigit((unsigned char)*q); q++) {
                size = size * 16 +
                       (size_t)(isdigit((unsigned char)*q) ? *q - '0' : (*q | 0x20) - 'a' + 10);
                if (size > HTTP_MAX_BODY)
                        return -EMSGSIZE;
        }
        if (q == p)
                return -EBADMSG;
        *ret_size = size;
        return (int)(nl - p + 1);
}

/* Walks a chunked body, moving it together when @move; the body's size and the bytes used. */
static int walk_chunks(char *p, size_t n, bool move, size_t *ret_size, size_t *ret_used)
{
        size_t used = 0, total = 0;

        for (;;) {
                size_t size;
                int k = chunk_line(p + used, n - used, &size);

                if (k < 0)
                        return k;
                used += (size_t)k;
                if (n - used < size + 2)
                        return -EAGAIN;
                if (p[used + size] != '\r' || p[used + size + 1] != '\n')
                        return -EBADMSG;
                if (move)
                        memmove(p + total, p + used, size);
                used += size + 2;
                total += size;
                if (total > HTTP_MAX_BODY)
                        return -EMSGSIZE;
                if (size == 0)
                        break;
        }
        *ret_size = total;
        *ret_used = used;
        return 0;
}

int http_parse(struct http_request *r, char *data, size_t n, size_t *ret_used)
{
        const char *head_end = memmem(data, n < HTTP_MAX_HEAD ? n : HTTP_MAX_HEAD, "\r\n\r\n", 4);
        struct head h = {0};
        const char *line = data;
        size_t head, used;
        int e;

        if (!head_end)
                return n >= HTTP_MAX_HEAD ? -EMSGSIZE : -EAGAIN;
        head = (size_t)(head_end - data) + 4;
        r->if_match[0] = 0;
        r->expect_continue = false;
        for (bool first = true; line < head_end + 2; first = false) {
                const char *end = memmem(line, (size_t)(head_end + 2 - line), "\r\n", 2);

                if (!end)
                        return -EBADMSG;
                e = first ? parse_request_line(r, line, end) : parse_header(r, &h, line, end);
                if (e < 0)
                        return e;
                line = end + 2;
        }
        r->body = data + head;
        if (!h.chunked) {
                if (n - head < h.content_length)
                        return -EAGAIN;
                r->body_size = h.content_length;
                *ret_used = head + h.content_length;
                return 0;
        }
        e = walk_chunks(r->body, n - head, false, &r->body_size, &used);
        if (e < 0)
                return e;
        e = walk_chunks(r->body, n - head, true, &r->body_size, &used);
        if (e < 0)
                return e;
        *ret_used = head + used;
        return 0;
}

int http_unescape(char *s)
{
        char *to = s;

        for (; *s; s++) {
                char hex[3] = {0}, *end;
                long v;

                if (*s != '%') {
                        *to++ = *s;
                        continue;
                }
                if (!isxdigit((unsigned char)s[1]) || !isxdigit((unsigned char)s[2]))
                        return -EBADMSG;
                memcpy(hex, s + 1, 2);
                v = strtol(hex, &end, 16);
                if (v == 0)
                        return -EBADMSG;
                *to++ = (char)v;
                s += 2;
        }
        *to = 0;
        return 0;
}

int http_query(const char *query, const char *key, char *ret, size_t size)
{
        size_t k = strlen(key);

        for (const char *p = query; *p;) {
                size_t n = strcspn(p, "&");

                if (n > k && p[k] == '=' && strncmp(p, key, k) == 0) {
                        if (n - k - 1 >= size)
                                return -EMSGSIZE;
                        memcpy(ret, p + k + 1, n - k - 1);
                        ret[n - k - 1] = 0;
                        return http_unescape(ret);
                }
                p += n;
                if (*p)
                        p++;
        }
        return -ENOENT;
}
