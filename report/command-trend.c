/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-report trend: whether any series drifts, from a CSV file. */

#include <inttypes.h>
#include <math.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "base/text.h"
#include "report/commands.h"
#include "report/csv.h"
#include "report/trend-show.h"

struct options {
        char *csv;
        struct csv_columns columns;
        struct amount {
                double number;
                bool percent;
        } floor;
        double warm_up;
        bool json, exit_code;
};

#define AT(field) offsetof(struct options, field)

/* A number from 0 on that is all of s but for a suffix it may have. */
static int parse_amount(const char *s, const char **ret_suffix, double *ret)
{
        char *end;
        double d;

        if (strspn(s, "0123456789.") == 0)
                return -EINVAL;
        d = strtod(s, &end);
        if (!(d <= 1e300))
                return -EINVAL;
        *ret = d;
        *ret_suffix = end;
        return 0;
}

static int parse_floor(const char *value, void *field, struct error *err)
{
        struct amount *a = field;
        const char *suffix;
        double d;

        if (parse_amount(value, &suffix, &d) < 0 || (*suffix && !streq(suffix, "%")))
                return error_set(err, -EINVAL, "is 0.5%% of the level, or an amount such as 20");
        *a = (struct amount){d, *suffix == '%'};
        return 0;
}

static int parse_warm_up(const char *value, void *field, struct error *err)
{
        const char *suffix = "";
        double d = -1;

        if (!streq(value, "auto") && (parse_amount(value, &suffix, &d) < 0 || *suffix))
                return error_set(err, -EINVAL, "is auto, or a length in the unit of t");
        *(double *)field = d;
        return 0;
}

/* clang-format off */
static const struct option_spec specs[] = {
        {"csv", 0, OPTION_STRING, "FILE", "the series: columns t,value; - is stdin",
         NULL, AT(csv)},
        {"t", 0, OPTION_STRING, "NAME", "column it runs over: time, units done; by default t",
         NULL, AT(columns.t)},
        {"value", 0, OPTION_STRING, "NAME", "column of the values; by default value",
         NULL, AT(columns.value)},
        {"floor", 0, OPTION_FUNC, "CHANGE", "what a change over all must exceed to matter: a share of the level, or an amount",
         "0.5%", AT(floor), .parse = parse_floor},
        {"warm-up", 0, OPTION_FUNC, "LENGTH", "leave so much of t out at the beginning",
         "auto", AT(warm_up), .parse = parse_warm_up},
        {"exit-code", 0, OPTION_FLAG, NULL, "exit with 98 unless it is flat",
         NULL, AT(exit_code)},
        {"json", 0, OPTION_FLAG, NULL, "one JSON object",
         NULL, AT(json)},
};
/* clang-format on */

const struct option_table report_trend_table = {
        .program = "lxdsoak-report",
        .usage = "lxdsoak-report trend --csv FILE [OPTION…]",
        .description = "Says whether a series drifts: flat, up, down or step, with the slope and "
                       "its interval, and the smallest drift that would have been seen.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

static int read_series(const struct options *o, struct stats_thin *ret, struct error *err)
{
        _cleanup_(fclosep)
        FILE *file = NULL;
        FILE *in = stdin;

        if (!streq(o->csv, "-")) {
                in = file = fopen(o->csv, "re");
                if (!file)
                        return error_set_errno(err, -errno, "%s", TEXT_PRINTABLE(o->csv));
        }
        return csv_read(in, file ? TEXT_PRINTABLE(o->csv) : "stdin", &o->columns, ret, err);
}

static int show(const struct options *o, const struct trend *t)
{
        if (o->json) {
                json_object *json = trend_to_json(t);

                puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
                                                                  JSON_C_TO_STRING_SPACED));
                json_object_put(json);
        } else {
                trend_print(t, stdout);
        }
        if (t->verdict == TREND_SHORT)
                return verdict_exit_code(VERDICT_INCONCLUSIVE);
        return o->exit_code && t->verdict != TREND_FLAT ? verdict_exit_code(VERDICT_DRIFT)
                                                        : EXIT_SUCCESS;
}

static int tell(const struct options *o)
{
        struct trend_options how = {.warm_up = o->warm_up};
        _cleanup_(stats_thin_deinit)
        struct stats_thin points = {0};
        struct error err = ERROR_INIT;
        struct trend t;
        int r;

        if (!o->csv)
                return report_failed(error_set(&err, -EINVAL, "which series? --csv FILE says it"),
                                     &err);
        if (o->floor.percent)
                how.floor_share = o->floor.number / 100;
        else
                how.floor_absolute = o->floor.number;
        r = read_series(o, &points, &err);
        if (r == 0)
                r = trend_compute(points.x, points.y, points.n, &how, &t);
        if (r < 0)
                return report_failed(r, &err);
        if (points.every > 1)
                log_notice("of %" PRIu64 " points, one in %" PRIu64 " was used", points.seen,
                           points.every);
        return show(o, &t);
}

int report_trend(int argc, char **argv)
{
        struct options o = {0};
        size_t n;
        int code;

        if (report_parse(&report_trend_table, argc, argv, &o, NULL, 0, &n, &code))
                code = tell(&o);
        options_release(&report_trend_table, &o);
        return code;
}
