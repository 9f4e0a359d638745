/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See run.h. Units begin in the order of their leases, as many at once as the
 * spec allows; a held unit does not count as in flight. */

#include "agent/run.h"

#include "agent/journal.h"
#include "agent/rests.h"
#include "agent/stock.h"
#include "base/clock.h"
#include "base/log.h"

#define SETTLE_LIMIT_NS  (300 * NSEC_PER_SEC)
#define VERIFY_GRACE_NS  (10 * NSEC_PER_SEC)
#define TICK_USEC        1000000
#define HOLD_NS          (2 * NSEC_PER_SEC)
#define HTTP_UNAVAILABLE 503
/* The daemon has not answered for so long: what is in flight is given up. */
#define GIVE_UP_NS (600 * NSEC_PER_SEC)
/* A full pool: so often one unit tries whether there is room. */
#define POOL_RETRY_NS (5 * NSEC_PER_SEC)

struct slot {
        struct slot *prev, *next;
        struct run *run;
        struct runner *runner;
        bool held, unwinding;
};

struct run {
        struct run_deps deps;
        struct run_spec spec;
        struct source_info source;
        bool has_source;
        struct runner_env env;
        struct leases leases;
        struct slot *slots; /* oldest last */
        int64_t n_in_flight, n_held;
        int64_t n_passed, n_failed;
        sd_event_source *tick, *pump;
        bool stopping, keep, stopped;
        int64_t hold_until_ns; /* LXD is away: nothing is begun till then */
        enum stop_mode mode;
        struct stock *stock;
        struct wedges *wedges;
        struct rests *rests;
        json_object *leftovers; /* the stock's, once it was taken; borrowed */
        bool given_up;          /* nothing gets on, or a wedge was to end the run */
        int64_t wedged_in_a_row;
};

static void pump_soon(struct run *run)
{
        sd_event_source_set_enabled(run->pump, SD_EVENT_ONESHOT);
}

/* ---- units ---- */

static void slot_free(struct slot *slot)
{
        struct run *run = slot->run;

        if (slot->held)
                run->n_held--;
        else
                run->n_in_flight--;
        if (slot->prev)
                slot->prev->next = slot->next;
        else
                run->slots = slot->next;
        if (slot->next)
                slot->next->prev = slot->prev;
        runner_free(slot->runner);
        free(slot);
}

static struct slot *slot_new(struct run *run)
{
        struct slot *slot = calloc(1, sizeof(*slot));

        if (!slot)
                return NULL;
        slot->run = run;
        slot->next = run->slots;
        if (run->slots)
                run->slots->prev = slot;
        run->slots = slot;
        run->n_in_flight++;
        return slot;
}

static struct slot *slot_of(struct run *run, const struct runner *runner)
{
        struct slot *slot = run->slots;

        while (slot && slot->runner != runner)
                slot = slot->next;
        return slot;
}

/* No answer, or "shutting down": the next unit would only fail as fast as it is
 * begun, and a second without LXD would use up the whole quota. */
static bool is_away(const struct record *record)
{
        return record->sample.result == RESULT_LOST ||
               (record->sample.result == RESULT_FAIL &&
                record->sample.error_code == HTTP_UNAVAILABLE);
}

/* For a clean-up, which may come after this run and after this agent. */
static void suspect(struct run *run, const struct record *record, const char *instance)
{
        struct suspect suspect = {0};

        snprintf(suspect.instance, sizeof(suspect.instance), "%s", instance);
        snprintf(suspect.project, sizeof(suspect.project), "%s", run->spec.project);
        snprintf(suspect.run, sizeof(suspect.run), "%s", run->spec.run);
        snprintf(suspect.unit, sizeof(suspect.unit), "%lld", (long long)record->unit);
        if (record->leftover.kind == LEFTOVER_VETH)
                veths_add(suspect.veths, record->leftover.name);
        suspects_add(run->deps.suspects, &suspect);
}

