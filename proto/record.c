/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Records to JSON rows and back; see record.h. A row is read element by element
 * with a cursor that remembers the first thing that was wrong, so that each
 * kind is one list in the order of the wire.
 */

#include <inttypes.h>

#include "base/text.h"
#include "proto/record.h"

/* -- writing ------------------------------------------------------------------------------- */

struct writer {
        json_object *row;
        bool failed;
};

static void w_add(struct writer *w, json_object *value)
{
        if (!value || json_object_array_add(w->row, value) < 0) {
                json_object_put(value);
                w->failed = true;
        }
}

static void w_int(struct writer *w, int64_t v)
{
        w_add(w, json_object_new_int64(v));
}

static void w_text(struct writer *w, const char *s, size_t size)
{
        char buf[EXEC_OUTPUT_MAX + 1];
        size_t n = strnlen(s, size - 1);

        if (!utf8_valid(s, n)) {
                n = utf8_copy(buf, sizeof(buf), s, n);
                s = buf;
        }
        w_add(w, json_object_new_string_len(s, (int)n));
}

static void w_word(struct writer *w, const char *word)
{
        w_add(w, json_object_new_string(word));
}

static void write_body(struct writer *w, const struct record *r)
{
        switch (r->kind) {
        case RECORD_SAMPLE:
                w_word(w, phase_name((int)r->sample.phase));
                w_int(w, r->sample.step);
                w_int(w, r->sample.start_realtime_ns);
                w_int(w, r->sample.start_monotonic_ns);
                w_int(w, r->sample.duration_ns);
                w_word(w, result_name((int)r->sample.result));
                w_int(w, r->sample.error_code);
                w_text(w, r->sample.error, sizeof(r->sample.error));
                return;
        case RECORD_EXEC:
                w_int(w, r->exec.step);
                w_text(w, r->exec.command, sizeof(r->exec.command));
                w_int(w, r->exec.exit_status);
                w_text(w, r->exec.out, sizeof(r->exec.out));
                w_text(w, r->exec.err, sizeof(r->exec.err));
                w_add(w, json_object_new_boolean(r->exec.truncated));
                return;
        case RECORD_LEFTOVER:
                w_word(w, leftover_kind_name((int)r->leftover.kind));
                w_text(w, r->leftover.name, sizeof(r->leftover.name));
                w_text(w, r->leftover.detail, sizeof(r->leftover.detail));
                return;
        case RECORD_HELD:
                w_int(w, r->held.live);
                w_int(w, r->held.mem_available);
                return;
        case RECORD_OUTCOME:
                w_word(w, outcome_name((int)r->outcome.outcome));
                w_text(w, r->outcome.name, sizeof(r->outcome.name));
                w_int(w, r->outcome.start_realtime_ns);
                w_int(w, r->outcome.duration_ns);
                return;
        case RECORD_RETURNED:
                w_int(w, r->returned.first);
                w_int(w, r->returned.count);
                w_text(w, r->returned.reason, sizeof(r->returned.reason));
                return;
        case RECORD_WEDGE:
                w_int(w, r->wedge.number);
                w_word(w, wedge_class_name((int)r->wedge.class));
                w_text(w, r->wedge.instance, sizeof(r->wedge.instance));
                w_text(w, r->wedge.suspect, sizeof(r->wedge.suspect));
                w_int(w, r->wedge.since_realtime_ns);
                w_int(w, r->wedge.detected_realtime_ns);
                w_int(w, r->wedge.sure);
                w_text(w, r->wedge.detail, sizeof(r->wedge.detail));
                w_text(w, r->wedge.evidence, sizeof(r->wedge.evidence));
                w_word(w, r->wedge.cleared_by < 0 ? "" : rung_name(r->wedge.cleared_by));
                w_int(w, r->wedge.cleared_realtime_ns);
                return;
        case RECORD_RECOVERY:
                w_int(w, r->recovery.wedge);
                w_word(w, rung_name((int)r->recovery.rung));
                w_int(w, r->recovery.start_realtime_ns);
                w_int(w, r->recovery.duration_ns);
                w_word(w, result_name((int)r->recovery.result));
                w_text(w, r->recovery.error, sizeof(r->recovery.error));
                return;
        case RECORD_CENSUS:
                w_int(w, r->census.units);
                w_int(w, r->census.realtime_ns);
                w_int(w, r->census.daemon_pid);
                for (int k = 0; k < CENSUS_MAX_; k++)
                        w_int(w, r->census.count[k]);
                w_text(w, r->census.detail, sizeof(r->census.detail));
                return;
        case RECORD_METRIC:
                w_int(w, r->metric.realtime_ns);
                for (int k = 0; k < METRIC_MAX_; k++)
                        w_int(w, r->metric.figure[k]);
                return;
        case RECORD_MAX_: break;
        }
        w->failed = true;
}

