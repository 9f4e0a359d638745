/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See metrics-text.h. */

#include "report/metrics-text.h"

#include <inttypes.h>

void metrics_family(struct metrics_writer *w, const char *name, const char *type, const char *help)
{
        bool info = streq(type, "info");
        /* the text format knows no info, and calls a counter by its whole name */
        const char *ending = w->openmetrics           ? ""
                             : info                   ? "_info"
                             : streq(type, "counter") ? "_total"
                                                      : "";

        w->name = name;
        w->suffix = info ? "_info" : streq(type, "counter") ? "_total" : "";
        fprintf(w->out, "# HELP %s%s %s\n", name, ending, help);
        fprintf(w->out, "# TYPE %s%s %s\n", name, ending, info && !w->openmetrics ? "gauge" : type);
}

static void put_label(const char *value, FILE *out)
{
        for (; *value; value++)
                switch (*value) {
                case '\\': fputs("\\\\", out); break;
                case '"': fputs("\\\"", out); break;
                case '\n': fputs("\\n", out); break;
                default: fputc(*value, out);
                }
}

void metrics_sample(struct metrics_writer *w, const char *part, double value,
                    const char *const *labels)
{
        fprintf(w->out, "%s%s%s", w->name, w->suffix, part ? part : "");
        for (size_t i = 0; labels[i]; i += 2) {
                fprintf(w->out, "%s%s=\"", i == 0 ? "{" : ",", labels[i]);
                put_label(labels[i + 1], w->out);
                fputc('"', w->out);
        }
        fprintf(w->out, "%s %.15g", labels[0] ? "}" : "", value);
        /* seconds in one format, milliseconds in the other */
        if (w->timestamp_ns > 0 && w->openmetrics)
                fprintf(w->out, " %" PRId64 ".%03" PRId64, w->timestamp_ns / NSEC_PER_SEC,
                        w->timestamp_ns % NSEC_PER_SEC / NSEC_PER_MSEC);
        else if (w->timestamp_ns > 0)
                fprintf(w->out, " %" PRId64, w->timestamp_ns / NSEC_PER_MSEC);
        fputc('\n', w->out);
}

void metrics_end(struct metrics_writer *w)
{
        if (w->openmetrics)
                fputs("# EOF\n", w->out);
}
