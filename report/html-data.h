/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is drawn of a run: everything against time, in buckets. Read from the store in one pass over
 * its samples; memory goes with buckets and hosts drawn, not with samples.
 *
 * Up to HTML_SLOTS_MAX hosts each have a line of their own. Of more there is one for all together.
 */

#include "report/html-axis.h"
#include "report/html-gauges.h"
#include "report/html-grid.h"
#include "report/summary.h"

#define HTML_SLOTS_MAX 8

struct html_value { /* of one gauge, in one bucket */
        double sum;
        union {
                double whole; /* SUM, while it is read: what begins and ends here */
                struct {
                        float min, max;
                };
        };
        uint32_t n; /* 0 = nothing is known */
};

struct html_band { /* of one phase, in one bucket; ns, 0 = none ended well */
        float p50, p99, max;
};

struct html_data {
        int64_t begin_ns, end_ns; /* of the run, realtime */
        struct html_axis axis;    /* of units and samples */
        struct html_axis slow;    /* of what is measured every few seconds */
        size_t n_slots;
        bool merged;                                /* the one slot is of all hosts */
        struct html_value *gauges[HTML_GAUGE_MAX_]; /* [slot][bucket]; NULL = none */
        struct html_band *bands;                    /* [all, slots…][phase][bucket] */
        struct html_grid *grid;                     /* of all hosts */
        int64_t *outside; /* of each host of the summary: samples whose time is not the run's */
};

int html_data_new(struct store *store, struct summary *summary, struct html_data **ret,
                  struct error *err) _warn_unused_;
struct html_data *html_data_free(struct html_data *d);
DEFINE_CLEANUP(struct html_data *, html_data_free)

const struct html_axis *html_gauge_axis(const struct html_data *d, enum html_gauge gauge);
/* What a bucket shows: NAN when nothing is known. */
double html_value_line(const struct html_data *d, enum html_gauge gauge, size_t slot,
                       size_t bucket);
/* The extreme beside it, for MEAN_MAX and MEAN_MIN. */
double html_value_extreme(const struct html_data *d, enum html_gauge gauge, size_t slot,
                          size_t bucket);
/* slot -1 = all hosts */
const struct html_band *html_bands(const struct html_data *d, int slot, enum phase phase);

/* ---- for html-read.c ---- */

/* A number for a gauge of a host at some time. */
int html_data_put(struct html_data *d, enum html_gauge gauge, size_t slot, int64_t at_ns,
                  double value) _warn_unused_;
/* weight more of a SUM gauge from one time to another. */
int html_data_span(struct html_data *d, enum html_gauge gauge, size_t slot, int64_t from_ns,
                   int64_t to_ns, double weight) _warn_unused_;
/* When all spans are in. */
void html_data_spans_end(struct html_data *d);
int html_data_read(struct html_data *d, struct store *store, struct summary *summary,
                   struct error *err) _warn_unused_;
