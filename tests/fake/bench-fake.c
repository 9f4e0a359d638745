/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How many requests a second the fake answers: P keep-alive connections, each doing units
 * one after another (create, start, exec, stop, delete, each with its wait: 10 requests)
 * and reading no more of an answer than its length and its Location. One thread.
 *
 *     bench-fake SOCKET UNITS CONNECTIONS
 */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util.h"

struct step {
        const char *method;
        const char *below; /* of the instance's path; NULL: the collection */
        const char *body;  /* NULL: a create */
};

static const struct step steps[] = {
        {"POST", NULL, NULL},
        {"PUT", "/state", "{\"action\":\"start\"}"},
        {"POST", "/exec", "{\"command\":[\"cat\",\"/etc/issue\"],\"record-output\":true}"},
        {"PUT", "/state", "{\"action\":\"stop\",\"force\":true}"},
        {"DELETE", "", ""},
};

struct client {
        int fd;
        char name[32], operation[80];
        size_t step;
        bool waiting; /* the step's wait is asked, not the step itself */
        char in[16384];
        size_t n;
};

static unsigned long units_left, units_done, requests, failures;

static void fail(const char *what)
{
        perror(what);
        exit(EXIT_FAILURE);
}

/* Sends the next request; false when there is no more to do. */
static bool ask(struct client *c)
{
        const struct step *s = &steps[c->step];
        char path[160], body[256] = "", out[600];
        int n;

        if (c->waiting) {
                snprintf(path, sizeof(path), "%s/wait?timeout=10", c->operation);
        } else {
                if (c->step == 0) {
                        if (units_left == 0)
                                return false;
                        snprintf(c->name, sizeof(c->name), "bench-%lu", units_left--);
                }
                snprintf(path, sizeof(path), "/1.0/instances%s%s%s", s->below ? "/" : "",
                         s->below ? c->name : "", s->below ? s->below : "");
                if (!s->body)
                        snprintf(body, sizeof(body),
                                 "{\"name\":\"%s\",\"source\":{\"type\":\"image\",\"alias\":"
                                 "\"soak\"},\"config\":{\"user.lxdsoak.run\":\"bench\"}}",
                                 c->name);
                else
                        snprintf(body, sizeof(body), "%s", s->body);
        }
        n = snprintf(out, sizeof(out), "%s %s HTTP/1.1\r\nHost: l\r\nContent-Length: %zu\r\n\r\n%s",
                     c->waiting ? "GET" : s->method, path, strlen(body), body);
        if (send(c->fd, out, (size_t)n, MSG_NOSIGNAL) != n)
                fail("send");
        requests++;
        return true;
}

/* Whether a whole answer is there; takes the operation's URL from it. */
static bool answered(struct client *c)
{
        char *head, *p;
        size_t length;

        c->in[c->n] = 0;
        head = strstr(c->in, "\r\n\r\n");
        if (!head)
                return false;
        p = strstr(c->in, "Content-Length: ");
        if (p && p < head) {
                length = strtoul(p + 16, NULL, 10);
                if (c->n < (size_t)(head + 4 - c->in) + length)
                        return false;
        } else if (!strstr(head, "\r\n0\r\n\r\n")) {
                return false; /* chunked */
        }
        p = strstr(c->in, "Location: ");
        if (p && p < head)
                snprintf(c->operation, sizeof(c->operation), "%.*s", (int)strcspn(p + 10, "\r"),
                         p + 10);
        if (c->waiting ? !strstr(head, "\"status_code\":200,\"resources\"")
                       : strncmp(c->in + 9, "202", 3) != 0)
                failures++;
        c->n = 0;
        return true;
}

static bool advance(struct client *c)
{
        if (c->waiting && ++c->step == ARRAY_SIZE(steps)) {
                c->step = 0;
                units_done++;
        }
        c->waiting = !c->waiting;
        return ask(c);
}

static void open_client(struct client *c, const char *path, int epoll_fd)
{
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        struct sockaddr_un sa = {.sun_family = AF_UNIX};

        snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
                fail(path);
}

int main(int argc, char **argv)
{
        int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        struct client *clients;
        size_t n, busy = 0;
        int64_t begin;
        double s;

        if (argc != 4) {
                fprintf(stderr, "usage: bench-fake SOCKET UNITS CONNECTIONS\n");
                return 64;
        }
        units_left = strtoul(argv[2], NULL, 10);
        n = strtoul(argv[3], NULL, 10);
        clients = must(calloc(n, sizeof(*clients)));
        begin = now_ns();
        for (size_t i = 0; i < n; i++) {
                open_client(&clients[i], argv[1], epoll_fd);
                busy += ask(&clients[i]);
        }
        while (busy > 0) {
                struct epoll_event events[64];
                int k = epoll_wait(epoll_fd, events, ARRAY_SIZE(events), 10000);

                if (k <= 0)
                        fail("no answer in 10 s");
                for (int i = 0; i < k; i++) {
                        struct client *c = events[i].data.ptr;
                        ssize_t got = recv(c->fd, c->in + c->n, sizeof(c->in) - 1 - c->n, 0);

                        if (got <= 0)
                                fail("recv");
                        c->n += (size_t)got;
                        if (answered(c) && !advance(c))
                                busy--;
                }
        }
        s = (double)(now_ns() - begin) / 1e9;
        printf("%lu units, %lu requests, %lu failures in %.2f s: %.0f units/s, %.0f requests/s\n",
               units_done, requests, failures, s, (double)units_done / s, (double)requests / s);
        free(clients);
        return failures > 0;
}
