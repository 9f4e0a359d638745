/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See stock.h. */

#include "agent/stock.h"

#include "agent/sweep.h"
#include "base/log.h"
#include "proto/message.h"

#define REMEMBER_MAX 1000 /* instances looked at again; each may have several things */
#define ITEMS_MAX    4000 /* rows told the coordinator */

struct stock_entry {
        char instance[NAME_SIZE];
        char veths[256];
        int64_t unit;
};

struct stock {
        struct runner_env *env;
        struct stock_entry *suspects;
        size_t n_suspects;
        json_object *leftovers;
        bool begun, kept;
        stock_handler handler;
        void *userdata;

        struct sweep *sweep;
        struct inventory_query *query;
        size_t next; /* suspect asked about */
        struct runner *template_runner;
        struct runner_env template_env;
};

int stock_new(struct runner_env *env, struct stock **ret)
{
        struct stock *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->env = env;
        s->leftovers = json_object_new_array();
        *ret = s;
        return 0;
}

struct stock *stock_free(struct stock *s)
{
        if (!s)
                return NULL;
        if (s->sweep)
                sweep_cancel(s->sweep);
        if (s->query)
                inventory_cancel(s->query);
        runner_free(s->template_runner);
        json_object_put(s->leftovers);
        free(s->suspects);
        free(s);
        return NULL;
}

void stock_remember(struct stock *s, const struct record *record, const char *instance)
{
        struct stock_entry *suspects,
                *last = s->n_suspects ? &s->suspects[s->n_suspects - 1] : NULL;

        if (!last || !streq(last->instance, instance)) {
                if (s->n_suspects >= REMEMBER_MAX)
                        return;
                suspects = reallocarray(s->suspects, s->n_suspects + 1, sizeof(*suspects));
                if (!suspects)
                        return;
                s->suspects = suspects;
                last = &suspects[s->n_suspects++];
                *last = (struct stock_entry){.unit = record->unit};
                snprintf(last->instance, sizeof(last->instance), "%s", instance);
        }
        if (record->leftover.kind == LEFTOVER_VETH) {
                size_t used = strlen(last->veths);

                snprintf(last->veths + used, sizeof(last->veths) - used, "%s%s", used ? "," : "",
                         record->leftover.name);
        }
}

static void add(struct stock *s, enum leftover_kind kind, const char *name, const char *detail,
                int64_t unit)
{
        struct msg_item item = {.unit = unit};

        if (json_object_array_length(s->leftovers) >= ITEMS_MAX)
                return;
        snprintf(item.kind, sizeof(item.kind), "%s", leftover_kind_name(kind));
        snprintf(item.name, sizeof(item.name), "%s", name);
        snprintf(item.detail, sizeof(item.detail), "%s", detail);
        snprintf(item.run, sizeof(item.run), "%s", s->env->spec->run);
        json_object_array_add(s->leftovers, fields_encode(msg_item_fields, &item));
}

/* ---- 3: the host, about each suspect ---- */

static void ask_next(struct stock *s);

static void on_inventory(const struct inventory_answer *a, void *userdata)
{
        struct stock *s = userdata;
        const struct stock_entry *suspect = &s->suspects[s->next];

        s->query = NULL;
        for (size_t i = 0; i < a->n; i++)
                add(s, a->items[i].kind, a->items[i].name, a->items[i].detail, suspect->unit);
        if (a->error < 0)
                log_error("The host could not be asked what %s left: %s", suspect->instance,
                          a->error_text);
        s->next++;
        ask_next(s);
}

static void ask_next(struct stock *s)
{
        if (s->next < s->n_suspects &&
            inventory_ask(s->env->inventory, s->env->spec->project, s->suspects[s->next].instance,
                          s->suspects[s->next].veths, on_inventory, s, &s->query) == 0)
                return;
        s->handler(s->leftovers, s->userdata);
}

/* ---- 2: the API ---- */

static void on_item(const struct sweep_item *item, void *userdata)
{
        struct stock *s = userdata;

        if (!s->kept)
                add(s, item->kind, item->name, item->detail, strtoll(item->unit, NULL, 10));
}

static void on_listed(const char *error, void *userdata)
{
        struct stock *s = userdata;

        s->sweep = NULL;
        if (error[0]) {
                log_error("LXD could not be asked what run %s left: %s", s->env->spec->run, error);
                add(s, LEFTOVER_INSTANCE, "?", error, -1);
        }
        ask_next(s);
}

static void list(struct stock *s)
{
        struct sweep_request request = {
                SWEEP_LIST, s->env->spec->project, s->env->spec->run, "", NULL,
        };
        struct sweep_handlers handlers = {on_item, on_listed, s};

        if (sweep_start(s->env->event, s->env->lxd, s->env->inventory, &request, &handlers,
                        &s->sweep) < 0)
                on_listed("out of memory", s);
}

/* ---- 1: the template ---- */

static void on_template_record(const struct record *record, const char *instance, void *userdata)
{
}

static void on_template_gone(struct runner *runner, enum outcome outcome, void *userdata)
{
        struct stock *s = userdata;

        s->template_runner = runner_free(runner);
        list(s); /* if it is still there, this finds it */
}

static bool has_template(const struct stock *s)
{
        return s->env->spec->source == SOURCE_COPY && !s->env->spec->template_name[0];
}

void stock_take(struct stock *s, bool kept, stock_handler handler, void *userdata)
{
        char name[NAME_SIZE];

        if (s->begun)
                return;
        s->begun = true;
        s->kept = kept;
        s->handler = handler;
        s->userdata = userdata;
        if (!has_template(s)) {
                list(s);
                return;
        }
        s->template_env = *s->env;
        s->template_env.outbox = NULL;
        s->template_env.on_record = on_template_record;
        s->template_env.on_end = on_template_gone;
        s->template_env.userdata = s;
        template_instance_name(s->env->spec, name);
        if (runner_new_removal(&s->template_env, name, "template", 0, 0, 0, &s->template_runner) <
            0)
                list(s);
}
