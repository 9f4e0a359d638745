/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-gather.h. */

#include "report/journal-gather.h"

#include "base/message-ids.h"
#include "base/parse.h"
#include "base/text.h"
#include "proto/record-journal.h"
#include "report/summary-internal.h"

static const char schema[] =
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -32768;"
        "CREATE TABLE record (agent INTEGER, seq INTEGER, row TEXT, PRIMARY KEY (agent, seq))"
        " WITHOUT ROWID;"
        "CREATE TABLE not_counted (agent INTEGER, seq INTEGER, why TEXT, PRIMARY KEY (agent, seq))"
        " WITHOUT ROWID;"
        "BEGIN";

int64_t gathered_bound(enum gathered_bound b)
{
        static const int64_t bounds[] = {
#define X(name, max, text) [GATHERED_##name] = max,
                GATHERED_BOUNDS(X)
#undef X
        };

        return bounds[b];
}

const char *gathered_bound_text(enum gathered_bound b)
{
        static const char *const texts[] = {
#define X(name, max, text) [GATHERED_##name] = text,
                GATHERED_BOUNDS(X)
#undef X
        };

        return texts[b];
}

/* Is there room for one more when there are n? If not, it is counted. */
static bool has_room(struct gathered *g, enum gathered_bound b, size_t n)
{
        if ((int64_t)n < gathered_bound(b))
                return true;
        g->beyond[b]++;
        return false;
}

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
        g->host_places = json_object_new_object();
        g->agent_places = json_object_new_object();
        if (!g->host_places || !g->agent_places)
                return error_set(err, -ENOMEM, "out of memory");
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
                free(g->hosts[i].agents);
        }
        for (size_t i = 0; i < g->n_agents; i++)
                json_object_put(g->agents[i].leftovers);
        string_list_clear(&g->thresholds);
        free(g->aborted);
        free(g->hosts);
        free(g->agents);
        json_object_put(g->spec);
        json_object_put(g->host_places);
        json_object_put(g->agent_places);
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

/* A new object of that type; NULL = there is none in the entry. -EBADMSG: there is another. */
static int get_json(const struct journal_entry *e, const char *name, json_type type,
                    json_object **ret)
{
        size_t size;
        const char *value = journal_entry_get(e, name, &size);
        json_object *o = value && size <= GATHERED_JSON_MAX ? json_tokener_parse(value) : NULL;

        *ret = NULL;
        if (!value)
                return 0;
        if (!o || !json_object_is_type(o, type)) {
                json_object_put(o);
                return -EBADMSG;
        }
        *ret = o;
        return 0;
}

static int get_pong(const struct journal_entry *e, bool *ret_has, struct msg_pong *ret)
{
        _cleanup_(json_putp)
        json_object *o = NULL;
        struct msg_pong pong = {0};
        int r = get_json(e, "LXDSOAK_PONG", json_type_object, &o);

        if (r < 0 || !o)
                return r;
        r = fields_decode(msg_pong_fields, o, &pong, NULL);
        if (r < 0)
                return r;
        *ret = pong;
        *ret_has = true;
        return 0;
}

/* Takes the spec of the entry, if one can be made of it. */
static int get_spec(struct gathered *g, const struct journal_entry *e)
{
        struct run_spec spec = {0};
        json_object *o;
        int r = get_json(e, "LXDSOAK_SPEC", json_type_object, &o);

        if (r < 0 || !o)
                return r;
        r = fields_decode(run_spec_fields, o, &spec, NULL);
        fields_release(run_spec_fields, &spec);
        if (r < 0) {
                json_object_put(o);
                return r;
        }
        json_object_put(g->spec);
        g->spec = o;
        return 0;
}

/* ---- whom it is about ---- */

/* Where it is in its list; -1 = not there. */
static int64_t find(json_object *places, const char *name)
{
        json_object *place;

        return json_object_object_get_ex(places, name, &place) ? json_object_get_int64(place) : -1;
}

static int remember(json_object *places, const char *name, size_t place)
{
        json_object *o = json_object_new_int64((int64_t)place);

        if (o && json_object_object_add(places, name, o) == 0)
                return 0;
        json_object_put(o);
        return -ENOMEM;
}

struct gathered_agent *gathered_agent(struct gathered *g, const char *id)
{
        int64_t place = find(g->agent_places, id);

        return place < 0 ? NULL : g->agents + place;
}

