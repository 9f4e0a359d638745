/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See helper-ask.h. */

#include "agent/helper-ask.h"

#include "agent/helper-wire.h"
#include "agent/inventory-link.h"

#define MESSAGES_MAX 4096
#define DEPTH_MAX    8

struct helper_call {
        struct inventory_link *link;
        sd_event_source *timer, *start;
        json_object *request, *messages;
        bool asked_again;
        helper_handler handler;
        void *userdata;
};

void helper_call_cancel(struct helper_call *c)
{
        inventory_link_free(c->link);
        sd_event_source_disable_unref(c->timer);
        sd_event_source_disable_unref(c->start);
        json_object_put(c->request);
        json_object_put(c->messages);
        free(c);
}

static void finish(struct helper_call *c, int error, const char *text)
{
        helper_handler handler = c->handler;
        json_object *messages = TAKE(c->messages);
        void *userdata = c->userdata;
        char copy[512];

        /* The text may belong to what is freed now. */
        snprintf(copy, sizeof(copy), "%s", text);
        helper_call_cancel(c);
        handler(error, copy, messages, userdata);
        json_object_put(messages);
}

static int on_time_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
        finish(userdata, -ETIMEDOUT, "lxdsoak-helper gave no answer in time");
        return 0;
}

/* The helper's own words for what went wrong, if the message is one of those. */
static bool is_error(json_object *message, int *ret_error, const char **ret_text)
{
        json_object *value;

        if (!json_object_object_get_ex(message, "error", &value))
                return false;
        *ret_text = json_object_get_string(value) ?: "";
        *ret_error = -EIO;
        if (json_object_object_get_ex(message, "errno", &value) && json_object_get_int(value) > 0)
                *ret_error = -json_object_get_int(value);
        return true;
}

/* 0: more is to come; 1: it was the last; -EPERM: the helper does not serve us. */
static int handle(struct helper_call *c, json_object *message, int *ret_error,
                  const char **ret_text)
{
        json_object *more;

        if (!message || !json_object_is_type(message, json_type_object) ||
            json_object_array_length(c->messages) >= MESSAGES_MAX)
                return -EBADMSG;
        if (!json_object_object_get_ex(message, "id", NULL))
                return -EPERM;
        if (is_error(message, ret_error, ret_text))
                return 1;
        json_object_array_add(c->messages, json_object_get(message));
        return json_object_object_get_ex(message, "more", &more) && json_object_get_boolean(more)
                       ? 0
                       : 1;
}

static void on_message(const char *text, size_t size, void *userdata)
{
        struct helper_call *c = userdata;
        json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
        json_object *message = tokener ? json_tokener_parse_ex(tokener, text, (int)size) : NULL;
        const char *error_text = "";
        int error = 0, r = handle(c, message, &error, &error_text);

        if (r == -EPERM && !c->asked_again) {
                /* The socket's helper refuses us: one of our own, once. */
                c->asked_again = true;
                inventory_link_refused(c->link);
                inventory_link_close(c->link);
                sd_event_source_set_enabled(c->start, SD_EVENT_ONESHOT);
        } else if (r < 0) {
                finish(c, r, "lxdsoak-helper's answer makes no sense");
        } else if (r > 0) {
                finish(c, error, error_text);
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
        struct helper_call *c = userdata;
        struct error err = ERROR_INIT;
        const char *text = json_object_to_json_string_ext(c->request, JSON_C_TO_STRING_PLAIN);
        int r = text ? inventory_link_open(c->link, &err) : -ENOMEM;

        if (r >= 0)
                r = inventory_link_send(c->link, text, strlen(text));
        if (r < 0) {
                error_set_errno(&err, r, "lxdsoak-helper could not be asked");
                finish(c, r, err.text);
        }
        return 0;
}

int helper_ask_with(sd_event *event, const char *helper, json_object *request, int64_t limit_ns,
                    helper_handler handler, void *userdata, struct helper_call **ret)
{
        struct helper_call *c = calloc(1, sizeof(*c));
        int r = 0;

        if (!c || !request) {
                json_object_put(request);
                free(c);
                return -ENOMEM;
        }
        c->handler = handler;
        c->userdata = userdata;
        c->request = request;
        c->messages = json_object_new_array();
        if (!c->messages || json_object_object_add(request, "id", json_object_new_int64(1)) < 0)
                r = -ENOMEM;
        if (r >= 0)
                r = inventory_link_new(event, helper, on_message, on_closed, c, &c->link);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC,
                                               (uint64_t)(limit_ns / NSEC_PER_USEC), 0,
                                               on_time_limit, c);
        if (r >= 0)
                r = sd_event_add_defer(event, &c->start, on_start, c);
        if (r < 0) {
                helper_call_cancel(c);
                return r;
        }
        *ret = c;
        return 0;
}

bool helper_did_something(json_object *messages, char *ret_error, size_t size)
{
        size_t n = messages ? json_object_array_length(messages) : 0;
        bool done = false;

        ret_error[0] = '\0';
        for (size_t i = 0; i < n; i++) {
                json_object *items, *error;

                if (!json_object_object_get_ex(json_object_array_get_idx(messages, i), "items",
                                               &items) ||
                    !json_object_is_type(items, json_type_array))
                        continue;
                for (size_t k = 0; k < json_object_array_length(items); k++) {
                        json_object *item = json_object_array_get_idx(items, k);

                        if (json_object_object_get_ex(item, "error", &error) &&
                            json_object_get_string_len(error) > 0)
                                snprintf(ret_error, size, "%s", json_object_get_string(error));
                        else
                                done = true;
                }
        }
        return done;
}
