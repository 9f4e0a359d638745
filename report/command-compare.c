/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-report compare: whether a run is worse than another. */

#include "base/exit-code.h"
#include "report/commands.h"
#include "report/compare-show.h"
#include "report/run-options.h"

struct options {
        struct run_options where;
        char *baseline;
        double floor;
        bool json;
};

#define AT(field) offsetof(struct options, field)

static int parse_share(const char *value, void *field, struct error *err)
{
        char *end;
        double d = strtod(value, &end);

        if (strspn(value, "0123456789.") == 0 || !streq(end, "%") || !(d <= 1000))
                return error_set(err, -EINVAL, "is a share, such as 5%%");
        *(double *)field = d / 100;
        return 0;
}

/* clang-format off */
static const struct option_spec specs[] = {
        RUN_OPTIONS(AT(where)),
        {"baseline", 0, OPTION_STRING, "RUN", "what a run is compared with; then the other is the last one unless it is named",
         NULL, AT(baseline), .group = "What is said"},
        {"slower", 0, OPTION_FUNC, "SHARE", "a phase that is slower by less than this does not matter",
         "5%", AT(floor), .parse = parse_share},
        {"json", 0, OPTION_FLAG, NULL, "one JSON object",
         NULL, AT(json)},
};
/* clang-format on */

const struct option_table report_compare_table = {
        .program = "lxdsoak-report",
        .usage = "lxdsoak-report compare RUN RUN [OPTION…]\n"
                 "       lxdsoak-report compare --baseline RUN [RUN] [OPTION…]",
        .description = "Says whether the second run is worse than the first: phases, units that "
                       "failed or wedged. The exit code is 98 when it is.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

static int read_run(const struct options *o, const char *what, struct compare_run *ret,
                    struct error *err)
{
        _cleanup_(store_freep)
        struct store *store = NULL;
        int r = run_options_open(&o->where, what, &store, err);

        return r < 0 ? r : compare_run_read(store, ret, err);
}

static void show(const struct options *o, const struct compare_shown *s)
{
        json_object *json;

        if (!o->json) {
                compare_print(s, stdout);
                return;
        }
        json = compare_to_json(s);
        puts(json_object_to_json_string_ext(json,
                                            JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
        json_object_put(json);
}

static int tell(const struct options *o, const char *first, const char *second)
{
        _cleanup_(compare_run_deinit)
        struct compare_run a = {0};
        _cleanup_(compare_run_deinit)
        struct compare_run b = {0};
        struct compare result;
        _cleanup_(compare_shown_deinit)
        struct compare_shown shown = {.a = &a, .b = &b, .result = &result, .floor = o->floor};
        struct error err = ERROR_INIT;
        int r = read_run(o, first, &a, &err);

        if (r == 0)
                r = read_run(o, second, &b, &err);
        if (r == 0)
                r = compare_compute(&a.samples, &b.samples, o->floor, &result);
        if (r == 0)
                r = compare_explain(&shown);
        if (r < 0)
                return report_failed(r, &err);
        show(o, &shown);
        return compare_exit_code(result.verdict);
}

int report_compare(int argc, char **argv)
{
        struct options o = {0};
        struct error err = ERROR_INIT;
        const char *runs[2];
        size_t n;
        int code;

        if (report_parse(&report_compare_table, argc, argv, &o, runs, 2, &n, &code)) {
                if (o.baseline && n < 2)
                        code = tell(&o, o.baseline, n == 1 ? runs[0] : "last");
                else if (!o.baseline && n == 2)
                        code = tell(&o, runs[0], runs[1]);
                else
                        code = report_failed(error_set(&err, -EINVAL,
                                                       "compare wants two runs, or --baseline RUN "
                                                       "and one at most"),
                                             &err);
        }
        options_release(&report_compare_table, &o);
        return code;
}
