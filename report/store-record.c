/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records into their tables, each once; see store.h. */

#include "report/store-internal.h"

/* What every record's statement begins with. */
#define HEAD(s, h, r) (s)->run, (h)->agent, (int64_t)(r)->seq, (h)->label, (r)->unit, (r)->attempt
#define HEAD_TYPES    "tiitii"

static int put_outcome(struct store *s, const struct store_host *h, const struct record *r,
                       bool counted, const char *why, struct error *err)
{
        int n = 0;

        if (counted) {
                n = store_do(s, STORE_STMT_UNIT, err, HEAD_TYPES "ttii", HEAD(s, h, r),
                             outcome_name(r->outcome.outcome), r->outcome.name,
                             r->outcome.start_realtime_ns, r->outcome.duration_ns);
                why = "late"; /* in case the unit is there, whatever the caller thinks */
        }
        if (n != 0)
                return n;
        return store_do(s, STORE_STMT_LATE, err, HEAD_TYPES "ittiie", HEAD(s, h, r), r->lease,
                        outcome_name(r->outcome.outcome), r->outcome.name,
                        r->outcome.start_realtime_ns, r->outcome.duration_ns, why ? why : "late");
}

/* What the things of one kind are, as JSON; "" = that is not known. */
static const char *detail_of(json_object *detail, int kind)
{
        json_object *names;

        if (!detail || !json_object_is_type(detail, json_type_object) ||
            !json_object_object_get_ex(detail, census_kind_name(kind), &names))
                return "";
        return json_object_to_json_string_ext(names, JSON_C_TO_STRING_PLAIN |
                                                             JSON_C_TO_STRING_NOSLASHESCAPE);
}

static int put_census(struct store *s, const struct store_host *h, const struct record *r,
                      struct error *err)
{
        json_object *detail = json_tokener_parse(r->census.detail);
        int n = 1;

        for (int k = 0; k < CENSUS_MAX_ && n >= 0; k++)
                if (r->census.count[k] >= 0)
                        n = store_do(s, STORE_STMT_CENSUS, err, "tiitiiitit", s->run, h->agent,
                                     (int64_t)r->seq, h->label, r->census.units,
                                     r->census.realtime_ns, r->census.daemon_pid,
                                     census_kind_name(k), r->census.count[k], detail_of(detail, k));
        json_object_put(detail);
        return n;
}

static int put_by_kind(struct store *s, const struct store_host *h, const struct record *r,
                       bool counted, const char *why, struct error *err)
{
        switch (r->kind) {
        case RECORD_SAMPLE:
                return store_do(s, STORE_STMT_SAMPLE, err, HEAD_TYPES "tiiiitit", HEAD(s, h, r),
                                phase_name(r->sample.phase), r->sample.step,
                                r->sample.start_realtime_ns, r->sample.start_monotonic_ns,
                                r->sample.duration_ns, result_name(r->sample.result),
                                r->sample.error_code, r->sample.error);
        case RECORD_EXEC:
                return store_do(s, STORE_STMT_EXEC, err, HEAD_TYPES "ieieei", HEAD(s, h, r),
                                r->exec.step, r->exec.command, r->exec.exit_status, r->exec.out,
                                r->exec.err, (int64_t)r->exec.truncated);
        case RECORD_LEFTOVER:
                return store_do(s, STORE_STMT_LEFTOVER, err, "tteeiit", s->run, h->label,
                                leftover_kind_name(r->leftover.kind), r->leftover.name, r->unit,
                                r->attempt, r->leftover.detail);
        case RECORD_HELD:
                return store_do(s, STORE_STMT_HELD, err, HEAD_TYPES "iii", HEAD(s, h, r), r->lease,
                                r->held.live, r->held.mem_available);
        case RECORD_OUTCOME: return put_outcome(s, h, r, counted, why, err);
        case RECORD_RETURNED:
                return store_do(s, STORE_STMT_RETURNED, err, "tiitiiie", s->run, h->agent,
                                (int64_t)r->seq, h->label, r->lease, r->returned.first,
                                r->returned.count, r->returned.reason);
        case RECORD_WEDGE:
                return store_do(s, STORE_STMT_WEDGE, err, "titiiitttiiittti", s->run, h->agent,
                                h->label, r->unit, r->attempt, r->wedge.number,
                                wedge_class_name((int)r->wedge.class), r->wedge.instance,
                                r->wedge.suspect, r->wedge.since_realtime_ns,
                                r->wedge.detected_realtime_ns, r->wedge.sure, r->wedge.detail,
                                r->wedge.evidence,
                                r->wedge.cleared_by < 0 ? "" : rung_name(r->wedge.cleared_by),
                                r->wedge.cleared_realtime_ns);
        case RECORD_RECOVERY:
                return store_do(s, STORE_STMT_RECOVERY, err, HEAD_TYPES "itiitt", HEAD(s, h, r),
                                r->recovery.wedge, rung_name((int)r->recovery.rung),
                                r->recovery.start_realtime_ns, r->recovery.duration_ns,
                                result_name((int)r->recovery.result), r->recovery.error);
        case RECORD_CENSUS: return put_census(s, h, r, err);
        case RECORD_METRIC:
                return store_do(s, STORE_STMT_METRIC, err, "tiitia", s->run, h->agent,
                                (int64_t)r->seq, h->label, r->metric.realtime_ns, r->metric.figure,
                                (size_t)METRIC_MAX_);
        default:
                return error_set(err, -EINVAL, "a record of kind %d cannot be stored",
                                 (int)r->kind);
        }
}

int store_skip_records(struct store *s, size_t host, uint64_t seq)
{
        struct store_host *h = s->hosts + host;

        if (!s->temporary || seq < h->seq)
                return -EINVAL;
        h->seq = seq;
        return 0;
}

int store_put_record(struct store *s, size_t host, const struct record *r, bool counted,
                     const char *why, struct error *err)
{
        struct store_host *h = s->hosts + host;
        int n;

        if (h->agent == 0)
                return error_set(err, -EINVAL, "host %s: a record before its WELCOME", h->label);
        if (r->seq <= h->seq)
                return 0;
        if (r->seq != h->seq + 1)
                return error_set(err, -EILSEQ, "host %s: record %llu came after %llu", h->label,
                                 (unsigned long long)r->seq, (unsigned long long)h->seq);
        n = put_by_kind(s, h, r, counted, why, err);
        if (n < 0)
                return n;
        h->seq = r->seq;
        h->dirty = true;
        s->n_pending++;
        return 1;
}
