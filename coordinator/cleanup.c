/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cleaning up after runs; see cleanup.h. */

#include <signal.h>

#include "base/clock.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "base/loop.h"
#include "coordinator/cleanup.h"
#include "coordinator/fleet.h"

#define SILENT_MAX_NS (60 * NSEC_PER_SEC)
#define SAY_EVERY_NS  (5 * NSEC_PER_SEC)

struct cleanup {
        const struct coord_options *options;
        sd_event *event;
        struct fleet *fleet;
        json_object *items; /* --json: all of them, with their host */
        bool *done;
        bool begun, stopped;
        int64_t said_ns;
        size_t n_removed, n_failed, n_unreached;
};

static int verdict_code(const struct cleanup *c)
{
        if (c->stopped)
                return verdict_exit_code(VERDICT_STOPPED);
        if (c->n_failed)
                return verdict_exit_code(VERDICT_LEAK);
        return c->n_unreached ? verdict_exit_code(VERDICT_INCONCLUSIVE) : EXIT_SUCCESS;
}

static void keep_for_json(struct cleanup *c, const char *host, const struct msg_item *item)
{
        json_object *object;

        if (!c->options->json)
                return;
        object = fields_encode(msg_item_fields, item);
        if (!object)
                return;
        json_object_object_add(object, "host", json_object_new_string(host));
        json_object_array_add(c->items, object);
}

static void print_item(struct cleanup *c, const char *host, const struct msg_item *item)
{
        bool failed = streq(item->action, "failed");

        if (failed)
                c->n_failed++;
        else
                c->n_removed++;
        keep_for_json(c, host, item);
        if (c->options->json)
                return;
        if (failed)
                printf("%s: %s %s would not go: %s\n", host, item->kind, item->name, item->error);
        else
                printf("%s: %s %s %s%s%s%s\n", host, item->action, item->kind, item->name,
                       *item->run ? " (run " : "", item->run, *item->run ? ")" : "");
}

static void host_done(struct cleanup *c, size_t i)
{
        c->done[i] = true;
        for (size_t k = 0; k < fleet_n(c->fleet); k++)
                if (!c->done[k])
                        return;
        sd_event_exit(c->event, 0);
}

static void on_cleaned(struct link *l, const struct msg_cleaned *cleaned, void *userdata)
{
        struct cleanup *c = userdata;
        size_t n = cleaned->items ? json_object_array_length(cleaned->items) : 0;

        if (c->done[link_index(l)])
                return;
        for (size_t i = 0; i < n; i++) {
                struct msg_item item = {.unit = -1};
                struct error err = ERROR_INIT;

                if (fields_decode(msg_item_fields, json_object_array_get_idx(cleaned->items, i),
                                  &item, &err) < 0)
                        log_warning("host %s: an item that makes no sense: %s", link_label(l),
                                    err.text);
                else
                        print_item(c, link_label(l), &item);
        }
        if (!cleaned->done)
                return;
        if (*cleaned->error) {
                log_error("host %s: %s", link_label(l), cleaned->error);
                c->n_unreached++;
        }
        host_done(c, link_index(l));
}

static void on_state(struct link *l, enum link_state old, void *userdata)
{
        struct cleanup *c = userdata;

        if (!c->begun || c->done[link_index(l)] || link_state(l) != LINK_FAILED)
                return;
        log_error("host %s: %s", link_label(l), link_error(l));
        c->n_unreached++;
        host_done(c, link_index(l));
}

static const struct link_ops link_ops = {
        .state = on_state,
        .cleaned = on_cleaned,
};

static void begin(struct cleanup *c)
{
        const struct coord_options *o = c->options;
        struct msg_cleanup m = {.dry_run = o->dry_run};

        c->begun = true;
        c->said_ns = now_monotonic_ns();
        snprintf(m.run, sizeof(m.run), "%s", o->run ?: "");
        snprintf(m.project, sizeof(m.project), "%s", o->project ?: "");
        for (size_t i = 0; i < fleet_n(c->fleet); i++)
                if (link_state(fleet_link(c->fleet, i)) == LINK_READY)
                        link_cleanup(fleet_link(c->fleet, i), &m);
}

/* Hosts that answered are cleaned up, whatever the others do. */
static void begin_with_those_there(struct cleanup *c)
{
        begin(c);
        for (size_t i = 0; i < fleet_n(c->fleet); i++)
                if (link_state(fleet_link(c->fleet, i)) != LINK_READY) {
                        c->n_unreached++;
                        host_done(c, i);
                }
}

