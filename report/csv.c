/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Series from CSV; see csv.h. */

#include <inttypes.h>
#include <math.h>

#include "base/text.h"
#include "report/csv.h"

struct reader {
        FILE *in;
        const char *name;
        struct error *err;
        uint64_t number; /* of the line that was read last */
        char separator;  /* 0 = no line yet */
        size_t t, value; /* columns */
        char line[CSV_LINE_MAX];
        char *fields[CSV_COLUMNS_MAX];
        size_t n_fields;
};

static int _printf_(2, 3) wrong(struct reader *r, const char *format, ...)
{
        char text[sizeof(r->err->text)];
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return error_set(r->err, -EINVAL, "%s, line %" PRIu64 ": %s", r->name, r->number, text);
}

/* 1 = there is a line, 0 = the end. */
static int read_line(struct reader *r)
{
        size_t n = 0;
        int c = getc_unlocked(r->in);

        if (c == EOF)
                return ferror(r->in) ? -EIO : 0;
        r->number++;
        for (; c != EOF && c != '\n'; c = getc_unlocked(r->in)) {
                if (c == 0)
                        return wrong(r, "a NUL; this is no text");
                if (n + 1 >= sizeof(r->line))
                        return wrong(r, "longer than %d bytes", CSV_LINE_MAX - 1);
                r->line[n++] = (char)c;
        }
        if (ferror(r->in))
                return -EIO;
        while (n > 0 && r->line[n - 1] == '\r')
                n--;
        r->line[n] = '\0';
        if (r->number == 1 && startswith(r->line, "\xef\xbb\xbf"))
                memmove(r->line, r->line + 3, n - 2);
        return 1;
}

/* Takes the quotes off a field that begins at p, in place; returns behind it, or NULL. */
static char *unquote(char *p, char **ret_field)
{
        char *out = p;

        *ret_field = p;
        for (p++;; p++) {
                if (!*p)
                        return NULL;
                if (*p == '"' && *++p != '"')
                        break;
                *out++ = *p;
        }
        if (out < p) /* there is room: the quotes are gone */
                *out = '\0';
        return p;
}

static char find_separator(const char *line)
{
        static const char separators[] = ",;\t";

        for (const char *s = separators; *s; s++)
                if (strchr(line, *s))
                        return *s;
        return ',';
}

static int split(struct reader *r)
{
        char *p = r->line;

        if (!r->separator)
                r->separator = find_separator(p);
        r->n_fields = 0;
        for (;;) {
                char *end, *field;

                if (r->n_fields == CSV_COLUMNS_MAX)
                        return wrong(r, "more than %d columns", CSV_COLUMNS_MAX);
                while (*p == ' ')
                        p++;
                if (*p == '"') {
                        end = unquote(p, &field);
                        if (!end)
                                return wrong(r, "a quote is not closed");
                        end += strspn(end, " ");
                        if (*end && *end != r->separator)
                                return wrong(r, "something stands behind a closed quote");
                } else {
                        field = p;
                        end = strchrnul(p, r->separator);
                }
                r->fields[r->n_fields++] = field;
                p = end + 1;
                if (!*end)
                        break;
                *end = '\0';
        }
        for (size_t i = 0; i < r->n_fields; i++)
                r->fields[i] = text_trim(r->fields[i]);
        return 0;
}

static bool parse_number(const char *s, double *ret)
{
        char *end;
        double d;

        if (!*s || strspn(s, "0123456789+-.eE") != strlen(s))
                return false;
        d = strtod(s, &end);
        if (*end || !(fabs(d) <= 1e300))
                return false;
        *ret = d;
        return true;
}

static int find_column(struct reader *r, const char *name, const char *option, size_t *ret)
{
        char names[256] = "";
        size_t n = 0;

        for (size_t i = 0; i < r->n_fields; i++) {
                if (streq(r->fields[i], name)) {
                        *ret = i;
                        return 0;
                }
                if (n < sizeof(names) - 1)
                        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? ", " : "",
                                              TEXT_PRINTABLE(r->fields[i]));
        }
        return wrong(r, "no column is called %s; there are: %s%s (%s NAME chooses)",
                     TEXT_PRINTABLE(name), names, n >= sizeof(names) ? "…" : "", option);
}

/* The first line: names, unless all the others are numbers as well. 1 = it was one of names. */
static int read_head(struct reader *r, const struct csv_columns *c)
{
        bool numbers = true;
        double d;
        int e;

        for (size_t i = 0; i < r->n_fields; i++)
                numbers &= parse_number(r->fields[i], &d);
        if (numbers) {
                if (c->t || c->value)
                        return wrong(r, "columns have no names here, so none can be chosen by it");
                r->t = 0;
                r->value = 1;
                return 0;
        }
        e = find_column(r, c->t ?: "t", "--t", &r->t);
        if (e == 0)
                e = find_column(r, c->value ?: "value", "--value", &r->value);
        return e < 0 ? e : 1;
}

static int read_number(struct reader *r, size_t column, double *ret)
{
        if (column >= r->n_fields)
                return wrong(r, "%zu column%s, and column %zu is wanted", r->n_fields,
                             r->n_fields == 1 ? "" : "s", column + 1);
        if (!parse_number(r->fields[column], ret))
                return wrong(r,
                             "'%s' is not a number, or beyond 1e300; leave the line out if it "
                             "is not known",
                             TEXT_PRINTABLE(r->fields[column]));
        return 0;
}

static int read_all(struct reader *r, const struct csv_columns *columns, struct stats_thin *ret)
{
        bool first = true;
        int e;

        while ((e = read_line(r)) > 0) {
                double t, value;

                if (r->line[strspn(r->line, " \t")] == '\0' || r->line[0] == '#')
                        continue;
                e = split(r);
                if (e == 0 && first)
                        e = read_head(r, columns);
                first = false;
                if (e > 0)
                        continue;
                if (e == 0)
                        e = read_number(r, r->t, &t);
                if (e == 0)
                        e = read_number(r, r->value, &value);
                if (e == 0)
                        e = stats_thin_add(ret, t, value);
                if (e < 0)
                        break;
        }
        if (e == 0 && first)
                return error_set(r->err, -EINVAL, "%s is empty", r->name);
        return e;
}

int csv_read(FILE *in, const char *name, const struct csv_columns *columns, struct stats_thin *ret,
             struct error *err)
{
        _cleanup_(freep)
        struct reader *r = calloc(1, sizeof(*r));
        int e;

        stats_thin_init(ret, CSV_POINTS_MAX);
        if (!r)
                return -ENOMEM;
        *r = (struct reader){.in = in, .name = name, .err = err};
        e = read_all(r, columns, ret);
        if (e == -EIO) {
                e = errno == EISDIR ? -EINVAL : -EIO;
                error_set(err, e, "%s cannot be read: %s", name, strerror(errno));
        }
        return e;
}
