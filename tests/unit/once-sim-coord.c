/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The coordinator of once-sim.h: what link-session.c, run-work.c and run-resume.c do around the
 * planner, with the store as a struct whose committed copy survives. */

#include "proto/record.h"
#include "tests/unit/once-sim.h"

#define AGAIN_NS   (1 * NSEC_PER_SEC)
#define PING_NS    (2 * NSEC_PER_SEC)
#define SUSPECT_NS (10 * NSEC_PER_SEC)
#define BEHIND_NS  (2 * NSEC_PER_SEC)

/* ---- the store ---- */

void sim_store_free(struct sim_store *s)
{
        for (size_t i = 0; i < s->n_leases; i++)
                free(s->leases[i].parts);
        free(s->leases);
        *s = (struct sim_store){0};
}

static void store_copy(struct sim_store *to, const struct sim_store *from)
{
        sim_store_free(to);
        *to = *from;
        to->leases = calloc(from->n_leases + 1, sizeof(*to->leases));
        for (size_t i = 0; i < from->n_leases; i++) {
                struct sim_lease_row *row = &to->leases[i];

                *row = from->leases[i];
                row->parts = calloc(row->n_parts + 1, sizeof(*row->parts));
                if (row->n_parts > 0)
                        memcpy(row->parts, from->leases[i].parts,
                               row->n_parts * sizeof(*row->parts));
        }
}

static void put_lease(struct sim_store *s, const struct plan_lease *l)
{
        s->leases = reallocarray(s->leases, s->n_leases + 1, sizeof(*s->leases));
        s->leases[s->n_leases++] = (struct sim_lease_row){
                .past = {l->host, l->lease, l->first, l->count, l->attempt, l->tries, false}};
}

static void end_lease(struct sim_store *s, int64_t lease)
{
        for (size_t i = 0; i < s->n_leases; i++)
                if (s->leases[i].past.lease == lease)
                        s->leases[i].past.over = s->leases[i].dead = true;
}

static void put_part(struct sim_store *s, int64_t lease, enum plan_part_kind kind, int64_t first,
                     int64_t count)
{
        for (size_t i = 0; i < s->n_leases; i++) {
                struct sim_lease_row *row = &s->leases[i];

                if (row->past.lease != lease)
                        continue;
                row->parts = reallocarray(row->parts, row->n_parts + 1, sizeof(*row->parts));
                row->parts[row->n_parts++] = (struct plan_part){kind, first, count};
        }
}

static uint64_t *seq_of(struct sim_store *s, size_t host)
{
        return &s->agents[s->present[host] - 1].seq;
}

/* 1: another agent than before. */
static bool set_agent(struct sim_store *s, size_t host, const char *agent_id)
{
        for (size_t i = 0; i < s->n_agents; i++)
                if (streq(s->agents[i].agent_id, agent_id)) {
                        s->present[host] = i + 1;
                        return false;
                }
        if (s->n_agents == ELEMENTSOF(s->agents))
                abort();
        snprintf(s->agents[s->n_agents].agent_id, 33, "%s", agent_id);
        s->agents[s->n_agents].seq = 0;
        s->present[host] = ++s->n_agents;
        return true;
}

/* ---- messages ---- */

static struct sim_msg *msg(struct sim_coord *c, size_t host, enum message_type type)
{
        struct sim_msg *m = sim_msg_new(host, true, c->links[host].conn, type);

        m->epoch = c->store.epoch;
        snprintf(m->run, sizeof(m->run), "%s", SIM_RUN);
        memcpy(m->coord_id, c->coord_id, sizeof(m->coord_id));
        return m;
}

static void send_ack(struct sim_coord *c, size_t host)
{
        struct sim_msg *m;

        if (!c->links[host].welcomed)
                return;
        m = msg(c, host, MESSAGE_ACK);
        m->ack = c->links[host].committed;
        sim_send(c->world, m);
}

