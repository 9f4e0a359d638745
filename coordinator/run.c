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

#define SEEN_NS        (2 * NSEC_PER_SEC) /* how far it has come is noted so often */
#define WAIT_AGAIN_NS  (2 * NSEC_PER_SEC) /* to twice that */
#define STEAL_AGAIN_NS (1 * NSEC_PER_SEC)

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

static size_t count_ready(const struct run *run)
{
        size_t n = 0;

        for (size_t i = 0; i < fleet_n(run->fleet); i++)
                n += link_state(fleet_link(run->fleet, i)) == LINK_READY;
        return n;
}

/* Another coordinator has some. Who waits lets go of the others meanwhile, so that two that wait
 * for each other's hosts do not wait for ever. */
static void wait_for_hosts(struct run *run, int64_t now_ns)
{
        int64_t pause_ns = STEAL_AGAIN_NS;
        uint16_t random = 0;

        if (!run->waiting) {
                view_clear(run->view);
                fleet_say_unready(run->fleet);
                if (run->options->wait)
                        run_say(run, LOG_NOTICE, "waiting until they are free");
        }
        run->waiting = true;
        if (run->options->wait) {
                (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
                pause_ns = WAIT_AGAIN_NS + random * WAIT_AGAIN_NS / UINT16_MAX;
        }
        fleet_pause(run->fleet, run->options->wait, now_ns + pause_ns);
}

static void look_for_hosts(struct run *run, int64_t now_ns)
{
        int r = fleet_check(run->fleet, now_ns);

        if (r > 0)
                run_begin(run, now_ns);
        else if (r < 0 && (run->options->wait || run->options->steal) && fleet_is_busy(run->fleet))
                wait_for_hosts(run, now_ns);
        else if (r < 0 && run->past && count_ready(run) > 0)
                run_begin(run, now_ns);
        else if (r < 0) {
                view_clear(run->view);
                fleet_say_unready(run->fleet);
                run_over(run);
        }
}

/* For a coordinator that may have to go on with it. */
static void note_seen(struct run *run, int64_t now_ns)
{
        struct error err = ERROR_INIT;

        if (now_ns - run->seen_ns < SEEN_NS || run->work_ended_ns)
                return;
        run->seen_ns = now_ns;
        if (store_set_seen(run->store, run_wall_ns(run, now_ns), now_realtime_ns(), &err) < 0)
                run_fail(run, &err);
}

static void on_tick(struct fleet *f, int64_t now_ns, void *userdata)
{
        struct run *run = userdata;

        if (fleet_late_ns(f))
                run_say(run, LOG_INFO, "stood still for %" PRId64 " ms",
                        fleet_late_ns(f) / NSEC_PER_MSEC);
        if (run->stage == RUN_CONNECTING)
                look_for_hosts(run, now_ns);
        if (run->stage == RUN_WORKING || run->stage == RUN_ENDING) {
                note_seen(run, now_ns);
                run_commit(run);
                run_look_after_hosts(run, now_ns);
                run_look_at_thresholds(run, now_ns);
                run_work(run, now_ns);
        }
        if (run->abort_deadline_ns && now_ns > run->abort_deadline_ns && run->stage != RUN_OVER)
                run_over(run);
        run_textfile(run, now_ns);
        if (run->stage != RUN_OVER && view_due(run->view, now_ns))
                run_show(run, now_ns);
}

static int on_work(sd_event_source *s, void *userdata)
{
        run_work(userdata, now_monotonic_ns());
        return 0;
}

static int on_later(sd_event_source *s, uint64_t usec, void *userdata)
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
        if (r == 0)
                r = store_set_thresholds(run->store, &o->thresholds, err);
        for (size_t i = 0; r == 0 && i < o->thresholds.n; i++)
                r = string_list_add(&run->threshold_texts, o->thresholds.items[i]);
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
                r = sd_event_add_time(run->event, &run->later, CLOCK_MONOTONIC, 0, 1000, on_later,
                                      run);
        if (r >= 0)
                r = sd_event_source_set_enabled(run->later, SD_EVENT_OFF);
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
        int r = store_drop_leaks(run->store, err);

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
        int64_t wall_ns = run_wall_ns(run, now_monotonic_ns());
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
        if (r == 0)
                run_textfile_end(run, s);
        if (r < 0) {
                log_error("%s", err.text);
                return EXIT_INTERNAL;
        }
        if (run->started_ns || run->options->json)
                summary_show(s, run->options->json, run->options->verbose);
        if (run->started_ns && (s->leftovers_total || !run_all_finished(run) || run->spec.keep))
                run_say_cleanup(run);
        if (run->started_ns && s->verdict == VERDICT_INCONCLUSIVE && !run_all_finished(run))
                run_say_resume(run);
        return verdict_exit_code(s->verdict);
}

