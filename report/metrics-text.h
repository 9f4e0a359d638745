/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Metrics as text, for Prometheus and whoever reads its formats: OpenMetrics 1.0, or the text
 * format 0.0.4, which node_exporter's textfile collector takes. Families begin with
 * metrics_family(), their samples follow.
 */

#include "base/util.h"

struct metrics_writer {
        FILE *out;
        bool openmetrics;     /* else the text format */
        int64_t timestamp_ns; /* of every sample; 0 = none */
        /* the family that was begun */
        const char *name, *suffix;
};

/* type: counter, gauge, info or summary. Names are without _total and _info. */
void metrics_family(struct metrics_writer *w, const char *name, const char *type, const char *help);

/* labels: name, value, …, NULL. part: NULL, or what a summary's sample is called ("_count"). */
void metrics_sample(struct metrics_writer *w, const char *part, double value,
                    const char *const *labels);
#define METRICS(w, value, ...)                                                                     \
        metrics_sample((w), NULL, (value), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

void metrics_end(struct metrics_writer *w);
