/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The run while it goes: what the hosts say goes to the plan and the store,
 * what the plan lends goes to the hosts. Nothing is acknowledged before it is
 * on disk.
 */

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/run-journal.h"

/*
 * A batch is on its way to the disk when it has so many rows, at the latest with
 * the next tick; but never back to back, so that a slow disk makes larger batches
 * and not a loop that hears nobody. More than the last are never held back.
 */
#define COMMIT_ROWS     100
#define COMMIT_ROWS_MAX 5000

#define LEND_MAX 256 /* leases that go to the disk together */

static void plan_failed(struct run *run, int r)
{
        struct error err = ERROR_INIT;

        error_set_errno(&err, r, "the planner");
        run_fail(run, &err);
}

void run_commit(struct run *run)
{
        struct error err = ERROR_INIT;
        int64_t begun_ns = now_monotonic_ns();

        if (store_commit(run->store, &err) < 0) {
                run_fail(run, &err);
                return;
        }
        run->committed_ns = now_monotonic_ns();
        run->commit_took_ns = run->committed_ns - begun_ns;
        for (size_t i = 0; i < run->n_dirty; i++) {
                size_t host = run->dirty[i];

                run->hosts[host].dirty = false;
                link_commit(fleet_link(run->fleet, host), store_acked(run->store, host));
        }
        run->n_dirty = 0;
}

static void commit_if_due(struct run *run, int64_t now_ns)
{
        size_t pending = store_pending(run->store);

        if (pending >= COMMIT_ROWS_MAX ||
            (pending >= COMMIT_ROWS && now_ns - run->committed_ns >= run->commit_took_ns))
                run_commit(run);
}

static void on_record(struct link *l, const struct record *r, void *userdata)
{
        struct run *run = userdata;
        struct error err = ERROR_INIT;
        size_t host = link_index(l);
        int answer, stored;

        if (!run->plan || run->stage == RUN_OVER)
                return;
        answer = plan_record(run->plan, host, r, now_monotonic_ns());
        if (answer == -EINVAL) {
                link_give_up(l, -EBADMSG, "it reports on unit %" PRId64 ", which nobody was lent",
                             r->unit);
                return;
        }
        if (answer < 0) {
                plan_failed(run, answer);
                return;
        }
        stored = store_put_record(run->store, host, r, answer == PLAN_COUNTED,
                                  answer == PLAN_COUNTED ? NULL : plan_answer_name(answer), &err);
        if (stored < 0) {
                run_fail(run, &err);
                return;
        }
        if (stored > 0)
                run_thresholds_record(run->thresholds, r, answer == PLAN_COUNTED,
                                      now_monotonic_ns());
        if (stored > 0 && r->kind == RECORD_OUTCOME && answer != PLAN_COUNTED)
                run_journal_not_counted(run, host, r, plan_answer_name(answer));
        /* not asked by us: it shuts down, or is taken. Nothing for it till the next WELCOME. */
        if (r->kind == RECORD_RETURNED && streq(r->returned.reason, PLAN_REASON_DRAIN) &&
            r->seq > (uint64_t)link_welcome(l)->head)
                plan_host_silent(run->plan, host, now_monotonic_ns());
        if (r->kind == RECORD_WEDGE && run->spec.on_wedge == ON_WEDGE_STOP)
                plan_drain(run->plan);
        if (!run->hosts[host].dirty) {
                run->hosts[host].dirty = true;
                run->dirty[run->n_dirty++] = host;
        }
        if (store_pending(run->store) >= COMMIT_ROWS_MAX)
                run_commit(run);
        run_kick(run);
}

/* What a host was lent goes to the others. */
static void give_back(struct run *run, size_t host, int64_t now_ns)
{
        struct error err = ERROR_INIT;
        int r;

        if (store_end_leases(run->store, host, &err) < 0) {
                run_fail(run, &err);
                return;
        }
        r = plan_host_gone(run->plan, host, now_ns);
        if (r < 0)
                plan_failed(run, r);
}

/* The plan, when a host that was there before is there again. */
static void host_again(struct run *run, struct link *l, enum link_news news, int64_t now_ns)
{
        static const char *const words[] = {
                [LINK_FIRST] = "there",
                [LINK_AGAIN] = "connected again",
                [LINK_RESTARTED] = "its agent was started anew",
                [LINK_NEW_AGENT] = "another agent answers there, or it has lost its spool",
        };

        if (run->stage == RUN_CONNECTING)
                return;
        run_say(run, LOG_NOTICE, "host %s: %s", link_label(l), words[news]);
        plan_host_ready(run->plan, link_index(l), link_welcome(l)->parallel_max, now_ns);
}

