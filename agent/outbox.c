/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See outbox.h. Rows are kept as the text that stands in the spool, in a ring by
 * number. A row the disk refused is offered to it again every second; nothing
 * behind it is sent until it is durable.
 */

#include "agent/outbox.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"

#define RETRY_USEC 1000000

struct row {
        char *text;
        int64_t ends_unit, returned_lease;
        bool durable;
};

struct outbox {
        sd_event *event;
        struct spool *spool;
        outbox_ready ready;
        void *userdata;
        sd_event_source *retry;
        char run[RUN_ID_SIZE];

        struct row *rows; /* ring: number seq lives at seq % room */
        size_t room;
        uint64_t acked, head, durable; /* numbers */
        bool trouble;                  /* the last one could not be written; retry is on */
        unsigned generation;           /* of the run; a late answer of an earlier one is dropped */
        struct waiting *waiting;       /* for the spool's answers */
};

struct waiting {
        struct outbox *outbox;
        uint64_t seq;
        unsigned generation;
        struct waiting *prev, *next;
};

static void waiting_free(struct waiting *w)
{
        LIST_REMOVE(w->outbox->waiting, w);
        free(w);
}

static struct waiting *waiting_new(struct outbox *o, uint64_t seq)
{
        struct waiting *w = malloc(sizeof(*w));

        if (!w)
                return NULL;
        *w = (struct waiting){o, seq, o->generation};
        LIST_PREPEND(o->waiting, w);
        return w;
}

static struct row *row_at(struct outbox *o, uint64_t seq)
{
        return &o->rows[seq % o->room];
}

static void advance_durable(struct outbox *o)
{
        uint64_t before = o->durable;

        while (o->durable < o->head && row_at(o, o->durable + 1)->durable)
                o->durable++;
        if (o->durable != before)
                o->ready(o->userdata);
}

static void on_durable(int r, void *userdata)
{
        struct waiting *w = userdata;
        struct outbox *o = w->outbox;
        uint64_t seq = w->seq;
        bool stale = w->generation != o->generation;

        waiting_free(w);
        if (stale || seq <= o->acked)
                return;
        if (r < 0) {
                if (!o->trouble)
                        log_error("The spool cannot be written (%s: %s). No new units are begun "
                                  "until it can; free some space in the state directory.",
                                  strerror(-r), spool_error_text(o->spool));
                o->trouble = true;
                sd_event_source_set_time_relative(o->retry, RETRY_USEC);
                sd_event_source_set_enabled(o->retry, SD_EVENT_ONESHOT);
                return;
        }
        if (o->trouble)
                log_notice("The spool can be written again");
        o->trouble = false;
        row_at(o, seq)->durable = true;
        advance_durable(o);
}

static int submit(struct outbox *o, uint64_t seq)
{
        struct row *row = row_at(o, seq);
        struct waiting *w = waiting_new(o, seq);
        int r;

        if (!w)
                return -ENOMEM;
        r = spool_put_record(o->spool, o->run, seq, row->text, row->ends_unit, row->returned_lease,
                             on_durable, w);
        if (r < 0)
                waiting_free(w);
        return r;
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct outbox *o = userdata;

        for (uint64_t seq = o->durable + 1; seq <= o->head; seq++)
                if (!row_at(o, seq)->durable && submit(o, seq) < 0)
                        break;
        return 0;
}

int outbox_new(sd_event *event, struct spool *spool, outbox_ready ready, void *userdata,
               struct outbox **ret)
{
        _cleanup_(outbox_freep)
        struct outbox *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->event = sd_event_ref(event);
        o->spool = spool;
        o->ready = ready;
        o->userdata = userdata;
        o->room = 1024;
        o->rows = calloc(o->room, sizeof(*o->rows));
        if (!o->rows)
                return -ENOMEM;
        r = sd_event_add_time(event, &o->retry, CLOCK_MONOTONIC, 0, 1, on_retry, o);
        if (r < 0)
                return r;
        sd_event_source_set_enabled(o->retry, SD_EVENT_OFF);
        *ret = TAKE(o);
        return 0;
}

static void forget(struct outbox *o, uint64_t up_to)
{
        for (; o->acked < up_to; o->acked++) {
                struct row *row = row_at(o, o->acked + 1);

                free(row->text);
                *row = (struct row){0};
        }
}

