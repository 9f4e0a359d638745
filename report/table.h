/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A table for people: columns as wide as their widest cell, two blanks between them, no blanks at
 * the end of a line. Widths are counted in characters of UTF-8, not bytes.
 */

#include "base/util.h"

#define TABLE_COLUMNS_MAX 16

struct table {
        const char *align; /* a letter a column: 'l' or 'r'; borrowed */
        size_t columns;
        char **cells; /* row after row; owned */
        size_t n_cells;
        bool failed; /* out of memory: prints nothing */
};

void table_init(struct table *t, const char *align);
void table_deinit(struct table *t);

/* The next cell of the present row; NULL is "-". */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *format, ...) _printf_(2, 3);
/* A row of cells that are there as strings. */
void table_row(struct table *t, const char *const *cells);

/* Every line begins with indent. */
void table_print(const struct table *t, const char *indent, FILE *out);

/* Prints text, broken at blanks so that no line is wider than width; the first line begins with
 * first, the others with as many blanks. Control characters become '?'. At most max_lines. */
void text_wrap(const char *first, const char *text, size_t width, size_t max_lines, FILE *out);
