/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What leaves the server: messages, the state of the host, the records and their window. */

#include "agent/server-internal.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/message-ids.h"

#define WINDOW_ROWS 400
#define FLUSH_USEC  100000
#define RESEND_NS   NSEC_PER_SEC
#define ROWS_BYTES  (WIRE_SEND_MAX - 4096)

/* ---- sending ---- */

void send_message(struct server *s, const struct peer *to, enum message_type type, const char *run,
                  uint64_t seq, json_object *body)
{
        struct wire_header header = {.type = type, .epoch = s->epoch, .seq = seq};
        int r;

        snprintf(header.run, sizeof(header.run), "%s", run ?: "");
        r = listener_send(s->listener, to, &header, body);
        json_object_put(body);
        /* What matters is sent again: the peer may be gone for the moment. */
        if (r < 0 && r != -EAGAIN && r != -EHOSTUNREACH)
                log_warning("%s could not be sent: %s", message_type_name(type), strerror(-r));
}

void send_err(struct server *s, const struct peer *to, const char *code, const char *text)
{
        struct msg_err m = {0};

        snprintf(m.code, sizeof(m.code), "%s", code);
        snprintf(m.text, sizeof(m.text), "%s", text);
        send_message(s, to, MESSAGE_ERR, NULL, 0, fields_encode(msg_err_fields, &m));
}

/* Coordinators ask again every second, so each reason is logged once in a while. */
static void log_refusal(struct server *s, const struct peer *to, enum refuse_code code,
                        const char *text)
{
        char subject[ERROR_TEXT_MAX + 128], from[128], key[64], more[64] = "";
        const char *fields[] = {from, key};
        uint64_t unsaid;

        /* what is said of a busy host changes with every second */
        snprintf(subject, sizeof(subject), "%s %s %s", to->key, to->address,
                 code == REFUSE_BUSY ? refuse_code_name(REFUSE_BUSY) : text);
        if (!seldom_may(&s->refused, subject, now_monotonic_ns(), &unsaid))
                return;
        snprintf(from, sizeof(from), "LXDSOAK_PEER=%s", to->address);
        snprintf(key, sizeof(key), "LXDSOAK_KEY=%s", to->key);
        if (unsaid > 0)
                snprintf(more, sizeof(more), " (%" PRIu64 " more were refused before)", unsaid);
        log_entry(code == REFUSE_ROLE ? LOG_WARNING : LOG_NOTICE, MESSAGE_ID_REFUSED, fields,
                  to->key[0] ? 2 : 0, "Refused %s: %s%s", PEER_DESCRIBE(to), text, more);
}

void send_refuse(struct server *s, const struct peer *to, enum refuse_code code, const char *format,
                 ...)
{
        struct msg_refuse m = {.code = code};
        va_list ap;

        va_start(ap, format);
        vsnprintf(m.text, sizeof(m.text), format, ap);
        va_end(ap);
        if (code == REFUSE_BUSY && s->run) {
                snprintf(m.run, sizeof(m.run), "%s", run_get_spec(s->run)->run);
                if (s->has_driver) {
                        snprintf(m.holder, sizeof(m.holder), "%s", s->who);
                        m.since_ns = now_monotonic_ns() - s->since_ns;
                        m.expires_in_ns = s->heard_ns + ARBITER_SILENCE_NS - now_monotonic_ns();
                        m.expires_in_ns = MAX(m.expires_in_ns, INT64_C(0));
                }
        }
        log_refusal(s, to, code, m.text);
        send_message(s, to, MESSAGE_REFUSE, NULL, 0, fields_encode(msg_refuse_fields, &m));
}

void refuse_role(struct server *s, const struct peer *peer, const char *what, enum role needed)
{
        const char *list = s->deps.config->authorized_keys;

        if (peer->role >= ROLE_MAX_)
                send_refuse(s, peer, REFUSE_ROLE,
                            "key %s is no longer in %s: it was taken out while you were connected",
                            peer->key, list);
        else
                send_refuse(s, peer, REFUSE_ROLE,
                            "%s needs role %s, and key %s (%s) has role %s in %s", what,
                            role_name((int)needed), peer->key, peer->name,
                            role_name((int)peer->role), list);
}

