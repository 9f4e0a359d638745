/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-report export: a run in the formats of other tools. */

#include <sys/stat.h>

#include "base/exit-code.h"
#include "report/commands.h"
#include "report/export.h"
#include "report/output-file.h"
#include "report/run-options.h"

struct export
{
        struct run_options run;
        char *csv, *junit, *openmetrics, *hgrm;
};

#define AT(field) offsetof(struct export, field)

/* clang-format off */
static const struct option_spec specs[] = {
        RUN_OPTIONS(AT(run)),
        {"csv", 0, OPTION_STRING, "FILE", "every sample, a line each; -: stdout",
         NULL, AT(csv), .group = "What is written"},
        {"junit", 0, OPTION_STRING, "FILE", "JUnit XML: a case for each verdict and threshold",
         NULL, AT(junit)},
        {"openmetrics", 0, OPTION_STRING, "FILE", "OpenMetrics: the figures of the run and its hosts",
         NULL, AT(openmetrics)},
        {"hgrm", 0, OPTION_STRING, "DIR", "HdrHistogram percentiles: DIR/PHASE.hgrm",
         NULL, AT(hgrm)},
};
/* clang-format on */

const struct option_table report_export_table = {
        .program = "lxdsoak-report",
        .usage = "lxdsoak-report export [RUN] --csv FILE | --junit FILE | --openmetrics FILE | "
                 "--hgrm DIR",
        .description = "Writes a run in formats of other tools, one or several. A file is there "
                       "as a whole or not at all.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

static int write_csv(struct store *store, const char *path, struct error *err)
{
        _cleanup_(output_file_deinit)
        struct output_file o = {0};
        int r = output_file_open(path, &o, err);

        if (r == 0)
                r = export_csv(store, o.out, err);
        return r < 0 ? r : output_file_commit(&o, err);
}

static int write_summary(const struct summary *s, const char *path,
                         void (*print)(const struct summary *s, FILE *out), struct error *err)
{
        _cleanup_(output_file_deinit)
        struct output_file o = {0};
        int r = output_file_open(path, &o, err);

        if (r < 0)
                return r;
        print(s, o.out);
        return output_file_commit(&o, err);
}

/* A phase without a good sample has no file. */
static int write_hgrm(struct store *store, const struct summary *s, const char *dir,
                      struct error *err)
{
        if (mkdir(dir, 0777) < 0 && errno != EEXIST)
                return error_set_errno(err, -errno, "%s cannot be made", dir);
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct summary_phase *x = s->total.phases + p;
                _cleanup_(output_file_deinit)
                struct output_file o = {0};
                _cleanup_(freep)
                char *path = NULL;
                int r;

                if (x->count == x->failed)
                        continue;
                if (asprintf(&path, "%s/%s.hgrm", dir, phase_name(p)) < 0)
                        return error_set(err, -ENOMEM, "out of memory");
                r = output_file_open(path, &o, err);
                if (r == 0)
                        r = export_hgrm(store, (enum phase)p, o.out, err);
                if (r == 0)
                        r = output_file_commit(&o, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int write_all(const struct export *o, const char *what, struct error *err)
{
        _cleanup_(store_freep)
        struct store *store = NULL;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        int r;

        if (!o->csv && !o->junit && !o->openmetrics && !o->hgrm)
                return error_set(err, -EINVAL,
                                 "export: say in which format: --csv, --junit, --openmetrics or "
                                 "--hgrm");
        r = run_options_open(&o->run, what, &store, err);
        if (r == 0)
                r = summary_new(store, &s, err);
        if (r == 0 && o->csv)
                r = write_csv(store, o->csv, err);
        if (r == 0 && o->junit)
                r = write_summary(s, o->junit, export_junit, err);
        if (r == 0 && o->openmetrics)
                r = write_summary(s, o->openmetrics, export_openmetrics, err);
        if (r == 0 && o->hgrm)
                r = write_hgrm(store, s, o->hgrm, err);
        return r;
}

int report_export(int argc, char **argv)
{
        struct export o = {0};
        struct error err = ERROR_INIT;
        const char *what = "last";
        size_t n;
        int code, r;

        if (report_parse(&report_export_table, argc, argv, &o, &what, 1, &n, &code)) {
                r = write_all(&o, what, &err);
                code = r < 0 ? report_failed(r, &err) : EXIT_SUCCESS;
        }
        options_release(&report_export_table, &o);
        return code;
}
