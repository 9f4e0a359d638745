/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A run in the formats of other tools. Each writes to out and leaves it open; what cannot be
 * written shows there (ferror).
 */

#include "report/summary.h"

/* Every sample, a line each (RFC 4180 but for the line's end): t (seconds since the run began),
 * then the columns of the store. */
int export_csv(struct store *store, FILE *out, struct error *err) _warn_unused_;

/* JUnit's XML: a case for each verdict there may be and for each threshold. */
void export_junit(const struct summary *s, FILE *out);

/* OpenMetrics 1.0, every sample with the time at which the run ended. */
void export_openmetrics(const struct summary *s, FILE *out);

/* The same in the text format without times: what node_exporter's textfile collector takes. */
void export_textfile(const struct summary *s, FILE *out);

/* Of one phase's good samples, as HdrHistogram prints percentiles (.hgrm); values in ms. */
int export_hgrm(struct store *store, enum phase phase, FILE *out, struct error *err) _warn_unused_;
/* The same of a histogram; per_unit: of its values in one of those printed. */
void hgrm_print(const struct histogram *h, double per_unit, FILE *out);
