/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The messages of a link: what is said when, and what is done with what comes.
 * Nothing a peer sends can do more than waste its own session: what makes no
 * sense is counted and dropped.
 */

#include "coordinator/link-internal.h"

int link_send(struct link *l, enum message_type type, uint64_t ack, const char *body)
{
        struct wire_header header = {.type = type,
                                     .epoch = l->config.epoch,
                                     .seq = type == MESSAGE_HELLO ? l->hello_seq : 0,
                                     .ack = ack};
        uint8_t buf[WIRE_HEADER_SIZE];
        struct zframe frames[2] = {{buf, sizeof(buf)}, {body, strlen(body)}};

        if (!l->socket)
                return -ENOTCONN;
        snprintf(header.run, sizeof(header.run), "%s", l->config.run);
        wire_header_encode(&header, buf);
        return zsock_send(l->socket, frames, ELEMENTSOF(frames));
}

bool link_send_struct(struct link *l, enum message_type type, const struct field *table,
                      const void *body)
{
        json_object *object = fields_encode(table, body);
        int r = -ENOMEM;

        if (object)
                r = link_send(l, type, 0,
                              json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
        json_object_put(object);
        return r >= 0;
}

void link_hello(struct link *l, int64_t now_ns)
{
        struct msg_hello hello = *l->config.hello;
        json_object *object;

        l->hello_seq++;
        snprintf(hello.agent_id, sizeof(hello.agent_id), "%s",
                 l->welcome.agent_id[0] ? l->welcome.agent_id : l->config.agent_id);
        object = fields_encode(msg_hello_fields, &hello);
        if (object &&
            link_send(l, MESSAGE_HELLO, l->committed,
                      json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN)) >= 0)
                l->hello_ns = now_ns;
        json_object_put(object);
}

void link_send_ack(struct link *l)
{
        l->ack_due = !l->welcomed || link_send(l, MESSAGE_ACK, l->committed, "{}") < 0;
}

void link_send_stop(struct link *l, int64_t now_ns)
{
        struct msg_stop m = {.mode = l->stop, .keep = l->keep};

        if (link_send_struct(l, MESSAGE_STOP, msg_stop_fields, &m))
                l->stop_ns = now_ns;
}

void link_send_cleanup(struct link *l)
{
        if (link_send_struct(l, MESSAGE_CLEANUP, msg_cleanup_fields, &l->cleanup))
                l->cleanup_due = false;
}

static void send_ping(struct link *l, int64_t now_ns)
{
        struct msg_ping m = {.stamp_ns = now_ns, .agent_stamp_ns = l->stamp_ns};

        /* also when it cannot go: the next is due in its own time */
        l->ping_ns = now_ns;
        link_send_struct(l, MESSAGE_PING, msg_ping_fields, &m);
}

/* Its header names the run of whoever drives. */
void link_ask_stop(struct link *l)
{
        struct msg_stop m = {.mode = STOP_MODE_DRAIN};
        const char *own = l->config.run;

        if (!l->welcomed || !l->welcome.run[0])
                return;
        l->config.run = l->welcome.run;
        link_send_struct(l, MESSAGE_STOP, msg_stop_fields, &m);
        l->config.run = own;
}

void link_session_tick(struct link *l, int64_t now_ns)
{
        if (!l->connected)
                return;
        if (!l->welcomed) {
                if (now_ns - l->hello_ns >= LINK_REPEAT_NS)
                        link_hello(l, now_ns);
                return;
        }
        if (now_ns - l->ping_ns >= LINK_PING_NS)
                send_ping(l, now_ns);
        if (l->ack_due)
                link_send_ack(l);
        if (l->stop >= 0 && !l->stopped && now_ns - l->stop_ns >= 2 * LINK_REPEAT_NS)
                link_send_stop(l, now_ns);
        if (l->cleanup_due)
                link_send_cleanup(l);
}

/* Something came that makes no sense. */
static void bad_message(struct link *l, const struct error *err)
{
        l->n_bad++;
        if (!l->welcomed)
                link_note(l, -EBADMSG, "it does not speak lxdsoak's protocol: %s", err->text);
}

static enum link_news what_is_new(const struct link *l, const struct msg_welcome *w)
{
        const char *known = l->welcome.agent_id[0] ? l->welcome.agent_id : l->config.agent_id;

        if (*known && !streq(w->agent_id, known))
                return LINK_NEW_AGENT;
        if (!l->was_ready)
                return LINK_FIRST;
        return streq(w->incarnation, l->welcome.incarnation) ? LINK_AGAIN : LINK_RESTARTED;
}

/* What the agent says it has, until what it has told before is handed up. */
static int keep_holds(struct link *l, json_object *leases)
{
        size_t n = leases ? json_object_array_length(leases) : 0;
        int64_t *holds = malloc((n + 1) * sizeof(*holds));

        if (!holds)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                holds[i] = json_object_get_int64(json_object_array_get_idx(leases, i));
        free(l->holds);
        l->holds = holds;
        l->n_holds = n;
        return 0;
}

