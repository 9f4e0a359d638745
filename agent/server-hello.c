/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HELLO: who may drive (arbiter.h), and the way to the WELCOME. What is promised by it is on disk
 * before it goes out: the run, and its epoch, so that an older coordinator stays refused after a
 * restart.
 */

#include "agent/server-internal.h"

#include "agent/journal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "build-config.h"

#define FLUSH_USEC 100000

/* ---- WELCOME ---- */

static void send_welcome(struct server *s, const struct peer *to, const char *run, uint64_t seq)
{
        int64_t now_ns = now_monotonic_ns();
        bool drives = s->run && s->has_driver && peer_equal(to, &s->driver);
        struct msg_welcome m = {.proto = PROTO_MAX,
                                .version = VERSION,
                                .agent_stamp_ns = now_ns,
                                .head = (int64_t)outbox_head(s->outbox),
                                .parallel_max = PARALLEL_MAX};

        snprintf(m.agent_id, sizeof(m.agent_id), "%s", s->deps.agent_id);
        snprintf(m.incarnation, sizeof(m.incarnation), "%s", s->incarnation);
        gethostname(m.hostname, sizeof(m.hostname) - 1);
        snprintf(m.server, sizeof(m.server), "%s", s->server_name);
        snprintf(m.run, sizeof(m.run), "%s", run_id(s));
        if (s->run && s->has_driver) {
                snprintf(m.driver, sizeof(m.driver), "%s", s->who);
                m.since_ns = now_ns - s->since_ns;
                m.silent_ns = MAX(now_ns - s->heard_ns, INT64_C(0));
        }
        if (drives)
                m.leases = run_list_leases(s->run);
        send_message(s, to, MESSAGE_WELCOME, run, seq, fields_encode(msg_welcome_fields, &m));
        fields_release(msg_welcome_fields, &m);
}

bool run_is_fresh(struct server *s)
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
        if (a->ok)
                run_set_source(s->run, a->source);
        if (!s->has_driver)
                return; /* it was taken from it meanwhile */
        if (a->ok) {
                send_welcome(s, &s->driver, run_id(s), s->hello_seq);
                return;
        }
        send_refuse(s, &s->driver, a->refuse, "%s", a->text);
        if (run_is_fresh(s))
                forget_run(s);
        else
                /* Taken up again, and LXD is away: its units and its records stay, and the
                 * coordinator will ask again. */
                s->has_driver = false;
}

static void welcome_driver(struct server *s)
{
        if (run_has_source(s->run))
                send_welcome(s, &s->driver, run_id(s), s->hello_seq);
        else if (!s->preflight &&
                 preflight_start(s->deps.lxd, run_get_spec(s->run), s->deps.agent_id, on_preflight,
                                 s, &s->preflight) < 0)
                send_refuse(s, &s->driver, REFUSE_LXD, "out of memory");
}

/* ---- the driver ---- */

static void adopt_driver(struct server *s, const struct hello_note *n)
{
        int64_t now_ns = now_monotonic_ns();

        if (s->has_driver && n->epoch > s->epoch && !peer_equal(&n->peer, &s->driver))
                send_refuse(s, &s->driver, REFUSE_STALE_EPOCH,
                            "run %s was taken up by a later start of its coordinator, %s",
                            run_id(s), n->who);
        if (!s->has_driver || !streq(s->coord_id, n->coord_id))
                s->since_ns = now_ns;
        s->has_driver = true;
        s->driver = n->peer;
        s->epoch = n->epoch;
        s->hello_seq = n->seq;
        s->heard_ns = now_ns;
        s->thief[0] = '\0';
        snprintf(s->coord_id, sizeof(s->coord_id), "%s", n->coord_id);
        snprintf(s->who, sizeof(s->who), "%s", n->who);
        outbox_ack(s->outbox, n->committed);
        s->sent = outbox_acked(s->outbox);
        flush_soon(s, FLUSH_USEC);
}

/* Records that were acknowledged are forgotten here. A coordinator that does not have them is not
 * the one that has: somebody went on with a copy of its run. */
static int check_not_behind(const struct hello_note *n, uint64_t acked, struct error *err)
{
        if (!n->known || n->committed >= acked)
                return 0;
        return error_set(err, -ESTALE,
                         "this is an older copy of run %s: what this host did was told to another "
                         "one, up to record %llu, and this one has it up to %llu",
                         n->spec.run, (unsigned long long)acked, (unsigned long long)n->committed);
}

