/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The session of the coordinator that drives: HELLO to BYE, leases, and the end of its run. */

#include "agent/server-internal.h"

#include "agent/journal.h"
#include "base/clock.h"
#include "base/log.h"

#define LEASE_TTL_MAX_NS (600 * NSEC_PER_SEC)
#define FLUSH_USEC       100000

/* ---- the end of a run ---- */

static void on_run_stopped(struct run *run, json_object *leftovers, void *userdata)
{
        struct server *s = userdata;
        struct msg_pong pong = {0};

        server_measure(s);
        json_object_put(s->leftovers);
        s->leftovers = json_object_get(leftovers);
        fill_pong(s, &pong);
        journal_end(run_get_spec(run), s->deps.agent_id, s->server_name, leftovers, &pong,
                    outbox_head(s->outbox));
        flush_soon(s, 0);
        send_stopped(s);
        if (s->on_idle)
                s->on_idle(s->on_idle_userdata);
}

static void end_in_spool(struct server *s)
{
        if (spool_end_run(s->deps.spool, NULL, NULL) < 0)
                log_error("Out of memory: the spool still names the run");
}

void forget_run(struct server *s)
{
        if (s->preflight)
                preflight_cancel(TAKE(s->preflight));
        if (s->run && !run_is_stopped(s->run)) {
                char *id = s->given_up[s->n_given_up++ % GIVEN_UP_MAX];

                snprintf(id, RUN_ID_SIZE, "%s", run_id(s));
        }
        s->run = run_free(s->run);
        json_object_put(TAKE(s->leftovers));
        s->has_driver = false;
        end_in_spool(s);
}

/* ---- HELLO ---- */

static void send_welcome(struct server *s, const struct peer *to, const char *run)
{
        struct msg_welcome m = {.proto = PROTO_MAX,
                                .head = (int64_t)outbox_head(s->outbox),
                                .parallel_max = PARALLEL_MAX};

        snprintf(m.agent_id, sizeof(m.agent_id), "%s", s->deps.agent_id);
        snprintf(m.incarnation, sizeof(m.incarnation), "%s", s->incarnation);
        gethostname(m.hostname, sizeof(m.hostname) - 1);
        snprintf(m.server, sizeof(m.server), "%s", s->server_name);
        send_message(s, to, MESSAGE_WELCOME, run, 0, fields_encode(msg_welcome_fields, &m));
}

/* Nothing was done for it and nothing is known of it but its spec. */
static bool run_is_fresh(struct server *s)
{
        struct msg_pong pong = {0};

        run_fill(s->run, &pong);
        return outbox_head(s->outbox) == 0 && pong.in_flight + pong.held == 0;
}

static void on_preflight(const struct preflight_answer *a, void *userdata)
{
        struct server *s = userdata;

        s->preflight = NULL;
        snprintf(s->server_name, sizeof(s->server_name), "%s", a->server);
        if (a->ok) {
                run_set_source(s->run, a->source);
                send_welcome(s, &s->driver, run_id(s));
                return;
        }
        send_refuse(s, &s->driver, a->refuse, "%s", a->text);
        if (run_is_fresh(s)) {
                run_free(TAKE(s->run));
                s->has_driver = false;
                end_in_spool(s);
        } else {
                /* Taken up again after a restart, and LXD is away: its units and its
                 * records stay, and the coordinator will ask again. */
                s->has_driver = false;
        }
}

static bool same_spec(const struct run_spec *a, const struct run_spec *b)
{
        json_object *x = fields_encode(run_spec_fields, a), *y = fields_encode(run_spec_fields, b);
        bool same = x && y && json_object_equal(x, y);

        json_object_put(x);
        json_object_put(y);
        return same;
}

/* Whether the run that is here stands in the way of another one. */
static bool is_busy(struct server *s)
{
        struct msg_pong pong = {0};

        if (!s->run || run_is_stopped(s->run))
                return false;
        run_fill(s->run, &pong);
        return (s->has_driver && now_monotonic_ns() - s->heard_ns < SILENCE_NS) ||
               pong.in_flight + pong.held > 0;
}

struct run_deps server_run_deps(struct server *s)
{
        return (struct run_deps){
                .event = s->deps.event,
                .lxd = s->deps.lxd,
                .inventory = s->deps.inventory,
                .spool = s->deps.spool,
                .suspects = s->suspects,
                .outbox = s->outbox,
                .probe = s->deps.probe,
                .evidence = s->deps.evidence,
                .agent_id = s->deps.agent_id,
                .on_stopped = on_run_stopped,
                .userdata = s,
        };
}

