/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exactly once, in thousands of made-up worlds (once-sim.h). Whatever dies, stands still, is cut
 * off or loses its messages: every unit is counted once, nothing that was on a disk is lost, no
 * epoch goes back, and what was taken back from a host does not begin there.
 *
 * LXDSOAK_SIM_RUNS=N   so many worlds (100)
 * LXDSOAK_SIM_SEED=N   begins with this seed (1); with LXDSOAK_SIM_TRACE=1 it tells what happens
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/once-sim.h"

struct theft {
        bool active;
        int conn;
        char coord_id[33];
        int64_t asked_ns, leave_ns;
};

struct storm { /* how often what happens: one of so many ticks */
        int64_t death, freeze, cut, stuck, theft, reinstall, coord_death, coord_freeze;
};

int64_t sim_chance(struct sim_world *w, int64_t of)
{
        /* xorshift64* (Marsaglia; Vigna 2016) */
        w->dice ^= w->dice >> 12;
        w->dice ^= w->dice << 25;
        w->dice ^= w->dice >> 27;
        return (int64_t)((w->dice * UINT64_C(2685821657736338717)) >> 2) % of;
}

void sim_name(struct sim_world *w, char ret[static 33], const char *what)
{
        snprintf(ret, 33, "%s-%d", what, ++w->processes);
}

void sim_say(struct sim_world *w, const char *format, ...)
{
        va_list ap;

        if (!w->trace)
                return;
        printf("%9.2f ", (double)w->now_ns / 1e9);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        putchar('\n');
}

void sim_violated(struct sim_world *w, const char *format, ...)
{
        char text[256];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        fail_msg("after %.2f s of world %lu: %s\nthe same again: LXDSOAK_SIM_SEED=%lu "
                 "LXDSOAK_SIM_RUNS=1 LXDSOAK_SIM_TRACE=1",
                 (double)w->now_ns / 1e9, w->seed, text, w->seed);
        abort();
}

/* ---- the network ---- */

struct sim_msg *sim_msg_new(size_t host, bool to_agent, int conn, enum message_type type)
{
        struct sim_msg *m = calloc(1, sizeof(*m));

        if (!m)
                abort();
        m->host = host;
        m->to_agent = to_agent;
        m->conn = conn;
        m->type = type;
        return m;
}

void sim_msg_free(struct sim_msg *m)
{
        if (!m)
                return;
        free(m->leases);
        json_object_put(m->rows);
        free(m);
}

static struct sim_msg *copy(const struct sim_msg *m)
{
        struct sim_msg *c = sim_msg_new(m->host, m->to_agent, m->conn, m->type);

        *c = *m;
        json_object_get(c->rows);
        if (m->leases) {
                c->leases = calloc(m->n_leases + 1, sizeof(*c->leases));
                memcpy(c->leases, m->leases, m->n_leases * sizeof(*c->leases));
        }
        return c;
}

static void enqueue(struct sim_world *w, struct sim_msg *m)
{
        struct sim_msg **at = &w->messages;

        while (*at && (*at)->due_ns <= m->due_ns)
                at = &(*at)->next;
        m->next = *at;
        *at = m;
}

static void post(struct sim_world *w, struct sim_msg *m, bool in_order)
{
        const struct sim_agent *a = &w->agents[m->host];

        m->due_ns = w->now_ns + sim_chance(w, 50) * NSEC_PER_MSEC;
        if (!in_order)
                m->due_ns += sim_chance(w, sim_chance(w, 4) ? SIM_S(2) : SIM_S(90));
        if (a->cut_until_ns > w->now_ns) {
                if (sim_chance(w, 2)) {
                        sim_msg_free(m);
                        return;
                }
                m->due_ns = MAX(m->due_ns, a->cut_until_ns);
        }
        for (const struct sim_msg *k = w->messages; in_order && k; k = k->next)
                if (k->host == m->host && k->to_agent == m->to_agent && k->conn == m->conn)
                        m->due_ns = MAX(m->due_ns, k->due_ns);
        enqueue(w, m);
}

void sim_send(struct sim_world *w, struct sim_msg *m)
{
        bool storm = w->now_ns < w->faults_until_ns;

        if (storm && sim_chance(w, 1000) < w->loss) {
                sim_msg_free(m);
                return;
        }
        if (storm && sim_chance(w, 1000) < w->twice)
                post(w, copy(m), false);
        post(w, m, !(storm && sim_chance(w, 1000) < w->late));
}