static void on_record(const struct record *record, const char *instance, void *userdata)
{
        struct run *run = userdata;

        journal_record(&run->spec, run->deps.agent_id, record, instance);
        if (record->kind == RECORD_SAMPLE && is_away(record))
                run->hold_until_ns = now_monotonic_ns() + HOLD_NS;
        if (record->kind == RECORD_SAMPLE && record->sample.result == RESULT_OK)
                wedges_progress(run->wedges, record->sample.phase, record->sample.duration_ns);
        if (record->kind != RECORD_LEFTOVER)
                return;
        stock_remember(run->stock, record, instance);
        suspect(run, record, instance);
}

static void on_held(struct runner *runner, struct record *record, void *userdata)
{
        struct run *run = userdata;

        slot_of(run, runner)->held = true;
        run->n_in_flight--;
        run->n_held++;
        record->held.live = run->n_held;
        record->held.mem_available = probe_mem_available(run->deps.probe);
        pump_soon(run);
}

static void on_end(struct runner *runner, enum outcome outcome, void *userdata)
{
        struct run *run = userdata;

        if (outcome == OUTCOME_PASSED)
                run->n_passed++;
        else if (outcome != OUTCOME_INTERRUPTED)
                run->n_failed++;
        if (outcome == OUTCOME_WEDGED)
                run->wedged_in_a_row++;
        else if (outcome == OUTCOME_PASSED)
                run->wedged_in_a_row = 0;
        rests_unit_ended(run->rests, now_monotonic_ns() - runner_start_ns(runner));
        slot_free(slot_of(run, runner));
        /* The coordinator waits for it. */
        if (!run->slots && run->leases.n == 0)
                spool_hurry(run->deps.spool);
        pump_soon(run);
}

static int begin_unit(struct run *run, const struct lease_part *part)
{
        struct slot *slot = slot_new(run);
        int r;

        if (!slot)
                return -ENOMEM;
        r = runner_new(&run->env, part->first, part->attempt, part->lease, &slot->runner);
        if (r < 0) {
                slot_free(slot);
                return r;
        }
        leases_begun(&run->leases, part->lease);
        rests_unit_begins(run->rests);
        return 0;
}

/* ---- leases ---- */

static void record_returned(struct run *run, int64_t lease, int64_t first, int64_t count,
                            const char *reason)
{
        struct record record = {.kind = RECORD_RETURNED, .unit = first, .lease = lease};
        int r;

        record.returned.first = first;
        record.returned.count = count;
        snprintf(record.returned.reason, sizeof(record.returned.reason), "%s", reason);
        r = outbox_add(run->deps.outbox, &record, -1, lease);
        if (r < 0)
                log_error("Lease %lld could not be given back: %s; it will expire",
                          (long long)lease, strerror(-r));
        else
                journal_record(&run->spec, run->deps.agent_id, &record, "");
}

static void return_leases(struct run *run, int64_t lease, const char *reason)
{
        struct lease_part part;

        while (leases_take(&run->leases, lease, &part))
                record_returned(run, part.lease, part.first, part.count, reason);
}

/* ---- wedges ---- */

/* Nothing is begun here any more; what is in flight goes on. */
static void give_up(struct run *run, const char *why)
{
        if (run->given_up)
                return;
        run->given_up = true;
        log_warning("Run %s: no unit is begun here any more: %s", run->spec.run, why);
        return_leases(run, 0, "wedge");
}

static void on_wedge_record(struct record *record, const char *instance, void *userdata)
{
        struct run *run = userdata;
        int r = outbox_add(run->deps.outbox, record, -1, 0);

        if (r < 0)
                log_error("A record of a wedge could not be kept: %s", strerror(-r));
        journal_record(&run->spec, run->deps.agent_id, record, instance);
        if (record->kind == RECORD_WEDGE && run->spec.on_wedge == ON_WEDGE_STOP)
                give_up(run, "a wedge was to end the run (--on-wedge stop)");
}

static void on_daemon(void *userdata)
{
        pump_soon(userdata);
}

