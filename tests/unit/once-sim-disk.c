/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The agent's disk, and what of spool.h the outbox calls; see once-sim.h. As in spool.c, what is
 * queued goes to the disk in order and as a whole, or not at all. */

#include "tests/unit/once-sim.h"

static void job_free(struct sim_job *j)
{
        free(j->row);
        free(j);
}

int sim_spool_put(struct spool *s, const struct sim_job *job)
{
        struct sim_job *j = malloc(sizeof(*j));

        if (!j)
                return -ENOMEM;
        *j = *job;
        j->row = job->row ? strdup(job->row) : NULL;
        j->next = NULL;
        if (!s->jobs)
                s->tail = &s->jobs;
        *s->tail = j;
        s->tail = &j->next;
        return 0;
}

int spool_put_record(struct spool *s, const char *run, uint64_t seq, const char *row,
                     int64_t ends_unit, int64_t returned_lease, spool_handler handler,
                     void *userdata)
{
        struct sim_job j = {.kind = SIM_RECORD,
                            .seq = seq,
                            .row = (char *)row,
                            .ends_unit = ends_unit,
                            .returned_lease = returned_lease,
                            .handler = handler,
                            .userdata = userdata};

        snprintf(j.run, sizeof(j.run), "%s", run);
        return sim_spool_put(s, &j);
}

int spool_ack(struct spool *s, const char *run, uint64_t seq)
{
        struct sim_job j = {.kind = SIM_ACK, .seq = seq};

        snprintf(j.run, sizeof(j.run), "%s", run);
        return sim_spool_put(s, &j);
}

const char *spool_error_text(struct spool *s)
{
        return "no error";
}

static void drop_part(struct lease_part *parts, size_t *n, size_t i)
{
        memmove(parts + i, parts + i + 1, (--*n - i) * sizeof(*parts));
}

static void drop_intent(struct sim_disk *d, int64_t unit)
{
        for (size_t i = 0; i < d->n_intents; i++)
                if (d->intents[i].first == unit) {
                        drop_part(d->intents, &d->n_intents, i);
                        return;
                }
}

static void put_run(struct sim_disk *d, const struct sim_job *j)
{
        memcpy(d->run, j->run, sizeof(d->run));
        if (!streq(j->run, SIM_RUN))
                return;
        d->of.known = true;
        d->of.epoch = MAX(d->of.epoch, j->epoch);
        d->of.head = MAX(d->of.head, j->seq);
        d->of.acked = MAX(d->of.acked, j->seq);
}

/* The unit leaves its lease: it is an intent from now on. */
static void put_intent(struct sim_disk *d, const struct sim_job *j)
{
        drop_intent(d, j->part.first);
        d->intents[d->n_intents++] = j->part;
        for (size_t i = 0; i < d->n_leases; i++) {
                struct lease_part *l = d->leases + i;

                if (l->lease != j->part.lease || j->part.first < l->first)
                        continue;
                l->count -= j->part.first + 1 - l->first;
                l->first = j->part.first + 1;
                if (l->count <= 0)
                        drop_part(d->leases, &d->n_leases, i);
                return;
        }
}

static void put_record(struct sim_disk *d, const struct sim_job *j)
{
        if (j->seq >= d->n_rows) {
                size_t n = j->seq + 64;

                d->rows = reallocarray(d->rows, n, sizeof(*d->rows));
                memset(d->rows + d->n_rows, 0, (n - d->n_rows) * sizeof(*d->rows));
                d->n_rows = n;
        }
        if (!d->rows[j->seq])
                d->rows[j->seq] = strdup(j->row);
        d->of.head = MAX(d->of.head, j->seq);
        drop_intent(d, j->ends_unit);
        for (size_t i = 0; i < d->n_leases; i++)
                if (d->leases[i].lease == j->returned_lease) {
                        drop_part(d->leases, &d->n_leases, i);
                        return;
                }
}

static void put_ack(struct sim_disk *d, const struct sim_job *j)
{
        for (uint64_t i = 0; i <= j->seq && i < d->n_rows; i++) {
                free(d->rows[i]);
                d->rows[i] = NULL;
        }
        d->of.acked = MAX(d->of.acked, j->seq);
}

static void carry_out(struct sim_disk *d, const struct sim_job *j)
{
        switch (j->kind) {
        case SIM_PUT_RUN: put_run(d, j); break;
        case SIM_END_RUN:
                d->run[0] = '\0';
                d->n_leases = d->n_intents = 0;
                break;
        case SIM_LEASE:
                if (d->n_leases == ELEMENTSOF(d->leases))
                        abort();
                d->leases[d->n_leases++] = j->part;
                d->of.newest_lease = MAX(d->of.newest_lease, j->part.lease);
                break;
        case SIM_INTENT: put_intent(d, j); break;
        case SIM_RECORD: put_record(d, j); break;
        case SIM_ACK: put_ack(d, j); break;
        }
}

void sim_spool_flush(struct spool *s)
{
        struct sim_job *j = s->jobs, *next;

        s->jobs = NULL;
        for (struct sim_job *k = j; k; k = k->next)
                carry_out(s->disk, k);
        for (; j; j = next) {
                next = j->next;
                if (j->handler)
                        j->handler(0, j->userdata);
                job_free(j);
        }
}

void sim_spool_drop(struct spool *s)
{
        struct sim_job *j = s->jobs, *next;

        s->jobs = NULL;
        for (; j; j = next) {
                next = j->next;
                job_free(j);
        }
}

void sim_disk_wipe(struct sim_disk *d)
{
        for (size_t i = 0; i < d->n_rows; i++)
                free(d->rows[i]);
        free(d->rows);
        *d = (struct sim_disk){0};
}
