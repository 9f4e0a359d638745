/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The drift of a run: of each phase over all hosts, of what is measured of each host; see summary.h
 * and drift.h. Phases are taken while the samples are gone through for their percentiles, so that
 * the store is read once; hosts one after the other.
 */

#include "report/drift.h"
#include "report/metric-read.h"
#include "report/summary-internal.h"

/* A series costs some milliseconds, and of a thousand hosts there are fifteen thousand. */
#define HOSTS_MANY     32
#define BLOCKS_OF_MANY 24

struct summary_drifts {
        struct html_axis axis;
        struct drift_series phases[PHASE_MAX_];
        struct drift_series gauges[HTML_GAUGE_MAX_]; /* of one host */
        size_t blocks;                               /* of those */
};

int summary_drifts_new(const struct summary *s, struct summary_drifts **ret)
{
        struct summary_drifts *d;

        *ret = NULL;
        if (s->mode == MODE_DENSITY) /* the load itself grows */
                return 0;
        d = calloc(1, sizeof(*d));
        if (!d)
                return -ENOMEM;
        drift_axis_init(&d->axis, s->started_realtime_ns, s->wall_ns);
        d->blocks = s->n_hosts > HOSTS_MANY ? BLOCKS_OF_MANY : 0;
        *ret = d;
        return 0;
}

struct summary_drifts *summary_drifts_free(struct summary_drifts *d)
{
        if (!d)
                return NULL;
        for (size_t i = 0; i < PHASE_MAX_; i++)
                drift_clear(d->phases + i);
        for (size_t i = 0; i < HTML_GAUGE_MAX_; i++)
                drift_clear(d->gauges + i);
        free(d);
        return NULL;
}

int summary_drifts_sample(struct summary_drifts *d, enum phase phase, int64_t at_ns,
                          int64_t duration_ns)
{
        return d ? drift_add(d->phases + phase, &d->axis, at_ns, (double)duration_ns) : 0;
}

static int take_figure(void *userdata, const char *host, enum html_gauge gauge, int64_t at_ns,
                       double value)
{
        struct summary_drifts *d = userdata;

        return drift_add(d->gauges + gauge, &d->axis, at_ns, value);
}

/* Tells what has come of one series, and makes room for the next. */
static int tell(struct summary *s, struct drift_series *series, size_t blocks,
                struct summary_drift drift)
{
        struct summary_drift *items;
        int r;

        if (series->n == 0)
                return 0;
        items = summary_grow(s->drifts, s->n_drifts, sizeof(*items));
        if (!items)
                return -ENOMEM;
        s->drifts = items;
        r = drift_tell(series, blocks, &drift.trend);
        drift_clear(series);
        if (r == 0)
                items[s->n_drifts++] = drift;
        return r;
}

static int tell_phases(struct summary *s, struct summary_drifts *d)
{
        int r = 0;

        for (int p = 0; p < PHASE_MAX_ && r == 0; p++)
                r = tell(s, d->phases + p, 0,
                         (struct summary_drift){.host = -1,
                                                .figure = p,
                                                .name = phase_name(p),
                                                .unit = HTML_UNIT_DURATION});
        return r;
}

static int tell_host(struct summary_context *c, struct summary_drifts *d, size_t host)
{
        struct summary *s = c->summary;
        int r = metric_read(c, s->hosts[host].name, take_figure, d);

        for (int g = 0; g < HTML_GAUGE_MAX_ && r == 0; g++) {
                const struct html_gauge_kind *kind = html_gauge_kinds + g;

                r = tell(s, d->gauges + g, d->blocks,
                         (struct summary_drift){
                                 .host = (int)host,
                                 .figure = THRESHOLD_METRIC(metric_kind_from_name(kind->key)),
                                 .name = kind->key,
                                 .unit = kind->unit});
        }
        return r;
}

/* All series are looked at together: of many, some look like drift by chance. */
static int adjust(struct summary *s)
{
        _cleanup_(freep)
        struct trend **trends = calloc(s->n_drifts + 1, sizeof(*trends));

        if (!trends)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_drifts; i++)
                trends[i] = &s->drifts[i].trend;
        return trend_adjust(trends, s->n_drifts);
}

int summary_read_drift(struct summary_context *c, struct summary_drifts *d)
{
        struct summary *s = c->summary;
        int r;

        if (!d)
                return 0;
        s->drift_begin_ns = d->axis.begin_ns;
        s->drift_step_ns = d->axis.step_ns;
        r = tell_phases(s, d);
        for (size_t i = 0; i < s->n_hosts && r == 0; i++)
                r = tell_host(c, d, i);
        return r < 0 ? r : adjust(s);
}

int summary_drift_facts(const struct summary *s, struct threshold_drift **ret)
{
        struct threshold_drift *facts = calloc(s->n_drifts + 1, sizeof(*facts));

        if (!facts)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_drifts; i++) {
                const struct trend *t = &s->drifts[i].trend;

                facts[i] = (struct threshold_drift){
                        .figure = s->drifts[i].figure,
                        .told = t->verdict != TREND_SHORT,
                        .sure = t->verdict != TREND_FLAT,
                        .percent = drift_percent(t, t->slope),
                        .visible = drift_percent(t, t->visible),
                };
        }
        *ret = facts;
        return 0;
}
