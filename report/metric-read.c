/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See metric-read.h. */

#include "report/metric-read.h"

#define METRIC_COLUMNS 64
#define FIRST_COLUMN   3 /* those before are ours */

struct before { /* the row before */
        int64_t agent, at_ns;
        int64_t values[METRIC_COLUMNS]; /* -1 = not known */
};

struct reading {
        metric_take take;
        void *userdata;
        int columns[METRIC_COLUMNS]; /* gauges */
        struct before before;
};

/* What a column says at the time of its row; false when that is not known. before: of the row
 * before, of the same agent. */
static bool value_of(enum html_gauge gauge, int64_t v, const struct before *before, size_t column,
                     int64_t at_ns, double *ret)
{
        const struct html_gauge_kind *kind = html_gauge_kinds + gauge;
        int64_t span_ns;

        if (kind->source != HTML_COUNTER) {
                *ret = (double)v * kind->factor;
                return v >= 0;
        }
        /* begun anew: the host was booted between */
        if (before->at_ns == 0 || __builtin_sub_overflow(at_ns, before->at_ns, &span_ns) ||
            span_ns <= 0 || v < before->values[column] || before->values[column] < 0)
                return false;
        *ret = (double)(v - before->values[column]) / (double)span_ns * kind->factor;
        return true;
}

/* Columns by their names, so that the list of gauges is all that has to know them. */
static int row_metric(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct reading *reading = userdata;
        struct before *before = &reading->before;
        int64_t at_ns = sqlite3_column_int64(st, 1), agent = sqlite3_column_int64(st, 2);
        int n = MIN(sqlite3_column_count(st), METRIC_COLUMNS), r = 0;

        if (before->agent == 0) /* the first of all */
                for (int i = FIRST_COLUMN; i < n; i++)
                        reading->columns[i] =
                                html_gauge_find(HTML_METRIC, sqlite3_column_name(st, i));
        if (before->agent != agent)
                *before = (struct before){.agent = agent};
        for (int i = FIRST_COLUMN; i < n && r == 0; i++) {
                int gauge = reading->columns[i];
                int64_t v = sqlite3_column_type(st, i) == SQLITE_NULL ? -1
                                                                      : sqlite3_column_int64(st, i);
                double value;

                if (gauge < 0)
                        continue;
                if (value_of((enum html_gauge)gauge, v, before, (size_t)i, at_ns, &value))
                        r = reading->take(reading->userdata, summary_text(st, 0),
                                          (enum html_gauge)gauge, at_ns, value);
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

#define ROWS "SELECT host, realtime_ns, agent, * FROM metric WHERE run = ?1"

int metric_read(struct summary_context *c, const char *host, metric_take take, void *userdata)
{
        struct reading reading = {.take = take, .userdata = userdata};
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
                            host ? ROWS " AND agent IN (SELECT agent FROM agent WHERE run = ?1 AND"
                                        " host = ?2) ORDER BY agent, seq"
                                 : ROWS " ORDER BY agent, seq",
                            host, row_metric, &reading);
}
