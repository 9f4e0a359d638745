/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The background operations: their life from the request to the day they vanish. */

#include "operations.h"
#include "op-effects.h"
#include "api.h"
#include "fake.h"

#define OPERATION_INFO(id, op_name, op_text, op_locks)                                             \
        {.name = op_name, .text = op_text, .locks = op_locks},
const struct op_info op_infos[OP_KINDS] = {OPERATIONS(OPERATION_INFO)};
#undef OPERATION_INFO

int op_kind_find(const char *name)
{
        for (int i = 0; i < OP_KINDS; i++)
                if (strcmp(op_infos[i].name, name) == 0)
                        return i;
        return -ENOENT;
}

static void sweep(struct timer *t, int64_t now);

void operations_init(struct operations *os, struct fake *fake, uint64_t seed, int64_t retention_ns)
{
        struct rng r = {seed ^ UINT64_C(0x6f7073)};

        *os = (struct operations){.fake = fake,
                                  .n_buckets = 1024,
                                  .mix = rng_next(&r),
                                  .retention_ns = retention_ns,
                                  .sweep.fn = sweep};
        os->buckets = must(calloc(os->n_buckets, sizeof(*os->buckets)));
        list_init(&os->running);
        list_init(&os->kept);
}

static void grow(struct operations *os)
{
        size_t n = os->n_buckets * 2;
        struct operation **buckets = must(calloc(n, sizeof(*buckets)));

        for (size_t i = 0; i < os->n_buckets; i++) {
                while (os->buckets[i]) {
                        struct operation *op = os->buckets[i];

                        os->buckets[i] = op->hash_next;
                        op->hash_next = buckets[op->serial % n];
                        buckets[op->serial % n] = op;
                }
        }
        free(os->buckets);
        os->buckets = buckets;
        os->n_buckets = n;
}

/* Lets go of the instance; it may then be removed. */
static void detach(struct operation *op)
{
        if (!op->instance)
                return;
        if (op->instance->lock == op)
                op->instance->lock = NULL;
        list_remove(&op->exec_link);
        op->instance = NULL;
}

static void operation_free(struct operations *os, struct operation *op)
{
        struct operation **p = &os->buckets[op->serial % os->n_buckets];

        while (*p != op)
                p = &(*p)->hash_next;
        *p = op->hash_next;
        os->n--;
        if (op->status == OP_RUNNING)
                os->n_running--;
        detach(op);
        timers_disarm(&os->fake->timers, &op->timer);
        list_remove(&op->link);
        while (!list_empty(&op->waiters))
                call_operation_lost(list_first(&op->waiters, struct call, waiter));
        buf_deinit(&op->stream[0]);
        buf_deinit(&op->stream[1]);
        free(op->error);
        free(op);
}

void operations_drop(struct operations *os)
{
        while (!list_empty(&os->running))
                operation_free(os, list_first(&os->running, struct operation, link));
        while (!list_empty(&os->kept))
                operation_free(os, list_first(&os->kept, struct operation, link));
        timers_disarm(&os->fake->timers, &os->sweep);
}

void operations_deinit(struct operations *os)
{
        operations_drop(os);
        free(os->buckets);
        os->buckets = NULL;
}

static void sweep(struct timer *t, int64_t now)
{
        struct operations *os = container_of(t, struct operations, sweep);

        while (!list_empty(&os->kept)) {
                struct operation *op = list_first(&os->kept, struct operation, link);

                if (op->finished_ns + os->retention_ns > now) {
                        timers_arm(&os->fake->timers, t, op->finished_ns + os->retention_ns);
                        return;
                }
                operation_free(os, op);
        }
}

static void timer_fired(struct timer *t, int64_t now)
{
        struct operation *op = container_of(t, struct operation, timer);

        (void)now;
        operation_finish(op, op->owner);
}

