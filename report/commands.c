/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the commands of lxdsoak-report share; see commands.h. */

#include "report/commands.h"

#include "base/exit-code.h"
#include "base/log.h"
#include "base/text.h"

const struct report_command report_commands[] = {
#define X(word) {#word, report_##word, &report_##word##_table},
        REPORT_COMMANDS(X)
#undef X
};
const size_t report_n_commands = ELEMENTSOF(report_commands);

int report_failed(int r, const struct error *err)
{
        log_error("%s", err->code ? err->text : strerror(-r));
        switch (r) {
        case -EINVAL:
        case -ENOENT:
        case -ENOTDIR:
        case -EACCES:
        case -EUCLEAN:
        case -EPROTONOSUPPORT: return EXIT_USAGE;
        default: return EXIT_INTERNAL;
        }
}

static int take_rest(const struct option_table *table, char **rest, size_t n, const char **ret_rest,
                     size_t max, struct error *err)
{
        if (n > max)
                return error_set(err, -EINVAL, "\"%s\" is one too many; see %s --help",
                                 TEXT_PRINTABLE(rest[max]), table->program);
        for (size_t i = 0; i < n; i++)
                ret_rest[i] = rest[i];
        return 0;
}

bool report_parse(const struct option_table *table, int argc, char **argv, void *target,
                  const char **ret_rest, size_t max, size_t *ret_n, int *ret_code)
{
        _cleanup_(freep)
        char **rest = calloc((size_t)argc + 1, sizeof(*rest));
        struct error err = ERROR_INIT;
        int r;

        *ret_n = 0;
        r = rest ? options_defaults(table, target, &err) : -ENOMEM;
        if (r == 0)
                r = options_parse_argv(table, argc, argv, target, rest, ret_n, &err);
        if (r == 0)
                r = take_rest(table, rest, *ret_n, ret_rest, max, &err);
        if (r < 0)
                *ret_code = report_failed(r, &err);
        else if (r > 0)
                *ret_code = EXIT_SUCCESS;
        return r == 0;
}
