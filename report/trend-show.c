/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A trend as text and JSON; see trend-show.h. It computes nothing but shares. */

#include <ctype.h>
#include <math.h>

#include "report/table.h"
#include "report/trend-show.h"

/* A slope as what it comes to over the whole series: of the level, where there is one. */
static const char *over_all(const struct trend *t, double slope, char *buf, size_t size)
{
        double change = slope * (t->to - t->from);

        if (fabs(t->level) > 0 && isfinite(change / t->level))
                snprintf(buf, size, "%.2g %% of the level over all", 100 * change / fabs(t->level));
        else
                snprintf(buf, size, "%.4g over all", change);
        return buf;
}

static void explain(const struct trend *t, FILE *out)
{
        char word[16], change[64], seen[64];
        size_t i;

        snprintf(word, sizeof(word), "%s", trend_verdict_word(t->verdict));
        for (i = 0; word[i]; i++)
                word[i] = (char)toupper((unsigned char)word[i]);
        over_all(t, t->slope, change, sizeof(change));
        over_all(t, t->visible, seen, sizeof(seen));
        fprintf(out, "%s: ", word);
        switch (t->verdict) {
        case TREND_SHORT:
                fprintf(out,
                        "too little to tell; at least %d points, not all at one t, are needed\n",
                        TREND_POINTS_MIN);
                break;
        case TREND_FLAT:
                fprintf(out, "no drift was found; one of %s would have been, nine times of ten\n",
                        seen);
                break;
        case TREND_STEP:
                fprintf(out, "%zu change%s of level\n", t->n_changes, t->n_changes == 1 ? "" : "s");
                break;
        default: fprintf(out, "by %s\n", change);
        }
}

static void print_changes(const struct trend *t, struct table *table)
{
        table_cell(table, "changepoints");
        if (t->n_changes == 0)
                table_cell(table, "none");
        for (size_t i = 0; i < t->n_changes; i++) {
                const struct trend_change *c = t->changes + i;

                if (i > 0)
                        table_cell(table, "");
                table_cellf(table, "at %.10g from %.6g to %.6g (p %.2g)", c->t, c->before, c->after,
                            c->p);
        }
}

void trend_print(const struct trend *t, FILE *out)
{
        struct table table;
        char buf[64];

        explain(t, out);
        table_init(&table, "ll");
        table_cell(&table, "n");
        if (t->warm_up > 0)
                table_cellf(&table, "%zu, of which the first %zu are warm-up", t->n, t->warm_up);
        else
                table_cellf(&table, "%zu", t->n);
        if (t->verdict != TREND_SHORT) {
                table_cell(&table, "blocks");
                table_cellf(&table, "%zu", t->blocks);
                table_cell(&table, "level");
                table_cellf(&table, "%.6g", t->level);
                table_cell(&table, "slope");
                table_cellf(&table, "%.6g a unit of t (%s)", t->slope,
                            over_all(t, t->slope, buf, sizeof(buf)));
                table_cell(&table, "interval");
                table_cellf(&table, "%.6g .. %.6g (95 %%)", t->lo, t->hi);
                table_cell(&table, "p");
                table_cellf(&table, "%.4g", t->p);
                table_cell(&table, "smallest visible drift");
                table_cellf(&table, "%.6g a unit of t (%s)", t->visible,
                            over_all(t, t->visible, buf, sizeof(buf)));
                print_changes(t, &table);
        }
        table_cell(&table, "verdict");
        table_cell(&table, trend_verdict_word(t->verdict));
        table_print(&table, "  ", out);
        table_deinit(&table);
}

static void put(json_object *o, const char *key, json_object *value)
{
        json_object_object_add(o, key, value);
}

static json_object *number(double d)
{
        return isfinite(d) ? json_object_new_double(d) : NULL;
}

static json_object *changes_json(const struct trend *t)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < t->n_changes; i++) {
                const struct trend_change *c = t->changes + i;
                json_object *o = json_object_new_object();

                put(o, "t", number(c->t));
                put(o, "before", number(c->before));
                put(o, "after", number(c->after));
                put(o, "p", number(c->p));
                json_object_array_add(array, o);
        }
        return array;
}

json_object *trend_to_json(const struct trend *t)
{
        const bool told = t->verdict != TREND_SHORT;
        json_object *o = json_object_new_object(), *interval = NULL;

        if (told) {
                interval = json_object_new_array();
                json_object_array_add(interval, number(t->lo));
                json_object_array_add(interval, number(t->hi));
        }
        put(o, "verdict", json_object_new_string(trend_verdict_word(t->verdict)));
        put(o, "n", json_object_new_int64((int64_t)t->n));
        put(o, "warm_up", json_object_new_int64((int64_t)t->warm_up));
        put(o, "blocks", json_object_new_int64((int64_t)t->blocks));
        put(o, "from", told ? number(t->from) : NULL);
        put(o, "to", told ? number(t->to) : NULL);
        put(o, "level", told ? number(t->level) : NULL);
        put(o, "slope", told ? number(t->slope) : NULL);
        put(o, "interval", interval);
        put(o, "p", told ? number(t->p) : NULL);
        put(o, "smallest_visible_drift", told ? number(t->visible) : NULL);
        put(o, "floor", told ? number(t->floor) : NULL);
        put(o, "inflation", told ? number(t->inflation) : NULL);
        put(o, "changepoints", changes_json(t));
        return o;
}
