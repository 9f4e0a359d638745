/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One question of "is it a wedge?": gathers what the detector wants to know of one unit
 * (LXD's operations, and what the host shows of the instance, from the helper), lets it
 * decide, and, where it is one, has the evidence taken before anything is disturbed.
 * Answers once, within 15 s at most: what does not answer in time is not waited for, and
 * counts as not known.
 */

#include "agent/detector.h"
#include "agent/inventory.h"
#include "agent/lxd.h"

struct evidence;

struct inquiry_env {
        sd_event *event;
        struct lxd *lxd; /* not the units' own: its connections are for questions */
        struct inventory *inventory;
        struct evidence *evidence; /* NULL: none is taken */
        const char *run, *project, *image;
        const char *lxd_dir;
        int64_t evidence_limit;
};

/* The name of the directory the evidence is to go to; "" = take none. */
typedef void (*inquiry_namer)(const struct finding *finding, char *ret, size_t size,
                              void *userdata);
typedef void (*inquiry_handler)(enum diagnosis diagnosis, const struct finding *finding,
                                void *userdata);

struct inquiry;

/* symptoms: all but what is asked here (facts, n_operations, operation); its texts are
 * copied. daemon_pid: 0 = not known. */
int inquiry_start(const struct inquiry_env *env, const struct symptoms *symptoms,
                  int64_t daemon_pid, inquiry_namer namer, inquiry_handler handler, void *userdata,
                  struct inquiry **ret) _warn_unused_;
/* Evidence only: of a finding that is there already. symptoms->instance may be "". */
int inquiry_capture(const struct inquiry_env *env, const char *instance, int64_t daemon_pid,
                    const struct finding *finding, inquiry_namer namer, inquiry_handler handler,
                    void *userdata, struct inquiry **ret) _warn_unused_;
void inquiry_cancel(struct inquiry *q);
