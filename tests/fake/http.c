/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A single-threaded HTTP/1.1 server on one unix socket: connections and their bytes in. */

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "http.h"
#include "http-out.h"

#define IN_LIMIT   (HTTP_MAX_HEAD + HTTP_MAX_BODY + 4096)
#define READ_SIZE  (16 * 1024)
#define KEEP_BYTES (64 * 1024)
#define BACKLOG    4096 /* as the real daemon's */

void http_conn_watch(struct http_conn *c, uint32_t events)
{
        struct epoll_event ev = {.events = events, .data.ptr = c};

        if (c->dead || c->events == events)
                return;
        c->events = events;
        (void)epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

void http_conn_close(struct http_conn *c)
{
        struct http_server *s = c->server;

        if (c->dead)
                return;
        c->dead = true;
        timers_disarm(s->timers, &c->wire_timer);
        s->callbacks.gone(c, s->userdata);
        /* by hand: a child between fork and exec still holds the file, and epoll would too */
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        close(c->fd);
        s->counters.open--;
        list_remove(&c->link);
        list_append(&s->graveyard, &c->link);
}

static void bury(struct http_server *s)
{
        while (!list_empty(&s->graveyard)) {
                struct http_conn *c = list_first(&s->graveyard, struct http_conn, link);

                list_remove(&c->link);
                buf_deinit(&c->in);
                buf_deinit(&c->out);
                free(c);
        }
}

static void refuse_bytes(struct http_conn *c, int error)
{
        static const char text[] =
                "{\"type\":\"error\",\"error\":\"Bad Request\",\"error_code\":400}\n";

        c->request.keep_alive = false;
        c->closing = true;
        c->busy = true;
        http_answer(c, &(struct http_answer){.status = error == -EMSGSIZE ? 413 : 400,
                                             .body = text,
                                             .size = sizeof(text) - 1});
}

/* Hands on every complete request at the front of the buffer, one after another. */
void http_conn_process(struct http_conn *c)
{
        struct http_server *s = c->server;

        if (c->in_turn)
                return;
        c->in_turn = true;
        while (!c->dead && !c->busy && !c->closing && !c->pad_left && c->in.len > 0) {
                size_t used;
                int r = http_parse(&c->request, c->in.data, c->in.len, &used);

                if (r == -EAGAIN) {
                        if (c->request.expect_continue && !c->continued) {
                                c->continued = true;
                                buf_puts(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
                                http_conn_flush(c);
                        }
                        break;
                }
                if (r < 0) {
                        refuse_bytes(c, r);
                        break;
                }
                c->busy = true;
                c->continued = false;
                s->counters.requests++;
                s->callbacks.request(c, s->userdata); /* reads the body before it returns */
                if (!c->dead)
                        buf_consume(&c->in, used);
        }
        c->in_turn = false;
        if (!c->dead && !c->busy && c->in.len == 0)
                buf_reset(&c->in, KEEP_BYTES);
}

static void conn_read(struct http_conn *c)
{
        struct http_server *s = c->server;

        for (;;) {
                ssize_t n;

                if (c->in.len >= IN_LIMIT) {
                        http_conn_watch(c, c->events & ~(uint32_t)EPOLLIN);
                        break;
                }
                n = recv(c->fd, buf_reserve(&c->in, READ_SIZE), READ_SIZE, MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        break;
                if (n <= 0) {
                        s->counters.closed_by_peer++;
                        http_conn_close(c);
                        return;
                }
                c->in.len += (size_t)n;
                s->counters.bytes_in += (uint64_t)n;
                if (n < READ_SIZE)
                        break;
        }
        http_conn_process(c);
}

static void accept_all(struct http_server *s)
{
        for (unsigned i = 0; i < 64; i++) {
                struct epoll_event ev = {.events = EPOLLIN};
                struct http_conn *c;
                int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0)
                        return;
                if (s->counters.open >= s->max_connections) {
                        s->counters.refused++;
                        close(fd);
                        continue;
                }
                c = must(calloc(1, sizeof(*c)));
                c->server = s;
                c->fd = fd;
                c->events = EPOLLIN;
                c->wire_timer.fn = http_conn_trickle;
                ev.data.ptr = c;
                list_append(&s->connections, &c->link);
                if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
                        c->closing = true; /* never served; goes with the rest */
                s->counters.opened++;
                if (++s->counters.open > s->counters.open_max)
                        s->counters.open_max = s->counters.open;
        }
}

void http_server_turn(struct http_server *s)
{
        struct epoll_event events[128];
        int n = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), 0);

        for (int i = 0; i < n; i++) {
                struct http_conn *c = events[i].data.ptr;

                if (!c) {
                        accept_all(s);
                        continue;
                }
                if (!c->dead && (events[i].events & EPOLLOUT))
                        http_conn_flush(c);
                if (!c->dead && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
                        conn_read(c);
        }
        bury(s);
}

static int socket_open(const char *path)
{
        struct sockaddr_un sa = {.sun_family = AF_UNIX};
        int fd, r;

        if (strlen(path) >= sizeof(sa.sun_path))
                return -ENAMETOOLONG;
        strcpy(sa.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
                close(fd);
                return -EADDRINUSE;
        }
        if (errno == ECONNREFUSED)
                (void)unlink(path);
        if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || chmod(path, 0660) < 0 ||
            listen(fd, BACKLOG) < 0) {
                r = -errno;
                close(fd);
                return r;
        }
        return fd;
}

int http_server_listen(struct http_server *s)
{
        struct epoll_event ev = {.events = EPOLLIN}; /* data.ptr NULL: the listener */
        int fd;

        if (s->listen_fd >= 0)
                return 0;
        fd = socket_open(s->path);
        if (fd < 0)
                return fd;
        if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        s->listen_fd = fd;
        return 0;
}

void http_server_unlisten(struct http_server *s, bool unlink_file)
{
        if (s->listen_fd < 0)
                return;
        (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->listen_fd, NULL);
        close(s->listen_fd);
        s->listen_fd = -1;
        if (unlink_file)
                (void)unlink(s->path);
}

void http_server_drop(struct http_server *s)
{
        list_foreach_safe(i, next, &s->connections)
        {
                s->counters.closed_by_us++;
                http_conn_close(container_of(i, struct http_conn, link));
        }
}

int http_server_init(struct http_server *s, const char *path, struct timers *timers,
                     const struct http_callbacks *callbacks, void *userdata)
{
        int r;

        *s = (struct http_server){.epoll_fd = -1,
                                  .listen_fd = -1,
                                  .max_connections = 4096,
                                  .timers = timers,
                                  .callbacks = *callbacks,
                                  .userdata = userdata};
        list_init(&s->connections);
        list_init(&s->graveyard);
        s->path = must(strdup(path));
        s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        r = s->epoll_fd < 0 ? -errno : http_server_listen(s);
        if (r < 0) {
                if (s->epoll_fd >= 0)
                        close(s->epoll_fd);
                freep(&s->path);
                *s = (struct http_server){.epoll_fd = -1, .listen_fd = -1};
        }
        return r;
}

void http_server_deinit(struct http_server *s)
{
        if (s->epoll_fd < 0)
                return;
        http_server_drop(s);
        bury(s);
        http_server_unlisten(s, false);
        (void)unlink(s->path);
        close(s->epoll_fd);
        free(s->path);
        *s = (struct http_server){.epoll_fd = -1, .listen_fd = -1};
}