static int begin_run(struct server *s, struct run_spec *spec, uint32_t epoch, struct error *err)
{
        struct run_deps deps = server_run_deps(s);
        json_object *json;
        int r;

        if (s->run)
                forget_run(s);
        if (!spec->project[0])
                snprintf(spec->project, sizeof(spec->project), "%s", s->deps.config->project);
        json = fields_encode(run_spec_fields, spec);
        r = lxd_set_project(s->deps.lxd, spec->project);
        if (r >= 0)
                r = spool_put_run(s->deps.spool, spec->run, json_object_to_json_string(json), epoch,
                                  NULL, NULL);
        json_object_put(json);
        if (r < 0)
                return error_set_errno(err, r, "the run could not be noted");
        suspects_add_run(s->suspects, spec->run);
        outbox_begin_run(s->outbox, spec->run, 0, 0);
        s->sent = 0;
        loop_reset_stats(s->deps.loop);
        lxd_get_stats(s->deps.lxd, &s->http_before);
        s->cpu_before_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        return run_new(&deps, spec, &s->run, err);
}

static void adopt_driver(struct server *s, const struct peer *peer, const struct msg_hello *m,
                         const struct wire_header *h)
{
        s->has_driver = true;
        s->driver = *peer;
        s->epoch = h->epoch;
        s->heard_ns = s->stamp_ns = now_monotonic_ns();
        snprintf(s->coord_id, sizeof(s->coord_id), "%s", m->coord_id);
        outbox_ack(s->outbox, h->ack);
        s->sent = outbox_acked(s->outbox);
        flush_soon(s, FLUSH_USEC);
}

/* The run's own coordinator, again: after a break, or a HELLO that crossed. */
static void hello_again(struct server *s, const struct peer *peer, struct msg_hello *m,
                        const struct wire_header *h)
{
        if (h->epoch < s->epoch) {
                send_refuse(s, peer, REFUSE_STALE_EPOCH,
                            "run %s is driven by a later start of its coordinator (epoch %u, this "
                            "one is %u)",
                            run_id(s), s->epoch, h->epoch);
                return;
        }
        if (!m->spec.project[0])
                snprintf(m->spec.project, sizeof(m->spec.project), "%s",
                         run_get_spec(s->run)->project);
        if (!same_spec(run_get_spec(s->run), &m->spec)) {
                send_refuse(s, peer, REFUSE_SPEC_MISMATCH,
                            "run %s is here already, with another spec", run_id(s));
                return;
        }
        adopt_driver(s, peer, m, h);
        if (run_has_source(s->run))
                send_welcome(s, peer, run_id(s));
        else if (!s->preflight &&
                 preflight_start(s->deps.lxd, run_get_spec(s->run), s->deps.agent_id, on_preflight,
                                 s, &s->preflight) < 0)
                send_refuse(s, peer, REFUSE_LXD, "out of memory");
}

static bool was_given_up(struct server *s, const char *run)
{
        for (size_t i = 0; i < MIN(s->n_given_up, (size_t)GIVEN_UP_MAX); i++)
                if (streq(s->given_up[i], run))
                        return true;
        return false;
}

static void hello_to_drive(struct server *s, const struct peer *peer, struct msg_hello *m,
                           const struct wire_header *h)
{
        struct error err = ERROR_INIT;

        if (s->on_idle) {
                send_refuse(s, peer, REFUSE_DRAINING, "the agent is shutting down");
                return;
        }
        if (s->run && streq(run_id(s), m->spec.run)) {
                hello_again(s, peer, m, h);
                return;
        }
        if (was_given_up(s, m->spec.run)) {
                /* Its records would begin again at 1 and be taken for those it has. */
                send_refuse(s, peer, REFUSE_DRAINING,
                            "run %s was given up here while its coordinator was silent; begin a "
                            "new one",
                            m->spec.run);
                return;
        }
        if (is_busy(s)) {
                send_refuse(s, peer, REFUSE_BUSY,
                            "busy with run %s; wait for it, stop it, or remove it with "
                            "lxdsoak-coord cleanup --run %s",
                            run_id(s), run_id(s));
                return;
        }
        if (begin_run(s, &m->spec, h->epoch, &err) < 0) {
                send_refuse(s, peer, REFUSE_SPEC, "%s", err.text);
                return;
        }
        adopt_driver(s, peer, m, h);
        journal_begin(run_get_spec(s->run), s->deps.agent_id, PEER_DESCRIBE(peer));
        if (preflight_start(s->deps.lxd, run_get_spec(s->run), s->deps.agent_id, on_preflight, s,
                            &s->preflight) < 0) {
                send_refuse(s, peer, REFUSE_LXD, "out of memory");
                forget_run(s);
        }
}

void on_hello(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        struct msg_hello *m = body;

        if (m->proto_min > PROTO_MAX || m->proto_max < PROTO_MIN)
                send_refuse(s, peer, REFUSE_VERSION,
                            "this agent speaks protocol %d to %d, the coordinator %lld to %lld: "
                            "install the same lxdsoak on both",
                            PROTO_MIN, PROTO_MAX, (long long)m->proto_min, (long long)m->proto_max);
        else if (!m->has_spec)
                send_welcome(s, peer, h->run); /* whatever is under way is not its concern */
        else if (peer->role < ROLE_DRIVE)
                refuse_role(s, peer, "to drive", ROLE_DRIVE);
        else
                hello_to_drive(s, peer, m, h);
}

