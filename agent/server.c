/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The server's dispatch and interface: see server.h, and proto/message.h for the
 * messages.
 */

#include "agent/server-internal.h"

#include <systemd/sd-id128.h>

#include "base/clock.h"

#define SWEEP_CONNECTIONS 8

/* ---- dispatch ---- */

/* What each message needs to be acted on, in one table: the least role, and whether only the
 * coordinator that drives may send it. A HELLO may need more, by what it asks for: on_hello(). */
static const struct handler {
        const struct field *fields;
        enum role role;
        bool driver_only;
        message_handler handle;
} handlers[MESSAGE_TYPE_MAX_] = {
        [MESSAGE_HELLO] = {msg_hello_fields, ROLE_OBSERVE, false, on_hello},
        [MESSAGE_LEASE] = {msg_lease_fields, ROLE_DRIVE, true, on_lease},
        [MESSAGE_ACK] = {NULL, ROLE_DRIVE, true, on_ack},
        [MESSAGE_PING] = {msg_ping_fields, ROLE_OBSERVE, false, on_ping},
        [MESSAGE_REVOKE] = {msg_revoke_fields, ROLE_DRIVE, true, on_revoke},
        [MESSAGE_STOP] = {msg_stop_fields, ROLE_DRIVE, false, on_stop},
        [MESSAGE_CLEANUP] = {msg_cleanup_fields, ROLE_DRIVE, false, on_cleanup},
        [MESSAGE_EVIDENCE] = {msg_evidence_fields, ROLE_DRIVE, false, on_evidence},
        [MESSAGE_BYE] = {NULL, ROLE_OBSERVE, true, on_bye},
};

union message {
        struct msg_hello hello;
        struct msg_lease lease;
        struct msg_revoke revoke;
        struct msg_ping ping;
        struct msg_stop stop;
        struct msg_cleanup cleanup;
        struct msg_evidence evidence;
};

bool is_driver(struct server *s, const struct peer *peer, const struct wire_header *h)
{
        return s->run && s->has_driver && peer_equal(peer, &s->driver) &&
               streq(h->run, run_id(s)) && h->epoch == s->epoch;
}

/* Of another version, what a HELLO has besides may not be what we expect. */
static bool is_of_another_version(struct server *s, const struct peer *peer, json_object *body)
{
        struct msg_hello range = {0};

        return fields_decode(msg_hello_range_fields, body, &range, NULL) >= 0 &&
               !hello_version_fits(s, peer, &range);
}

static void on_message(const struct peer *peer, const struct wire_header *h, json_object *body,
                       void *userdata)
{
        struct server *s = userdata;
        const struct handler *handler = &handlers[h->type];
        struct error err = ERROR_INIT;
        union message m;

        memset(&m, 0, sizeof(m));
        if (!handler->handle) {
                send_err(s, peer, "unknown_type", "an agent is not sent this");
                return;
        }
        if (peer->role < handler->role) {
                refuse_role(s, peer, message_type_name((int)h->type), handler->role);
                return;
        }
        if (handler->driver_only && !is_driver(s, peer, h)) {
                /* Also after our restart: the coordinator says HELLO again. */
                send_err(s, peer, "no_session", "say HELLO first");
                return;
        }
        if (is_driver(s, peer, h))
                s->heard_ns = now_monotonic_ns();
        if (h->type == MESSAGE_HELLO && is_of_another_version(s, peer, body))
                return;
        if (handler->fields && fields_decode(handler->fields, body, &m, &err) < 0)
                send_err(s, peer, "bad_message", err.text);
        else
                handler->handle(s, peer, h, &m);
        if (handler->fields)
                fields_release(handler->fields, &m);
}

static void on_revoked(const struct peer *peer, void *userdata)
{
        refuse_role(userdata, peer, "anything", ROLE_OBSERVE);
}

static void on_bad_message(const struct peer *peer, const struct error *err, void *userdata)
{
        send_err(userdata, peer, "bad_message", err->text);
}

/* ---- the interface ---- */

int server_new(const struct server_deps *deps, struct server **ret, struct error *err)
{
        _cleanup_(server_freep)
        struct server *s = calloc(1, sizeof(*s));
        struct listener_handlers handler = {on_message, on_bad_message, on_revoked, server_recheck,
                                            s};
        sd_id128_t id;
        int r;

        if (!s)
                return error_set(err, -ENOMEM, "out of memory");
        s->deps = *deps;
        s->swept = json_object_new_array();
        r = sd_id128_randomize(&id);
        if (r < 0)
                return error_set_errno(err, r, "no random numbers");
        sd_id128_to_string(id, s->incarnation);
        r = lxd_new(deps->event, deps->lxd_socket, SWEEP_CONNECTIONS, &s->sweep_lxd);
        if (r < 0)
                return error_set_errno(err, r, "the agent could not be set up");
        r = outbox_new(deps->event, deps->spool, on_outbox_ready, s, &s->outbox);
        if (r >= 0)
                r = sd_event_add_time(deps->event, &s->flush, CLOCK_MONOTONIC, 0, 1000, on_flush,
                                      s);
        if (r < 0)
                return error_set_errno(err, r, "no event source");
        sd_event_source_set_enabled(s->flush, SD_EVENT_OFF);
        r = server_start_metrics(s);
        if (r < 0)
                return error_set_errno(err, r, "no event source");
        r = suspects_new(deps->spool, &s->suspects);
        if (r < 0)
                return error_set_errno(err, r, "spool: what instances left something");
        r = server_restore(s, err);
        if (r < 0)
                return r;
        r = listener_new(deps->event, deps->config, &handler, &s->listener, err);
        if (r < 0)
                return r;
        *ret = TAKE(s);
        return 0;
}

struct server *server_free(struct server *s)
{
        if (!s)
                return NULL;
        if (s->sweep)
                sweep_cancel(s->sweep);
        lxd_free(s->sweep_lxd);
        if (s->preflight)
                preflight_cancel(s->preflight);
        run_free(s->run);
        fields_release(run_spec_fields, &s->note.spec);
        suspects_free(s->suspects);
        outbox_free(s->outbox);
        listener_free(s->listener);
        sd_event_source_disable_unref(s->flush);
        sd_event_source_disable_unref(s->metrics);
        json_object_put(s->leftovers);
        json_object_put(s->swept);
        free(s);
        return NULL;
}

int server_reload(struct server *s, struct error *err)
{
        return listener_reload(s->listener, err);
}

void server_shut_down(struct server *s, void (*on_idle)(void *userdata), void *userdata)
{
        s->on_idle = on_idle;
        s->on_idle_userdata = userdata;
        if (s->run && !run_is_stopped(s->run))
                run_stop(s->run, STOP_MODE_ABORT, false);
        else if (!s->sweep)
                on_idle(userdata);
}

void server_describe(struct server *s, char *buf, size_t size)
{
        if (s->run)
                run_describe(s->run, buf, size);
        else
                snprintf(buf, size, "idle, listening on %zu endpoint%s", s->deps.config->listen.n,
                         s->deps.config->listen.n == 1 ? "" : "s");
}
