/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A store's rows into the buckets of a page: units, samples (each once), what was counted and
 * measured on the hosts; see html-data.h. */

#include "report/html-data.h"
#include "report/summary-internal.h"

#define METRIC_COLUMNS 64

struct before { /* the row of `metric` before */
        int64_t agent, at_ns;
        int64_t values[METRIC_COLUMNS]; /* -1 = not known */
};

struct reader {
        struct html_data *data;
        struct html_grid *grid; /* of the host being read; the whole one when merged */
        size_t slot;
        int64_t *outside;
        bool created;                /* some unit was: else what lives cannot be told */
        int columns[METRIC_COLUMNS]; /* gauges, of the columns of `metric` */
        struct before before;
};

/* The slot of a row's host, -1 when it is none of the run's. */
static int slot_of(struct summary_context *c, const struct reader *reader, sqlite3_stmt *st)
{
        struct summary_part *h;

        if (reader->data->merged)
                return 0;
        h = summary_host(c->summary, summary_text(st, 0));
        return h ? (int)(h - c->summary->hosts) : -1;
}

/* Every attempt that ended: those of `unit` are counted, those of `late` were there too. */
static int row_attempt(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct reader *reader = userdata;
        struct html_data *d = reader->data;
        int64_t begin_ns = sqlite3_column_int64(st, 1),
                end_ns = begin_ns + sqlite3_column_int64(st, 2);
        int outcome = outcome_from_name(summary_text(st, 3)), r, slot = slot_of(c, reader, st);

        if (slot < 0)
                return 0;
        r = html_data_span(d, HTML_GAUGE_UNITS, (size_t)slot, begin_ns, end_ns, 1);
        if (r == 0)
                r = html_data_span(d, HTML_GAUGE_CREATED, (size_t)slot, end_ns,
                                   html_axis_end_ns(&d->axis), -1);
        if (r == 0 && outcome == OUTCOME_PASSED)
                r = html_data_put(d, HTML_GAUGE_PASSED, (size_t)slot, end_ns, 1);
        if (r == 0 && (outcome == OUTCOME_FAILED || outcome == OUTCOME_WEDGED))
                r = html_data_put(d, HTML_GAUGE_FAILED, (size_t)slot, end_ns, 1);
        return r;
}

static int row_sample(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct reader *reader = userdata;
        struct html_data *d = reader->data;
        int phase = phase_from_name(summary_text(st, 0));
        int64_t end_ns = sqlite3_column_int64(st, 2), duration_ns = sqlite3_column_int64(st, 3);
        size_t bucket;

        if (phase < 0)
                return 0;
        bucket = html_axis_bucket(&d->axis, end_ns, reader->outside);
        if (result_from_name(summary_text(st, 1)) == RESULT_OK)
                html_grid_add(reader->grid, (enum phase)phase, bucket, duration_ns);
        if (phase != PHASE_CREATE)
                return 0;
        reader->created = true;
        return html_data_span(d, HTML_GAUGE_CREATED, reader->slot, end_ns,
                              html_axis_end_ns(&d->axis), 1);
}

static void make_bands(struct html_data *d, const struct html_grid *grid, size_t at)
{
        struct html_band *bands = d->bands + at * PHASE_MAX_ * d->axis.n;

        for (int p = 0; p < PHASE_MAX_; p++)
                for (size_t i = 0; i < d->axis.n; i++) {
                        struct html_band *b = bands + (size_t)p * d->axis.n + i;
                        struct html_grid_sum sum;

                        html_grid_sum(grid, (enum phase)p, i, 1, &sum);
                        b->p50 = (float)html_grid_percentile(&sum, 50);
                        b->p99 = (float)html_grid_percentile(&sum, 99);
                        b->max = (float)sum.max_ns;
                }
}

#define SAMPLES                                                                                    \
        "SELECT phase, result, start_realtime_ns + duration_ns, duration_ns FROM sample"           \
        " WHERE run = ?1"

/* Host by host, as the samples are in the store: one grid beside that of all is enough. */
static int read_samples(struct summary_context *c, struct reader *reader)
{
        _cleanup_(html_grid_freep)
        struct html_grid *grid = NULL;
        struct html_data *d = reader->data;
        int r;

        reader->outside = d->outside;
        reader->grid = d->grid;
        if (d->merged) {
                r = summary_each(c, SAMPLES, NULL, row_sample, reader);
                make_bands(d, d->grid, 0);
                return r;
        }
        r = html_grid_new(d->axis.n, &grid);
        reader->grid = grid;
        for (size_t i = 0; i < c->summary->n_hosts && r == 0; i++) {
                reader->slot = i;
                reader->outside = d->outside + i;
                r = summary_each(c,
                                 SAMPLES " AND agent IN (SELECT agent FROM agent WHERE run = ?1"
                                         " AND host = ?2)",
                                 c->summary->hosts[i].name, row_sample, reader);
                if (r == 0) {
                        make_bands(d, grid, i + 1);
                        html_grid_move(d->grid, grid);
                }
        }
        make_bands(d, d->grid, 0);
        return r;
}

