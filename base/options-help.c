/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is told about options: --help, the nearest name to a mistyped one, and
 * the check that texts about the program and its table say the same.
 */

#include "base/options-internal.h"

#define WIDTH       80
#define HELP_COLUMN 30
#define NEAR        2 /* edits within which a name counts as mistyped */
#define NAME_LENGTH 64

static const char *const builtins[] = {"help", "version"};

/* -- help ---------------------------------------------------------------------------------- */

/* Prints words from column on, broken at WIDTH; the first line goes on where the cursor is. */
static void print_wrapped(FILE *out, const char *text, size_t column)
{
        size_t at = column;

        while (*text) {
                size_t n = strcspn(text, " \n"), blank = at > column;

                if (at + blank + n > WIDTH && at > column) {
                        fprintf(out, "\n%*s", (int)column, "");
                        at = column;
                        blank = 0;
                }
                fprintf(out, "%s%.*s", blank ? " " : "", (int)n, text);
                at += blank + n;
                text += n;
                text += strspn(text, " \n");
        }
        fputc('\n', out);
}

static void print_option(FILE *out, char short_name, const char *name, const char *arg,
                         const char *help)
{
        int n = 0;

        if (short_name)
                n += fprintf(out, "  -%c, ", short_name);
        else
                n += fprintf(out, "      ");
        n += fprintf(out, "--%s", name);
        if (arg)
                n += fprintf(out, " %s", arg);
        if (n > HELP_COLUMN - 2) {
                fputc('\n', out);
                n = 0;
        }
        fprintf(out, "%*s", HELP_COLUMN - n, "");
        print_wrapped(out, help, HELP_COLUMN);
}

/* Entries of a list stand in lines; "; " between them reads better. */
static void default_text(const char *text, char *buf, size_t size)
{
        size_t n = (size_t)snprintf(buf, size, " (default: ");

        for (; *text && n + 4 < size; text++)
                if (*text == '\n')
                        n += (size_t)snprintf(buf + n, size - n, "; ");
                else
                        buf[n++] = *text;
        snprintf(buf + n, size - n, ")");
}

/* The line of help with what else is to be known and it does not say itself. */
static void help_text(const struct option_spec *spec, char *buf, size_t size)
{
        size_t n = (size_t)snprintf(buf, size, "%s", spec->help);
        bool says_choices = true;

        for (size_t i = 0; spec->type == OPTION_CHOICE && spec->choices[i]; i++)
                says_choices &= strstr(spec->help, spec->choices[i]) != NULL;
        for (size_t i = 0; !says_choices && spec->choices[i] && n < size; i++)
                n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : ": ", spec->choices[i]);
        if (spec->type == OPTION_LIST && !strstr(spec->help, "repeatable") && n < size)
                n += (size_t)snprintf(buf + n, size - n, "; repeatable");
        if (spec->default_text && spec->type == OPTION_FLAG && n < size)
                n += (size_t)snprintf(buf + n, size - n, " (default: %s; off with --no-%s)",
                                      spec->default_text, spec->name);
        else if (spec->default_text && n < size)
                default_text(spec->default_text, buf + n, size - n);
}

void options_print_help(const struct option_table *table, FILE *out)
{
        char text[1024];

        fprintf(out, "Usage: %s\n\n", table->usage);
        print_wrapped(out, table->description, 0);
        for (size_t i = 0; i < table->n; i++) {
                const struct option_spec *spec = &table->specs[i];

                if (spec->group || i == 0)
                        fprintf(out, "\n%s:\n", spec->group ? spec->group : "Options");
                help_text(spec, text, sizeof(text));
                print_option(out, spec->short_name, spec->name, spec->arg, text);
        }
        fputc('\n', out);
        print_option(out, 'h', "help", NULL, "show this and exit");
        print_option(out, 0, "version", NULL, "show the version and exit");
}

void options_print_names(const struct option_table *table, FILE *out)
{
        for (size_t i = 0; i < table->n; i++)
                fprintf(out, "--%s\n", table->specs[i].name);
        for (size_t i = 0; i < ELEMENTSOF(builtins); i++)
                fprintf(out, "--%s\n", builtins[i]);
}

/* -- mistyped names ------------------------------------------------------------------------ */

/* Levenshtein's distance; strings of NAME_LENGTH and more are far from everything. */
static size_t distance(const char *a, const char *b)
{
        size_t row[NAME_LENGTH], n = strlen(b);

        if (strlen(a) >= NAME_LENGTH || n >= NAME_LENGTH)
                return NAME_LENGTH;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 0; a[i]; i++) {
                size_t diagonal = row[0];

                row[0] = i + 1;
                for (size_t j = 0; j < n; j++) {
                        size_t up = row[j + 1], least = MIN(up, row[j]) + 1;

                        row[j + 1] = MIN(least, diagonal + (a[i] != b[j]));
                        diagonal = up;
                }
        }
        return row[n];
}

const char *option_suggest(const struct option_table *table, const char *name, bool in_file)
{
        const char *best = NULL;
        size_t least = MIN((size_t)NEAR, strlen(name) / 2) + 1;

        for (size_t i = 0; i < table->n; i++) {
                size_t d = distance(name, table->specs[i].name);

                if (in_file && !table->specs[i].file_ok)
                        continue;
                if (d < least) {
                        least = d;
                        best = table->specs[i].name;
                }
        }
        return best;
}

/* -- texts about the program --------------------------------------------------------------- */

static bool is_name_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* The next --word at or behind *text, its length without the dashes; *text is moved to it. */
static size_t next_option(const char **text)
{
        const char *begin = *text;

        for (const char *p = begin; (p = strstr(p, "--")); p += 2) {
                size_t n = 0;

                if (p > begin && (is_name_character(p[-1]) || p[-1] == '\\')) {
                        p += strspn(p, "-") - 1;
                        continue;
                }
                while (is_name_character(p[2 + n]))
                        n++;
                if (n == 0 || p[2] == '-')
                        continue;
                *text = p + 2;
                return n;
        }
        return 0;
}

static bool is_known(const struct option_table *table, const char *name, size_t n,
                     const char *const *others)
{
        const struct option_spec *spec = option_find(table, name, n);

        for (size_t i = 0; i < ELEMENTSOF(builtins); i++)
                if (strlen(builtins[i]) == n && strncmp(builtins[i], name, n) == 0)
                        return true;
        for (; others && *others; others++)
                if (strlen(*others) == n && strncmp(*others, name, n) == 0)
                        return true;
        if (!spec && n > 3 && startswith(name, "no-")) {
                spec = option_find(table, name + 3, n - 3);
                return spec && spec->type == OPTION_FLAG;
        }
        return spec != NULL;
}

static bool is_mentioned(const char *text, const char *name)
{
        size_t n;

        while ((n = next_option(&text)) > 0) {
                if (strlen(name) == n && strncmp(text, name, n) == 0)
                        return true;
                text += n;
        }
        return false;
}

int options_check_text(const struct option_table *table, const char *text,
                       const char *const *others, struct error *err)
{
        const char *p = text;
        size_t n;

        while ((n = next_option(&p)) > 0) {
                if (!is_known(table, p, n, others))
                        return error_set(err, -EINVAL,
                                         "The text has --%.*s, which is no option of %s", (int)n, p,
                                         table->program);
                p += n;
        }
        for (size_t i = 0; i < table->n; i++)
                if (!is_mentioned(text, table->specs[i].name))
                        return error_set(err, -EINVAL, "The text does not say what --%s is",
                                         table->specs[i].name);
        return 0;
}
