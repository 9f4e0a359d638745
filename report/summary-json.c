/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A summary as one JSON object; docs/store.md lists the keys. It computes nothing. */

#include "proto/fields.h"
#include "report/summary-internal.h"

static json_object *i64(int64_t n)
{
        return json_object_new_int64(n);
}

static json_object *or_null(int64_t n)
{
        return n < 0 ? NULL : i64(n);
}

static json_object *text(const char *s)
{
        return json_object_new_string(s);
}

static void put(json_object *o, const char *key, json_object *value)
{
        json_object_object_add(o, key, value);
}

static json_object *units_json(const struct summary_units *u, bool planned)
{
        json_object *o = json_object_new_object();

        if (planned)
                put(o, "planned", or_null(u->planned));
        put(o, "passed", i64(u->passed));
        put(o, "failed", i64(u->failed));
        put(o, "wedged", i64(u->wedged));
        put(o, "interrupted", i64(u->interrupted));
        put(o, "held", i64(u->held));
        put(o, "late", i64(u->late));
        return o;
}

static json_object *phase_json(const struct summary_phase *p)
{
        json_object *o = json_object_new_object();

        put(o, "count", i64(p->count));
        put(o, "failed", i64(p->failed));
        put(o, "p50_ns", i64(p->p50_ns));
        put(o, "p90_ns", i64(p->p90_ns));
        put(o, "p99_ns", i64(p->p99_ns));
        put(o, "p999_ns", i64(p->p999_ns));
        put(o, "max_ns", i64(p->max_ns));
        put(o, "unended", i64(p->unended));
        put(o, "km_p50_ns", or_null(p->km_p50_ns));
        put(o, "km_p90_ns", or_null(p->km_p90_ns));
        put(o, "km_p99_ns", or_null(p->km_p99_ns));
        return o;
}

static json_object *phases_json(const struct summary_phase *phases)
{
        json_object *o = json_object_new_object();

        for (int p = 0; p < PHASE_MAX_; p++)
                put(o, phase_name(p), phase_json(phases + p));
        return o;
}

static json_object *outlived_json(const struct summary *s, const char *host, bool only_at_end)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_outlived; i++) {
                const struct summary_outlived *l = s->outlived + i;
                json_object *o;

                if ((only_at_end && !l->at_end) || (host && !streq(host, l->host)))
                        continue;
                o = json_object_new_object();
                put(o, "host", text(l->host));
                put(o, "kind", text(l->kind));
                put(o, "name", text(l->name));
                put(o, "unit", or_null(l->unit));
                put(o, "detail", text(l->detail));
                if (!only_at_end)
                        put(o, "at_end", json_object_new_boolean(l->at_end));
                json_object_array_add(array, o);
        }
        return array;
}

static void put_part(json_object *o, const struct summary *s, const struct summary_part *part,
                     bool is_host)
{
        const char *host = is_host ? part->name : NULL;

        put(o, "units", units_json(&part->units, !is_host));
        put(o, "leftovers", outlived_json(s, host, true));
        put(o, "phases", phases_json(part->phases));
        put(o, "units_per_sec", json_object_new_double(part->units_per_sec));
        put(o, "gap_max_ns", i64(part->gap_max_ns));
        put(o, "oldest_ns", i64(part->oldest_ns));
        put(o, "wedges", summary_wedges_json(s, host));
        put(o, "outlived", outlived_json(s, host, false));
        put(o, "leaks", summary_leaks_json(s, host));
}

static json_object *hosts_json(const struct summary *s)
{
        json_object *hosts = json_object_new_object();

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct summary_part *h = s->hosts + i;
                json_object *o = json_object_new_object();

                put(o, "state", text(h->state));
                put(o, "text", text(h->text));
                put(o, "server", text(h->server));
                put_part(o, s, h, true);
                put(o, "steady", summary_steady_json(&h->steady));
                put(o, "agent", h->has_pong ? fields_encode(msg_pong_fields, &h->pong) : NULL);
                put(hosts, h->name, o);
        }
        return hosts;
}

static json_object *density_json(const struct summary *s)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_buckets; i++) {
                const struct summary_bucket *b = s->buckets + i;
                json_object *o = json_object_new_object();

                put(o, "from", i64(b->from));
                put(o, "to", i64(b->to));
                put(o, "count", i64(b->held));
                put(o, "time_p50_ns", i64(b->time_p50_ns));
                put(o, "time_max_ns", i64(b->time_max_ns));
                put(o, "mem_each", b->mem_each == INT64_MIN ? NULL : i64(b->mem_each));
                put(o, "mem_available", or_null(b->mem_available));
                json_object_array_add(array, o);
        }
        return array;
}

static json_object *missing_json(const struct summary *s)
{
        json_object *array = json_object_new_array();

        for (const char *line = s->missing; line && *line;) {
                size_t n = strcspn(line, "\n");

                json_object_array_add(array, json_object_new_string_len(line, (int)n));
                line += n + (line[n] == '\n');
        }
        return array;
}

json_object *summary_to_json(const struct summary *s)
{
        json_object *o = json_object_new_object();

        put(o, "run", text(s->run));
        put(o, "verdict", text(verdict_word(s->verdict)));
        put(o, "exit_code", i64(verdict_exit_code(s->verdict)));
        put(o, "reason", text(s->reason));
        put(o, "mode", text(mode_name((int)s->mode)));
        put(o, "parallel", i64(s->parallel));
        put(o, "seed", i64(s->seed));
        put(o, "started_realtime_ns", i64(s->started_realtime_ns));
        put(o, "wall_ns", i64(s->wall_ns));
        put(o, "missing", missing_json(s));
        put(o, "thresholds", summary_thresholds_json(s));
        put_part(o, s, &s->total, false);
        put(o, "unit", phase_json(&s->unit));
        put(o, "drift", summary_drift_json(s));
        put(o, "live", summary_lives_json(s));
        put(o, "hosts", hosts_json(s));
        put(o, "errors", summary_errors_json(s));
        put(o, "error_kinds", i64(s->error_kinds));
        put(o, "errors_total", i64(s->errors_total));
        if (s->mode == MODE_DENSITY)
                put(o, "density", density_json(s));
        return o;
}