static void hand_up_holds(struct link *l)
{
        int64_t *holds = l->holds;

        if (!holds || l->received < (uint64_t)l->welcome.head || l->state == LINK_FAILED)
                return;
        l->holds = NULL;
        if (l->config.ops->holds)
                l->config.ops->holds(l, holds, l->n_holds, l->config.userdata);
        free(holds);
}

static void on_welcome(struct link *l, const struct wire_header *h, void *body)
{
        struct msg_welcome *w = body;
        int64_t now_ns = now_monotonic_ns();
        enum link_news news = what_is_new(l, w);

        if (l->welcomed || h->seq <= l->hello_done)
                return; /* to an earlier HELLO: what it says is no longer so */
        if (w->proto < PROTO_MIN || w->proto > PROTO_MAX) {
                link_give_up(l, -EPROTONOSUPPORT,
                             "it wants to speak protocol %lld, this coordinator speaks %d to %d: "
                             "install the same lxdsoak on both",
                             (long long)w->proto, PROTO_MIN, PROTO_MAX);
                return;
        }
        if (keep_holds(l, w->leases) < 0)
                return; /* it is asked again */
        if (news == LINK_NEW_AGENT)
                l->received = l->committed = 0;
        if (news != LINK_AGAIN) /* the clock of the one before */
                l->stamp_ns = 0;
        l->stamp_ns = MAX(l->stamp_ns, w->agent_stamp_ns);
        l->welcome = *w;
        l->welcome.leases = NULL;
        l->welcomed = l->was_ready = true;
        l->hello_done = l->hello_seq;
        l->heard_ns = now_ns;
        l->error = ERROR_INIT;
        l->ping_ns = 0;
        if (l->config.ops->welcome)
                l->config.ops->welcome(l, w, news, l->config.userdata);
        if (l->state == LINK_FAILED)
                return;
        hand_up_holds(l);
        link_set_state(l, l->stopped ? LINK_STOPPED : LINK_READY);
        if (l->stop >= 0 && !l->stopped)
                link_send_stop(l, now_ns);
        l->cleanup_due = l->cleaning;
        link_session_tick(l, now_ns);
}

static void on_refuse(struct link *l, const struct wire_header *h, void *body)
{
        const struct msg_refuse *m = body;
        const char *text = *m->text ? m->text : refuse_code_name(m->code);

        switch (m->code) {
        case REFUSE_BUSY:
                if (*m->text)
                        link_fail(l, -EBUSY, "%s", m->text);
                else
                        link_fail(l, -EBUSY, "it is busy with run %s of another coordinator",
                                  m->run);
                break;
        case REFUSE_DRAINING:
        case REFUSE_LXD:
        case REFUSE_SPOOL_FULL: /* these pass, and a host of this run is asked again */
                link_note(l, -ECONNREFUSED, "%s", text);
                if (!link_was_there(l))
                        link_set_state(l, LINK_FAILED);
                break;
        case REFUSE_IMAGE:
        case REFUSE_SPEC: link_fail(l, -ECONNREFUSED, "%s", text); break;
        case REFUSE_STALE_EPOCH:
        case REFUSE_STOLEN:
                link_give_up(l, m->code == REFUSE_STOLEN ? -ECANCELED : -ESTALE, "%s", text);
                break;
        default: /* version,  role, spec mismatch: it will not change its mind */
                link_give_up(l, -EPERM, "it refused: %s%s%s", refuse_code_name(m->code),
                             *m->text ? ": " : "", m->text);
        }
}

static void on_lease_ok(struct link *l, const struct wire_header *h, void *body)
{
        const struct msg_lease_ok *m = body;

        if (l->config.ops->lease_ok)
                l->config.ops->lease_ok(l, m->lease, l->config.userdata);
}

/* One row; false when the rest of the message is of no use. */
static bool on_row(struct link *l, json_object *row, uint64_t seq)
{
        struct error err = ERROR_INIT;
        struct record record;

        if (seq <= l->received)
                return true;
        if (record_decode(row, &record, &err) < 0) {
                link_give_up(l, -EBADMSG, "its record %llu cannot be read: %s",
                             (unsigned long long)seq, err.text);
                return false;
        }
        if (record.seq != seq) {
                link_give_up(l, -EBADMSG, "its record %llu says it is number %llu",
                             (unsigned long long)seq, (unsigned long long)record.seq);
                return false;
        }
        l->received = seq;
        if (l->config.ops->record)
                l->config.ops->record(l, &record, l->config.userdata);
        return l->state != LINK_FAILED;
}

static void on_results(struct link *l, const struct wire_header *h, void *body)
{
        const struct msg_results *m = body;
        size_t n = m->rows ? json_object_array_length(m->rows) : 0;

        if (!l->welcomed || n == 0)
                return;
        if (h->seq > l->received + 1 || h->seq + n - 1 <= l->committed) {
                /* a gap, or all known: saying where we are sends the agent back there */
                link_send_ack(l);
                return;
        }
        for (size_t i = 0; i < n; i++)
                if (!on_row(l, json_object_array_get_idx(m->rows, i), h->seq + i))
                        return;
        hand_up_holds(l);
}

