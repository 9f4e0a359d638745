/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-run.h. */

#include "report/journal-run.h"

#include <inttypes.h>

#include "base/message-ids.h"
#include "base/text.h"
#include "proto/names.h"
#include "report/journal-gather.h"

#define MISSING_MAX 100 /* lines of what is missing; of the others only how many */

struct build {
        struct gathered *g;
        struct store *store;
        struct error *err;
        sqlite3_stmt *records; /* of an agent, in order, with why it does not count */
        size_t n_missing;
};

/* A line of what is missing. */
static int _printf_(2, 3) missing(struct build *b, const char *format, ...)
{
        char text[512];
        va_list ap;

        if (b->n_missing++ >= MISSING_MAX)
                return 0;
        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return store_add_missing(b->store, text, b->err);
}

/* ---- records ---- */

static int put_record(struct build *b, size_t host, const char *row, const char *why)
{
        static struct record record; /* large */
        json_object *json = json_tokener_parse(row);
        int r = json ? record_decode(json, &record, b->err) : -ENOMEM;

        json_object_put(json);
        if (r < 0)
                return r;
        /* without the coordinator's word: those that were cut short do not count */
        if (!why && !b->g->has_coordinator && record.kind == RECORD_OUTCOME &&
            record.outcome.outcome == OUTCOME_INTERRUPTED)
                why = "interrupted";
        r = store_put_record(b->store, host, &record, !why, why, b->err);
        return MIN(r, 0);
}

/* Records of an agent up to number last (-1: as many as there are). */
static int put_records(struct build *b, size_t host, const struct gathered_agent *a, int64_t last)
{
        int64_t seq = 0, gone = 0, first_gone = 0, limit = last < 0 ? INT64_MAX : last;
        int c, r = 0;

        sqlite3_reset(b->records);
        sqlite3_bind_int64(b->records, 1, a - b->g->agents);
        sqlite3_bind_int64(b->records, 2, limit);
        while (r == 0 && (c = sqlite3_step(b->records)) == SQLITE_ROW) {
                int64_t next = sqlite3_column_int64(b->records, 0);

                if (next > seq + 1) {
                        if (gone == 0)
                                first_gone = seq + 1;
                        gone += next - seq - 1;
                        r = store_skip_records(b->store, host, (uint64_t)next - 1);
                }
                seq = next;
                if (r == 0)
                        r = put_record(b, host, (const char *)sqlite3_column_text(b->records, 1),
                                       (const char *)sqlite3_column_text(b->records, 2));
        }
        if (r == 0 && c != SQLITE_DONE)
                r = error_set(b->err, -EIO, "the gathered entries cannot be read: %s",
                              sqlite3_errmsg(b->g->db));
        if (last > seq) {
                if (gone == 0)
                        first_gone = seq + 1;
                gone += last - seq;
        }
        if (r == 0 && gone > 0)
                r = missing(b,
                            "%" PRId64 " of %" PRId64 " entries of host %s, number %" PRId64
                            " the first (dropped, rotated away, or its journal is not here)",
                            gone, MAX(last, seq), a->hostname[0] ? a->hostname : "?", first_gone);
        return r;
}

/* ---- hosts ---- */

static int set_agent(struct build *b, size_t host, const char *id, const char *hostname,
                     const char *server)
{
        struct msg_welcome w = {0};

        snprintf(w.agent_id, sizeof(w.agent_id), "%s", id);
        snprintf(w.hostname, sizeof(w.hostname), "%s", hostname);
        snprintf(w.server, sizeof(w.server), "%s", server);
        return store_set_agent(b->store, host, &w, b->err);
}

/* One of a host's agents; acked -1: the coordinator has not said. */
static int put_agent(struct build *b, size_t host, const struct gathered_host *h, const char *id,
                     int64_t acked)
{
        struct gathered_agent *a = gathered_agent(b->g, id);
        struct gathered_agent none = {.last_seq = -1};
        int r = set_agent(b, host, id, h->hostname, h->server);

        if (r < 0)
                return r;
        if (a && !a->hostname[0])
                snprintf(a->hostname, sizeof(a->hostname), "%s", h->label);
        if (a)
                return put_records(b, host, a, acked < 0 ? a->last_seq : acked);
        snprintf(none.hostname, sizeof(none.hostname), "%s", h->label);
        if (acked > 0)
                return missing(b, "all %" PRId64 " entries of host %s: its journal is not here",
                               acked, h->label);
        return 0;
}

static int put_agents(struct build *b, size_t host, const struct gathered_host *h)
{
        int r = 0;

        for (size_t i = 0; i < h->n_agents && r == 0; i++)
                r = put_agent(b, host, h, h->agents[i].id, h->agents[i].acked);
        if (r == 0 && !h->ended && h->agent_id[0])
                return put_agent(b, host, h, h->agent_id, -1);
        /* the present one is the last that was set */
        if (r == 0 && h->n_agents > 1)
                r = set_agent(b, host, h->agent_id, h->hostname, h->server);
        return r;
}

