/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See listener.h. TCP fails closed: without a key nothing is bound, the ZAP
 * handler is there before the socket, the socket insists on it, and a message
 * without a User-Id is dropped all the same. The User-Id is the peer's key, and
 * what it may do is looked up in the allow-list with every message.
 */

#include "agent/listener.h"

#include <sys/stat.h>

#include "agent/crowd.h"
#include "agent/file-watch.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "proto/endpoint.h"
#include "proto/zap.h"

#define HANDSHAKE_MS 10000

enum { SOCKET_UNIX, SOCKET_TCP, SOCKET_MAX_ };

struct listener {
        sd_event *event;
        const struct agent_config *config;
        struct listener_handlers handlers;
        void *context;
        struct zap *zap;
        struct zsock *sockets[SOCKET_MAX_];
        struct allow_list allow;
        struct file_watch *watch; /* of the allow-list */
        size_t n_bound;           /* of config->listen */
        struct string_list tcp;   /* where TCP is bound, as ZeroMQ calls it */
        struct crowd *crowd;
};

bool peer_equal(const struct peer *a, const struct peer *b)
{
        return a->socket == b->socket && a->id_size == b->id_size &&
               memcmp(a->id, b->id, a->id_size) == 0;
}

const char *peer_describe(const struct peer *peer, char *buf, size_t size)
{
        if (!peer->key[0])
                snprintf(buf, size, "somebody on this host");
        else
                snprintf(buf, size, "%s (%s, key %s, from %s)", peer->name,
                         peer->role < ROLE_MAX_ ? role_name((int)peer->role) : "not allowed",
                         peer->key, peer->address);
        return buf;
}

enum role listener_role(const struct listener *l, const struct peer *peer)
{
        const struct allow_entry *entry;

        if (peer->socket == SOCKET_UNIX)
                return ROLE_ADMIN; /* the file mode has let them in */
        entry = allow_list_find(&l->allow, peer->key);
        return entry ? entry->role : ROLE_MAX_;
}

/* ---- receiving ---- */

static bool identify(struct listener *l, struct zsock *z, const struct zframe *id,
                     const char *user_id, struct peer *ret)
{
        const struct allow_entry *entry;

        *ret = (struct peer){.socket = z == l->sockets[SOCKET_TCP] ? SOCKET_TCP : SOCKET_UNIX};
        if (id->size == 0 || id->size > ROUTING_ID_MAX)
                return false;
        memcpy(ret->id, id->data, id->size);
        ret->id_size = id->size;
        if (ret->socket == SOCKET_TCP) {
                if (!user_id || strlen(user_id) != KEY_Z85_SIZE - 1)
                        return false;
                strcpy(ret->key, user_id); /* its length was checked */
                snprintf(ret->address, sizeof(ret->address), "%s", zsock_peer_address(z) ?: "?");
                entry = allow_list_find(&l->allow, ret->key);
                snprintf(ret->name, sizeof(ret->name), "%s", entry ? entry->name : "somebody");
        }
        ret->role = listener_role(l, ret);
        return true;
}

static void on_frames(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                      void *userdata)
{
        struct listener *l = userdata;
        struct error err = ERROR_INIT;
        struct wire_header header;
        json_object *body = NULL;
        struct peer peer;
        int r;

        if (n == 0 || !identify(l, z, &frames[0], user_id, &peer))
                return;
        if (peer.role >= ROLE_MAX_) {
                l->handlers.revoked(&peer, l->handlers.userdata);
                return;
        }
        if (n != 3) {
                error_set(&err, -EBADMSG, "a message has two frames, this one had %zu", n - 1);
                l->handlers.bad(&peer, &err, l->handlers.userdata);
                return;
        }
        r = wire_header_decode(frames[1].data, frames[1].size, &header, &err);
        if (r >= 0)
                r = wire_body_parse(frames[2].data, frames[2].size, &body, &err);
        if (r < 0)
                l->handlers.bad(&peer, &err, l->handlers.userdata);
        else
                l->handlers.message(&peer, &header, body, l->handlers.userdata);
        json_object_put(body);
}

int listener_send(struct listener *l, const struct peer *to, const struct wire_header *header,
                  json_object *body)
{
        uint8_t buf[WIRE_HEADER_SIZE];
        const char *text = "{}";
        size_t size = 2;

        wire_header_encode(header, buf);
        if (body)
                text = json_object_to_json_string_length(body, JSON_C_TO_STRING_PLAIN, &size);
        if (size > WIRE_SEND_MAX)
                return -EMSGSIZE;
        return zsock_send(
                l->sockets[to->socket],
                (struct zframe[]){{to->id, to->id_size}, {buf, sizeof(buf)}, {text, size}}, 3);
}

/* ---- binding ---- */

