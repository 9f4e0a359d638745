/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Values and the command line; see options.h. Files are read in options-file.c,
 * help is printed in options-help.c. getopt_long() is not used: it abbreviates,
 * prints by itself and keeps its own second list of the options.
 */

#include <inttypes.h>

#include "base/options-internal.h"
#include "base/parse.h"
#include "base/text.h"
#include "build-config.h"

const struct option_spec *option_find(const struct option_table *table, const char *name,
                                      size_t length)
{
        for (size_t i = 0; i < table->n; i++)
                if (strncmp(table->specs[i].name, name, length) == 0 &&
                    table->specs[i].name[length] == '\0')
                        return &table->specs[i];
        return NULL;
}

/* -- values -------------------------------------------------------------------------------- */

/* "1 to 1024", in the unit people write */
static const char *limits_text(enum option_type type, int64_t min, int64_t max, char *buf,
                               size_t size)
{
        char a[32], b[32];

        if (type == OPTION_DURATION) {
                format_duration(min, a, sizeof(a));
                format_duration(max, b, sizeof(b));
        } else if (type == OPTION_SIZE) {
                format_size(min, a, sizeof(a));
                format_size(max, b, sizeof(b));
        } else {
                snprintf(a, sizeof(a), "%" PRId64, min);
                snprintf(b, sizeof(b), "%" PRId64, max);
        }
        if (max == INT64_MAX)
                snprintf(buf, size, "at least %s", a);
        else
                snprintf(buf, size, "%s to %s", a, b);
        return buf;
}

static int set_number(const struct option_spec *spec, const char *value, int64_t *field,
                      struct error *err)
{
        static const struct {
                int (*parse)(const char *, int64_t, int64_t, int64_t *);
                const char *form;
        } forms[] = {
                [OPTION_INT] = {parse_i64, "a whole number"},
                [OPTION_SIZE] = {parse_size, "a size: a whole number, with K, M, G or T behind it "
                                             "if need be, as in 512M"},
                [OPTION_DURATION] = {parse_duration, "a duration: a number with ms, s, m, h or d "
                                                     "behind it, as in 90s or 1h30m"},
        };
        int64_t min = spec->min, max = spec->max;
        char limits[80];
        int r;

        if (min == 0 && max == 0)
                max = INT64_MAX;
        r = forms[spec->type].parse(value, min, max, field);
        if (r == -EINVAL)
                return error_set(err, r, "\"%s\" is not %s", TEXT_PRINTABLE(value),
                                 forms[spec->type].form);
        if (r < 0)
                return error_set(err, -EINVAL, "\"%s\" is outside the limits, must be %s",
                                 TEXT_PRINTABLE(value),
                                 limits_text(spec->type, min, max, limits, sizeof(limits)));
        return 0;
}

static int set_choice(const struct option_spec *spec, const char *value, int *field,
                      struct error *err)
{
        char words[256] = "";
        size_t n = 0;

        for (int i = 0; spec->choices[i]; i++) {
                if (streq(spec->choices[i], value)) {
                        *field = i;
                        return 0;
                }
                n += (size_t)snprintf(words + n, sizeof(words) - n, "%s%s", i ? ", " : "",
                                      spec->choices[i]);
                n = MIN(n, sizeof(words) - 1);
        }
        return error_set(err, -EINVAL, "\"%s\" is none of %s", TEXT_PRINTABLE(value), words);
}

static int set_string(const char *value, char **field)
{
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*field);
        *field = copy;
        return 0;
}

static int set_value(const struct option_spec *spec, const char *value, void *field, bool first,
                     struct error *err)
{
        int r;