static void send_hello(struct sim_coord *c, size_t host)
{
        struct sim_link *l = &c->links[host];
        struct sim_msg *m = msg(c, host, MESSAGE_HELLO);

        m->seq = ++l->hello_seq;
        m->ack = l->committed;
        memcpy(m->agent_id, l->agent_id, sizeof(m->agent_id));
        l->hello_ns = c->world->now_ns;
        sim_say(c->world, "HELLO %d to host %zu on %d: epoch %u, ack %d, %s", (int)m->seq, host,
                m->conn, m->epoch, (int)m->ack, m->coord_id);
        sim_send(c->world, m);
}

/* From now on others may be lent the units. */
static void bury(struct sim_coord *c)
{
        for (size_t i = 0; i < c->store.n_leases; i++) {
                const struct plan_past *past = &c->store.leases[i].past;

                if (c->store.leases[i].dead)
                        sim_require(c->world,
                                    ranges_add(&c->world->dead[past->host], past->lease,
                                               past->lease + 1) == 0,
                                    "out of memory");
        }
}

static void commit(struct sim_coord *c)
{
        if (!c->dirty)
                return;
        store_copy(&c->committed, &c->store);
        c->dirty = false;
        bury(c);
        for (size_t i = 0; i < c->world->n_hosts; i++) {
                struct sim_link *l = &c->links[i];

                if (c->store.present[i] == 0 || !l->was_ready ||
                    !streq(l->agent_id, c->store.agents[c->store.present[i] - 1].agent_id))
                        continue;
                if (*seq_of(&c->store, i) > l->committed) {
                        l->committed = *seq_of(&c->store, i);
                        send_ack(c, i);
                }
        }
}

/* ---- what is taken back ---- */

static void dead_lease(struct sim_coord *c, const struct plan_lease *l)
{
        sim_say(c->world, "lease %d (units %d+%d) is taken back from host %zu", (int)l->lease,
                (int)l->first, (int)l->count, l->host);
        end_lease(&c->store, l->lease);
        c->dirty = true;
}

/* All a host had. When it is not because of the time, its agent may not know it. */
static void give_back(struct sim_coord *c, size_t host, bool in_time)
{
        for (size_t i = 0; i < c->store.n_leases; i++) {
                struct plan_past *past = &c->store.leases[i].past;

                if (past->host != host || past->over)
                        continue;
                past->over = true;
                c->world->n_expired += in_time;
                c->store.leases[i].dead = in_time;
        }
        c->dirty = true;
        sim_require(c->world, plan_host_gone(c->plan, host, c->world->now_ns) == 0,
                    "out of memory");
}

/* ---- the session ---- */

static void hand_up_holds(struct sim_coord *c, size_t host)
{
        struct sim_link *l = &c->links[host];
        int64_t *holds = l->holds;
        struct plan_lease lost;

        if (!holds || l->received < l->head)
                return;
        l->holds = NULL;
        while (plan_reconcile(c->plan, host, holds, l->n_holds, c->world->now_ns, &lost) == 1) {
                sim_say(c->world, "host %zu has lost lease %d", host, (int)lost.lease);
                c->world->n_reconciled++;
                dead_lease(c, &lost);
        }
        free(holds);
}

