/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who gets in over CURVE, with real sockets: only a key of the allow-list, with
 * the right server key, and nobody when no handler is there.
 */

#include <zmq.h>

#include "base/clock.h"
#include "base/seldom.h"
#include "base/zsock.h"
#include "proto/zap.h"
#include "tests/unit/unit.h"

#define QUIET_NS (700 * NSEC_PER_MSEC) /* long enough for a handshake and a retry */
#define LIMIT_NS (20 * NSEC_PER_SEC)
#define ZAP      "inproc://zeromq.zap.01"

struct server {
        void *context;
        sd_event *event;
        struct zap *zap;
        struct zsock *z;
        struct key_pair keys;
        struct allow_list allow;
        char endpoint[64];
        int received, denied;
        char user_id[64], denied_key[KEY_Z85_SIZE], reason[160], address[64];
};

static void on_message(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                       void *userdata)
{
        struct server *s = userdata;

        s->received++;
        snprintf(s->user_id, sizeof(s->user_id), "%s", user_id ? user_id : "(null)");
}

static void on_denied(const char *address, const char *key, const char *reason, void *userdata)
{
        struct server *s = userdata;

        s->denied++;
        snprintf(s->address, sizeof(s->address), "%s", address);
        snprintf(s->denied_key, sizeof(s->denied_key), "%s", key);
        snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

static void *server_socket(struct server *s)
{
        void *socket = zmq_socket(s->context, ZMQ_ROUTER);

        assert_non_null(socket);
        assert_int_equal(zsock_set_common_options(socket), 0);
        return socket;
}

static void server_bind(struct server *s, void *socket)
{
        size_t size = sizeof(s->endpoint);

        assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
        assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, s->endpoint, &size), 0);
        assert_int_equal(zsock_new(s->event, socket, on_message, s, &s->z), 0);
}

static void server_begin(struct server *s, bool with_handler)
{
        *s = (struct server){.context = zmq_ctx_new()};
        assert_true(sd_event_new(&s->event) >= 0);
        assert_int_equal(key_generate(&s->keys), 0);
        if (with_handler)
                assert_int_equal(zap_new(s->event, s->context, &s->allow, on_denied, s, &s->zap),
                                 0);
}

static void server_start(struct server *s, bool with_handler)
{
        void *socket;

        server_begin(s, with_handler);
        socket = server_socket(s);
        assert_int_equal(zap_set_curve_server(socket, &s->keys), 0);
        server_bind(s, socket);
}

static void server_stop(struct server *s)
{
        zsock_free(s->z);
        zap_free(s->zap);
        allow_list_clear(&s->allow);
        assert_int_equal(zmq_ctx_term(s->context), 0);
        sd_event_unref(s->event);
}

static void allow(struct server *s, enum role role, const char *name, const char *key)
{
        s->allow.entries =
                reallocarray(s->allow.entries, s->allow.n + 1, sizeof(*s->allow.entries));
        assert_non_null(s->allow.entries);
        s->allow.entries[s->allow.n] = (struct allow_entry){.role = role};
        strcpy(s->allow.entries[s->allow.n].name, name);
        strcpy(s->allow.entries[s->allow.n].key, key);
        s->allow.n++;
}

/* A client that has said something. keys NULL: without CURVE. */
static void *client_new(struct server *s, const struct key_pair *keys, const char *server_key)
{
        void *socket = zmq_socket(s->context, ZMQ_DEALER);

        assert_non_null(socket);
        assert_int_equal(zsock_set_common_options(socket), 0);
        if (keys)
                assert_int_equal(zap_set_curve_client(socket, keys, server_key), 0);
        assert_int_equal(zmq_connect(socket, s->endpoint), 0);
        assert_int_equal(zmq_send(socket, "hello", 5, ZMQ_DONTWAIT), 5);
        return socket;
}

/* Turns the loop until *what is n, or for that long. */
static void turn(struct server *s, const int *what, int n, int64_t limit_ns)
{
        int64_t deadline_ns = now_monotonic_ns() + limit_ns;

        while (*what < n && now_monotonic_ns() < deadline_ns)
                assert_true(sd_event_run(s->event, 20000) >= 0);
}

static void test_allowed(void **state)
{
        struct key_pair alice, bob;
        struct server s;
        void *a, *b;

        server_start(&s, true);
        assert_int_equal(key_generate(&alice), 0);
        assert_int_equal(key_generate(&bob), 0);
        allow(&s, ROLE_DRIVE, "alice@laptop", alice.public);
        a = client_new(&s, &alice, s.keys.public);
        turn(&s, &s.received, 1, LIMIT_NS);
        assert_int_equal(s.received, 1);
        assert_string_equal(s.user_id, alice.public);
        /* the list may change at any time */
        allow(&s, ROLE_OBSERVE, "bob", bob.public);
        b = client_new(&s, &bob, s.keys.public);
        turn(&s, &s.received, 2, LIMIT_NS);
        assert_int_equal(s.received, 2);
        assert_string_equal(s.user_id, bob.public);
        assert_int_equal(s.denied, 0);
        zmq_close(a);
        zmq_close(b);
        server_stop(&s);
}

