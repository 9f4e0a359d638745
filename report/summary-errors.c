/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What failed, in LXD's own words: errors of a kind [error-pattern.h] as one, and how many are not
 * shown; see summary.h. */

#include <inttypes.h>

#include "report/error-pattern.h"
#include "report/summary-internal.h"
#include "report/table.h"

#define WIDTH       100
#define ERROR_LINES 4

/* error_pattern(text) of SQL. */
static void sql_pattern(sqlite3_context *context, int argc, sqlite3_value **argv)
{
        const char *s = (const char *)sqlite3_value_text(argv[0]);
        char buf[ERROR_TEXT_MAX];

        if (s)
                sqlite3_result_text(context, error_pattern(s, buf, sizeof(buf)), -1,
                                    SQLITE_TRANSIENT);
}

static int row_error(struct summary_context *c, sqlite3_stmt *st, void *userdata)
{
        struct summary *s = c->summary;
        struct summary_error *errors, *e;

        s->error_kinds++;
        s->errors_total += sqlite3_column_int64(st, 4);
        if (s->n_errors >= SUMMARY_ERRORS_MAX)
                return 0;
        errors = summary_grow(s->errors, s->n_errors, sizeof(*errors));
        if (!errors)
                return -ENOMEM;
        s->errors = errors;
        e = errors + s->n_errors++;
        summary_column(st, 0, e->phase, sizeof(e->phase));
        summary_column(st, 1, e->result, sizeof(e->result));
        e->code = sqlite3_column_int64(st, 2);
        summary_column(st, 3, e->text, sizeof(e->text));
        e->count = sqlite3_column_int64(st, 4);
        e->hosts = sqlite3_column_int64(st, 5);
        return 0;
}

int summary_read_errors(struct summary_context *c)
{
        if (sqlite3_create_function(store_db(c->store), "error_pattern", 1,
                                    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sql_pattern, NULL,
                                    NULL) != SQLITE_OK)
                return -ENOMEM;
        return summary_each(c,
                            "SELECT phase, result, error_code, min(error) AS text, count(*) AS n,"
                            " count(DISTINCT host) FROM sample WHERE run = ?1"
                            " AND result NOT IN ('ok', 'interrupted')"
                            " GROUP BY phase, result, error_code, error_pattern(error)"
                            " ORDER BY n DESC, phase, result, error_code, text",
                            NULL, row_error, NULL);
}

const char *summary_format_more_errors(const struct summary *s, size_t shown, char *buf,
                                       size_t size)
{
        int64_t kinds = s->error_kinds - (int64_t)shown, errors = s->errors_total;

        if (kinds <= 0)
                return NULL;
        for (size_t i = 0; i < shown; i++)
                errors -= s->errors[i].count;
        snprintf(buf, size, "%" PRId64 " more kind%s, %" PRId64 " error%s", kinds,
                 kinds == 1 ? "" : "s", errors, errors == 1 ? "" : "s");
        return buf;
}

void summary_print_errors(const struct summary *s, FILE *out)
{
        size_t shown = MIN(s->n_errors, (size_t)SUMMARY_ERRORS_SHOWN);
        char more[80];

        if (shown == 0)
                return;
        fputs("\nmost frequent errors\n", out);
        for (size_t i = 0; i < shown; i++) {
                const struct summary_error *e = s->errors + i;
                char first[96], code[32] = "";

                if (e->code != 0)
                        snprintf(code, sizeof(code), " %" PRId64, e->code);
                snprintf(first, sizeof(first), "%6" PRId64 "×  %s %s%s: ", e->count, e->phase,
                         e->result, code);
                text_wrap(first, e->text[0] ? e->text : "(no text)", WIDTH, ERROR_LINES, out);
        }
        if (summary_format_more_errors(s, shown, more, sizeof(more)))
                fprintf(out, "  and %s: --json has them%s\n", more,
                        s->error_kinds > SUMMARY_ERRORS_MAX ? ", the rarest only the store" : "");
}

json_object *summary_errors_json(const struct summary *s)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < s->n_errors; i++) {
                const struct summary_error *e = s->errors + i;
                json_object *o = json_object_new_object();

                json_object_object_add(o, "count", json_object_new_int64(e->count));
                json_object_object_add(o, "hosts", json_object_new_int64(e->hosts));
                json_object_object_add(o, "phase", json_object_new_string(e->phase));
                json_object_object_add(o, "result", json_object_new_string(e->result));
                json_object_object_add(o, "code", json_object_new_int64(e->code));
                json_object_object_add(o, "error", json_object_new_string(e->text));
                json_object_array_add(array, o);
        }
        return array;
}