static bool waits_in_a_buffer(const struct sim_world *w, const struct sim_msg *m)
{
        int64_t frozen_ns =
                m->to_agent ? w->agents[m->host].frozen_until_ns : w->coord.frozen_until_ns;

        return frozen_ns > w->now_ns;
}

static void hear(struct sim_world *w, struct sim_msg *m)
{
        struct sim_agent *a = &w->agents[m->host];

        /* a connection ends with its process */
        if (m->to_agent && a->alive && m->conn > a->born_conn)
                sim_agent_receive(a, m);
        else if (!m->to_agent && w->coord.alive)
                sim_coord_receive(&w->coord, m);
        else
                sim_msg_free(m);
}

/* Some of what is due: the order is kept within a connection, and is any between them. false: there
 * was nothing. */
static bool deliver_some(struct sim_world *w)
{
        uint64_t later = 0; /* connections, by the last bits of their numbers */
        bool any = false;

        for (struct sim_msg **at = &w->messages; *at && (*at)->due_ns <= w->now_ns;) {
                struct sim_msg *m = *at;
                uint64_t conn = UINT64_C(1) << (m->conn % 64);

                if (waits_in_a_buffer(w, m)) {
                        at = &m->next;
                        continue;
                }
                any = true;
                if ((later & conn) || sim_chance(w, 4) == 0) {
                        later |= conn;
                        at = &m->next;
                        continue;
                }
                *at = m->next;
                hear(w, m);
        }
        return any;
}

/* The timers of those in `who`: a bit an agent, and one more for the coordinator. */
static void tick(struct sim_world *w, unsigned who)
{
        for (size_t i = 0; i < w->n_hosts; i++) {
                struct sim_agent *a = &w->agents[i];

                if ((who & 1U << i) && a->alive && w->now_ns >= a->frozen_until_ns)
                        sim_agent_tick(a);
        }
        if ((who & 1U << SIM_HOSTS_MAX) && w->coord.alive && w->now_ns >= w->coord.frozen_until_ns)
                sim_coord_tick(&w->coord);
}

/* ---- what goes wrong ---- */

static void trouble_agent(struct sim_world *w, struct sim_agent *a, const struct storm *s)
{
        if (!a->alive) {
                if (w->now_ns >= a->back_ns)
                        sim_agent_start(a);
                return;
        }
        if (w->now_ns >= w->faults_until_ns)
                return;
        if (sim_chance(w, s->death) == 0) {
                sim_say(w, "host %zu: the agent dies", a->host);
                w->n_deaths++;
                sim_agent_kill(a);
                a->back_ns = w->now_ns + sim_chance(w, SIM_S(sim_chance(w, 2) ? 5 : 100));
        } else if (sim_chance(w, s->freeze) == 0) {
                sim_say(w, "host %zu: the agent stands still", a->host);
                a->frozen_until_ns = w->now_ns + sim_chance(w, SIM_S(sim_chance(w, 2) ? 20 : 150));
        } else if (sim_chance(w, s->cut) == 0) {
                sim_say(w, "host %zu: it is cut off", a->host);
                a->cut_until_ns = w->now_ns + sim_chance(w, SIM_S(sim_chance(w, 2) ? 20 : 200));
        } else if (sim_chance(w, s->stuck) == 0) {
                sim_say(w, "host %zu: nothing gets on there", a->host);
                a->stuck_until_ns = w->now_ns + sim_chance(w, SIM_S(300));
        } else if (sim_chance(w, s->reinstall) == 0) {
                sim_say(w, "host %zu: it is put up anew", a->host);
                sim_agent_kill(a);
                sim_agent_install(a);
                w->n_lost++;
                a->back_ns = w->now_ns + sim_chance(w, SIM_S(30));
        }
}

static void trouble_coord(struct sim_world *w, const struct storm *s)
{
        struct sim_coord *c = &w->coord;
        size_t given_up = 0;

        if (!c->alive) {
                if (w->now_ns >= c->back_ns) {
                        sim_say(w, "the coordinator goes on");
                        w->n_resumes++;
                        sim_coord_start(c);
                }
                return;
        }
        for (size_t i = 0; i < w->n_hosts; i++)
                given_up += c->links[i].given_up;
        /* with no host left it ends, and is begun again by somebody */
        if (given_up == w->n_hosts ||
            (w->now_ns < w->faults_until_ns && sim_chance(w, s->coord_death) == 0)) {
                sim_say(w, "the coordinator dies");
                sim_coord_kill(c);
                c->back_ns = w->now_ns + sim_chance(w, SIM_S(sim_chance(w, 2) ? 5 : 120));
        } else if (w->now_ns < w->faults_until_ns && sim_chance(w, s->coord_freeze) == 0) {
                sim_say(w, "the coordinator stands still");
                c->frozen_until_ns = w->now_ns + sim_chance(w, SIM_S(sim_chance(w, 2) ? 20 : 150));
                c->behind_until_ns = c->frozen_until_ns + SIM_S(2);
        }
}

