/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-report: finds the command and hands over to it. */

#include <signal.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "report/commands.h"

static const struct option_table program_table = {
        .program = "lxdsoak-report",
        .usage = "lxdsoak-report [show] [RUN] [OPTION…]\n"
                 "       lxdsoak-report list [DIR…] [OPTION…]\n"
                 "       lxdsoak-report compare RUN RUN [OPTION…]\n"
                 "       lxdsoak-report trend --csv FILE [OPTION…]\n"
                 "       lxdsoak-report export [RUN] OPTION…\n"
                 "       lxdsoak-report COMMAND --help",
        .description = "Says what soaks found out, from the stores of their runs. RUN is a run's "
                       "id, its directory or file, or last.",
};

static int program_help(int argc, char **argv)
{
        const char *rest[1];
        size_t n;
        int code = EXIT_SUCCESS;

        (void)!report_parse(&program_table, argc, argv, NULL, rest, 0, &n, &code);
        return code;
}

int main(int argc, char **argv)
{
        int code;

        log_init("lxdsoak-report", LOG_TARGET_STDERR);
        signal(SIGPIPE, SIG_DFL);
        if (argc == 2 &&
            (streq(argv[1], "--help") || streq(argv[1], "-h") || streq(argv[1], "--version")))
                return program_help(argc, argv);
        for (size_t i = 0; argc > 1 && i < report_n_commands; i++)
                if (streq(argv[1], report_commands[i].word)) {
                        argv[1] = argv[0];
                        code = report_commands[i].main(argc - 1, argv + 1);
                        goto end;
                }
        code = report_commands[0].main(argc, argv);
end:
        /* a full disk or a closed pipe must not pass for a report */
        if (fflush(stdout) != 0 || ferror(stdout)) {
                log_error("the report could not be written: %s", strerror(errno));
                return EXIT_INTERNAL;
        }
        return code;
}
