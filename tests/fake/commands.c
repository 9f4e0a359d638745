/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The few commands there are in a fake container. Nothing is ever run. */

#include "commands.h"

#define WORDS_MAX 64

struct context {
        const char *words[WORDS_MAX];
        size_t n;
        const char *name, *issue;
        struct command_result *r;
};

static int run(struct context *x);

static void run_cat(struct context *x)
{
        const char *file = x->n > 1 ? x->words[1] : "-";

        if (strcmp(file, "/etc/issue") == 0) {
                buf_printf(&x->r->out, "%s\n", x->issue);
        } else if (strcmp(file, "/etc/hostname") == 0) {
                buf_printf(&x->r->out, "%s\n", x->name);
        } else {
                buf_printf(&x->r->err, "cat: can't open '%s': No such file or directory\n", file);
                x->r->code = 1;
        }
}

static void run_uptime(struct context *x)
{
        buf_puts(&x->r->out, " 12:00:00 up 0 min,  0 users,  load average: 0.00, 0.00, 0.00\n");
}

static void run_true(struct context *x)
{
        x->r->code = 0;
}

static void run_false(struct context *x)
{
        x->r->code = 1;
}

static void run_sleep(struct context *x)
{
        double s = x->n > 1 ? strtod(x->words[1], NULL) : 0;

        x->r->takes_ns = s > 0 && s < 86400 ? (int64_t)(s * 1e9) : 0;
}

static void run_exit(struct context *x)
{
        x->r->code = x->n > 1 ? atoi(x->words[1]) & 0xff : 0;
}

static void run_echo(struct context *x)
{
        for (size_t i = 1; i < x->n; i++)
                buf_printf(&x->r->out, "%s%s", i > 1 ? " " : "", x->words[i]);
        buf_puts(&x->r->out, "\n");
}

static void run_hostname(struct context *x)
{
        buf_printf(&x->r->out, "%s\n", x->name);
}

/* `sh -c`: words split at spaces, no quoting; a missing command is sh's own 127. */
static void run_sh(struct context *x)
{
        struct context inner = {.name = x->name, .issue = x->issue, .r = x->r};
        _cleanup_(freep)
        char *copy = NULL;
        char *rest, *word;

        if (x->n < 3 || strcmp(x->words[1], "-c") != 0)
                return;
        rest = copy = must(strdup(x->words[2]));
        while ((word = strsep(&rest, " ")) && inner.n < WORDS_MAX)
                if (*word)
                        inner.words[inner.n++] = word;
        if (inner.n == 0 || strcmp(inner.words[0], "sh") == 0)
                return;
        if (run(&inner) < 0) {
                buf_printf(&x->r->err, "sh: %s: not found\n", inner.words[0]);
                x->r->code = 127;
        }
}

#define COMMAND_INFO(command, how, text) {.name = #command, .usage = how, .what = text},
const struct command_info command_infos[] = {COMMANDS(COMMAND_INFO)};
const size_t n_command_infos = ARRAY_SIZE(command_infos);

#define COMMAND_RUN(command, how, text) run_##command,
static void (*const runs[])(struct context *) = {COMMANDS(COMMAND_RUN)};

static int run(struct context *x)
{
        const char *slash = strrchr(x->words[0], '/');
        const char *name = slash ? slash + 1 : x->words[0];

        for (size_t i = 0; i < n_command_infos; i++) {
                if (strcmp(command_infos[i].name, name) == 0) {
                        runs[i](x);
                        return 0;
                }
        }
        return -ENOENT;
}

int command_run(json_object *argv, const char *name, const char *issue, struct command_result *r)
{
        struct context x = {.name = name, .issue = issue, .r = r};
        size_t n;

        if (!json_object_is_type(argv, json_type_array))
                return -EINVAL;
        n = json_object_array_length(argv);
        if (n == 0 || n > WORDS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n; i++) {
                json_object *word = json_object_array_get_idx(argv, i);

                if (!json_object_is_type(word, json_type_string))
                        return -EINVAL;
                x.words[x.n++] = json_object_get_string(word);
        }
        return run(&x);
}
