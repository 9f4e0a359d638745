/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The units of a run: they begin in the order of the leases, as many at once as the spec allows,
 * are in flight, perhaps held, and end. A held unit does not count as in flight. See run.h. */

#include "agent/run-internal.h"

#include "agent/journal.h"
#include "base/list.h"

#define HOLD_NS          (2 * NSEC_PER_SEC)
#define HTTP_UNAVAILABLE 503
/* A full pool: so often one unit tries whether there is room. */
#define POOL_RETRY_NS (5 * NSEC_PER_SEC)

static void slot_free(struct slot *slot)
{
        struct run *run = slot->run;

        if (slot->held)
                run->n_held--;
        else
                run->n_in_flight--;
        LIST_REMOVE(run->slots, slot);
        runner_free(slot->runner);
        free(slot);
}

static struct slot *slot_new(struct run *run)
{
        struct slot *slot = calloc(1, sizeof(*slot));

        if (!slot)
                return NULL;
        slot->run = run;
        LIST_PREPEND(run->slots, slot);
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

/* ---- what the runners tell ---- */

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
        run_pump_soon(run);
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
        run_pump_soon(run);
}

void run_listen_to_units(struct run *run)
{
        run->env.on_record = on_record;
        run->env.on_held = on_held;
        run->env.on_end = on_end;
        run->env.userdata = run;
}

/* ---- beginning ---- */

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

static bool may_begin(int64_t unit, void *userdata)
{
        const struct run *run = userdata;

        for (const struct slot *slot = run->slots; slot; slot = slot->next)
                if (runner_unit(slot->runner) == unit)
                        return false;
        return true;
}

void run_begin_units(struct run *run)
{
        struct lease_part part;

        while (!rests_hold(run->rests, run_count_leased(run), run->n_in_flight) &&
               run->n_in_flight < run->spec.parallel &&
               leases_next(&run->leases, now_monotonic_ns(), may_begin, run, &part)) {
                const char *limit = density_limit(run);
                int r;

                if (limit) {
                        run_give_back(run, 0, limit);
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

/* ---- in flight and held ---- */

void run_release_held(struct run *run)
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

void run_abort_units(struct run *run)
{
        struct slot *next;

        for (struct slot *slot = run->slots; slot; slot = next) {
                next = slot->next;
                if (!slot->held) /* the pump unwinds those, a few at a time */
                        runner_abort(slot->runner);
        }
}

void run_drop_units(struct run *run)
{
        while (run->slots)
                slot_free(run->slots);
}

void run_watch_units(struct run *run, int64_t now_ns)
{
        const struct slot *oldest = NULL;
        struct slot *next;

        for (struct slot *slot = run->slots; slot; slot = next) {
                next = slot->next;
                runner_watch(slot->runner, now_ns);
                if (!slot->held)
                        oldest = slot; /* they are in order */
        }
        probe_set_instance(run->deps.probe, run->spec.project,
                           oldest ? runner_name(oldest->runner) : "");
}

int64_t run_count_late(const struct run *run, int64_t now_ns)
{
        int64_t n = 0, since;
        enum phase p;

        for (const struct slot *slot = run->slots; slot; slot = slot->next)
                n += !slot->held && runner_phase(slot->runner, &p, &since) &&
                     pace_is_late(wedges_pace(run->wedges), p, now_ns - since);
        return n;
}
