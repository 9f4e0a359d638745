/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Command lines and configuration files from one table: see options.h. */

#include "base/options.h"

#include <dirent.h>

#include "base/parse.h"
#include "base/text.h"
#include "build-config.h"

#define FILE_MAX    (1024 * 1024)
#define LIST_MAX    4096
#define HELP_COLUMN 28

/* ---- one value ---- */

static const struct option_spec *find(const struct option_table *t, const char *name, size_t n)
{
        for (size_t i = 0; i < t->n; i++)
                if (strlen(t->specs[i].name) == n && strncmp(t->specs[i].name, name, n) == 0)
                        return &t->specs[i];
        return NULL;
}

static const struct option_spec *find_short(const struct option_table *t, char c)
{
        for (size_t i = 0; i < t->n; i++)
                if (t->specs[i].short_name == c && c)
                        return &t->specs[i];
        return NULL;
}

static int set_string(const struct option_spec *o, const char *value, char **field,
                      struct error *err)
{
        char *copy;

        if (!value[0])
                return error_set(err, -EINVAL, "%s is empty: give a value", o->name);
        copy = strdup(value);
        if (!copy)
                return error_set(err, -ENOMEM, "out of memory");
        free(*field);
        *field = copy;
        return 0;
}

static void format_limit(const struct option_spec *o, int64_t v, char *buf, size_t size)
{
        if (o->type == OPTION_SIZE)
                format_size(v, buf, size);
        else if (o->type == OPTION_DURATION)
                format_duration(v, buf, size);
        else
                snprintf(buf, size, "%lld", (long long)v);
}

static int set_number(const struct option_spec *o, const char *value, int64_t *field,
                      struct error *err)
{
        static const char *const what[] = {
                [OPTION_INT] = "a whole number",
                [OPTION_SIZE] = "a size such as 512M or 4G",
                [OPTION_DURATION] = "a duration such as 30s, 5min or 24h",
        };
        char low[32], high[32];
        int r;

        if (o->type == OPTION_INT)
                r = parse_i64(value, o->min, o->max, field);
        else if (o->type == OPTION_SIZE)
                r = parse_size(value, o->min, o->max, field);
        else
                r = parse_duration(value, o->min, o->max, field);
        if (r == 0)
                return 0;
        format_limit(o, o->min, low, sizeof(low));
        format_limit(o, o->max, high, sizeof(high));
        if (r == -ERANGE)
                return error_set(err, -EINVAL, "%s \"%s\" is out of range: it must be %s to %s",
                                 o->name, TEXT_PRINTABLE(value), low, high);
        return error_set(err, -EINVAL, "%s \"%s\" is not %s", o->name, TEXT_PRINTABLE(value),
                         what[o->type]);
}

static int set_choice(const struct option_spec *o, const char *value, int *field, struct error *err)
{
        char list[256] = "";

        for (int i = 0; o->choices[i]; i++) {
                size_t used = strlen(list);

                if (streq(o->choices[i], value)) {
                        *field = i;
                        return 0;
                }
                snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", o->choices[i]);
        }
        return error_set(err, -EINVAL, "%s \"%s\" is not one of: %s", o->name,
                         TEXT_PRINTABLE(value), list);
}

static int set_value(const struct option_spec *o, const char *value, void *target,
                     struct error *err)
{
        void *field = (char *)target + o->offset;
        struct string_list *list = field;
        int r;

        switch (o->type) {
        case OPTION_FLAG:
                if (parse_bool(value, field) < 0)
                        return error_set(err, -EINVAL, "%s \"%s\" is neither yes nor no", o->name,
                                         TEXT_PRINTABLE(value));
                return 0;
        case OPTION_STRING: return set_string(o, value, field, err);
        case OPTION_INT:
        case OPTION_SIZE:
        case OPTION_DURATION: return set_number(o, value, field, err);
        case OPTION_LIST:
                if (!value[0])
                        return error_set(err, -EINVAL, "%s is empty: give a value", o->name);
                if (list->n >= LIST_MAX)
                        return error_set(err, -E2BIG, "%s is given too often", o->name);
                r = string_list_add(list, value);
                return r < 0 ? error_set(err, r, "out of memory") : 0;
        case OPTION_CHOICE: return set_choice(o, value, field, err);
        case OPTION_FUNC: return o->parse(value, field, err);
        }
        return error_set(err, -EINVAL, "%s has no type", o->name);
}

