/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The records of the current run that the coordinator has not committed yet:
 * numbered here, written to the spool, then offered to the wire in order, and
 * forgotten when acknowledged. What is on the way to the disk is not offered.
 */

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "agent/spool.h"
#include "proto/record.h"

struct outbox;

/* Called from the loop whenever there is more to send. */
typedef void (*outbox_ready)(void *userdata);

int outbox_new(sd_event *event, struct spool *spool, outbox_ready ready, void *userdata,
               struct outbox **ret) _warn_unused_;
/* Once the loop turns no more: what the spool would answer it has nowhere to go. */
struct outbox *outbox_free(struct outbox *o);
DEFINE_CLEANUP(struct outbox *, outbox_free)

/* Forgets what is held (it stays in the spool) and goes on for this run behind
 * record number head, of which acked are acknowledged. */
void outbox_begin_run(struct outbox *o, const char *run, uint64_t head, uint64_t acked);
/* A record that the spool still had at the start. */
int outbox_restore(struct outbox *o, uint64_t seq, const char *row) _warn_unused_;

/* Numbers r (sets r->seq) and takes it. See spool_put_record() for the other two. */
int outbox_add(struct outbox *o, struct record *r, int64_t ends_unit,
               int64_t returned_lease) _warn_unused_;

uint64_t outbox_head(const struct outbox *o);
uint64_t outbox_acked(const struct outbox *o);
size_t outbox_pending(const struct outbox *o);    /* not acknowledged */
bool outbox_disk_trouble(const struct outbox *o); /* the spool cannot be written at the moment */

/*
 * The durable records behind `after`, at most max of them and max_bytes of
 * text: a new JSON array, the number of the first in *ret_first; NULL when there
 * are none.
 */
json_object *outbox_read(struct outbox *o, uint64_t after, size_t max, size_t max_bytes,
                         uint64_t *ret_first, uint64_t *ret_last);

void outbox_ack(struct outbox *o, uint64_t seq);
