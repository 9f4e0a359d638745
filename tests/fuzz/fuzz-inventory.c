/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the helper answers, as the agent reads it: each part of the input is one message. In the
 * place of the connection stands what is below.
 */

#include "agent/facts.h"
#include "agent/helper-wire.h"
#include "agent/inventory-link.h"
#include "agent/inventory.h"
#include "base/clock.h"
#include "tests/fuzz/parts.h"

struct inventory_link {
        inventory_link_message message;
        inventory_link_closed closed;
        void *userdata;
        int64_t id; /* of the newest request */
};

static struct inventory_link *the_link;

int inventory_link_new(sd_event *event, const char *helper, inventory_link_message message,
                       inventory_link_closed closed, void *userdata, struct inventory_link **ret)
{
        the_link = *ret = calloc(1, sizeof(**ret));
        require(*ret);
        **ret = (struct inventory_link){message, closed, userdata, 0};
        return 0;
}

struct inventory_link *inventory_link_free(struct inventory_link *l)
{
        free(l);
        the_link = NULL;
        return NULL;
}

int inventory_link_open(struct inventory_link *l, struct error *err)
{
        return 0;
}

void inventory_link_close(struct inventory_link *l)
{
}

void inventory_link_refused(struct inventory_link *l)
{
}

int inventory_link_send(struct inventory_link *l, const char *text, size_t size)
{
        const char *id = strstr(text, "\"id\":");

        require(id && size <= HELPER_MESSAGE_MAX);
        l->id = strtoll(id + 5, NULL, 10);
        return 0;
}

static void on_inventory(const struct inventory_answer *a, void *userdata)
{
        require(a->error <= 0 && a->error_text);
        for (size_t i = 0; i < a->n; i++)
                require((int)a->items[i].kind >= 0 && a->items[i].kind < LEFTOVER_MAX_);
        *(bool *)userdata = true;
}

/* "ID" in the input stands for the number of the request: else no answer would ever fit. */
static void deliver(const uint8_t *data, size_t size)
{
        char text[HELPER_MESSAGE_MAX + 1];
        char *given = fuzz_string(data, size), *id = strstr(given, "ID");
        int n;

        if (id)
                n = snprintf(text, sizeof(text), "%.*s%lld%s", (int)(id - given), given,
                             (long long)the_link->id, id + 2);
        else
                n = snprintf(text, sizeof(text), "%s", given);
        free(given);
        the_link->message(text, MIN((size_t)n, sizeof(text) - 1), the_link->userdata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct fuzz_parts rest = {data, size};
        struct inventory *inventory = NULL;
        struct inventory_query *query = NULL;
        sd_event *event = NULL;
        bool answered = false;
        const uint8_t *part;
        size_t n;

        require(sd_event_new(&event) >= 0);
        require(inventory_new(event, NULL, "/var/lib/lxd", &inventory) == 0);
        require(inventory_ask(inventory, "", "soak-abcd2345-1", "", on_inventory, &answered,
                              &query) == 0);
        for (int i = 0; i < 8 && !answered; i++) {
                while (sd_event_run(event, 0) > 0)
                        ;
                if (answered || !fuzz_part(&rest, &part, &n))
                        break;
                deliver(part, n);
        }
        if (!answered)
                inventory_cancel(query);
        inventory_free(inventory);
        sd_event_unref(event);
        return 0;
}
