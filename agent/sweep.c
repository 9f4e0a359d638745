/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See sweep.h. Each instance is removed by a runner of its own, without a spool
 * and without an outbox; a few at a time. What is left then is further.c's. */

#include "agent/sweep.h"

#include "agent/further.h"
#include "base/log.h"

#define LIST_NS         (120 * NSEC_PER_SEC)
#define SETTLE_LIMIT_NS (20 * NSEC_PER_SEC) /* of failures; then the rungs */
#define VERIFY_GRACE_NS (5 * NSEC_PER_SEC)
#define PARALLEL        8

struct item {
        struct sweep *sweep;
        struct item *next;
        struct run_spec spec; /* only run and project: what a runner needs to remove */
        struct runner_env env;
        struct runner *runner;
        char name[NAME_SIZE], unit[24], status[32], veths[SUSPECT_VETHS_SIZE];
        bool left, skip;
        char error[ERROR_TEXT_MAX];
};

struct sweep {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        enum sweep_mode mode;
        char project[NAME_SIZE], run[RUN_ID_SIZE], skip_run[RUN_ID_SIZE];
        struct sweep_handlers handlers;
        struct lxd_call *call;
        struct item *waiting, *active;
        size_t n_active;

        struct further *further; /* NULL: what LXD lists, and no more */
};

static void sweep_free(struct sweep *s)
{
        struct item **lists[] = {&s->waiting, &s->active};

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                while (*lists[i]) {
                        struct item *item = *lists[i];

                        *lists[i] = item->next;
                        runner_free(item->runner);
                        free(item);
                }
        }
        if (s->further)
                further_cancel(s->further);
        if (s->call)
                lxd_cancel(s->call);
        sd_event_unref(s->event);
        free(s);
}

static void finish(struct sweep *s, const char *error)
{
        s->handlers.done(error, s->handlers.userdata);
        sweep_free(s);
}

static struct item *item_new(struct sweep *s, const char *name, const char *run, const char *unit)
{
        struct item *item = calloc(1, sizeof(*item));

        if (!item)
                return NULL;
        item->sweep = s;
        snprintf(item->spec.run, sizeof(item->spec.run), "%s", run);
        snprintf(item->spec.project, sizeof(item->spec.project), "%s", s->project);
        snprintf(item->name, sizeof(item->name), "%s", name);
        snprintf(item->unit, sizeof(item->unit), "%s", unit);
        return item;
}

static void report(struct item *item, bool removed, const char *error)
{
        struct sweep *s = item->sweep;
        struct sweep_item out = {
                .kind = LEFTOVER_INSTANCE,
                .name = item->name,
                .run = item->spec.run,
                .unit = item->unit,
                .instance = item->name,
                .detail = item->status,
                .removed = removed,
                .error = error,
        };

        s->handlers.item(&out, s->handlers.userdata);
}

static void pump(struct sweep *s);

/* The runner's records: only what stays behind is of interest here. */
static void on_record(const struct record *record, const char *instance, void *userdata)
{
        struct item *item = userdata;
        size_t used = strlen(item->error);

        if (record->kind != RECORD_LEFTOVER)
                return;
        item->left = true;
        if (record->leftover.kind == LEFTOVER_VETH)
                veths_add(item->veths, record->leftover.name);
        snprintf(item->error + used, sizeof(item->error) - used, "%s%s %s%s%s", used ? "; " : "",
                 leftover_kind_name(record->leftover.kind), record->leftover.name,
                 record->leftover.detail[0] ? ": " : "", record->leftover.detail);
}

static void on_end(struct runner *runner, enum outcome outcome, void *userdata)
{
        struct item *item = userdata, **p;
        struct sweep *s = item->sweep;

        for (p = &s->active; *p != item; p = &(*p)->next)
                ;
        *p = item->next;
        s->n_active--;
        item->runner = runner_free(item->runner);
        if (!item->left || !s->further ||
            further_add(s->further, item->name, item->spec.run, item->unit, item->veths) < 0)
                report(item, !item->left, item->error);
        free(item);
        pump(s);
}

