/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Handing out the evidence of wedges, for lxdsoak-coord evidence. */

#include "agent/evidence.h"
#include "agent/server-internal.h"

/* Who asked what; evidence.c's once it was asked. */
struct question {
        struct server *server;
        struct peer peer;
        struct msg_evidence ask;
};

static void send_exhibit(const struct question *q, int64_t size, json_object *items,
                         const char *error)
{
        struct msg_exhibit m = {.offset = q->ask.offset, .size = size, .items = items};

        memcpy(m.run, q->ask.run, sizeof(m.run));
        memcpy(m.directory, q->ask.directory, sizeof(m.directory));
        memcpy(m.file, q->ask.file, sizeof(m.file));
        snprintf(m.error, sizeof(m.error), "%s", error);
        send_message(q->server, &q->peer, MESSAGE_EXHIBIT, NULL, 0,
                     fields_encode(msg_exhibit_fields, &m));
}

static void on_answer(int r, int64_t size, json_object *items, void *userdata)
{
        send_exhibit(userdata, size, items, r < 0 ? strerror(-r) : "");
}

void on_evidence(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        struct question *q;
        int r;

        q = malloc(sizeof(*q));
        if (!q)
                return; /* it asks again */
        *q = (struct question){s, *peer, *(struct msg_evidence *)body};
        r = evidence_ask(s->deps.evidence, &q->ask, on_answer, q);
        if (r == -EBUSY || r == -ENOMEM)
                free(q); /* it asks again */
}
