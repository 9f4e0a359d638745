/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One table of options a program, from which its command line, its
 * configuration file, --help and the checks of the man page all derive. An
 * option says its name, what it takes, its limits, where the value goes and
 * one line of help; nothing else in the program lists options.
 *
 * Values land in a plain struct of the caller's, at `offset`. Strings are
 * duplicated and owned by that struct; options_release() frees them.
 */

#include "base/error.h"

enum option_type {
        OPTION_FLAG,     /* bool; no argument on the command line, a boolean in a file */
        OPTION_STRING,   /* char *, not empty */
        OPTION_INT,      /* int64_t, within min..max */
        OPTION_SIZE,     /* int64_t bytes, within min..max */
        OPTION_DURATION, /* int64_t ns, within min..max */
        OPTION_LIST,     /* struct string_list; repeatable: each use adds one entry */
        OPTION_CHOICE,   /* int: index into choices */
        OPTION_FUNC,     /* parse() does it */
};

struct string_list {
        char **items;
        size_t n;
};

struct option_spec {
        const char *name; /* long name without dashes; also the key in files */
        char short_name;  /* 0 = none */
        enum option_type type;
        const char *arg;          /* what --help calls the argument, NULL for flags */
        const char *help;         /* one line, no full stop */
        const char *default_text; /* shown by --help and parsed by options_defaults(); NULL = none;
                                     LIST: one entry a line */
        size_t offset;            /* into the caller's struct */
        int64_t min, max; /* INT, SIZE, DURATION: inclusive, in base units; both 0 = not negative */
        const char *const *choices; /* CHOICE: NULL-terminated */
        int (*parse)(const char *value, void *field, struct error *err); /* FUNC */
        int (*check)(const char *value, struct error *err); /* STRING, LIST: NULL = any will do */
        bool file_ok;                                       /* may stand in a configuration file */
        const char *group; /* heading in --help; NULL = same as before */
};

struct option_table {
        const char *program;     /* for messages and --help */
        const char *usage;       /* lines after "Usage: " */
        const char *description; /* one paragraph */
        const struct option_spec *specs;
        size_t n;
};

/* Puts every default_text into target. The caller zeroes target before. */
int options_defaults(const struct option_table *table, void *target,
                     struct error *err) _warn_unused_;

/*
 * Reads argv. Knows "--name value", "--name=value", "-x value", "--" and, for
 * flags, "--no-name". What is not an option is left to the caller: *ret_n_rest
 * pointers into argv at ret_rest (caller gives room for argc; both may be NULL,
 * then such an argument is an error).
 * --help, -h and --version return 1 after printing to stdout; 0 = go on;
 * -EINVAL with err set otherwise.
 *
 * The last use of an option counts; a LIST option replaces what defaults and
 * files said at its first use, then adds. So a program that takes --config
 * reads argv, then the file, then argv again.
 */
int options_parse_argv(const struct option_table *table, int argc, char **argv, void *target,
                       char **ret_rest, size_t *ret_n_rest, struct error *err) _warn_unused_;

/*
 * Reads one file of `key = value` lines; '#' begins a comment line. A missing
 * file is -ENOENT with err unset. A LIST key replaces what defaults or earlier
 * files said at its first use in a file, then adds. Errors name file and line.
 */
int options_parse_file(const struct option_table *table, const char *path, void *target,
                       struct error *err) _warn_unused_;

/* path, then every *.conf in path.d/ in the order of their names. Missing ones
 * are fine. */
int options_parse_config(const struct option_table *table, const char *path, void *target,
                         struct error *err) _warn_unused_;

void options_print_help(const struct option_table *table, FILE *out);

/* "--name" a line, --help and --version included: for completions. */
void options_print_names(const struct option_table *table, FILE *out);

/*
 * Holds a text (a man page's source, a completion) against the table: every
 * option must be in it as --name, and every --word in it must be an option or
 * one of others (NULL-terminated, without dashes; may be NULL). -EINVAL, err
 * says which is not.
 */
int options_check_text(const struct option_table *table, const char *text,
                       const char *const *others, struct error *err) _warn_unused_;

/* Frees the strings and lists the table knows in target. */
void options_release(const struct option_table *table, void *target);

int string_list_add(struct string_list *list, const char *s) _warn_unused_;
void string_list_clear(struct string_list *list);