        if (*value == '\0' && spec->type != OPTION_FUNC)
                return error_set(err, -EINVAL, "the value is empty, must be %s",
                                 spec->arg ? spec->arg : "yes or no");
        if (!utf8_valid(value, strlen(value)))
                return error_set(err, -EINVAL, "\"%s\" is not UTF-8", TEXT_PRINTABLE(value));
        if (spec->check && (r = spec->check(value, err)) < 0)
                return r;
        switch (spec->type) {
        case OPTION_FLAG:
                if (parse_bool(value, field) < 0)
                        return error_set(err, -EINVAL, "\"%s\" is not yes or no",
                                         TEXT_PRINTABLE(value));
                return 0;
        case OPTION_STRING: return set_string(value, field);
        case OPTION_INT:
        case OPTION_SIZE:
        case OPTION_DURATION: return set_number(spec, value, field, err);
        case OPTION_LIST:
                if (first)
                        string_list_clear(field);
                return string_list_add(field, value);
        case OPTION_CHOICE: return set_choice(spec, value, field, err);
        case OPTION_FUNC:
                r = spec->parse(value, field, err);
                if (r < 0)
                        error_set(err, r, "\"%s\" cannot be used", TEXT_PRINTABLE(value));
                return r;
        }
        return -EINVAL;
}

int option_set(const struct option_table *table, const struct option_spec *spec, const char *value,
               void *target, bool *seen, const char *where, struct error *err)
{
        bool *mine = &seen[spec - table->specs];
        int r = set_value(spec, value, (char *)target + spec->offset, !*mine, err);

        *mine = true;
        if (r < 0) {
                error_set_errno(err, r, "cannot be kept");
                error_prefix(err, "%s", where);
        }
        return r;
}

static int set_default(const struct option_table *table, const struct option_spec *spec,
                       void *target, bool *seen, struct error *err)
{
        _cleanup_(freep)
        char *copy = strdup(spec->default_text);
        char *rest = copy, *one, where[80];
        int r = 0;

        if (!copy)
                return -ENOMEM;
        snprintf(where, sizeof(where), "Default of --%s", spec->name);
        if (spec->type != OPTION_LIST)
                return option_set(table, spec, copy, target, seen, where, err);
        while (r == 0 && (one = strsep(&rest, "\n")))
                r = option_set(table, spec, one, target, seen, where, err);
        return r;
}

