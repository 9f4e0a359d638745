/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One request, carried out in a child. The child may wait in the kernel for ever;
 * when its time is up it is killed, the asker gets an error that says what it was
 * doing, and it is forgotten but for being counted until it is really gone. When
 * WORKERS_MAX children exist, stuck ones included, there are no more.
 */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "base/error.h"

#define WORKERS_MAX 8

struct worker;
struct workers;

/* The whole answer, one message a line, or, with size 0, only err. Called once,
 * from the loop; the worker is gone afterwards. */
typedef void (*worker_handler)(const char *answer, size_t size, const struct error *err,
                               void *userdata);

/* root is borrowed. SIGCHLD must be blocked. */
int workers_new(sd_event *event, const char *root, struct workers **ret) _warn_unused_;
struct workers *workers_free(struct workers *w);
DEFINE_CLEANUP(struct workers *, workers_free)

/* Children that exist: at work or abandoned. */
size_t workers_count(const struct workers *w);

/* Checks the request and starts on it. -EBUSY: too many are stuck. */
int worker_start(struct workers *w, json_object *request, worker_handler handler, void *userdata,
                 struct worker **ret, struct error *err) _warn_unused_;
/* Nobody waits for the answer any more. */
void worker_abandon(struct worker *w);
