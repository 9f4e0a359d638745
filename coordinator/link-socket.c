/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A link's socket: made anew for every attempt, watched through ZeroMQ's
 * monitor, with a plain connect() beside it that tells the errno ZeroMQ keeps
 * to itself. The texts follow what was measured of libzmq 4.3.4: a denied key
 * is HANDSHAKE_FAILED_AUTH 400 and never tried again; a wrong server key or a
 * stranger's port is HANDSHAKE_FAILED_NO_DETAIL, over and over.
 */

#include "coordinator/link-internal.h"

#define DIAL_AFTER_NS   (300 * NSEC_PER_MSEC)
#define DIAL_EVERY_NS   (1000 * NSEC_PER_MSEC)
#define DIAL_TIMEOUT_NS (3 * NSEC_PER_SEC)
#define GRACE_NS        (1500 * NSEC_PER_MSEC) /* an agent may be restarting */
#define NO_DETAIL_MAX   3

static int set_curve(const struct link *l, void *socket)
{
        const struct key_pair *key = l->config.key;

        if (l->config.endpoint->local)
                return 0;
        if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, l->config.server_key, KEY_Z85_SIZE) < 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, key->public, KEY_Z85_SIZE) < 0 ||
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret, KEY_Z85_SIZE) < 0)
                return -errno;
        return 0;
}

static int set_options(const struct link *l, void *socket)
{
        const int on = 1, connect_ms = 5000;
        int r;

        r = zsock_set_common_options(socket);
        if (r < 0)
                return r;
        if (zmq_setsockopt(socket, ZMQ_IMMEDIATE, &on, sizeof(on)) < 0 ||
            zmq_setsockopt(socket, ZMQ_CONNECT_TIMEOUT, &connect_ms, sizeof(connect_ms)) < 0)
                return -errno;
        return set_curve(l, socket);
}

static void refused_key(struct link *l)
{
        const char *key = l->config.key ? l->config.key->public : "KEY";

        link_fail(l, -EACCES,
                  "it refused our key, %s, which is not in its /etc/lxdsoak/authorized_keys; add "
                  "this line there: drive NAME %s",
                  key, key);
}

static void failed_handshake(struct link *l)
{
        if (l->config.endpoint->local)
                link_fail(l, -EPROTO, "%s is not the socket of an lxdsoak agent",
                          l->config.endpoint->path);
        else
                link_fail(l, -EPROTO,
                          "we refused it: what answers at %s does not have the key that "
                          "known_agents says, %s; if that agent has a new key, `lxdsoak-agent "
                          "--show-key` there prints the line for known_agents; else it is not an "
                          "lxdsoak-agent",
                          l->config.addresses->list[l->address].text, l->config.server_key);
}

static void on_monitor(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                       void *userdata)
{
        struct link *l = userdata;
        uint16_t event;
        uint32_t value;

        if (n < 1 || frames[0].size < 6)
                return;
        memcpy(&event, frames[0].data, sizeof(event));
        memcpy(&value, (const char *)frames[0].data + 2, sizeof(value));
        switch (event) {
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
                l->connected = true;
                l->n_no_detail = 0;
                link_hello(l, now_monotonic_ns());
                break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
                if (value == 400)
                        refused_key(l);
                else
                        link_fail(l, -EACCES, "its key check failed (%u); see its journal", value);
                break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                if (++l->n_no_detail >= NO_DETAIL_MAX)
                        failed_handshake(l);
                break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
                failed_handshake(l);
                break; /* never tried again */
        case ZMQ_EVENT_DISCONNECTED:
                l->connected = l->welcomed = false;
                if (l->was_ready)
                        link_note(l, -ECONNRESET, "the connection was closed");
                break;
        default: break;
        }
}

static int open_monitor(struct link *l, void *socket)
{
        static unsigned n; /* no name twice: that of one that was closed is free only later */
        char name[64];
        void *pair;
        int r;

        snprintf(name, sizeof(name), "inproc://lxdsoak-monitor-%u", ++n);
        if (zmq_socket_monitor(socket, name, ZMQ_EVENT_ALL) < 0)
                return -errno;
        pair = zmq_socket(l->config.zmq, ZMQ_PAIR);
        if (!pair)
                return -errno;
        if (zmq_connect(pair, name) < 0) {
                r = -errno;
                zmq_close(pair);
                return r;
        }
        return zsock_new(l->config.event, pair, on_monitor, l, &l->monitor);
}

