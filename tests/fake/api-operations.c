/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The operations in the API: their list, one of them, and the wait, in three dialects. */

#include "api.h"

static int64_t wait_limit_ns(const char *text)
{
        long long s = atoll(text);

        return s < 0 ? -1 : (s > 86400 ? 86400 : s) * NSEC_PER_SEC;
}

void operation_render(const struct operations *os, const struct operation *op, struct buf *b)
{
        char id[OP_ID_SIZE];

        operation_id(os, op, id);
        buf_printf(b,
                   "{\"id\":\"%s\",\"class\":\"task\",\"description\":\"%s\",\"created_at\":", id,
                   op_infos[op->kind].text);
        buf_json_time(b, op->created_ns);
        buf_puts(b, ",\"updated_at\":"); /* not set when it ends: it stays what it was */
        buf_json_time(b, op->created_ns);
        buf_printf(b, ",\"status\":\"%s\",\"status_code\":%d,\"resources\":{",
                   status_text((int)op->status), (int)op->status);
        if (os->fake->dialect->containers_resource)
                buf_printf(b, "\"containers\":[\"/1.0/containers/%s\"],", op->name);
        buf_printf(b, "\"instances\":[\"/1.0/instances/%s\"]},\"metadata\":", op->name);
        if (op->has_return && op->status != OP_RUNNING) {
                const char *dir = os->fake->dialect->exec_log_dir;

                buf_printf(b,
                           "{\"output\":{\"1\":\"/1.0/instances/%s/logs/%sexec_%s.stdout\","
                           "\"2\":\"/1.0/instances/%s/logs/%sexec_%s.stderr\"},\"return\":%d}",
                           op->name, dir, id, op->name, dir, id, op->return_code);
        } else {
                buf_puts(b, "null");
        }
        buf_puts(b, ",\"may_cancel\":false,\"err\":");
        buf_json_string(b, op->status == OP_FAILURE ? op->error : "");
        buf_puts(b, ",\"location\":\"none\"}");
}

static bool in_project(struct call *c, const struct operation *op)
{
        char value[16];

        if (http_query(c->conn->request.query, "all-projects", value, sizeof(value)) == 0 &&
            (strcmp(value, "true") == 0 || strcmp(value, "1") == 0))
                return true;
        return op->project == c->project;
}

/* One status' operations as a member of the map, nothing when there are none. */
static void render_group(struct call *c, struct list *list, enum op_status status, struct buf *b)
{
        struct operations *os = &c->fake->operations;
        const char *separator = NULL;

        list_foreach(i, list)
        {
                struct operation *op = container_of(i, struct operation, link);
                char id[OP_ID_SIZE];

                if (op->status != status || !in_project(c, op))
                        continue;
                if (!separator) {
                        if (b->len > 1)
                                buf_add(b, ",", 1);
                        buf_printf(b, "\"%s\":[",
                                   status == OP_RUNNING   ? "running"
                                   : status == OP_SUCCESS ? "success"
                                                          : "failure");
                }
                buf_puts(b, separator ? separator : "");
                separator = ",";
                if (c->recursion > 0) {
                        operation_render(os, op, b);
                } else {
                        operation_id(os, op, id);
                        buf_printf(b, "\"/1.0/operations/%s\"", id);
                }
        }
        if (separator)
                buf_add(b, "]", 1);
}

void api_operations_get(struct call *c)
{
        struct operations *os = &c->fake->operations;
        struct buf *b = call_scratch(c);

        buf_add(b, "{", 1);
        render_group(c, &os->running, OP_RUNNING, b);
        render_group(c, &os->kept, OP_SUCCESS, b);
        render_group(c, &os->kept, OP_FAILURE, b);
        buf_add(b, "}", 1);
        call_sync(c, b->data, b->len);
}

static struct operation *find(struct call *c)
{
        struct operation *op = operations_find(&c->fake->operations, c->args[0]);

        if (!op)
                call_error(c, 404, "Operation not found");
        return op;
}

static void answer_operation(struct call *c, const struct operation *op)
{
        struct buf *b = call_scratch(c);

        operation_render(&c->fake->operations, op, b);
        call_sync(c, b->data, b->len);
}

void api_operation_get(struct call *c)
{
        struct operation *op = find(c);

        if (op)
                answer_operation(c, op);
}

void api_operation_delete(struct call *c)
{
        if (find(c))
                call_error(c, 400, "This operation can't be cancelled");
}

/* What the wait answers when the operation has ended, or @timed_out. */
static void answer_wait(struct call *c, const struct operation *op, bool timed_out)
{
        if (c->fake->dialect->wait == WAIT_OPERATION)
                answer_operation(c, op);
        else if (timed_out)
                call_error(c, 500, "context deadline exceeded");
        else if (op->status == OP_FAILURE)
                call_error(c, 500, op->error);
        else
                answer_operation(c, op);
}

static void unpark(struct call *c)
{
        timers_disarm(&c->fake->timers, &c->timer);
        list_remove(&c->waiter);
        c->waits_for = NULL;
}

void call_operation_ended(struct call *c, struct operation *op)
{
        unpark(c);
        answer_wait(c, op, false);
}

void call_operation_lost(struct call *c)
{
        unpark(c);
        call_error(c, 404, "Operation not found");
}

void call_wait(struct call *c, struct operation *op, int64_t timeout_ns)
{
        if (op->status != OP_RUNNING || timeout_ns == 0) {
                bool timed_out = op->status == OP_RUNNING;

                unpark(c);
                answer_wait(c, op, timed_out);
                return;
        }
        c->waits_for = op;
        list_append(&op->waiters, &c->waiter);
        if (timeout_ns > 0)
                timers_arm(&c->fake->timers, &c->timer, now_ns() + timeout_ns);
}

void api_operation_wait(struct call *c)
{
        struct operation *op = find(c);
        int64_t timeout_ns = -1;
        char value[32];

        if (!op)
                return;
        if (http_query(c->conn->request.query, "timeout", value, sizeof(value)) == 0)
                timeout_ns = wait_limit_ns(value);
        if (c->fake->dialect->wait_early_head)
                http_answer_head(c->conn);
        call_wait(c, op, timeout_ns);
}

void api_testing_wait_post(struct call *c)
{
        struct fake *f = c->fake;
        struct operation *op;
        const char *text = body_string(c, "duration");
        int64_t ns = 0;

        if (!f->dialect->testing_wait) {
                call_error(c, 404, "not found");
                return;
        }
        if (!text || duration_parse(text, &ns) < 0) {
                call_error(c, 400, "Invalid duration");
                return;
        }
        op = operation_new(&f->operations, OP_WAIT, NULL, c->project, "");
        if (!op) {
                call_error(c, 500, "Too many operations");
                return;
        }
        operation_start(op, &f->operations, ns);
        call_operation(c, op);
}