static void on_pong(struct link *l, const struct wire_header *h, void *body)
{
        l->pong = *(struct msg_pong *)body;
        l->pong_ns = now_monotonic_ns();
        l->stamp_ns = MAX(l->stamp_ns, l->pong.agent_stamp_ns);
        if (l->config.ops->pong)
                l->config.ops->pong(l, &l->pong, l->config.userdata);
}

static void on_stopped(struct link *l, const struct wire_header *h, void *body)
{
        const struct msg_stopped *m = body;

        if (l->stopped || l->stop < 0)
                return;
        l->stopped = true;
        l->final_seq = (uint64_t)m->final_seq;
        if (l->config.ops->stopped)
                l->config.ops->stopped(l, m, l->config.userdata);
        link_set_state(l, LINK_STOPPED);
}

static void on_cleaned(struct link *l, const struct wire_header *h, void *body)
{
        const struct msg_cleaned *m = body;

        if (!l->cleaning)
                return;
        if (m->done)
                l->cleaning = l->cleanup_due = false;
        if (l->config.ops->cleaned)
                l->config.ops->cleaned(l, m, l->config.userdata);
}

static void on_exhibit(struct link *l, const struct wire_header *h, void *body)
{
        if (l->config.ops->exhibit)
                l->config.ops->exhibit(l, body, l->config.userdata);
}

static void on_err(struct link *l, const struct wire_header *h, void *body)
{
        const struct msg_err *m = body;

        if (streq(m->code, "no_session")) {
                l->welcomed = false;
                link_hello(l, now_monotonic_ns());
        } else
                link_note(l, -EPROTO, "it did not understand us: %s %s", m->code, m->text);
}

union any_body {
        struct msg_welcome welcome;
        struct msg_refuse refuse;
        struct msg_lease_ok lease_ok;
        struct msg_results results;
        struct msg_pong pong;
        struct msg_stopped stopped;
        struct msg_cleaned cleaned;
        struct msg_exhibit exhibit;
        struct msg_err err;
};

static const struct {
        const struct field *table;
        void (*handle)(struct link *l, const struct wire_header *h, void *body);
} handlers[MESSAGE_TYPE_MAX_] = {
        [MESSAGE_WELCOME] = {msg_welcome_fields, on_welcome},
        [MESSAGE_REFUSE] = {msg_refuse_fields, on_refuse},
        [MESSAGE_LEASE_OK] = {msg_lease_ok_fields, on_lease_ok},
        [MESSAGE_RESULTS] = {msg_results_fields, on_results},
        [MESSAGE_PONG] = {msg_pong_fields, on_pong},
        [MESSAGE_STOPPED] = {msg_stopped_fields, on_stopped},
        [MESSAGE_CLEANED] = {msg_cleaned_fields, on_cleaned},
        [MESSAGE_EXHIBIT] = {msg_exhibit_fields, on_exhibit},
        [MESSAGE_ERR] = {msg_err_fields, on_err},
};

/* Messages about units must be of our run; who only cleans up hears of any. */
static bool is_about_units(enum message_type type)
{
        return type == MESSAGE_LEASE_OK || type == MESSAGE_RESULTS || type == MESSAGE_STOPPED;
}

static int parse(struct link *l, const struct zframe *frames, size_t n, struct wire_header *ret_h,
                 json_object **ret_body, struct error *err)
{
        int r;

        if (n != 2)
                return error_set(err, -EBADMSG, "a message of %zu frames", n);
        r = wire_header_decode(frames[0].data, frames[0].size, ret_h, err);
        if (r < 0)
                return r;
        if (!handlers[ret_h->type].handle)
                return error_set(err, -EBADMSG, "a %s from an agent",
                                 message_type_name(ret_h->type));
        if (is_about_units(ret_h->type) && !streq(ret_h->run, l->config.run))
                return error_set(err, -EBADMSG, "a %s of run %s", message_type_name(ret_h->type),
                                 ret_h->run);
        return wire_body_parse(frames[1].data, frames[1].size, ret_body, err);
}

void link_receive(struct zsock *z, const struct zframe *frames, size_t n, const char *user_id,
                  void *userdata)
{
        struct link *l = userdata;
        struct error err = ERROR_INIT;
        struct wire_header header;
        json_object *object = NULL;
        union any_body body = {0};
        int r;

        if (l->state == LINK_FAILED || l->state == LINK_CLOSED)
                return;
        r = parse(l, frames, n, &header, &object, &err);
        if (r == -EPROTONOSUPPORT) {
                link_give_up(l, r, "%s; install the same version on both sides", err.text);
                return;
        }
        if (r == 0)
                r = fields_decode(handlers[header.type].table, object, &body, &err);
        if (r == 0) {
                if (l->welcomed)
                        l->heard_ns = now_monotonic_ns();
                handlers[header.type].handle(l, &header, &body);
        } else
                bad_message(l, &err);
        if (object) {
                fields_release(handlers[header.type].table, &body);
                json_object_put(object);
        }
}
