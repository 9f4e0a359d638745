/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The beginning and the end of a run; see run.h. */

#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/run-internal.h"
#include "coordinator/run-journal.h"
#include "coordinator/run.h"
#include "report/summary.h"

static void make_run_id(char ret[static RUN_ID_SIZE])
{
        /* no letters that read like digits */
        static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
        uint8_t bytes[RUN_ID_SIZE - 1];

        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                abort(); /* cannot happen for so few bytes */
        for (size_t i = 0; i < sizeof(bytes); i++)
                ret[i] = alphabet[bytes[i] % 32];
        ret[sizeof(bytes)] = '\0';
}

void run_over(struct run *run)
{
        run->stage = RUN_OVER;
        sd_event_exit(run->event, 0);
}

void run_fail(struct run *run, const struct error *err)
{
        if (run->failed)
                return;
        run->failed = true;
        run_say(run, LOG_ERR, "%s", err->text);
        run_over(run);
}

static void on_tick(struct fleet *f, int64_t now_ns, void *userdata)
{
        struct run *run = userdata;
        int r;

        if (fleet_late_ns(f))
                run_say(run, LOG_INFO, "stood still for %" PRId64 " ms",
                        fleet_late_ns(f) / NSEC_PER_MSEC);
        if (run->stage == RUN_CONNECTING) {
                r = fleet_check(f, now_ns);
                if (r < 0) {
                        view_clear(run->view);
                        fleet_say_unready(f);
                        run_over(run);
                } else if (r > 0)
                        run_begin(run, now_ns);
        }
        if (run->stage == RUN_WORKING || run->stage == RUN_ENDING) {
                run_commit(run);
                run_look_after_hosts(run, now_ns);
                run_work(run, now_ns);
        }
        if (run->abort_deadline_ns && now_ns > run->abort_deadline_ns && run->stage != RUN_OVER)
                run_over(run);
        if (run->stage != RUN_OVER && view_due(run->view, now_ns))
                run_show(run, now_ns);
}

static int on_work(sd_event_source *s, void *userdata)
{
        run_work(userdata, now_monotonic_ns());
        return 0;
}

/* The run's directory and what is known of it from the beginning. */
static int open_store(struct run *run, struct error *err)
{
        const struct coord_options *o = run->options;
        int r;

        if (o->run_dir)
                run->dir = strdup(o->run_dir);
        else if (asprintf(&run->dir, "./lxdsoak-%s", run->id) < 0)
                run->dir = NULL;
        if (!run->dir)
                return -ENOMEM;
        run->made_dir = access(run->dir, F_OK) < 0;
        r = store_create(run->dir, &run->store, err);
        if (r < 0)
                return r;
        r = store_start_run(run->store, &run->spec, o->duration_ns, run->started_realtime_ns, err);
        for (size_t i = 0; r == 0 && i < o->n_hosts; i++) {
                size_t host;

                r = store_add_host(run->store, o->hosts[i].label, &host, err);
                if (r == 0 && host != i)
                        r = -EINVAL;
        }
        return r < 0 ? r : store_commit(run->store, err);
}

/* Nothing was done: leave nothing. */
static void remove_store(struct run *run)
{
        static const char *const suffixes[] = {"", "-wal", "-shm"};

        run->store = store_free(run->store);
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_(freep)
                char *path = NULL;

                if (asprintf(&path, "%s/" STORE_FILE "%s", run->dir, suffixes[i]) >= 0)
                        unlink(path);
        }
        if (run->made_dir)
                rmdir(run->dir);
}

/* Before the first connection. What is wrong has been said when it fails. */
static int prepare(struct run *run)
{
        const struct coord_options *o = run->options;
        struct error err = ERROR_INIT;
        int r;

        run->started_realtime_ns = now_realtime_ns();
        make_run_id(run->id);
        r = coord_options_to_spec(o, run->id, &run->spec, &err);
        if (r == 0)
                r = sd_event_default(&run->event);
        if (r >= 0)
                r = loop_new(run->event, &run->loop);
        if (r == 0)
                r = run_add_signals(run);
        if (r == 0)
                r = log_start_thread(false); /* a journal that stands still holds nobody up */
        if (r == 0)
                r = sd_event_add_defer(run->event, &run->work, on_work, run);
        if (r >= 0)
                r = sd_event_source_set_enabled(run->work, SD_EVENT_OFF);
        if (r >= 0)
                r = view_new(o->quiet, &run->view);
        run->hosts = calloc(o->n_hosts, sizeof(*run->hosts));
        run->dirty = calloc(o->n_hosts, sizeof(*run->dirty));
        if (r == 0 && (!run->hosts || !run->dirty))
                r = -ENOMEM;
        if (r < 0) {
                if (!err.code)
                        error_set_errno(&err, r, "cannot begin the run");
                log_error("%s", err.text);
        }
        return r;
}

