/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fetching evidence; see evidence.h. */

#include "coordinator/evidence.h"

#include <signal.h>

#include "base/clock.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "base/loop.h"
#include "coordinator/evidence-files.h"
#include "coordinator/fleet.h"
#include "proto/names.h"

#define AGAIN_NS      (5 * NSEC_PER_SEC)
#define GIVE_UP_NS    (60 * NSEC_PER_SEC)
#define FILE_SIZE_MAX (INT64_C(1) << 30) /* --evidence-limit is at most that */

struct host {
        struct evidence_files files;
        json_object *directories, *names; /* still to fetch: of the run, of a directory */
        size_t directory, name;           /* which of them is being fetched */
        struct msg_evidence ask;          /* waiting for this */
        int64_t asked_ns, answered_ns;
        size_t n_fetched, n_had;
        bool done;
};

struct fetch {
        const struct coord_options *options;
        sd_event *event;
        struct fleet *fleet;
        struct host *hosts;
        bool begun, stopped;
        size_t n_fetched, n_had, n_failed;
};

static void host_done(struct fetch *f, size_t i)
{
        struct host *h = &f->hosts[i];

        h->done = true;
        f->n_fetched += h->n_fetched;
        f->n_had += h->n_had;
        for (size_t k = 0; k < fleet_n(f->fleet); k++)
                if (!f->hosts[k].done)
                        return;
        sd_event_exit(f->event, 0);
}

_printf_(3, 4) static void host_failed(struct fetch *f, size_t i, const char *format, ...)
{
        char text[ERROR_TEXT_MAX];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        log_error("host %s: %s", link_label(fleet_link(f->fleet, i)), text);
        f->n_failed++;
        host_done(f, i);
}

static void ask(struct fetch *f, size_t i)
{
        struct host *h = &f->hosts[i];

        h->asked_ns = now_monotonic_ns();
        link_evidence(fleet_link(f->fleet, i), &h->ask);
}

static const char *name_at(json_object *array, size_t i)
{
        json_object *item = json_object_array_get_idx(array, i);

        return json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";
}

/* The next directory that is not here yet, or the end. */
static int next_directory(struct fetch *f, size_t i)
{
        struct host *h = &f->hosts[i];

        for (; h->directory < json_object_array_length(h->directories); h->directory++) {
                const char *name = name_at(h->directories, h->directory);
                int r = -EBADMSG;

                if (startswith(name, f->options->run) && name[RUN_ID_SIZE - 1] == '-')
                        r = evidence_files_begin(&h->files, name);
                if (r < 0)
                        return r;
                if (r == 0) {
                        h->n_had++;
                        continue;
                }
                snprintf(h->ask.directory, sizeof(h->ask.directory), "%s", name);
                h->ask.file[0] = '\0';
                h->ask.offset = 0;
                ask(f, i);
                return 0;
        }
        host_done(f, i);
        return 0;
}

static int next_file(struct fetch *f, size_t i)
{
        struct host *h = &f->hosts[i];
        int r;

        if (h->name == json_object_array_length(h->names)) {
                r = evidence_files_end(&h->files);
                if (r < 0)
                        return r;
                if (!f->options->quiet)
                        printf("%s: %s\n", link_label(fleet_link(f->fleet, i)), h->ask.directory);
                h->n_fetched++;
                h->directory++;
                return next_directory(f, i);
        }
        r = evidence_files_next(&h->files, name_at(h->names, h->name));
        if (r < 0)
                return r;
        snprintf(h->ask.file, sizeof(h->ask.file), "%s", name_at(h->names, h->name));
        h->ask.offset = 0;
        ask(f, i);
        return 0;
}

static int take_part(struct fetch *f, size_t i, const struct msg_exhibit *m)
{
        struct host *h = &f->hosts[i];
        json_object *text = json_object_array_get_idx(m->items, 0);
        int n, r;

        if (json_object_array_length(m->items) != 1 || !json_object_is_type(text, json_type_string))
                return -EBADMSG;
        n = json_object_get_string_len(text);
        if (n > EVIDENCE_CHUNK_MAX || h->ask.offset + n > FILE_SIZE_MAX)
                return -EBADMSG;
        r = evidence_files_write(&h->files, json_object_get_string(text), (size_t)n);
        if (r < 0)
                return r;
        h->ask.offset += n;
        if (n > 0 && h->ask.offset < m->size) {
                ask(f, i);
                return 0;
        }
        h->name++;
        return next_file(f, i);
}

static int take(struct fetch *f, size_t i, const struct msg_exhibit *m)
{
        struct host *h = &f->hosts[i];

        if (h->ask.file[0])
                return take_part(f, i, m);
        if (h->ask.directory[0]) {
                json_object_put(h->names);
                h->names = json_object_get(m->items);
                h->name = 0;
                return next_file(f, i);
        }
        if (json_object_array_length(m->items) > EVIDENCE_DIRECTORY_MAX)
                return -EBADMSG;
        h->directories = json_object_get(m->items);
        return next_directory(f, i);
}

