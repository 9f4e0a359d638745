/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks the helper to remove one kind of thing of one instance, or for names there
 * may be something of; see inventory.h. It is not tried again: what became of the
 * things, the next look at the host tells.
 */

#include "agent/helper-ask.h"
#include "base/json-text.h"

#define ITEMS_MAX 4096

struct inventory_removal {
        struct helper_call *call;
        inventory_remove_handler handler;
        void *userdata;
        struct removed_item *items;
        size_t n, n_allocated;
};

void inventory_remove_cancel(struct inventory_removal *m)
{
        if (m->call)
                helper_call_cancel(m->call);
        free(m->items);
        free(m);
}

static void finish(struct inventory_removal *m, int error, const char *text)
{
        struct removed_answer answer = {
                .error = error,
                .error_text = text,
                .items = m->items,
                .n = m->n,
        };

        m->handler(&answer, m->userdata);
        inventory_remove_cancel(m);
}

static int add_item(struct inventory_removal *m, json_object *o)
{
        struct removed_item *item;

        if (m->n == ITEMS_MAX || !json_object_is_type(o, json_type_object))
                return -EBADMSG;
        if (m->n == m->n_allocated) {
                size_t n = MAX(m->n_allocated * 2, 16U);
                struct removed_item *grown = reallocarray(m->items, n, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                m->items = grown;
                m->n_allocated = n;
        }
        item = &m->items[m->n++];
        snprintf(item->name, sizeof(item->name), "%s", json_text(o, "name"));
        snprintf(item->error, sizeof(item->error), "%s", json_text(o, "error"));
        return 0;
}

/* The last message has none. */
static int add_items(struct inventory_removal *m, json_object *message)
{
        json_object *items, *more;
        int r = 0;

        if (!json_object_object_get_ex(message, "items", &items))
                return json_object_object_get_ex(message, "more", &more) ? -EBADMSG : 0;
        if (!json_object_is_type(items, json_type_array))
                return -EBADMSG;
        for (size_t i = 0; r == 0 && i < json_object_array_length(items); i++)
                r = add_item(m, json_object_array_get_idx(items, i));
        return r;
}

static void on_answer(int error, const char *text, json_object *messages, void *userdata)
{
        struct inventory_removal *m = userdata;
        int r = 0;

        m->call = NULL;
        for (size_t i = 0; r == 0 && i < json_object_array_length(messages); i++)
                r = add_items(m, json_object_array_get_idx(messages, i));
        if (r < 0)
                finish(m, r, "lxdsoak-helper's answer makes no sense");
        else
                finish(m, error, text);
}

static json_object *make_request(const char *lxd_dir, const struct removal_target *target,
                                 enum leftover_kind kind)
{
        const struct {
                const char *key, *text;
        } members[] = {
                {"kind", leftover_kind_name((int)kind)},
                {"run", target ? target->run : ""},
                {"instance", target ? target->instance : ""},
                {"project", target ? target->project : ""},
                {"veths", target ? target->veths : ""},
        };
        json_object *o = json_object_new_object();

        json_object_object_add(o, "verb", json_object_new_string(target ? "remove" : "names"));
        json_object_object_add(o, "lxd_dir", json_object_new_string(lxd_dir));
        for (size_t i = 0; target && i < ELEMENTSOF(members); i++)
                json_object_object_add(o, members[i].key, json_object_new_string(members[i].text));
        return o;
}

int inventory_remove_with(sd_event *event, const char *helper, const char *lxd_dir,
                          int64_t limit_ns, const struct removal_target *target,
                          enum leftover_kind kind, inventory_remove_handler handler, void *userdata,
                          struct inventory_removal **ret)
{
        struct inventory_removal *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        m->handler = handler;
        m->userdata = userdata;
        r = helper_ask_with(event, helper, make_request(lxd_dir, target, kind), limit_ns, on_answer,
                            m, &m->call);
        if (r < 0) {
                free(m);
                return r;
        }
        *ret = m;
        return 0;
}
