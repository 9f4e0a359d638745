/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What there is one of a run, and one of a host; see store.h. Records are in store-record.c. */

#include "proto/fields.h"
#include "report/store-internal.h"

static const char *const host_state_words[] = {
#define X(n, w) [STORE_HOST_##n] = w,
        STORE_HOST_STATES(X)
#undef X
};

const char *store_host_state_name(int v)
{
        if (v < 0 || (size_t)v >= ELEMENTSOF(host_state_words))
                return "?";
        return host_state_words[v];
}

int store_host_state_from_name(const char *s)
{
        for (size_t i = 0; i < ELEMENTSOF(host_state_words); i++)
                if (streq(s, host_state_words[i]))
                        return (int)i;
        return -EINVAL;
}

int store_start_run(struct store *s, const struct run_spec *spec, int64_t duration_ns,
                    int64_t started_realtime_ns, struct error *err)
{
        _cleanup_(json_putp)
        json_object *json = fields_encode(run_spec_fields, spec);
        char run[RUN_ID_SIZE];
        int r;

        if (!json)
                return error_set(err, -ENOMEM, "out of memory");
        if (s->run[0])
                return error_set(err, -EEXIST, "%s: has a run already", s->path);
        snprintf(run, sizeof(run), "%s", spec->run);
        r = store_do(s, STORE_STMT_RUN, err, "ttiiiti", run, mode_name(spec->mode), spec->total,
                     spec->seed, duration_ns,
                     json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
                     started_realtime_ns);
        if (r >= 0)
                r = store_commit(s, err);
        if (r < 0)
                return r;
        memcpy(s->run, run, sizeof(s->run));
        return 0;
}

/* Hosts are few, and added before the first record: no batch is undone between. */
int store_add_host(struct store *s, const char *label, size_t *ret_host, struct error *err)
{
        struct store_host *hosts;
        char *copy;
        int r;

        hosts = reallocarray(s->hosts, s->n_hosts + 1, sizeof(*hosts));
        if (!hosts)
                return error_set(err, -ENOMEM, "out of memory");
        s->hosts = hosts;
        copy = strdup(label);
        if (!copy)
                return error_set(err, -ENOMEM, "out of memory");
        r = store_do(s, STORE_STMT_HOST, err, "ttit", s->run, label, (int64_t)s->n_hosts,
                     store_host_state_name(STORE_HOST_WAITING));
        if (r < 0) {
                free(copy);
                return r;
        }
        hosts[s->n_hosts] = (struct store_host){.label = copy};
        *ret_host = s->n_hosts++;
        return 0;
}

static int store_find_agent(struct store *s, const struct store_host *h, const char *agent_id,
                            int64_t *ret_agent, uint64_t *ret_acked, struct error *err)
{
        sqlite3_stmt *st;
        int r, c;

        r = store_prepare(s, STORE_STMT_AGENT_FIND, &st, err);
        if (r < 0)
                return r;
        sqlite3_bind_text(st, 1, s->run, -1, SQLITE_STATIC);
        sqlite3_bind_text(st, 2, agent_id, -1, SQLITE_STATIC);
        c = sqlite3_step(st);
        r = 0;
        if (c == SQLITE_ROW) {
                const char *host = (const char *)sqlite3_column_text(st, 1);

                if (streq(host, h->label)) {
                        *ret_agent = sqlite3_column_int64(st, 0);
                        *ret_acked = (uint64_t)sqlite3_column_int64(st, 2);
                        r = 1;
                } else {
                        r = error_set(err, -EEXIST,
                                      "hosts %s and %s are one machine: the same agent (%s) "
                                      "answers at both; name it once, or, if one is a copy of "
                                      "the other, remove the copy's agent-id",
                                      host, h->label, agent_id);
                }
        } else if (c != SQLITE_DONE) {
                r = store_error(s, c, "read", err);
        }
        sqlite3_reset(st);
        sqlite3_clear_bindings(st);
        return r;
}

int store_set_agent(struct store *s, size_t host, const struct msg_welcome *welcome,
                    struct error *err)
{
        struct store_host *h = s->hosts + host;
        int64_t agent = 0;
        uint64_t acked = 0;
        int r;

        r = store_find_agent(s, h, welcome->agent_id, &agent, &acked, err);
        if (r < 0)
                return r;
        if (r == 0) {
                r = store_do(s, STORE_STMT_AGENT, err, "ttt", s->run, h->label, welcome->agent_id);
                if (r < 0)
                        return r;
                agent = sqlite3_last_insert_rowid(s->db);
        }
        r = store_do(s, STORE_STMT_HOST_AGENT, err, "ttitt", s->run, h->label, agent,
                     welcome->hostname, welcome->server);
        if (r >= 0)
                r = store_set_host_state(s, host, STORE_HOST_ACTIVE, NULL, err);
        if (r < 0)
                return r;
        if (h->agent == agent)
                return 0; /* the same as before: what is put already stays put */
        /* what the one before it has in this batch is committed with it, before anything is undone
         * by its number */
        r = store_commit(s, err);
        if (r < 0)
                return r;
        h->agent = h->agent_before = agent;
        h->seq = h->acked = acked;
        return 0;
}

