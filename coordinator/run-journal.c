/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See run-journal.h. */

#include "coordinator/run-journal.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "base/log-fields.h"
#include "base/message-ids.h"

#define TELL(f, priority, id, ...)                                                                 \
        do {                                                                                       \
                size_t n_;                                                                         \
                const char *const *f_ = log_fields_get(f, &n_);                                    \
                log_journal_only(priority, id, f_, n_, __VA_ARGS__);                               \
        } while (0)

static void add_json(struct log_fields *f, const char *name, json_object *o)
{
        if (o)
                log_fields_add(f, name, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        json_object_put(o);
}

static json_object *texts(const struct string_list *list)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < list->n; i++)
                json_object_array_add(array, json_object_new_string(list->items[i]));
        return array;
}

static json_object *host_names(const struct coord_options *o)
{
        json_object *names = json_object_new_array();

        for (size_t i = 0; names && i < o->n_hosts; i++)
                json_object_array_add(names, json_object_new_string(o->hosts[i].label));
        return names;
}

void run_journal_started(const struct run *run)
{
        const struct coord_options *o = run->options;
        _cleanup_(log_fields_deinit)
        struct log_fields f = {0};

        log_fields_add(&f, "LXDSOAK_RUN", run->id);
        log_fields_add_i64(&f, "LXDSOAK_HOSTS", (int64_t)o->n_hosts);
        add_json(&f, "LXDSOAK_HOST_NAMES", host_names(o));
        add_json(&f, "LXDSOAK_SPEC", fields_encode(run_spec_fields, &run->spec));
        if (run->threshold_texts.n > 0)
                add_json(&f, "LXDSOAK_THRESHOLDS", texts(&run->threshold_texts));
        log_fields_add_i64(&f, "LXDSOAK_LIMIT_NS", run->duration_ns);
        log_fields_add_i64(&f, "LXDSOAK_STARTED_REALTIME_NS", run->started_realtime_ns);
        TELL(&f, LOG_INFO, MESSAGE_ID_RUN_STARTED, "Run %s %s on %zu hosts", run->id,
             run->past ? "goes on" : "begins", o->n_hosts);
}

void run_journal_welcome(const struct run *run, size_t host)
{
        const struct link *l = fleet_link(run->fleet, host);
        const struct msg_welcome *w = link_welcome(l);
        _cleanup_(log_fields_deinit)
        struct log_fields f = {0};

        log_fields_add(&f, "LXDSOAK_RUN", run->id);
        log_fields_add(&f, "LXDSOAK_HOST", link_label(l));
        log_fields_add(&f, "LXDSOAK_STATE", store_host_state_name(STORE_HOST_ACTIVE));
        log_fields_add(&f, "LXDSOAK_AGENT", w->agent_id);
        log_fields_add(&f, "LXDSOAK_HOSTNAME", w->hostname);
        log_fields_add(&f, "LXDSOAK_SERVER", w->server);
        TELL(&f, LOG_INFO, MESSAGE_ID_HOST, "Run %s: host %s is %s with %s", run->id, link_label(l),
             w->hostname, w->server);
}

void run_journal_not_counted(struct run *run, size_t host, const struct record *r, const char *why)
{
        const struct link *l = fleet_link(run->fleet, host);
        _cleanup_(log_fields_deinit)
        struct log_fields f = {0};

        run->n_not_counted++;
        log_fields_add(&f, "LXDSOAK_RUN", run->id);
        log_fields_add(&f, "LXDSOAK_HOST", link_label(l));
        log_fields_add(&f, "LXDSOAK_AGENT", link_welcome(l)->agent_id);
        log_fields_add_i64(&f, "LXDSOAK_SEQ", (int64_t)r->seq);
        log_fields_add_i64(&f, "LXDSOAK_UNIT", r->unit);
        log_fields_add_i64(&f, "LXDSOAK_ATTEMPT", r->attempt);
        log_fields_add(&f, "LXDSOAK_WHY", why);
        TELL(&f, LOG_INFO, MESSAGE_ID_NOT_COUNTED,
             "Run %s: attempt %" PRId64 " at unit %" PRId64 " on %s does not count: %s", run->id,
             r->attempt, r->unit, link_label(l), why);
}

/* ---- the end ---- */

static const char host_query[] =
        "SELECT h.host, h.state, h.text, h.hostname, h.server, h.oldest_max_ns, h.pong,"
        " (SELECT json_group_array(json_array(agent_id, acked)) FROM (SELECT agent_id, acked"
        "  FROM agent a WHERE a.run = h.run AND a.host = h.host ORDER BY a.agent)),"
        " (SELECT agent_id FROM agent a WHERE a.agent = h.agent)"
        " FROM host h ORDER BY h.number";

