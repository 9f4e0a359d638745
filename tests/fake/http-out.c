/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The answering half of the HTTP server: heads, bodies, and the ways to spoil them.
 * Bodies above 2 KiB go out chunked, as Go's server does when nobody told it the length.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include "http-out.h"

#define CHUNK_ABOVE 2048
#define OUT_KEEP    (64 * 1024)
#define PAD_BLOCK   (64 * 1024)

static const char pad_begin[] = "{\"type\":\"sync\",\"status\":\"Success\",\"status_code\":200,"
                                "\"metadata\":\"";
static const char pad_end[] = "\"}\n";

static const struct {
        int status;
        const char *text;
} reasons[] = {
        {200, "OK"},
        {202, "Accepted"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Request Entity Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
};

static const char *reason(int status)
{
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
                if (reasons[i].status == status)
                        return reasons[i].text;
        return "Status";
}

/* The Date header's value, made once a second. */
static const char *http_date(void)
{
        static char text[40];
        static time_t made;
        time_t t = time(NULL);

        if (t != made) {
                struct tm tm;

                gmtime_r(&t, &tm);
                strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
                made = t;
        }
        return text;
}

static void finish(struct http_conn *c)
{
        c->busy = false;
        c->started = false;
        if (c->wire.kind == HTTP_WIRE_CLOSE || !c->request.keep_alive) {
                c->closing = true;
                c->server->counters.closed_by_us++;
        }
}

/* Sends from the buffer, at most @limit bytes. 0, -EAGAIN, or another error. */
static int send_some(struct http_conn *c, size_t limit)
{
        while (c->out_pos < c->out.len && limit > 0) {
                size_t left = c->out.len - c->out_pos;
                ssize_t n = send(c->fd, c->out.data + c->out_pos, left < limit ? left : limit,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                c->out_pos += (size_t)n;
                c->server->counters.bytes_out += (uint64_t)n;
                limit -= (size_t)n;
        }
        return 0;
}

/* The next block of a giant body, once the one before is out. */
static void pad_refill(struct http_conn *c)
{
        size_t n = c->pad_left < PAD_BLOCK ? (size_t)c->pad_left : PAD_BLOCK;

        c->out.len = c->out_pos = 0;
        memset(buf_reserve(&c->out, n), 'x', n);
        c->out.len = n;
        c->pad_left -= n;
        if (c->pad_left == 0)
                buf_puts(&c->out, pad_end);
}

void http_conn_flush(struct http_conn *c)
{
        int r;

        if (c->dead || c->wire_timer.index)
                return;
        for (;;) {
                r = send_some(c, SIZE_MAX);
                if (r == -EAGAIN) {
                        http_conn_watch(c, EPOLLIN | EPOLLOUT);
                        return;
                }
                if (r < 0) {
                        http_conn_close(c);
                        return;
                }
                if (c->pad_left == 0)
                        break;
                pad_refill(c);
        }
        buf_reset(&c->out, OUT_KEEP);
        c->out_pos = 0;
        if (c->closing && !c->busy) {
                http_conn_close(c);
                return;
        }
        http_conn_watch(c, EPOLLIN);
        http_conn_process(c);
}

void http_conn_trickle(struct timer *t, int64_t now)
{
        struct http_conn *c = container_of(t, struct http_conn, wire_timer);
        int r = send_some(c, c->wire.bytes ? (size_t)c->wire.bytes : 1);

        if (r < 0 && r != -EAGAIN) {
                http_conn_close(c);
                return;
        }
        if (c->out_pos < c->out.len) {
                timers_arm(c->server->timers, t, now + c->wire.gap_ns);
                return;
        }
        finish(c);
        http_conn_flush(c);
}

static void put_head(struct http_conn *c, const struct http_answer *a, bool chunked, uint64_t size)
{
        buf_printf(&c->out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sDate: %s\r\n", a->status,
                   reason(a->status), a->type ? a->type : "application/json",
                   a->extra ? a->extra : "", http_date());
        if (!c->request.keep_alive)
                buf_puts(&c->out, "Connection: close\r\n");
        if (chunked)
                buf_puts(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
        else
                buf_printf(&c->out, "Content-Length: %llu\r\n\r\n", (unsigned long long)size);
}

static void put_body(struct http_conn *c, const char *body, size_t size, bool chunked)
{
        if (!chunked) {
                buf_add(&c->out, body, size);
                return;
        }
        if (size > 0) {
                buf_printf(&c->out, "%zx\r\n", size);
                buf_add(&c->out, body, size);
                buf_puts(&c->out, "\r\n");
        }
        buf_puts(&c->out, "0\r\n\r\n");
}

static void put_giant(struct http_conn *c, const struct http_answer *a)
{
        uint64_t size = c->wire.bytes + sizeof(pad_begin) - 1 + sizeof(pad_end) - 1;

        if (!c->started)
                put_head(c, a, false, size);
        else
                buf_printf(&c->out, "%llx\r\n", (unsigned long long)size);
        buf_puts(&c->out, pad_begin);
        c->pad_left = c->wire.bytes;
        c->closing = c->closing || c->started; /* its chunk is never ended */
}

void http_answer(struct http_conn *c, const struct http_answer *a)
{
        bool chunked = c->started || a->size > CHUNK_ABOVE;
        size_t before = c->out.len, size = a->size;

        if (c->dead || !c->busy)
                return;
        if (c->wire.kind == HTTP_WIRE_SILENT)
                return; /* stays busy until the client gives up */
        c->server->counters.statuses[a->status / 100 % 6]++;
        if (c->wire.kind == HTTP_WIRE_GIANT) {
                put_giant(c, a);
        } else {
                if (c->wire.kind == HTTP_WIRE_MALFORMED)
                        size = size / 2;
                if (!c->started)
                        put_head(c, a, chunked, size);
                put_body(c, a->body, size, chunked);
        }
        if (c->wire.kind == HTTP_WIRE_CLOSE) {
                size_t all = c->out.len - before;
                uint64_t keep = c->wire.bytes == HTTP_WIRE_MOST ? all - all / 4 : c->wire.bytes;

                c->out.len = before + (keep < all ? (size_t)keep : all);
        }
        if (c->wire.kind == HTTP_WIRE_TRICKLE) {
                timers_arm(c->server->timers, &c->wire_timer, now_ns() + c->wire.gap_ns);
                return;
        }
        finish(c);
        http_conn_flush(c);
}

void http_answer_head(struct http_conn *c)
{
        struct http_answer a = {.status = 200};

        if (c->dead || c->wire.kind != HTTP_WIRE_PLAIN)
                return;
        put_head(c, &a, true, 0);
        c->started = true;
        http_conn_flush(c);
}