static void abort_in_flight(struct run *run)
{
        struct slot *next;

        for (struct slot *slot = run->slots; slot; slot = next) {
                next = slot->next;
                if (!slot->held) /* the pump unwinds those, a few at a time */
                        runner_abort(slot->runner);
        }
}

/* When nothing makes progress any more, the run does not wait for a person. */
static void look_for_progress(struct run *run)
{
        if (run->wedged_in_a_row >= MAX(run->spec.parallel, INT64_C(10)))
                give_up(run, "unit after unit wedged, and none passed");
        if (wedges_daemon_away_ns(run->wedges) < GIVE_UP_NS || run->given_up)
                return;
        give_up(run, "the daemon has not answered for ten minutes");
        abort_in_flight(run);
}

static void watch_units(struct run *run)
{
        int64_t now = now_monotonic_ns();
        const struct slot *oldest = NULL;
        struct slot *next;

        for (struct slot *slot = run->slots; slot; slot = next) {
                next = slot->next;
                runner_watch(slot->runner, now);
                if (!slot->held)
                        oldest = slot; /* they are in order */
        }
        probe_set_instance(run->deps.probe, run->spec.project,
                           oldest ? runner_name(oldest->runner) : "");
        look_for_progress(run);
}

static int64_t count_late(const struct run *run)
{
        int64_t n = 0, now = now_monotonic_ns(), since;
        enum phase p;

        for (const struct slot *slot = run->slots; slot; slot = slot->next)
                n += !slot->held && runner_phase(slot->runner, &p, &since) &&
                     pace_is_late(wedges_pace(run->wedges), p, now - since);
        return n;
}

/* ---- the pump: begins what may begin, unwinds what is to be unwound ---- */

static const char *density_limit(struct run *run)
{
        int64_t free_now = probe_mem_available(run->deps.probe);

        if (run->spec.mode != MODE_DENSITY)
                return NULL;
        if (run->n_failed > 0)
                return "error";
        /* What is in flight has not taken its memory yet; the probe is a second
         * old at most. */
        if (free_now >= 0 && free_now < run->spec.min_free)
                return "min-free";
        return NULL;
}

static int64_t count_leased(const struct run *run)
{
        int64_t n = 0;

        for (size_t i = 0; i < run->leases.n; i++)
                n += run->leases.items[i].count;
        return n;
}

static bool may_begin(int64_t unit, void *userdata)
{
        const struct run *run = userdata;

        for (const struct slot *slot = run->slots; slot; slot = slot->next)
                if (runner_unit(slot->runner) == unit)
                        return false;
        return true;
}

static void begin_units(struct run *run)
{
        struct lease_part part;

        while (!rests_hold(run->rests, count_leased(run), run->n_in_flight) &&
               run->n_in_flight < run->spec.parallel &&
               leases_next(&run->leases, now_monotonic_ns(), may_begin, run, &part)) {
                const char *limit = density_limit(run);
                int r;

                if (limit) {
                        return_leases(run, 0, limit);
                        return;
                }
                if (now_monotonic_ns() < run->hold_until_ns || wedges_daemon_is_away(run->wedges))
                        return;
                if (wedges_pool_is_full(run->wedges))
                        run->hold_until_ns = now_monotonic_ns() + POOL_RETRY_NS;
                if (!run->has_source || outbox_disk_trouble(run->deps.outbox) ||
                    outbox_pending(run->deps.outbox) > SPOOL_RECORDS_MAX / 2)
                        return; /* the tick looks again */
                r = begin_unit(run, &part);
                if (r < 0) {
                        log_error("No unit can be begun: %s", strerror(-r));
                        return;
                }
        }
}

static void release_held(struct run *run)
{
        struct slot *slot = run->slots;

        while (slot && (run->keep || run->n_in_flight < run->spec.parallel)) {
                struct slot *next = slot->next;

                if (slot->held && run->keep) {
                        runner_keep(slot->runner); /* frees the slot */
                } else if (slot->held) {
                        slot->held = false;
                        run->n_held--;
                        run->n_in_flight++;
                        runner_finish(slot->runner);
                }
                slot = next;
        }
}

