/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The links of a command; see fleet.h. */

#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-id128.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/fleet.h"
#include "coordinator/key-files.h"

/* The DEALER, its connection, its monitor's two ends; and a probe now and then. */
#define FDS_PER_LINK 5
#define FDS_OTHERS   128

#define LATE_NS     (1 * NSEC_PER_SEC)
#define CATCH_UP_NS (2 * NSEC_PER_SEC)

struct fleet {
        struct fleet_config config;
        void *zmq;
        struct key_pair key;
        char (*server_keys)[KEY_Z85_SIZE];
        struct host_addresses *addresses;
        struct msg_hello hello;
        struct link **links;
        size_t n;
        sd_event_source *timer;
        int64_t started_ns, ticked_ns, late_ns, behind_until_ns;
};

static int say_missing(const struct coord_options *o, const struct host_addresses *addresses)
{
        for (size_t i = 0; i < o->n_hosts; i++)
                if (!addresses[i].n)
                        log_error("host %s: %s", o->hosts[i].label, addresses[i].err.text);
        return -EHOSTUNREACH;
}

/* Our secret key and the public one of every host reached over TCP. */
static int read_keys(struct fleet *f, struct error *err)
{
        const struct coord_options *o = f->config.options;
        bool have_key = false;
        int r;

        for (size_t i = 0; i < o->n_hosts; i++) {
                if (o->hosts[i].local)
                        continue;
                if (!have_key) {
                        r = key_files_secret(o->key, &f->key, err);
                        if (r < 0)
                                return r;
                        have_key = true;
                }
                r = key_files_known_agent(o->known_agents, o->hosts[i].label, f->server_keys[i],
                                          err);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* So that people know whom to ask. */
static void fill_who(char ret[static WHO_SIZE])
{
        const struct passwd *pw = getpwuid(getuid());
        char host[64] = "?";

        gethostname(host, sizeof(host) - 1);
        snprintf(ret, WHO_SIZE, "%.60s@%s", pw ? pw->pw_name : "?", host);
        for (char *p = ret; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = '?';
}

static int make_hello(const struct fleet_config *config, struct msg_hello *ret)
{
        struct msg_hello hello = {
                .proto_min = PROTO_MIN, .proto_max = PROTO_MAX, .steal = config->options->steal};
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        sd_id128_to_string(id, hello.coord_id);
        fill_who(hello.who);
        if (config->spec) {
                hello.has_spec = true;
                hello.spec = *config->spec; /* borrowed, so never released from here */
        }
        *ret = hello;
        return 0;
}

/* As many file descriptors as the links need, where we are allowed to. */
static int raise_limits(size_t n_hosts, struct error *err)
{
        rlim_t need = (rlim_t)n_hosts * FDS_PER_LINK + FDS_OTHERS;
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return -errno;
        if (limit.rlim_cur >= need)
                return 0;
        if (limit.rlim_max < need)
                return error_set(err, -EINVAL,
                                 "%zu hosts need %llu open files, and the limit is %llu; raise it "
                                 "with ulimit -Hn",
                                 n_hosts, (unsigned long long)need,
                                 (unsigned long long)limit.rlim_max);
        limit.rlim_cur = need;
        return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static int open_context(struct fleet *f)
{
        size_t n = f->config.options->n_hosts;

        f->zmq = zmq_ctx_new();
        if (!f->zmq)
                return -errno;
        if (zmq_ctx_set(f->zmq, ZMQ_MAX_SOCKETS, (int)(3 * n + 64)) < 0 ||
            zmq_ctx_set(f->zmq, ZMQ_IO_THREADS, n > 1000 ? 2 : 1) < 0)
                return -errno;
        return 0;
}

static int add_links(struct fleet *f)
{
        const struct coord_options *o = f->config.options;
        int r;

        for (; f->n < o->n_hosts; f->n++) {
                struct link_config config = {
                        .event = f->config.event,
                        .zmq = f->zmq,
                        .endpoint = &o->hosts[f->n],
                        .addresses = &f->addresses[f->n],
                        .key = &f->key,
                        .server_key = f->server_keys[f->n],
                        .hello = &f->hello,
                        .run = f->config.run,
                        .epoch = f->config.epoch,
                        .ops = f->config.ops,
                        .userdata = f->config.userdata,
                };

                if (f->config.past) {
                        memcpy(config.agent_id, f->config.past[f->n].agent_id,
                               sizeof(config.agent_id));
                        config.committed = f->config.past[f->n].committed;
                }
                r = link_new(&config, &f->links[f->n]);
                if (r < 0)
                        return r;
                link_set_index(f->links[f->n], f->n);
        }
        return 0;
}

/* The time we did not listen is not the hosts' silence. */
static void note_lateness(struct fleet *f, int64_t now_ns)
{
        int64_t late_ns = f->ticked_ns ? now_ns - f->ticked_ns - FLEET_TICK_NS : 0;

        f->ticked_ns = now_ns;
        f->late_ns = late_ns < LATE_NS ? 0 : late_ns;
        if (!f->late_ns)
                return;
        f->behind_until_ns = now_ns + CATCH_UP_NS;
        f->started_ns += late_ns; /* nor part of the time to connect */
        for (size_t i = 0; i < f->n; i++)
                link_excuse(f->links[i], late_ns);
}

bool fleet_is_behind(const struct fleet *f, int64_t now_ns)
{
        return now_ns < f->behind_until_ns || now_ns - f->ticked_ns > LATE_NS;
}

static int on_tick(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct fleet *f = userdata;
        int64_t now_ns = now_monotonic_ns();

        note_lateness(f, now_ns);
        for (size_t i = 0; i < f->n; i++)
                link_tick(f->links[i], now_ns);
        f->config.tick(f, now_ns, f->config.userdata);
        if (sd_event_source_set_time_relative(s, FLEET_TICK_NS / NSEC_PER_USEC) < 0 ||
            sd_event_source_set_enabled(s, SD_EVENT_ONESHOT) < 0)
                sd_event_exit(f->config.event, -EIO);
        return 0;
}

/* The one thing that may take long and cannot be waited for on the loop: here
 * Ctrl-C ends the program at once (main.c). */
static int resolve(struct fleet *f)
{
        const struct coord_options *o = f->config.options;
        sigset_t interrupts, old;
        int r;

        sigemptyset(&interrupts);
        sigaddset(&interrupts, SIGINT);
        sigaddset(&interrupts, SIGTERM);
        pthread_sigmask(SIG_UNBLOCK, &interrupts, &old);
        r = addresses_resolve(o->hosts, o->n_hosts, f->addresses);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        return r;
}

static int prepare(struct fleet *f, struct error *err)
{
        const struct coord_options *o = f->config.options;
        int r;

        f->links = calloc(o->n_hosts, sizeof(struct link *));
        f->addresses = calloc(o->n_hosts, sizeof(*f->addresses));
        f->server_keys = calloc(o->n_hosts, sizeof(*f->server_keys));
        if (!f->links || !f->addresses || !f->server_keys)
                return -ENOMEM;
        r = raise_limits(o->n_hosts, err);
        if (r == 0)
                r = read_keys(f, err);
        if (r < 0)
                return r;
        r = resolve(f);
        if (r != 0)
                return r < 0 ? r : say_missing(o, f->addresses);
        r = make_hello(&f->config, &f->hello);
        if (r == 0)
                r = open_context(f);
        if (r == 0)
                r = add_links(f);
        if (r == 0)
                r = sd_event_add_time_relative(f->config.event, &f->timer, CLOCK_MONOTONIC, 0, 1000,
                                               on_tick, f);
        if (r >= 0) /* before the messages, or a flood of them would hold it up */
                r = sd_event_source_set_priority(f->timer, SD_EVENT_PRIORITY_IMPORTANT);
        return r;
}

int fleet_new(const struct fleet_config *config, struct fleet **ret)
{
        struct fleet *f = calloc(1, sizeof(*f));
        struct error err = ERROR_INIT;
        int r;

        if (!f)
                return -ENOMEM;
        f->config = *config;
        f->started_ns = now_monotonic_ns();
        r = prepare(f, &err);
        if (r < 0) {
                if (err.code)
                        log_error("%s", err.text);
                else if (r != -EHOSTUNREACH)
                        log_error("cannot prepare the connections: %s", strerror(-r));
                fleet_free(f);
                return err.code ? -EINVAL : r;
        }
        *ret = f;
        return 0;
}

struct fleet *fleet_free(struct fleet *f)
{
        if (!f)
                return NULL;
        sd_event_source_disable_unref(f->timer);
        for (size_t i = 0; i < f->n; i++) {
                link_bye(f->links[i]);
                link_free(f->links[i]);
        }
        if (f->zmq)
                zmq_ctx_term(f->zmq);
        explicit_bzero(&f->key, sizeof(f->key));
        free(f->links);
        free(f->addresses);
        free(f->server_keys);
        free(f);
        return NULL;
}

size_t fleet_n(const struct fleet *f)
{
        return f->n;
}

struct link *fleet_link(struct fleet *f, size_t i)
{
        return f->links[i];
}

int64_t fleet_late_ns(const struct fleet *f)
{
        return f->late_ns;
}

int fleet_check(const struct fleet *f, int64_t now_ns)
{
        size_t ready = 0, failed = 0;

        for (size_t i = 0; i < f->n; i++) {
                ready += link_state(f->links[i]) == LINK_READY;
                failed += link_state(f->links[i]) == LINK_FAILED;
        }
        if (ready == f->n)
                return 1;
        if (ready + failed == f->n ||
            now_ns - f->started_ns >= f->config.options->connect_timeout_ns)
                return -EHOSTUNREACH;
        return 0;
}

bool fleet_is_busy(const struct fleet *f)
{
        bool busy = false;

        for (size_t i = 0; i < f->n; i++) {
                bool failed = link_state(f->links[i]) == LINK_FAILED,
                     taken = failed && link_error_code(f->links[i]) == -EBUSY;

                if (!taken && link_state(f->links[i]) != LINK_READY)
                        return false;
                busy = busy || taken;
        }
        return busy;
}

void fleet_pause(struct fleet *f, bool all, int64_t until_ns)
{
        for (size_t i = 0; i < f->n; i++)
                if (all || (link_state(f->links[i]) == LINK_FAILED &&
                            link_error_code(f->links[i]) == -EBUSY))
                        link_pause(f->links[i], until_ns);
        f->started_ns = until_ns;
}

void fleet_say_unready(const struct fleet *f)
{
        for (size_t i = 0; i < f->n; i++)
                if (link_state(f->links[i]) != LINK_READY)
                        log_error("host %s: %s", link_label(f->links[i]), link_error(f->links[i]));
}
