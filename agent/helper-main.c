/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * lxdsoak-helper: looks, as root, at what the agent may not see, and removes of a
 * run's own what the API would not. Socket-activated
 * (or started by the agent with one end of a socket pair), it answers a handful of
 * checked verbs to root, to its own user and to user lxdsoak, and to nobody else. It
 * opens no network socket, takes no file names to read or write from anybody, and
 * nothing that may wait is done in this process. With nobody connected it ends.
 */

#include <fcntl.h>
#include <getopt.h>
#include <json-c/json.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "agent/helper-wire.h"
#include "agent/helper-worker.h"
#include "base/exit-code.h"
#include "base/log.h"
#include "build-config.h"

#define CONNECTIONS_MAX 16
#define IDLE_SEC        60
#define JSON_DEPTH_MAX  8

struct helper {
        sd_event *event;
        struct workers *workers;
        struct connection *connections;
        size_t n_connections;
        uid_t user; /* who may ask beside root and ourselves */
        bool have_user;
        int fd; /* --fd, or -1 */
        char *root;
        sd_event_source *idle;
};

struct connection {
        struct helper *helper;
        struct connection *next;
        int fd;
        sd_event_source *io;
        struct worker *worker; /* its request, under way */
        int64_t id;
        char *out; /* answers not sent yet, one a line */
        size_t out_size, out_done;
};

/* ---- connections ---- */

static void connection_free(struct connection *c)
{
        struct connection **p = &c->helper->connections;

        while (*p != c)
                p = &(*p)->next;
        *p = c->next;
        c->helper->n_connections--;
        if (c->worker)
                worker_abandon(c->worker);
        /* Started with a socket pair, there is nobody else to work for. */
        if (c->helper->fd >= 0)
                sd_event_exit(c->helper->event, 0);
        sd_event_source_disable_unref(c->io);
        close(c->fd);
        free(c->out);
        free(c);
}

static int connection_watch(struct connection *c)
{
        uint32_t events = 0;

        /* A further request waits in the socket until this one is answered. */
        if (c->out)
                events = EPOLLOUT;
        else if (!c->worker)
                events = EPOLLIN;
        return sd_event_source_set_io_events(c->io, events);
}

/* Sends what it can; frees the connection when it is broken. */
static void connection_flush(struct connection *c)
{
        while (c->out_done < c->out_size) {
                const char *line = c->out + c->out_done;
                const char *end = memchr(line, '\n', c->out_size - c->out_done);
                size_t length = end ? (size_t)(end - line) : c->out_size - c->out_done;

                if (send(c->fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
                        if (errno == EAGAIN || errno == ENOBUFS)
                                break;
                        if (errno == EINTR)
                                continue;
                        connection_free(c);
                        return;
                }
                c->out_done += length + (end ? 1 : 0);
        }
        if (c->out_done >= c->out_size) {
                free(TAKE(c->out));
                c->out_size = c->out_done = 0;
        }
        if (connection_watch(c) < 0)
                connection_free(c);
}

static void connection_send_error(struct connection *c, const struct error *err)
{
        json_object *message = json_object_new_object();

        json_object_object_add(message, "id", json_object_new_int64(c->id));
        json_object_object_add(message, "errno", json_object_new_int(-err->code));
        json_object_object_add(message, "error", json_object_new_string(err->text));
        c->out = strdup(json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN));
        json_object_put(message);
        c->out_size = c->out ? strlen(c->out) : 0;
        c->out_done = 0;
        connection_flush(c);
}

static void on_answer(const char *answer, size_t size, const struct error *err, void *userdata)
{
        struct connection *c = userdata;

        c->worker = NULL;
        if (err) {
                log_warning("A request of the agent failed: %s", err->text);
                connection_send_error(c, err);
                return;
        }
        c->out = malloc(size);
        if (!c->out) {
                connection_free(c);
                return;
        }
        memcpy(c->out, answer, size);
        c->out_size = size;
        c->out_done = 0;
        connection_flush(c);
}