static void on_welcome(struct sim_coord *c, size_t host, struct sim_msg *m)
{
        struct sim_link *l = &c->links[host];
        bool new_agent = l->agent_id[0] && !streq(l->agent_id, m->agent_id), first = !l->was_ready;

        if (l->welcomed || m->seq <= l->hello_done)
                return;
        free(l->holds);
        l->holds = m->leases;
        l->n_holds = m->n_leases;
        m->leases = NULL;
        l->head = m->head;
        if (first || new_agent || !streq(l->incarnation, m->incarnation))
                l->stamp_ns = 0;
        l->stamp_ns = MAX(l->stamp_ns, m->stamp_ns);
        memcpy(l->agent_id, m->agent_id, sizeof(l->agent_id));
        memcpy(l->incarnation, m->incarnation, sizeof(l->incarnation));
        l->welcomed = l->was_ready = true;
        l->hello_done = l->hello_seq;
        l->heard_ns = c->world->now_ns;
        l->ping_ns = 0;
        commit(c);
        set_agent(&c->store, host, m->agent_id);
        c->dirty = true;
        if (first || new_agent)
                l->received = l->committed = *seq_of(&c->store, host);
        if (new_agent)
                give_back(c, host, false);
        l->lost = false;
        sim_say(c->world, "host %zu: WELCOME, %zu leases, head %d", host, l->n_holds, (int)l->head);
        plan_host_ready(c->plan, host, 0, c->world->now_ns);
        hand_up_holds(c, host);
}

static void count(struct sim_coord *c, size_t host, const struct record *r)
{
        struct sim_world *w = c->world;

        sim_require(w, c->store.outcome[r->unit] == 0, "unit %d is counted twice", (int)r->unit);
        sim_require(w, r->outcome.outcome == OUTCOME_INTERRUPTED || w->ended[r->unit] > 0,
                    "unit %d is counted, and never came to an end", (int)r->unit);
        c->store.outcome[r->unit] = 1 + (int)r->outcome.outcome;
        c->store.host[r->unit] = host;
}

static void on_record(struct sim_coord *c, size_t host, const struct record *r)
{
        struct sim_world *w = c->world;
        int answer = plan_record(c->plan, host, r, w->now_ns);

        sim_require(w, answer >= 0, "host %zu: record %d is refused: %s", host, (int)r->seq,
                    strerror(-answer));
        if (r->seq <= *seq_of(&c->store, host))
                return;
        sim_require(w, r->seq == *seq_of(&c->store, host) + 1, "host %zu: a record is missing",
                    host);
        *seq_of(&c->store, host) = r->seq;
        c->dirty = true;
        if (r->kind == RECORD_RETURNED)
                put_part(&c->store, r->lease, PLAN_PART_RETURNED, r->returned.first,
                         r->returned.count);
        else if (answer == PLAN_COUNTED)
                count(c, host, r);
        else if (r->outcome.outcome == OUTCOME_INTERRUPTED)
                put_part(&c->store, r->lease, PLAN_PART_INTERRUPTED, r->unit, 1);
        if (r->kind == RECORD_RETURNED && streq(r->returned.reason, PLAN_REASON_DRAIN) &&
            r->seq > c->links[host].head)
                plan_host_silent(c->plan, host, w->now_ns);
        w->n_late += answer == PLAN_LATE;
}

static void on_results(struct sim_coord *c, size_t host, const struct sim_msg *m)
{
        struct sim_link *l = &c->links[host];
        size_t n = json_object_array_length(m->rows);

        if (!l->welcomed)
                return;
        if (m->seq > l->received + 1 || m->seq + n - 1 <= l->committed) {
                send_ack(c, host);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                struct error err = ERROR_INIT;
                struct record r;

                if (m->seq + i <= l->received)
                        continue;
                sim_require(c->world,
                            record_decode(json_object_array_get_idx(m->rows, i), &r, &err) == 0,
                            "%s", err.text);
                l->received = m->seq + i;
                on_record(c, host, &r);
        }
        hand_up_holds(c, host);
}

static void on_refuse(struct sim_coord *c, size_t host, enum refuse_code code)
{
        struct sim_link *l = &c->links[host];

        if (code != REFUSE_STALE_EPOCH && code != REFUSE_STOLEN)
                return; /* it asks again */
        /* there is one coordinator at a time here: none is later than this one */
        sim_require(c->world, code == REFUSE_STOLEN, "host %zu: the newest coordinator is refused",
                    host);
        if (l->given_up)
                return;
        l->given_up = true;
        l->welcomed = false;
        give_back(c, host, false);
}

