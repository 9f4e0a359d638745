/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A comparison as one JSON object; see compare-show.h. It computes nothing but shares. */

#include <math.h>

#include "report/compare-show.h"

static void put(json_object *o, const char *key, json_object *value)
{
        json_object_object_add(o, key, value);
}

static json_object *whole(double n)
{
        return json_object_new_int64((int64_t)rint(n));
}

static json_object *run_json(const struct compare_run *run)
{
        json_object *o = json_object_new_object(), *servers = json_object_new_array();
        const struct summary *s = run->summary;

        put(o, "run", json_object_new_string(s->run));
        put(o, "started_realtime_ns", json_object_new_int64(s->started_realtime_ns));
        put(o, "verdict", json_object_new_string(verdict_word(s->verdict)));
        put(o, "passed", json_object_new_int64(s->total.units.passed));
        put(o, "failed", json_object_new_int64(s->total.units.failed));
        put(o, "wedged", json_object_new_int64(s->total.units.wedged));
        put(o, "leftovers", json_object_new_int64(s->leftovers_total));
        put(o, "wedges", json_object_new_int64(s->wedges_total));
        put(o, "units_per_sec", json_object_new_double(s->total.units_per_sec));
        for (size_t i = 0; i < s->n_hosts; i++)
                json_object_array_add(servers, json_object_new_string(s->hosts[i].server));
        put(o, "servers", servers);
        return o;
}

static json_object *phase_json(const struct compare_phase *q)
{
        json_object *o = json_object_new_object(), *interval;

        put(o, "verdict", json_object_new_string(compare_verdict_word(q->verdict)));
        put(o, "count_a", json_object_new_int64((int64_t)q->n_a));
        put(o, "count_b", json_object_new_int64((int64_t)q->n_b));
        if (q->verdict == COMPARE_INCONCLUSIVE)
                return o;
        interval = json_object_new_array();
        json_object_array_add(interval, whole(q->lo));
        json_object_array_add(interval, whole(q->hi));
        put(o, "p50_a_ns", whole(q->median_a));
        put(o, "p50_b_ns", whole(q->median_b));
        put(o, "shift_ns", whole(q->shift));
        put(o, "interval_ns", interval);
        put(o, "shift_percent",
            q->median_a > 0 ? json_object_new_double(100 * q->shift / q->median_a) : NULL);
        put(o, "p", json_object_new_double(q->p));
        put(o, "p_adjusted", json_object_new_double(q->p_adjusted));
        put(o, "smallest_visible_shift_ns", whole(q->visible));
        put(o, "inflation_a", json_object_new_double(q->inflation_a));
        put(o, "inflation_b", json_object_new_double(q->inflation_b));
        return o;
}

static json_object *share_json(const struct compare_share *s)
{
        json_object *o = json_object_new_object();

        put(o, "verdict", json_object_new_string(compare_verdict_word(s->verdict)));
        put(o, "a", json_object_new_int64((int64_t)s->a));
        put(o, "b", json_object_new_int64((int64_t)s->b));
        put(o, "of_a", json_object_new_int64((int64_t)s->n_a));
        put(o, "of_b", json_object_new_int64((int64_t)s->n_b));
        put(o, "p", json_object_new_double(s->p));
        put(o, "p_adjusted", json_object_new_double(s->p_adjusted));
        return o;
}

static json_object *errors_json(const struct compare_shown *s)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_errors; i++) {
                const struct compare_error *e = s->errors + i;
                json_object *o = json_object_new_object();

                put(o, "a", json_object_new_int64(e->a));
                put(o, "b", json_object_new_int64(e->b));
                put(o, "phase", json_object_new_string(e->error->phase));
                put(o, "result", json_object_new_string(e->error->result));
                put(o, "code", json_object_new_int64(e->error->code));
                put(o, "error", json_object_new_string(e->error->text));
                json_object_array_add(array, o);
        }
        return array;
}

static json_object *wedges_json(const struct compare_shown *s)
{
        struct compare_wedge wedges[WEDGE_MAX_];
        json_object *array = json_object_new_array();
        size_t n = compare_wedges(s, wedges, ELEMENTSOF(wedges));

        for (size_t i = 0; i < n; i++) {
                json_object *o = json_object_new_object();

                put(o, "class", json_object_new_string(wedges[i].class));
                put(o, "a", json_object_new_int64(wedges[i].a));
                put(o, "b", json_object_new_int64(wedges[i].b));
                json_object_array_add(array, o);
        }
        return array;
}

json_object *compare_to_json(const struct compare_shown *s)
{
        json_object *o = json_object_new_object(), *phases = json_object_new_object();

        put(o, "verdict", json_object_new_string(compare_verdict_word(s->result->verdict)));
        put(o, "exit_code", json_object_new_int(compare_exit_code(s->result->verdict)));
        put(o, "reason", json_object_new_string(s->reason));
        put(o, "floor_percent", json_object_new_double(100 * s->floor));
        put(o, "a", run_json(s->a));
        put(o, "b", run_json(s->b));
        for (int p = 0; p < PHASE_MAX_; p++)
                put(phases, phase_name(p), phase_json(s->result->phases + p));
        put(o, "phases", phases);
        put(o, "failed", share_json(&s->result->failed));
        put(o, "wedged", share_json(&s->result->wedged));
        put(o, "wedges", wedges_json(s));
        put(o, "errors", errors_json(s));
        return o;
}
