/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-gather.h. */

#include "report/journal-gather.h"

#include "base/message-ids.h"
#include "base/parse.h"
#include "proto/record-journal.h"

static const char schema[] =
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -32768;"
        "CREATE TABLE record (agent INTEGER, seq INTEGER, row TEXT, PRIMARY KEY (agent, seq))"
        " WITHOUT ROWID;"
        "CREATE TABLE not_counted (agent INTEGER, seq INTEGER, why TEXT, PRIMARY KEY (agent, seq))"
        " WITHOUT ROWID;"
        "BEGIN";

static int failed(struct gathered *g, struct error *err)
{
        int code = sqlite3_errcode(g->db);

        return error_set(err,
                         code == SQLITE_NOMEM  ? -ENOMEM
                         : code == SQLITE_FULL ? -ENOSPC
                                               : -EIO,
                         "the journals' entries cannot be kept in a temporary file: %s",
                         sqlite3_errmsg(g->db));
}

int gathered_init(struct gathered *g, const char *run, struct error *err)
{
        *g = (struct gathered){.first_realtime_ns = INT64_MAX};
        snprintf(g->run, sizeof(g->run), "%s", run);
        if (sqlite3_open_v2("", &g->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ||
            sqlite3_exec(g->db, schema, NULL, NULL, NULL) ||
            sqlite3_prepare_v2(g->db, "INSERT OR REPLACE INTO record VALUES (?, ?, ?)", -1,
                               &g->put_record, NULL) ||
            sqlite3_prepare_v2(g->db, "INSERT OR REPLACE INTO not_counted VALUES (?, ?, ?)", -1,
                               &g->put_not_counted, NULL))
                return failed(g, err);
        return 0;
}

void gathered_deinit(struct gathered *g)
{
        for (size_t i = 0; i < g->n_hosts; i++) {
                free(g->hosts[i].label);
                free(g->hosts[i].text);
                json_object_put(g->hosts[i].pong);
                json_object_put(g->hosts[i].agents);
        }
        for (size_t i = 0; i < g->n_agents; i++) {
                json_object_put(g->agents[i].leftovers);
                json_object_put(g->agents[i].pong);
        }
        string_list_clear(&g->thresholds);
        free(g->aborted);
        free(g->hosts);
        free(g->agents);
        json_object_put(g->spec);
        sqlite3_finalize(g->put_record);
        sqlite3_finalize(g->put_not_counted);
        sqlite3_close_v2(g->db);
        *g = (struct gathered){0};
}

/* ---- fields ---- */

static void get_text(const struct journal_entry *e, const char *name, char *buf, size_t size)
{
        const char *value = journal_entry_get(e, name, NULL);

        if (value)
                snprintf(buf, size, "%s", value);
}

static void get_i64(const struct journal_entry *e, const char *name, int64_t *ret)
{
        const char *value = journal_entry_get(e, name, NULL);

        if (value)
                (void)!parse_i64(value, 0, INT64_MAX, ret); /* stays as it is */
}

/* A new object of that type in *ret, if there is one in the entry. */
static void get_json(const struct journal_entry *e, const char *name, json_type type,
                     json_object **ret)
{
        const char *value = journal_entry_get(e, name, NULL);
        json_object *o = value ? json_tokener_parse(value) : NULL;

        if (o && json_object_is_type(o, type)) {
                json_object_put(*ret);
                *ret = o;
        } else {
                json_object_put(o);
        }
}

/* ---- whom it is about ---- */

struct gathered_agent *gathered_agent(struct gathered *g, const char *id)
{
        for (size_t i = 0; i < g->n_agents; i++)
                if (streq(g->agents[i].id, id))
                        return g->agents + i;
        return NULL;
}

static struct gathered_agent *make_agent(struct gathered *g, const char *id)
{
        struct gathered_agent *agents, *a = gathered_agent(g, id);

        if (a)
                return a;
        agents = reallocarray(g->agents, g->n_agents + 1, sizeof(*agents));
        if (!agents)
                return NULL;
        g->agents = agents;
        a = agents + g->n_agents++;
        *a = (struct gathered_agent){.last_seq = -1};
        snprintf(a->id, sizeof(a->id), "%s", id);
        return a;
}

static struct gathered_host *make_host(struct gathered *g, const char *label)
{
        struct gathered_host *hosts;

        for (size_t i = 0; i < g->n_hosts; i++)
                if (streq(g->hosts[i].label, label))
                        return g->hosts + i;
        hosts = reallocarray(g->hosts, g->n_hosts + 1, sizeof(*hosts));
        if (!hosts)
                return NULL;
        g->hosts = hosts;
        hosts[g->n_hosts] = (struct gathered_host){.label = strdup(label), .state = "waiting"};
        return hosts[g->n_hosts].label ? hosts + g->n_hosts++ : NULL;
}

/* The agent an entry names, and its place in the tables. */
static int agent_of(struct gathered *g, const struct journal_entry *e, struct gathered_agent **ret)
{
        const char *id = journal_entry_get(e, "LXDSOAK_AGENT", NULL);

        if (!id || strlen(id) >= sizeof((*ret)->id))
                return -EBADMSG;
        *ret = make_agent(g, id);
        return *ret ? 0 : -ENOMEM;
}

/* ---- kinds of entries ---- */

static const char *get(const char *name, size_t *ret_size, void *userdata)
{
        return journal_entry_get(userdata, name, ret_size);
}

static int insert(struct gathered *g, sqlite3_stmt *st, int64_t agent, int64_t seq,
                  const char *text, struct error *err)
{
        int c;

        sqlite3_bind_int64(st, 1, agent);
        sqlite3_bind_int64(st, 2, seq);
        sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC);
        c = sqlite3_step(st);
        sqlite3_reset(st);
        return c == SQLITE_DONE ? 0 : failed(g, err);
}

