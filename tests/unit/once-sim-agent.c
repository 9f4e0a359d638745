/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An agent of once-sim.h: what server-hello.c, server-session.c and run.c do around the arbiter,
 * the leases and the outbox, with LXD reduced to names that are there or not. */

#include "tests/unit/once-sim.h"

#define WINDOW_ROWS 400

static int64_t clock_of(const struct sim_agent *a)
{
        return a->world->now_ns + a->clock_ns;
}

static void send_back(struct sim_agent *a, int conn, struct sim_msg *m)
{
        m->epoch = a->epoch;
        snprintf(m->run, sizeof(m->run), "%s", SIM_RUN);
        sim_send(a->world, m);
}

static struct sim_msg *msg(struct sim_agent *a, int conn, enum message_type type)
{
        return sim_msg_new(a->host, false, conn, type);
}

static void refuse(struct sim_agent *a, int conn, enum refuse_code code)
{
        struct sim_msg *m = msg(a, conn, MESSAGE_REFUSE);

        m->code = code;
        sim_say(a->world, "host %zu refuses: %s; epoch %u, acked %d (on disk %u, %d), %s", a->host,
                refuse_code_name((int)code), a->epoch, (int)outbox_acked(a->outbox),
                a->disk.of.epoch, (int)a->disk.of.acked, a->coord_id);
        send_back(a, conn, m);
}

/* ---- records ---- */

static void on_ready(void *userdata)
{
}

static void flush_records(struct sim_agent *a)
{
        uint64_t first, last;

        if (!a->has_driver || !a->has_run || a->other_run)
                return;
        if (a->sent > outbox_acked(a->outbox) && a->world->now_ns - a->progress_ns > NSEC_PER_SEC) {
                a->sent = outbox_acked(a->outbox);
                a->progress_ns = a->world->now_ns;
        }
        while (a->sent < outbox_acked(a->outbox) + WINDOW_ROWS) {
                struct sim_msg *m;
                json_object *rows =
                        outbox_read(a->outbox, a->sent, (size_t)(1 + sim_chance(a->world, 30)),
                                    100000, &first, &last);

                if (!rows)
                        return;
                m = msg(a, a->driver, MESSAGE_RESULTS);
                m->seq = first;
                m->rows = rows;
                send_back(a, a->driver, m);
                a->sent = last;
        }
}

static void add_outcome(struct sim_agent *a, const struct lease_part *part, enum outcome outcome)
{
        struct record r = {.kind = RECORD_OUTCOME,
                           .unit = part->first,
                           .attempt = part->attempt,
                           .lease = part->lease,
                           .outcome = {.outcome = outcome, .name = "x"}};

        sim_require(a->world, outbox_add(a->outbox, &r, part->first, -1) == 0, "out of memory");
}

static void add_returned(struct sim_agent *a, const struct lease_part *part, const char *why)
{
        struct record r = {.kind = RECORD_RETURNED, .unit = part->first, .lease = part->lease};

        r.returned.first = part->first;
        r.returned.count = part->count;
        snprintf(r.returned.reason, sizeof(r.returned.reason), "%s", why);
        sim_require(a->world, outbox_add(a->outbox, &r, -1, part->lease) == 0, "out of memory");
}

static void return_all(struct sim_agent *a, int64_t lease, const char *why)
{
        struct lease_part part;

        while (leases_take(&a->leases, lease, &part))
                add_returned(a, &part, why);
}

/* ---- units ---- */

static bool may_begin(int64_t unit, void *userdata)
{
        const struct sim_agent *a = userdata;

        for (size_t i = 0; i < a->n_slots; i++)
                if (a->slots[i].part.first == unit)
                        return false;
        return true;
}

static void drop_slot(struct sim_agent *a, size_t i)
{
        memmove(a->slots + i, a->slots + i + 1, (--a->n_slots - i) * sizeof(*a->slots));
}

