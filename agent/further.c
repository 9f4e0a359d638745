/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See further.h. */

#include "agent/further.h"

#include "agent/owned.h"
#include "agent/rungs.h"
#include "base/log.h"

struct doubtful {
        struct doubtful *next;
        struct suspect suspect;
        bool listed; /* by LXD, before; not only remembered, or known by its name */
};

struct further {
        sd_event *event;
        struct lxd *lxd;
        struct inventory *inventory;
        enum sweep_mode mode;
        char project[NAME_SIZE], run[RUN_ID_SIZE], skip_run[RUN_ID_SIZE];
        struct suspects *suspects;
        further_item item;
        further_done done;
        void *item_userdata, *done_userdata;

        struct doubtful *first; /* is on the rungs */
        struct rungs *rungs;
        struct inventory_removal *names;
};

int further_new(sd_event *event, struct lxd *lxd, struct inventory *inventory,
                const struct sweep_request *request, further_item item, further_done done,
                void *item_userdata, void *done_userdata, struct further **ret)
{
        struct further *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->event = sd_event_ref(event);
        f->lxd = lxd;
        f->inventory = inventory;
        f->mode = request->mode;
        f->suspects = request->suspects;
        f->item = item;
        f->done = done;
        f->item_userdata = item_userdata;
        f->done_userdata = done_userdata;
        snprintf(f->project, sizeof(f->project), "%s", request->project);
        snprintf(f->run, sizeof(f->run), "%s", request->run);
        snprintf(f->skip_run, sizeof(f->skip_run), "%s", request->skip_run);
        *ret = f;
        return 0;
}

void further_cancel(struct further *f)
{
        while (f->first) {
                struct doubtful *d = f->first;

                f->first = d->next;
                free(d);
        }
        if (f->rungs)
                rungs_cancel(f->rungs);
        if (f->names)
                inventory_remove_cancel(f->names);
        sd_event_unref(f->event);
        free(f);
}

static void finish(struct further *f, const char *error)
{
        f->done(error, f->done_userdata);
        further_cancel(f);
}

/* ---- one after the other ---- */

static void next_rungs(struct further *f);

static void report(struct further *f, enum leftover_kind kind, const char *name, const char *detail,
                   bool removed, const char *error)
{
        const struct suspect *suspect = &f->first->suspect;
        struct sweep_item out = {
                .kind = kind,
                .name = name,
                .run = suspect->run,
                .unit = suspect->unit,
                .instance = suspect->instance,
                .detail = detail,
                .removed = removed,
                .error = error,
        };

        f->item(&out, f->item_userdata);
}

static void on_thing(enum leftover_kind kind, const char *name, const char *detail, bool removed,
                     const char *error, void *userdata)
{
        struct further *f = userdata;

        if (kind == LEFTOVER_VETH)
                veths_add(f->first->suspect.veths, name);
        report(f, kind, name, detail, removed, error);
}

static void on_rungs_end(enum rungs_end end, const char *error, void *userdata)
{
        struct further *f = userdata;
        struct doubtful *d = f->first;

        f->rungs = NULL;
        if (end == RUNGS_CLEAN || end == RUNGS_FOREIGN)
                suspects_forget(f->suspects, d->suspect.project, d->suspect.instance);
        else if (end == RUNGS_LEFT)
                suspects_add(f->suspects, &d->suspect);
        if (f->mode == SWEEP_LIST && error[0])
                log_error("%s: %s", d->suspect.instance, error);
        else if (d->listed || error[0])
                report(f, LEFTOVER_INSTANCE, d->suspect.instance, "", !error[0], error);
        f->first = d->next;
        free(d);
        next_rungs(f);
}

static void next_rungs(struct further *f)
{
        struct rungs_handlers handlers = {on_thing, on_rungs_end, f};

        if (!f->first)
                finish(f, "");
        else if (rungs_start(f->event, f->lxd, f->inventory, &f->first->suspect,
                             f->mode == SWEEP_LIST, &handlers, &f->rungs) < 0)
                finish(f, "out of memory");
}

/* ---- who ---- */

static int add(struct further *f, const char *name, const char *run, const char *unit,
               const char *veths, bool listed)
{
        struct doubtful *d = f->first;

        if ((f->run[0] && !streq(run, f->run)) || streq(run, f->skip_run))
                return 0;
        while (d && !streq(d->suspect.instance, name))
                d = d->next;
        if (!d) {
                d = calloc(1, sizeof(*d));
                if (!d)
                        return -ENOMEM;
                snprintf(d->suspect.instance, sizeof(d->suspect.instance), "%s", name);
                snprintf(d->suspect.project, sizeof(d->suspect.project), "%s", f->project);
                snprintf(d->suspect.run, sizeof(d->suspect.run), "%s", run);
                snprintf(d->suspect.unit, sizeof(d->suspect.unit), "%s", unit);
                d->next = f->first;
                f->first = d;
        }
        d->listed = d->listed || listed;
        veths_add(d->suspect.veths, veths);
        return 0;
}

int further_add(struct further *f, const char *name, const char *run, const char *unit,
                const char *veths)
{
        return add(f, name, run, unit, veths, true);
}

static bool same_project(const char *a, const char *b)
{
        return streq(a[0] ? a : "default", b[0] ? b : "default");
}

static int add_remembered(struct further *f)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < suspects_n(f->suspects); i++) {
                const struct suspect *suspect = suspects_get(f->suspects, i);

                if (same_project(suspect->project, f->project))
                        r = add(f, suspect->instance, suspect->run, suspect->unit, suspect->veths,
                                false);
        }
        return r;
}

/* A name nobody remembers: is it of this project, and of the run that is asked for or
 * of one that was driven from here? Anybody may call a container like ours. */
static int add_by_name(struct further *f, const char *full)
{
        const char *name = strrchr(full, '_'), *tail, *unit;
        size_t project = name ? (size_t)(name - full) : 0;
        char run[RUN_ID_SIZE], number[SUSPECT_UNIT_SIZE];

        name = name ? name + 1 : full;
        if (project ? strlen(f->project) != project || strncmp(full, f->project, project) != 0
                    : !same_project(f->project, ""))
                return 0;
        tail = strrchr(name, '-');
        if (!tail || tail - name < RUN_ID_SIZE)
                return 0;
        snprintf(run, sizeof(run), "%s", tail - (RUN_ID_SIZE - 1));
        unit = owned_unit(name, run);
        if (!unit || (!streq(run, f->run) && !suspects_has_run(f->suspects, run)))
                return 0;
        snprintf(number, sizeof(number), "%lld", strtoll(unit, NULL, 10));
        return add(f, name, run, streq(unit, "template") ? unit : number, "", false);
}

static void on_names(const struct removed_answer *a, void *userdata)
{
        struct further *f = userdata;
        int r = 0;

        f->names = NULL;
        if (a->error < 0)
                log_error("The host could not be asked for names of ours: %s", a->error_text);
        for (size_t i = 0; r >= 0 && i < a->n; i++)
                r = add_by_name(f, a->items[i].name);
        if (r < 0)
                finish(f, "out of memory");
        else
                next_rungs(f);
}

void further_begin(struct further *f)
{
        if (add_remembered(f) < 0 || inventory_names(f->inventory, on_names, f, &f->names) < 0)
                finish(f, "out of memory");
}
