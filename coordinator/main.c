/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-coord: reads the command line and hands over to the command. */

#include <signal.h>

#include "base/exit-code.h"
#include "base/log.h"
#include "coordinator/cleanup.h"
#include "coordinator/evidence.h"
#include "coordinator/key-files.h"
#include "coordinator/options.h"
#include "coordinator/run.h"
#include "coordinator/status.h"

/* Where nothing was begun yet, and only there: elsewhere they are blocked, and
 * the loop takes them. */
static void leave(int signal)
{
        _exit(verdict_exit_code(VERDICT_STOPPED));
}

/* Before any thread is begun, so that none of them takes the signals. */
static void block_signals(void)
{
        const struct sigaction action = {.sa_handler = leave};
        sigset_t set;

        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);

        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGHUP);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
}

static int run_command(const struct coord_options *o)
{
        switch (o->command) {
        case COORD_RUN:
        case COORD_RESUME: return run_main(o);
        case COORD_STATUS:
        case COORD_STOP: return status_main(o);
        case COORD_CLEANUP: return cleanup_main(o);
        case COORD_EVIDENCE: return evidence_main(o);
        case COORD_KEYGEN: return keygen_main(o);
        default: return EXIT_INTERNAL;
        }
}

int main(int argc, char **argv)
{
        struct error err = ERROR_INIT;
        struct coord_options o;
        int r;

        log_init("lxdsoak-coord", LOG_TARGET_AUTO);
        r = coord_options_parse(argc, argv, &o, &err);
        if (r < 0) {
                log_error("%s", err.code ? err.text : strerror(-r));
                r = r == -ENOMEM ? EXIT_INTERNAL : EXIT_USAGE;
        } else if (r > 0)
                r = EXIT_SUCCESS;
        else {
                log_set_verbose(o.verbose);
                block_signals();
                r = run_command(&o);
        }
        coord_options_release(&o);
        if (fflush(stdout) != 0 && r == EXIT_SUCCESS)
                r = EXIT_INTERNAL;
        return r;
}
