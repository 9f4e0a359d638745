/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The whole fake: its making, its loop, and the deaths of the daemon in it. */

#include <poll.h>

#include "api.h"
#include "control.h"
#include "fake.h"
#include "ghosts.h"

#define PID_BASE 5000000 /* above the kernel's largest */

static bool any_alive(const struct fake *f, enum fault_kind kind)
{
        list_foreach(i, &f->faults.list) if (container_of(i, struct fault, link)->kind ==
                                             kind) return true;
        return false;
}

void fake_daemon_lost(struct fake *f)
{
        http_server_drop(&f->api);
        list_foreach(i, &f->operations.running)
        {
                struct operation *op = container_of(i, struct operation, link);

                if (op->instance && (op->kind == OP_CREATE || op->kind == OP_COPY))
                        op->instance->broken = true;
        }
        operations_drop(&f->operations);
        f->image_free_ns = 0;
        f->goroutines_leaked = 0;
        fake_drop_fds(f);
        f->restarts++;
        f->server_pid = PID_BASE + (int)f->restarts;
        f->started_ns = now_ns();
}

static void listen_again(struct fake *f)
{
        if (f->down || any_alive(f, FAULT_GONE))
                return;
        if (http_server_listen(&f->api) < 0)
                fprintf(stderr, "lxdsoak-fake-lxd: cannot listen again on %s\n", f->api.path);
}

static void come_back(struct timer *t, int64_t now)
{
        struct fake *f = container_of(t, struct fake, come_back);

        (void)now;
        f->down = false;
        listen_again(f);
}

/* A fault came or went: what has to happen at that moment. */
static void fault_changed(void *userdata, struct fault *fault, bool added)
{
        struct fake *f = userdata;

        switch ((int)fault->kind) {
        case FAULT_RESTART:
                if (!added)
                        break;
                fault->hits++;
                fake_daemon_lost(f);
                if (fault->ms > 0) {
                        f->down = true;
                        http_server_unlisten(&f->api, fault->effect);
                        timers_arm(&f->control_timers, &f->come_back,
                                   now_ns() + fault_ns(fault, 0));
                }
                break;
        case FAULT_GONE:
                if (added) {
                        fault->hits++;
                        fake_daemon_lost(f);
                        http_server_unlisten(&f->api, fault->effect);
                } else {
                        listen_again(f);
                }
                break;
        case FAULT_STOPPED:
                fault->hits += added;
                f->stopped = any_alive(f, FAULT_STOPPED);
                break;
        case FAULT_FROZEN:
                if (!added)
                        operations_release(&f->operations, UINT32_MAX);
                break;
        default:
                if (!added)
                        operations_release(&f->operations, fault->id);
        }
}

static int make_templates(struct fake *f)
{
        for (size_t i = 0; i < f->options.n_templates; i++) {
                struct instance *made;
                int r = instances_add(&f->instances, "default", f->options.templates[i], NULL, NULL,
                                      NULL, "template", &made);

                if (r < 0)
                        return r;
        }
        return 0;
}

int fake_init(struct fake *f, const struct fake_options *o)
{
        int r;

        *f = (struct fake){.options = *o,
                           .dialect = o->dialect,
                           .rng = {o->seed},
                           .started_ns = now_ns(),
                           .server_pid = o->server_pid ? o->server_pid : (int)getpid(),
                           .api.epoll_fd = -1,
                           .control.epoll_fd = -1,
                           .come_back.fn = come_back};
        api_prepare();
        instances_init(&f->instances, o->max_instances);
        operations_init(&f->operations, f, o->seed, o->retention_ns);
        faults_init(&f->faults, o->seed + 1, &f->control_timers, fault_changed, f);
        r = instances_add_project(&f->instances, "default");
        for (size_t i = 0; r == 0 && i < o->n_projects; i++)
                r = instances_add_project(&f->instances, o->projects[i]);
        if (r == 0)
                r = make_templates(f);
        if (r == 0)
                r = http_server_init(&f->api, o->socket, &f->timers, &api_callbacks, f);
        if (r < 0) {
                fprintf(stderr, "lxdsoak-fake-lxd: %s: %s\n", o->socket, strerror(-r));
                return r;
        }
        f->api.max_connections = o->max_connections;
        if (o->control) {
                r = http_server_init(&f->control, o->control, &f->control_timers,
                                     &control_callbacks, f);
                if (r < 0)
                        fprintf(stderr, "lxdsoak-fake-lxd: %s: %s\n", o->control, strerror(-r));
        }
        return r;
}

void fake_deinit(struct fake *f)
{
        http_server_deinit(&f->api);
        http_server_deinit(&f->control);
        faults_deinit(&f->faults);
        operations_deinit(&f->operations);
        instances_deinit(&f->instances);
        timers_deinit(&f->timers);
        timers_deinit(&f->control_timers);
        buf_deinit(&f->scratch);
        buf_deinit(&f->envelope);
        fake_drop_ghosts(f);
        fake_drop_fds(f);
}

void fake_reset_stats(struct fake *f)
{
        struct http_counters *h = &f->api.counters;
        uint64_t open = h->open;

        memset(f->requests, 0, sizeof(f->requests));
        memset(f->operations.counters, 0, sizeof(f->operations.counters));
        *h = (struct http_counters){.open = open, .open_max = open};
        f->operations.n_running_max = f->operations.n_running;
        f->operations.n_max = f->operations.n;
        f->instances.n_max = f->instances.n;
        f->instances.created = f->instances.deleted = 0;
}

static struct timespec until(int64_t at_ns, int64_t now)
{
        int64_t ns = at_ns > now ? at_ns - now : 0;

        if (ns > 3600 * NSEC_PER_SEC)
                ns = 3600 * NSEC_PER_SEC;
        return (struct timespec){.tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC};
}

int fake_run(struct fake *f, int signal_fd)
{
        while (!f->quit) {
                struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
                                       {.fd = f->control.epoll_fd, .events = POLLIN},
                                       {.fd = f->stopped ? -1 : f->api.epoll_fd, .events = POLLIN}};
                int64_t now = now_ns(), next = timers_next(&f->control_timers);
                struct timespec ts;

                if (!f->stopped && timers_next(&f->timers) < next)
                        next = timers_next(&f->timers);
                ts = until(next, now);
                if (ppoll(fds, ARRAY_SIZE(fds), &ts, NULL) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents)
                        return 0;
                if (fds[1].revents)
                        http_server_turn(&f->control);
                timers_run(&f->control_timers, now_ns());
                if (f->stopped)
                        continue;
                http_server_turn(&f->api);
                timers_run(&f->timers, now_ns());
        }
        return 0;
}