json_object *record_encode(const struct record *r)
{
        struct writer w = {.row = json_object_new_array_ext(22)};

        if (!w.row)
                return NULL;
        w_add(&w, json_object_new_uint64(r->seq));
        w_word(&w, record_kind_name((int)r->kind));
        w_int(&w, r->unit);
        w_int(&w, r->attempt);
        w_int(&w, r->lease);
        write_body(&w, r);
        if (w.failed) {
                json_object_put(w.row);
                return NULL;
        }
        return w.row;
}

/* -- reading ------------------------------------------------------------------------------- */

struct reader {
        json_object *row;
        size_t i;
        int error;
        struct error *err;
};

/* The next element, if it is there and of that type and nothing was wrong before. */
static json_object *r_next(struct reader *r, const char *what, json_type type)
{
        json_object *value;

        if (r->error < 0)
                return NULL;
        if (r->i >= json_object_array_length(r->row)) {
                r->error = error_set(r->err, -EBADMSG, "Record ends before element %zu, %s", r->i,
                                     what);
                return NULL;
        }
        value = json_object_array_get_idx(r->row, r->i++);
        if (!json_object_is_type(value, type)) {
                r->error = error_set(r->err, -EBADMSG,
                                     "Element %zu of the record, %s, is of type %s, must be %s",
                                     r->i - 1, what, json_type_to_name(json_object_get_type(value)),
                                     json_type_to_name(type));
                return NULL;
        }
        return value;
}

static int64_t r_int(struct reader *r, const char *what, int64_t min, int64_t max)
{
        json_object *value = r_next(r, what, json_type_int);
        int64_t v;

        if (!value)
                return 0;
        v = json_object_get_int64(value);
        if (v < min || v > max || (v > 0 && json_object_get_uint64(value) > INT64_MAX))
                r->error = error_set(r->err, -EBADMSG,
                                     "Element %zu of the record, %s, is %s, must be %" PRId64
                                     " to %" PRId64,
                                     r->i - 1, what, json_object_get_string(value), min, max);
        return v;
}

static void r_text(struct reader *r, const char *what, char *ret, size_t size)
{
        json_object *value = r_next(r, what, json_type_string);

        if (value)
                utf8_copy(ret, size, json_object_get_string(value),
                          (size_t)json_object_get_string_len(value));
}

static int r_word(struct reader *r, const char *what, int (*from_name)(const char *))
{
        json_object *value = r_next(r, what, json_type_string);
        int v;

        if (!value)
                return 0;
        v = from_name(json_object_get_string(value));
        if (v < 0)
                r->error = error_set(r->err, -EBADMSG,
                                     "Element %zu of the record, %s, is \"%s\", which is no word "
                                     "known here",
                                     r->i - 1, what, TEXT_PRINTABLE(json_object_get_string(value)));
        return v;
}

static bool r_bool(struct reader *r, const char *what)
{
        json_object *value = r_next(r, what, json_type_boolean);

        return value && json_object_get_boolean(value);
}

/* "" is RUNG_MAX_: not cleared. */
static int cleared_by_from_name(const char *s)
{
        return s[0] ? rung_from_name(s) : RUNG_MAX_;
}

