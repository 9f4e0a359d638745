/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The upward axis of a still picture: round numbers from 0, or, for durations, whole powers of ten.
 * Pure.
 */

#include "report/html-gauges.h"

#define HTML_TICKS_MAX 6
#define HTML_HEIGHT    200 /* of a picture, in its own units; 1000 wide */

struct html_scale {
        bool log;
        double low, high; /* of the values, or of their log10 */
        size_t n_ticks;   /* evenly spaced */
        enum html_unit unit;
};

/* For values from min to max (min > 0 for durations). */
void html_scale_init(struct html_scale *s, enum html_unit unit, double min, double max);
/* Where a value stands, 0 (top) to HTML_HEIGHT. */
int html_scale_y(const struct html_scale *s, double value);
/* The i-th label from the top; "" where there would be too many. */
const char *html_scale_tick(const struct html_scale *s, size_t i, char *buf, size_t size);
