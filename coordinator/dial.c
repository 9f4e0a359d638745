/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plain connect() of address.h. It sends nothing and closes at once. */

#include <sys/epoll.h>

#include "coordinator/address.h"
#include "base/clock.h"

struct dial {
        sd_event *event;
        const struct address *addresses;
        size_t n, index;
        int64_t timeout_ns;
        dial_handler handler;
        void *userdata;
        int fd;
        sd_event_source *io, *timer, *next;
};

static void dial_close(struct dial *p)
{
        sd_event_source_disable_unref(p->io);
        sd_event_source_disable_unref(p->timer);
        p->io = p->timer = NULL;
        if (p->fd >= 0)
                close(p->fd);
        p->fd = -1;
}

struct dial *dial_free(struct dial *p)
{
        if (!p)
                return NULL;
        dial_close(p);
        sd_event_source_disable_unref(p->next);
        sd_event_unref(p->event);
        free(p);
        return NULL;
}

/* One address has spoken: the next one, or the answer. */
static void dial_result(struct dial *p, int error)
{
        dial_close(p);
        if (error == 0 || p->index + 1 >= p->n) {
                p->handler(error, p->index, p->userdata);
                return;
        }
        p->index++;
        if (sd_event_source_set_enabled(p->next, SD_EVENT_ONESHOT) < 0)
                p->handler(error, p->index, p->userdata);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        struct dial *p = userdata;
        socklen_t size = sizeof(int);
        int error = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        dial_result(p, -error);
        return 0;
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata)
{
        dial_result(userdata, -ETIMEDOUT);
        return 0;
}

static int dial_begin(struct dial *p)
{
        const struct address *a = &p->addresses[p->index];
        int r;

        p->fd = socket(a->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (p->fd < 0)
                return -errno;
        if (connect(p->fd, (const struct sockaddr *)&a->sockaddr, a->size) < 0 &&
            errno != EINPROGRESS)
                return -errno;
        r = sd_event_add_io(p->event, &p->io, p->fd, EPOLLOUT, on_io, p);
        if (r < 0)
                return r;
        return sd_event_add_time_relative(p->event, &p->timer, CLOCK_MONOTONIC,
                                          (uint64_t)(p->timeout_ns / NSEC_PER_USEC), 0, on_timeout,
                                          p);
}

static int on_next(sd_event_source *s, void *userdata)
{
        struct dial *p = userdata;
        int r = dial_begin(p);

        if (r < 0)
                dial_result(p, r);
        return 0;
}

int dial_new(sd_event *event, const struct address *addresses, size_t n, int64_t timeout_ns,
             dial_handler handler, void *userdata, struct dial **ret)
{
        struct dial *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        *p = (struct dial){
                .event = sd_event_ref(event),
                .addresses = addresses,
                .n = n,
                .timeout_ns = timeout_ns,
                .handler = handler,
                .userdata = userdata,
                .fd = -1,
        };
        r = sd_event_add_defer(event, &p->next, on_next, p);
        if (r < 0) {
                dial_free(p);
                return r;
        }
        *ret = p;
        return 0;
}