static void on_intent(int r, void *userdata)
{
        struct sim_agent *a = userdata;

        /* in the order of the intents, so the first that is not durable is meant */
        for (size_t i = 0; i < a->n_slots; i++)
                if (!a->slots[i].durable) {
                        int64_t unit = a->slots[i].part.first;

                        a->slots[i].durable = true;
                        sim_require(a->world, !a->instances[unit],
                                    "host %zu: unit %d is there already", a->host, (int)unit);
                        a->instances[unit] = 1;
                        return;
                }
}

static void begin_units(struct sim_agent *a)
{
        struct sim_world *w = a->world;
        struct lease_part part;

        if (a->stopping || a->other_run || !a->has_run || w->now_ns < a->stuck_until_ns)
                return;
        while ((int64_t)a->n_slots < w->parallel &&
               leases_next(&a->leases, clock_of(a), may_begin, a, &part)) {
                struct sim_job job = {
                        .kind = SIM_INTENT, .part = part, .handler = on_intent, .userdata = a};

                sim_require(w, !ranges_contain(&w->dead[a->host], part.lease),
                            "host %zu begins unit %d of lease %d, which was taken back", a->host,
                            (int)part.first, (int)part.lease);
                leases_begun(&a->leases, part.lease);
                a->slots[a->n_slots++] = (struct sim_slot){.part = part,
                                                           .end_ns = w->now_ns + a->unit_ns / 2 +
                                                                     sim_chance(w, a->unit_ns)};
                sim_require(w, sim_spool_put(&a->spool, &job) == 0, "out of memory");
                w->n_begun++;
        }
}

static void end_units(struct sim_agent *a)
{
        struct sim_world *w = a->world;

        for (size_t i = 0; i < a->n_slots;) {
                struct sim_slot slot = a->slots[i];
                enum outcome outcome = OUTCOME_PASSED;

                if (!slot.durable || w->now_ns < MAX(slot.end_ns, a->stuck_until_ns)) {
                        i++;
                        continue;
                }
                if (slot.removal || a->stopping)
                        outcome = OUTCOME_INTERRUPTED;
                else if (sim_chance(w, 20) == 0)
                        outcome = sim_chance(w, 2) ? OUTCOME_FAILED : OUTCOME_INTERRUPTED;
                a->instances[slot.part.first] = 0;
                if (outcome != OUTCOME_INTERRUPTED)
                        w->ended[slot.part.first]++;
                drop_slot(a, i);
                add_outcome(a, &slot.part, outcome);
        }
}

/* ---- the run, set aside and taken up ---- */

static void forget_run(struct sim_agent *a)
{
        struct sim_job job = {.kind = SIM_END_RUN};

        return_all(a, 0, "revoked");
        sim_require(a->world, a->n_slots == 0, "a run is set aside while units are in flight");
        leases_deinit(&a->leases);
        a->has_run = a->other_run = a->stopping = a->has_driver = false;
        a->epoch = 0;
        a->coord_id[0] = '\0';
        sim_require(a->world, sim_spool_put(&a->spool, &job) == 0, "out of memory");
}

static void restore_records(struct sim_agent *a)
{
        struct sim_disk *d = &a->disk;

        outbox_begin_run(a->outbox, SIM_RUN, d->of.head, d->of.acked);
        for (uint64_t seq = 1; seq < d->n_rows; seq++)
                if (d->rows[seq])
                        sim_require(a->world, outbox_restore(a->outbox, seq, d->rows[seq]) == 0,
                                    "out of memory");
        a->sent = outbox_acked(a->outbox);
        leases_deinit(&a->leases);
        a->leases.newest = d->of.newest_lease;
}