/* The run as the spool has it: new, or one that was set aside. */
static int take_up(struct server *s, struct hello_note *n, struct error *err)
{
        struct run_deps deps = server_run_deps(s);
        struct spool_run saved = {0};
        int r = spool_get_run(s->deps.spool, &saved, err);

        free(saved.spec);
        if (r <= 0)
                return r < 0 ? r : error_set(err, -EIO, "the spool has lost run %s", n->spec.run);
        if (saved.epoch > n->epoch)
                return error_set(err, -ESTALE,
                                 "run %s has been driven by a later start of its coordinator "
                                 "(epoch %u, this one is %u)",
                                 n->spec.run, saved.epoch, n->epoch);
        r = check_not_behind(n, saved.acked, err);
        if (r < 0)
                return r;
        r = lxd_set_project(s->deps.lxd, n->spec.project);
        if (r < 0)
                return error_set_errno(err, r, "the project cannot be used");
        suspects_add_run(s->suspects, n->spec.run);
        outbox_begin_run(s->outbox, saved.run, saved.head, saved.acked);
        loop_reset_stats(s->deps.loop);
        lxd_get_stats(s->deps.lxd, &s->http_before);
        s->cpu_before_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
        r = run_new(&deps, &n->spec, &s->run, err);
        if (r < 0)
                return r;
        run_set_newest_lease(s->run, saved.newest_lease);
        r = server_restore_records(s, saved.run);
        return r < 0 ? error_set_errno(err, r, "its records cannot be read") : 0;
}

/* For whom: the one who runs it says who that is, and the key what it is known as here. */
static void log_begun(struct server *s)
{
        char whom[WHO_SIZE + 256];

        snprintf(whom, sizeof(whom), "%s, %s", s->who, PEER_DESCRIBE(&s->driver));
        if (outbox_head(s->outbox) == 0)
                journal_begin(run_get_spec(s->run), s->deps.agent_id, whom);
        else
                log_notice("Run %s goes on, for %s", run_id(s), whom);
}

/* ---- on disk first ---- */

static void on_noted(int r, void *userdata)
{
        struct server *s = userdata;
        struct hello_note n = s->note;
        struct error err = ERROR_INIT;
        bool begin = !s->run;

        s->note = (struct hello_note){0};
        s->noting = false;
        if (r < 0)
                error_set(&err, r,
                          "the run cannot be noted in the agent's state directory: %s (%s)",
                          strerror(-r), spool_error_text(s->deps.spool));
        else if (begin && s->on_idle)
                r = error_set(&err, -ESHUTDOWN, "the agent is shutting down");
        else if (begin)
                r = take_up(s, &n, &err);
        if (r < 0) {
                send_refuse(s, &n.peer,
                            r == -ESTALE                ? REFUSE_STALE_EPOCH
                            : r == -ESHUTDOWN           ? REFUSE_DRAINING
                            : r == -ENOSPC || r == -EIO ? REFUSE_SPOOL_FULL
                                                        : REFUSE_SPEC,
                            "%s", err.text);
                if (begin)
                        forget_run(s);
        } else {
                adopt_driver(s, &n);
                if (begin)
                        log_begun(s);
                welcome_driver(s);
        }
        fields_release(run_spec_fields, &n.spec);
}

static void fill_note(struct server *s, struct hello_note *n, const struct msg_hello *m,
                      const struct wire_header *h)
{
        n->epoch = h->epoch;
        n->seq = h->seq;
        /* else the ack is about another agent that was here before */
        n->known = streq(m->agent_id, s->deps.agent_id);
        n->committed = n->known ? h->ack : 0;
        snprintf(n->coord_id, sizeof(n->coord_id), "%s", m->coord_id);
        snprintf(n->who, sizeof(n->who), "%s", m->who);
}

/* Takes m's spec over. */
static void note_hello(struct server *s, const struct peer *peer, struct msg_hello *m,
                       const struct wire_header *h)
{
        struct hello_note *n = &s->note;
        json_object *json;
        int r = -ENOMEM;

        *n = (struct hello_note){.peer = *peer, .spec = m->spec};
        m->spec = (struct run_spec){0};
        m->has_spec = false;
        fill_note(s, n, m, h);
        json = fields_encode(run_spec_fields, &n->spec);
        if (json)
                r = spool_put_run(s->deps.spool, n->spec.run, json_object_to_json_string(json),
                                  n->epoch, n->committed, on_noted, s);
        json_object_put(json);
        s->noting = true;
        if (r < 0)
                on_noted(r, s);
}