static void on_welcome(struct link *l, const struct msg_welcome *w, enum link_news news,
                       void *userdata)
{
        struct run *run = userdata;
        struct error err = ERROR_INIT;
        size_t host = link_index(l);
        int r;

        /* what is put and not committed belongs to the agent that was there before */
        run_commit(run);
        if (run->stage == RUN_OVER)
                return;
        r = store_set_agent(run->store, host, w, &err);
        if (r == -EEXIST) {
                link_give_up(l, r, "%s", err.text);
                return;
        }
        if (r < 0) {
                run_fail(run, &err);
                return;
        }
        run_journal_welcome(run, host);
        run->hosts[host].state = STORE_HOST_ACTIVE;
        if (news == LINK_FIRST || news == LINK_NEW_AGENT)
                link_begin_at(l, store_acked(run->store, host));
        if (news == LINK_NEW_AGENT && run->plan) /* it knows nothing of what was lent to the old */
                give_back(run, host, now_monotonic_ns());
        if (run->plan)
                host_again(run, l, news, now_monotonic_ns());
        run_kick(run);
}

static void on_state(struct link *l, enum link_state old, void *userdata)
{
        struct run *run = userdata;

        if (run->stage != RUN_WORKING && run->stage != RUN_ENDING)
                return;
        if (link_state(l) == LINK_FAILED && link_error_code(l) == -ECANCELED)
                run->n_stolen++;
        if (link_state(l) == LINK_FAILED && link_error_code(l) == -ESTALE) {
                run_say(run, LOG_ERR, "host %s: %s", link_label(l), link_error(l));
                run->taken = true;
                run_over(run);
                return;
        }
        if (link_state(l) == LINK_SILENT) {
                plan_host_silent(run->plan, link_index(l), now_monotonic_ns());
                run_say(run, LOG_WARNING, "host %s: silent: %s", link_label(l), link_error(l));
        }
        run_kick(run);
}

static void on_lease_ok(struct link *l, int64_t lease, void *userdata)
{
        struct run *run = userdata;

        plan_lease_ok(run->plan, link_index(l), lease);
}

/* What it was lent and does not have, and has not told of either, is lost: a clean-up in between,
 * a spool that was put back. */
static void on_holds(struct link *l, const int64_t *leases, size_t n, void *userdata)
{
        struct run *run = userdata;
        struct error err = ERROR_INIT;
        struct plan_lease lost;
        int r;

        if (!run->plan || run->stage == RUN_OVER)
                return;
        while ((r = plan_reconcile(run->plan, link_index(l), leases, n, now_monotonic_ns(),
                                   &lost)) > 0) {
                run_say(run, LOG_WARNING,
                        "host %s: it no longer has what it was lent of units %" PRId64 "..%" PRId64
                        "; they are done again",
                        link_label(l), lost.first, lost.first + lost.count - 1);
                if (store_end_lease(run->store, lost.lease, &err) < 0) {
                        run_fail(run, &err);
                        return;
                }
        }
        if (r < 0)
                plan_failed(run, r);
        run_kick(run);
}

static void on_pong(struct link *l, const struct msg_pong *pong, void *userdata)
{
        struct run *run = userdata;
        struct run_host *host = &run->hosts[link_index(l)];

        host->oldest_max_ns = MAX(host->oldest_max_ns, pong->oldest_ns);
        if (run->stage == RUN_WORKING || run->stage == RUN_ENDING) {
                plan_pong(run->plan, link_index(l), now_monotonic_ns());
                plan_in_flight(run->plan, link_index(l), pong->in_flight);
        }
        if (pong->stop_by[0])
                run_stop_asked(run, pong->stop_by, now_monotonic_ns());
}

static void on_stopped(struct link *l, const struct msg_stopped *stopped, void *userdata)
{
        struct run *run = userdata;
        struct run_host *host = &run->hosts[link_index(l)];
        struct error err = ERROR_INIT;

        host->oldest_max_ns = MAX(host->oldest_max_ns, stopped->pong.oldest_ns);
        if (store_put_leftovers(run->store, link_index(l), stopped->leftovers, &err) < 0 ||
            store_set_pong(run->store, link_index(l), &stopped->pong, host->oldest_max_ns, &err) <
                    0)
                run_fail(run, &err);
        run_kick(run);
}

const struct link_ops run_link_ops = {
        .welcome = on_welcome,
        .state = on_state,
        .lease_ok = on_lease_ok,
        .holds = on_holds,
        .record = on_record,
        .pong = on_pong,
        .stopped = on_stopped,
};

void run_set_host(struct run *run, size_t i, enum store_host_state state, const char *text)
{
        struct error err = ERROR_INIT;

        if (run->hosts[i].state == state)
                return;
        run->hosts[i].state = state;
        if (store_set_host_state(run->store, i, state, text, &err) < 0)
                run_fail(run, &err);
}

