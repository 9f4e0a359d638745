/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The planner whole, in made-up time: a soak of 20 hosts, one ten times slower and one that dies,
 * against fixed quotas; and random trouble, in which every unit still counts exactly once.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "coordinator/plan.h"

#define TICK_NS (NSEC_PER_SEC / 10)
#define S(n)    ((int64_t)(n)*NSEC_PER_SEC)

/* What an agent has of a lease. */
struct work {
        int64_t lease, unit, attempt;
        int64_t end_ns; /* 0 = not started */
};

struct report { /* a record not acknowledged yet */
        struct work work;
        enum record_kind kind;
        enum outcome outcome;
};

struct agent {
        int64_t unit_ns; /* how long one takes */
        bool alive;      /* the process runs */
        bool linked;     /* the coordinator hears it */
        int64_t back_ns; /* when trouble ends */
        int64_t renewed_ns;
        struct work work[4096];
        size_t n_work;
        int64_t seen[20000]; /* leases known: repeated ones are not taken twice */
        size_t n_seen;
        struct report queue[8192];
        size_t n_queue;
        int64_t done;
};

struct sim {
        struct plan *plan;
        struct agent *agents;
        size_t n_agents;
        int64_t total, parallel;
        unsigned char *counted; /* per unit */
        unsigned seed;
        int64_t now_ns;
};

static void sim_init(struct sim *s, int64_t total, int64_t parallel, size_t n)
{
        struct plan_config c = {
                .mode = MODE_CHURN, .total = total, .parallel = parallel, .n_hosts = n};

        s->agents = calloc(n, sizeof(*s->agents));
        s->counted = calloc((size_t)total + 1, 1);
        assert_non_null(s->agents);
        assert_non_null(s->counted);
        s->n_agents = n;
        s->total = total;
        s->parallel = parallel;
        s->now_ns = S(1);
        assert_int_equal(plan_new(&c, &s->plan), 0);
        for (size_t i = 0; i < n; i++)
                s->agents[i].alive = s->agents[i].linked = true;
}

static void sim_deinit(struct sim *s)
{
        plan_free(s->plan);
        free(s->agents);
        free(s->counted);
}

static int64_t chance(struct sim *s, int64_t of)
{
        return rand_r(&s->seed) % of;
}

static void agent_report(struct agent *a, enum record_kind kind, enum outcome outcome,
                         const struct work *w)
{
        assert_true(a->n_queue < ELEMENTSOF(a->queue));
        a->queue[a->n_queue++] = (struct report){*w, kind, outcome};
}

static void agent_lease(struct sim *s, struct agent *a, const struct plan_lease *l)
{
        for (size_t i = 0; i < a->n_seen; i++)
                if (a->seen[i] == l->lease)
                        return;
        assert_true(a->n_seen < ELEMENTSOF(a->seen));
        a->seen[a->n_seen++] = l->lease;
        for (int64_t u = l->first; u < l->first + l->count; u++) {
                assert_true(u >= 1 && u <= s->total);
                assert_true(a->n_work < ELEMENTSOF(a->work));
                a->work[a->n_work++] = (struct work){l->lease, u, l->attempt, 0};
        }
}

static enum outcome random_outcome(struct sim *s, bool chaos)
{
        if (!chaos || chance(s, 10))
                return OUTCOME_PASSED;
        return (enum outcome)chance(s, OUTCOME_MAX_);
}

/* Ends what is due, fences itself, starts what has a slot. */
static void agent_step(struct sim *s, struct agent *a, bool chaos)
{
        int64_t in_flight = 0;
        size_t keep = 0;

        for (size_t i = 0; i < a->n_work; i++) {
                struct work w = a->work[i];

                if (w.end_ns && s->now_ns >= w.end_ns) {
                        agent_report(a, RECORD_OUTCOME, random_outcome(s, chaos), &w);
                        a->done++;
                        continue;
                }
                if (!w.end_ns && s->now_ns > a->renewed_ns + PLAN_TTL_NS) {
                        agent_report(a, RECORD_RETURNED, OUTCOME_MAX_, &w);
                        continue;
                }
                in_flight += w.end_ns != 0;
                a->work[keep++] = w;
        }
        a->n_work = keep;
        for (size_t i = 0; i < a->n_work && in_flight < s->parallel; i++)
                if (!a->work[i].end_ns) {
                        int64_t spread = chaos ? a->unit_ns * chance(s, 20) / 10 : 0;

                        a->work[i].end_ns = s->now_ns + a->unit_ns + spread;
                        in_flight++;
                }
}

/* kill -9: what was in flight is interrupted, what was not is still on its disk. */
static void agent_crash(struct agent *a)
{
        size_t keep = 0;

        for (size_t i = 0; i < a->n_work; i++)
                if (a->work[i].end_ns)
                        agent_report(a, RECORD_OUTCOME, OUTCOME_INTERRUPTED, a->work + i);
                else
                        a->work[keep++] = a->work[i];
        a->n_work = keep;
}