static int take_record(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        static struct record record; /* large */
        struct gathered_agent *a;
        json_object *row;
        int r;

        r = record_from_fields(get, (void *)e, &record, NULL);
        if (r == 0)
                r = agent_of(g, e, &a);
        if (r < 0)
                return r;
        if (!a->hostname[0])
                get_text(e, "_HOSTNAME", a->hostname, sizeof(a->hostname));
        row = record_encode(&record);
        r = row ? insert(g, g->put_record, a - g->agents, (int64_t)record.seq,
                         json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN), err)
                : -ENOMEM;
        json_object_put(row);
        return r;
}

/* Told once more, they are the same. */
static int take_thresholds(struct gathered *g, const struct journal_entry *e)
{
        json_object *array = NULL;
        int r = 0;

        get_json(e, "LXDSOAK_THRESHOLDS", json_type_array, &array);
        if (!array)
                return 0;
        string_list_clear(&g->thresholds);
        for (size_t i = 0; i < json_object_array_length(array) && r == 0; i++)
                r = string_list_add(&g->thresholds,
                                    json_object_get_string(json_object_array_get_idx(array, i))
                                            ?: "");
        json_object_put(array);
        return r;
}

static int take_started(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        json_object *names = NULL;
        struct gathered_agent *a;
        int r = 0;

        get_json(e, "LXDSOAK_HOST_NAMES", json_type_array, &names);
        if (!names) { /* an agent's */
                if (!g->spec)
                        get_json(e, "LXDSOAK_SPEC", json_type_object, &g->spec);
                r = agent_of(g, e, &a);
                if (r == 0)
                        get_text(e, "_HOSTNAME", a->hostname, sizeof(a->hostname));
                return r;
        }
        g->has_coordinator = true;
        get_json(e, "LXDSOAK_SPEC", json_type_object, &g->spec);
        get_i64(e, "LXDSOAK_LIMIT_NS", &g->limit_ns);
        get_i64(e, "LXDSOAK_STARTED_REALTIME_NS", &g->started_realtime_ns);
        for (size_t i = 0; i < json_object_array_length(names) && r == 0; i++) {
                json_object *name = json_object_array_get_idx(names, i);

                if (!json_object_is_type(name, json_type_string))
                        r = -EBADMSG;
                else if (!make_host(g, json_object_get_string(name)))
                        r = -ENOMEM;
        }
        json_object_put(names);
        return r < 0 ? r : take_thresholds(g, e);
}