int options_defaults(const struct option_table *table, void *target, struct error *err)
{
        _cleanup_(freep)
        bool *seen = calloc(table->n, sizeof(*seen));

        if (!seen)
                return -ENOMEM;
        for (size_t i = 0; i < table->n; i++) {
                int r = 0;

                if (table->specs[i].default_text)
                        r = set_default(table, &table->specs[i], target, seen, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

void options_release(const struct option_table *table, void *target)
{
        for (size_t i = 0; i < table->n; i++) {
                void *field = (char *)target + table->specs[i].offset;

                if (table->specs[i].type == OPTION_STRING) {
                        free(*(char **)field);
                        *(char **)field = NULL;
                } else if (table->specs[i].type == OPTION_LIST) {
                        string_list_clear(field);
                }
        }
}

/* -- the command line ---------------------------------------------------------------------- */

struct parser {
        const struct option_table *table;
        char **argv;
        int argc, i;
        void *target;
        bool *seen;
        struct error *err;
};

static const struct option_spec *find_short(const struct option_table *table, char c)
{
        for (size_t i = 0; i < table->n; i++)
                if (table->specs[i].short_name == c)
                        return &table->specs[i];
        return NULL;
}

/* The option an argument is, NULL if it is none. *ret_value: behind '='; *ret_off: --no-…. */
static const struct option_spec *recognise(const struct option_table *table, const char *arg,
                                           const char **ret_value, bool *ret_off)
{
        const struct option_spec *spec;
        const char *name, *equals;
        size_t length;

        *ret_value = NULL;
        *ret_off = false;
        if (arg[0] == '-' && arg[1] != '-' && arg[1] != '\0')
                return arg[2] == '\0' ? find_short(table, arg[1]) : NULL;
        if (!startswith(arg, "--"))
                return NULL;
        name = arg + 2;
        equals = strchr(name, '=');
        length = equals ? (size_t)(equals - name) : strlen(name);
        spec = option_find(table, name, length);
        if (!spec && startswith(name, "no-") && length > 3) {
                spec = option_find(table, name + 3, length - 3);
                if (spec && spec->type != OPTION_FLAG)
                        spec = NULL;
                *ret_off = spec != NULL;
        }
        *ret_value = equals ? equals + 1 : NULL;
        return spec;
}

static int unknown(struct parser *p, const char *arg)
{
        char name[64];
        const char *near;
        size_t dashes = strspn(arg, "-");

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + dashes, "="), arg + dashes);
        near = option_suggest(p->table, name, false);
        if (near)
                return error_set(p->err, -EINVAL, "Unknown option %s; did you mean --%s?",
                                 TEXT_PRINTABLE(arg), near);
        return error_set(p->err, -EINVAL, "Unknown option %s; `%s --help` lists them",
                         TEXT_PRINTABLE(arg), p->table->program);
}

/* The value of the option at p->i: behind its '=', or the next argument. */
static int take_value(struct parser *p, const struct option_spec *spec, const char **value)
{
        const char *ignored;
        bool off;

        if (*value)
                return 0;
        if (p->i + 1 >= p->argc)
                return error_set(p->err, -EINVAL, "--%s needs a value: --%s %s", spec->name,
                                 spec->name, spec->arg ? spec->arg : "VALUE");
        *value = p->argv[p->i + 1];
        if (startswith(*value, "--") && recognise(p->table, *value, &ignored, &off))
                return error_set(p->err, -EINVAL,
                                 "--%s needs a value, but %s follows, which is an option itself; "
                                 "write --%s=%s if that is meant",
                                 spec->name, TEXT_PRINTABLE(*value), spec->name,
                                 TEXT_PRINTABLE(*value));
        p->i++;
        return 0;
}

static int parse_option(struct parser *p)
{
        const char *arg = p->argv[p->i], *value;
        const struct option_spec *spec;
        char where[80];
        bool off;
        int r = 0;

        spec = recognise(p->table, arg, &value, &off);
        if (!spec)
                return unknown(p, arg);
        if (spec->type == OPTION_FLAG && value)
                return error_set(p->err, -EINVAL,
                                 "--%s takes no value; --%s turns it on, --no-%s off", spec->name,
                                 spec->name, spec->name);
        if (spec->type == OPTION_FLAG)
                value = off ? "no" : "yes";
        else
                r = take_value(p, spec, &value);
        if (r < 0)
                return r;
        snprintf(where, sizeof(where), "--%s", spec->name);
        return option_set(p->table, spec, value, p->target, p->seen, where, p->err);
}

/* --help and --version are every program's, unless its table has one of its own. */
static bool is_builtin(const struct option_table *table, const char *arg)
{
        const char *ignored;
        bool off;

        if (recognise(table, arg, &ignored, &off))
                return false;
        if (streq(arg, "--help") || streq(arg, "-h"))
                options_print_help(table, stdout);
        else if (streq(arg, "--version"))
                printf("%s %s\n", table->program, VERSION);
        else
                return false;
        return true;
}

int options_parse_argv(const struct option_table *table, int argc, char **argv, void *target,
                       char **ret_rest, size_t *ret_n_rest, struct error *err)
{
        _cleanup_(freep)
        bool *seen = calloc(table->n, sizeof(*seen));
        struct parser p = {
                .table = table, .argv = argv, .argc = argc, .target = target, .err = err};
        bool only_rest = false;
        size_t n = 0;
        int r;

        if (!seen)
                return -ENOMEM;
        p.seen = seen;
        for (p.i = 1; p.i < argc; p.i++) {
                char *arg = argv[p.i];

                if (only_rest || arg[0] != '-' || arg[1] == '\0') {
                        if (!ret_rest)
                                return error_set(err, -EINVAL,
                                                 "\"%s\" is not an option, and nothing else is "
                                                 "taken; `%s --help` says what is",
                                                 TEXT_PRINTABLE(arg), table->program);
                        ret_rest[n++] = arg;
                        continue;
                }
                if (streq(arg, "--")) {
                        only_rest = true;
                        continue;
                }
                if (is_builtin(table, arg))
                        return 1;
                r = parse_option(&p);
                if (r < 0)
                        return r;
        }
        if (ret_n_rest)
                *ret_n_rest = n;
        return 0;
}