static void sim_record(struct sim *s, size_t host, const struct report *report)
{
        const struct work *w = &report->work;
        static struct record r;
        int v;

        r.kind = report->kind;
        r.unit = w->unit;
        r.attempt = w->attempt;
        r.lease = w->lease;
        if (r.kind == RECORD_OUTCOME) {
                r.outcome.outcome = report->outcome;
        } else {
                r.returned.first = w->unit;
                r.returned.count = 1;
                strcpy(r.returned.reason, "expired");
        }
        v = plan_record(s->plan, host, &r, s->now_ns);
        assert_true(v >= 0);
        if (v != PLAN_COUNTED)
                return;
        assert_int_equal(r.kind, RECORD_OUTCOME);
        assert_int_equal(s->counted[w->unit], 0);
        s->counted[w->unit] = 1;
}

static void sim_deliver(struct sim *s, size_t host, bool chaos)
{
        struct agent *a = s->agents + host;

        for (size_t i = 0; i < a->n_queue; i++) {
                sim_record(s, host, a->queue + i);
                /* though the store should have kept these away */
                if (chaos && chance(s, 10) == 0)
                        sim_record(s, host, a->queue + chance(s, (int64_t)i + 1));
        }
        a->n_queue = 0;
}

static void sim_lend(struct sim *s, bool chaos)
{
        struct plan_lease l;

        while (plan_expire(s->plan, s->now_ns, &l) == 1)
                assert_true(l.count > 0);
        while (plan_next(s->plan, s->now_ns, &l) == 1) {
                struct agent *a = s->agents + l.host;

                if (!a->linked || (chaos && chance(s, 10) == 0))
                        continue; /* lost */
                agent_lease(s, a, &l);
                if (!chaos || chance(s, 10))
                        plan_lease_ok(s->plan, l.host, l.lease);
        }
}

/* Runs until all is counted; returns when. */
static int64_t sim_run(struct sim *s, int64_t dies_ns, int64_t limit_ns)
{
        for (size_t i = 0; i < s->n_agents; i++)
                plan_host_ready(s->plan, i, 0, s->now_ns);
        for (; plan_state(s->plan, s->now_ns) != PLAN_DONE; s->now_ns += TICK_NS) {
                assert_true(s->now_ns < limit_ns);
                if (dies_ns && s->now_ns >= dies_ns && s->agents[0].alive) {
                        s->agents[0].alive = s->agents[0].linked = false;
                        s->agents[0].back_ns = s->now_ns + S(10);
                }
                if (!s->agents[0].alive && s->now_ns == s->agents[0].back_ns)
                        plan_host_silent(s->plan, 0, s->now_ns);
                for (size_t i = 0; i < s->n_agents; i++) {
                        struct agent *a = s->agents + i;

                        if (!a->alive)
                                continue;
                        if (s->now_ns % S(2) == 0) {
                                plan_pong(s->plan, i, s->now_ns);
                                a->renewed_ns = s->now_ns;
                        }
                        agent_step(s, a, false);
                        sim_deliver(s, i, false);
                }
                sim_lend(s, false);
        }
        for (int64_t u = 1; u <= s->total; u++)
                assert_int_equal(s->counted[u], 1);
        return s->now_ns - S(1);
}

/*
 * 20 hosts, 20,000 units, one unit a second each; host 1 takes ten times as long, host 0 dies after
 * 200 s. A fixed quota would take 10,000 s and strand 800 units. The ideal: 18.1 hosts do what host
 * 0 has not done.
 */
static void test_fast_and_slow(void **state)
{
        struct sim s = {0};
        double ideal = (20000 - 200) / 18.1, took;
        struct plan_counts slow, total;

        sim_init(&s, 20000, 1, 20);
        for (size_t i = 0; i < 20; i++)
                s.agents[i].unit_ns = i == 1 ? S(10) : S(1);
        took = (double)sim_run(&s, S(201), S(20000)) / 1e9;
        plan_host_counts(s.plan, 1, &slow);
        plan_total_counts(s.plan, &total);
        print_message("leases %.0f s, ideal %.0f s, fixed quotas 10000 s; slow host %lld units, "
                      "lent again %lld\n",
                      took, ideal, (long long)slow.passed, (long long)total.retried);
        assert_true(took < ideal * 1.03);
        assert_in_range(slow.passed, 90, 120);
        assert_in_range(total.retried, 1, 70);
        sim_deinit(&s);
}

/* The same power, but 25 at a time that take 25 times as long: only the last round may hurt. */
static void test_fast_and_slow_parallel(void **state)
{
        struct sim s = {0};
        double ideal = (20000 - 200) / 18.1, took;

        sim_init(&s, 20000, 25, 20);
        for (size_t i = 0; i < 20; i++)
                s.agents[i].unit_ns =
                        i == 1 ? S(250) : S(25) + ((int64_t)i - 10) * NSEC_PER_SEC / 7;
        took = (double)sim_run(&s, S(201), S(20000)) / 1e9;
        print_message("25 at a time: leases %.0f s, ideal about %.0f s\n", took, ideal);
        assert_true(took < ideal + 250);
        sim_deinit(&s);
}

