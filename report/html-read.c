/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A store's rows into the buckets of a page: units, samples (each once), what was counted and
 * measured on the hosts; see html-data.h. */

#include "report/html-data.h"
#include "report/metric-read.h"
#include "report/summary-internal.h"

struct reader {
        struct html_data *data;
        struct html_grid *grid; /* of the host being read; the whole one when merged */
        size_t slot;
        int64_t *outside;
        struct summary *summary;
        bool created; /* some unit was: else what lives cannot be told */
};

/* The slot of a host, -1 when it is none of the run's. */
static int slot_of(const struct reader *reader, const char *host)
{
        struct summary_part *h;

        if (reader->data->merged)
                return 0;
        h = summary_host(reader->summary, host);
        return h ? (int)(h - reader->summary->hosts) : -1;
}

/* Every attempt that ended: those of `unit` are counted, those of `late` were there too. */
static int row_attempt(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct reader *reader = userdata;
        struct html_data *d = reader->data;
        int64_t begin_ns = sqlite3_column_int64(st, 1),
                end_ns = begin_ns + sqlite3_column_int64(st, 2);
        int outcome = outcome_from_name(summary_text(st, 3)), r,
            slot = slot_of(reader, summary_text(st, 0));

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
            slot = slot_of(reader, summary_text(st, 0));

        if (gauge < 0 || slot < 0)
                return 0;
        return html_data_put(reader->data, (enum html_gauge)gauge, (size_t)slot,
                             sqlite3_column_int64(st, 1), sqlite3_column_double(st, 3));
}

static int take_metric(void *userdata, const char *host, enum html_gauge gauge, int64_t at_ns,
                       double value)
{
        struct reader *reader = userdata;
        int slot = slot_of(reader, host);

        return slot < 0 ? 0 : html_data_put(reader->data, gauge, (size_t)slot, at_ns, value);
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
        struct reader reader = {.data = d, .summary = summary};
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
                r = metric_read(&c, NULL, take_metric, &reader);
        html_data_spans_end(d);
        if (!reader.created || d->gauges[HTML_GAUGE_LIVE])
                drop(d, HTML_GAUGE_CREATED);
        if (d->gauges[HTML_GAUGE_IN_FLIGHT])
                drop(d, HTML_GAUGE_UNITS);
        return r;
}
