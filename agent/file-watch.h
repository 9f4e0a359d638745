/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tells that a file was written, replaced, removed, or became another's. It
 * watches the directory, so that the file need not be there, and never opens
 * the file itself.
 */

#include <systemd/sd-event.h>

#include "base/util.h"

struct file_watch;

/* Called once or more for one change. It must not free the watch. */
typedef void (*file_watch_handler)(void *userdata);

/* Errors as inotify_add_watch(2): -ENOENT when there is no such directory. */
int file_watch_new(sd_event *event, const char *path, file_watch_handler handler, void *userdata,
                   struct file_watch **ret) _warn_unused_;
struct file_watch *file_watch_free(struct file_watch *w);
DEFINE_CLEANUP(struct file_watch *, file_watch_free)
