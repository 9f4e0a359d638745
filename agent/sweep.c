/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See sweep.h. Each instance is removed by a runner of its own, without a spool
 * and without an outbox; a few at a time. What is left then goes up the rungs, one
 * instance after the other: the helper does not work for several at once. */

#include "agent/sweep.h"

#include "agent/owned.h"
#include "agent/rungs.h"
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
        bool remembered; /* not from LXD's list, but from our own */
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

        struct suspects *suspects; /* NULL: what LXD lists, and no more */
        struct item *troubled;     /* the first of them is on the rungs */
        struct rungs *rungs;
        struct inventory_removal *names;
};

static void sweep_free(struct sweep *s)
{
        struct item **lists[] = {&s->waiting, &s->active, &s->troubled};

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                while (*lists[i]) {
                        struct item *item = *lists[i];

                        *lists[i] = item->next;
                        runner_free(item->runner);
                        free(item);
                }
        }
        if (s->rungs)
                rungs_cancel(s->rungs);
        if (s->names)
                inventory_remove_cancel(s->names);
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

static bool wants_run(const struct sweep *s, const char *run)
{
        return (!s->run[0] || streq(run, s->run)) && (!s->skip_run[0] || !streq(run, s->skip_run));
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
        if (item->left && s->suspects) {
                item->next = s->troubled;
                s->troubled = item;
        } else {
                report(item, !item->left, item->error);
                free(item);
        }
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

/* ---- the rungs ---- */

static void next_rungs(struct sweep *s);

static void fill_suspect(const struct item *item, struct suspect *ret)
{
        *ret = (struct suspect){0};
        snprintf(ret->instance, sizeof(ret->instance), "%s", item->name);
        snprintf(ret->project, sizeof(ret->project), "%s", item->spec.project);
        snprintf(ret->run, sizeof(ret->run), "%s", item->spec.run);
        snprintf(ret->unit, sizeof(ret->unit), "%s", item->unit);
        snprintf(ret->veths, sizeof(ret->veths), "%s", item->veths);
}

static void on_thing(enum leftover_kind kind, const char *name, const char *detail, bool removed,
                     const char *error, void *userdata)
{
        struct sweep *s = userdata;
        const struct item *item = s->troubled;
        struct sweep_item out = {
                .kind = kind,
                .name = name,
                .run = item->spec.run,
                .unit = item->unit,
                .instance = item->name,
                .detail = detail,
                .removed = removed,
                .error = error,
        };

        if (kind == LEFTOVER_VETH)
                veths_add(s->troubled->veths, name);
        s->handlers.item(&out, s->handlers.userdata);
}

static void on_rungs_end(enum rungs_end end, const char *error, void *userdata)
{
        struct sweep *s = userdata;
        struct item *item = s->troubled;
        struct suspect suspect;

        s->rungs = NULL;
        fill_suspect(item, &suspect);
        if (end == RUNGS_CLEAN || end == RUNGS_FOREIGN)
                suspects_forget(s->suspects, suspect.project, suspect.instance);
        else if (end == RUNGS_LEFT)
                suspects_add(s->suspects, &suspect);
        /* One that was only remembered is gone as an instance, if nothing else is said. */
        if (!item->remembered || error[0])
                report(item, !error[0], error);
        s->troubled = item->next;
        free(item);
        next_rungs(s);
}

static void next_rungs(struct sweep *s)
{
        struct rungs_handlers handlers = {on_thing, on_rungs_end, s};
        struct suspect suspect;

        if (!s->troubled) {
                finish(s, "");
                return;
        }
        fill_suspect(s->troubled, &suspect);
        if (rungs_start(s->event, s->lxd, s->inventory, &suspect, s->mode == SWEEP_LIST, &handlers,
                        &s->rungs) < 0)
                finish(s, "out of memory");
}

static bool same_project(const char *a, const char *b)
{
        return streq(a[0] ? a : "default", b[0] ? b : "default");
}

/* It joins those that would not go just now. */
static int add_troubled(struct sweep *s, const char *name, const char *run, const char *unit,
                        const char *veths)
{
        struct item *item = s->troubled;

        if (!wants_run(s, run))
                return 0;
        while (item && !streq(item->name, name))
                item = item->next;
        if (!item) {
                item = item_new(s, name, run, unit);
                if (!item)
                        return -ENOMEM;
                item->remembered = true;
                item->next = s->troubled;
                s->troubled = item;
        }
        veths_add(item->veths, veths);
        return 0;
}

static int add_remembered(struct sweep *s)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < suspects_n(s->suspects); i++) {
                const struct suspect *suspect = suspects_get(s->suspects, i);

                if (same_project(suspect->project, s->project))
                        r = add_troubled(s, suspect->instance, suspect->run, suspect->unit,
                                         suspect->veths);
        }
        return r;
}

/* A name nobody remembers: is it of this project, and of the run that is asked for or
 * of one that was driven from here? Anybody may call a container like ours. */
static int add_by_name(struct sweep *s, const char *full)
{
        const char *name = strrchr(full, '_'), *tail, *unit;
        size_t project = name ? (size_t)(name - full) : 0;
        char run[RUN_ID_SIZE], number[24];

        name = name ? name + 1 : full;
        if (project ? strlen(s->project) != project || strncmp(full, s->project, project) != 0
                    : !same_project(s->project, ""))
                return 0;
        tail = strrchr(name, '-');
        if (!tail || tail - name < RUN_ID_SIZE)
                return 0;
        snprintf(run, sizeof(run), "%s", tail - (RUN_ID_SIZE - 1));
        unit = owned_unit(name, run);
        if (!unit || (!streq(run, s->run) && !suspects_has_run(s->suspects, run)))
                return 0;
        snprintf(number, sizeof(number), "%lld", strtoll(unit, NULL, 10));
        return add_troubled(s, name, run, streq(unit, "template") ? unit : number, "");
}

static void on_names(const struct removed_answer *a, void *userdata)
{
        struct sweep *s = userdata;
        int r = 0;

        s->names = NULL;
        if (a->error < 0)
                log_error("The host could not be asked for names of ours: %s", a->error_text);
        for (size_t i = 0; r >= 0 && i < a->n; i++)
                r = add_by_name(s, a->items[i].name);
        if (r < 0)
                finish(s, "out of memory");
        else
                next_rungs(s);
}

static void look_further(struct sweep *s)
{
        if (!s->suspects)
                finish(s, "");
        else if (add_remembered(s) < 0 || inventory_names(s->inventory, on_names, s, &s->names) < 0)
                finish(s, "out of memory");
}

/* ---- what LXD lists ---- */

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
        look_further(s);
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
        s->suspects = request->suspects;
        s->handlers = *handlers;
        snprintf(s->project, sizeof(s->project), "%s", request->project);
        snprintf(s->run, sizeof(s->run), "%s", request->run);
        snprintf(s->skip_run, sizeof(s->skip_run), "%s", request->skip_run);
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