/* The agent an entry names, and its place in the tables. */
static int agent_of(struct gathered *g, const struct journal_entry *e, struct gathered_agent **ret)
{
        const char *id = journal_entry_get(e, "LXDSOAK_AGENT", NULL);
        struct gathered_agent *agents;

        if (!id || strlen(id) >= sizeof((*ret)->id))
                return -EBADMSG;
        *ret = gathered_agent(g, id);
        if (*ret)
                return 0;
        if (!has_room(g, GATHERED_AGENTS, g->n_agents))
                return -E2BIG;
        agents = summary_grow(g->agents, g->n_agents, sizeof(*agents));
        if (!agents)
                return -ENOMEM;
        g->agents = agents;
        *ret = agents + g->n_agents++;
        **ret = (struct gathered_agent){.last_seq = -1};
        snprintf((*ret)->id, sizeof((*ret)->id), "%s", id);
        return remember(g->agent_places, id, g->n_agents - 1);
}

static int make_host(struct gathered *g, const char *label, struct gathered_host **ret)
{
        struct gathered_host *hosts;
        int64_t place;

        if (!label || strlen(label) >= sizeof(((struct endpoint *)NULL)->label))
                return -EBADMSG;
        place = find(g->host_places, label);
        if (place >= 0) {
                *ret = g->hosts + place;
                return 0;
        }
        if (!has_room(g, GATHERED_HOSTS, g->n_hosts))
                return -E2BIG;
        hosts = summary_grow(g->hosts, g->n_hosts, sizeof(*hosts));
        if (!hosts)
                return -ENOMEM;
        g->hosts = hosts;
        *ret = hosts + g->n_hosts;
        **ret = (struct gathered_host){.label = strdup(label), .state = "waiting"};
        if (!(*ret)->label)
                return -ENOMEM;
        return remember(g->host_places, label, g->n_hosts++);
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
        _cleanup_(json_putp)
        json_object *array = NULL;
        struct threshold unused;
        int r = get_json(e, "LXDSOAK_THRESHOLDS", json_type_array, &array);

        if (r < 0 || !array)
                return r;
        string_list_clear(&g->thresholds);
        for (size_t i = 0; i < json_object_array_length(array) && r == 0; i++) {
                const char *text = json_object_get_string(json_object_array_get_idx(array, i));

                if (!has_room(g, GATHERED_THRESHOLDS, g->thresholds.n))
                        continue;
                if (!text || threshold_parse(text, &unused, NULL) < 0)
                        return -EBADMSG;
                r = string_list_add(&g->thresholds, text);
        }
        return r;
}

static int take_agent_started(struct gathered *g, const struct journal_entry *e)
{
        struct gathered_agent *a;
        int r = g->spec ? 0 : get_spec(g, e); /* the coordinator's is as good */

        if (r == 0)
                r = agent_of(g, e, &a);
        if (r == 0)
                get_text(e, "_HOSTNAME", a->hostname, sizeof(a->hostname));
        return r;
}

static int take_started(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        _cleanup_(json_putp)
        json_object *names = NULL;
        struct gathered_host *h;
        int r = get_json(e, "LXDSOAK_HOST_NAMES", json_type_array, &names);

        if (r == 0 && !names)
                return take_agent_started(g, e);
        if (r == 0)
                r = get_spec(g, e);
        if (r < 0)
                return r;
        g->has_coordinator = true;
        g->begun_at_ns = MAX(g->begun_at_ns, e->realtime_ns);
        g->ended = g->ended_at_ns > 0 && g->ended_at_ns >= g->begun_at_ns;
        get_i64(e, "LXDSOAK_LIMIT_NS", &g->limit_ns);
        get_i64(e, "LXDSOAK_STARTED_REALTIME_NS", &g->started_realtime_ns);
        for (size_t i = 0; i < json_object_array_length(names) && r == 0; i++) {
                r = make_host(g, json_object_get_string(json_object_array_get_idx(names, i)), &h);
                if (r == -E2BIG)
                        r = 0; /* counted */
        }
        return r < 0 ? r : take_thresholds(g, e);
}

