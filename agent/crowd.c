/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See crowd.h. */

#include "agent/crowd.h"

#include <fcntl.h>
#include <sys/resource.h>

#define EVERY_USEC 200000

struct crowd {
        sd_event_source *timer;
        bool (*changed)(bool close, void *userdata);
        void *userdata;
        bool closed;
};

int crowd_raise_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return 1024;
        if (limit.rlim_cur < CROWD_LIMIT && limit.rlim_cur < limit.rlim_max) {
                rlim_t before = limit.rlim_cur;

                limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)CROWD_LIMIT);
                if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                        limit.rlim_cur = before;
        }
        return (int)MIN(limit.rlim_cur, (rlim_t)CROWD_LIMIT);
}

bool crowd_judge(bool closed, int lowest_free, int limit)
{
        int most = MIN(limit / 4 * 3, CROWD_MOST);

        if (lowest_free < 0)
                return true;
        return closed ? lowest_free >= most / 2 : lowest_free >= most;
}

static int lowest_free(void)
{
        int fd = open("/", O_PATH | O_CLOEXEC);

        if (fd >= 0)
                close(fd);
        return fd;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct crowd *c = userdata;
        struct rlimit limit = {.rlim_cur = 1024};
        bool close;

        (void)!getrlimit(RLIMIT_NOFILE, &limit);
        close = crowd_judge(c->closed, lowest_free(),
                            (int)MIN(limit.rlim_cur, (rlim_t)CROWD_LIMIT));
        if (close != c->closed && c->changed(close, c->userdata))
                c->closed = close;
        sd_event_source_set_time_relative(s, EVERY_USEC);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

int crowd_new(sd_event *event, bool (*changed)(bool close, void *userdata), void *userdata,
              struct crowd **ret)
{
        struct crowd *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->changed = changed;
        c->userdata = userdata;
        r = sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC, EVERY_USEC,
                                       EVERY_USEC / 4, on_timer, c);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

struct crowd *crowd_free(struct crowd *c)
{
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->timer);
        free(c);
        return NULL;
}
