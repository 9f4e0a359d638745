/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an agent sends, as the coordinator takes it: each part of the input is one message, its
 * first byte the type, the next the record it begins at, the rest the body. First comes a WELCOME
 * that is fine, if the first byte of the input is even.
 */

#include "coordinator/link-internal.h"
#include "tests/fuzz/parts.h"

#define RUN "abcd2345"

static size_t n_records;
static uint64_t last_seq;

static void on_record(struct link *l, const struct record *r, void *userdata)
{
        require(r->seq == last_seq + 1); /* in order, each once */
        last_seq = r->seq;
        n_records++;
        if (n_records % 3 == 0)
                link_commit(l, r->seq);
}

static void on_pong(struct link *l, const struct msg_pong *pong, void *userdata)
{
        require(link_pong(l, NULL) == pong);
}

static void on_cleaned(struct link *l, const struct msg_cleaned *m, void *userdata)
{
        require(!m->items || json_object_array_length(m->items) <= MESSAGE_ITEMS_MAX);
}

static void on_stopped(struct link *l, const struct msg_stopped *m, void *userdata)
{
        require(!m->leftovers || json_object_array_length(m->leftovers) <= MESSAGE_ITEMS_MAX);
}

static const struct link_ops ops = {
        .record = on_record,
        .pong = on_pong,
        .cleaned = on_cleaned,
        .stopped = on_stopped,
};

static void receive(struct link *l, enum message_type type, uint64_t seq, const void *body,
                    size_t size)
{
        struct wire_header h = {.type = type, .run = RUN, .seq = seq};
        uint8_t buf[WIRE_HEADER_SIZE];
        struct zframe frames[2] = {{buf, sizeof(buf)}, {body, size}};

        wire_header_encode(&h, buf);
        link_receive(NULL, frames, 2, NULL, l);
}

static void welcome(struct link *l)
{
        struct msg_welcome m = {.proto = 1, .agent_id = "a", .incarnation = "i", .hostname = "h"};
        json_object *o = fields_encode(msg_welcome_fields, &m);
        const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);

        receive(l, MESSAGE_WELCOME, 0, text, strlen(text));
        json_object_put(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct host_addresses addresses = {.n = 1};
        static const struct endpoint endpoint = {.label = "h", .node = "h", .port = 7463};
        static const struct msg_hello hello = {.proto_min = PROTO_MIN, .proto_max = PROTO_MAX};
        struct link_config config = {.endpoint = &endpoint,
                                     .addresses = &addresses,
                                     .hello = &hello,
                                     .run = RUN,
                                     .epoch = 1,
                                     .ops = &ops};
        struct fuzz_parts rest = {data, size};
        struct link *l = NULL;
        const uint8_t *part;
        size_t n;

        n_records = last_seq = 0;
        require(link_new(&config, &l) == 0);
        link_stop(l, STOP_MODE_DRAIN, false, 1);
        if (size > 0 && data[0] % 2 == 0)
                welcome(l);
        for (int i = 0; i < 32 && fuzz_part(&rest, &part, &n); i++) {
                if (n < 2)
                        continue;
                if (part[0] % 16 == 0) /* a frame as it is */
                        link_receive(NULL, (struct zframe[]){{part, MIN(n, (size_t)44)}, {"{}", 2}},
                                     2, NULL, l);
                else
                        receive(l, (enum message_type)(part[0] % MESSAGE_TYPE_MAX_), part[1],
                                part + 2, n - 2);
                if (link_state(l) == LINK_FAILED)
                        require(link_error(l)[0]);
                /* another agent begins at 1 */
                if (l->received == 0)
                        last_seq = 0;
        }
        link_free(l);
        return 0;
}