static void on_exhibit(struct link *l, const struct msg_exhibit *m, void *userdata)
{
        struct fetch *f = userdata;
        size_t i = link_index(l);
        struct host *h = &f->hosts[i];
        int r;

        /* the answer to a question that was asked twice, perhaps */
        if (h->done || !h->asked_ns || !streq(m->run, h->ask.run) ||
            !streq(m->directory, h->ask.directory) || !streq(m->file, h->ask.file) ||
            m->offset != h->ask.offset)
                return;
        h->answered_ns = now_monotonic_ns();
        if (*m->error) {
                host_failed(f, i, "%s%s%s", m->directory, *m->directory ? ": " : "", m->error);
                return;
        }
        r = take(f, i, m);
        if (r == -EBADMSG)
                host_failed(f, i, "what it says of its evidence makes no sense");
        else if (r < 0)
                host_failed(f, i, "cannot write below %s: %s", f->options->run_dir, strerror(-r));
}

static void on_state(struct link *l, enum link_state old, void *userdata)
{
        struct fetch *f = userdata;

        if (f->begun && !f->hosts[link_index(l)].done && link_state(l) == LINK_FAILED)
                host_failed(f, link_index(l), "%s", link_error(l));
}

static const struct link_ops link_ops = {
        .state = on_state,
        .exhibit = on_exhibit,
};

static void begin(struct fetch *f)
{
        f->begun = true;
        for (size_t i = 0; i < fleet_n(f->fleet); i++) {
                struct link *l = fleet_link(f->fleet, i);
                struct host *h = &f->hosts[i];
                int r;

                if (link_state(l) != LINK_READY) { /* was said */
                        f->n_failed++;
                        host_done(f, i);
                        continue;
                }
                r = evidence_files_open(f->options->run_dir, link_label(l), i, &h->files);
                if (r < 0) {
                        host_failed(f, i, "cannot write below %s: %s", f->options->run_dir,
                                    strerror(-r));
                        continue;
                }
                snprintf(h->ask.run, sizeof(h->ask.run), "%s", f->options->run);
                h->answered_ns = now_monotonic_ns();
                ask(f, i);
        }
}

static void on_tick(struct fleet *fleet, int64_t now_ns, void *userdata)
{
        struct fetch *f = userdata;

        if (!f->begun) {
                int r = fleet_check(fleet, now_ns);

                if (r < 0)
                        fleet_say_unready(fleet);
                if (r != 0)
                        begin(f);
                return;
        }
        for (size_t i = 0; i < fleet_n(fleet); i++) {
                struct host *h = &f->hosts[i];

                if (h->done)
                        continue;
                if (now_ns - h->answered_ns > GIVE_UP_NS)
                        host_failed(f, i, "given up: no answer for 60 s");
                else if (now_ns - h->asked_ns > AGAIN_NS)
                        ask(f, i);
        }
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct fetch *f = userdata;

        f->stopped = true;
        log_error("stopped; what was fetched whole stays");
        sd_event_exit(f->event, 0);
        return 0;
}

static int say_end(const struct fetch *f)
{
        if (f->n_fetched)
                printf("evidence of %zu wedge%s is in %s/evidence\n", f->n_fetched,
                       f->n_fetched == 1 ? "" : "s", f->options->run_dir);
        else if (f->n_had)
                printf("nothing new; what there is is in %s/evidence\n", f->options->run_dir);
        else if (!f->n_failed && !f->stopped)
                printf("no evidence of run %s is kept on %s\n", f->options->run,
                       fleet_n(f->fleet) == 1 ? "that host" : "these hosts");
        if (f->stopped)
                return verdict_exit_code(VERDICT_STOPPED);
        return f->n_failed ? verdict_exit_code(VERDICT_INCONCLUSIVE) : EXIT_SUCCESS;
}

static int fetch(struct fetch *f)
{
        const struct fleet_config config = {
                .event = f->event,
                .options = f->options,
                .run = "",
                .ops = &link_ops,
                .userdata = f,
                .tick = on_tick,
        };
        _cleanup_(loop_freep)
        struct loop *loop = NULL;
        int r = fleet_new(&config, &f->fleet);

        if (r == -EHOSTUNREACH)
                return verdict_exit_code(VERDICT_INCONCLUSIVE);
        if (r < 0)
                return r == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
        r = loop_new(f->event, &loop);
        if (r == 0)
                r = loop_run(loop);
        if (r < 0) {
                log_error("the event loop failed: %s", strerror(-r));
                return EXIT_INTERNAL;
        }
        return say_end(f);
}

int evidence_main(const struct coord_options *o)
{
        struct fetch f = {.options = o};
        int r;

        f.hosts = calloc(o->n_hosts, sizeof(*f.hosts));
        for (size_t i = 0; f.hosts && i < o->n_hosts; i++)
                f.hosts[i].files = (struct evidence_files){-1, -1, -1, ""};
        r = f.hosts ? sd_event_default(&f.event) : -ENOMEM;
        if (r >= 0)
                r = sd_event_add_signal(f.event, NULL, SIGINT, on_signal, &f);
        if (r >= 0)
                r = sd_event_add_signal(f.event, NULL, SIGTERM, on_signal, &f);
        if (r >= 0)
                r = fetch(&f);
        else {
                log_error("cannot begin: %s", strerror(-r));
                r = EXIT_INTERNAL;
        }
        fleet_free(f.fleet);
        sd_event_unref(f.event);
        for (size_t i = 0; f.hosts && i < o->n_hosts; i++) {
                evidence_files_close(&f.hosts[i].files);
                json_object_put(f.hosts[i].directories);
                json_object_put(f.hosts[i].names);
        }
        free(f.hosts);
        return r;
}