static void on_over(void *userdata)
{
        struct run *run = userdata;

        run->stopped = true;
        wedges_stop(run->wedges);
        run->deps.on_stopped(run, run->leftovers, run->deps.userdata);
}

/* What was cut short, or stays, is no steady point. */
static void on_stock(json_object *leftovers, void *userdata)
{
        struct run *run = userdata;

        run->leftovers = leftovers;
        if (run->mode == STOP_MODE_ABORT || run->keep || wedges_daemon_is_away(run->wedges) ||
            !rests_after(run->rests, on_over))
                on_over(run);
}

static int on_pump(sd_event_source *s, void *userdata)
{
        struct run *run = userdata;

        if (!run->stopping) {
                begin_units(run);
                return 0;
        }
        release_held(run);
        if (!run->slots && !run->stopped)
                stock_take(run->stock, run->keep, on_stock, run);
        return 0;
}

static void return_expired(struct run *run, int64_t now_ns)
{
        struct lease_part part;
        size_t n = 0;

        for (; leases_take_expired(&run->leases, now_ns, &part); n++)
                record_returned(run, part.lease, part.first, part.count, "expired");
        if (n > 0)
                log_warning("Run %s: its coordinator was silent for too long; what was not begun "
                            "is given back",
                            run->spec.run);
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct run *run = userdata;

        return_expired(run, now_monotonic_ns());
        watch_units(run);
        pump_soon(run);
        sd_event_source_set_time_relative(s, TICK_USEC);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

/* ---- the interface ---- */

static int split_commands(struct run *run, struct error *err)
{
        const struct string_list *exec = &run->spec.exec;

        if (exec->n > EXEC_COMMANDS_MAX)
                return error_set(err, -E2BIG, "at most %d commands", EXEC_COMMANDS_MAX);
        for (size_t i = 0; i < exec->n; i++) {
                int r = split_command(exec->items[i], &run->env.argv[i]);

                if (r < 0)
                        return error_set(err, r, "command \"%s\" is empty or has an open quote",
                                         exec->items[i]);
        }
        return 0;
}

static void setup_env(struct run *run)
{
        run->env.event = run->deps.event;
        run->env.lxd = run->deps.lxd;
        run->env.inventory = run->deps.inventory;
        run->env.spool = run->deps.spool;
        run->env.outbox = run->deps.outbox;
        run->env.agent_id = run->deps.agent_id;
        run->env.spec = &run->spec;
        run->env.source = &run->source;
        run->env.on_record = on_record;
        run->env.on_held = on_held;
        run->env.on_end = on_end;
        run->env.userdata = run;
        run->env.plan = (struct unit_plan){
                .phases = (unsigned)run->spec.phases,
                .n_exec = run->spec.exec.n,
                .hold = run->spec.mode == MODE_DENSITY,
                .verify_grace_ns = VERIFY_GRACE_NS,
                .settle_limit_ns = SETTLE_LIMIT_NS,
        };
        run->env.plan.diagnose = true;
        run->env.plan.leave_wedged = run->spec.on_wedge != ON_WEDGE_RECOVER;
        run->env.plan.may_restart = run->spec.allow_daemon_restart;
        memcpy(run->env.plan.deadline_ns, run->spec.deadline_ns, sizeof(run->spec.deadline_ns));
}

static void on_census(struct record *record, void *userdata)
{
        run_put_record(userdata, record);
}

static void on_resume(void *userdata)
{
        pump_soon(userdata);
}

static int begin_rests(struct run *run, struct error *err)
{
        struct rests_deps deps = {
                .event = run->deps.event,
                .lxd = run->deps.lxd,
                .inventory = run->deps.inventory,
                .spec = &run->spec,
                .on_record = on_census,
                .on_resume = on_resume,
                .userdata = run,
        };
        int r = rests_new(&deps, &run->rests);

        return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int begin_watch(struct run *run, struct error *err)
{
        struct wedges_deps deps = {
                .event = run->deps.event,
                .lxd_socket = lxd_socket_path(run->deps.lxd),
                .inventory = run->deps.inventory,
                .evidence = run->deps.evidence,
                .probe = run->deps.probe,
                .spec = &run->spec,
                .on_record = on_wedge_record,
                .on_daemon = on_daemon,
                .userdata = run,
        };
        int r = wedges_new(&deps, &run->wedges);

        if (r < 0)
                return error_set_errno(err, r, "the watch for wedges cannot begin");
        run->env.wedges = run->wedges;
        return 0;
}

int run_new(const struct run_deps *deps, struct run_spec *spec, struct run **ret, struct error *err)
{
        _cleanup_(run_freep)
        struct run *run = calloc(1, sizeof(*run));
        int r;

        if (!run) {
                fields_release(run_spec_fields, spec);
                return error_set(err, -ENOMEM, "out of memory");
        }
        run->deps = *deps;
        run->spec = *spec;
        *spec = (struct run_spec){0};
        setup_env(run);
        r = split_commands(run, err);
        if (r < 0)
                return r;
        r = begin_watch(run, err);
        if (r >= 0)
                r = begin_rests(run, err);
        if (r < 0)
                return r;
        r = stock_new(&run->env, &run->stock);
        if (r < 0)
                return error_set(err, r, "out of memory");
        r = sd_event_add_time_relative(deps->event, &run->tick, CLOCK_MONOTONIC, TICK_USEC, 1000,
                                       on_tick, run);
        if (r >= 0)
                r = sd_event_add_defer(deps->event, &run->pump, on_pump, run);
        if (r < 0)
                return error_set_errno(err, r, "no event source");
        sd_event_source_set_enabled(run->pump, SD_EVENT_OFF);
        *ret = TAKE(run);
        return 0;
}

struct run *run_free(struct run *run)
{
        if (!run)
                return NULL;
        while (run->slots)
                slot_free(run->slots);
        rests_free(run->rests);
        leases_deinit(&run->leases);
        stock_free(run->stock);
        wedges_free(run->wedges);
        sd_event_source_disable_unref(run->tick);
        sd_event_source_disable_unref(run->pump);
        for (size_t i = 0; i < EXEC_COMMANDS_MAX; i++)
                string_list_clear(&run->env.argv[i]);
        json_object_put(run->source.profiles);
        fields_release(run_spec_fields, &run->spec);
        free(run);
        return NULL;
}

const struct run_spec *run_get_spec(const struct run *run)
{
        return &run->spec;
}

void run_set_source(struct run *run, struct source_info *source)
{
        json_object_put(run->source.profiles);
        run->source = *source;
        source->profiles = NULL;
        run->has_source = true;
        if (!run->slots) /* else an earlier agent's units are in flight */
                rests_before(run->rests);
        pump_soon(run);
}

bool run_has_source(const struct run *run)
{
        return run->has_source;
}

bool run_has_begun(const struct run *run)
{
        return run->leases.newest > 0;
}

bool run_knows_lease(const struct run *run, int64_t lease)
{
        return leases_know(&run->leases, lease);
}

int run_add_lease(struct run *run, const struct msg_lease *msg)
{
        struct lease_part part = {msg->lease, msg->first, msg->count, msg->attempt};
        int r = leases_add(&run->leases, &part, msg->ttl_ns);

        if (r < 0)
                return r;
        if (run->stopping || run->given_up)
                return_leases(run, 0, run->stopping ? "drain" : "wedge");
        pump_soon(run);
        return 0;
}

void run_revoke(struct run *run, int64_t lease)
{
        return_leases(run, lease, "revoked");
}

void run_set_newest_lease(struct run *run, int64_t lease)
{
        run->leases.newest = lease;
}

void run_echo(struct run *run, int64_t stamp_ns, int64_t now_ns)
{
        leases_echo(&run->leases, stamp_ns, now_ns);
}

static bool holds(json_object *list, int64_t lease)
{
        for (size_t i = 0; i < json_object_array_length(list); i++)
                if (json_object_get_int64(json_object_array_get_idx(list, i)) == lease)
                        return true;
        return false;
}

json_object *run_list_leases(const struct run *run)
{
        json_object *list = json_object_new_array();

        for (size_t i = 0; list && i < run->leases.n; i++)
                json_object_array_add(list, json_object_new_int64(run->leases.items[i].lease));
        for (const struct slot *slot = run->slots; list && slot; slot = slot->next)
                if (!holds(list, runner_lease(slot->runner)))
                        json_object_array_add(list,
                                              json_object_new_int64(runner_lease(slot->runner)));
        return list;
}

int run_recover(struct run *run, int64_t unit, int64_t attempt, int64_t lease)
{
        struct slot *slot = slot_new(run);
        char name[NAME_SIZE], key[24];
        int r;

        if (!slot)
                return -ENOMEM;
        instance_name(&run->spec, unit, name);
        snprintf(key, sizeof(key), "%lld", (long long)unit);
        r = runner_new_removal(&run->env, name, key, unit, attempt, lease, &slot->runner);
        if (r < 0)
                slot_free(slot);
        return r;
}

void run_return_lease(struct run *run, int64_t lease, int64_t first, int64_t count,
                      const char *reason)
{
        record_returned(run, lease, first, count, reason);
}

void run_stop(struct run *run, enum stop_mode mode, bool keep)
{
        if (run->stopping && mode <= run->mode)
                return;
        if (!run->stopping)
                rests_stop(run->rests);
        run->stopping = true;
        run->mode = mode;
        run->keep = keep && mode != STOP_MODE_ABORT;
        return_leases(run, 0, "drain");
        if (mode == STOP_MODE_ABORT)
                abort_in_flight(run);
        pump_soon(run);
}

void run_put_record(struct run *run, struct record *record)
{
        int r = outbox_add(run->deps.outbox, record, -1, 0);

        if (r < 0)
                log_error("A record of the host could not be kept: %s", strerror(-r));
        else
                journal_record(&run->spec, run->deps.agent_id, record, "");
}

void run_tell_again(struct run *run, const char *row)
{
        json_object *json = json_tokener_parse(row);
        struct record record;
        struct error err = ERROR_INIT;
        char instance[NAME_SIZE] = "";

        if (json && record_decode(json, &record, &err) == 0) {
                if (record.unit > 0 && record.kind != RECORD_RETURNED)
                        instance_name(&run->spec, record.unit, instance);
                journal_record(&run->spec, run->deps.agent_id, &record, instance);
        }
        json_object_put(json);
}

bool run_is_stopping(const struct run *run)
{
        return run->stopping;
}

bool run_is_stopped(const struct run *run)
{
        return run->stopped;
}

void run_fill(const struct run *run, struct msg_pong *ret)
{
        int64_t oldest = 0, now = now_monotonic_ns();

        for (const struct slot *slot = run->slots; slot; slot = slot->next)
                if (!slot->held)
                        oldest = MAX(oldest, now - runner_start_ns(slot->runner));
        ret->in_flight = run->n_in_flight;
        ret->held = run->n_held;
        ret->oldest_ns = oldest;
        ret->wedges = wedges_count(run->wedges);
        ret->late = count_late(run);
}

void run_describe(const struct run *run, char *buf, size_t size)
{
        snprintf(buf, size, "run %s: %lld in flight, %lld held, %lld passed, %lld failed%s",
                 run->spec.run, (long long)run->n_in_flight, (long long)run->n_held,
                 (long long)run->n_passed, (long long)run->n_failed,
                 run->stopped    ? ", over"
                 : run->stopping ? ", ending"
                                 : "");
}
