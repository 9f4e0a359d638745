/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A run as one HTML file: verdict and why, key figures, tables, wedges with their evidence, and
 * time lines one can zoom. It asks nothing of the network (a Content-Security-Policy in the page
 * forbids it), so that it opens from a mail attachment; without scripts its tables and still
 * pictures remain. The same store gives the same bytes.
 *
 * It is never larger than HTML_SIZE_MAX: times are put into at most HTML_BUCKETS_MAX buckets whose
 * maxima are kept, and where that is not enough, long lists are cut and say so.
 */

#include "report/summary.h"

#define HTML_SIZE_MAX 1000000

/*
 * Reads the store and writes path, as report/output-file.h does: complete or not at all. Evidence
 * that was fetched into RUN_DIR/evidence is linked relative to path. -EFBIG when even the shortest
 * page is too large.
 */
int report_html_write(struct store *store, const char *path, struct error *err) _warn_unused_;
/* The same of a run whose summary is there already. */
int report_html_write_summary(struct store *store, struct summary *summary, const char *path,
                              struct error *err) _warn_unused_;