/* It will do nothing more: what it was lent goes to the others. */
static void host_gone(struct run *run, size_t i, enum store_host_state state, int64_t now_ns)
{
        struct link *l = fleet_link(run->fleet, i);
        const struct msg_pong *pong = link_pong(l, NULL);
        struct error err = ERROR_INIT;

        if (state != STORE_HOST_FINISHED)
                run_say(run, LOG_ERR, "host %s: lost: %s", link_label(l), link_error(l));
        run_set_host(run, i, state, state == STORE_HOST_FINISHED ? NULL : link_error(l));
        if (state != STORE_HOST_FINISHED && pong &&
            store_set_pong(run->store, i, pong, run->hosts[i].oldest_max_ns, &err) < 0)
                run_fail(run, &err);
        give_back(run, i, now_ns);
}

/* One that was not there when the run went on has from then on. */
static int64_t heard_ns(const struct run *run, const struct link *l)
{
        int64_t heard_ns = link_heard_ns(l);

        return MAX(heard_ns, run->started_ns);
}

void run_look_at_thresholds(struct run *run, int64_t now_ns)
{
        const char *text =
                run->stage == RUN_WORKING ? run_thresholds_broken(run->thresholds, now_ns) : NULL;
        struct error err = ERROR_INIT;

        if (!text)
                return;
        run_say(run, LOG_ERR, "threshold %s does not hold: no more units are begun", text);
        if (store_set_aborted(run->store, text, &err) < 0)
                run_fail(run, &err);
        snprintf(run->aborted, sizeof(run->aborted), "%s", text);
        plan_drain(run->plan);
}

void run_look_after_hosts(struct run *run, int64_t now_ns)
{
        bool behind = fleet_is_behind(run->fleet, now_ns);

        for (size_t i = 0; i < fleet_n(run->fleet); i++) {
                struct link *l = fleet_link(run->fleet, i);
                struct run_host *host = &run->hosts[i];

                if (host->state != STORE_HOST_ACTIVE)
                        continue;
                if (link_drained(l))
                        host_gone(run, i, STORE_HOST_FINISHED, now_ns);
                else if (link_state(l) == LINK_FAILED)
                        host_gone(run, i, STORE_HOST_REFUSED, now_ns);
                else if (!behind && now_ns - heard_ns(run, l) > plan_patience_ns(run->plan))
                        host_gone(run, i, STORE_HOST_LOST, now_ns);
        }
}

int run_make_plan(struct run *run, int64_t now_ns)
{
        int64_t end_ns = now_ns + run->duration_ns - run->wall_before_ns;
        const struct plan_config config = {
                .mode = (enum mode)run->spec.mode,
                .total = run->spec.total,
                .deadline_ns = run->duration_ns ? MAX(end_ns, INT64_C(1)) : 0,
                .parallel = run->spec.parallel,
                .ttl_ns = run->spec.lease_ns,
                .n_hosts = run->options->n_hosts,
        };

        return plan_new(&config, &run->plan);
}

int64_t run_wall_ns(const struct run *run, int64_t now_ns)
{
        int64_t end_ns = run->work_ended_ns ? run->work_ended_ns : now_ns;

        return run->wall_before_ns + (run->started_ns ? end_ns - run->started_ns : 0);
}

void run_begin(struct run *run, int64_t now_ns)
{
        int r = run->plan ? 0 : run_make_plan(run, now_ns);

        /* what was told while there was no plan is asked for again */
        for (size_t i = 0; !run->past && i < fleet_n(run->fleet); i++)
                link_begin_at(fleet_link(run->fleet, i), store_acked(run->store, i));
        if (r == 0)
                r = run_thresholds_new(&run->threshold_texts, now_ns, &run->thresholds);
        if (r < 0) {
                plan_failed(run, r);
                return;
        }
        run->stage = RUN_WORKING;
        run->started_ns = now_ns;
        for (size_t i = 0; i < fleet_n(run->fleet); i++)
                if (link_state(fleet_link(run->fleet, i)) == LINK_READY)
                        plan_host_ready(run->plan, i,
                                        link_welcome(fleet_link(run->fleet, i))->parallel_max,
                                        now_ns);
        if (run->past)
                run_resume_begin(run, now_ns);
        run_work(run, now_ns);
}

static void take_back(struct run *run, int64_t now_ns)
{
        struct error err = ERROR_INIT;
        struct plan_lease lease;
        int r;

        if (fleet_is_behind(run->fleet, now_ns))
                return;
        while ((r = plan_expire(run->plan, now_ns, &lease)) > 0) {
                run_say(run, LOG_WARNING,
                        "host %s: nothing heard for %d s; units %" PRId64 "..%" PRId64
                        " go to other hosts",
                        link_label(fleet_link(run->fleet, lease.host)),
                        (int)(plan_patience_ns(run->plan) / NSEC_PER_SEC), lease.first,
                        lease.first + lease.count - 1);
                if (store_end_lease(run->store, lease.lease, &err) < 0) {
                        run_fail(run, &err);
                        return;
                }
        }
        if (r < 0)
                plan_failed(run, r);
}

