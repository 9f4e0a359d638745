/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-report list: the runs there are, a line each. */

#include <inttypes.h>
#include <json-c/json.h>
#include <time.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "base/parse.h"
#include "report/commands.h"
#include "report/journal-list.h"
#include "report/run-options.h"
#include "report/table.h"

#define DIRS_MAX 64

struct list {
        struct run_options where;
        bool json;
};

/* clang-format off */
static const struct option_spec specs[] = {
        RUN_OPTIONS(offsetof(struct list, where)),
        {"json", 0, OPTION_FLAG, NULL, "one JSON array",
         NULL, offsetof(struct list, json), .group = "What is shown"},
};
/* clang-format on */

const struct option_table report_list_table = {
        .program = "lxdsoak-report",
        .usage = "lxdsoak-report list [DIR…] [OPTION…]",
        .description = "Lists the runs in the given directories, by default in the present one, "
                       "the oldest first; or those that journals tell of.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

static void print_json(const struct run_places *p)
{
        json_object *array = json_object_new_array();

        for (size_t i = 0; i < p->n; i++) {
                const struct run_place *r = p->items + i;
                json_object *o = json_object_new_object();

                json_object_object_add(o, "run", json_object_new_string(r->run));
                json_object_object_add(o, "path", r->path ? json_object_new_string(r->path) : NULL);
                json_object_object_add(o, "mode", json_object_new_string(r->mode));
                json_object_object_add(o, "verdict",
                                       r->verdict[0] ? json_object_new_string(r->verdict) : NULL);
                json_object_object_add(o, "started_realtime_ns",
                                       json_object_new_int64(r->started_realtime_ns));
                json_object_object_add(o, "wall_ns", json_object_new_int64(r->wall_ns));
                json_object_object_add(o, "planned",
                                       r->planned < 0 ? NULL : json_object_new_int64(r->planned));
                json_object_object_add(o, "passed", json_object_new_int64(r->passed));
                json_object_object_add(o, "failed", json_object_new_int64(r->failed));
                json_object_object_add(o, "hosts", json_object_new_int64(r->hosts));
                json_object_array_add(array, o);
        }
        puts(json_object_to_json_string_ext(array,
                                            JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED));
        json_object_put(array);
}

static void print_table(const struct run_places *p)
{
        static const char *const head[] = {"run",    "started (UTC)", "mode", "verdict", "passed",
                                           "failed", "hosts",         "took", "where"};
        struct table t;

        table_init(&t, "llllrrrrl");
        table_row(&t, head);
        for (size_t i = 0; i < p->n; i++) {
                const struct run_place *r = p->items + i;
                time_t at = (time_t)(r->started_realtime_ns / NSEC_PER_SEC);
                char when[32] = "?", took[32];
                struct tm tm;

                if (gmtime_r(&at, &tm))
                        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
                table_cell(&t, r->run);
                table_cell(&t, when);
                table_cell(&t, r->mode);
                table_cell(&t, r->verdict[0] ? r->verdict : NULL);
                table_cellf(&t, "%" PRId64, r->passed);
                table_cellf(&t, "%" PRId64, r->failed);
                table_cellf(&t, "%" PRId64, r->hosts);
                table_cell(&t,
                           r->wall_ns > 0 ? format_duration(r->wall_ns, took, sizeof(took)) : NULL);
                table_cell(&t, r->path);
        }
        table_print(&t, "", stdout);
        table_deinit(&t);
}

static void show(const struct list *o, const struct run_places *places)
{
        if (o->json)
                print_json(places);
        else if (places->n > 0)
                print_table(places);
        else
                log_notice("no run here");
        if (places->n_unreadable > 0)
                log_warning("%zu more could not be read; the first of them: %s",
                            places->n_unreadable, places->unreadable.text);
}

static int list(struct list *o, const char *const *dirs, size_t n)
{
        struct run_places places = {0};
        struct error err = ERROR_INIT;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = string_list_add(&o->where.dirs, dirs[i]);
        if (r == 0 && run_options_journal(&o->where) && o->where.dirs.n > 0)
                r = error_set(&err, -EINVAL,
                              "runs of directories and runs of journals are two lists");
        else if (r == 0 && run_options_journal(&o->where))
                r = journal_runs_list(&o->where.journal, &places, &err);
        else if (r == 0)
                r = runs_list(&o->where.dirs, &places, &err);
        if (r < 0)
                return report_failed(r, &err);
        show(o, &places);
        runs_release(&places);
        return EXIT_SUCCESS;
}

int report_list(int argc, char **argv)
{
        struct list o = {0};
        const char *dirs[DIRS_MAX];
        size_t n;
        int code;

        if (report_parse(&report_list_table, argc, argv, &o, dirs, DIRS_MAX, &n, &code))
                code = list(&o, dirs, n);
        options_release(&report_list_table, &o);
        return code;
}
