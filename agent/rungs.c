/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See rungs.h. One round: LXD, the host, the removals, a pause. */

#include "agent/rungs.h"

#include "base/log.h"

#define ROUNDS_MAX      5
#define THINGS_MAX      256
#define LOOK_NS         (30 * NSEC_PER_SEC)
#define PAUSE_NS        (300 * NSEC_PER_MSEC)
#define SETTLE_LIMIT_NS (60 * NSEC_PER_SEC)
#define API_TRIES_MAX   2

/* Processes first: they hold all the rest. A link goes with the last of them. */
static const enum leftover_kind order[] = {
        LEFTOVER_PROCESS, LEFTOVER_MOUNT, LEFTOVER_CGROUP, LEFTOVER_VETH, LEFTOVER_VOLUME,
};

struct thing {
        enum leftover_kind kind;
        bool left;
        char name[256], detail[256], error[ERROR_TEXT_MAX];
};

struct rungs {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        struct suspect suspect;
        bool dry_run;
        struct rungs_handlers handlers;

        bool there; /* LXD has the instance */
        bool blind, failed;
        size_t round, step;
        int api_tries;
        struct thing *things;
        size_t n_things;
        char error[ERROR_TEXT_MAX];

        /* what is under way: at most one of these */
        struct lxd_call *call;
        struct inventory_query *query;
        struct inventory_removal *removal;
        sd_event_source *pause;
        struct runner *runner;
        struct runner_env env;
        struct run_spec spec; /* only run and project: what a runner needs to remove */
};

void rungs_cancel(struct rungs *r)
{
        if (r->call)
                lxd_cancel(r->call);
        if (r->query)
                inventory_cancel(r->query);
        if (r->removal)
                inventory_remove_cancel(r->removal);
        sd_event_source_disable_unref(r->pause);
        runner_free(r->runner);
        sd_event_unref(r->event);
        free(r->things);
        free(r);
}

static bool something_left(const struct rungs *r)
{
        for (size_t i = 0; i < r->n_things; i++)
                if (r->things[i].left)
                        return true;
        return false;
}

static void finish(struct rungs *r, enum rungs_end end)
{
        for (size_t i = 0; i < r->n_things && end != RUNGS_FOREIGN; i++) {
                const struct thing *t = &r->things[i];
                const char *error = t->error;

                if (!t->left)
                        error = "";
                else if (!error[0] && !r->dry_run)
                        error = "it is still there";
                r->handlers.thing(t->kind, t->name, t->detail, !t->left, error,
                                  r->handlers.userdata);
        }
        if (!r->failed && !r->there)
                r->error[0] = '\0';
        else if (!r->error[0])
                snprintf(r->error, sizeof(r->error), "LXD did not delete it");
        r->handlers.done(end, end == RUNGS_LEFT ? r->error : "", r->handlers.userdata);
        rungs_cancel(r);
}

static void fail(struct rungs *r, const char *what, const char *why)
{
        r->failed = true;
        snprintf(r->error, sizeof(r->error), "%s: %s", what, why);
        finish(r, RUNGS_LEFT);
}

static void look(struct rungs *r, lxd_handler handler)
{
        char path[NAME_SIZE + 32]; /* our names need no escaping */

        snprintf(path, sizeof(path), "/1.0/instances/%s", r->suspect.instance);
        if (lxd_request(r->lxd, "GET", path, NULL, LOOK_NS, handler, r, &r->call) < 0)
                fail(r, "LXD", "out of memory");
}

/* ---- the end of a round ---- */

static void on_looked(const struct lxd_answer *a, void *userdata);

static int on_pause(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct rungs *r = userdata;

        r->pause = sd_event_source_disable_unref(r->pause);
        look(r, on_looked);
        return 0;
}

static void next_round(struct rungs *r)
{
        r->round++;
        if (sd_event_add_time_relative(r->event, &r->pause, CLOCK_MONOTONIC,
                                       r->round * (uint64_t)(PAUSE_NS / NSEC_PER_USEC), 1000,
                                       on_pause, r) < 0)
                fail(r, r->suspect.instance, "out of memory");
}