static int put_host(struct build *b, const struct gathered_host *h)
{
        const struct gathered_agent *a = gathered_agent(b->g, h->agent_id);
        int state = store_host_state_from_name(h->state);
        size_t host;
        int r = store_add_host(b->store, h->label, &host, b->err);

        if (r == 0)
                r = put_agents(b, host, h);
        if (r == 0 && h->has_pong)
                r = store_set_pong(b->store, host, &h->pong, h->oldest_max_ns, b->err);
        if (r == 0 && a && state == STORE_HOST_FINISHED)
                r = store_put_leftovers(b->store, host, a->leftovers, b->err);
        if (r == 0)
                r = store_set_host_state(b->store, host,
                                         state < 0 ? STORE_HOST_WAITING
                                                   : (enum store_host_state)state,
                                         h->text, b->err);
        if (r == 0 && b->g->ended && !h->ended)
                r = missing(b, "how host %s ended: the coordinator's entry of it", h->label);
        return r;
}

/* The coordinator has said nothing: a host for each agent, under the name its journal has. */
static int put_host_of_agent(struct build *b, const struct gathered_agent *a)
{
        char label[128];
        size_t host;
        int r;

        snprintf(label, sizeof(label), "%s", a->hostname[0] ? a->hostname : a->id);
        r = store_add_host(b->store, label, &host, b->err);
        if (r < 0) /* two agents with one name */
                return r;
        r = set_agent(b, host, a->id, a->hostname, a->server);
        if (r == 0)
                r = put_records(b, host, a, a->last_seq);
        if (r == 0 && a->has_pong)
                r = store_set_pong(b->store, host, &a->pong, 0, b->err);
        if (r == 0 && a->last_seq >= 0) {
                r = store_put_leftovers(b->store, host, a->leftovers, b->err);
                if (r == 0)
                        r = store_set_host_state(b->store, host, STORE_HOST_FINISHED, NULL, b->err);
        }
        return r;
}

static int put_hosts(struct build *b)
{
        struct gathered *g = b->g;
        int r = 0;

        for (size_t i = 0; i < g->n_hosts && r == 0; i++)
                r = put_host(b, g->hosts + i);
        if (g->has_coordinator)
                return r;
        for (size_t i = 0; i < g->n_agents && r == 0; i++)
                r = put_host_of_agent(b, g->agents + i);
        if (r == 0)
                r = missing(b, "the coordinator's entries: its host's journal is not here");
        return r;
}

/* ---- the run ---- */

static int begin_run(struct build *b)
{
        struct gathered *g = b->g;
        struct run_spec spec = {0};
        int r;

        if (!g->spec)
                return error_set(b->err, -ENOENT,
                                 "run %s: its beginning (RUN_STARTED) is in none of these journals",
                                 g->run);
        r = fields_decode(run_spec_fields, g->spec, &spec, b->err);
        if (r == 0)
                r = store_start_run(b->store, &spec, g->limit_ns,
                                    g->started_realtime_ns ?: g->first_realtime_ns, b->err);
        fields_release(run_spec_fields, &spec);
        return r < 0 ? r : store_set_thresholds(b->store, &g->thresholds, b->err);
}

/* What the bounds of journal-gather.h left out: said before what else is missing. */
static int put_beyond(struct build *b)
{
        int r = 0;

        for (int i = 0; i < GATHERED_BOUND_MAX_ && r == 0; i++)
                if (b->g->beyond[i] > 0)
                        r = missing(b,
                                    "%" PRIu64 " more %s than a run can have (%" PRId64
                                    "): not all of these entries are lxdsoak's",
                                    b->g->beyond[i], gathered_bound_text((enum gathered_bound)i),
                                    gathered_bound((enum gathered_bound)i));
        return r;
}

static int put_unsaid(struct build *b)
{
        char text[96];

        if (b->n_missing <= MISSING_MAX)
                return 0;
        snprintf(text, sizeof(text), "and %zu things more", b->n_missing - MISSING_MAX);
        return store_add_missing(b->store, text, b->err);
}

static int count_not_counted(struct build *b, int64_t *ret)
{
        sqlite3_stmt *st = NULL;
        int c = sqlite3_prepare_v2(b->g->db, "SELECT count(*) FROM not_counted", -1, &st, NULL);

        if (c == SQLITE_OK)
                c = sqlite3_step(st);
        if (c == SQLITE_ROW)
                *ret = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return c == SQLITE_ROW ? 0 : -EIO;
}