static int finish(struct run *run)
{
        struct error err = ERROR_INIT;
        int code;

        view_clear(run->view);
        /* It has not ended: what is in flight on the hosts is finished, and kept for whoever goes
         * on with it. */
        if (run->failed || run->taken) {
                run_say_resume(run);
                run_say_cleanup(run);
                return run->failed ? EXIT_INTERNAL : verdict_exit_code(VERDICT_STOPPED);
        }
        if (!run->started_ns && run->past) {
                run_say(run, LOG_ERR, "run %s does not go on: no host is there", run->id);
                return verdict_exit_code(run->interrupts ? VERDICT_STOPPED : VERDICT_INCONCLUSIVE);
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
        run->thresholds = run_thresholds_free(run->thresholds);
        string_list_clear(&run->threshold_texts);
        run->store = store_free(run->store);
        sd_event_source_disable_unref(run->work);
        sd_event_source_disable_unref(run->later);
        run->loop = loop_free(run->loop);
        sd_event_unref(run->event);
        fields_release(run_spec_fields, &run->spec);
        free(run->hosts);
        free(run->dirty);
        free(run->past);
        free(run->dir);
}

/* Names and keys first: where they are wrong, there is no run yet. */
static int connect_hosts(struct run *run)
{
        const struct fleet_config config = {
                .event = run->event,
                .options = run->options,
                .run = run->id,
                .epoch = run->epoch,
                .spec = &run->spec,
                .past = run->past,
                .ops = &run_link_ops,
                .userdata = run,
                .tick = on_tick,
        };

        return fleet_new(&config, &run->fleet);
}

static int work(struct run *run)
{
        int r;

        run_journal_started(run);
        r = loop_run(run->loop);
        if (r < 0) {
                log_error("the event loop failed: %s", strerror(-r));
                run->failed = true;
        }
        return finish(run);
}

static int store_trouble(int r, const struct error *err)
{
        log_error("%s", err->code ? err->text : strerror(-r));
        return r == -ENOSPC || r == -EIO || r == -ENOMEM ? EXIT_INTERNAL : EXIT_USAGE;
}

static int begin_new(struct run *run)
{
        struct error err = ERROR_INIT;
        int opened, r;

        run->epoch = 1;
        run->duration_ns = run->options->duration_ns;
        run->started_realtime_ns = now_realtime_ns();
        make_run_id(run->id);
        r = coord_options_to_spec(run->options, run->id, &run->spec, &err);
        if (r < 0) {
                log_error("%s", err.code ? err.text : strerror(-r));
                return EXIT_INTERNAL;
        }
        r = connect_hosts(run);
        if (r < 0 && r != -EHOSTUNREACH)
                return r == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL;
        opened = open_store(run, &err);
        if (opened < 0)
                return store_trouble(opened, &err);
        return r < 0 ? finish(run) : work(run);
}

/* It has come to its end before: what came of it. */
static int show_ended(struct run *run)
{
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        struct error err = ERROR_INIT;
        int r = summary_new(run->store, &s, &err);

        if (r == 0) /* its coordinator may not have lived to write it */
                r = store_set_verdict(run->store, s->verdict, &err);
        if (r < 0)
                return store_trouble(r, &err);
        log_notice("run %s has ended; nothing is left to do", run->id);
        summary_show(s, run->options->json, run->options->verbose);
        return verdict_exit_code(s->verdict);
}

static int go_on(struct run *run)
{
        struct error err = ERROR_INIT;
        int r = run_resume_open(run, &err);

        if (r > 0)
                return show_ended(run);
        if (r == 0)
                r = run_resume_plan(run, now_monotonic_ns(), &err);
        if (r < 0)
                return store_trouble(r, &err);
        r = connect_hosts(run);
        if (r == -EINVAL)
                return EXIT_USAGE;
        if (r < 0)
                return r == -EHOSTUNREACH ? finish(run) : EXIT_INTERNAL;
        return work(run);
}

int run_main(const struct coord_options *o)
{
        struct run run = {.options = o};
        int r;

        r = prepare(&run);
        if (r == 0)
                r = o->command == COORD_RESUME ? go_on(&run) : begin_new(&run);
        else
                r = EXIT_INTERNAL;
        run_release(&run);
        log_stop_thread();
        return r;
}