static int begin(struct item *item)
{
        struct sweep *s = item->sweep;

        item->env = (struct runner_env){
                .event = s->event,
                .lxd = s->lxd,
                .inventory = s->inventory,
                .agent_id = "",
                .spec = &item->spec,
                .plan = {.phases = PHASES_ALL,
                         .settle_limit_ns = SETTLE_LIMIT_NS,
                         .verify_grace_ns = VERIFY_GRACE_NS},
                .on_record = on_record,
                .on_end = on_end,
                .userdata = item,
        };
        return runner_new_removal(&item->env, item->name, item->unit, 0, 0, 0, &item->runner);
}

/* ---- what LXD lists ---- */

static void on_further(const char *error, void *userdata)
{
        struct sweep *s = userdata;

        s->further = NULL; /* it frees itself */
        finish(s, error);
}

static void pump(struct sweep *s)
{
        while (s->waiting && s->n_active < PARALLEL) {
                struct item *item = s->waiting;

                s->waiting = item->next;
                if (item->skip) {
                        report(item, false,
                               "left alone, its run is being driven at the moment; if "
                               "its coordinator is gone, try again in 10 s");
                        free(item);
                        continue;
                }
                if (s->mode == SWEEP_LIST) {
                        report(item, false, "");
                        free(item);
                        continue;
                }
                if (begin(item) < 0) {
                        report(item, false, "out of memory");
                        free(item);
                        continue;
                }
                item->next = s->active;
                s->active = item;
                s->n_active++;
        }
        if (s->waiting || s->active)
                return;
        if (s->further)
                further_begin(s->further);
        else
                finish(s, "");
}

static const char *get_string(json_object *o, const char *key)
{
        json_object *v;

        return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v) ?: "" : "";
}

static int consider(struct sweep *s, json_object *instance, struct item ***tail)
{
        const char *name = get_string(instance, "name"), *run = instance_config(instance, KEY_RUN),
                   *unit = instance_config(instance, KEY_UNIT);
        struct item *item;

        if (!run || !unit || strlen(name) >= NAME_SIZE || strlen(run) >= RUN_ID_SIZE ||
            strlen(unit) >= sizeof(item->unit))
                return 0;
        if (s->run[0] && !streq(run, s->run))
                return 0;
        if (!instance_name_fits(name, run, unit)) {
                log_warning("Instance %s carries the keys of run %s, unit %s, but not that name: "
                            "somebody's copy, left alone",
                            name, run, unit);
                return 0;
        }
        item = item_new(s, name, run, unit);
        if (!item)
                return -ENOMEM;
        item->skip = streq(run, s->skip_run);
        snprintf(item->status, sizeof(item->status), "%s", get_string(instance, "status"));
        **tail = item;
        *tail = &item->next;
        return 0;
}

static void on_list(const struct lxd_answer *a, void *userdata)
{
        struct sweep *s = userdata;
        struct item **tail = &s->waiting;

        s->call = NULL;
        if (a->status != LXD_OK || !json_object_is_type(a->metadata, json_type_array)) {
                finish(s, a->status == LXD_OK ? "LXD's list of instances is not a list" : a->text);
                return;
        }
        for (size_t i = 0; i < json_object_array_length(a->metadata); i++) {
                if (consider(s, json_object_array_get_idx(a->metadata, i), &tail) < 0) {
                        finish(s, "out of memory");
                        return;
                }
        }
        pump(s);
}

int sweep_start(sd_event *event, struct lxd *lxd, struct inventory *inventory,
                const struct sweep_request *request, const struct sweep_handlers *handlers,
                struct sweep **ret)
{
        struct sweep *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->lxd = lxd;
        s->inventory = inventory;
        s->mode = request->mode;
        s->handlers = *handlers;
        snprintf(s->project, sizeof(s->project), "%s", request->project);
        snprintf(s->run, sizeof(s->run), "%s", request->run);
        snprintf(s->skip_run, sizeof(s->skip_run), "%s", request->skip_run);
        r = request->suspects ? further_new(event, lxd, inventory, request, handlers->item,
                                            on_further, handlers->userdata, s, &s->further)
                              : 0;
        if (r >= 0)
                r = lxd_request(lxd, "GET", "/1.0/instances?recursion=1", NULL, LIST_NS, on_list, s,
                                &s->call);
        if (r < 0) {
                sweep_free(s);
                return r;
        }
        if (ret)
                *ret = s;
        return 0;
}

void sweep_cancel(struct sweep *s)
{
        sweep_free(s);
}
