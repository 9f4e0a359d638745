/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shapes of the API's answers, and what a request's body holds. */

#include <stdarg.h>

#include "api.h"

struct buf *call_scratch(struct call *c)
{
        buf_reset(&c->fake->scratch, 1 << 20);
        return &c->fake->scratch;
}

static void send_json(struct call *c, int status, const char *extra, struct buf *b)
{
        http_answer(c->conn,
                    &(struct http_answer){
                            .status = status, .extra = extra, .body = b->data, .size = b->len});
}

static void send_sync(struct call *c, const char *metadata, size_t size, const char *extra)
{
        struct buf *b = &c->fake->envelope;

        buf_reset(b, 1 << 20);
        buf_puts(b, "{\"type\":\"sync\",\"status\":\"Success\",\"status_code\":200,"
                    "\"operation\":\"\",\"error_code\":0,\"error\":\"\",\"metadata\":");
        if (metadata)
                buf_add(b, metadata, size);
        else
                buf_puts(b, "{}");
        buf_puts(b, "}\n");
        send_json(c, 200, extra, b);
}

void call_sync(struct call *c, const char *metadata, size_t size)
{
        send_sync(c, metadata, size, NULL);
}

void call_sync_etag(struct call *c, const char *metadata, size_t size, uint64_t etag)
{
        char extra[64];

        snprintf(extra, sizeof(extra), "ETag: \"%016llx\"\r\n", (unsigned long long)etag);
        send_sync(c, metadata, size, extra);
}

void call_error(struct call *c, int code, const char *text)
{
        _cleanup_(buf_deinit)
        struct buf b = {0};

        if (c->fake->dialect->short_errors) {
                buf_puts(&b, "{\"error\":");
                buf_json_string(&b, text);
                buf_printf(&b, ",\"error_code\":%d,\"type\":\"error\"}\n", code);
        } else {
                buf_printf(&b,
                           "{\"type\":\"error\",\"status\":\"\",\"status_code\":0,"
                           "\"operation\":\"\",\"error_code\":%d,\"error\":",
                           code);
                buf_json_string(&b, text);
                buf_puts(&b, ",\"metadata\":null}\n");
        }
        send_json(c, code, NULL, &b);
}

void call_errorf(struct call *c, int code, const char *format, ...)
{
        char text[400];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        call_error(c, code, text);
}

void call_raw(struct call *c, const char *type, const char *data, size_t size)
{
        http_answer(c->conn,
                    &(struct http_answer){.status = 200, .type = type, .body = data, .size = size});
}

void call_operation(struct call *c, struct operation *op)
{
        struct buf *b = call_scratch(c);
        char id[OP_ID_SIZE], extra[96];

        operation_id(&c->fake->operations, op, id);
        snprintf(extra, sizeof(extra), "Location: /1.0/operations/%s\r\n", id);
        buf_printf(b,
                   "{\"type\":\"async\",\"status\":\"Operation created\",\"status_code\":100,"
                   "\"operation\":\"/1.0/operations/%s\",\"error_code\":0,\"error\":\"\","
                   "\"metadata\":",
                   id);
        operation_render(&c->fake->operations, op, b);
        buf_puts(b, "}\n");
        send_json(c, 202, extra, b);
}

json_object *body_object(struct call *c, const char *key)
{
        json_object *o = NULL;

        if (json_object_is_type(c->body, json_type_object))
                json_object_object_get_ex(c->body, key, &o);
        return o;
}

const char *body_string(struct call *c, const char *key)
{
        json_object *o = body_object(c, key);

        return json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;
}

bool body_bool(struct call *c, const char *key)
{
        return json_object_get_boolean(body_object(c, key));
}

int64_t body_int(struct call *c, const char *key, int64_t by_default)
{
        json_object *o = body_object(c, key);

        return json_object_is_type(o, json_type_int) ? json_object_get_int64(o) : by_default;
}