/* [[id, acked], …] */
static int take_acked(struct gathered *g, const struct journal_entry *e, struct gathered_host *h)
{
        _cleanup_(json_putp)
        json_object *array = NULL;
        _cleanup_(freep)
        struct gathered_acked *agents = NULL;
        size_t n = 0;
        int r = get_json(e, "LXDSOAK_AGENTS", json_type_array, &array);

        if (r < 0 || !array)
                return r;
        agents = calloc((size_t)gathered_bound(GATHERED_AGENTS_OF_HOST), sizeof(*agents));
        if (!agents)
                return -ENOMEM;
        for (size_t i = 0; i < json_object_array_length(array); i++) {
                json_object *pair = json_object_array_get_idx(array, i);
                const char *id;

                if (!has_room(g, GATHERED_AGENTS_OF_HOST, n))
                        continue;
                if (!json_object_is_type(pair, json_type_array))
                        return -EBADMSG;
                id = json_object_get_string(json_object_array_get_idx(pair, 0));
                if (!id || strlen(id) >= sizeof(agents[n].id))
                        return -EBADMSG;
                snprintf(agents[n].id, sizeof(agents[n].id), "%s", id);
                agents[n++].acked = json_object_get_int64(json_object_array_get_idx(pair, 1));
        }
        free(h->agents);
        h->agents = reallocarray(TAKE(agents), n > 0 ? n : 1, sizeof(*agents));
        h->n_agents = h->agents ? n : 0;
        h->ended = true;
        return 0;
}

static int take_host(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        const char *text = journal_entry_get(e, "LXDSOAK_STATE_TEXT", NULL);
        struct gathered_host *h;
        int r = make_host(g, journal_entry_get(e, "LXDSOAK_HOST", NULL), &h);

        if (r < 0 || (h->ended && !journal_entry_get(e, "LXDSOAK_AGENTS", NULL)))
                return r; /* journals come in any order; how it ended is said already */
        get_text(e, "LXDSOAK_STATE", h->state, sizeof(h->state));
        get_text(e, "LXDSOAK_HOSTNAME", h->hostname, sizeof(h->hostname));
        get_text(e, "LXDSOAK_SERVER", h->server, sizeof(h->server));
        get_text(e, "LXDSOAK_AGENT", h->agent_id, sizeof(h->agent_id));
        get_i64(e, "LXDSOAK_OLDEST_MAX_NS", &h->oldest_max_ns);
        r = get_pong(e, &h->has_pong, &h->pong);
        if (r == 0)
                r = take_acked(g, e, h);
        if (r == 0 && text) {
                free(h->text);
                h->text = strndup(text, ERROR_TEXT_MAX);
                r = h->text ? 0 : -ENOMEM;
        }
        return r;
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
        if (e->realtime_ns < g->ended_at_ns)
                return 0; /* it was resumed, and has ended since */
        g->ended_at_ns = e->realtime_ns;
        g->ended = g->ended_at_ns >= g->begun_at_ns;
        g->stopped = journal_entry_get(e, "LXDSOAK_STOPPED", NULL) != NULL;
        if (journal_entry_get(e, "LXDSOAK_ABORTED", NULL)) {
                free(g->aborted);
                g->aborted =
                        strndup(journal_entry_get(e, "LXDSOAK_ABORTED", NULL), THRESHOLD_TEXT_MAX);
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
        get_i64(e, "LXDSOAK_LAST_SEQ", &a->last_seq);
        return get_pong(e, &a->has_pong, &a->pong);
}

static int take_leftover(struct gathered *g, const struct journal_entry *e, struct error *err)
{
        struct msg_item item = {.unit = -1};
        struct gathered_agent *a;
        json_object *o;
        int r = agent_of(g, e, &a);

        if (r < 0 || !journal_entry_get(e, "LXDSOAK_AT_END", NULL))
                return r;
        if (!has_room(g, GATHERED_LEFTOVERS, g->n_leftovers))
                return -E2BIG;
        get_text(e, "LXDSOAK_LEFTOVER", item.kind, sizeof(item.kind));
        get_text(e, "LXDSOAK_LEFTOVER_NAME", item.name, sizeof(item.name));
        get_text(e, "LXDSOAK_DETAIL", item.detail, sizeof(item.detail));
        get_i64(e, "LXDSOAK_UNIT", &item.unit);
        if (!item.kind[0] || item.unit > UNITS_MAX)
                return -EBADMSG;
        if (!a->leftovers)
                a->leftovers = json_object_new_array();
        o = a->leftovers ? fields_encode(msg_item_fields, &item) : NULL;
        if (!o || json_object_array_add(a->leftovers, o) < 0)
                return -ENOMEM;
        g->n_leftovers++;
        return 0;
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
        if (r == -E2BIG) /* counted: a line of what is missing */
                return 0;
        if (r == -EBADMSG) { /* of another version, or damaged: its record will be missing */
                g->n_bad++;
                return 0;
        }
        return r < 0 ? error_set(err, r, "out of memory") : 0;
}