static int parse_request(const char *buf, size_t size, json_object **ret)
{
        json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
        json_object *o = NULL;

        if (!tokener)
                return -ENOMEM;
        o = json_tokener_parse_ex(tokener, buf, (int)size);
        if (json_tokener_get_error(tokener) != json_tokener_success ||
            !json_object_is_type(o, json_type_object)) {
                json_object_put(o);
                o = NULL;
        }
        json_tokener_free(tokener);
        if (!o)
                return -EBADMSG;
        *ret = o;
        return 0;
}

static void handle_request(struct connection *c, const char *buf, size_t size)
{
        struct error err = ERROR_INIT;
        json_object *request = NULL, *id;
        int r;

        c->id = 0;
        r = parse_request(buf, size, &request);
        if (r < 0)
                error_set(&err, r, "the request is no JSON object");
        if (r >= 0) {
                if (json_object_object_get_ex(request, "id", &id))
                        c->id = json_object_get_int64(id);
                r = worker_start(c->helper->workers, request, on_answer, c, &c->worker, &err);
        }
        json_object_put(request);
        if (r < 0) {
                error_set_errno(&err, r, "the request could not be started");
                connection_send_error(c, &err);
        } else if (connection_watch(c) < 0) {
                connection_free(c);
        }
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        static char buf[HELPER_MESSAGE_MAX + 1];
        struct connection *c = userdata;
        ssize_t n;

        if (events & (EPOLLHUP | EPOLLERR)) {
                connection_free(c);
                return 0;
        }
        if (c->out) {
                connection_flush(c);
                return 0;
        }
        if (c->worker)
                return 0;
        n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0 || n > HELPER_MESSAGE_MAX)
                connection_free(c);
        else
                handle_request(c, buf, (size_t)n);
        return 0;
}

static int connection_new(struct helper *h, int fd)
{
        int size = 1024 * 1024, r;
        struct connection *c;

        c = calloc(1, sizeof(*c));
        if (!c) {
                close(fd);
                return -ENOMEM;
        }
        /* So that an answer of many messages needs few turns; as far as allowed. */
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        c->helper = h;
        c->fd = fd;
        c->next = h->connections;
        h->connections = c;
        h->n_connections++;
        r = sd_event_add_io(h->event, &c->io, fd, EPOLLIN, on_connection, c);
        if (r < 0)
                connection_free(c);
        return r;
}

/* ---- who may ask ---- */

static bool peer_allowed(const struct helper *h, int fd, struct ucred *ret)
{
        socklen_t size = sizeof(*ret);

        *ret = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0)
                return false;
        return ret->uid == 0 || ret->uid == geteuid() || (h->have_user && ret->uid == h->user);
}

static int on_listen(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
        static const char refusal[] = "{\"errno\":1,\"error\":\"not allowed\"}";
        struct helper *h = userdata;
        struct ucred peer;
        int fd;

        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return 0;
        if (!peer_allowed(h, fd, &peer) || h->n_connections == CONNECTIONS_MAX) {
                log_warning("Refused a connection of user %d (pid %d)", (int)peer.uid,
                            (int)peer.pid);
                (void)send(fd, refusal, sizeof(refusal) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
                close(fd);
                return 0;
        }
        if (connection_new(h, fd) < 0)
                log_error("A connection could not be served: out of memory");
        return 0;
}

static void find_user(struct helper *h)
{
        const struct passwd *p = getpwnam(HELPER_USER);

        h->have_user = p != NULL;
        if (p)
                h->user = p->pw_uid;
}

/* ---- the program ---- */

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct helper *h = userdata;

        if (h->n_connections == 0 && workers_count(h->workers) == 0)
                return sd_event_exit(h->event, 0);
        sd_event_source_set_time_relative(source, IDLE_SEC * UINT64_C(1000000));
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int use_fd(struct helper *h, struct error *err)
{
        int flags = fcntl(h->fd, F_GETFL);
        struct ucred peer;

        if (flags < 0)
                return error_set_errno(err, -errno, "--fd %d", h->fd);
        if (!peer_allowed(h, h->fd, &peer))
                return error_set(err, -EPERM, "--fd %d: not allowed to user %d", h->fd,
                                 (int)peer.uid);
        if (fcntl(h->fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(h->fd, F_SETFD, FD_CLOEXEC) < 0)
                return error_set_errno(err, -errno, "--fd %d", h->fd);
        return connection_new(h, h->fd);
}

static int use_listen_fds(struct helper *h, struct error *err)
{
        int r, n = sd_listen_fds(1);

        if (n != 1)
                return error_set(err, -EINVAL,
                                 "nobody to serve: start it through lxdsoak-helper.socket, or "
                                 "with --fd");
        if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, NULL, 0) <= 0)
                return error_set(err, -EINVAL,
                                 "what systemd handed over is no listening "
                                 "SOCK_SEQPACKET unix socket");
        r = fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK);
        if (r >= 0)
                r = sd_event_add_io(h->event, NULL, SD_LISTEN_FDS_START, EPOLLIN, on_listen, h);
        if (r >= 0)
                r = sd_event_add_time_relative(h->event, &h->idle, CLOCK_MONOTONIC,
                                               IDLE_SEC * UINT64_C(1000000), 0, on_idle, h);
        return r;
}

