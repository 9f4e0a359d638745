/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages of the coordinator that drives, once it does (server-hello.c), and the end of its
 * run. */

#include "agent/server-internal.h"

#include "agent/journal.h"
#include "base/clock.h"
#include "base/log.h"

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

void end_in_spool(struct server *s)
{
        if (spool_end_run(s->deps.spool, NULL, NULL) < 0)
                log_error("Out of memory: the spool still names the run");
}

void forget_run(struct server *s)
{
        if (s->preflight)
                preflight_cancel(TAKE(s->preflight));
        /* what its coordinator will ask for, should it come back; units in flight it learns of from
         * their not being in the next WELCOME */
        if (s->run)
                run_revoke(s->run, 0);
        s->run = run_free(s->run);
        json_object_put(TAKE(s->leftovers));
        s->has_driver = false;
        s->ending = false;
        s->epoch = 0;
        s->coord_id[0] = s->stop_by[0] = '\0';
        end_in_spool(s);
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
                run_revoke(s->run, 0);
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

void on_lease(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_lease *m = body;
        bool first;
        int r;

        run_echo(s->run, m->agent_stamp_ns, now_monotonic_ns());
        if (run_knows_lease(s->run, m->lease)) {
                send_lease_ok(s, peer, run_id(s), m->lease);
                return;
        }
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

        /* One that takes itself for a driver must not be content with a PONG. */
        if (h->epoch > 0 && !is_driver(s, peer, h)) {
                send_err(s, peer, "no_session", "say HELLO first");
                return;
        }
        if (h->epoch > 0 && m->agent_stamp_ns > 0)
                run_echo(s->run, m->agent_stamp_ns, now_monotonic_ns());
        fill_pong(s, &pong);
        send_message(s, peer, MESSAGE_PONG, h->run, 0, fields_encode(msg_pong_fields, &pong));
}

void on_revoke(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_revoke *m = body;

        run_revoke(s->run, m->lease);
}

/* Somebody else than the driver asks for an end. The coordinator decides how its run ends, so it is
 * told; where there is none, nothing new begins. */
static void stop_asked(struct server *s, const struct peer *peer, const struct wire_header *h,
                       const struct msg_stop *m)
{
        bool driven = s->has_driver && now_monotonic_ns() - s->heard_ns < QUIET_NS;
        struct msg_pong pong = {0};
        const char *who =
                peer_equal(peer, &s->visitor) && s->visitor_who[0] ? s->visitor_who : peer->name;

        if (!s->run || run_is_stopped(s->run) || !streq(h->run, run_id(s)) ||
            m->mode != STOP_MODE_DRAIN) {
                send_err(s, peer, "no_run", "that run does not go on here");
                return;
        }
        if (!s->stop_by[0])
                log_notice("Run %s: %s asks that it be stopped", run_id(s),
                           *who ? who : "somebody on this host");
        snprintf(s->stop_by, sizeof(s->stop_by), "%s", *who ? who : "somebody");
        if (!driven)
                run_stop(s->run, STOP_MODE_DRAIN, false);
        fill_pong(s, &pong);
        if (driven)
                send_message(s, &s->driver, MESSAGE_PONG, run_id(s), 0,
                             fields_encode(msg_pong_fields, &pong));
        send_message(s, peer, MESSAGE_PONG, run_id(s), 0, fields_encode(msg_pong_fields, &pong));
}

void on_stop(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_stop *m = body;

        if (!is_driver(s, peer, h)) {
                stop_asked(s, peer, h, m);
                return;
        }
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