static void theft_tick(struct sim_world *w, struct theft *t, size_t host, const struct storm *s)
{
        struct sim_agent *a = &w->agents[host];
        struct sim_msg *m;

        if (!t->active && w->now_ns < w->faults_until_ns && sim_chance(w, s->theft) == 0) {
                *t = (struct theft){.active = true, .conn = ++w->conns};
                sim_name(w, t->coord_id, "thief");
                sim_say(w, "host %zu: %s comes", host, t->coord_id);
                w->n_stolen++;
        }
        if (!t->active || w->now_ns - t->asked_ns < SIM_S(1))
                return;
        t->asked_ns = w->now_ns;
        if (t->conn <= a->born_conn)
                t->conn = ++w->conns;
        if (a->alive && a->other_run && t->leave_ns == 0)
                t->leave_ns = w->now_ns + sim_chance(w, SIM_S(40));
        if (t->leave_ns && a->alive && !a->other_run) {
                t->active = false;
                return;
        }
        m = sim_msg_new(host, true, t->conn,
                        t->leave_ns && w->now_ns >= t->leave_ns ? MESSAGE_BYE : MESSAGE_HELLO);
        snprintf(m->run, sizeof(m->run), "%s", SIM_OTHER_RUN);
        memcpy(m->coord_id, t->coord_id, sizeof(m->coord_id));
        m->epoch = 1;
        m->seq = 1;
        m->steal = true;
        sim_send(w, m);
}

/* ---- a world ---- */

static int64_t rate(struct sim_world *w)
{
        static const int64_t rates[] = {60, 200, 800, 1000000};

        return rates[sim_chance(w, ELEMENTSOF(rates))];
}

