/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The buckets, and what goes into them; see html-data.h. html-read.c fills them from a store. */

#include "report/html-data.h"

#include <math.h>

#define SLOW_STEP_NS  METRIC_PERIOD_NS
#define UNITS_EACH    10 /* in a bucket, at least in the mean */
#define BUCKETS_LEAST 60

struct html_data *html_data_free(struct html_data *d)
{
        if (!d)
                return NULL;
        for (size_t i = 0; i < HTML_GAUGE_MAX_; i++)
                free(d->gauges[i]);
        free(d->bands);
        free(d->outside);
        html_grid_free(d->grid);
        free(d);
        return NULL;
}

/* A percentile of a bucket wants some units in it; a short run shall still have a course. */
static size_t enough_buckets(const struct summary *s)
{
        const struct summary_units *u = &s->total.units;
        int64_t units = u->passed + u->failed + u->wedged + u->held;

        return (size_t)MAX(units / UNITS_EACH, (int64_t)BUCKETS_LEAST);
}

int html_data_new(struct store *store, struct summary *summary, struct html_data **ret,
                  struct error *err)
{
        _cleanup_(html_data_freep)
        struct html_data *d = calloc(1, sizeof(*d));
        int r;

        if (!d)
                return error_set(err, -ENOMEM, "out of memory");
        d->begin_ns = summary->started_realtime_ns;
        d->end_ns = d->begin_ns + MAX(summary->wall_ns, NSEC_PER_SEC);
        html_axis_init(&d->axis, d->begin_ns, d->end_ns, 0, enough_buckets(summary));
        html_axis_init(&d->slow, d->begin_ns, d->end_ns, SLOW_STEP_NS, HTML_BUCKETS_MAX);
        d->merged = summary->n_hosts > HTML_SLOTS_MAX;
        d->n_slots = d->merged ? 1 : summary->n_hosts;
        d->bands = calloc((d->n_slots + 1) * PHASE_MAX_ * d->axis.n, sizeof(*d->bands));
        d->outside = calloc(summary->n_hosts + 1, sizeof(*d->outside));
        if (!d->bands || !d->outside)
                return error_set(err, -ENOMEM, "out of memory");
        r = html_grid_new(d->axis.n, &d->grid);
        if (r == 0)
                r = html_data_read(d, store, summary, err);
        if (r < 0)
                return error_set(err, r, "out of memory");
        *ret = TAKE(d);
        return 0;
}

const struct html_axis *html_gauge_axis(const struct html_data *d, enum html_gauge gauge)
{
        return html_gauge_is_own(gauge) ? &d->axis : &d->slow;
}

static struct html_value *values(struct html_data *d, enum html_gauge gauge, size_t slot)
{
        size_t n = html_gauge_axis(d, gauge)->n;

        if (!d->gauges[gauge])
                d->gauges[gauge] = calloc(d->n_slots * n, sizeof(struct html_value));
        return d->gauges[gauge] ? d->gauges[gauge] + slot * n : NULL;
}

int html_data_put(struct html_data *d, enum html_gauge gauge, size_t slot, int64_t at_ns,
                  double value)
{
        struct html_value *all = values(d, gauge, slot), *v;

        if (!all)
                return -ENOMEM;
        v = all + html_axis_bucket(html_gauge_axis(d, gauge), at_ns, NULL);
        v->sum += value;
        if (html_gauge_is_own(gauge))
                return 0;
        v->min = v->n == 0 ? (float)value : MIN(v->min, (float)value);
        v->max = v->n == 0 ? (float)value : MAX(v->max, (float)value);
        v->n++;
        return 0;
}

/* How much of a bucket lies before a time, 0 .. 1. */
static double before(const struct html_axis *a, size_t bucket, int64_t at_ns)
{
        int64_t begin_ns = a->begin_ns + (int64_t)bucket * a->step_ns;

        return fmin(fmax((double)(at_ns - begin_ns) / (double)a->step_ns, 0), 1);
}

int html_data_span(struct html_data *d, enum html_gauge gauge, size_t slot, int64_t from_ns,
                   int64_t to_ns, double weight)
{
        const struct html_axis *a = &d->axis;
        struct html_value *all = values(d, gauge, slot);
        size_t first = html_axis_bucket(a, from_ns, NULL), last = html_axis_bucket(a, to_ns, NULL);

        if (!all)
                return -ENOMEM;
        if (first >= last) {
                all[first].sum += weight * (before(a, first, to_ns) - before(a, first, from_ns));
                return 0;
        }
        all[first].sum += weight * (1 - before(a, first, from_ns));
        all[last].sum += weight * before(a, last, to_ns);
        all[first + 1].whole += weight;
        all[last].whole -= weight;
        return 0;
}

void html_data_spans_end(struct html_data *d)
{
        for (size_t g = 0; g < HTML_GAUGE_MAX_; g++) {
                size_t n = d->n_slots * d->axis.n;
                double running = 0;

                if (html_gauge_kinds[g].how != HTML_SUM || !d->gauges[g])
                        continue;
                for (size_t i = 0; i < n; i++) {
                        if (i % d->axis.n == 0)
                                running = 0;
                        running += d->gauges[g][i].whole;
                        d->gauges[g][i].sum += running;
                }
        }
}

/* The part of a bucket in which the run was there; what it has is spread over that. */
static double covered(const struct html_data *d, size_t bucket)
{
        return before(&d->axis, bucket, d->end_ns) - before(&d->axis, bucket, d->begin_ns);
}

double html_value_line(const struct html_data *d, enum html_gauge gauge, size_t slot, size_t bucket)
{
        const struct html_gauge_kind *kind = html_gauge_kinds + gauge;
        const struct html_axis *a = html_gauge_axis(d, gauge);
        const struct html_value *v;
        double part;

        if (!d->gauges[gauge])
                return NAN;
        v = d->gauges[gauge] + slot * a->n + bucket;
        if (!html_gauge_is_own(gauge))
                return v->n > 0 ? v->sum / v->n : NAN;
        if (kind->how == HTML_TALLY)
                return v->sum;
        part = covered(d, bucket);
        if (part < 0.25)
                return NAN;
        if (kind->how == HTML_RATE_SUM)
                part *= (double)a->step_ns / 1e9;
        /* sums of fractions: no -0.0 */
        return MAX(v->sum / part, 0.0);
}

double html_value_extreme(const struct html_data *d, enum html_gauge gauge, size_t slot,
                          size_t bucket)
{
        const struct html_value *v =
                d->gauges[gauge] + slot * html_gauge_axis(d, gauge)->n + bucket;

        if (v->n == 0)
                return NAN;
        return html_gauge_kinds[gauge].how == HTML_MEAN_MIN ? (double)v->min : (double)v->max;
}

const struct html_band *html_bands(const struct html_data *d, int slot, enum phase phase)
{
        return d->bands + ((size_t)(slot + 1) * PHASE_MAX_ + (size_t)phase) * d->axis.n;
}