static void welcome(struct sim_agent *a)
{
        struct sim_msg *m = msg(a, a->driver, MESSAGE_WELCOME);

        m->seq = a->hello_seq;
        m->stamp_ns = clock_of(a);
        m->head = outbox_head(a->outbox);
        memcpy(m->agent_id, a->disk.agent_id, sizeof(m->agent_id));
        memcpy(m->incarnation, a->incarnation, sizeof(m->incarnation));
        m->leases = calloc(a->leases.n + a->n_slots + 1, sizeof(*m->leases));
        for (size_t i = 0; i < a->leases.n; i++)
                m->leases[m->n_leases++] = a->leases.items[i].lease;
        for (size_t i = 0; i < a->n_slots; i++)
                m->leases[m->n_leases++] = a->slots[i].part.lease;
        send_back(a, a->driver, m);
}

static void adopt(struct sim_agent *a, const struct sim_msg *m)
{
        sim_require(a->world, m->epoch >= a->epoch_max, "host %zu: epoch %u is accepted after %u",
                    a->host, m->epoch, a->epoch_max);
        a->epoch_max = m->epoch;
        a->has_driver = true;
        a->driver = m->conn;
        a->epoch = m->epoch;
        a->hello_seq = m->seq;
        a->heard_ns = clock_of(a);
        a->thief[0] = '\0';
        memcpy(a->coord_id, m->coord_id, sizeof(a->coord_id));
        outbox_ack(a->outbox, streq(m->agent_id, a->disk.agent_id) ? m->ack : 0);
        a->sent = outbox_acked(a->outbox);
        welcome(a);
}

static bool is_behind(const struct sim_agent *a, const struct sim_msg *m, uint64_t acked)
{
        return streq(m->agent_id, a->disk.agent_id) && m->ack < acked;
}

static void on_noted(int r, void *userdata)
{
        struct sim_agent *a = userdata;
        struct sim_msg *m = a->noting;

        a->noting = NULL;
        if (a->has_run) {
                adopt(a, m);
        } else if (streq(m->run, SIM_OTHER_RUN)) {
                a->has_run = a->other_run = a->has_driver = true;
                a->driver = m->conn;
                a->heard_ns = clock_of(a);
                a->epoch = m->epoch;
                memcpy(a->coord_id, m->coord_id, sizeof(a->coord_id));
                a->thief[0] = '\0';
        } else {
                sim_require(a->world, a->disk.of.epoch >= m->epoch, "an epoch is not on disk");
                if (a->disk.of.epoch > m->epoch || is_behind(a, m, a->disk.of.acked)) {
                        refuse(a, m->conn, REFUSE_STALE_EPOCH);
                        forget_run(a);
                } else {
                        a->has_run = true;
                        restore_records(a);
                        adopt(a, m);
                }
        }
        sim_msg_free(m);
}

static void note(struct sim_agent *a, struct sim_msg *m)
{
        struct sim_job job = {
                .kind = SIM_PUT_RUN, .epoch = m->epoch, .handler = on_noted, .userdata = a};

        memcpy(job.run, m->run, sizeof(job.run));
        job.seq = streq(m->agent_id, a->disk.agent_id) ? m->ack : 0;
        a->noting = m;
        sim_require(a->world, sim_spool_put(&a->spool, &job) == 0, "out of memory");
}

/* ---- HELLO ---- */

static struct arbiter arbiter_of(const struct sim_agent *a)
{
        struct arbiter x = {.epoch = a->epoch,
                            .has_driver = a->has_driver,
                            .heard_ns = a->heard_ns,
                            .stopped = a->stopping && a->n_slots == 0,
                            .ending = a->stopping,
                            .occupied = a->n_slots > 0,
                            .thief_ns = a->thief_ns};

        memcpy(x.thief, a->thief, sizeof(x.thief));
        memcpy(x.coord_id, a->coord_id, sizeof(x.coord_id));
        if (a->has_run)
                snprintf(x.run, sizeof(x.run), "%s", a->other_run ? SIM_OTHER_RUN : SIM_RUN);
        return x;
}