struct outbox *outbox_free(struct outbox *o)
{
        if (!o)
                return NULL;
        while (o->waiting)
                waiting_free(o->waiting);
        if (o->rows)
                forget(o, o->head);
        sd_event_source_disable_unref(o->retry);
        free(o->rows);
        sd_event_unref(o->event);
        free(o);
        return NULL;
}

void outbox_begin_run(struct outbox *o, const char *run, uint64_t head, uint64_t acked)
{
        forget(o, o->head);
        o->generation++;
        o->trouble = false;
        snprintf(o->run, sizeof(o->run), "%s", run);
        o->acked = acked;
        o->head = o->durable = head;
        /* what lies between is brought back by outbox_restore() */
        for (uint64_t seq = acked + 1; seq <= head && seq - acked < o->room; seq++)
                *row_at(o, seq) = (struct row){0};
}

static int make_room(struct outbox *o, uint64_t seq)
{
        struct row *rows;
        size_t room = o->room;

        while (seq - o->acked >= room)
                room *= 2;
        if (room == o->room)
                return 0;
        if (room > 2 * SPOOL_RECORDS_MAX)
                return -ENOBUFS;
        rows = calloc(room, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        for (uint64_t n = o->acked + 1; n < seq && n - o->acked < o->room; n++)
                rows[n % room] = *row_at(o, n);
        free(o->rows);
        o->rows = rows;
        o->room = room;
        return 0;
}

int outbox_restore(struct outbox *o, uint64_t seq, const char *text)
{
        int r;

        if (seq <= o->acked)
                return 0;
        r = make_room(o, seq);
        if (r < 0)
                return r;
        free(row_at(o, seq)->text);
        *row_at(o, seq) = (struct row){strdup(text), -1, 0, true};
        o->head = MAX(o->head, seq);
        o->durable = MAX(o->durable, seq);
        return row_at(o, seq)->text ? 0 : -ENOMEM;
}

int outbox_add(struct outbox *o, struct record *record, int64_t ends_unit, int64_t returned_lease)
{
        uint64_t seq = o->head + 1;
        json_object *row;
        char *text;
        int r;

        r = make_room(o, seq);
        if (r < 0)
                return r;
        record->seq = seq;
        row = record_encode(record);
        text = row ? strdup(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN)) : NULL;
        json_object_put(row);
        if (!text)
                return -ENOMEM;
        *row_at(o, seq) = (struct row){text, ends_unit, returned_lease, false};
        o->head = seq;
        return submit(o, seq);
}

uint64_t outbox_head(const struct outbox *o)
{
        return o->head;
}

uint64_t outbox_acked(const struct outbox *o)
{
        return o->acked;
}

size_t outbox_pending(const struct outbox *o)
{
        return o->head - o->acked;
}

bool outbox_disk_trouble(const struct outbox *o)
{
        return o->trouble;
}

json_object *outbox_read(struct outbox *o, uint64_t after, size_t max, size_t max_bytes,
                         uint64_t *ret_first, uint64_t *ret_last)
{
        uint64_t seq = MAX(after, o->acked) + 1, first = seq;
        json_object *rows;
        size_t bytes = 0;

        if (seq > o->durable)
                return NULL;
        rows = json_object_new_array();
        for (; rows && seq <= o->durable && seq - first < max; seq++) {
                const char *text = row_at(o, seq)->text;
                json_object *row;

                if (!text)
                        break;
                bytes += strlen(text);
                if (bytes > max_bytes && seq > first)
                        break;
                row = json_tokener_parse(text);
                if (!row)
                        break;
                json_object_array_add(rows, row);
        }
        if (!rows || seq == first) {
                json_object_put(rows);
                return NULL;
        }
        *ret_first = first;
        *ret_last = seq - 1;
        return rows;
}

void outbox_ack(struct outbox *o, uint64_t seq)
{
        seq = MIN(seq, o->durable);
        if (seq <= o->acked)
                return;
        forget(o, seq);
        if (spool_ack(o->spool, o->run, seq) < 0)
                log_error("Out of memory: acknowledged records stay in the spool");
}