static void on_denied(const char *address, const char *key, const char *reason, void *userdata)
{
        struct listener *l = userdata;
        char from[128], who[64];
        const char *fields[] = {from, who};

        snprintf(from, sizeof(from), "LXDSOAK_PEER=%s", address);
        snprintf(who, sizeof(who), "LXDSOAK_KEY=%s", key);
        if (key[0])
                log_entry(LOG_WARNING, MESSAGE_ID_REFUSED, fields, 2,
                          "Refused key %s from %s: %s; to let it in, add \"drive NAME %s\" to %s",
                          key, address, reason, key, l->config->authorized_keys);
        else
                log_entry(LOG_WARNING, MESSAGE_ID_REFUSED, fields, 1,
                          "Refused a peer without a key from %s: %s", address, reason);
}

static int socket_new(struct listener *l, int which, struct error *err)
{
        void *socket = zmq_socket(l->context, ZMQ_ROUTER);
        int r, one = 1, handshake = HANDSHAKE_MS, backlog = 1024;

        if (!socket)
                return error_set_errno(err, -errno, "no ZeroMQ socket");
        r = zsock_set_common_options(socket);
        if (r < 0) {
                zmq_close(socket);
                return error_set_errno(err, r, "ZeroMQ refused an option");
        }
        zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &one, sizeof(one));
        zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &handshake, sizeof(handshake));
        zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof(backlog));
        r = zsock_new(l->event, socket, on_frames, l, &l->sockets[which]);
        return r < 0 ? error_set_errno(err, r, "no ZeroMQ socket on the loop") : 0;
}

static int guard_with_curve(struct listener *l, struct error *err)
{
        void *socket = zsock_socket(l->sockets[SOCKET_TCP]);
        _cleanup_(freep)
        char *path = agent_key_path(l->config);
        struct key_pair pair;
        int r, one = 1;

        if (!path)
                return error_set(err, -ENOMEM, "out of memory");
        r = key_read(path, &pair, err);
        if (r < 0)
                return error_prefix(err, "listen on tcp needs a key (`lxdsoak-agent --make-key` "
                                         "makes one)");
        r = zap_set_curve_server(socket, &pair);
        log_info("The key of this agent is %s", pair.public);
        explicit_bzero(&pair, sizeof(pair));
        if (r < 0)
                return error_set_errno(err, r, "ZeroMQ refused the key of %s", path);
        zmq_setsockopt(socket, ZMQ_IPV6, &one, sizeof(one));
        return 0;
}

static void warn_when_empty(const struct listener *l)
{
        if (l->allow.n == 0)
                log_warning("The allow-list %s is empty: nobody can drive this agent over TCP",
                            l->config->authorized_keys);
}

static void on_allow_list(void *userdata)
{
        struct listener *l = userdata;
        struct error err = ERROR_INIT;

        if (listener_reload(l, &err) < 0)
                log_error("The allow-list was changed, and cannot be taken; the old one stays: %s",
                          err.text);
}

/* The allow-list, and the handler that looks at it. */
static int ensure_zap(struct listener *l, struct error *err)
{
        int r = allow_list_read(l->config->authorized_keys, &l->allow, err);

        if (r < 0)
                return r;
        warn_when_empty(l);
        r = file_watch_new(l->event, l->config->authorized_keys, on_allow_list, l, &l->watch);
        if (r < 0)
                log_notice("The allow-list %s cannot be watched (%s): a change of it holds after "
                           "`systemctl reload lxdsoak-agent`",
                           l->config->authorized_keys, strerror(-r));
        r = zap_new(l->event, l->context, &l->allow, on_denied, l, &l->zap);
        return r < 0 ? error_set_errno(err, r, "no ZAP handler") : 0;
}

static int ensure_socket(struct listener *l, int which, struct error *err)
{
        int r;

        if (l->sockets[which])
                return 0;
        if (which == SOCKET_TCP) {
                r = ensure_zap(l, err);
                if (r < 0)
                        return r;
        }
        r = socket_new(l, which, err);
        if (r >= 0 && which == SOCKET_TCP)
                r = guard_with_curve(l, err);
        return r;
}

static int note_tcp(struct listener *l)
{
        char name[256];
        size_t size = sizeof(name);

        if (zmq_getsockopt(zsock_socket(l->sockets[SOCKET_TCP]), ZMQ_LAST_ENDPOINT, name, &size) <
            0)
                return -errno;
        return string_list_add(&l->tcp, name);
}