/* ---- HELLO ---- */

static bool same_spec(const struct run_spec *a, const struct run_spec *b)
{
        json_object *x = fields_encode(run_spec_fields, a), *y = fields_encode(run_spec_fields, b);
        bool same = x && y && json_object_equal(x, y);

        json_object_put(x);
        json_object_put(y);
        return same;
}

/* The run's own coordinator, again: after a break, a HELLO that crossed, or a later start of it. */
static void hello_again(struct server *s, const struct peer *peer, struct msg_hello *m,
                        const struct wire_header *h)
{
        struct hello_note n = {.peer = *peer, .spec = m->spec};
        struct error err = ERROR_INIT;

        /* from a connection it has given up: what comes behind it is as old */
        if (streq(s->coord_id, m->coord_id) && h->seq < s->hello_seq)
                return;
        if (!m->spec.project[0])
                snprintf(m->spec.project, sizeof(m->spec.project), "%s",
                         run_get_spec(s->run)->project);
        if (!same_spec(run_get_spec(s->run), &m->spec)) {
                send_refuse(s, peer, REFUSE_SPEC_MISMATCH,
                            "run %s is here already, with another spec", run_id(s));
                return;
        }
        fill_note(s, &n, m, h);
        /* the process that drives cannot be; one of its HELLOs can have been long on the way */
        if (!streq(s->coord_id, m->coord_id) &&
            check_not_behind(&n, outbox_acked(s->outbox), &err) < 0) {
                send_refuse(s, peer, REFUSE_STALE_EPOCH, "%s", err.text);
                return;
        }
        if (h->epoch > s->epoch) {
                note_hello(s, peer, m, h);
                return;
        }
        adopt_driver(s, &n);
        welcome_driver(s);
}

static struct arbiter arbiter_of(struct server *s)
{
        struct arbiter a = {.epoch = s->epoch,
                            .has_driver = s->has_driver,
                            .heard_ns = s->heard_ns,
                            .thief_ns = s->thief_ns};
        struct msg_pong pong = {0};

        memcpy(a.thief, s->thief, sizeof(a.thief));
        if (!s->run)
                return a;
        run_fill(s->run, &pong);
        snprintf(a.run, sizeof(a.run), "%s", run_id(s));
        memcpy(a.coord_id, s->coord_id, sizeof(a.coord_id));
        a.stopped = run_is_stopped(s->run);
        a.ending = s->ending;
        a.occupied = pong.in_flight + pong.held > 0;
        return a;
}

static void refuse_busy(struct server *s, const struct peer *peer, int64_t now_ns)
{
        int64_t silent_s = (now_ns - s->heard_ns) / NSEC_PER_SEC;
        char since[32];

        if (!s->run || s->ending) {
                send_refuse(s, peer, REFUSE_BUSY, "another coordinator is taking it");
                return;
        }
        if (!s->has_driver) {
                send_refuse(s, peer, REFUSE_BUSY,
                            "units of run %s are under way here, and its coordinator is gone; go "
                            "on with it (lxdsoak-coord resume %s), or remove it (lxdsoak-coord "
                            "cleanup --run %s)",
                            run_id(s), run_id(s), run_id(s));
                return;
        }
        format_duration((now_ns - s->since_ns) / NSEC_PER_SEC * NSEC_PER_SEC, since, sizeof(since));
        if (silent_s < QUIET_NS / NSEC_PER_SEC)
                send_refuse(s, peer, REFUSE_BUSY,
                            "busy with run %s of %s, for %s now; wait for it (--wait), stop it "
                            "(lxdsoak-coord stop), or take the host from it (--steal)",
                            run_id(s), s->who[0] ? s->who : "somebody", since);
        else
                send_refuse(
                        s, peer, REFUSE_BUSY,
                        "busy with run %s of %s, who has been silent for %lld s; free in %lld "
                        "s, unless units are under way here then",
                        run_id(s), s->who[0] ? s->who : "somebody", (long long)silent_s,
                        (long long)MAX(ARBITER_SILENCE_NS / NSEC_PER_SEC - silent_s, INT64_C(0)));
}