static int run(struct helper *h, struct error *err)
{
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_new(&h->event);
        if (r >= 0)
                r = sd_event_add_signal(h->event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(h->event, NULL, SIGINT, NULL, NULL);
        if (r >= 0)
                r = workers_new(h->event, h->root ? h->root : "", &h->workers);
        if (r < 0)
                return r;
        find_user(h);
        r = h->fd >= 0 ? use_fd(h, err) : use_listen_fds(h, err);
        if (r < 0)
                return r;
        (void)sd_event_set_watchdog(h->event, true);
        (void)sd_notify(0, "READY=1\nSTATUS=Looking at the host for lxdsoak-agent");
        return sd_event_loop(h->event);
}

static void print_help(void)
{
        puts("Usage: lxdsoak-helper [--fd N] [--root DIR]\n\n"
             "Looks at this host for lxdsoak-agent. Started by systemd "
             "(lxdsoak-helper.socket)\nor by the agent, not by hand.\n\n"
             "  --fd N       serve the SOCK_SEQPACKET socket that is open as N, then end\n"
             "  --root DIR   look at the tree beneath DIR instead (for tests)\n"
             "  --help       show this\n"
             "  --version    show the version");
}

static int parse_arguments(struct helper *h, int argc, char **argv)
{
        static const struct option options[] = {
                {"fd", required_argument, NULL, 'f'},
                {"root", required_argument, NULL, 'r'},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'v'},
                {0},
        };
        char rest;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                switch (c) {
                case 'f':
                        if (sscanf(optarg, "%4d%c", &h->fd, &rest) != 1 || h->fd < 0) {
                                fprintf(stderr, "lxdsoak-helper: --fd: no descriptor: %s\n",
                                        optarg);
                                return -EINVAL;
                        }
                        break;
                case 'r':
                        free(h->root);
                        h->root = strdup(optarg);
                        if (!h->root)
                                return -ENOMEM;
                        break;
                case 'h': print_help(); return 1;
                case 'v': puts("lxdsoak-helper " VERSION); return 1;
                default: return -EINVAL;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "lxdsoak-helper: not an option: %s\n", argv[optind]);
                return -EINVAL;
        }
        return 0;
}

int main(int argc, char **argv)
{
        struct error err = ERROR_INIT;
        struct helper h = {.fd = -1};
        int r;

        r = parse_arguments(&h, argc, argv);
        if (r != 0) {
                free(h.root);
                return r > 0 ? EXIT_SUCCESS : EXIT_USAGE;
        }
        log_init("lxdsoak-helper", LOG_TARGET_AUTO);
        r = run(&h, &err);
        if (r < 0) {
                error_set_errno(&err, r, "lxdsoak-helper cannot run");
                log_error("%s", err.text);
        }
        while (h.connections)
                connection_free(h.connections);
        workers_free(h.workers);
        sd_event_source_disable_unref(h.idle);
        sd_event_unref(h.event);
        free(h.root);
        return r < 0 ? (err.code == -EINVAL ? EXIT_USAGE : EXIT_INTERNAL) : EXIT_SUCCESS;
}