/* Waits for one event of a monitor that is in mask; returns its value, -1 if none came. */
static int64_t monitored(struct server *s, void *monitor, int mask)
{
        int64_t deadline_ns = now_monotonic_ns() + LIMIT_NS;

        while (now_monotonic_ns() < deadline_ns) {
                uint8_t event[6];
                uint16_t number;
                uint32_t value;

                assert_true(sd_event_run(s->event, 20000) >= 0);
                while (zmq_recv(monitor, event, sizeof(event), ZMQ_DONTWAIT) == sizeof(event)) {
                        zmq_recv(monitor, NULL, 0, 0); /* the address */
                        memcpy(&number, event, sizeof(number));
                        memcpy(&value, event + 2, sizeof(value));
                        if (number & mask)
                                return value;
                }
        }
        return -1;
}

static void test_denied(void **state)
{
        struct key_pair alice, mallory;
        void *client, *monitor;
        struct server s;

        server_start(&s, true);
        assert_int_equal(key_generate(&alice), 0);
        assert_int_equal(key_generate(&mallory), 0);
        allow(&s, ROLE_ADMIN, "alice", alice.public);
        client = zmq_socket(s.context, ZMQ_DEALER);
        assert_int_equal(zap_set_curve_client(client, &mallory, s.keys.public), 0);
        assert_int_equal(
                zmq_socket_monitor(client, "inproc://monitor", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH), 0);
        monitor = zmq_socket(s.context, ZMQ_PAIR);
        assert_int_equal(zmq_connect(monitor, "inproc://monitor"), 0);
        assert_int_equal(zmq_connect(client, s.endpoint), 0);
        assert_int_equal(monitored(&s, monitor, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH), 400);
        assert_int_equal(s.denied, 1);
        assert_string_equal(s.denied_key, mallory.public);
        assert_string_equal(s.reason, "its key is not in the allow-list");
        assert_non_null(strstr(s.address, "127.0.0.1"));
        assert_int_equal(s.received, 0);
        zmq_close(monitor);
        zmq_setsockopt(client, ZMQ_LINGER, &(int){0}, sizeof(int));
        zmq_close(client);
        server_stop(&s);
}

/* Whoever has no key, or takes us for another host, is not heard. */
static void test_no_key_and_wrong_server_key(void **state)
{
        struct key_pair alice, other;
        struct server s;
        void *a, *b;

        server_start(&s, true);
        assert_int_equal(key_generate(&alice), 0);
        assert_int_equal(key_generate(&other), 0);
        allow(&s, ROLE_DRIVE, "alice", alice.public);
        a = client_new(&s, NULL, NULL);
        b = client_new(&s, &alice, other.public);
        turn(&s, &s.received, 1, QUIET_NS);
        assert_int_equal(s.received, 0);
        assert_int_equal(s.denied, 0); /* it never came to the question */
        zmq_close(a);
        zmq_close(b);
        server_stop(&s);
}

static void test_without_a_handler_nobody_gets_in(void **state)
{
        struct key_pair alice;
        struct server s;
        void *client;

        assert_int_equal(key_generate(&alice), 0);
        server_start(&s, false);
        client = client_new(&s, &alice, s.keys.public);
        turn(&s, &s.received, 1, QUIET_NS);
        assert_int_equal(s.received, 0);
        zmq_close(client);
        server_stop(&s);

        /* and once it has gone */
        server_start(&s, true);
        allow(&s, ROLE_DRIVE, "alice", alice.public);
        s.zap = zap_free(s.zap);
        client = client_new(&s, &alice, s.keys.public);
        turn(&s, &s.received, 1, QUIET_NS);
        assert_int_equal(s.received, 0);
        zmq_close(client);
        server_stop(&s);
}

/* What the option is for: libzmq alone lets everybody in. If this fails, libzmq has changed. */
static void test_libzmq_alone_fails_open(void **state)
{
        struct key_pair alice;
        struct server s;
        void *client, *socket;

        assert_int_equal(key_generate(&alice), 0);
        server_begin(&s, false);
        socket = server_socket(&s);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &(int){1}, sizeof(int)), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, s.keys.secret, KEY_Z85_SIZE),
                         0);
        server_bind(&s, socket);
        client = client_new(&s, &alice, s.keys.public);
        turn(&s, &s.received, 1, LIMIT_NS);
        assert_int_equal(s.received, 1);
        assert_string_equal(s.user_id, "(null)");
        zmq_close(client);
        server_stop(&s);
}

/* -- requests as libzmq would never send them ---------------------------------------------- */