void fill_pong(struct server *s, struct msg_pong *pong)
{
        struct loop_stats loop;
        struct http_stats http;

        pong->agent_stamp_ns = now_monotonic_ns();
        pong->head = (int64_t)outbox_head(s->outbox);
        if (s->run)
                run_fill(s->run, pong);
        snprintf(pong->stop_by, sizeof(pong->stop_by), "%s", s->stop_by);
        probe_fill(s->deps.probe, pong);
        loop_get_stats(s->deps.loop, &loop);
        pong->loop_dispatches = loop.dispatches;
        pong->loop_cpu_max_ns = loop.cpu_max_ns;
        pong->loop_wall_max_ns = loop.wall_max_ns;
        pong->loop_waits = loop.waits;
        pong->loop_late_p99_ns = loop.late_p99_ns;
        pong->loop_late_max_ns = loop.late_max_ns;
        lxd_get_stats(s->deps.lxd, &http);
        pong->connections = (int64_t)(http.connections - s->http_before.connections);
        pong->requests = (int64_t)(http.requests - s->http_before.requests);
        pong->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - s->cpu_before_ns;
}

/* ---- records ---- */

const char *run_id(const struct server *s)
{
        return s->run ? run_get_spec(s->run)->run : "";
}

void flush_records(struct server *s)
{
        uint64_t first, last;
        json_object *rows;

        if (!s->has_driver)
                return;
        if (s->sent > outbox_acked(s->outbox) && now_monotonic_ns() - s->progress_ns > RESEND_NS) {
                s->sent = outbox_acked(s->outbox); /* go back */
                s->progress_ns = now_monotonic_ns();
        }
        while (s->sent < outbox_acked(s->outbox) + WINDOW_ROWS) {
                struct msg_results m;

                rows = outbox_read(s->outbox, s->sent, BATCH_ROWS, ROWS_BYTES, &first, &last);
                if (!rows)
                        return;
                m.rows = rows;
                send_message(s, &s->driver, MESSAGE_RESULTS, run_id(s), first,
                             fields_encode(msg_results_fields, &m));
                fields_release(msg_results_fields, &m);
                if (s->sent == outbox_acked(s->outbox))
                        s->progress_ns = now_monotonic_ns();
                s->sent = last;
        }
}

int on_flush(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct server *s = userdata;

        flush_records(s);
        s->flushed_ns = now_monotonic_ns();
        /* should the answer not come */
        if (outbox_pending(s->outbox) > 0 && s->has_driver)
                flush_soon(s, RESEND_NS / NSEC_PER_USEC);
        return 0;
}

void flush_soon(struct server *s, uint64_t usec)
{
        uint64_t due = (uint64_t)(now_monotonic_ns() / NSEC_PER_USEC) + usec, armed;
        int enabled;

        if (sd_event_source_get_enabled(s->flush, &enabled) >= 0 && enabled != SD_EVENT_OFF &&
            sd_event_source_get_time(s->flush, &armed) >= 0 && armed <= due)
                return;
        sd_event_source_set_time(s->flush, due);
        sd_event_source_set_enabled(s->flush, SD_EVENT_ONESHOT);
}

/* At once, but not much more often than every FLUSH_USEC, except when a message is full. */
void on_outbox_ready(void *userdata)
{
        struct server *s = userdata;
        bool full = outbox_head(s->outbox) - s->sent >= BATCH_ROWS,
             long_ago = now_monotonic_ns() - s->flushed_ns > FLUSH_USEC * NSEC_PER_USEC,
             stopped = s->run && run_is_stopped(s->run);

        flush_soon(s, full || long_ago || stopped ? 0 : FLUSH_USEC);
}

void send_stopped(struct server *s)
{
        struct msg_stopped m = {.final_seq = (int64_t)outbox_head(s->outbox),
                                .leftovers = s->leftovers};

        fill_pong(s, &m.pong);
        if (s->has_driver)
                send_message(s, &s->driver, MESSAGE_STOPPED, run_id(s), 0,
                             fields_encode(msg_stopped_fields, &m));
}