/* A layer (defaults, one file, the command line) replaces the lists of the
 * layers before it at its first use of them. */
static int set_in_layer(const struct option_table *t, const struct option_spec *o,
                        const char *value, void *target, bool *used, struct error *err)
{
        size_t i = (size_t)(o - t->specs);

        if (o->type == OPTION_LIST && !used[i])
                string_list_clear((struct string_list *)((char *)target + o->offset));
        used[i] = true;
        return set_value(o, value, target, err);
}

int options_defaults(const struct option_table *t, void *target, struct error *err)
{
        for (size_t i = 0; i < t->n; i++) {
                const struct option_spec *o = &t->specs[i];
                int r;

                if (!o->default_text)
                        continue;
                if (o->type == OPTION_LIST)
                        string_list_clear((struct string_list *)((char *)target + o->offset));
                r = set_value(o, o->default_text, target, err);
                if (r < 0)
                        return error_prefix(err, "default of --%s", o->name);
        }
        return 0;
}

/* ---- the command line ---- */

struct argv_reader {
        const struct option_table *table;
        char **argv;
        int argc, at;
        void *target;
        bool *used;
        struct error *err;
};

static int unknown(const struct argv_reader *a, const char *arg)
{
        return error_set(a->err, -EINVAL, "unknown option \"%s\": see %s --help",
                         TEXT_PRINTABLE(arg), a->table->program);
}

static int set_from(struct argv_reader *a, const struct option_spec *o, const char *value)
{
        int r;

        if (!value && o->type == OPTION_FLAG)
                value = "yes";
        if (!value) {
                if (a->at + 1 >= a->argc)
                        return error_set(a->err, -EINVAL, "--%s needs a value: %s", o->name,
                                         o->arg);
                value = a->argv[++a->at];
        }
        r = set_in_layer(a->table, o, value, a->target, a->used, a->err);
        return r < 0 ? (error_prefix(a->err, "command line, --%s", o->name), r) : 0;
}

static int read_long(struct argv_reader *a, const char *arg)
{
        const char *name = arg + 2, *value = strchr(name, '=');
        size_t n = value ? (size_t)(value - name) : strlen(name);
        const struct option_spec *o = find(a->table, name, n);

        if (o)
                return set_from(a, o, value ? value + 1 : NULL);
        if (!value && startswith(name, "no-")) {
                o = find(a->table, name + 3, n - 3);
                if (o && o->type == OPTION_FLAG)
                        return set_from(a, o, "no");
        }
        return unknown(a, arg);
}

static int read_short(struct argv_reader *a, const char *arg)
{
        const struct option_spec *o = find_short(a->table, arg[1]);

        if (!o)
                return unknown(a, arg);
        if (arg[2] && o->type == OPTION_FLAG)
                return unknown(a, arg);
        return set_from(a, o, arg[2] ? arg + 2 : NULL);
}

int options_parse_argv(const struct option_table *t, int argc, char **argv, void *target,
                       char **ret_rest, size_t *ret_n_rest, struct error *err)
{
        _cleanup_(freep)
        bool *used = calloc(t->n + 1, sizeof(*used));
        struct argv_reader a = {t, argv, argc, 1, target, used, err};
        bool only_rest = false;
        size_t n = 0;

        if (!used)
                return error_set(err, -ENOMEM, "out of memory");
        for (; a.at < argc; a.at++) {
                char *arg = argv[a.at];
                int r;

                if (only_rest || arg[0] != '-' || !arg[1]) {
                        ret_rest[n++] = arg;
                        continue;
                }
                if (streq(arg, "--")) {
                        only_rest = true;
                        continue;
                }
                if (streq(arg, "--help") || streq(arg, "-h")) {
                        options_print_help(t, stdout);
                        return 1;
                }
                if (streq(arg, "--version")) {
                        printf("%s %s\n", t->program, VERSION);
                        return 1;
                }
                r = arg[1] == '-' ? read_long(&a, arg) : read_short(&a, arg);
                if (r < 0)
                        return r;
        }
        *ret_n_rest = n;
        return 0;
}

/* ---- files ---- */

static int read_line(const struct option_table *t, char *line, void *target, bool *used,
                     struct error *err)
{
        const struct option_spec *o;
        char *equals, *key;

