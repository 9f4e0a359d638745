/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks the helper to remove one kind of thing of one instance, or for names there
 * may be something of; see inventory.h. Each has a connection of its own, so that a helper that
 * takes its time over one does not keep a run's questions waiting. It is not tried again: what
 * became of the things, the next look at the host tells.
 */

#include <json-c/json.h>

#include "agent/helper-wire.h"
#include "agent/inventory-link.h"
#include "agent/inventory.h"

#define ITEMS_MAX 4096

struct inventory_removal {
        struct inventory_link *link;
        sd_event_source *timer, *start;
        char *request;
        bool asked_again;
        inventory_remove_handler handler;
        void *userdata;
        struct removed_item *items;
        size_t n, n_allocated;
};

void inventory_remove_cancel(struct inventory_removal *m)
{
        inventory_link_free(m->link);
        sd_event_source_disable_unref(m->timer);
        sd_event_source_disable_unref(m->start);
        free(m->request);
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

static int on_time_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
        finish(userdata, -ETIMEDOUT, "lxdsoak-helper gave no answer in time");
        return 0;
}

static const char *get_text(json_object *o, const char *key)
{
        json_object *value;

        if (!json_object_object_get_ex(o, key, &value) ||
            !json_object_is_type(value, json_type_string))
                return "";
        return json_object_get_string(value);
}

static int add_items(struct inventory_removal *m, json_object *message)
{
        json_object *items;

        if (!json_object_object_get_ex(message, "items", &items) ||
            !json_object_is_type(items, json_type_array))
                return -EBADMSG;
        for (size_t i = 0; i < json_object_array_length(items); i++) {
                json_object *o = json_object_array_get_idx(items, i);
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
                snprintf(item->name, sizeof(item->name), "%s", get_text(o, "name"));
                snprintf(item->error, sizeof(item->error), "%s", get_text(o, "error"));
        }
        return 0;
}

/* 1: it was the last. -EPERM: the helper does not serve us. */
static int handle(struct inventory_removal *m, json_object *message, int *ret_error,
                  const char **ret_text)
{
        json_object *value;

        if (!json_object_is_type(message, json_type_object))
                return -EBADMSG;
        if (!json_object_object_get_ex(message, "id", &value))
                return -EPERM;
        if (json_object_object_get_ex(message, "error", &value)) {
                *ret_text = json_object_get_string(value);
                *ret_error = -EIO;
                if (json_object_object_get_ex(message, "errno", &value) &&
                    json_object_get_int(value) > 0)
                        *ret_error = -json_object_get_int(value);
                return 1;
        }
        if (json_object_object_get_ex(message, "more", &value) && json_object_get_boolean(value))
                return add_items(m, message);
        return 1;
}

static void on_message(const char *text, size_t size, void *userdata)
{
        struct inventory_removal *m = userdata;
        json_tokener *tokener = json_tokener_new_ex(8);
        json_object *message = tokener ? json_tokener_parse_ex(tokener, text, (int)size) : NULL;
        const char *error_text = "";
        int r, error = 0;

        r = handle(m, message, &error, &error_text);
        if (r == -EPERM && !m->asked_again) {
                /* The socket's helper refuses us: one of our own, once. */
                m->asked_again = true;
                inventory_link_refused(m->link);
                inventory_link_close(m->link);
                sd_event_source_set_enabled(m->start, SD_EVENT_ONESHOT);
        } else if (r < 0) {
                finish(m, r, "lxdsoak-helper's answer makes no sense");
        } else if (r > 0) {
                finish(m, error, error_text);
        }
        json_object_put(message);
        if (tokener)
                json_tokener_free(tokener);
}

static void on_closed(void *userdata)
{
        finish(userdata, -ECONNRESET, "lxdsoak-helper ended without an answer");
}

static int on_start(sd_event_source *source, void *userdata)
{
        struct inventory_removal *m = userdata;
        struct error err = ERROR_INIT;
        int r = inventory_link_open(m->link, &err);

        if (r >= 0)
                r = inventory_link_send(m->link, m->request, strlen(m->request));
        if (r < 0) {
                error_set_errno(&err, r, "lxdsoak-helper could not be asked");
                finish(m, r, err.text);
        }
        return 0;
}

static char *make_request(const char *lxd_dir, const struct removal_target *target,
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
        char *text;

        json_object_object_add(o, "verb", json_object_new_string(target ? "remove" : "names"));
        json_object_object_add(o, "id", json_object_new_int64(1));
        json_object_object_add(o, "lxd_dir", json_object_new_string(lxd_dir));
        for (size_t i = 0; target && i < ELEMENTSOF(members); i++)
                json_object_object_add(o, members[i].key, json_object_new_string(members[i].text));
        text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        json_object_put(o);
        return text;
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
        m->request = make_request(lxd_dir, target, kind);
        r = m->request ? inventory_link_new(event, helper, on_message, on_closed, m, &m->link)
                       : -ENOMEM;
        if (r >= 0)
                r = sd_event_add_time_relative(event, &m->timer, CLOCK_MONOTONIC,
                                               (uint64_t)(limit_ns / NSEC_PER_USEC), 0,
                                               on_time_limit, m);
        if (r >= 0)
                r = sd_event_add_defer(event, &m->start, on_start, m);
        if (r < 0) {
                inventory_remove_cancel(m);
                return r;
        }
        *ret = m;
        return 0;
}
