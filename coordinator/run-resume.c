/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Going on with a run whose coordinator died: what the store knows becomes the plan again. What an
 * agent still has of its leases it does on with; what it has lost it says by not naming it in
 * WELCOME.
 */

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/run-internal.h"

static int check_hosts(const struct run *run, struct error *err)
{
        const struct coord_options *o = run->options;

        if (o->n_hosts != store_n_hosts(run->store))
                return error_set(err, -EUCLEAN, "%s: its hosts cannot be told apart", run->dir);
        for (size_t i = 0; i < o->n_hosts; i++)
                if (!streq(o->hosts[i].label, store_host_label(run->store, i)))
                        return error_set(err, -EUCLEAN, "%s: host %zu is %s, and was %s", run->dir,
                                         i + 1, o->hosts[i].label, store_host_label(run->store, i));
        return 0;
}

static int read_agents(struct run *run, struct error *err)
{
        size_t n = store_n_hosts(run->store);
        int r = 0;

        run->past = calloc(n + 1, sizeof(*run->past));
        if (!run->past)
                return error_set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; r == 0 && i < n; i++) {
                r = store_agent_id(run->store, i, run->past[i].agent_id, err);
                run->past[i].committed = store_acked(run->store, i);
        }
        return r;
}

/* A run that came to its end is not gone on with, unless its hosts were lost before its time. */
static bool is_over(const struct store_past *past)
{
        if (!past->ended)
                return false;
        return past->stopped || past->exit_code != verdict_exit_code(VERDICT_INCONCLUSIVE) ||
               (past->spec.total > 0 && past->counted >= past->spec.total);
}

static int take_past(struct run *run, struct store_past *past, struct error *err)
{
        int64_t now_ns = now_realtime_ns(), gap_ns = now_ns - past->seen_realtime_ns;
        int r;

        run->spec = past->spec;
        past->spec = (struct run_spec){0};
        memcpy(run->id, run->spec.run, sizeof(run->id));
        run->duration_ns = past->duration_ns;
        run->started_realtime_ns = past->started_realtime_ns;
        run->wall_before_ns = past->wall_ns;
        /* of the time nobody drove, so long as the agents could go on with what they had */
        if (past->seen_realtime_ns > 0 && gap_ns > 0)
                run->wall_before_ns += MIN(gap_ns, run->spec.lease_ns);
        run->epoch = past->epoch + 1;
        run->stop_before = past->stopped;
        run->n_not_counted = past->not_counted;
        if (is_over(past))
                return 1;
        r = check_hosts(run, err);
        if (r == 0)
                r = read_agents(run, err);
        if (r == 0)
                r = store_get_thresholds(run->store, &run->threshold_texts, run->aborted,
                                         sizeof(run->aborted), err);
        if (r == 0)
                r = store_resume(run->store, run->wall_before_ns, now_ns, err);
        return r;
}

int run_resume_open(struct run *run, struct error *err)
{
        struct store_past past = {0};
        int r;

        run->dir = strdup(run->options->run_dir);
        if (!run->dir)
                return error_set(err, -ENOMEM, "out of memory");
        r = store_open(run->dir, false, &run->store, err);
        if (r == 0)
                r = store_read_past(run->store, &past, err);
        if (r == 0)
                r = take_past(run, &past, err);
        store_past_release(&past);
        return r;
}

/* ---- the plan ---- */

struct restoring {
        struct plan *plan;
        int64_t now_ns;
};

static int on_unit(size_t host, int64_t unit, enum outcome outcome, void *userdata)
{
        struct restoring *s = userdata;

        return plan_restore_unit(s->plan, host, unit, outcome);
}

static int on_lease(const struct store_lease *l, const struct store_part *parts, size_t n,
                    void *userdata)
{
        static const enum plan_part_kind kinds[] = {
                [STORE_PART_RETURNED] = PLAN_PART_RETURNED,
                [STORE_PART_INTERRUPTED] = PLAN_PART_INTERRUPTED,
                [STORE_PART_HELD] = PLAN_PART_HELD,
        };
        struct restoring *s = userdata;
        const struct plan_past past = {l->host,    l->lease, l->first, l->count,
                                       l->attempt, l->tries, l->over};
        _cleanup_(freep)
        struct plan_part *mine = calloc(n + 1, sizeof(*mine));

        if (!mine)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                mine[i] = (struct plan_part){kinds[parts[i].kind], parts[i].first, parts[i].count};
        return plan_restore_lease(s->plan, &past, mine, n, s->now_ns);
}

static int on_full(size_t host, void *userdata)
{
        struct restoring *s = userdata;

        return plan_restore_full(s->plan, host);
}

int run_resume_plan(struct run *run, int64_t now_ns, struct error *err)
{
        static const char *const full[] = {PLAN_REASON_FULL, PLAN_REASON_WEDGE, NULL};
        struct restoring s = {NULL, now_ns};
        int r = run_make_plan(run, now_ns);

        s.plan = run->plan;
        if (r == 0)
                r = store_each_unit(run->store, on_unit, &s, err);
        if (r == 0)
                r = store_each_lease(run->store, on_lease, &s, err);
        for (size_t i = 0; r == 0 && full[i]; i++)
                r = store_each_returned(run->store, full[i], on_full, &s, err);
        if (r == 0)
                r = plan_restored(run->plan);
        if (r < 0)
                return err->code ? r
                                 : error_set_errno(err, r, "%s: the run cannot be gone on with",
                                                   run->dir);
        if (run->stop_before || run->aborted[0])
                plan_drain(run->plan);
        return 0;
}

/* Which hosts are there is known now. The others may yet come. */
void run_resume_begin(struct run *run, int64_t now_ns)
{
        for (size_t i = 0; i < fleet_n(run->fleet); i++) {
                struct link *l = fleet_link(run->fleet, i);

                if (link_state(l) == LINK_READY)
                        continue;
                run->hosts[i].state = STORE_HOST_ACTIVE;
                if (link_is_given_up(l))
                        continue;
                run_say(run, LOG_WARNING,
                        "host %s: not there: %s; what it had goes to other hosts in %d s",
                        link_label(l), link_error(l),
                        (int)(plan_patience_ns(run->plan) / NSEC_PER_SEC));
                link_be_patient(l, now_ns);
                plan_host_silent(run->plan, i, now_ns);
        }
        run_say(run, LOG_NOTICE, "run %s goes on: %" PRId64 " units are done", run->id,
                plan_counted(run->plan));
}
