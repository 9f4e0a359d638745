/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run: its beginning, its turns, and what it tells of itself; see run.h. */

#include "agent/run-internal.h"

#include "agent/journal.h"

#define SETTLE_LIMIT_NS (300 * NSEC_PER_SEC)
#define VERIFY_GRACE_NS (10 * NSEC_PER_SEC)
#define TICK_USEC       1000000

/* ---- its turns: once a second, and when something may be done ---- */

void run_pump_soon(struct run *run)
{
        sd_event_source_set_enabled(run->pump, SD_EVENT_ONESHOT);
}

static int on_pump(sd_event_source *s, void *userdata)
{
        struct run *run = userdata;

        if (run->stopping)
                run_end(run);
        else
                run_begin_units(run);
        return 0;
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct run *run = userdata;
        int64_t now_ns = now_monotonic_ns();

        run_return_expired(run, now_ns);
        run_watch_units(run, now_ns);
        run_look_for_progress(run);
        run_pump_soon(run);
        sd_event_source_set_time_relative(s, TICK_USEC);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

/* ---- records of no unit ---- */

int run_keep_record(struct run *run, struct record *record, int64_t returned_lease)
{
        int r = outbox_add(run->deps.outbox, record, -1, returned_lease);

        if (r >= 0)
                journal_record(&run->spec, run->deps.agent_id, record, "");
        return r;
}

void run_put_record(struct run *run, struct record *record)
{
        int r = run_keep_record(run, record, 0);

        if (r < 0)
                log_error("A record of the host could not be kept: %s", strerror(-r));
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

static void on_wedge_record(struct record *record, const char *instance, void *userdata)
{
        struct run *run = userdata;
        int r = outbox_add(run->deps.outbox, record, -1, 0);

        if (r < 0)
                log_error("A record of a wedge could not be kept: %s", strerror(-r));
        journal_record(&run->spec, run->deps.agent_id, record, instance);
        if (record->kind == RECORD_WEDGE && run->spec.on_wedge == ON_WEDGE_STOP)
                run_give_up(run, "a wedge was to end the run (--on-wedge stop)");
}

static void on_daemon(void *userdata)
{
        run_pump_soon(userdata);
}

/* ---- the beginning ---- */

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
        run_listen_to_units(run);
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
        run_pump_soon(userdata);
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
        run_drop_units(run);
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

void run_set_source(struct run *run, struct source_info *source)
{
        json_object_put(run->source.profiles);
        run->source = *source;
        source->profiles = NULL;
        run->has_source = true;
        if (!run->slots) /* else an earlier agent's units are in flight */
                rests_before(run->rests);
        run_pump_soon(run);
}

/* ---- what it tells ---- */

const struct run_spec *run_get_spec(const struct run *run)
{
        return &run->spec;
}

bool run_has_source(const struct run *run)
{
        return run->has_source;
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
        ret->late = run_count_late(run, now);
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