/* The run that is here is cut short for somebody else. It is not over: its coordinator may go on
 * with it elsewhere, or here later on. */
static void steal(struct server *s, const struct peer *peer, const struct msg_hello *m,
                  int64_t now_ns)
{
        struct arbiter a = arbiter_of(s);

        if (!arbiter_is_reserved(&a, now_ns))
                log_notice("%s takes this host from run %s (--steal)", m->who, run_id(s));
        arbiter_reserve(&a, m->coord_id, now_ns);
        memcpy(s->thief, a.thief, sizeof(s->thief));
        s->thief_ns = a.thief_ns;
        if (s->has_driver)
                send_refuse(s, &s->driver, REFUSE_STOLEN, "%s has taken this host for run %s",
                            m->who, m->spec.run);
        s->has_driver = false;
        s->ending = true;
        run_stop(s->run, STOP_MODE_ABORT, false);
        send_refuse(s, peer, REFUSE_BUSY, "what is under way of run %s is being ended here",
                    run_id(s));
}

static void hello_to_drive(struct server *s, const struct peer *peer, struct msg_hello *m,
                           const struct wire_header *h)
{
        const struct arbiter_hello hello = {.run = m->spec.run,
                                            .coord_id = m->coord_id,
                                            .epoch = h->epoch,
                                            .steal = m->steal,
                                            .admin = peer->role == ROLE_ADMIN};
        struct arbiter a = arbiter_of(s);
        int64_t now_ns = now_monotonic_ns();

        switch (arbiter_hello(&a, &hello, now_ns)) {
        case ARBITER_AGAIN: hello_again(s, peer, m, h); return;
        case ARBITER_BEGIN:
                if (s->run)
                        forget_run(s);
                if (!m->spec.project[0])
                        snprintf(m->spec.project, sizeof(m->spec.project), "%s",
                                 s->deps.config->project);
                note_hello(s, peer, m, h);
                return;
        case ARBITER_STALE:
                if (arbiter_is_reserved(&a, now_ns))
                        send_refuse(s, peer, REFUSE_STOLEN, "somebody has taken this host");
                else
                        send_refuse(s, peer, REFUSE_STALE_EPOCH,
                                    "run %s is driven by %s start of its coordinator, of %s (epoch "
                                    "%u, this one is %u)",
                                    run_id(s), h->epoch < s->epoch ? "a later" : "another",
                                    s->who[0] ? s->who : "somebody", s->epoch, h->epoch);
                return;
        case ARBITER_BUSY: refuse_busy(s, peer, now_ns); return;
        case ARBITER_STEAL: steal(s, peer, m, now_ns); return;
        case ARBITER_NOT_ADMIN:
                refuse_role(s, peer, "to take a host from another run (--steal)", ROLE_ADMIN);
                return;
        }
}

static void remember_visitor(struct server *s, const struct peer *peer, const char *who)
{
        s->visitor = *peer;
        snprintf(s->visitor_who, sizeof(s->visitor_who), "%s", who);
}

void on_hello(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        struct msg_hello *m = body;

        if (!hello_version_fits(s, peer, m))
                return;
        if (!m->has_spec) {
                remember_visitor(s, peer, m->who);
                send_welcome(s, peer, h->run,
                             h->seq); /* whatever is under way is not its concern */
        } else if (peer->role < ROLE_DRIVE)
                refuse_role(s, peer, "to drive", ROLE_DRIVE);
        else if (s->on_idle)
                send_refuse(s, peer, REFUSE_DRAINING, "the agent is shutting down");
        else if (!s->noting) /* else it asks again */
                hello_to_drive(s, peer, m, h);
}

bool hello_version_fits(struct server *s, const struct peer *peer, const struct msg_hello *m)
{
        if (m->proto_min <= PROTO_MAX && m->proto_max >= PROTO_MIN)
                return true;
        send_refuse(s, peer, REFUSE_VERSION,
                    "this agent (lxdsoak " VERSION ") speaks protocol %d to %d, the coordinator "
                    "%lld to %lld: install the same lxdsoak on both",
                    PROTO_MIN, PROTO_MAX, (long long)m->proto_min, (long long)m->proto_max);
        return false;
}