/* Hosts that never came to a session: why. */
static void note_unreached(struct run *run)
{
        for (size_t i = 0; run->fleet && i < fleet_n(run->fleet); i++) {
                const struct link *l = fleet_link(run->fleet, i);

                if (link_state(l) == LINK_FAILED)
                        run_set_host(run, i, STORE_HOST_REFUSED, link_error(l));
                else if (link_state(l) != LINK_READY)
                        run_set_host(run, i, STORE_HOST_LOST, link_error(l));
        }
}

/* For anybody's SQL. */
static int keep_leaks(struct run *run, const struct summary *s, struct error *err)
{
        int r = 0;

        for (size_t i = 0; i < s->n_leaks && r == 0; i++) {
                const struct summary_leak *l = s->leaks + i;
                const struct store_leak leak = {
                        .host = l->host,
                        .kind = l->kind,
                        .what = l->what,
                        .per_unit = l->per_unit,
                        .low = l->low,
                        .high = l->high,
                        .total = l->total,
                        .accepted = l->accepted,
                };

                r = store_put_leak(run->store, &leak, err);
        }
        return r;
}

/* Verdict, summary, exit code. */
static int conclude(struct run *run)
{
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        int64_t wall_ns =
                run->started_ns ? (run->work_ended_ns ?: now_monotonic_ns()) - run->started_ns : 0;
        struct error err = ERROR_INIT;
        int r;

        run->ended_realtime_ns = now_realtime_ns();
        r = store_commit(run->store, &err);
        if (r == 0)
                r = store_end_run(run->store, run->ended_realtime_ns, wall_ns, &err);
        if (r == 0)
                r = summary_new(run->store, &s, &err);
        if (r == 0)
                r = keep_leaks(run, s, &err);
        if (r == 0)
                r = store_set_verdict(run->store, s->verdict, &err);
        if (r == 0)
                r = run_journal_ended(run, s, &err);
        if (r < 0) {
                log_error("%s", err.text);
                return EXIT_INTERNAL;
        }
        if (run->started_ns || run->options->json)
                summary_show(s, run->options->json, run->options->verbose);
        if (run->started_ns && (s->leftovers_total || !run_all_finished(run) || run->options->keep))
                run_say_cleanup(run);
        return verdict_exit_code(s->verdict);
}

static int finish(struct run *run)
{
        struct error err = ERROR_INIT;
        int code;

        view_clear(run->view);
        if (run->failed) {
                run_stop_all(run, STOP_MODE_ABORT, now_monotonic_ns());
                run_say_cleanup(run);
                return EXIT_INTERNAL;
        }
        if (!run->started_ns) {
                note_unreached(run);
                if (run->interrupts && store_set_stopped(run->store, &err) < 0)
                        log_error("%s", err.text);
        }
        code = conclude(run);
        if (!run->started_ns)
                remove_store(run);
        return code;
}

static void run_release(struct run *run)
{
        run->fleet = fleet_free(run->fleet);
        run->view = view_free(run->view);
        run->plan = plan_free(run->plan);
        run->store = store_free(run->store);
        sd_event_source_disable_unref(run->work);
        run->loop = loop_free(run->loop);
        sd_event_unref(run->event);
        fields_release(run_spec_fields, &run->spec);
        free(run->hosts);
        free(run->dirty);
        free(run->dir);
}

static int connect_and_work(struct run *run)
{
        const struct fleet_config config = {
                .event = run->event,
                .options = run->options,
                .run = run->id,
                .epoch = 1, /* of a new run; going on with an old one counts up from the store's */
                .spec = &run->spec,
                .ops = &run_link_ops,
                .userdata = run,
                .tick = on_tick,
        };
        struct error err = ERROR_INIT;
        int opened, r;

        r = fleet_new(&config, &run->fleet);
        if (r < 0 && r != -EHOSTUNREACH)
                return r == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
        opened = open_store(run, &err);
        if (opened < 0) {
                log_error("%s", err.code ? err.text : strerror(-opened));
                return opened == -ENOSPC || opened == -EIO || opened == -ENOMEM ? EXIT_INTERNAL
                                                                                : EXIT_USAGE;
        }
        if (r < 0)
                return finish(run);
        run_journal_started(run);
        r = loop_run(run->loop);
        if (r < 0) {
                log_error("the event loop failed: %s", strerror(-r));
                run->failed = true;
        }
        return finish(run);
}

int run_main(const struct coord_options *o)
{
        struct run run = {.options = o};
        int r;

        r = prepare(&run);
        if (r == 0)
                r = connect_and_work(&run);
        else
                r = EXIT_INTERNAL;
        run_release(&run);
        log_stop_thread();
        return r;
}
