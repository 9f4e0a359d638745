/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HdrHistogram's percentile distribution (.hgrm), as its outputPercentileDistribution() prints it
 * with 5 ticks a half distance: from 0 to 100 %, the closer the nearer to 100 [hdrhistogram.org].
 */

#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>

#include "report/export.h"

#define TICKS_PER_HALF 5

/* The step behind a percentile; halves with every half of the distance to 100 that is left. */
static double next_level(double level)
{
        double halvings = floor(log2(100.0 / (100.0 - level))) + 1;

        return level + 100.0 / (TICKS_PER_HALF * exp2(halvings));
}

static void print_line(double value, double level, uint64_t seen, FILE *out)
{
        fprintf(out, "%12.3f %2.12f %10" PRIu64 " %14.2f\n", value, level / 100.0, seen,
                1 / (1 - level / 100.0));
}

static void print_end(const struct histogram *h, double per_unit, FILE *out)
{
        double sum = 0, squares = 0, mean, n = (double)histogram_count(h);
        uint64_t count;
        int64_t value;

        for (size_t i = 0; histogram_next(h, &i, &value, &count);)
                sum += (double)value / per_unit * (double)count;
        mean = n > 0 ? sum / n : 0;
        for (size_t i = 0; histogram_next(h, &i, &value, &count);)
                squares += pow((double)value / per_unit - mean, 2) * (double)count;
        fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean,
                n > 0 ? sqrt(squares / n) : 0);
        fprintf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n",
                n > 0 ? (double)histogram_max(h) / per_unit : 0, histogram_count(h));
        /* 2048 sub-buckets are three digits */
        fprintf(out, "#[Buckets = %12zu, SubBuckets     = %12d]\n",
                histogram_n_counters(h) / 1024 - 1, 2048);
}

void hgrm_print(const struct histogram *h, double per_unit, FILE *out)
{
        uint64_t count, seen = 0, n = histogram_count(h);
        double level = 0;
        int64_t value;

        fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                "1/(1-Percentile)");
        for (size_t i = 0; histogram_next(h, &i, &value, &count);) {
                seen += count;
                for (; seen < n && 100.0 * (double)seen / (double)n >= level;
                     level = next_level(level))
                        print_line((double)value / per_unit, level, seen, out);
        }
        if (n > 0)
                fprintf(out, "%12.3f %2.12f %10" PRIu64 "\n", (double)histogram_max(h) / per_unit,
                        1.0, n);
        print_end(h, per_unit, out);
}

int export_hgrm(struct store *store, enum phase phase, FILE *out, struct error *err)
{
        static const char query[] =
                "SELECT duration_ns FROM sample WHERE phase = ? AND result = 'ok'";
        _cleanup_(histogram_freep)
        struct histogram *h = NULL;
        sqlite3_stmt *st = NULL;
        int r = histogram_new(&h), c;

        if (r < 0)
                return error_set(err, r, "out of memory");
        c = sqlite3_prepare_v2(store_db(store), query, -1, &st, NULL);
        if (c == SQLITE_OK)
                c = sqlite3_bind_text(st, 1, phase_name((int)phase), -1, SQLITE_STATIC);
        if (c == SQLITE_OK)
                while ((c = sqlite3_step(st)) == SQLITE_ROW)
                        histogram_record(h, sqlite3_column_int64(st, 0));
        sqlite3_finalize(st);
        if (c != SQLITE_DONE)
                return error_set(err, -EUCLEAN, "%s: cannot read it: %s", store_path(store),
                                 sqlite3_errmsg(store_db(store)));
        hgrm_print(h, 1e6, out);
        return 0;
}