static void add_column(struct log_fields *f, const char *name, sqlite3_stmt *st, int column)
{
        const char *s = (const char *)sqlite3_column_text(st, column);

        if (s)
                log_fields_add(f, name, s);
}

static void tell_host(const struct run *run, struct log_fields *f, sqlite3_stmt *st)
{
        const char *text = (const char *)sqlite3_column_text(st, 2);

        log_fields_reset(f);
        log_fields_add(f, "LXDSOAK_RUN", run->id);
        add_column(f, "LXDSOAK_HOST", st, 0);
        add_column(f, "LXDSOAK_STATE", st, 1);
        add_column(f, "LXDSOAK_STATE_TEXT", st, 2);
        add_column(f, "LXDSOAK_HOSTNAME", st, 3);
        add_column(f, "LXDSOAK_SERVER", st, 4);
        add_column(f, "LXDSOAK_OLDEST_MAX_NS", st, 5);
        add_column(f, "LXDSOAK_PONG", st, 6);
        add_column(f, "LXDSOAK_AGENTS", st, 7);
        add_column(f, "LXDSOAK_AGENT", st, 8);
        TELL(f, LOG_INFO, MESSAGE_ID_HOST, "Run %s: host %s %s%s%s", run->id,
             (const char *)sqlite3_column_text(st, 0), (const char *)sqlite3_column_text(st, 1),
             text ? ": " : "", text ? text : "");
}

static int tell_hosts(const struct run *run, struct error *err)
{
        _cleanup_(log_fields_deinit)
        struct log_fields f = {0};
        sqlite3 *db = store_db(run->store);
        sqlite3_stmt *st = NULL;
        int c = sqlite3_prepare_v2(db, host_query, -1, &st, NULL);

        if (c == SQLITE_OK)
                while ((c = sqlite3_step(st)) == SQLITE_ROW)
                        tell_host(run, &f, st);
        if (c != SQLITE_DONE)
                error_set(err, -EIO, "%s: cannot read it: %s", store_path(run->store),
                          sqlite3_errmsg(db));
        sqlite3_finalize(st);
        return c == SQLITE_DONE ? 0 : -EIO;
}

static void tell_leak(const struct summary *s, struct log_fields *f, const struct summary_leak *l)
{
        char per_unit[64];

        snprintf(per_unit, sizeof(per_unit), "%.17g", l->per_unit);
        log_fields_reset(f);
        log_fields_add(f, "LXDSOAK_RUN", s->run);
        log_fields_add(f, "LXDSOAK_HOST", l->host);
        log_fields_add(f, "LXDSOAK_LEAK", l->kind);
        log_fields_add(f, "LXDSOAK_PER_UNIT", per_unit);
        log_fields_add_i64(f, "LXDSOAK_TOTAL", l->total);
        log_fields_add(f, "LXDSOAK_WHAT", l->what);
        log_fields_add_i64(f, "LXDSOAK_ACCEPTED", l->accepted);
        TELL(f, l->accepted ? LOG_NOTICE : LOG_ERR, MESSAGE_ID_LEAK,
             "Run %s: a leak on %s: %s, %+.3g a unit%s%s%s", s->run, l->host, l->kind, l->per_unit,
             l->what[0] ? ": " : "", l->what, l->accepted ? " (accepted)" : "");
}

static void tell_leaks(const struct summary *s)
{
        _cleanup_(log_fields_deinit)
        struct log_fields f = {0};

        for (size_t i = 0; i < s->n_leaks; i++)
                tell_leak(s, &f, s->leaks + i);
}

int run_journal_ended(const struct run *run, const struct summary *s, struct error *err)
{
        _cleanup_(log_fields_deinit)
        struct log_fields f = {0};
        int r = tell_hosts(run, err);

        if (r < 0)
                return r;
        tell_leaks(s);
        log_fields_add(&f, "LXDSOAK_RUN", s->run);
        log_fields_add(&f, "LXDSOAK_VERDICT", verdict_word(s->verdict));
        log_fields_add_i64(&f, "LXDSOAK_PASSED", s->total.units.passed);
        log_fields_add_i64(&f, "LXDSOAK_FAILED", s->total.units.failed);
        log_fields_add_i64(&f, "LXDSOAK_WALL_NS", s->wall_ns);
        log_fields_add_i64(&f, "LXDSOAK_ENDED_REALTIME_NS", run->ended_realtime_ns);
        log_fields_add_i64(&f, "LXDSOAK_NOT_COUNTED", run->n_not_counted);
        if (s->aborted[0])
                log_fields_add(&f, "LXDSOAK_ABORTED", s->aborted);
        if (s->stopped)
                log_fields_add(&f, "LXDSOAK_STOPPED", "1");
        TELL(&f, LOG_INFO, MESSAGE_ID_VERDICT, "Run %s: %s: %s", s->run, verdict_word(s->verdict),
             s->reason);
        return 0;
}