static void steal(struct sim_agent *a, const struct sim_msg *m)
{
        struct arbiter x = arbiter_of(a);

        arbiter_reserve(&x, m->coord_id, clock_of(a));
        memcpy(a->thief, x.thief, sizeof(a->thief));
        a->thief_ns = x.thief_ns;
        if (a->has_driver)
                refuse(a, a->driver, REFUSE_STOLEN);
        a->has_driver = false;
        a->stopping = true;
        return_all(a, 0, "drain");
}

/* Takes m over. */
static void on_hello(struct sim_agent *a, struct sim_msg *m)
{
        const struct arbiter_hello hello = {m->run, m->coord_id, m->epoch, m->steal, true};
        struct arbiter x = arbiter_of(a);

        if (a->noting) {
                sim_msg_free(m);
                return;
        }
        switch (arbiter_hello(&x, &hello, clock_of(a))) {
        case ARBITER_AGAIN:
                if (a->other_run) {
                        a->heard_ns = clock_of(a);
                        break;
                }
                if (streq(a->coord_id, m->coord_id) && m->seq < a->hello_seq)
                        break;
                if (!streq(a->coord_id, m->coord_id) && is_behind(a, m, outbox_acked(a->outbox))) {
                        refuse(a, m->conn, REFUSE_STALE_EPOCH);
                        break;
                }
                if (m->epoch > a->epoch) {
                        note(a, m);
                        return;
                }
                adopt(a, m);
                break;
        case ARBITER_BEGIN:
                if (a->has_run)
                        forget_run(a);
                note(a, m);
                return;
        case ARBITER_STALE:
                refuse(a, m->conn,
                       arbiter_is_reserved(&x, clock_of(a)) ? REFUSE_STOLEN : REFUSE_STALE_EPOCH);
                break;
        case ARBITER_STEAL: steal(a, m); break;
        default: refuse(a, m->conn, REFUSE_BUSY);
        }
        sim_msg_free(m);
}

/* ---- the driver's messages ---- */

static void echo(struct sim_agent *a, const struct sim_msg *m)
{
        if (m->stamp_ns > 0)
                leases_echo(&a->leases, m->stamp_ns, clock_of(a));
}

static void on_lease_durable(int r, void *userdata)
{
        struct sim_msg *m = userdata; /* the answer */
        struct sim_agent *a = &((struct sim_world *)m->next)->agents[m->host];

        m->next = NULL;
        send_back(a, m->conn, m);
}

static void on_lease(struct sim_agent *a, const struct sim_msg *m)
{
        struct lease_part part = {m->lease.lease, m->lease.first, m->lease.count, m->lease.attempt};
        struct sim_msg *ok = msg(a, m->conn, MESSAGE_LEASE_OK);
        struct sim_job job = {.kind = SIM_LEASE, .part = part, .handler = on_lease_durable};

        echo(a, m);
        ok->lease.lease = m->lease.lease;
        if (leases_know(&a->leases, part.lease)) {
                send_back(a, m->conn, ok);
                return;
        }
        ok->next = (struct sim_msg *)a->world;
        job.userdata = ok;
        sim_require(a->world,
                    sim_spool_put(&a->spool, &job) == 0 &&
                            leases_add(&a->leases, &part, m->lease.ttl_ns) == 0,
                    "out of memory");
        if (a->stopping)
                return_all(a, 0, "drain");
}

static void on_ping(struct sim_agent *a, const struct sim_msg *m)
{
        struct sim_msg *pong = msg(a, m->conn, MESSAGE_PONG);

        echo(a, m);
        pong->stamp_ns = clock_of(a);
        pong->in_flight = a->n_slots;
        send_back(a, m->conn, pong);
}