struct operation *operation_new(struct operations *os, enum op_kind kind, struct instance *instance,
                                const char *project, const char *name)
{
        struct operation *op;

        if (os->n >= OPERATIONS_MAX)
                return NULL;
        if (os->n >= os->n_buckets)
                grow(os);
        op = must(calloc(1, sizeof(*op)));
        op->owner = os;
        op->serial = ++os->last_serial;
        op->kind = kind;
        op->status = OP_RUNNING;
        op->instance = instance;
        op->project = project;
        op->created_ns = realtime_ns();
        op->timer.fn = timer_fired;
        snprintf(op->name, sizeof(op->name), "%s", name);
        list_init(&op->waiters);
        list_init(&op->exec_link);
        list_append(&os->running, &op->link);
        op->hash_next = os->buckets[op->serial % os->n_buckets];
        os->buckets[op->serial % os->n_buckets] = op;
        if (++os->n > os->n_max)
                os->n_max = os->n;
        if (++os->n_running > os->n_running_max)
                os->n_running_max = os->n_running;
        os->counters[kind].started++;
        if (instance && op_infos[kind].locks) {
                if (instance->lock) /* a forced stop takes it from a clean one */
                        list_append(&instance->execs, &instance->lock->exec_link);
                instance->lock = op;
        } else if (instance) {
                list_append(&instance->execs, &op->exec_link);
        }
        return op;
}

void operation_start(struct operation *op, struct operations *os, int64_t extra_ns)
{
        struct fake *f = os->fake;
        int64_t now = now_ns();
        int64_t ns = latency_draw(&f->options.latency[op->kind], &f->rng) + extra_ns;

        if (op->kind == OP_CREATE && f->dialect->image_locked_creates && f->options.image_lock) {
                int64_t begin = f->image_free_ns > now ? f->image_free_ns : now;

                f->image_free_ns = begin + ns;
                ns += begin - now;
        }
        ns = op_apply_faults(op, f, ns);
        op->hold_ns = ns;
        if (!op->held_by)
                timers_arm(&f->timers, &op->timer, now + ns);
}

void operation_start_failing(struct operation *op, struct operations *os, const char *error)
{
        op->error = must(strdup(error));
        timers_arm(&os->fake->timers, &op->timer, now_ns() + NSEC_PER_MSEC);
}

void operation_finish(struct operation *op, struct operations *os)
{
        struct op_counters *c = &os->counters[op->kind];

        timers_disarm(&os->fake->timers, &op->timer);
        op_take_effect(op, os->fake);
        if (op->vanish) {
                c->vanished++;
                operation_free(os, op);
                return;
        }
        op->status = op->error ? OP_FAILURE : OP_SUCCESS;
        *(op->error ? &c->failed : &c->succeeded) += 1;
        os->n_running--;
        detach(op);
        op->finished_ns = now_ns();
        buf_deinit(&op->stream[0]);
        buf_deinit(&op->stream[1]);
        list_remove(&op->link);
        list_append(&os->kept, &op->link);
        if (!os->sweep.index)
                timers_arm(&os->fake->timers, &os->sweep, op->finished_ns + os->retention_ns);
        while (!list_empty(&op->waiters))
                call_operation_ended(list_first(&op->waiters, struct call, waiter), op);
}

void operations_release(struct operations *os, unsigned fault_id)
{
        list_foreach(i, &os->running)
        {
                struct operation *op = container_of(i, struct operation, link);

                if (op->held_by != fault_id)
                        continue;
                op->held_by = 0;
                timers_arm(&os->fake->timers, &op->timer, now_ns() + op->hold_ns);
        }
}

/* The id is a version 4 UUID in form; its last 48 bits are the serial number. */
void operation_id(const struct operations *os, const struct operation *op, char ret[OP_ID_SIZE])
{
        struct rng r = {os->mix ^ op->serial};
        uint64_t h = rng_next(&r);

        snprintf(ret, OP_ID_SIZE, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(h >> 32),
                 (unsigned)(h >> 16 & 0xffff), (unsigned)(h >> 4 & 0xfff),
                 (unsigned)(h & 0xf) << 8 | (unsigned)(h >> 60), (unsigned long long)op->serial);
}

struct operation *operations_find(struct operations *os, const char *id)
{
        char real[OP_ID_SIZE], *end;
        uint64_t serial;

        if (strlen(id) != OP_ID_SIZE - 1)
                return NULL;
        serial = strtoull(id + 24, &end, 16);
        for (struct operation *op = os->buckets[serial % os->n_buckets]; op; op = op->hash_next) {
                if (op->serial != serial)
                        continue;
                operation_id(os, op, real);
                return strcmp(real, id) == 0 ? op : NULL;
        }
        return NULL;
}