void sim_coord_receive(struct sim_coord *c, struct sim_msg *m)
{
        struct sim_link *l = &c->links[m->host];

        if (m->conn != l->conn || l->given_up) {
                sim_msg_free(m);
                return;
        }
        if (l->welcomed)
                l->heard_ns = c->world->now_ns;
        switch (m->type) {
        case MESSAGE_WELCOME: on_welcome(c, m->host, m); break;
        case MESSAGE_REFUSE: on_refuse(c, m->host, m->code); break;
        case MESSAGE_LEASE_OK: plan_lease_ok(c->plan, m->host, m->lease.lease); break;
        case MESSAGE_RESULTS: on_results(c, m->host, m); break;
        case MESSAGE_PONG:
                if (l->welcomed)
                        l->stamp_ns = MAX(l->stamp_ns, m->stamp_ns);
                plan_pong(c->plan, m->host, c->world->now_ns);
                plan_in_flight(c->plan, m->host, (int64_t)m->in_flight);
                break;
        case MESSAGE_ERR:
                l->welcomed = false;
                send_hello(c, m->host);
                break;
        default: break;
        }
        sim_msg_free(m);
}

static void tick_link(struct sim_coord *c, size_t host)
{
        struct sim_link *l = &c->links[host];
        int64_t now = c->world->now_ns;

        if (l->given_up)
                return;
        if (!l->connected ||
            (l->was_ready && now - l->heard_ns > SUSPECT_NS && now - l->opened_ns > SUSPECT_NS)) {
                if (l->was_ready && l->connected)
                        plan_host_silent(c->plan, host, now);
                l->conn = ++c->world->conns;
                l->opened_ns = now;
                l->connected = true;
                l->welcomed = false;
                l->hello_ns = 0;
        }
        if (!l->welcomed && now - l->hello_ns >= AGAIN_NS)
                send_hello(c, host);
        if (l->welcomed && now - l->ping_ns >= PING_NS) {
                struct sim_msg *m = msg(c, host, MESSAGE_PING);

                m->stamp_ns = l->stamp_ns;
                l->ping_ns = now;
                sim_send(c->world, m);
        }
}

/* ---- lending ---- */

static void send_lease(struct sim_coord *c, const struct plan_lease *l)
{
        struct sim_msg *m;

        sim_say(c->world, "lease %d (units %d+%d, attempt %d) to host %zu%s", (int)l->lease,
                (int)l->first, (int)l->count, (int)l->attempt, l->host,
                c->links[l->host].welcomed ? "" : ", which is not there");
        if (!c->links[l->host].welcomed)
                return;
        m = msg(c, l->host, MESSAGE_LEASE);
        m->lease = (struct msg_lease){l->lease, l->first, l->count, l->attempt, l->ttl_ns, 0};
        m->stamp_ns = c->links[l->host].stamp_ns;
        sim_send(c->world, m);
}

static void lend(struct sim_coord *c)
{
        struct sim_world *w = c->world;
        struct plan_lease l, fresh[SIM_UNITS_MAX];
        size_t n = 0;
        int r = 0;

        while (n < ELEMENTSOF(fresh) && (r = plan_next(c->plan, w->now_ns, &l)) > 0) {
                if (l.repeated) {
                        send_lease(c, &l);
                        continue;
                }
                for (int64_t u = l.first; u < l.first + l.count; u++) {
                        sim_require(w, l.attempt >= w->attempt[u],
                                    "unit %d is lent as attempt %d after %d", (int)u,
                                    (int)l.attempt, (int)w->attempt[u]);
                        sim_require(w, c->store.outcome[u] == 0, "unit %d is lent, and counted",
                                    (int)u);
                }
                put_lease(&c->store, &l);
                fresh[n++] = l;
                c->dirty = true;
        }
        sim_require(w, r >= 0, "out of memory");
        if (n == 0)
                return;
        commit(c);
        /* a death between the commit and the message is a death after it, for who comes next */
        for (size_t i = 0; i < n; i++) {
                for (int64_t u = fresh[i].first; u < fresh[i].first + fresh[i].count; u++)
                        w->attempt[u] = fresh[i].attempt;
                send_lease(c, &fresh[i]);
        }
}

