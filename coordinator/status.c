/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking at hosts, and asking for an end; see status.h. */

#include "coordinator/status.h"

#include <inttypes.h>
#include <signal.h>

#include "base/clock.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/parse.h"
#include "coordinator/fleet.h"
#include "report/table.h"

#define ASK_AGAIN_NS (1 * NSEC_PER_SEC)

struct look {
        const struct coord_options *options;
        sd_event *event;
        struct fleet *fleet;
        struct look_host {
                bool done;
                int64_t asked_ns;
        } * hosts;
        int64_t begun_ns;
        size_t n_missing;
        bool stopped;
};

static bool has_run(const struct look *look, const struct link *l)
{
        const char *run = link_welcome(l)->run;

        return *run && (!look->options->run || streq(run, look->options->run));
}

static void on_pong(struct link *l, const struct msg_pong *pong, void *userdata)
{
        struct look *look = userdata;
        struct look_host *h = &look->hosts[link_index(l)];

        /* to be stopped: the agent says that it knows */
        h->done = look->options->command == COORD_STATUS || !has_run(look, l) || pong->stop_by[0];
}

static const struct link_ops link_ops = {.pong = on_pong};

static void on_tick(struct fleet *f, int64_t now_ns, void *userdata)
{
        struct look *look = userdata;
        size_t open = 0;

        for (size_t i = 0; i < fleet_n(f); i++) {
                struct link *l = fleet_link(f, i);
                struct look_host *h = &look->hosts[i];

                if (h->done || link_state(l) == LINK_FAILED)
                        continue;
                open++;
                if (link_state(l) == LINK_READY && look->options->command == COORD_STOP &&
                    now_ns - h->asked_ns >= ASK_AGAIN_NS) {
                        h->asked_ns = now_ns;
                        link_ask_stop(l);
                }
        }
        if (open == 0 || now_ns - look->begun_ns > look->options->connect_timeout_ns)
                sd_event_exit(look->event, 0);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct look *look = userdata;

        look->stopped = true;
        sd_event_exit(look->event, 0);
        return 0;
}

/* ---- what there is to see ---- */

static const char *state_of(const struct msg_welcome *w, char buf[static 64])
{
        if (!w->run[0])
                return "idle";
        if (!w->driver[0])
                return "its coordinator is gone";
        if (w->silent_ns < 10 * NSEC_PER_SEC)
                return "driven";
        snprintf(buf, 64, "silent for %" PRId64 " s", w->silent_ns / NSEC_PER_SEC);
        return buf;
}

static void add_row(struct table *t, const struct link *l)
{
        const struct msg_welcome *w = link_welcome(l);
        const struct msg_pong *pong = link_pong(l, NULL);
        char since[32], state[64];

        table_cell(t, link_label(l));
        table_cell(t, w->version);
        table_cell(t, w->server[0] ? w->server : NULL);
        table_cell(t, w->run[0] ? w->run : NULL);
        table_cell(t, w->driver[0] ? w->driver : NULL);
        table_cell(t, w->driver[0] ? format_duration(w->since_ns / NSEC_PER_SEC * NSEC_PER_SEC,
                                                     since, sizeof(since))
                                   : NULL);
        table_cellf(t, "%" PRId64, pong->in_flight);
        table_cellf(t, "%" PRId64, pong->held);
        table_cell(t, state_of(w, state));
}

static void print_table(const struct look *look)
{
        static const char *const head[] = {"host", "lxdsoak",   "server", "run",   "driven by",
                                           "for",  "in flight", "held",   "state", NULL};
        struct table t;

        table_init(&t, "llllllrrl");
        table_row(&t, head);
        for (size_t i = 0; i < fleet_n(look->fleet); i++)
                if (look->hosts[i].done)
                        add_row(&t, fleet_link(look->fleet, i));
        table_print(&t, "", stdout);
        table_deinit(&t);
}