static void on_record(const struct record *record, const char *instance, void *userdata)
{
        struct rungs *r = userdata;

        /* The rest is asked of the host anyhow, in the next round. */
        if (record->kind == RECORD_LEFTOVER && record->leftover.kind == LEFTOVER_INSTANCE)
                snprintf(r->error, sizeof(r->error), "%s", record->leftover.detail);
        if (record->kind == RECORD_LEFTOVER && record->leftover.kind == LEFTOVER_VETH)
                veths_add(r->suspect.veths, record->leftover.name);
}

static void on_removed_by_api(struct runner *runner, enum outcome outcome, void *userdata)
{
        struct rungs *r = userdata;

        r->runner = runner_free(runner);
        next_round(r);
}

static void remove_by_api(struct rungs *r)
{
        r->api_tries++;
        r->env = (struct runner_env){
                .event = r->event,
                .lxd = r->lxd,
                .inventory = r->inventory,
                .agent_id = "",
                .spec = &r->spec,
                .plan = {.phases = PHASES_ALL,
                         .settle_limit_ns = SETTLE_LIMIT_NS,
                         .verify_grace_ns = PAUSE_NS},
                .on_record = on_record,
                .on_end = on_removed_by_api,
                .userdata = r,
        };
        if (runner_new_removal(&r->env, r->suspect.instance, r->suspect.unit, 0, 0, 0, &r->runner) <
            0)
                fail(r, r->suspect.instance, "out of memory");
}

/* ---- the removals of a round ---- */

static void next_step(struct rungs *r);

static void note_errors(struct rungs *r, enum leftover_kind kind, const struct removed_answer *a)
{
        for (size_t i = 0; i < r->n_things; i++) {
                struct thing *t = &r->things[i];

                if (t->kind != kind || !t->left)
                        continue;
                if (a->error < 0)
                        snprintf(t->error, sizeof(t->error), "%s", a->error_text);
                for (size_t k = 0; k < a->n; k++)
                        if (streq(a->items[k].name, t->name))
                                snprintf(t->error, sizeof(t->error), "%s", a->items[k].error);
        }
}

static void on_removed(const struct removed_answer *a, void *userdata)
{
        struct rungs *r = userdata;

        r->removal = NULL;
        note_errors(r, order[r->step], a);
        if (a->error < 0)
                log_error("%s of %s: %s", leftover_kind_name((int)order[r->step]),
                          r->suspect.instance, a->error_text);
        r->step++;
        next_step(r);
}

static void remove_kind(struct rungs *r)
{
        struct removal_target target = {
                .run = r->suspect.run,
                .project = r->suspect.project,
                .instance = r->suspect.instance,
                .veths = r->suspect.veths,
        };

        if (inventory_remove(r->inventory, &target, order[r->step], on_removed, r, &r->removal) < 0)
                fail(r, r->suspect.instance, "out of memory");
}

/* Right before directories go: LXD must not have got one of this name again. */
static void on_looked_again(const struct lxd_answer *a, void *userdata)
{
        struct rungs *r = userdata;

        r->call = NULL;
        if (a->status == LXD_ERROR && a->code == 404) {
                remove_kind(r);
                return;
        }
        r->step++;
        next_step(r);
}

static bool is_wanted(const struct rungs *r, enum leftover_kind kind)
{
        if (r->there && kind != LEFTOVER_PROCESS && kind != LEFTOVER_MOUNT)
                return false;
        for (size_t i = 0; i < r->n_things; i++)
                if (r->things[i].left && r->things[i].kind == kind)
                        return true;
        return false;
}

static void next_step(struct rungs *r)
{
        while (r->step < ELEMENTSOF(order) && !is_wanted(r, order[r->step]))
                r->step++;
        if (r->step < ELEMENTSOF(order) && order[r->step] == LEFTOVER_VOLUME)
                look(r, on_looked_again);
        else if (r->step < ELEMENTSOF(order))
                remove_kind(r);
        else if (r->there)
                remove_by_api(r);
        else
                next_round(r);
}

/* ---- the beginning of a round ---- */