/* Returns how many bytes of *rec are filled. */
static size_t read_body(struct reader *r, struct record *rec)
{
#define FILLED(member) (offsetof(struct record, member) + sizeof(rec->member))
        switch (rec->kind) {
        case RECORD_SAMPLE:
                rec->sample.phase = (enum phase)r_word(r, "phase", phase_from_name);
                rec->sample.step = r_int(r, "step", 0, EXEC_COMMANDS_MAX);
                rec->sample.start_realtime_ns = r_int(r, "start, realtime", 0, INT64_MAX);
                rec->sample.start_monotonic_ns = r_int(r, "start, monotonic", 0, INT64_MAX);
                rec->sample.duration_ns = r_int(r, "duration", 0, INT64_MAX);
                rec->sample.result = (enum result)r_word(r, "result", result_from_name);
                rec->sample.error_code = r_int(r, "error code", INT64_MIN, INT64_MAX);
                r_text(r, "error", rec->sample.error, sizeof(rec->sample.error));
                return FILLED(sample);
        case RECORD_EXEC:
                rec->exec.step = r_int(r, "step", 0, EXEC_COMMANDS_MAX);
                r_text(r, "command", rec->exec.command, sizeof(rec->exec.command));
                rec->exec.exit_status = r_int(r, "exit status", INT32_MIN, INT32_MAX);
                r_text(r, "stdout", rec->exec.out, sizeof(rec->exec.out));
                r_text(r, "stderr", rec->exec.err, sizeof(rec->exec.err));
                rec->exec.truncated = r_bool(r, "truncated");
                return FILLED(exec);
        case RECORD_LEFTOVER:
                rec->leftover.kind =
                        (enum leftover_kind)r_word(r, "what was left", leftover_kind_from_name);
                r_text(r, "name", rec->leftover.name, sizeof(rec->leftover.name));
                r_text(r, "detail", rec->leftover.detail, sizeof(rec->leftover.detail));
                return FILLED(leftover);
        case RECORD_HELD:
                rec->held.live = r_int(r, "units live", 0, UNITS_MAX);
                rec->held.mem_available = r_int(r, "memory available", -1, INT64_MAX);
                return FILLED(held);
        case RECORD_OUTCOME:
                rec->outcome.outcome = (enum outcome)r_word(r, "outcome", outcome_from_name);
                r_text(r, "instance", rec->outcome.name, sizeof(rec->outcome.name));
                rec->outcome.start_realtime_ns = r_int(r, "start, realtime", 0, INT64_MAX);
                rec->outcome.duration_ns = r_int(r, "duration", 0, INT64_MAX);
                return FILLED(outcome);
        case RECORD_RETURNED:
                rec->returned.first = r_int(r, "first unit", 1, UNITS_MAX);
                rec->returned.count = r_int(r, "count", 1, UNITS_MAX);
                r_text(r, "reason", rec->returned.reason, sizeof(rec->returned.reason));
                return FILLED(returned);
        case RECORD_WEDGE:
                rec->wedge.number = r_int(r, "number of the wedge", 1, WEDGES_MAX);
                rec->wedge.class = (enum wedge_class)r_word(r, "class", wedge_class_from_name);
                r_text(r, "instance", rec->wedge.instance, sizeof(rec->wedge.instance));
                r_text(r, "suspect", rec->wedge.suspect, sizeof(rec->wedge.suspect));
                rec->wedge.since_realtime_ns = r_int(r, "since", 0, INT64_MAX);
                rec->wedge.detected_realtime_ns = r_int(r, "detected", 0, INT64_MAX);
                rec->wedge.sure = r_int(r, "how sure", 0, 100);
                r_text(r, "detail", rec->wedge.detail, sizeof(rec->wedge.detail));
                r_text(r, "evidence", rec->wedge.evidence, sizeof(rec->wedge.evidence));
                rec->wedge.cleared_by = r_word(r, "cleared by", cleared_by_from_name);
                if (rec->wedge.cleared_by == RUNG_MAX_)
                        rec->wedge.cleared_by = -1;
                rec->wedge.cleared_realtime_ns = r_int(r, "cleared", 0, INT64_MAX);
                return FILLED(wedge);
        case RECORD_RECOVERY:
                rec->recovery.wedge = r_int(r, "number of the wedge", 1, WEDGES_MAX);
                rec->recovery.rung = (enum rung)r_word(r, "rung", rung_from_name);
                rec->recovery.start_realtime_ns = r_int(r, "start, realtime", 0, INT64_MAX);
                rec->recovery.duration_ns = r_int(r, "duration", 0, INT64_MAX);
                rec->recovery.result = (enum result)r_word(r, "result", result_from_name);
                r_text(r, "error", rec->recovery.error, sizeof(rec->recovery.error));
                return FILLED(recovery);
        case RECORD_CENSUS:
                rec->census.units = r_int(r, "units ended", 0, UNITS_MAX);
                rec->census.realtime_ns = r_int(r, "realtime", 0, INT64_MAX);
                rec->census.daemon_pid = r_int(r, "pid of the daemon", -1, INT32_MAX);
                for (int k = 0; k < CENSUS_MAX_; k++)
                        rec->census.count[k] = r_int(r, census_kind_name(k), -1, INT64_MAX);
                r_text(r, "detail", rec->census.detail, sizeof(rec->census.detail));
                return FILLED(census);
        case RECORD_METRIC:
                rec->metric.realtime_ns = r_int(r, "realtime", 0, INT64_MAX);
                for (int k = 0; k < METRIC_MAX_; k++)
                        rec->metric.figure[k] = r_int(r, metric_kind_name(k), -1, INT64_MAX);
                return FILLED(metric);
        case RECORD_MAX_: break;
        }
#undef FILLED
        return 0;
}

/* The lowest unit a record may be about: -1 not known, 0 none. */
static int64_t unit_min(enum record_kind kind)
{
        switch (kind) {
        case RECORD_LEFTOVER: return -1;
        case RECORD_RETURNED:
        case RECORD_WEDGE:
        case RECORD_RECOVERY:
        case RECORD_CENSUS:
        case RECORD_METRIC: return 0;
        default: return 1;
        }
}

int record_decode(json_object *row, struct record *ret, struct error *err)
{
        struct reader r = {.row = row, .err = err};
        struct record rec;
        size_t filled;

        if (!json_object_is_type(row, json_type_array))
                return error_set(err, -EBADMSG, "Record is of type %s, must be array",
                                 json_type_to_name(json_object_get_type(row)));
        rec.seq = (uint64_t)r_int(&r, "number", 0, INT64_MAX);
        rec.kind = (enum record_kind)r_word(&r, "kind", record_kind_from_name);
        if (r.error < 0)
                return r.error;
        rec.unit = r_int(&r, "unit", unit_min(rec.kind), UNITS_MAX);
        rec.attempt = r_int(&r, "attempt", 0, INT64_MAX);
        rec.lease = r_int(&r, "lease", 0, INT64_MAX);
        filled = read_body(&r, &rec);
        if (r.error < 0)
                return r.error;
        memcpy(ret, &rec, filled); /* the rest of the union is large and not used */
        return 0;
}