static int bind_one(struct listener *l, const char *text, struct error *err)
{
        struct endpoint e;
        mode_t mask;
        int r, which;

        r = endpoint_parse_listen(text, &e, err);
        if (r < 0)
                return r;
        which = e.local ? SOCKET_UNIX : SOCKET_TCP;
        r = ensure_socket(l, which, err);
        if (r < 0)
                return r;
        mask = umask(0117); /* 0660: the group may drive */
        r = zmq_bind(zsock_socket(l->sockets[which]), text) < 0 ? -errno : 0;
        umask(mask);
        if (r == -EADDRINUSE)
                return error_set(err, r,
                                 "listen %s: something listens there already; another "
                                 "lxdsoak-agent?",
                                 text);
        if (r < 0)
                return error_set_errno(err, r,
                                       "listen %s: check the address, and that its directory can "
                                       "be written to",
                                       text);
        return which == SOCKET_TCP ? note_tcp(l) : 0;
}

/* ---- too many at the door ---- */

/* ZeroMQ closes with the port all connections that came through it. Coordinators come back by
 * themselves, and their leases last longer than that takes. */
static bool close_door(struct listener *l)
{
        for (size_t i = 0; i < l->tcp.n; i++)
                (void)!zmq_unbind(zsock_socket(l->sockets[SOCKET_TCP]), l->tcp.items[i]);
        log_entry(LOG_WARNING, MESSAGE_ID_REFUSED, NULL, 0,
                  "Too many connections: all over TCP are closed, coordinators come back by "
                  "themselves. Let only those reach the port who should");
        return true;
}

/* A socket that was closed a moment ago may still have the address: then it is tried again, all of
 * them from the beginning. */
static bool open_door(struct listener *l)
{
        bool all = true;

        for (size_t i = 0; i < l->tcp.n; i++) {
                void *socket = zsock_socket(l->sockets[SOCKET_TCP]);

                (void)!zmq_unbind(socket, l->tcp.items[i]);
                all = zmq_bind(socket, l->tcp.items[i]) == 0 && all;
        }
        if (all)
                log_notice("The crowd is gone: TCP is open again");
        return all;
}

static bool on_crowd(bool close, void *userdata)
{
        return close ? close_door(userdata) : open_door(userdata);
}

int listener_new(sd_event *event, const struct agent_config *config,
                 const struct listener_handlers *handlers, struct listener **ret, struct error *err)
{
        _cleanup_(listener_freep)
        struct listener *l = calloc(1, sizeof(*l));

        if (!l)
                return error_set(err, -ENOMEM, "out of memory");
        l->event = sd_event_ref(event);
        l->config = config;
        l->handlers = *handlers;
        l->context = zmq_ctx_new();
        if (!l->context)
                return error_set_errno(err, -errno, "no ZeroMQ context");
        for (size_t i = 0; i < config->listen.n; i++) {
                int r = bind_one(l, config->listen.items[i], err);

                if (r < 0)
                        return r;
                l->n_bound++;
        }
        if (l->tcp.n > 0) {
                int r = crowd_new(event, on_crowd, l, &l->crowd);

                if (r < 0)
                        return error_set_errno(err, r, "no event source");
        }
        *ret = TAKE(l);
        return 0;
}

/* What was bound; libzmq leaves some behind. */
static void unlink_sockets(struct listener *l)
{
        for (size_t i = 0; i < l->n_bound; i++) {
                struct endpoint e;

                if (endpoint_parse_listen(l->config->listen.items[i], &e, NULL) == 0 && e.local)
                        unlink(e.path);
        }
}

struct listener *listener_free(struct listener *l)
{
        if (!l)
                return NULL;
        for (int i = 0; i < SOCKET_MAX_; i++)
                zsock_free(l->sockets[i]);
        unlink_sockets(l);
        zap_free(l->zap);
        file_watch_free(l->watch);
        crowd_free(l->crowd);
        string_list_clear(&l->tcp);
        allow_list_clear(&l->allow);
        if (l->context)
                zmq_ctx_term(l->context);
        sd_event_unref(l->event);
        free(l);
        return NULL;
}

static bool same_list(const struct allow_list *a, const struct allow_list *b)
{
        for (size_t i = 0; i < a->n; i++) {
                const struct allow_entry *e = allow_list_find(b, a->entries[i].key);

                if (!e || e->role != a->entries[i].role || !streq(e->name, a->entries[i].name))
                        return false;
        }
        return a->n == b->n;
}

int listener_reload(struct listener *l, struct error *err)
{
        struct allow_list fresh = {0};
        int r;

        if (!l->zap)
                return 0; /* nobody comes over TCP, so nobody is looked up */
        r = allow_list_read(l->config->authorized_keys, &fresh, err);
        if (r < 0)
                return r;
        if (same_list(&l->allow, &fresh)) {
                allow_list_clear(&fresh);
                return 0;
        }
        allow_list_clear(&l->allow);
        l->allow = fresh;
        log_notice("The allow-list %s now has %zu key%s", l->config->authorized_keys, fresh.n,
                   fresh.n == 1 ? "" : "s");
        warn_when_empty(l);
        l->handlers.changed(l->handlers.userdata);
        return 0;
}