static int merge(struct rungs *r, const struct inventory_item *item)
{
        struct thing *t = r->things, *end = r->things + r->n_things;

        /* Known by its name from now on, when the container that has its other end is gone. */
        if (item->kind == LEFTOVER_VETH)
                veths_add(r->suspect.veths, item->name);
        /* What an instance that LXD has must have is not a thing left over. */
        if (r->there && item->kind != LEFTOVER_PROCESS && item->kind != LEFTOVER_MOUNT)
                return 0;
        while (t < end && (t->kind != item->kind || !streq(t->name, item->name)))
                t++;
        if (t == end) {
                if (r->n_things == THINGS_MAX)
                        return 0;
                t = reallocarray(r->things, r->n_things + 1, sizeof(*t));
                if (!t)
                        return -ENOMEM;
                r->things = t;
                t = &r->things[r->n_things++];
                *t = (struct thing){.kind = item->kind};
                snprintf(t->name, sizeof(t->name), "%s", item->name);
        }
        snprintf(t->detail, sizeof(t->detail), "%s", item->detail);
        t->left = true;
        return 0;
}

static void on_inventory(const struct inventory_answer *a, void *userdata)
{
        struct rungs *r = userdata;

        r->query = NULL;
        if (a->error < 0) {
                fail(r, "the host could not be looked at", a->error_text);
                return;
        }
        r->blind = a->blind != 0;
        for (size_t i = 0; i < r->n_things; i++)
                r->things[i].left = false;
        for (size_t i = 0; i < a->n; i++)
                if (merge(r, &a->items[i]) < 0) {
                        fail(r, r->suspect.instance, "out of memory");
                        return;
                }
        if (r->dry_run)
                finish(r, something_left(r) ? RUNGS_LEFT : RUNGS_BLIND);
        else if (!r->there && !something_left(r))
                finish(r, r->blind ? RUNGS_BLIND : RUNGS_CLEAN);
        else if (r->round == ROUNDS_MAX || (r->there && r->api_tries == API_TRIES_MAX))
                finish(r, RUNGS_LEFT);
        else
                next_step(r);
}

static void on_looked(const struct lxd_answer *a, void *userdata)
{
        struct rungs *r = userdata;
        char veths[SUSPECT_VETHS_SIZE] = "";

        r->call = NULL;
        r->step = 0;
        r->there = a->status == LXD_OK;
        if (a->status != LXD_OK && !(a->status == LXD_ERROR && a->code == 404)) {
                fail(r, "LXD does not say whether it still has the instance", a->text);
                return;
        }
        if (r->there && instance_seen(a->metadata, r->suspect.run, r->suspect.unit, veths,
                                      sizeof(veths)) == UNIT_SEEN_FOREIGN) {
                finish(r, RUNGS_FOREIGN);
                return;
        }
        if (r->there && r->dry_run) {
                finish(r, RUNGS_BLIND);
                return;
        }
        veths_add(r->suspect.veths, veths);
        if (inventory_ask(r->inventory, r->suspect.project, r->suspect.instance, r->suspect.veths,
                          on_inventory, r, &r->query) < 0)
                fail(r, r->suspect.instance, "out of memory");
}

int rungs_start(sd_event *event, struct lxd *lxd, struct inventory *inventory,
                const struct suspect *suspect, bool dry_run, const struct rungs_handlers *handlers,
                struct rungs **ret)
{
        struct rungs *r = calloc(1, sizeof(*r));
        int q;

        if (!r)
                return -ENOMEM;
        r->event = sd_event_ref(event);
        r->lxd = lxd;
        r->inventory = inventory;
        r->suspect = *suspect;
        r->dry_run = dry_run;
        r->handlers = *handlers;
        snprintf(r->spec.run, sizeof(r->spec.run), "%s", suspect->run);
        snprintf(r->spec.project, sizeof(r->spec.project), "%s", suspect->project);
        /* From the loop, so that done() never comes before this has returned. */
        q = sd_event_add_time_relative(event, &r->pause, CLOCK_MONOTONIC, 0, 1000, on_pause, r);
        if (q < 0) {
                rungs_cancel(r);
                return q;
        }
        *ret = r;
        return 0;
}