/* A small total on two hosts, one twice as fast: the fast one does more, and both do some. */
static void test_two_hosts(void **state)
{
        struct sim s = {0};
        struct plan_counts a, b;
        double took;

        sim_init(&s, 200, 25, 2);
        s.agents[0].unit_ns = S(10);
        s.agents[1].unit_ns = S(20);
        took = (double)sim_run(&s, 0, S(1000)) / 1e9;
        plan_host_counts(s.plan, 0, &a);
        plan_host_counts(s.plan, 1, &b);
        print_message("200 over two: %lld and %lld units, %.0f s\n", (long long)a.passed,
                      (long long)b.passed, took);
        assert_true(a.passed > b.passed && b.passed >= 50);
        assert_true(took <= 70);
        sim_deinit(&s);
}

static void chaos_trouble(struct sim *s, size_t host)
{
        struct agent *a = s->agents + host;

        if (a->back_ns && s->now_ns >= a->back_ns) {
                a->back_ns = 0;
                a->alive = a->linked = true;
                plan_host_ready(s->plan, host, chance(s, 2) ? 0 : 1 + chance(s, 10), s->now_ns);
                a->renewed_ns = s->now_ns;
        } else if (!a->back_ns && chance(s, 600) == 0) {
                switch (chance(s, 4)) {
                case 0: /* killed, and started again */
                        agent_crash(a);
                        a->alive = a->linked = false;
                        break;
                case 1: /* cut off: goes on working */ a->linked = false; break;
                case 2: /* given up too early: what it does still arrives later */
                        a->linked = false;
                        assert_int_equal(plan_host_gone(s->plan, host, s->now_ns), 0);
                        break;
                case 3: /* reinstalled: knows nothing any more */
                        a->n_work = a->n_queue = a->n_seen = 0;
                        assert_int_equal(plan_host_gone(s->plan, host, s->now_ns), 0);
                        a->alive = a->linked = false;
                        break;
                }
                a->back_ns = s->now_ns + TICK_NS * (1 + chance(s, 1500));
        } else if (a->back_ns && !a->linked && chance(s, 50) == 0) {
                plan_host_silent(s->plan, host, s->now_ns);
        }
}

static void chaos_once(unsigned seed, struct plan_counts *sum)
{
        struct sim s = {.seed = seed};
        struct plan_counts c;

        sim_init(&s, 1 + chance(&s, 1500), 1 + chance(&s, 30), (size_t)(1 + chance(&s, 6)));
        for (size_t i = 0; i < s.n_agents; i++) {
                s.agents[i].unit_ns = S(1) + chance(&s, S(9));
                plan_host_ready(s.plan, i, 0, s.now_ns);
                s.agents[i].renewed_ns = s.now_ns;
        }
        for (; plan_state(s.plan, s.now_ns) != PLAN_DONE; s.now_ns += TICK_NS) {
                assert_true(s.now_ns < S(100000));
                assert_true(plan_wakeup_ns(s.plan, s.now_ns) > 0);
                for (size_t i = 0; i < s.n_agents; i++) {
                        struct agent *a = s.agents + i;

                        chaos_trouble(&s, i);
                        if (a->linked && s.now_ns % S(2) == 0) {
                                plan_pong(s.plan, i, s.now_ns);
                                a->renewed_ns = s.now_ns;
                        }
                        if (a->alive)
                                agent_step(&s, a, true);
                        if (a->linked)
                                sim_deliver(&s, i, true);
                }
                sim_lend(&s, true);
                plan_total_counts(s.plan, &c);
                assert_true(c.lent >= 0 && c.lent <= s.total && c.held == 0);
        }
        for (int64_t u = 1; u <= s.total; u++)
                assert_int_equal(s.counted[u], 1);
        plan_total_counts(s.plan, &c);
        assert_int_equal(c.passed + c.failed + c.wedged + c.interrupted, s.total);
        assert_int_equal(plan_counted(s.plan), s.total);
        assert_int_equal(c.lent, 0);

        /* what was cut off comes at last, and changes nothing */
        for (size_t i = 0; i < s.n_agents; i++)
                sim_deliver(&s, i, true);
        assert_int_equal(plan_counted(s.plan), s.total);
        plan_total_counts(s.plan, &c);
        sum->late += c.late;
        sum->retried += c.retried;
        sum->returned += c.returned;
        sum->interrupted += c.interrupted;
        sim_deinit(&s);
}

static void test_chaos(void **state)
{
        const char *runs = getenv("LXDSOAK_CHAOS_RUNS");
        struct plan_counts c = {0};

        for (unsigned seed = 1; seed <= (unsigned)(runs ? atoi(runs) : 60); seed++)
                chaos_once(seed, &c);
        print_message("late %lld, lent again %lld, returned %lld, interrupted for good %lld\n",
                      (long long)c.late, (long long)c.retried, (long long)c.returned,
                      (long long)c.interrupted);
        assert_true(c.late > 0 && c.retried > 0 && c.returned > 0 && c.interrupted > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fast_and_slow),
                cmocka_unit_test(test_fast_and_slow_parallel),
                cmocka_unit_test(test_two_hosts),
                cmocka_unit_test(test_chaos),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
