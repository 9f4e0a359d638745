/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See http-watch.h: a table by descriptor, which are small numbers. */

#include "base/http-watch.h"

#include <sys/epoll.h>

struct watched {
        struct http_watch *watch;
        sd_event_source *source;
        bool in_use;
};

struct http_watch {
        sd_event *event;
        sd_event_io_handler_t handler;
        void *userdata;
        struct watched **sockets; /* by descriptor; NULL: not ours */
        size_t n;
};

int http_watch_new(sd_event *event, sd_event_io_handler_t handler, void *userdata,
                   struct http_watch **ret)
{
        struct http_watch *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->event = sd_event_ref(event);
        w->handler = handler;
        w->userdata = userdata;
        *ret = w;
        return 0;
}

struct http_watch *http_watch_free(struct http_watch *w)
{
        if (!w)
                return NULL;
        for (size_t fd = 0; fd < w->n; fd++)
                http_watch_drop(w, (int)fd);
        free(w->sockets);
        sd_event_unref(w->event);
        free(w);
        return NULL;
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct watched *k = userdata;

        /* The server closed a connection nobody uses; curl finds out when it wants it. */
        if (!k->in_use)
                return sd_event_source_set_enabled(s, SD_EVENT_OFF);
        return k->watch->handler(s, fd, revents, k->watch->userdata);
}

static int make_room(struct http_watch *w, size_t fd)
{
        size_t n = MAX(w->n, (size_t)64);
        struct watched **sockets;

        while (n <= fd)
                n *= 2;
        if (n == w->n)
                return 0;
        sockets = realloc(w->sockets, n * sizeof(*sockets));
        if (!sockets)
                return -ENOMEM;
        memset(sockets + w->n, 0, (n - w->n) * sizeof(*sockets));
        w->sockets = sockets;
        w->n = n;
        return 0;
}

static int add(struct http_watch *w, int fd, uint32_t events)
{
        struct watched *k;
        int r = make_room(w, (size_t)fd);

        if (r < 0)
                return r;
        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        *k = (struct watched){.watch = w, .in_use = true};
        r = sd_event_add_io(w->event, &k->source, fd, events, on_io, k);
        if (r < 0) {
                free(k);
                return r;
        }
        w->sockets[fd] = k;
        return 0;
}

int http_watch_set(struct http_watch *w, int fd, uint32_t events)
{
        struct watched *k = fd >= 0 && (size_t)fd < w->n ? w->sockets[fd] : NULL;
        int r;

        if (fd < 0)
                return -EBADF;
        if (!k)
                return events ? add(w, fd, events) : 0;
        k->in_use = events != 0;
        /* Not in use, it is still watched for what it was: mostly an answer, which
         * is also what it will be wanted for next. */
        r = sd_event_source_set_io_events(k->source, events ? events : EPOLLIN);
        if (r >= 0 && events)
                r = sd_event_source_set_enabled(k->source, SD_EVENT_ON);
        return MIN(r, 0);
}

void http_watch_drop(struct http_watch *w, int fd)
{
        struct watched *k = fd >= 0 && (size_t)fd < w->n ? w->sockets[fd] : NULL;

        if (!k)
                return;
        w->sockets[fd] = NULL;
        sd_event_source_disable_unref(k->source);
        free(k);
}
