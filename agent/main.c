/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lxdsoak-agent: puts the parts together, tells systemd how it is, and ends
 * cleanly. Under systemd it logs to the journal; in the foreground to stderr.
 */

#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "agent/config.h"
#include "agent/crowd.h"
#include "agent/evidence.h"
#include "agent/lxd.h"
#include "agent/own-key.h"
#include "agent/server.h"
#include "base/clock.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "base/message-ids.h"

#define STATUS_USEC   1000000
#define LATE_LIMIT_NS (50 * NSEC_PER_MSEC)
#define CONNECTIONS   1100 /* PARALLEL_MAX and some */

struct agent {
        struct agent_config config;
        sd_event *event;
        struct loop *loop;
        char *socket_path, *agent_id;
        struct lxd *lxd;
        struct inventory *inventory;
        struct spool *spool;
        struct probe *probe;
        struct evidence *evidence;
        struct server *server;
        sd_event_source *status;
        char last_status[256];
        bool stopping;
        int64_t cpu_said_ns;
};

/* The daemon's directory, for the inventory: where its socket is. */
static char *lxd_dir(const char *socket_path)
{
        char *resolved = realpath(socket_path, NULL), *slash;

        if (!resolved)
                resolved = strdup(socket_path);
        slash = resolved ? strrchr(resolved, '/') : NULL;
        if (slash && slash != resolved)
                *slash = '\0';
        return resolved;
}

static int on_status(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct agent *a = userdata;
        struct loop_stats stats;
        char status[256];

        server_describe(a->server, status, sizeof(status));
        if (!streq(status, a->last_status)) {
                sd_notifyf(0, "STATUS=%s", status);
                snprintf(a->last_status, sizeof(a->last_status), "%s", status);
        }
        loop_get_stats(a->loop, &stats);
        a->cpu_said_ns = MIN(a->cpu_said_ns, stats.cpu_max_ns); /* measured anew with a run */
        if (stats.cpu_max_ns > LATE_LIMIT_NS && stats.cpu_max_ns > a->cpu_said_ns) {
                a->cpu_said_ns = stats.cpu_max_ns;
                log_entry(LOG_WARNING, MESSAGE_ID_LOOP_LATE, NULL, 0,
                          "A callback took %.1f ms of the loop's CPU time; the limit is 50 ms",
                          (double)stats.cpu_max_ns / 1e6);
        }
        sd_event_source_set_time_relative(s, STATUS_USEC);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static void on_idle(void *userdata)
{
        struct agent *a = userdata;

        sd_event_exit(a->event, 0);
}

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct agent *a = userdata;

        if (a->stopping) {
                log_notice("Asked twice to stop: what is in flight is left to the next start");
                sd_event_exit(a->event, 0);
                return 0;
        }
        a->stopping = true;
        sd_notify(0, "STOPPING=1\nSTATUS=stopping, removing what is in flight");
        server_shut_down(a->server, on_idle, a);
        return 0;
}

/* Reloading is the allow-list; everything else needs a restart. */
static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        struct agent *a = userdata;
        struct error err = ERROR_INIT;

        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)(now_monotonic_ns() / NSEC_PER_USEC));
        if (server_reload(a->server, &err) < 0)
                log_error("Reload failed, the old allow-list stays: %s", err.text);
        else
                log_notice("Reloaded the allow-list");
        sd_notify(0, "READY=1");
        return 0;
}

/* Before the first thread is started: one that did not block them would be killed by them, and
 * the whole process with it. */
static void block_signals(void)
{
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        signal(SIGPIPE, SIG_IGN);
}

static int setup_signals(struct agent *a)
{
        static const int terminating[] = {SIGTERM, SIGINT};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(terminating); i++) {
                r = sd_event_add_signal(a->event, NULL, terminating[i], on_terminate, a);
                if (r < 0)
                        return r;
        }
        return sd_event_add_signal(a->event, NULL, SIGHUP, on_reload, a);
}

/* Kept in the spool, so that it survives restarts and goes with the state. */
static int load_agent_id(struct agent *a)
{
        char text[SD_ID128_STRING_MAX];
        sd_id128_t id;
        int r;

        a->agent_id = spool_get_meta(a->spool, "agent_id");
        if (a->agent_id)
                return 0;
        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        a->agent_id = strdup(sd_id128_to_string(id, text));
        if (!a->agent_id)
                return -ENOMEM;
        return spool_put_meta(a->spool, "agent_id", a->agent_id, NULL, NULL);
}

