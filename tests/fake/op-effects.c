/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an operation does to its instance, and what the faults make of it. */

#include "op-effects.h"
#include "fake.h"

#define LIED_DELETE_MS 4800 /* as measured on a real daemon */

static void fail(struct operation *op, const char *text)
{
        if (!op->error)
                op->error = must(strdup(text));
}

static void fail_as(struct operation *op, const struct fault *f, const char *by_default)
{
        fail(op, f->text[0] ? f->text : by_default);
}

/* A clean stop that the instance does not heed: it runs into its timeout. */
static int64_t stop_unheeded(struct operation *op, const struct fault *f, int64_t ns)
{
        if (op->force)
                return ns;
        if (op->timeout_ns < 0) {
                op->held_by = f ? f->id : UINT32_MAX;
                return ns;
        }
        fail(op, "Failed shutting down instance, status is \"Running\": context deadline exceeded");
        return op->timeout_ns;
}

/* What fault @f makes of @op, which would take @ns; returns how long it takes then. */
static int64_t apply(struct operation *op, struct fake *fake, const struct fault *f, int64_t ns)
{
        switch ((int)f->kind) {
        case FAULT_OP_SLOW: return ns + fault_ns(f, 1000);
        case FAULT_OP_FAIL:
                fail_as(op, f, "Injected failure");
                op->fail_done = f->effect;
                break;
        case FAULT_OP_STUCK:
        case FAULT_IMAGE_LOCKED: op->held_by = f->id; break;
        case FAULT_OP_VANISH:
                op->vanish = true;
                op->no_effect = !f->effect;
                break;
        case FAULT_POOL_FULL:
                fail_as(op, f,
                        "Failed creating instance from image: Unable to unpack image, run "
                        "out of disk space");
                break;
        case FAULT_BUSY_LOCK:
                fail_as(op, f, "Instance is busy running a \"stop\" operation");
                break;
        case FAULT_BUSY_MOUNT:
                fail_as(op, f,
                        "Error deleting storage volume: unlinkat /var/lib/lxd/storage-pools/"
                        "default/containers/rootfs: device or resource busy");
                break;
        case FAULT_STOP_IGNORED: return stop_unheeded(op, f, ns);
        case FAULT_DELETE_LIED: op->lie = true; break;
        case FAULT_DELETE_KEPT: op->keep = true; break;
        case FAULT_FD_LEAK: fake_leak_fds(fake, fault_bytes(f, 1)); break;
        case FAULT_GOROUTINE_LEAK: fake->goroutines_leaked += fault_bytes(f, 1); break;
        default: break;
        }
        return ns;
}

static bool on_instance(struct fake *f, enum fault_kind kind, const struct operation *op)
{
        return faults_on_instance(&f->faults, kind, op->name);
}

/* A stuck monitor or a frozen cgroup, of the operation's instance. */
static int64_t apply_instance_faults(struct operation *op, struct fake *f, int64_t ns)
{
        if (op->kind == OP_EXEC && on_instance(f, FAULT_FROZEN, op)) {
                op->held_by = UINT32_MAX; /* until its instance is stopped */
        } else if (op->kind == OP_STOP && !op->force && on_instance(f, FAULT_FROZEN, op)) {
                ns = stop_unheeded(op, NULL, ns);
        } else if (op->kind == OP_STOP && on_instance(f, FAULT_MONITOR_STUCK, op)) {
                fail(op, "The instance is already stopped");
        } else if (op->kind == OP_DELETE && on_instance(f, FAULT_MONITOR_STUCK, op)) {
                op->lie = true;
                ns = LIED_DELETE_MS * NSEC_PER_MSEC;
        }
        return ns;
}

int64_t op_apply_faults(struct operation *op, struct fake *f, int64_t ns)
{
        struct fault_subject s = {.kind = op_infos[op->kind].name, .instance = op->name};

        if (list_empty(&f->faults.list))
                return ns;
        for (struct fault *fault = NULL;
             (fault = faults_next(&f->faults, FAULT_OPERATION, fault, &s));)
                ns = apply(op, f, fault, ns);
        return apply_instance_faults(op, f, ns);
}

/* A stopped instance ends what ran in it: execs as killed, a clean stop as failed. */
static void end_others(struct instance *i, struct fake *f)
{
        while (!list_empty(&i->execs)) {
                struct operation *op = list_first(&i->execs, struct operation, exec_link);

                list_remove(&op->exec_link);
                if (op->kind == OP_EXEC)
                        op->return_code = 137;
                else
                        fail(op, "Failed shutting down instance, status is \"Stopped\"");
                operation_finish(op, &f->operations);
        }
}

static void record_output(struct operation *op, struct fake *f)
{
        struct exec_log *log;
        char id[OP_ID_SIZE];

        if (!op->logged)
                return;
        operation_id(&f->operations, op, id);
        log = instance_add_log(op->instance, id);
        for (int i = 0; i < 2; i++) {
                log->stream[i] = op->stream[i];
                op->stream[i] = (struct buf){0};
        }
}

static void finish_delete(struct operation *op, struct fake *f)
{
        struct instance *i = op->instance;

        if (op->keep)
                return;
        if (op->lie)
                fake_add_ghost(f, op->name);
        end_others(i, f); /* a lying delete may find execs */
        op->instance = NULL;
        instances_remove(&f->instances, i);
}

static void revert_create(struct operation *op, struct fake *f)
{
        struct instance *i = op->instance;

        op->instance = NULL;
        instances_remove(&f->instances, i);
}

void op_take_effect(struct operation *op, struct fake *f)
{
        struct instance *i = op->instance;

        if (!i)
                return;
        list_remove(&op->exec_link); /* a displaced stop is not to end itself once more */
        if (op->error && !op->fail_done) {
                if (op->kind == OP_CREATE || op->kind == OP_COPY)
                        revert_create(op, f);
                return;
        }
        if (op->kind == OP_EXEC)
                record_output(op, f);
        if (op->no_effect) {
                if (op->kind == OP_CREATE || op->kind == OP_COPY)
                        revert_create(op, f);
                return;
        }
        switch (op->kind) {
        case OP_CREATE:
        case OP_COPY:
                if (op->start)
                        instance_set_status(i, INSTANCE_RUNNING);
                break;
        case OP_START:
        case OP_UNFREEZE: instance_set_status(i, INSTANCE_RUNNING); break;
        case OP_STOP:
                instance_set_status(i, INSTANCE_STOPPED);
                end_others(i, f);
                if (i->ephemeral)
                        finish_delete(op, f);
                break;
        case OP_RESTART:
                instance_set_status(i, INSTANCE_STOPPED);
                end_others(i, f);
                instance_set_status(i, INSTANCE_RUNNING);
                break;
        case OP_FREEZE: instance_set_status(i, INSTANCE_FROZEN); break;
        case OP_DELETE: finish_delete(op, f); break;
        default: break;
        }
}