/* ---- keys that are taken out ---- */

static bool may_not_drive(struct server *s, const struct peer *peer)
{
        enum role role = listener_role(s->listener, peer);

        return role < ROLE_DRIVE || role >= ROLE_MAX_;
}

/* What it had begun runs to its end, so that nothing is left lying; nothing more is begun. */
static void end_session(struct server *s)
{
        struct peer peer = s->driver;

        peer.role = listener_role(s->listener, &peer);
        refuse_role(s, &peer, "to drive", ROLE_DRIVE);
        log_notice("The session of %s is over: its key may not drive any more",
                   PEER_DESCRIBE(&peer));
        s->has_driver = false;
        if (s->preflight)
                preflight_cancel(TAKE(s->preflight));
        if (run_is_fresh(s))
                forget_run(s);
        else if (!run_is_stopped(s->run))
                run_revoke(s->run);
}

static void end_sweep(struct server *s)
{
        log_notice("The clean-up of %s is broken off: its key may not clean up any more",
                   PEER_DESCRIBE(&s->sweeper));
        sweep_cancel(TAKE(s->sweep));
        if (s->on_idle && (!s->run || run_is_stopped(s->run)))
                s->on_idle(s->on_idle_userdata);
}

void server_recheck(void *userdata)
{
        struct server *s = userdata;

        if (s->has_driver && s->run && may_not_drive(s, &s->driver))
                end_session(s);
        if (s->sweep && may_not_drive(s, &s->sweeper))
                end_sweep(s);
}

/* ---- the driver's messages ---- */

/* A lease on its way to the disk. */
struct pending_lease {
        struct server *server;
        struct peer peer;
        char run[RUN_ID_SIZE];
        int64_t lease;
};

static void send_lease_ok(struct server *s, const struct peer *peer, const char *run, int64_t lease)
{
        struct msg_lease_ok ok = {lease};

        send_message(s, peer, MESSAGE_LEASE_OK, run, 0, fields_encode(msg_lease_ok_fields, &ok));
}

static void on_lease_durable(int r, void *userdata)
{
        struct pending_lease *p = userdata;

        /* Not on disk: no OK. Its units may have begun; the lease is repeated, and then
         * known, or expires. */
        if (r < 0)
                log_error("Lease %lld is not on disk: %s", (long long)p->lease, strerror(-r));
        else
                send_lease_ok(p->server, &p->peer, p->run, p->lease);
        free(p);
}

static int keep_lease(struct server *s, const struct peer *peer, const struct msg_lease *m)
{
        struct pending_lease *p = malloc(sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        *p = (struct pending_lease){.server = s, .peer = *peer, .lease = m->lease};
        snprintf(p->run, sizeof(p->run), "%s", run_id(s));
        r = spool_put_lease(s->deps.spool, m->lease, m->first, m->count, m->attempt,
                            on_lease_durable, p);
        if (r < 0)
                free(p);
        return r;
}

/* Leases run from a stamp of our own clock that the coordinator has echoed: a
 * message that was late on the way cannot revive them. */
static void renew(struct server *s)
{
        run_renew(s->run, s->stamp_ns + s->ttl_ns);
}

void on_lease(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_lease *m = body;
        bool first;
        int r;

        if (run_knows_lease(s->run, m->lease)) {
                send_lease_ok(s, peer, run_id(s), m->lease);
                return;
        }
        s->ttl_ns = MIN(m->ttl_ns, LEASE_TTL_MAX_NS);
        renew(s);
        first = !run_has_begun(s->run);
        r = keep_lease(s, peer, m);
        if (r >= 0)
                r = run_add_lease(s->run, m);
        if (r >= 0 && first)
                server_measure(s);
        if (r < 0)
                log_error("Lease %lld could not be taken: %s; it will be sent again",
                          (long long)m->lease, strerror(-r));
}

void on_ack(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        if (h->ack > outbox_acked(s->outbox))
                s->progress_ns = now_monotonic_ns();
        outbox_ack(s->outbox, h->ack);
        if (s->sent < outbox_acked(s->outbox))
                s->sent = outbox_acked(s->outbox);
        flush_records(s);
}

void on_ping(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_ping *m = body;
        struct msg_pong pong = {.stamp_ns = m->stamp_ns};

        if (s->run && s->has_driver && peer_equal(peer, &s->driver) && m->agent_stamp_ns > 0) {
                int64_t stamp = MIN(m->agent_stamp_ns, now_monotonic_ns());

                s->stamp_ns = MAX(s->stamp_ns, stamp);
                renew(s);
        }
        fill_pong(s, &pong);
        send_message(s, peer, MESSAGE_PONG, h->run, 0, fields_encode(msg_pong_fields, &pong));
}

void on_stop(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_stop *m = body;

        run_stop(s->run, m->mode, m->keep);
        if (run_is_stopped(s->run))
                send_stopped(s);
}

void on_bye(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        if (run_is_stopped(s->run))
                forget_run(s);
        else
                s->has_driver = false;
}
