/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Removing what runs left, for lxdsoak-coord cleanup. */

#include "agent/server-internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/message-ids.h"

/* ---- cleaning up ---- */

static void send_cleaned(struct server *s, bool done, const char *error)
{
        struct msg_cleaned m = {.items = s->swept, .done = done};

        snprintf(m.error, sizeof(m.error), "%s", error);
        send_message(s, &s->sweeper, MESSAGE_CLEANED, NULL, 0,
                     fields_encode(msg_cleaned_fields, &m));
        json_object_put(s->swept);
        s->swept = json_object_new_array();
}

static void on_swept(const struct sweep_item *item, void *userdata)
{
        struct server *s = userdata;
        struct msg_item row = {.unit = strtoll(item->unit, NULL, 10)};
        const char *fields[2];
        char a[64], b[128];

        snprintf(row.kind, sizeof(row.kind), "%s", leftover_kind_name(item->kind));
        snprintf(row.name, sizeof(row.name), "%s", item->name);
        snprintf(row.run, sizeof(row.run), "%s", item->run);
        snprintf(row.detail, sizeof(row.detail), "%s", item->detail);
        snprintf(row.error, sizeof(row.error), "%s", item->error);
        snprintf(row.action, sizeof(row.action), "%s",
                 item->removed                     ? "removed"
                 : item->error[0] || !s->sweep_dry ? "failed"
                                                   : "would remove");
        json_object_array_add(s->swept, fields_encode(msg_item_fields, &row));
        if (row.error[0] && streq(item->run, s->sweep_skip))
                s->sweep_skip[0] = '\0';
        if (!s->sweep_dry) {
                snprintf(a, sizeof(a), "LXDSOAK_RUN=%s", item->run);
                snprintf(b, sizeof(b), "LXDSOAK_INSTANCE=%s", item->instance);
                fields[0] = a;
                fields[1] = b;
                log_entry(item->removed ? LOG_NOTICE : LOG_ERR, MESSAGE_ID_CLEANED, fields, 2,
                          "Clean-up: %s %s %s%s%s", row.kind, item->name, row.action,
                          item->error[0] ? ": " : "", item->error);
        }
        if (json_object_array_length(s->swept) >= BATCH_ROWS)
                send_cleaned(s, false, "");
}

/* A run that is being driven may have no instance at the moment it is looked for; that it was
 * left alone is said all the same. */
static void tell_skipped(struct server *s)
{
        struct sweep_item item = {
                .kind = LEFTOVER_INSTANCE,
                .run = s->sweep_skip,
                .unit = "-1",
                .instance = "",
                .detail = "",
                .error = "what there is of this run is left alone: it is being driven at the "
                         "moment; if its lxdsoak-coord is gone, try again in 10 s",
        };
        char name[RUN_ID_SIZE + 8], run[RUN_ID_SIZE];

        if (!s->sweep_skip[0] || s->sweep_dry)
                return;
        memcpy(run, s->sweep_skip, sizeof(run));
        snprintf(name, sizeof(name), "run %s", run);
        item.run = run;
        item.name = name;
        on_swept(&item, s);
}

static void on_sweep_done(const char *error, void *userdata)
{
        struct server *s = userdata;

        s->sweep = NULL;
        tell_skipped(s);
        if (!error[0] && !s->sweep_dry && spool_forget(s->deps.spool, s->sweep_run) < 0)
                log_error("Out of memory: records of removed runs stay in the spool");
        send_cleaned(s, true, error);
        if (s->on_idle && (!s->run || run_is_stopped(s->run)))
                s->on_idle(s->on_idle_userdata);
}

/* A run nobody drives any more is given up for its removal. */
static bool give_up_run(struct server *s, const char *wanted)
{
        if (!s->run || (wanted[0] && !streq(wanted, run_id(s))))
                return true;
        if (run_is_stopped(s->run))
                return true;
        if (s->has_driver && now_monotonic_ns() - s->heard_ns < QUIET_NS)
                return false;
        forget_run(s); /* its instances are the sweep's now */
        return true;
}

void on_cleanup(struct server *s, const struct peer *peer, const struct wire_header *h, void *body)
{
        const struct msg_cleanup *m = body;
        struct sweep_request request = {m->dry_run ? SWEEP_LIST : SWEEP_REMOVE,
                                        m->project[0] ? m->project : s->deps.config->project,
                                        m->run, "", s->suspects};
        struct sweep_handlers handlers = {on_swept, on_sweep_done, s};
        bool mine;

        if (s->sweep) {
                /* The one that asked and asks again is answered in the end; another waits. */
                if (!peer_equal(peer, &s->sweeper))
                        send_err(s, peer, "busy", "another clean-up is under way; try again");
                return;
        }
        mine = give_up_run(s, m->dry_run ? "-" : m->run);
        if (!mine && m->run[0]) {
                send_err(s, peer, "busy",
                         "that run is being driven at the moment; stop it first (Ctrl-C in its "
                         "lxdsoak-coord)");
                return;
        }
        if (s->run && !run_is_stopped(s->run))
                request.skip_run = run_id(s);
        snprintf(s->sweep_skip, sizeof(s->sweep_skip), "%s", request.skip_run);
        s->sweeper = *peer;
        s->sweep_dry = m->dry_run;
        json_object_put(s->swept);
        s->swept = json_object_new_array();
        snprintf(s->sweep_run, sizeof(s->sweep_run), "%s", m->run);
        if (lxd_set_project(s->sweep_lxd, request.project) < 0 ||
            sweep_start(s->deps.event, s->sweep_lxd, s->deps.inventory, &request, &handlers,
                        &s->sweep) < 0)
                send_cleaned(s, true, "out of memory");
}
