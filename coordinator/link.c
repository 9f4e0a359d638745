/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the owner of a link sees; see link.h. */

#include "coordinator/link-internal.h"

static const char *const state_words[] = {
#define X(n, w) w,
        LINK_STATES(X)
#undef X
};

const char *link_state_name(int v)
{
        return v >= 0 && (size_t)v < ELEMENTSOF(state_words) ? state_words[v] : "?";
}

void link_set_state(struct link *l, enum link_state state)
{
        enum link_state old = l->state;

        if (state == old)
                return;
        l->state = state;
        if (l->config.ops->state)
                l->config.ops->state(l, old, l->config.userdata);
}

_printf_(3, 0) static void note(struct link *l, int code, const char *format, va_list ap)
{
        l->error.code = code;
        vsnprintf(l->error.text, sizeof(l->error.text), format, ap);
}

void link_note(struct link *l, int code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        note(l, code, format, ap);
        va_end(ap);
}

void link_fail(struct link *l, int code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        note(l, code, format, ap);
        va_end(ap);
        if (!l->was_ready && !l->patient)
                link_set_state(l, LINK_FAILED);
}

bool link_was_there(const struct link *l)
{
        return l->was_ready || l->patient || l->config.agent_id[0];
}

void link_give_up(struct link *l, int code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        note(l, code, format, ap);
        va_end(ap);
        l->given_up = true;
        link_set_state(l, LINK_FAILED);
}

int link_new(const struct link_config *config, struct link **ret)
{
        struct link *l = calloc(1, sizeof(*l));

        if (!l)
                return -ENOMEM;
        l->config = *config;
        l->stop = -1;
        l->reopen = true;
        l->received = l->committed = config->committed;
        *ret = l;
        return 0;
}

struct link *link_free(struct link *l)
{
        if (!l)
                return NULL;
        link_socket_close(l, 0);
        free(l->holds);
        free(l);
        return NULL;
}

/* Who has a session with us is told that it is over. */
static void close_politely(struct link *l)
{
        int linger_ms = l->welcomed ? 2000 : 0;

        if (!l->socket)
                return;
        if (l->welcomed)
                (void)!link_send(l, MESSAGE_BYE, l->committed, "{}");
        link_socket_close(l, linger_ms);
}

void link_tick(struct link *l, int64_t now_ns)
{
        int r;

        if (l->state == LINK_CLOSED || now_ns < l->paused_ns)
                return;
        if (l->state == LINK_FAILED) {
                close_politely(l);
                return;
        }
        if (l->was_ready && !l->reopen && now_ns - l->heard_ns > LINK_SUSPECT_NS &&
            now_ns - l->opened_ns > LINK_SUSPECT_NS) {
                if (!l->error.code || l->error.code == -ETIMEDOUT)
                        link_note(l, -ETIMEDOUT, "nothing heard for %d s",
                                  (int)((now_ns - l->heard_ns) / NSEC_PER_SEC));
                if (l->state == LINK_READY)
                        link_set_state(l, LINK_SILENT);
                l->reopen = true;
        }
        if (l->reopen) {
                l->reopen = false;
                link_socket_close(l, 0);
                r = link_socket_open(l, now_ns);
                if (r < 0) {
                        link_note(l, r, "cannot open a socket: %s", strerror(-r));
                        l->reopen = true;
                        return;
                }
        }
        link_socket_tick(l, now_ns);
        link_session_tick(l, now_ns);
}

void link_excuse(struct link *l, int64_t late_ns)
{
        if (l->heard_ns)
                l->heard_ns += late_ns;
        if (l->opened_ns)
                l->opened_ns += late_ns;
        if (l->first_open_ns)
                l->first_open_ns += late_ns;
}

void link_lease(struct link *l, const struct msg_lease *lease)
{
        struct msg_lease m = *lease;

        m.agent_stamp_ns = l->stamp_ns;
        if (l->welcomed)
                link_send_struct(l, MESSAGE_LEASE, msg_lease_fields, &m);
}

void link_revoke(struct link *l, int64_t lease)
{
        const struct msg_revoke m = {lease};

        if (l->welcomed)
                link_send_struct(l, MESSAGE_REVOKE, msg_revoke_fields, &m);
}

void link_begin_at(struct link *l, uint64_t seq)
{
        l->received = l->committed = seq;
}

void link_commit(struct link *l, uint64_t seq)
{
        if (seq > l->committed)
                l->committed = seq;
        link_send_ack(l);
}

void link_stop(struct link *l, enum stop_mode mode, bool keep, int64_t now_ns)
{
        if ((int)mode <= l->stop || l->state == LINK_FAILED || l->state == LINK_CLOSED)
                return;
        l->stop = (int)mode;
        l->keep = keep;
        if (l->welcomed)
                link_send_stop(l, now_ns);
}

void link_cleanup(struct link *l, const struct msg_cleanup *cleanup)
{
        l->cleanup = *cleanup;
        l->cleaning = true;
        l->cleanup_due = true;
        if (l->welcomed)
                link_send_cleanup(l);
}

void link_evidence(struct link *l, const struct msg_evidence *ask)
{
        if (l->welcomed)
                link_send_struct(l, MESSAGE_EVIDENCE, msg_evidence_fields, ask);
}

void link_pause(struct link *l, int64_t until_ns)
{
        close_politely(l);
        l->welcomed = l->was_ready = l->connected = false;
        l->error = ERROR_INIT;
        l->paused_ns = until_ns;
        l->reopen = true;
        link_set_state(l, LINK_CONNECTING);
}

void link_be_patient(struct link *l, int64_t now_ns)
{
        struct error why = l->error;

        l->patient = true;
        if (l->state != LINK_FAILED || l->given_up)
                return;
        link_pause(l, now_ns);
        l->error = why;
}

bool link_is_given_up(const struct link *l)
{
        return l->state == LINK_FAILED && l->given_up;
}

void link_bye(struct link *l)
{
        if (l->state == LINK_CLOSED)
                return;
        close_politely(l);
        if (l->state != LINK_FAILED)
                link_set_state(l, LINK_CLOSED);
}

enum link_state link_state(const struct link *l)
{
        return l->state;
}

const char *link_label(const struct link *l)
{
        return l->config.endpoint->label;
}

const char *link_error(const struct link *l)
{
        if (l->error.code)
                return l->error.text;
        if (l->connected && !l->was_ready)
                return "connected, but the agent does not answer; see its journal "
                       "(journalctl -u lxdsoak-agent)";
        if (l->accepted && !l->was_ready)
                return "it takes the connection, but says nothing; is that port lxdsoak-agent's?";
        return l->was_ready ? "nothing heard" : "no answer";
}

int link_error_code(const struct link *l)
{
        return l->error.code;
}

const struct msg_welcome *link_welcome(const struct link *l)
{
        return &l->welcome;
}

const struct msg_pong *link_pong(const struct link *l, int64_t *ret_at_ns)
{
        if (!l->pong_ns)
                return NULL;
        if (ret_at_ns)
                *ret_at_ns = l->pong_ns;
        return &l->pong;
}

int64_t link_heard_ns(const struct link *l)
{
        return l->heard_ns;
}

uint64_t link_committed(const struct link *l)
{
        return l->committed;
}

bool link_drained(const struct link *l)
{
        return l->stopped && l->committed >= l->final_seq;
}

void link_set_index(struct link *l, size_t index)
{
        l->index = index;
}

size_t link_index(const struct link *l)
{
        return l->index;
}
