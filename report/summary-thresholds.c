/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thresholds of a run: read from its store, held against its figures, shown; see summary.h. */

#include <inttypes.h>

#include "report/summary-internal.h"
#include "report/table.h"

static int add(struct summary_context *c, json_object *text)
{
        struct summary *s = c->summary;
        struct summary_threshold *items;
        int r;

        if (!json_object_is_type(text, json_type_string))
                return error_set(c->err, -EUCLEAN, "%s: a threshold is no text",
                                 store_path(c->store));
        items = summary_grow(s->thresholds, s->n_thresholds, sizeof(*items));
        if (!items)
                return -ENOMEM;
        s->thresholds = items;
        r = threshold_parse(json_object_get_string(text), &items[s->n_thresholds].threshold,
                            c->err);
        if (r < 0) /* of a newer version, perhaps */
                return error_prefix(c->err, "%s: threshold", store_path(c->store));
        items[s->n_thresholds++].state = THRESHOLD_NOT_MEASURED;
        return 0;
}

int summary_take_thresholds(struct summary_context *c, const char *json)
{
        json_object *array = json ? json_tokener_parse(json) : NULL;
        size_t n =
                json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = add(c, json_object_array_get_idx(array, i));
        json_object_put(array);
        return r;
}

int summary_hold_thresholds(struct summary *s, struct histogram *const *phases)
{
        _cleanup_(freep)
        struct threshold_drift *drifts = NULL;
        const struct summary_units *u = &s->total.units;
        struct threshold_facts f = {
                .ended = u->passed + u->failed + u->wedged,
                .failed = u->failed + u->wedged,
                .units_per_sec = s->total.units_per_sec,
                .gap_ns = s->total.gap_max_ns,
                .n_drifts = s->n_drifts,
        };
        int r = summary_drift_facts(s, &drifts);

        if (r < 0)
                return r;
        f.drifts = drifts;
        for (int p = 0; p < PHASE_MAX_; p++) {
                f.phases[p].count = s->total.phases[p].count;
                f.phases[p].failed = s->total.phases[p].failed;
                f.phases[p].ok = phases[p];
        }
        for (size_t i = 0; i < s->n_thresholds; i++) {
                struct summary_threshold *t = s->thresholds + i;

                t->state = threshold_evaluate(&t->threshold, &f, &t->value);
                /* it did not hold when the run was ended for it, whatever came to its end then */
                if (streq(t->threshold.text, s->aborted))
                        t->state = THRESHOLD_BROKEN;
        }
        return 0;
}

static const char *value_text(const struct summary_threshold *t, char *buf, size_t size)
{
        return threshold_format(&t->threshold, t->value, buf, size);
}

void summary_judge_thresholds(const struct summary *s, struct verdict_facts *f, char *text,
                              size_t size)
{
        char value[32];

        for (size_t i = 0; i < s->n_thresholds; i++) {
                const struct summary_threshold *t = s->thresholds + i;

                f->failed_judged |= t->threshold.figure == THRESHOLD_FAILED;
                f->thresholds_not_measured += t->state == THRESHOLD_NOT_MEASURED;
                if (t->state != THRESHOLD_BROKEN || f->thresholds_broken++ > 0)
                        continue;
                snprintf(text, size, "%s does not hold (%s)", t->threshold.text,
                         value_text(t, value, sizeof(value)));
                f->first_broken = text;
        }
}

void summary_print_thresholds(const struct summary *s, FILE *out)
{
        static const char *const words[] = {[THRESHOLD_HOLDS] = "holds",
                                            [THRESHOLD_BROKEN] = "BROKEN",
                                            [THRESHOLD_NOT_MEASURED] = "not measured"};
        static const char *const head[] = {"threshold", "is", ""};
        struct table t;

        if (s->n_thresholds == 0)
                return;
        table_init(&t, "lrl");
        table_row(&t, head);
        for (size_t i = 0; i < s->n_thresholds; i++) {
                const struct summary_threshold *x = s->thresholds + i;
                char value[32];

                table_cellf(&t, "%.60s", x->threshold.text);
                table_cell(&t, x->state == THRESHOLD_NOT_MEASURED
                                       ? NULL
                                       : value_text(x, value, sizeof(value)));
                table_cellf(&t, "%s%s", words[x->state],
                            streq(x->threshold.text, s->aborted) ? ", ended the run" : "");
        }
        fputc('\n', out);
        table_print(&t, "", out);
        table_deinit(&t);
}

json_object *summary_thresholds_json(const struct summary *s)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_thresholds; i++) {
                const struct summary_threshold *t = s->thresholds + i;
                bool measured = t->state != THRESHOLD_NOT_MEASURED;
                json_object *o = json_object_new_object();

                json_object_object_add(o, "threshold", json_object_new_string(t->threshold.text));
                json_object_object_add(o, "value",
                                       measured ? json_object_new_double(t->value) : NULL);
                json_object_object_add(
                        o, "holds",
                        measured ? json_object_new_boolean(t->state == THRESHOLD_HOLDS) : NULL);
                json_object_object_add(
                        o, "ended_run",
                        json_object_new_boolean(streq(t->threshold.text, s->aborted)));
                json_object_array_add(array, o);
        }
        return array;
}