static void take_back(struct sim_coord *c)
{
        struct sim_world *w = c->world;
        struct plan_lease l;
        int r;

        if (w->now_ns < c->behind_until_ns)
                return;
        while ((r = plan_expire(c->plan, w->now_ns, &l)) > 0) {
                w->n_expired++;
                dead_lease(c, &l);
        }
        sim_require(w, r >= 0, "out of memory");
        for (size_t i = 0; i < w->n_hosts; i++) {
                struct sim_link *k = &c->links[i];

                if (!k->lost && !k->given_up &&
                    w->now_ns - k->heard_ns > plan_patience_ns(c->plan)) {
                        k->lost = true;
                        give_back(c, i, true);
                }
        }
}

void sim_coord_tick(struct sim_coord *c)
{
        size_t host;

        for (size_t i = 0; i < c->world->n_hosts; i++)
                tick_link(c, i);
        if (sim_chance(c->world, 2))
                commit(c);
        take_back(c);
        while (plan_revoke(c->plan, c->world->now_ns, &host)) {
                sim_say(c->world, "host %zu is to give back", host);
                c->world->n_revoked++;
                if (c->links[host].welcomed)
                        sim_send(c->world, msg(c, host, MESSAGE_REVOKE));
        }
        lend(c);
}

/* ---- the process ---- */

static void restore(struct sim_coord *c)
{
        struct sim_world *w = c->world;
        const struct sim_store *s = &c->store;

        for (int64_t u = 1; u <= w->total; u++)
                if (s->outcome[u])
                        sim_require(w,
                                    plan_restore_unit(c->plan, s->host[u], u,
                                                      (enum outcome)(s->outcome[u] - 1)) == 0,
                                    "unit %d cannot be restored", (int)u);
        for (size_t i = s->n_leases; i-- > 0;)
                sim_require(w,
                            plan_restore_lease(c->plan, &s->leases[i].past, s->leases[i].parts,
                                               s->leases[i].n_parts, w->now_ns) == 0,
                            "lease %d cannot be restored", (int)s->leases[i].past.lease);
        sim_require(w, plan_restored(c->plan) == 0, "out of memory");
}

void sim_coord_start(struct sim_coord *c)
{
        struct sim_world *w = c->world;
        const struct plan_config config = {.mode = MODE_CHURN,
                                           .total = w->total,
                                           .parallel = w->parallel,
                                           .ttl_ns = w->ttl_ns,
                                           .n_hosts = w->n_hosts};

        c->committed.epoch++;
        store_copy(&c->store, &c->committed);
        c->alive = true;
        c->dirty = false;
        c->behind_until_ns = 0;
        sim_name(w, c->coord_id, "coordinator");
        sim_require(w, plan_new(&config, &c->plan) == 0, "out of memory");
        if (c->store.epoch > 1)
                restore(c);
        for (size_t i = 0; i < w->n_hosts; i++) {
                struct sim_link *l = &c->links[i];

                *l = (struct sim_link){.heard_ns = w->now_ns};
                if (c->store.present[i] == 0)
                        continue;
                memcpy(l->agent_id, c->store.agents[c->store.present[i] - 1].agent_id,
                       sizeof(l->agent_id));
                l->committed = l->received = *seq_of(&c->store, i);
        }
}

void sim_coord_kill(struct sim_coord *c)
{
        c->alive = false;
        c->plan = plan_free(c->plan);
        sim_store_free(&c->store);
        for (size_t i = 0; i < SIM_HOSTS_MAX; i++) {
                free(c->links[i].holds);
                c->links[i].holds = NULL;
        }
}

void sim_coord_free(struct sim_coord *c)
{
        sim_coord_kill(c);
        sim_store_free(&c->committed);
}
