/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run of a comparison; see compare-run.h. */

#include <sqlite3.h>

#include "report/compare-run.h"

/*
 * In the order of the table's key: agent by agent, and of each as its samples ended. That order is
 * what tells how much samples in a row have in common.
 */
static int read_samples(struct store *store, struct compare_samples *samples, struct error *err)
{
        static const char query[] = "SELECT agent, phase, duration_ns FROM sample"
                                    " WHERE result = 'ok' ORDER BY run, agent, seq";
        sqlite3 *db = store_db(store);
        sqlite3_stmt *st = NULL;
        int r = 0, e = sqlite3_prepare_v2(db, query, -1, &st, NULL);

        while (e == SQLITE_OK && r == 0) {
                int phase, step = sqlite3_step(st);

                if (step != SQLITE_ROW) {
                        e = step;
                        break;
                }
                phase = phase_from_name((const char *)sqlite3_column_text(st, 1));
                if (phase >= 0)
                        r = stats_thin_add(samples->phases + phase, sqlite3_column_double(st, 0),
                                           sqlite3_column_double(st, 2));
        }
        if (r == 0 && e != SQLITE_DONE) {
                r = e == SQLITE_NOMEM ? -ENOMEM : e == SQLITE_CORRUPT ? -EUCLEAN : -EIO;
                error_set(err, r, "cannot read the samples of %s: %s", store_path(store),
                          sqlite3_errmsg(db));
        }
        sqlite3_finalize(st);
        return r;
}

int compare_run_read(struct store *store, struct compare_run *ret, struct error *err)
{
        const struct summary_units *u;
        int r;

        *ret = (struct compare_run){0};
        compare_samples_init(&ret->samples);
        r = summary_new(store, &ret->summary, err);
        if (r == 0)
                r = read_samples(store, &ret->samples, err);
        if (r < 0) {
                compare_run_deinit(ret);
                return r;
        }
        u = &ret->summary->total.units;
        ret->samples.units = (uint64_t)(u->passed + u->failed + u->wedged);
        ret->samples.failed = (uint64_t)u->failed;
        ret->samples.wedged = (uint64_t)u->wedged;
        return 0;
}

void compare_run_deinit(struct compare_run *run)
{
        compare_samples_deinit(&run->samples);
        run->summary = summary_free(run->summary);
}
