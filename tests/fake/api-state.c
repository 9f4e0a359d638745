/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Start, stop, restart, freeze: an instance's state in the API. */

#include "api.h"

void api_state_get(struct call *c)
{
        struct instance *i = call_instance(c);
        struct buf *b;

        if (!i)
                return;
        b = call_scratch(c);
        instance_render_state(i, b);
        call_sync(c, b->data, b->len);
}

static const struct {
        const char *action;
        enum op_kind kind;
} actions[] = {{"start", OP_START},
               {"stop", OP_STOP},
               {"restart", OP_RESTART},
               {"freeze", OP_FREEZE},
               {"unfreeze", OP_UNFREEZE}};

/* Why the action cannot be done, or NULL. */
static const char *objection(const struct instance *i, enum op_kind kind, bool force, char *buffer,
                             size_t size)
{
        bool stopped = i->status == INSTANCE_STOPPED;

        if (i->lock && !(kind == OP_STOP && force && i->lock->kind == OP_STOP && !i->lock->force)) {
                snprintf(buffer, size, "Instance is busy running a \"%s\" operation",
                         op_infos[i->lock->kind].name);
                return buffer;
        }
        if (kind == OP_START && i->broken)
                return "Failed preparing container for start: Failed to run: lstat "
                       "/var/lib/lxd/containers/rootfs: no such file or directory";
        if (kind == OP_START && !stopped)
                return "The instance is already running";
        if ((kind == OP_STOP || kind == OP_FREEZE || kind == OP_UNFREEZE) && stopped)
                return kind == OP_STOP ? "The instance is already stopped"
                                       : "The instance isn't running";
        if (kind == OP_RESTART && stopped)
                return "The instance is already stopped";
        return NULL;
}

void api_state_put(struct call *c)
{
        struct fake *f = c->fake;
        struct instance *i = call_instance(c);
        const char *action = body_string(c, "action"), *why;
        bool force = body_bool(c, "force");
        int64_t timeout = body_int(c, "timeout", -1);
        struct operation *op;
        char text[100];
        int kind = -1;

        if (!i)
                return;
        for (size_t n = 0; action && n < ARRAY_SIZE(actions); n++)
                if (strcmp(actions[n].action, action) == 0)
                        kind = (int)actions[n].kind;
        if (kind < 0) {
                call_errorf(c, 400, "Unknown action %s", action ? action : "");
                return;
        }
        why = objection(i, (enum op_kind)kind, force, text, sizeof(text));
        op = operation_new(&f->operations, (enum op_kind)kind, why ? NULL : i, c->project, i->name);
        if (!op) {
                call_error(c, 500, "Too many operations");
                return;
        }
        op->force = force;
        op->timeout_ns = timeout < 0 || timeout > 86400 ? -1 : timeout * NSEC_PER_SEC;
        if (why)
                operation_start_failing(op, &f->operations, why);
        else
                operation_start(op, &f->operations, 0);
        call_operation(c, op);
}
