/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Samples as CSV; see export.h. */

#include <inttypes.h>
#include <sqlite3.h>

#include "report/export.h"

static void put_text(const char *s, FILE *out)
{
        if (!s)
                return;
        if (!strpbrk(s, ",\"\r\n")) {
                fputs(s, out);
                return;
        }
        fputc('"', out);
        for (; *s; s++) {
                if (*s == '"')
                        fputc('"', out);
                fputc(*s, out);
        }
        fputc('"', out);
}

static void put_row(sqlite3_stmt *st, FILE *out)
{
        fprintf(out, "%.6f", sqlite3_column_double(st, 0));
        for (int i = 1; i < sqlite3_column_count(st); i++) {
                fputc(',', out);
                put_text((const char *)sqlite3_column_text(st, i), out);
        }
        fputc('\n', out);
}

int export_csv(struct store *store, FILE *out, struct error *err)
{
        static const char query[] =
                "SELECT (s.start_realtime_ns - r.started_realtime_ns) / 1e9 AS t, s.run, s.host,"
                " s.unit, s.attempt, s.phase, s.step, s.start_realtime_ns, s.start_monotonic_ns,"
                " s.duration_ns, s.result, s.error_code, s.error"
                " FROM sample s JOIN run r USING (run) ORDER BY s.start_realtime_ns, s.agent, "
                "s.seq";
        sqlite3_stmt *st = NULL;
        int c = sqlite3_prepare_v2(store_db(store), query, -1, &st, NULL);

        for (int i = 0; c == SQLITE_OK && i < sqlite3_column_count(st); i++)
                fprintf(out, "%s%s", i > 0 ? "," : "", sqlite3_column_name(st, i));
        fputc('\n', out);
        if (c == SQLITE_OK)
                while ((c = sqlite3_step(st)) == SQLITE_ROW)
                        put_row(st, out);
        sqlite3_finalize(st);
        if (c != SQLITE_DONE)
                return error_set(err, -EUCLEAN, "%s: cannot read it: %s", store_path(store),
                                 sqlite3_errmsg(store_db(store)));
        return 0;
}