#define REQUEST(...) ((const struct zframe[]){{"", 0}, __VA_ARGS__})

/* Sends a request and returns the status of the reply. */
static int ask(struct server *s, const struct zframe *frames, size_t n)
{
        void *socket = zmq_socket(s->context, ZMQ_DEALER);
        int64_t deadline_ns = now_monotonic_ns() + LIMIT_NS;
        char part[300], status[4] = "";
        int more = 1;
        size_t size = sizeof(more);

        assert_int_equal(zmq_connect(socket, ZAP), 0);
        for (size_t i = 0; i < n; i++)
                assert_true(zmq_send(socket, frames[i].data, frames[i].size,
                                     i + 1 < n ? ZMQ_SNDMORE : 0) >= 0);
        while (zmq_recv(socket, part, sizeof(part), ZMQ_DONTWAIT) < 0) {
                assert_true(now_monotonic_ns() < deadline_ns);
                assert_true(sd_event_run(s->event, 20000) >= 0);
        }
        for (int i = 1; more; i++) {
                int k = zmq_recv(socket, part, sizeof(part), 0);

                if (i == 3)
                        snprintf(status, sizeof(status), "%.*s", k, part);
                zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        }
        zmq_close(socket);
        return atoi(status);
}

static void test_odd_requests(void **state)
{
        static const char big[300];
        uint8_t key[32];
        struct key_pair alice;
        struct server s;

        server_begin(&s, true);
        assert_int_equal(key_generate(&alice), 0);
        allow(&s, ROLE_DRIVE, "alice", alice.public);
        assert_non_null(zmq_z85_decode(key, alice.public));
#define P(s) {s, sizeof(s) - 1}
        assert_int_equal(
                ask(&s, REQUEST(P("1.0"), P("1"), P("d"), P("a"), P(""), P("CURVE"), {key, 32}), 8),
                200);
        assert_int_equal(
                ask(&s, REQUEST(P("1.0"), P("1"), P("d"), P("a"), P(""), P("CURVE"), {key, 31}), 8),
                400);
        assert_string_equal(s.reason, "not a key");
        assert_int_equal(ask(&s, REQUEST(P("1.0"), P("1"), P("d"), P("a"), P(""), P("NULL")), 7),
                         400);
        assert_string_equal(s.reason, "a malformed request");
        assert_int_equal(
                ask(&s, REQUEST(P("1.0"), P("1"), P("d"), P("a"), P(""), P("PLAIN"), P("user")), 8),
                400);
        assert_string_equal(s.reason, "not CURVE");
        assert_int_equal(
                ask(&s, REQUEST(P("2.0"), P("1"), P("d"), P("a"), P(""), P("CURVE"), {key, 32}), 8),
                400);
        assert_int_equal(ask(&s,
                             REQUEST(P("1.0"), P("1"), P("d"), P("a"), P(""), P("CURVE"), {key, 32},
                                     P("more"), P("and more")),
                             10),
                         400);
        assert_int_equal(ask(&s,
                             REQUEST(P("1.0"), P("1"), P("d"), {big, sizeof(big)}, P(""),
                                     P("CURVE"), {key, 32}),
                             8),
                         400);
        assert_int_equal(ask(&s, REQUEST(P("")), 2), 400);
        /* and the handler is still well */
        assert_int_equal(
                ask(&s, REQUEST(P("1.0"), P("1"), P("d"), P("a"), P(""), P("CURVE"), {key, 32}), 8),
                200);
        /* the malformed ones are the same to us; those told of say so of the others */
        assert_int_equal(s.denied, 3);
        /* a flood is refused, but not all of it is told of */
        for (int i = 0; i < 100; i++) {
                char from[16];
                int n = snprintf(from, sizeof(from), "10.0.0.%d", i);

                assert_int_equal(ask(&s,
                                     REQUEST(P("1.0"), P("1"), P("d"), {from, (size_t)n}, P(""),
                                             P("CURVE"), {big, 32}),
                                     8),
                                 400);
        }
        assert_int_equal(s.denied, SELDOM_BURST);
        server_stop(&s);
}

static void test_one_handler_a_context(void **state)
{
        struct zap *second = NULL;
        struct server s;

        server_begin(&s, true);
        assert_int_equal(zap_new(s.event, s.context, &s.allow, on_denied, &s, &second),
                         -EADDRINUSE);
        assert_null(second);
        assert_null(zap_free(NULL));
        server_stop(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_allowed),
                cmocka_unit_test(test_denied),
                cmocka_unit_test(test_no_key_and_wrong_server_key),
                cmocka_unit_test(test_without_a_handler_nobody_gets_in),
                cmocka_unit_test(test_libzmq_alone_fails_open),
                cmocka_unit_test(test_odd_requests),
                cmocka_unit_test(test_one_handler_a_context),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