/* From hosts that get nowhere, for hosts that have nothing to do. */
static void ask_back(struct run *run, int64_t now_ns)
{
        size_t host;

        while (plan_revoke(run->plan, now_ns, &host)) {
                struct link *l = fleet_link(run->fleet, host);

                run_say(run, LOG_WARNING,
                        "host %s: nothing has ended there for %d s; what it has not begun is to go "
                        "to other hosts",
                        link_label(l), (int)(PLAN_STUCK_NS / NSEC_PER_SEC));
                link_revoke(l, 0);
        }
}

static void send_lease(struct run *run, const struct plan_lease *lease)
{
        const struct msg_lease m = {
                .lease = lease->lease,
                .first = lease->first,
                .count = lease->count,
                .attempt = lease->attempt,
                .ttl_ns = lease->ttl_ns,
        };

        link_lease(fleet_link(run->fleet, lease->host), &m);
}

static int put_lease(struct run *run, const struct plan_lease *lease, struct error *err)
{
        const struct store_lease row = {
                .host = lease->host,
                .lease = lease->lease,
                .first = lease->first,
                .count = lease->count,
                .attempt = lease->attempt,
                .tries = lease->tries,
        };

        return store_put_lease(run->store, &row, err);
}

/* A lease is on disk before it goes out: a coordinator that goes on with the run has to know of
 * everything that may be under way. What a commit takes is left between two of them. */
static bool may_commit(struct run *run, int64_t now_ns)
{
        int64_t due_ns = run->committed_ns + run->commit_took_ns;

        if (now_ns >= due_ns)
                return true;
        if (sd_event_source_set_time(run->later, (uint64_t)(due_ns / NSEC_PER_USEC) + 1) < 0 ||
            sd_event_source_set_enabled(run->later, SD_EVENT_ONESHOT) < 0)
                return true;
        return false;
}

static void lend(struct run *run, int64_t now_ns)
{
        struct plan_lease leases[LEND_MAX];
        struct error err = ERROR_INIT;
        size_t n = 0;
        int r = 0;

        if (!may_commit(run, now_ns))
                return;
        while (n < LEND_MAX && (r = plan_next(run->plan, now_ns, &leases[n])) > 0) {
                if (leases[n].repeated)
                        send_lease(run, &leases[n]);
                else if (put_lease(run, &leases[n++], &err) < 0) {
                        run_fail(run, &err);
                        return;
                }
        }
        if (r < 0)
                plan_failed(run, r);
        if (n > 0)
                run_commit(run);
        for (size_t i = 0; i < n && run->stage != RUN_OVER; i++)
                send_lease(run, &leases[i]);
        if (n == LEND_MAX)
                run_kick(run);
}

static bool all_hosts_out(const struct run *run)
{
        for (size_t i = 0; i < fleet_n(run->fleet); i++)
                if (run->hosts[i].state == STORE_HOST_ACTIVE)
                        return false;
        return true;
}

bool run_all_finished(const struct run *run)
{
        for (size_t i = 0; i < fleet_n(run->fleet); i++)
                if (run->hosts[i].state != STORE_HOST_FINISHED)
                        return false;
        return true;
}

void run_work(struct run *run, int64_t now_ns)
{
        if (run->stage != RUN_WORKING && run->stage != RUN_ENDING)
                return;
        commit_if_due(run, now_ns);
        take_back(run, now_ns);
        ask_back(run, now_ns);
        lend(run, now_ns);
        if (run->stage == RUN_OVER)
                return;
        switch (plan_state(run->plan, now_ns)) {
        case PLAN_RUNNING: break;
        case PLAN_DRAINING: run_stop_all(run, STOP_MODE_DRAIN, now_ns); break;
        case PLAN_DONE:
                if (!run->work_ended_ns)
                        run->work_ended_ns = now_ns;
                run_stop_all(run, STOP_MODE_FINISH, now_ns);
                run->stage = RUN_ENDING;
                break;
        case PLAN_STRANDED:
                run_say(run, LOG_ERR, "no host is left to go on with");
                run->taken = run->n_stolen > 0;
                run_over(run);
                return;
        }
        if (run->stage == RUN_ENDING && all_hosts_out(run))
                run_over(run);
}

void run_kick(struct run *run)
{
        if (run->work)
                (void)!sd_event_source_set_enabled(run->work, SD_EVENT_ONESHOT);
}