static int setup_parts(struct agent *a, struct error *err)
{
        _cleanup_(freep)
        char *dir = lxd_dir(a->socket_path);
        int r;

        r = spool_open(a->event, a->config.state_dir, &a->spool, err);
        if (r < 0)
                return r;
        r = load_agent_id(a);
        if (r < 0)
                return error_set_errno(err, r, "the agent's id could not be kept");
        r = lxd_new(a->event, a->socket_path, CONNECTIONS, &a->lxd);
        if (r >= 0)
                r = inventory_new(a->event, a->config.helper, dir, &a->inventory);
        if (r >= 0)
                r = evidence_new(a->event, a->config.state_dir, &a->evidence);
        if (r >= 0)
                r = probe_new(a->event, a->socket_path, a->config.state_dir, &a->probe);
        if (r < 0)
                return error_set_errno(err, r, "the agent could not be set up");
        struct server_deps deps = {
                .event = a->event,
                .loop = a->loop,
                .config = &a->config,
                .lxd_socket = a->socket_path,
                .agent_id = a->agent_id,
                .lxd = a->lxd,
                .inventory = a->inventory,
                .spool = a->spool,
                .probe = a->probe,
                .evidence = a->evidence,
        };
        return server_new(&deps, &a->server, err);
}

static int run_agent(struct agent *a, struct error *err)
{
        int r;

        r = setup_signals(a);
        if (r >= 0)
                r = sd_event_set_watchdog(a->event, true);
        if (r >= 0)
                r = sd_event_add_time_relative(a->event, &a->status, CLOCK_MONOTONIC, STATUS_USEC,
                                               1000, on_status, a);
        if (r < 0)
                return error_set_errno(err, r, "no event source");
        server_describe(a->server, a->last_status, sizeof(a->last_status));
        sd_notifyf(0, "READY=1\nSTATUS=%s", a->last_status);
        log_notice("Ready: LXD at %s, %s", a->socket_path, a->last_status);
        r = loop_run(a->loop);
        return r < 0 ? error_set_errno(err, r, "the event loop failed") : 0;
}

static void agent_deinit(struct agent *a)
{
        sd_event_source_disable_unref(a->status);
        /* The spool last but one: the server's runners hold on to it until they are
         * gone, and its queued writes must reach the disk. */
        server_free(a->server);
        evidence_free(a->evidence);
        probe_free(a->probe);
        inventory_free(a->inventory);
        lxd_free(a->lxd);
        spool_close(a->spool);
        loop_free(a->loop);
        sd_event_unref(a->event);
        free(a->socket_path);
        free(a->agent_id);
        agent_config_release(&a->config);
}

static int start(struct agent *a, struct error *err, int *exit_code)
{
        int r;

        *exit_code = EXIT_INTERNAL;
        block_signals();
        (void)crowd_raise_limit();
        r = sd_event_default(&a->event);
        if (r >= 0)
                r = loop_new(a->event, &a->loop);
        if (r >= 0)
                r = log_start_thread(true);
        if (r < 0)
                return error_set_errno(err, r, "no event loop");
        r = lxd_find_socket(a->config.lxd_socket, &a->socket_path, err);
        if (r < 0) {
                *exit_code = EXIT_UNAVAILABLE;
                return r;
        }
        r = setup_parts(a, err);
        if (r < 0) {
                /* What a person wrote wrongly is theirs to put right; a restart would not help. */
                if (r == -EINVAL || r == -EPERM || r == -ENOENT || r == -EADDRINUSE)
                        *exit_code = EXIT_USAGE;
                return r;
        }
        r = run_agent(a, err);
        if (r >= 0)
                *exit_code = 0;
        return r;
}

int main(int argc, char **argv)
{
        struct agent agent = {0};
        struct error err = ERROR_INIT;
        int exit_code, r;

        log_init("lxdsoak-agent", LOG_TARGET_AUTO);
        r = agent_config_load(argc, argv, &agent.config, &err);
        if (r > 0) {
                agent_config_release(&agent.config);
                return 0;
        }
        if (r < 0) {
                log_error("%s", err.text);
                agent_config_release(&agent.config);
                return EXIT_USAGE;
        }
        log_set_verbose(agent.config.verbose);
        if (own_key_wanted(&agent.config)) {
                r = own_key_main(&agent.config, &err);
                if (r < 0)
                        log_error("%s", err.text);
                agent_config_release(&agent.config);
                return r < 0 ? EXIT_USAGE : 0;
        }
        r = start(&agent, &err, &exit_code);
        if (r < 0) {
                sd_notifyf(0, "STATUS=%s", err.text);
                log_error("%s", err.text);
        }
        agent_deinit(&agent);
        log_stop_thread();
        return exit_code;
}
