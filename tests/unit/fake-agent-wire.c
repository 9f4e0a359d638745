/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the test double sends, and whom it lets in; see fake-agent-internal.h. */

#include "tests/unit/fake-agent-internal.h"

void fake_send_body(struct agent *a, enum message_type type, uint64_t seq, json_object *body)
{
        struct wire_header h = {.type = type, .epoch = a->epoch, .seq = seq};
        const char *text = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
        uint8_t buf[WIRE_HEADER_SIZE];
        zmq_msg_t id;

        if (!a->has_peer)
                return;
        snprintf(h.run, sizeof(h.run), "%s", a->run);
        wire_header_encode(&h, buf);
        zmq_msg_init(&id);
        zmq_msg_copy(&id, &a->peer);
        if (zmq_msg_send(&id, a->router, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
                zmq_msg_close(&id);
                return;
        }
        zmq_send(a->router, buf, sizeof(buf), ZMQ_SNDMORE);
        zmq_send(a->router, text, strlen(text), 0);
}

void fake_send_struct(struct agent *a, enum message_type type, const struct field *table,
                      const void *m)
{
        json_object *body = fields_encode(table, m);

        fake_send_body(a, type, 0, body);
        json_object_put(body);
}

void fake_send_raw(struct agent *a, const void *one, size_t n_one, const void *two, size_t n_two)
{
        zmq_msg_t id;

        zmq_msg_init(&id);
        zmq_msg_copy(&id, &a->peer);
        zmq_msg_send(&id, a->router, ZMQ_SNDMORE);
        zmq_send(a->router, one, n_one, two ? ZMQ_SNDMORE : 0);
        if (two)
                zmq_send(a->router, two, n_two, 0);
}

void fake_send_nonsense(struct agent *a)
{
        struct wire_header h = {.type = MESSAGE_PONG, .epoch = a->epoch};
        static char large[WIRE_FRAME_MAX + 1];
        uint8_t buf[WIRE_HEADER_SIZE];

        snprintf(h.run, sizeof(h.run), "%s", a->run);
        wire_header_encode(&h, buf);
        if (a->config.garbage) {
                fake_send_raw(a, "garbage", 7, NULL, 0);
                fake_send_raw(a, "garbage", 7, "{}", 2);
                fake_send_raw(a, buf, sizeof(buf), "{\"in_flight\":\"many\"}", 20);
                fake_send_raw(a, buf, sizeof(buf), "[[[[", 4);
                fake_send_raw(a, buf, sizeof(buf) - 1, "{}", 2);
                h.type = MESSAGE_LEASE;
                wire_header_encode(&h, buf);
                fake_send_raw(a, buf, sizeof(buf), "{}", 2);
        }
        if (a->config.oversize)
                fake_send_raw(a, buf, sizeof(buf), large, sizeof(large));
}

void fake_send_results(struct agent *a, uint64_t from, bool first_time)
{
        while (from <= a->head) {
                json_object *rows = json_object_new_array(), *body = json_object_new_object();
                uint64_t end = MIN(from + BATCH_ROWS - 1, a->head);

                for (uint64_t i = from; i <= end; i++)
                        json_object_array_add(rows, json_object_get(a->records[i]));
                if (a->config.bad_record)
                        json_object_array_put_idx(rows, 0, json_object_new_string("what?"));
                json_object_object_add(body, "rows", rows);
                a->batches++;
                if (!(first_time && a->config.lose && a->batches % a->config.lose == 0))
                        fake_send_body(a, MESSAGE_RESULTS, from, body);
                if (a->config.twice)
                        fake_send_body(a, MESSAGE_RESULTS, from, body);
                json_object_put(body);
                from = end + 1;
        }
        a->sent = a->head;
        a->sent_ns = now_monotonic_ns();
}

/* ZAP: frames version, request id, domain, address, identity, mechanism, key. */
void fake_answer_zap(struct agent *a)
{
        char frames[7][256], key[KEY_Z85_SIZE] = "";
        const char *status;
        int sizes[7];

        for (int i = 0; i < 7; i++)
                sizes[i] = zmq_recv(a->zap, frames[i], sizeof(frames[i]), 0);
        if (sizes[6] == 32)
                zmq_z85_encode(key, (uint8_t *)frames[6], 32);
        status = a->config.allowed && streq(key, a->config.allowed) ? "200" : "400";
        zmq_send(a->zap, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(a->zap, frames[1], (size_t)sizes[1], ZMQ_SNDMORE);
        zmq_send(a->zap, status, 3, ZMQ_SNDMORE);
        zmq_send(a->zap, "", 0, ZMQ_SNDMORE);
        zmq_send(a->zap, "drive:test", 10, ZMQ_SNDMORE);
        zmq_send(a->zap, "", 0, 0);
}

void fake_open_sockets(struct agent *a)
{
        const int on = 1;

        a->zmq = zmq_ctx_new();
        a->zap = zmq_socket(a->zmq, ZMQ_REP);
        zmq_bind(a->zap, "inproc://zeromq.zap.01");
        a->router = zmq_socket(a->zmq, ZMQ_ROUTER);
        if (a->config.secret) {
                zmq_setsockopt(a->router, ZMQ_CURVE_SERVER, &on, sizeof(on));
                zmq_setsockopt(a->router, ZMQ_CURVE_SECRETKEY, a->config.secret, KEY_Z85_SIZE);
                zmq_setsockopt(a->router, ZMQ_ZAP_DOMAIN, "lxdsoak", 7);
        }
        if (zmq_bind(a->router, a->config.endpoint) < 0) {
                perror("fake agent: bind");
                _exit(2);
        }
        zmq_msg_init(&a->peer);
}