int link_socket_open(struct link *l, int64_t now_ns)
{
        void *socket = zmq_socket(l->config.zmq, ZMQ_DEALER);
        int r;

        if (!socket)
                return -errno;
        r = set_options(l, socket);
        if (r == 0)
                r = open_monitor(l, socket);
        if (r == 0 && zmq_connect(socket, l->config.addresses->list[l->address].text) < 0)
                r = -errno;
        if (r < 0) {
                zmq_close(socket);
                l->monitor = zsock_free(l->monitor);
                return r;
        }
        r = zsock_new(l->config.event, socket, link_receive, l, &l->socket);
        if (r < 0) {
                l->monitor = zsock_free(l->monitor);
                return r;
        }
        l->opened_ns = now_ns;
        if (!l->first_open_ns)
                l->first_open_ns = now_ns;
        l->connected = l->welcomed = false;
        l->hello_ns = 0;
        l->n_no_detail = 0;
        return 0;
}

void link_socket_close(struct link *l, int linger_ms)
{
        l->dial = dial_free(l->dial);
        if (l->socket) {
                zmq_setsockopt(zsock_socket(l->socket), ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
                zmq_socket_monitor(zsock_socket(l->socket), NULL, 0);
        }
        l->monitor = zsock_free(l->monitor);
        l->socket = zsock_free(l->socket);
        l->connected = l->welcomed = false;
}

static void explain_local(struct link *l, int error)
{
        const char *path = l->config.endpoint->path;

        switch (-error) {
        case ENOENT:
                link_note(l, error,
                          "%s does not exist; is lxdsoak-agent running? (systemctl start "
                          "lxdsoak-agent)",
                          path);
                break;
        case ECONNREFUSED:
                link_note(l, error,
                          "nobody listens on %s; is lxdsoak-agent running? (systemctl "
                          "start lxdsoak-agent)",
                          path);
                break;
        case EACCES:
        case EPERM:
                link_note(l, error, "permission denied on %s; be root or a member of group lxdsoak",
                          path);
                break;
        default: link_note(l, error, "cannot connect to %s: %s", path, strerror(-error));
        }
}

static void explain_tcp(struct link *l, int error)
{
        const char *at = l->config.addresses->list[l->address].text;

        switch (-error) {
        case ECONNREFUSED:
                link_note(l, error,
                          "connection refused at %s; is lxdsoak-agent running there, "
                          "with a listen line in its configuration?",
                          at);
                break;
        case EHOSTUNREACH:
        case ENETUNREACH: link_note(l, error, "no route to %s", at); break;
        case ETIMEDOUT:
                link_note(l, error,
                          "no answer from %s; is the host up, and does a firewall let "
                          "the port through?",
                          at);
                break;
        default: link_note(l, error, "cannot connect to %s: %s", at, strerror(-error));
        }
}

static void on_dial(int error, size_t index, void *userdata)
{
        struct link *l = userdata;

        l->dial = dial_free(l->dial);
        if (l->connected)
                return;
        l->accepted = error == 0;
        if (error == 0) {
                if (index != l->address) {
                        l->address = index;
                        l->reopen = true;
                }
                /* what was noted of connecting is no longer so */
                if (l->connect_noted)
                        l->error = ERROR_INIT;
                l->connect_noted = false;
                return;
        }
        l->connect_noted = true;
        if (l->config.endpoint->local)
                explain_local(l, error);
        else
                explain_tcp(l, error);
        if (!link_was_there(l) && error != -ETIMEDOUT &&
            now_monotonic_ns() - l->first_open_ns > GRACE_NS)
                link_set_state(l, LINK_FAILED);
}

void link_socket_tick(struct link *l, int64_t now_ns)
{
        if (!l->socket || l->connected || l->dial || now_ns - l->opened_ns < DIAL_AFTER_NS ||
            now_ns - l->dialled_ns < (l->was_ready ? 5 : 1) * DIAL_EVERY_NS)
                return;
        l->dialled_ns = now_ns;
        (void)!dial_new(l->config.event, l->config.addresses->list, l->config.addresses->n,
                        DIAL_TIMEOUT_NS, on_dial, l, &l->dial);
}
