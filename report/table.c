/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tables and wrapped text; see table.h. It knows nothing of what it prints. */

#include <stdarg.h>

#include "report/table.h"

static size_t text_width(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += ((unsigned char)*s & 0xc0) != 0x80;
        return n;
}

void table_init(struct table *t, const char *align)
{
        *t = (struct table){.align = align, .columns = strlen(align)};
}

void table_deinit(struct table *t)
{
        for (size_t i = 0; i < t->n_cells; i++)
                free(t->cells[i]);
        free(t->cells);
        *t = (struct table){0};
}

void table_cell(struct table *t, const char *text)
{
        char **cells = reallocarray(t->cells, t->n_cells + 1, sizeof(*cells));

        if (!cells) {
                t->failed = true;
                return;
        }
        t->cells = cells;
        cells[t->n_cells] = strdup(text ? text : "-");
        if (cells[t->n_cells])
                t->n_cells++;
        else
                t->failed = true;
}

void table_cellf(struct table *t, const char *format, ...)
{
        char text[512];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        table_cell(t, text);
}

void table_row(struct table *t, const char *const *cells)
{
        for (size_t i = 0; i < t->columns; i++)
                table_cell(t, cells[i]);
}

void table_print(const struct table *t, const char *indent, FILE *out)
{
        size_t widths[TABLE_COLUMNS_MAX] = {0};

        if (t->failed || t->columns == 0 || t->columns > TABLE_COLUMNS_MAX)
                return;
        for (size_t i = 0; i < t->n_cells; i++)
                widths[i % t->columns] = MAX(widths[i % t->columns], text_width(t->cells[i]));
        for (size_t i = 0, blanks = 0; i < t->n_cells; i++) {
                size_t column = i % t->columns, pad = widths[column] - text_width(t->cells[i]);
                bool right = t->align[column] == 'r';

                if (column == 0)
                        fputs(indent, out);
                blanks += (column == 0 ? 0 : 2) + (right ? pad : 0);
                if (t->cells[i][0]) { /* only before something: none at the end of a line */
                        fprintf(out, "%*s%s", (int)blanks, "", t->cells[i]);
                        blanks = 0;
                }
                blanks += right ? 0 : pad;
                if (column + 1 == t->columns) {
                        fputc('\n', out);
                        blanks = 0;
                }
        }
}

static void put_printable(const char *s, size_t n, FILE *out)
{
        for (size_t i = 0; i < n; i++)
                fputc((unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i], out);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* How many bytes of s go on a line of at most width characters: to the last blank that fits, or as
 * many characters as fit. */
static size_t line_length(const char *s, size_t width)
{
        size_t n = 0, last_blank = 0, used = 0;

        for (; s[n] && s[n] != '\n'; n++) {
                if (((unsigned char)s[n] & 0xc0) != 0x80 && used++ == width)
                        return last_blank > 0 ? last_blank : n;
                if (is_blank(s[n]))
                        last_blank = n;
        }
        return n;
}

void text_wrap(const char *first, const char *text, size_t width, size_t max_lines, FILE *out)
{
        size_t indent = text_width(first), room = width > indent + 10 ? width - indent - 2 : 10;

        for (size_t line = 0; line < max_lines; line++) {
                size_t n;

                while (is_blank(*text))
                        text++;
                if (!*text && line > 0)
                        return;
                n = line_length(text, room);
                if (line == 0)
                        fputs(first, out);
                else
                        fprintf(out, "%*s", (int)indent, "");
                put_printable(text, n, out);
                text += n;
                if (line + 1 == max_lines && *text)
                        fputs(" …", out);
                fputc('\n', out);
        }
}