/* A line now and then, when it takes long. */
static void say_waiting(struct cleanup *c, int64_t now_ns)
{
        size_t n = 0, first = 0;

        if (c->options->quiet || now_ns - c->said_ns < SAY_EVERY_NS)
                return;
        c->said_ns = now_ns;
        for (size_t i = fleet_n(c->fleet); i-- > 0;)
                if (!c->done[i]) {
                        n++;
                        first = i;
                }
        fprintf(stderr, "cleaning up; waiting for %zu of %zu hosts: %s%s\n", n, fleet_n(c->fleet),
                link_label(fleet_link(c->fleet, first)), n > 1 ? " …" : "");
}

static void on_tick(struct fleet *f, int64_t now_ns, void *userdata)
{
        struct cleanup *c = userdata;
        int r;

        if (!c->begun) {
                r = fleet_check(f, now_ns);
                if (r > 0)
                        begin(c);
                else if (r < 0) {
                        fleet_say_unready(f);
                        begin_with_those_there(c);
                }
                return;
        }
        say_waiting(c, now_ns);
        for (size_t i = 0; i < fleet_n(f); i++) {
                struct link *l = fleet_link(f, i);

                if (c->done[i] || now_ns - link_heard_ns(l) < SILENT_MAX_NS)
                        continue;
                log_error("host %s: given up: %s", link_label(l), link_error(l));
                c->n_unreached++;
                host_done(c, i);
        }
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct cleanup *c = userdata;

        c->stopped = true;
        log_error("stopped; what the hosts have begun to remove, they go on removing");
        sd_event_exit(c->event, 0);
        return 0;
}

static void print_end(const struct cleanup *c)
{
        json_object *object;

        if (!c->options->json) {
                if (!c->n_removed && !c->n_failed && !c->n_unreached && !c->stopped)
                        printf("nothing to clean up\n");
                return;
        }
        object = json_object_new_object();
        json_object_object_add(object, "items", json_object_get(c->items));
        json_object_object_add(object, "removed", json_object_new_int64((int64_t)c->n_removed));
        json_object_object_add(object, "failed", json_object_new_int64((int64_t)c->n_failed));
        json_object_object_add(object, "hosts_unreached",
                               json_object_new_int64((int64_t)c->n_unreached));
        json_object_object_add(object, "dry_run", json_object_new_boolean(c->options->dry_run));
        json_object_object_add(object, "exit_code", json_object_new_int(verdict_code(c)));
        printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
        json_object_put(object);
}

static int prepare(struct cleanup *c)
{
        int r;

        c->items = json_object_new_array();
        c->done = calloc(c->options->n_hosts, sizeof(bool));
        if (!c->items || !c->done)
                return -ENOMEM;
        r = sd_event_default(&c->event);
        if (r >= 0)
                r = sd_event_add_signal(c->event, NULL, SIGINT, on_signal, c);
        if (r >= 0)
                r = sd_event_add_signal(c->event, NULL, SIGTERM, on_signal, c);
        return r;
}

static int clean(struct cleanup *c)
{
        const struct fleet_config config = {
                .event = c->event,
                .options = c->options,
                .run = c->options->run ?: "",
                .ops = &link_ops,
                .userdata = c,
                .tick = on_tick,
        };
        _cleanup_(loop_freep)
        struct loop *loop = NULL;
        int r;

        r = fleet_new(&config, &c->fleet);
        if (r == -EHOSTUNREACH)
                return verdict_exit_code(VERDICT_INCONCLUSIVE);
        if (r < 0)
                return r == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
        r = loop_new(c->event, &loop);
        if (r == 0)
                r = loop_run(loop);
        if (r < 0) {
                log_error("the event loop failed: %s", strerror(-r));
                return EXIT_INTERNAL;
        }
        print_end(c);
        return verdict_code(c);
}

int cleanup_main(const struct coord_options *o)
{
        struct cleanup c = {.options = o};
        int r;

        r = prepare(&c);
        if (r >= 0)
                r = clean(&c);
        else {
                log_error("cannot begin: %s", strerror(-r));
                r = EXIT_INTERNAL;
        }
        fleet_free(c.fleet);
        sd_event_unref(c.event);
        json_object_put(c.items);
        free(c.done);
        return r;
}