void sim_agent_receive(struct sim_agent *a, struct sim_msg *m)
{
        bool driver = a->has_run && !a->other_run && a->has_driver && m->conn == a->driver &&
                      m->epoch == a->epoch;

        if (driver)
                a->heard_ns = clock_of(a);
        if (m->type == MESSAGE_HELLO) {
                on_hello(a, m);
                return;
        }
        if (m->type == MESSAGE_BYE && a->other_run)
                forget_run(a);
        else if (!driver)
                send_back(a, m->conn, msg(a, m->conn, MESSAGE_ERR));
        else if (m->type == MESSAGE_PING)
                on_ping(a, m);
        else if (m->type == MESSAGE_LEASE)
                on_lease(a, m);
        else if (m->type == MESSAGE_ACK)
                outbox_ack(a->outbox, m->ack);
        else if (m->type == MESSAGE_REVOKE)
                return_all(a, m->lease.lease, "revoked");
        sim_msg_free(m);
}

/* Its timer is of a second, and late when it is busy or stood still. */
static void look_at_clock(struct sim_agent *a)
{
        struct lease_part part;

        if (a->world->now_ns < a->look_ns)
                return;
        a->look_ns = a->world->now_ns + sim_chance(a->world, SIM_S(2));
        while (leases_take_expired(&a->leases, clock_of(a), &part))
                add_returned(a, &part, "expired");
}

void sim_agent_tick(struct sim_agent *a)
{
        struct sim_world *w = a->world;

        /* which comes first is not to matter: a thawed agent may look for work before its clock */
        if (sim_chance(w, 2))
                begin_units(a);
        look_at_clock(a);
        end_units(a);
        begin_units(a);
        if (sim_chance(w, 3))
                sim_spool_flush(&a->spool);
        flush_records(a);
}

bool sim_agent_is_quiet(const struct sim_agent *a)
{
        return a->alive && a->n_slots == 0 && outbox_pending(a->outbox) == 0;
}

/* ---- the process and the machine ---- */

void sim_agent_start(struct sim_agent *a)
{
        struct sim_disk *d = &a->disk;

        a->alive = true;
        a->spool = (struct spool){.disk = d};
        sim_name(a->world, a->incarnation, "incarnation");
        a->born_conn = a->world->conns;
        a->world->coord.links[a->host].connected = false;
        sim_require(a->world, outbox_new(a->world->event, &a->spool, on_ready, a, &a->outbox) == 0,
                    "out of memory");
        a->has_run = d->run[0] != '\0';
        a->other_run = a->has_run && !streq(d->run, SIM_RUN);
        if (!a->has_run || a->other_run)
                return;
        a->epoch = d->of.epoch;
        restore_records(a);
        for (size_t i = 0; i < d->n_leases; i++)
                add_returned(a, &d->leases[i], "restart");
        for (size_t i = 0; i < d->n_intents; i++)
                a->slots[a->n_slots++] = (struct sim_slot){
                        .part = d->intents[i],
                        .durable = true,
                        .removal = true,
                        .end_ns = a->world->now_ns + sim_chance(a->world, SIM_S(8))};
}

void sim_agent_kill(struct sim_agent *a)
{
        if (!a->alive)
                return;
        a->alive = false;
        for (struct sim_job *j = a->spool.jobs; j; j = j->next)
                if (j->kind == SIM_LEASE) {
                        struct sim_msg *ok = j->userdata;

                        ok->next = NULL;
                        sim_msg_free(ok);
                }
        sim_spool_drop(&a->spool);
        sim_msg_free(a->noting);
        a->noting = NULL;
        a->outbox = outbox_free(a->outbox);
        leases_deinit(&a->leases);
        a->n_slots = 0;
        a->has_run = a->other_run = a->stopping = a->has_driver = false;
        a->epoch = 0;
        a->coord_id[0] = a->thief[0] = '\0';
        a->frozen_until_ns = 0;
}

void sim_agent_install(struct sim_agent *a)
{
        sim_disk_wipe(&a->disk);
        memset(a->instances, 0, sizeof(a->instances));
        a->epoch_max = 0;
        sim_name(a->world, a->disk.agent_id, "agent");
}

void sim_agent_free(struct sim_agent *a)
{
        sim_agent_kill(a);
        sim_disk_wipe(&a->disk);
}
