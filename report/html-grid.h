/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How often each duration came in each stretch of time, of every phase: what percentiles over time
 * and heat maps are drawn from. Durations are counted in cells of 1/32 of an octave (8 µs to 73
 * minutes; what is outside counts at the end), so that a grid of a week takes 20 MB however many
 * samples there are. Percentiles are good to 3 %; the maximum of every stretch is exact. The tables
 * have theirs from base/histogram.h, to three digits. Pure.
 */

#include "base/util.h"
#include "proto/soak.h"

#define HTML_GRID_OCTAVE    32 /* cells an octave */
#define HTML_GRID_FIRST_BIT 13
#define HTML_GRID_CELLS     ((42 - HTML_GRID_FIRST_BIT) * HTML_GRID_OCTAVE)

struct html_grid;

int html_grid_new(size_t n_buckets, struct html_grid **ret) _warn_unused_;
struct html_grid *html_grid_free(struct html_grid *g);
DEFINE_CLEANUP(struct html_grid *, html_grid_free)

void html_grid_add(struct html_grid *g, enum phase phase, size_t bucket, int64_t duration_ns);
/* Adds other, which has as many buckets, and empties it. */
void html_grid_move(struct html_grid *g, struct html_grid *other);

/* What n buckets from first on have together. */
struct html_grid_sum {
        int64_t max_ns;
        uint64_t count;
        uint64_t cells[HTML_GRID_CELLS];
};
void html_grid_sum(const struct html_grid *g, enum phase phase, size_t first, size_t n,
                   struct html_grid_sum *ret);
/* The duration at percentile p (0 < p <= 100), ns; 0 when there is none. */
double html_grid_percentile(const struct html_grid_sum *s, double p);
/* Where a cell begins, ns; cell may be HTML_GRID_CELLS. */
double html_grid_cell_ns(double cell);