static void world_init(struct sim_world *w, struct storm *s)
{
        static const int shares[] = {0, 0, 5, 30, 120};

        w->dice = (w->seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
        w->now_ns = SIM_S(1000);
        w->n_hosts = (size_t)(1 + sim_chance(w, SIM_HOSTS_MAX));
        w->total = 1 + sim_chance(w, SIM_UNITS_MAX);
        w->parallel = 1 + sim_chance(w, 6);
        w->ttl_ns = sim_chance(w, 3) ? SIM_S(10) : SIM_S(60);
        w->loss = shares[sim_chance(w, ELEMENTSOF(shares))];
        w->twice = shares[sim_chance(w, ELEMENTSOF(shares))];
        w->late = shares[sim_chance(w, ELEMENTSOF(shares))];
        w->faults_until_ns = w->now_ns + SIM_S(50) + sim_chance(w, SIM_S(600));
        *s = (struct storm){rate(w),     rate(w),     rate(w),     rate(w) * 4,
                            rate(w) * 4, rate(w) * 8, rate(w) / 2, rate(w)};
        for (size_t i = 0; i < w->n_hosts; i++) {
                struct sim_agent *a = &w->agents[i];

                a->world = w;
                a->host = i;
                a->clock_ns = sim_chance(w, SIM_S(100000));
                a->unit_ns = SIM_S(1) + sim_chance(w, SIM_S(40));
                sim_agent_install(a);
                sim_agent_start(a);
        }
        w->coord.world = w;
        sim_coord_start(&w->coord);
}

static void world_free(struct sim_world *w)
{
        struct sim_msg *m;

        sim_coord_free(&w->coord);
        for (size_t i = 0; i < w->n_hosts; i++) {
                sim_agent_free(&w->agents[i]);
                ranges_deinit(&w->dead[i]);
        }
        while ((m = w->messages)) {
                w->messages = m->next;
                sim_msg_free(m);
        }
}

static void world_tick(struct sim_world *w, struct theft *thefts, const struct storm *s)
{
        /* whose timers come before what waits in its sockets */
        unsigned early = (unsigned)sim_chance(w, 1 << (SIM_HOSTS_MAX + 1));

        w->now_ns += SIM_TICK_NS;
        trouble_coord(w, s);
        for (size_t i = 0; i < w->n_hosts; i++) {
                trouble_agent(w, &w->agents[i], s);
                theft_tick(w, &thefts[i], i, s);
        }
        tick(w, early);
        while (deliver_some(w))
                ;
        tick(w, ~early);
}

static bool all_counted(const struct sim_world *w)
{
        for (int64_t u = 1; u <= w->total; u++)
                if (!w->coord.committed.outcome[u])
                        return false;
        return true;
}

static bool all_quiet(const struct sim_world *w)
{
        for (size_t i = 0; i < w->n_hosts; i++)
                if (!sim_agent_is_quiet(&w->agents[i]) &&
                    !(w->coord.alive && w->coord.links[i].given_up))
                        return false;
        return w->coord.alive;
}

static void check_end(struct sim_world *w)
{
        for (size_t i = 0; i < w->n_hosts; i++) {
                const struct sim_agent *a = &w->agents[i];

                for (int64_t u = 1; u <= w->total && sim_agent_is_quiet(a); u++)
                        sim_require(w, !a->instances[u], "host %zu: unit %d is left there", i,
                                    (int)u);
                if (w->coord.links[i].given_up || !a->has_run || a->other_run ||
                    !streq(w->coord.links[i].agent_id, a->disk.agent_id))
                        continue;
                sim_require(w, w->coord.links[i].received == outbox_head(a->outbox),
                            "host %zu: records %d of %d have arrived", i,
                            (int)w->coord.links[i].received, (int)outbox_head(a->outbox));
        }
}

static void simulate(struct sim_world *w)
{
        struct theft thefts[SIM_HOSTS_MAX] = {0};
        struct storm s;
        int64_t limit_ns;

        world_init(w, &s);
        sim_say(w,
                "%d units, %zu hosts, %d at a time, leases of %d s; of 1000 messages %d are "
                "lost, %d come twice, %d late",
                (int)w->total, w->n_hosts, (int)w->parallel, (int)(w->ttl_ns / NSEC_PER_SEC),
                w->loss, w->twice, w->late);
        limit_ns = w->faults_until_ns + SIM_S(2000) + w->total * SIM_S(70);
        while (!all_counted(w)) {
                sim_require(w, w->now_ns < limit_ns, "the run does not come to its end");
                world_tick(w, thefts, &s);
        }
        sim_say(w, "all are counted");
        w->faults_until_ns = w->now_ns;
        limit_ns = w->now_ns + SIM_S(1000);
        while (!all_quiet(w)) {
                sim_require(w, w->now_ns < limit_ns,
                            "what is on the agents' disks does not arrive");
                world_tick(w, thefts, &s);
        }
        check_end(w);
}

static unsigned long number(const char *name, unsigned long otherwise)
{
        const char *s = getenv(name);

        return s ? strtoul(s, NULL, 10) : otherwise;
}

static void test_worlds(void **state)
{
        unsigned long runs = number("LXDSOAK_SIM_RUNS", 100), first = number("LXDSOAK_SIM_SEED", 1);
        struct sim_world *w = calloc(1, sizeof(*w)), sum = {0};
        sd_event *event = NULL;

        assert_non_null(w);
        assert_true(sd_event_default(&event) >= 0);
        for (unsigned long seed = first; seed < first + runs; seed++) {
                memset(w, 0, sizeof(*w));
                w->seed = seed;
                w->event = event;
                w->trace = getenv("LXDSOAK_SIM_TRACE");
                simulate(w);
                world_free(w);
                sum.n_begun += w->n_begun;
                sum.n_late += w->n_late;
                sum.n_lost += w->n_lost;
                sum.n_deaths += w->n_deaths;
                sum.n_resumes += w->n_resumes;
                sum.n_expired += w->n_expired;
                sum.n_reconciled += w->n_reconciled;
                sum.n_stolen += w->n_stolen;
                sum.n_revoked += w->n_revoked;
                sum.total += w->total;
        }
        print_message(
                "worlds %lu to %lu: %lld units, %lld begun, %lld late; agents died %lld times, "
                "coordinators %lld; put up anew %lld, taken %lld; leases expired %lld, lost "
                "%lld, asked back %lld\n",
                first, first + runs - 1, (long long)sum.total, (long long)sum.n_begun,
                (long long)sum.n_late, (long long)sum.n_deaths, (long long)sum.n_resumes,
                (long long)sum.n_lost, (long long)sum.n_stolen, (long long)sum.n_expired,
                (long long)sum.n_reconciled, (long long)sum.n_revoked);
        if (runs >= 100)
                assert_true(sum.n_late > 0 && sum.n_deaths > 0 && sum.n_resumes > 0 &&
                            sum.n_lost > 0 && sum.n_stolen > 0 && sum.n_expired > 0 &&
                            sum.n_revoked > 0);
        sd_event_unref(event);
        free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_worlds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
