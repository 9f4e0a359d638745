/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See file-watch.h. inotify on the directory, on the loop. */

#include "agent/file-watch.h"

#include <limits.h>
#include <sys/inotify.h>

#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

struct file_watch {
        sd_event_source *source;
        char *name; /* in the directory */
        file_watch_handler handler;
        void *userdata;
};

static int on_change(sd_event_source *s, const struct inotify_event *event, void *userdata)
{
        struct file_watch *w = userdata;

        /* when the queue was too long, it may have been anything */
        if ((event->mask & IN_Q_OVERFLOW) || (event->len > 0 && streq(event->name, w->name)))
                w->handler(w->userdata);
        return 0;
}

int file_watch_new(sd_event *event, const char *path, file_watch_handler handler, void *userdata,
                   struct file_watch **ret)
{
        _cleanup_(file_watch_freep)
        struct file_watch *w = calloc(1, sizeof(*w));
        const char *slash = strrchr(path, '/');
        char dir[PATH_MAX] = ".";
        int r;

        if (!w)
                return -ENOMEM;
        if (slash && (size_t)snprintf(dir, sizeof(dir), "%.*s", (int)MAX(slash - path, 1), path) >=
                             sizeof(dir))
                return -ENAMETOOLONG;
        w->name = strdup(slash ? slash + 1 : path);
        if (!w->name)
                return -ENOMEM;
        w->handler = handler;
        w->userdata = userdata;
        r = sd_event_add_inotify(event, &w->source, dir, CHANGES, on_change, w);
        if (r < 0)
                return r;
        *ret = TAKE(w);
        return 0;
}

struct file_watch *file_watch_free(struct file_watch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        free(w->name);
        free(w);
        return NULL;
}