        line = text_trim(line);
        if (!line[0] || line[0] == '#')
                return 0;
        equals = strchr(line, '=');
        if (!equals)
                return error_set(err, -EINVAL, "\"%s\" is not of the form key = value",
                                 TEXT_PRINTABLE(line));
        *equals = '\0';
        key = text_trim(line);
        o = find(t, key, strlen(key));
        if (!o)
                return error_set(err, -EINVAL, "unknown key \"%s\": see %s --help for the keys",
                                 TEXT_PRINTABLE(key), t->program);
        if (!o->file_ok)
                return error_set(err, -EINVAL, "\"%s\" can only be given on the command line", key);
        return set_in_layer(t, o, text_trim(equals + 1), target, used, err);
}

int options_parse_file(const struct option_table *t, const char *path, void *target,
                       struct error *err)
{
        _cleanup_(freep)
        bool *used = calloc(t->n + 1, sizeof(*used));
        _cleanup_(freep)
        char *text = NULL;
        char *line, *rest;
        int r;

        if (!used)
                return error_set(err, -ENOMEM, "out of memory");
        r = text_read_file(path, FILE_MAX, &text);
        if (r == -ENOENT)
                return r;
        if (r < 0)
                return error_set_errno(err, r, "configuration file %s", path);
        rest = text;
        for (int n = 1; (line = strsep(&rest, "\n")); n++) {
                r = read_line(t, line, target, used, err);
                if (r < 0)
                        return error_prefix(err, "%s:%d", path, n), r;
        }
        return 0;
}

static int is_conf(const struct dirent *d)
{
        size_t n = strlen(d->d_name);

        return d->d_name[0] != '.' && n > 5 && streq(d->d_name + n - 5, ".conf");
}

static int parse_dropins(const struct option_table *t, const char *dir, void *target,
                         struct error *err)
{
        struct dirent **names = NULL;
        int n = scandir(dir, &names, is_conf, alphasort), r = 0;

        if (n < 0)
                return errno == ENOENT ? 0 : error_set_errno(err, -errno, "directory %s", dir);
        for (int i = 0; i < n; i++) {
                _cleanup_(freep)
                char *path = NULL;

                if (r == 0 && asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0)
                        r = error_set(err, -ENOMEM, "out of memory");
                if (r == 0)
                        r = options_parse_file(t, path, target, err);
                free(names[i]);
        }
        free(names);
        return r;
}

int options_parse_config(const struct option_table *t, const char *path, void *target,
                         struct error *err)
{
        _cleanup_(freep)
        char *dir = NULL;
        int r = options_parse_file(t, path, target, err);

        if (r < 0 && r != -ENOENT)
                return r;
        if (asprintf(&dir, "%s.d", path) < 0)
                return error_set(err, -ENOMEM, "out of memory");
        return parse_dropins(t, dir, target, err);
}

/* ---- help ---- */

static void print_option(const struct option_spec *o, FILE *out)
{
        char left[128], shorter[8] = "    ";
        int n;

        if (o->short_name)
                snprintf(shorter, sizeof(shorter), "-%c, ", o->short_name);
        n = snprintf(left, sizeof(left), "  %s--%s%s%s", shorter, o->name, o->arg ? " " : "",
                     o->arg ?: "");
        if (n < HELP_COLUMN)
                fprintf(out, "%-*s", HELP_COLUMN, left);
        else
                fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
        fputs(o->help, out);
        if (o->default_text && o->type != OPTION_FLAG)
                fprintf(out, " [%s]", o->default_text);
        fputc('\n', out);
}

void options_print_help(const struct option_table *t, FILE *out)
{
        fprintf(out, "Usage: %s\n\n%s\n", t->usage, t->description);
        for (size_t i = 0; i < t->n; i++) {
                if (t->specs[i].group)
                        fprintf(out, "\n%s:\n", t->specs[i].group);
                print_option(&t->specs[i], out);
        }
        fputs("\nOther:\n", out);
        fprintf(out, "%-*s%s\n", HELP_COLUMN, "  -h, --help", "this text");
        fprintf(out, "%-*s%s\n", HELP_COLUMN, "      --version", "the version");
}

void options_release(const struct option_table *t, void *target)
{
        for (size_t i = 0; i < t->n; i++) {
                void *field = (char *)target + t->specs[i].offset;

                if (t->specs[i].type == OPTION_STRING)
                        free(TAKE(*(char **)field));
                else if (t->specs[i].type == OPTION_LIST)
                        string_list_clear(field);
        }
}
