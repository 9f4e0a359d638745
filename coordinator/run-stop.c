/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How a run ends before its time: the first Ctrl-C lets what is in flight run
 * to its end, the second cuts it short, the third leaves. Whatever happens, the
 * user is told how to clean up what may be left.
 */

#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/run-internal.h"

#define ABORT_WAIT_NS (10 * NSEC_PER_SEC)

void run_stop_all(struct run *run, enum stop_mode mode, int64_t now_ns)
{
        for (size_t i = 0; i < fleet_n(run->fleet); i++)
                link_stop(fleet_link(run->fleet, i), mode, run->spec.keep, now_ns);
}

static void drain(struct run *run, int64_t now_ns)
{
        struct error err = ERROR_INIT;

        if (store_set_stopped(run->store, &err) < 0) {
                run_fail(run, &err);
                return;
        }
        plan_drain(run->plan);
        run_stop_all(run, STOP_MODE_DRAIN, now_ns);
        run_say(run, LOG_ERR,
                "stopping: units in flight run to their end, new ones are not begun; interrupt "
                "again to cut them short");
        run_kick(run);
}

void run_stop_asked(struct run *run, const char *who, int64_t now_ns)
{
        if (run->interrupts || run->stage != RUN_WORKING)
                return;
        run->interrupts++;
        run_say(run, LOG_NOTICE, "%s asks that the run be stopped", who);
        drain(run, now_ns);
}

static void cut_short(struct run *run, int64_t now_ns)
{
        run_stop_all(run, STOP_MODE_ABORT, now_ns);
        run->abort_deadline_ns = now_ns + ABORT_WAIT_NS;
        run_say(run, LOG_ERR, "stopping at once, for at most %d s; interrupt again to leave now",
                (int)(ABORT_WAIT_NS / NSEC_PER_SEC));
        run_kick(run);
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct run *run = userdata;
        int64_t now_ns = now_monotonic_ns();

        run->interrupts++;
        if (run->stage == RUN_CONNECTING) {
                run_say(run, LOG_ERR, "stopped before the first unit");
                run_over(run);
                return 0;
        }
        switch (run->interrupts) {
        case 1: drain(run, now_ns); break;
        case 2: cut_short(run, now_ns); break;
        default: run_over(run);
        }
        return 0;
}

int run_add_signals(struct run *run)
{
        static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
                r = sd_event_add_signal(run->event, NULL, signals[i], on_signal, run);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* For a shell: as it is where that is safe, else in single quotes. */
static void print_quoted(const char *s, FILE *out)
{
        if (s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "-_.,:/[]@%+=")] == '\0' &&
            *s) {
                fputs(s, out);
                return;
        }
        putc('\'', out);
        for (; *s; s++)
                if (*s == '\'')
                        fputs("'\\''", out);
                else
                        putc(*s, out);
        putc('\'', out);
}

void run_say_resume(const struct run *run)
{
        const struct {
                const char *option, *value;
        } args[] = {
                {"--key", run->options->key},
                {"--known-agents", run->options->known_agents},
        };

        view_clear(run->view);
        fputs("to go on with it: lxdsoak-coord resume ", stderr);
        print_quoted(run->dir, stderr);
        for (size_t i = 0; i < ELEMENTSOF(args); i++)
                if (args[i].value) {
                        fprintf(stderr, " %s ", args[i].option);
                        print_quoted(args[i].value, stderr);
                }
        putc('\n', stderr);
}

void run_say_cleanup(const struct run *run)
{
        const struct coord_options *o = run->options;
        const struct {
                const char *option, *value;
        } args[] = {
                {"--hosts", o->hosts_text},
                {"--key", o->key},
                {"--known-agents", o->known_agents},
                {"--project", run->spec.project[0] ? run->spec.project : NULL},
                {"--run", run->id},
        };

        view_clear(run->view);
        fputs("to remove what may be left: lxdsoak-coord cleanup", stderr);
        for (size_t i = 0; i < ELEMENTSOF(args); i++)
                if (args[i].value) {
                        fprintf(stderr, " %s ", args[i].option);
                        print_quoted(args[i].value, stderr);
                }
        putc('\n', stderr);
}
