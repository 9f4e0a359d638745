/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands in an instance, and the files their output is recorded in. */

#include "api.h"
#include "commands.h"

void api_exec_post(struct call *c)
{
        struct fake *f = c->fake;
        struct instance *i = call_instance(c);
        struct command_result r = {0};
        struct operation *op;
        int e;

        if (!i)
                return;
        if (i->status != INSTANCE_RUNNING ||
            faults_on_instance(&f->faults, FAULT_MONITOR_STUCK, i->name)) {
                call_error(c, 400,
                           i->status == INSTANCE_FROZEN ? "Instance is frozen"
                                                        : "Instance is not running");
                return;
        }
        if (body_bool(c, "wait-for-websocket")) {
                call_error(c, 501, "the fake has no websockets");
                return;
        }
        e = command_run(body_object(c, "command"), i->name, f->options.issue, &r);
        op = e == -EINVAL ? NULL : operation_new(&f->operations, OP_EXEC, i, c->project, i->name);
        if (!op) {
                buf_deinit(&r.out);
                buf_deinit(&r.err);
                call_error(c, e == -EINVAL ? 400 : 500,
                           e == -EINVAL ? "Invalid command" : "Too many operations");
                return;
        }
        op->has_return = true;
        op->logged = body_bool(c, "record-output");
        op->stream[0] = r.out;
        op->stream[1] = r.err;
        op->return_code = e < 0 ? 127 : r.code;
        if (e < 0) {
                op->fail_done = true; /* its empty output is recorded all the same */
                op->error = must(strdup("Command not found"));
        }
        operation_start(op, &f->operations, r.takes_ns);
        call_operation(c, op);
}

static const char lxc_log[] = "lxc fake 20260101000000.000 ERROR    start - nothing to see here\n";

/* The file's log and stream (0 or 1), from "exec_UUID.stdout". */
static struct exec_log *find_log(struct instance *i, const char *file, int *ret_stream)
{
        struct exec_log *log;
        char id[OP_ID_SIZE];

        if (strncmp(file, "exec_", 5) != 0 || strlen(file) != 5 + OP_ID_SIZE - 1 + 7)
                return NULL;
        memcpy(id, file + 5, OP_ID_SIZE - 1);
        id[OP_ID_SIZE - 1] = 0;
        file += 5 + OP_ID_SIZE - 1;
        if (strcmp(file, ".stdout") != 0 && strcmp(file, ".stderr") != 0)
                return NULL;
        *ret_stream = strcmp(file, ".stderr") == 0;
        log = instance_find_log(i, id);
        return log && log->present[*ret_stream] ? log : NULL;
}

static void send_file(struct call *c, const char *file)
{
        struct instance *i = call_instance(c);
        struct exec_log *log;
        int stream;

        if (!i)
                return;
        if (strcmp(file, "lxc.log") == 0) {
                call_raw(c, "application/octet-stream", lxc_log, sizeof(lxc_log) - 1);
                return;
        }
        log = find_log(i, file, &stream);
        if (!log)
                call_errorf(c, 404, "not found");
        else
                call_raw(c, "application/octet-stream", log->stream[stream].data,
                         log->stream[stream].len);
}

static void delete_file(struct call *c, const char *file)
{
        struct instance *i = call_instance(c);
        struct exec_log *log;
        int stream;

        if (!i)
                return;
        log = find_log(i, file, &stream);
        if (!log) {
                call_error(c, 404, "not found");
                return;
        }
        log->present[stream] = false;
        if (!log->present[!stream])
                instance_drop_log(log);
        call_sync(c, NULL, 0);
}

/* Recorded output lies in logs/ or in logs/exec-output/, as the dialect has it. */
static bool exec_dir_is(struct call *c, const char *dir)
{
        if (strcmp(c->fake->dialect->exec_log_dir, dir) == 0)
                return true;
        call_error(c, 404, "not found");
        return false;
}

void api_log_get(struct call *c)
{
        if (strcmp(c->args[1], "lxc.log") == 0 || exec_dir_is(c, ""))
                send_file(c, c->args[1]);
}

void api_log_delete(struct call *c)
{
        if (exec_dir_is(c, ""))
                delete_file(c, c->args[1]);
}

void api_exec_log_get(struct call *c)
{
        if (exec_dir_is(c, "exec-output/"))
                send_file(c, c->args[1]);
}

void api_exec_log_delete(struct call *c)
{
        if (exec_dir_is(c, "exec-output/"))
                delete_file(c, c->args[1]);
}

void api_logs_get(struct call *c)
{
        struct instance *i = call_instance(c);
        static const char *const streams[] = {"stdout", "stderr"};
        struct buf *b;

        if (!i)
                return;
        b = call_scratch(c);
        buf_printf(b, "[\"/1.0/instances/%s/logs/lxc.log\"", i->name);
        list_foreach(l, &i->logs)
        {
                struct exec_log *log = container_of(l, struct exec_log, link);

                for (int s = 0; s < 2; s++)
                        if (log->present[s])
                                buf_printf(b, ",\"/1.0/instances/%s/logs/%sexec_%s.%s\"", i->name,
                                           c->fake->dialect->exec_log_dir, log->id, streams[s]);
        }
        buf_add(b, "]", 1);
        call_sync(c, b->data, b->len);
}
