/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Series from CSV files that somebody else wrote. Memory is bounded whatever the file holds, and
 * what is wrong with it is said with the line's number.
 *
 * Columns are separated by commas, or by the semicolons or tabs the first line has instead; fields
 * may stand in double quotes, with "" for one in them. The first line names the columns, or is of
 * numbers already: then t is the first and the value the second. Empty lines and lines that begin
 * with # are passed over. Numbers are decimal, with a point.
 */

#include "base/error.h"
#include "report/stats-thin.h"

#define CSV_LINE_MAX    65536
#define CSV_COLUMNS_MAX 1024
#define CSV_POINTS_MAX  4000000 /* of more, every second is kept, or fourth, … */

struct csv_columns {
        const char *t, *value; /* names; NULL = "t" and "value", or the first two without names */
};

/*
 * Reads in to its end into *ret, initialised by this and owned by the caller also on failure. name:
 * the file's, for messages. -EINVAL it is not such a file, -EIO it could not be read, -ENOMEM.
 */
int csv_read(FILE *in, const char *name, const struct csv_columns *columns, struct stats_thin *ret,
             struct error *err) _warn_unused_;
