/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What still pictures have in common: the frame with its labels, and lines. */

#include "report/html-internal.h"
#include "report/html-scale.h"

/* A frame: labels beside and beneath, and an open svg between them, 1000 wide and HTML_HEIGHT high.
 * label_id: of the element that says in words what it shows. */
void html_begin_plot(const struct html_page *page, const char *label_id,
                     const struct html_scale *scale);
/* Wedges: once for all pictures, and in those whose window moves. */
void html_write_marks(const struct html_page *page, const struct html_axis *axis);
void html_end_plot(const struct html_page *page, const struct html_axis *axis);

/* How many buckets a column of a picture has. */
size_t html_column_buckets(const struct html_page *page, const struct html_axis *axis);
/* columns: a value for each, NAN = not known */
void html_write_line(const struct html_page *page, const struct html_axis *axis,
                     const struct html_scale *scale, const char *class, const double *columns);

/* Whether there is anything of it. */
bool html_gauge_drawn(const struct html_data *d, enum html_gauge gauge);