static int row_census(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct reader *reader = userdata;
        int gauge = html_gauge_find(HTML_CENSUS, summary_text(st, 2)),
            slot = slot_of(c, reader, st);

        if (gauge < 0 || slot < 0)
                return 0;
        return html_data_put(reader->data, (enum html_gauge)gauge, (size_t)slot,
                             sqlite3_column_int64(st, 1), sqlite3_column_double(st, 3));
}

/* What a column says at the time of its row; false when that is not known. before: of the row
 * before, of the same agent. */
static bool metric_value(enum html_gauge gauge, int64_t v, const struct before *before,
                         size_t column, int64_t at_ns, double *ret)
{
        const struct html_gauge_kind *kind = html_gauge_kinds + gauge;
        double span;

        if (kind->source != HTML_COUNTER) {
                *ret = (double)v * kind->factor;
                return v >= 0;
        }
        span = (double)(at_ns - before->at_ns);
        /* begun anew: the host was booted between */
        if (before->at_ns == 0 || span <= 0 || v < before->values[column] ||
            before->values[column] < 0)
                return false;
        *ret = (double)(v - before->values[column]) / span * kind->factor;
        return true;
}

/* Columns by their names, so that the list of gauges is all that has to know them. */
static int row_metric(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct reader *reader = userdata;
        struct before *before = &reader->before;
        int64_t at_ns = sqlite3_column_int64(st, 1), agent = sqlite3_column_int64(st, 2);
        int slot = slot_of(c, reader, st), r = 0;

        if (before->agent == 0) /* the first of all */
                for (int i = 3; i < MIN(sqlite3_column_count(st), METRIC_COLUMNS); i++)
                        reader->columns[i] =
                                html_gauge_find(HTML_METRIC, sqlite3_column_name(st, i));
        if (before->agent != agent)
                *before = (struct before){.agent = agent};
        for (int i = 3; i < MIN(sqlite3_column_count(st), METRIC_COLUMNS) && slot >= 0 && r == 0;
             i++) {
                int gauge = reader->columns[i];
                int64_t v = sqlite3_column_type(st, i) == SQLITE_NULL ? -1
                                                                      : sqlite3_column_int64(st, i);
                double value;

                if (gauge < 0)
                        continue;
                if (metric_value((enum html_gauge)gauge, v, before, (size_t)i, at_ns, &value))
                        r = html_data_put(reader->data, (enum html_gauge)gauge, (size_t)slot, at_ns,
                                          value);
                before->values[i] = v;
        }
        before->at_ns = at_ns;
        return r;
}

static int row_there(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        *(bool *)userdata = true;
        return 0;
}

static int read_metrics(struct summary_context *c, struct reader *reader)
{
        bool there = false;
        int r;

        /* a store of an older version has none */
        r = summary_each(c,
                         "SELECT 1 FROM sqlite_master WHERE ?1 IS NOT NULL AND type = 'table'"
                         " AND name = 'metric'",
                         NULL, row_there, &there);
        if (r < 0 || !there)
                return r;
        return summary_each(c,
                            "SELECT host, realtime_ns, agent, * FROM metric WHERE run = ?1"
                            " ORDER BY agent, seq",
                            NULL, row_metric, reader);
}

static void drop(struct html_data *d, enum html_gauge gauge)
{
        free(d->gauges[gauge]);
        d->gauges[gauge] = NULL;
}

int html_data_read(struct html_data *d, struct store *store, struct summary *summary,
                   struct error *err)
{
        struct summary_context c = {.summary = summary, .store = store, .err = err};
        struct reader reader = {.data = d};
        int r;

        r = summary_each(&c,
                         "SELECT host, start_realtime_ns, duration_ns, outcome FROM unit"
                         " WHERE run = ?1 UNION ALL SELECT host, start_realtime_ns, duration_ns, ''"
                         " FROM late WHERE run = ?1",
                         NULL, row_attempt, &reader);
        if (r == 0)
                r = read_samples(&c, &reader);
        if (r == 0)
                r = summary_each(&c,
                                 "SELECT host, realtime_ns, kind, count FROM census WHERE run = ?1",
                                 NULL, row_census, &reader);
        if (r == 0)
                r = read_metrics(&c, &reader);
        html_data_spans_end(d);
        if (!reader.created || d->gauges[HTML_GAUGE_LIVE])
                drop(d, HTML_GAUGE_CREATED);
        if (d->gauges[HTML_GAUGE_IN_FLIGHT])
                drop(d, HTML_GAUGE_UNITS);
        return r;
}