static int take_host(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        const char *label = journal_entry_get(e, "LXDSOAK_HOST", NULL);
        const char *text = journal_entry_get(e, "LXDSOAK_STATE_TEXT", NULL);
        struct gathered_host *h;

        if (!label)
                return -EBADMSG;
        h = make_host(g, label);
        if (!h)
                return -ENOMEM;
        if (h->agents && !journal_entry_get(e, "LXDSOAK_AGENTS", NULL))
                return 0; /* journals come in any order; how it ended is said already */
        get_text(e, "LXDSOAK_STATE", h->state, sizeof(h->state));
        get_text(e, "LXDSOAK_HOSTNAME", h->hostname, sizeof(h->hostname));
        get_text(e, "LXDSOAK_SERVER", h->server, sizeof(h->server));
        get_text(e, "LXDSOAK_AGENT", h->agent_id, sizeof(h->agent_id));
        get_i64(e, "LXDSOAK_OLDEST_MAX_NS", &h->oldest_max_ns);
        get_json(e, "LXDSOAK_PONG", json_type_object, &h->pong);
        get_json(e, "LXDSOAK_AGENTS", json_type_array, &h->agents);
        if (text) {
                free(h->text);
                h->text = strdup(text);
        }
        return text && !h->text ? -ENOMEM : 0;
}

static int take_not_counted(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        const char *why = journal_entry_get(e, "LXDSOAK_WHY", NULL);
        struct gathered_agent *a;
        int64_t seq = 0;
        int r = agent_of(g, e, &a);

        get_i64(e, "LXDSOAK_SEQ", &seq);
        if (r == 0 && (!why || seq == 0))
                r = -EBADMSG;
        return r < 0 ? r : insert(g, g->put_not_counted, a - g->agents, seq, why, err);
}

static int take_verdict(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        g->ended = true;
        g->stopped = journal_entry_get(e, "LXDSOAK_STOPPED", NULL) != NULL;
        if (journal_entry_get(e, "LXDSOAK_ABORTED", NULL)) {
                free(g->aborted);
                g->aborted = strdup(journal_entry_get(e, "LXDSOAK_ABORTED", NULL));
                if (!g->aborted)
                        return -ENOMEM;
        }
        get_i64(e, "LXDSOAK_WALL_NS", &g->wall_ns);
        get_i64(e, "LXDSOAK_ENDED_REALTIME_NS", &g->ended_realtime_ns);
        get_i64(e, "LXDSOAK_NOT_COUNTED", &g->n_not_counted);
        return 0;
}

static int take_ended(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        struct gathered_agent *a;
        int r = agent_of(g, e, &a);

        if (r < 0)
                return r;
        get_text(e, "LXDSOAK_SERVER", a->server, sizeof(a->server));
        get_json(e, "LXDSOAK_PONG", json_type_object, &a->pong);
        get_i64(e, "LXDSOAK_LAST_SEQ", &a->last_seq);
        return 0;
}

static int take_leftover(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        struct msg_item item = {.unit = -1};
        struct gathered_agent *a;
        json_object *o;
        int r = agent_of(g, e, &a);

        if (r < 0 || !journal_entry_get(e, "LXDSOAK_AT_END", NULL))
                return r;
        get_text(e, "LXDSOAK_LEFTOVER", item.kind, sizeof(item.kind));
        get_text(e, "LXDSOAK_LEFTOVER_NAME", item.name, sizeof(item.name));
        get_text(e, "LXDSOAK_DETAIL", item.detail, sizeof(item.detail));
        get_i64(e, "LXDSOAK_UNIT", &item.unit);
        if (!a->leftovers)
                a->leftovers = json_object_new_array();
        o = a->leftovers ? fields_encode(msg_item_fields, &item) : NULL;
        return o && json_object_array_add(a->leftovers, o) == 0 ? 0 : -ENOMEM;
}

static const struct {
        const char *id;
        int (*take)(struct gathered *g, const struct journal_entry *e, struct error *err);
} takers[] = {
        {MESSAGE_ID_RUN_STARTED, take_started},     {MESSAGE_ID_HOST, take_host},
        {MESSAGE_ID_NOT_COUNTED, take_not_counted}, {MESSAGE_ID_VERDICT, take_verdict},
        {MESSAGE_ID_RUN_ENDED, take_ended},         {MESSAGE_ID_LEFTOVER, take_leftover},
};

int gathered_add(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        const char *id = journal_entry_get(e, "MESSAGE_ID", NULL);
        int r = 0;

        g->n_entries++;
        g->first_realtime_ns = MIN(g->first_realtime_ns, e->realtime_ns);
        if (journal_entry_get(e, RECORD_FIELD_KIND, NULL))
                r = take_record(g, e, err);
        else
                for (size_t i = 0; id && i < ELEMENTSOF(takers); i++)
                        if (streq(id, takers[i].id))
                                r = takers[i].take(g, e, err);
        if (r == -EBADMSG) { /* of another version, or damaged: its record will be missing */
                g->n_bad++;
                return 0;
        }
        return r < 0 ? error_set(err, r, "out of memory") : 0;
}