static json_object *host_json(const struct link *l, bool done)
{
        const struct msg_welcome *w = link_welcome(l);
        json_object *o = json_object_new_object();

        json_object_object_add(o, "reached", json_object_new_boolean(done));
        if (!done) {
                json_object_object_add(o, "error", json_object_new_string(link_error(l)));
                return o;
        }
        json_object_object_add(o, "version", json_object_new_string(w->version));
        json_object_object_add(o, "server", json_object_new_string(w->server));
        json_object_object_add(o, "hostname", json_object_new_string(w->hostname));
        json_object_object_add(o, "agent_id", json_object_new_string(w->agent_id));
        json_object_object_add(o, "run", w->run[0] ? json_object_new_string(w->run) : NULL);
        json_object_object_add(o, "driver",
                               w->driver[0] ? json_object_new_string(w->driver) : NULL);
        json_object_object_add(o, "since_ns", json_object_new_int64(w->since_ns));
        json_object_object_add(o, "silent_ns", json_object_new_int64(w->silent_ns));
        json_object_object_add(o, "in_flight",
                               json_object_new_int64(link_pong(l, NULL)->in_flight));
        json_object_object_add(o, "held", json_object_new_int64(link_pong(l, NULL)->held));
        return o;
}

static void print_json(const struct look *look)
{
        json_object *hosts = json_object_new_object(), *all = json_object_new_object();

        for (size_t i = 0; i < fleet_n(look->fleet); i++)
                json_object_object_add(hosts, link_label(fleet_link(look->fleet, i)),
                                       host_json(fleet_link(look->fleet, i), look->hosts[i].done));
        json_object_object_add(all, "hosts", hosts);
        printf("%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
        json_object_put(all);
}

static void print_asked(const struct look *look)
{
        for (size_t i = 0; i < fleet_n(look->fleet); i++) {
                const struct link *l = fleet_link(look->fleet, i);
                const struct msg_welcome *w = look->hosts[i].done ? link_welcome(l) : NULL;

                if (!w)
                        continue;
                if (!has_run(look, l))
                        printf("%s: no such run here\n", link_label(l));
                else if (w->driver[0] && w->silent_ns < 10 * NSEC_PER_SEC)
                        printf("%s: run %s: %s is asked to stop it; %" PRId64 " in flight\n",
                               link_label(l), w->run, w->driver, link_pong(l, NULL)->in_flight);
                else
                        printf("%s: run %s: its coordinator is gone; nothing new begins, %" PRId64
                               " in flight\n",
                               link_label(l), w->run, link_pong(l, NULL)->in_flight);
        }
}

/* ---- the commands ---- */

static int look_at(struct look *look)
{
        const struct fleet_config config = {
                .event = look->event,
                .options = look->options,
                .run = "",
                .ops = &link_ops,
                .userdata = look,
                .tick = on_tick,
        };
        _cleanup_(loop_freep)
        struct loop *loop = NULL;
        int r;

        r = fleet_new(&config, &look->fleet);
        if (r == -EHOSTUNREACH)
                return verdict_exit_code(VERDICT_INCONCLUSIVE);
        if (r < 0)
                return r == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
        look->begun_ns = now_monotonic_ns();
        r = loop_new(look->event, &loop);
        if (r == 0)
                r = loop_run(loop);
        if (r < 0) {
                log_error("the event loop failed: %s", strerror(-r));
                return EXIT_INTERNAL;
        }
        if (look->stopped)
                return verdict_exit_code(VERDICT_STOPPED);
        if (look->options->command == COORD_STOP)
                print_asked(look);
        else if (look->options->json)
                print_json(look);
        else
                print_table(look);
        for (size_t i = 0; i < fleet_n(look->fleet); i++)
                if (!look->hosts[i].done) {
                        log_error("host %s: %s", link_label(fleet_link(look->fleet, i)),
                                  link_error(fleet_link(look->fleet, i)));
                        look->n_missing++;
                }
        return look->n_missing ? verdict_exit_code(VERDICT_INCONCLUSIVE) : EXIT_SUCCESS;
}

int status_main(const struct coord_options *o)
{
        struct look look = {.options = o};
        int r;

        look.hosts = calloc(o->n_hosts, sizeof(*look.hosts));
        r = look.hosts ? sd_event_default(&look.event) : -ENOMEM;
        if (r >= 0)
                r = sd_event_add_signal(look.event, NULL, SIGINT, on_signal, &look);
        if (r >= 0)
                r = sd_event_add_signal(look.event, NULL, SIGTERM, on_signal, &look);
        if (r >= 0)
                r = look_at(&look);
        else {
                log_error("cannot begin: %s", strerror(-r));
                r = EXIT_INTERNAL;
        }
        fleet_free(look.fleet);
        sd_event_unref(look.event);
        free(look.hosts);
        return r;
}