int store_set_host_state(struct store *s, size_t host, enum store_host_state state,
                         const char *text, struct error *err)
{
        int r = store_do(s, STORE_STMT_HOST_STATE, err, "tttt", s->run, s->hosts[host].label,
                         store_host_state_name(state), text);

        return MIN(r, 0);
}

int store_set_pong(struct store *s, size_t host, const struct msg_pong *pong, int64_t oldest_max_ns,
                   struct error *err)
{
        _cleanup_(json_putp)
        json_object *json = fields_encode(msg_pong_fields, pong);
        int r;

        if (!json)
                return error_set(err, -ENOMEM, "out of memory");
        r = store_do(s, STORE_STMT_HOST_PONG, err, "ttti", s->run, s->hosts[host].label,
                     json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN), oldest_max_ns);
        return MIN(r, 0);
}

/* What is needed of a msg_item here. */
static const struct field leftover_fields[] = {
        {"kind", FIELD_STRING, offsetof(struct msg_item, kind), 16, 1, 0, true},
        {"name", FIELD_STRING, offsetof(struct msg_item, name), 256, 0, 0, true},
        {"detail", FIELD_STRING, offsetof(struct msg_item, detail), 256, 0, 0, false},
        {"unit", FIELD_I64, offsetof(struct msg_item, unit), 0, -1, UNITS_MAX, false},
        {0},
};

int store_put_leftovers(struct store *s, size_t host, json_object *leftovers, struct error *err)
{
        size_t n = leftovers ? json_object_array_length(leftovers) : 0;

        for (size_t i = 0; i < n; i++) {
                struct msg_item item = {.unit = -1};
                int r;

                r = fields_decode(leftover_fields, json_object_array_get_idx(leftovers, i), &item,
                                  err);
                if (r < 0)
                        return r;
                r = store_do(s, STORE_STMT_LEFTOVER_END, err, "ttteit", s->run,
                             s->hosts[host].label, item.kind, item.name, item.unit, item.detail);
                if (r < 0)
                        return r;
        }
        return 0;
}

int store_set_stopped(struct store *s, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_STOPPED, err, "t", s->run);

        return MIN(r, 0);
}

int store_end_run(struct store *s, int64_t ended_realtime_ns, int64_t wall_ns, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_ENDED, err, "tii", s->run, ended_realtime_ns, wall_ns);

        return r < 0 ? r : store_commit(s, err);
}

int store_set_verdict(struct store *s, enum verdict verdict, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_VERDICT, err, "tti", s->run, verdict_word(verdict),
                         (int64_t)verdict_exit_code(verdict));

        return r < 0 ? r : store_commit(s, err);
}

int store_add_missing(struct store *s, const char *text, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_MISSING, err, "tt", s->run, text);

        return MIN(r, 0);
}

int store_drop_leaks(struct store *s, struct error *err)
{
        int r = store_do(s, STORE_STMT_NO_LEAKS, err, "t", s->run);

        return MIN(r, 0);
}

int store_put_leak(struct store *s, const struct store_leak *leak, struct error *err)
{
        int r = store_do(s, STORE_STMT_LEAK, err, "tttddditi", s->run, leak->host, leak->kind,
                         leak->per_unit, leak->low, leak->high, leak->total, leak->what,
                         (int64_t)leak->accepted);

        return MIN(r, 0);
}

int store_set_thresholds(struct store *s, const struct string_list *texts, struct error *err)
{
        _cleanup_(json_putp)
        json_object *array = NULL;
        int r;

        if (texts->n == 0)
                return 0;
        array = json_object_new_array();
        for (size_t i = 0; array && i < texts->n; i++)
                json_object_array_add(array, json_object_new_string(texts->items[i]));
        if (!array || json_object_array_length(array) != texts->n)
                return error_set(err, -ENOMEM, "out of memory");
        r = store_do(s, STORE_STMT_RUN_THRESHOLDS, err, "tt", s->run,
                     json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN));
        return r < 0 ? r : store_commit(s, err);
}

int store_set_aborted(struct store *s, const char *text, struct error *err)
{
        int r = store_do(s, STORE_STMT_RUN_ABORTED, err, "tt", s->run, text);

        return MIN(r, 0);
}

int store_get_thresholds(struct store *s, struct string_list *ret, char *ret_aborted, size_t size,
                         struct error *err)
{
        static const char query[] = "SELECT j.value, r.aborted FROM run r"
                                    " LEFT JOIN json_each(r.thresholds) j";
        sqlite3_stmt *st = NULL;
        int r = 0, c = sqlite3_prepare_v2(s->db, query, -1, &st, NULL);

        ret_aborted[0] = '\0';
        if (c == SQLITE_OK)
                while (r == 0 && (c = sqlite3_step(st)) == SQLITE_ROW) {
                        const char *text = (const char *)sqlite3_column_text(st, 0);
                        const char *aborted = (const char *)sqlite3_column_text(st, 1);

                        if (text)
                                r = string_list_add(ret, text);
                        snprintf(ret_aborted, size, "%s", aborted ? aborted : "");
                }
        if (r == 0 && c != SQLITE_DONE)
                r = store_error(s, c, "read", err);
        sqlite3_finalize(st);
        return r;
}