static int end_run(struct build *b)
{
        struct gathered *g = b->g;
        int64_t n = 0;
        int r = count_not_counted(b, &n);

        if (r == 0 && g->ended && n < g->n_not_counted)
                r = missing(b,
                            "%" PRId64 " of %" PRId64 " of the coordinator's entries of what does "
                            "not count",
                            g->n_not_counted - n, g->n_not_counted);
        if (r == 0)
                r = put_unsaid(b);
        if (r == 0 && g->aborted)
                r = store_set_aborted(b->store, g->aborted, b->err);
        if (r == 0 && g->stopped)
                r = store_set_stopped(b->store, b->err);
        if (r == 0 && g->ended)
                r = store_end_run(b->store, g->ended_realtime_ns, g->wall_ns, b->err);
        return r < 0 ? r : store_commit(b->store, b->err);
}

int journal_run_build(struct gathered *g, struct store **ret, struct error *err)
{
        static const char query[] = "SELECT seq, row, why FROM record LEFT JOIN not_counted"
                                    " USING (agent, seq) WHERE agent = ?1 AND seq <= ?2"
                                    " ORDER BY seq";
        struct build b = {.g = g, .err = err};
        _cleanup_(store_freep)
        struct store *store = NULL;
        int r;

        r = store_create_temporary(&store, err);
        if (r < 0)
                return r;
        b.store = store;
        if (sqlite3_prepare_v2(g->db, query, -1, &b.records, NULL))
                return error_set(err, -EIO, "the gathered entries cannot be read: %s",
                                 sqlite3_errmsg(g->db));
        r = begin_run(&b);
        if (r == 0)
                r = put_beyond(&b);
        if (r == 0)
                r = put_hosts(&b);
        if (r == 0)
                r = end_run(&b);
        sqlite3_finalize(b.records);
        if (r < 0)
                return error_set_errno(err, r, "the run cannot be put together");
        *ret = TAKE(store);
        return 0;
}

/* ---- which run ---- */

/* The one whose RUN_STARTED is the newest. */
static int find_last(const struct journal_places *places, char ret[static RUN_ID_SIZE],
                     struct error *err)
{
        _cleanup_(journal_source_closep)
        struct journal_source *s = NULL;
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        static const char *const ids[] = {MESSAGE_ID_RUN_STARTED, NULL};
        int64_t newest = -1;
        int r;

        r = journal_source_open(places, NULL, ids, &s, err);
        if (r < 0)
                return r;
        while ((r = journal_source_next(s, &e, err)) > 0) {
                const char *run = journal_entry_get(&e, "LXDSOAK_RUN", NULL);

                if (e.realtime_ns <= newest || check_run_id(run))
                        continue;
                newest = e.realtime_ns;
                snprintf(ret, RUN_ID_SIZE, "%s", run);
        }
        if (r == 0 && newest < 0)
                r = error_set(err, -ENOENT, "no run has begun in these journals");
        return r;
}

int journal_run_find(const struct journal_places *places, const char *what,
                     char ret[static RUN_ID_SIZE], struct error *err)
{
        if (streq(what, "last"))
                return find_last(places, ret, err);
        if (check_run_id(what))
                return error_set(err, -EINVAL, "'%s' is not the id of a run, nor last",
                                 TEXT_PRINTABLE(what));
        snprintf(ret, RUN_ID_SIZE, "%s", what);
        return 0;
}

/* ids: NULL = all entries of the run. */
static int open_run(const struct journal_places *places, const char *what, const char *const *ids,
                    struct store **ret, struct error *err)
{
        _cleanup_(journal_source_closep)
        struct journal_source *s = NULL;
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        _cleanup_(gathered_deinit)
        struct gathered g = {0};
        char run[RUN_ID_SIZE] = "";
        int r = journal_run_find(places, what, run, err);

        if (r == 0)
                r = journal_source_open(places, run, ids, &s, err);
        if (r == 0)
                r = gathered_init(&g, run, err);
        if (r < 0)
                return r;
        while ((r = journal_source_next(s, &e, err)) > 0) {
                r = gathered_add(&g, &e, err);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (g.n_entries == 0)
                return error_set(err, -ENOENT, "run %s is not in these journals", run);
        return journal_run_build(&g, ret, err);
}

int journal_run_open(const struct journal_places *places, const char *what, struct store **ret,
                     struct error *err)
{
        return open_run(places, what, NULL, ret, err);
}

int journal_run_open_outcomes(const struct journal_places *places, const char *run,
                              struct store **ret, struct error *err)
{
        static const char *const ids[] = {
                MESSAGE_ID_RUN_STARTED,
                MESSAGE_ID_HOST,
                MESSAGE_ID_UNIT_ENDED,
                MESSAGE_ID_NOT_COUNTED,
                MESSAGE_ID_VERDICT,
                MESSAGE_ID_RUN_ENDED,
                NULL,
        };

        return open_run(places, run, ids, ret, err);
}
