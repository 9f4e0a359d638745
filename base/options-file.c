/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Configuration files of `key = value` lines; see options.h. The keys are the options' names. */

#include <dirent.h>
#include <limits.h>

#include "base/options-internal.h"
#include "base/text.h"

#define FILE_MAX (256 * 1024)

struct reader {
        const struct option_table *table;
        const char *path;
        unsigned line;
        void *target;
        bool *seen;
        struct error *err;
};

static int unknown_key(struct reader *r, const char *key)
{
        const char *near = option_suggest(r->table, key, true);

        if (near)
                return error_set(r->err, -EINVAL, "%s:%u: unknown key \"%s\"; did you mean %s?",
                                 r->path, r->line, TEXT_PRINTABLE(key), near);
        return error_set(r->err, -EINVAL,
                         "%s:%u: unknown key \"%s\"; the keys are the long options of %s, see its "
                         "--help",
                         r->path, r->line, TEXT_PRINTABLE(key), r->table->program);
}

static int parse_line(struct reader *r, char *line)
{
        char *equals, *key, *value, where[PATH_MAX + 80];
        const struct option_spec *spec;

        line = text_trim(line);
        if (*line == '\0' || *line == '#')
                return 0;
        equals = strchr(line, '=');
        if (!equals)
                return error_set(r->err, -EINVAL, "%s:%u: \"%s\" is not of the form key = value",
                                 r->path, r->line, TEXT_PRINTABLE(line));
        *equals = '\0';
        key = text_trim(line);
        value = text_trim(equals + 1);
        spec = option_find(r->table, key, strlen(key));
        if (!spec)
                return unknown_key(r, key);
        if (!spec->file_ok)
                return error_set(r->err, -EINVAL,
                                 "%s:%u: %s cannot be set in a file, give it as --%s on the "
                                 "command line",
                                 r->path, r->line, spec->name, spec->name);
        for (const char *p = value; *p; p++)
                if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
                        return error_set(r->err, -EINVAL,
                                         "%s:%u: %s: the value holds control characters", r->path,
                                         r->line, spec->name);
        snprintf(where, sizeof(where), "%s:%u: %s", r->path, r->line, spec->name);
        return option_set(r->table, spec, value, r->target, r->seen, where, r->err);
}

int options_parse_file(const struct option_table *table, const char *path, void *target,
                       struct error *err)
{
        _cleanup_(freep)
        bool *seen = calloc(table->n, sizeof(*seen));
        _cleanup_(freep)
        char *text = NULL;
        struct reader reader = {
                .table = table, .path = path, .target = target, .seen = seen, .err = err};
        char *rest, *line;
        int r;

        if (!seen)
                return -ENOMEM;
        r = text_read_file(path, FILE_MAX, &text);
        if (r == -ENOENT)
                return r;
        if (r == -EFBIG)
                return error_set(err, -EINVAL, "%s is longer than %d bytes", path, FILE_MAX);
        if (r == -EINVAL)
                return error_set(err, r, "%s is not text: it holds a NUL", path);
        if (r < 0)
                return error_set_errno(err, r, "Cannot read %s", path);
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                reader.line++;
                r = parse_line(&reader, line);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int is_drop_in(const struct dirent *d)
{
        size_t n = strlen(d->d_name);

        return d->d_name[0] != '.' && n > 5 && streq(d->d_name + n - 5, ".conf");
}

/* By bytes, not as the locale would: the same order everywhere. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* A file that may be missing. */
static int parse_one(const struct option_table *table, const char *path, void *target,
                     struct error *err)
{
        int r = options_parse_file(table, path, target, err);

        return r == -ENOENT ? 0 : r;
}

int options_parse_config(const struct option_table *table, const char *path, void *target,
                         struct error *err)
{
        char dir[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
        struct dirent **names = NULL;
        int r, n;

        r = parse_one(table, path, target, err);
        if (r < 0)
                return r;
        if (snprintf(dir, sizeof(dir), "%s.d", path) >= (int)sizeof(dir))
                return error_set(err, -ENAMETOOLONG, "The path %s is too long", path);
        n = scandir(dir, &names, is_drop_in, by_name);
        if (n < 0 && errno == ENOENT)
                return 0;
        if (n < 0)
                return error_set_errno(err, -errno, "Cannot read %s", dir);
        for (int i = 0; i < n; i++) {
                snprintf(file, sizeof(file), "%s/%s", dir, names[i]->d_name);
                if (r >= 0)
                        r = parse_one(table, file, target, err);
                free(names[i]);
        }
        free(names);
        return r;
}
