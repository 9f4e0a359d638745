/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal.h. Every entry has LXDSOAK_RUN, _UNIT, _ATTEMPT, _AGENT and
 * _INSTANCE; a sample also _PHASE, _STEP, _RESULT, _DURATION_NS, _START_REALTIME_NS,
 * _START_MONOTONIC_NS and, if it failed, _ERROR_CODE and _ERROR. */

#include "agent/journal.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/log.h"
#include "base/message-ids.h"
#include "base/parse.h"

#define FIELD_SIZE (ERROR_TEXT_MAX + 64)

struct fields {
        char text[LOG_FIELDS_MAX][FIELD_SIZE];
        const char *pointers[LOG_FIELDS_MAX];
        size_t n;
};

static void add(struct fields *f, const char *format, ...) _printf_(2, 3);
static void add(struct fields *f, const char *format, ...)
{
        va_list ap;

        if (f->n >= LOG_FIELDS_MAX)
                return;
        va_start(ap, format);
        vsnprintf(f->text[f->n], FIELD_SIZE, format, ap);
        va_end(ap);
        f->pointers[f->n] = f->text[f->n];
        f->n++;
}

static void journal_sample(struct fields *f, const struct record *r, const char *instance)
{
        bool ok = r->sample.result == RESULT_OK;
        char took[32];

        format_duration(r->sample.duration_ns, took, sizeof(took));
        add(f, "LXDSOAK_PHASE=%s", phase_name(r->sample.phase));
        add(f, "LXDSOAK_STEP=%" PRId64, r->sample.step);
        add(f, "LXDSOAK_RESULT=%s", result_name(r->sample.result));
        add(f, "LXDSOAK_DURATION_NS=%" PRId64, r->sample.duration_ns);
        add(f, "LXDSOAK_START_REALTIME_NS=%" PRId64, r->sample.start_realtime_ns);
        add(f, "LXDSOAK_START_MONOTONIC_NS=%" PRId64, r->sample.start_monotonic_ns);
        if (ok) {
                log_entry(LOG_INFO, MESSAGE_ID_SAMPLE, f->pointers, f->n, "%s: %s took %s",
                          instance, phase_name(r->sample.phase), took);
                return;
        }
        add(f, "LXDSOAK_ERROR_CODE=%" PRId64, r->sample.error_code);
        add(f, "LXDSOAK_ERROR=%s", r->sample.error);
        log_entry(LOG_WARNING, MESSAGE_ID_SAMPLE_FAILED, f->pointers, f->n,
                  "%s: %s %s after %s: %s", instance, phase_name(r->sample.phase),
                  result_name(r->sample.result), took, r->sample.error);
}

#define ID(name, word) MESSAGE_ID_WEDGE_##name,
static const char *const wedge_ids[] = {WEDGE_CLASSES(ID)};
#undef ID

static void journal_wedge(struct fields *f, const struct record *r, const char *instance)
{
        const char *class = wedge_class_name((int)r->wedge.class);
        const char *whom = instance[0] ? instance : "the daemon";
        char took[32];

        add(f, "LXDSOAK_WEDGE=%" PRId64, r->wedge.number);
        add(f, "LXDSOAK_CLASS=%s", class);
        add(f, "LXDSOAK_SUSPECT=%s", r->wedge.suspect);
        add(f, "LXDSOAK_SINCE_REALTIME_NS=%" PRId64, r->wedge.since_realtime_ns);
        add(f, "LXDSOAK_DETECTED_REALTIME_NS=%" PRId64, r->wedge.detected_realtime_ns);
        add(f, "LXDSOAK_SURE=%" PRId64, r->wedge.sure);
        add(f, "LXDSOAK_DETAIL=%s", r->wedge.detail);
        add(f, "LXDSOAK_EVIDENCE=%s", r->wedge.evidence);
        if (r->wedge.cleared_by < 0) {
                log_entry(LOG_CRIT, wedge_ids[r->wedge.class], f->pointers, f->n,
                          "%s: wedge %" PRId64 ", %s: %s: %s", whom, r->wedge.number, class,
                          r->wedge.suspect, r->wedge.detail);
                return;
        }
        add(f, "LXDSOAK_CLEARED_BY=%s", rung_name(r->wedge.cleared_by));
        add(f, "LXDSOAK_CLEARED_REALTIME_NS=%" PRId64, r->wedge.cleared_realtime_ns);
        format_duration(
                MAX(r->wedge.cleared_realtime_ns - r->wedge.detected_realtime_ns, INT64_C(0)), took,
                sizeof(took));
        log_entry(LOG_NOTICE, MESSAGE_ID_WEDGE_CLEARED, f->pointers, f->n,
                  "%s: wedge %" PRId64 ", %s, cleared by %s, %s after it was noticed", whom,
                  r->wedge.number, class, rung_name(r->wedge.cleared_by), took);
}

void journal_record(const struct run_spec *spec, const char *agent_id, const struct record *r,
                    const char *instance)
{
        struct fields f;
        char took[32];

        f.n = 0;
        add(&f, "LXDSOAK_RUN=%s", spec->run);
        add(&f, "LXDSOAK_UNIT=%" PRId64, r->unit);
        add(&f, "LXDSOAK_ATTEMPT=%" PRId64, r->attempt);
        add(&f, "LXDSOAK_AGENT=%s", agent_id);
        add(&f, "LXDSOAK_INSTANCE=%s", instance);
        switch (r->kind) {
        case RECORD_SAMPLE: journal_sample(&f, r, instance); return;
        case RECORD_LEFTOVER:
                add(&f, "LXDSOAK_LEFTOVER=%s", leftover_kind_name(r->leftover.kind));
                add(&f, "LXDSOAK_LEFTOVER_NAME=%s", r->leftover.name);
                log_entry(LOG_ERR, MESSAGE_ID_LEFTOVER, f.pointers, f.n,
                          "%s: left behind: %s %s%s%s", instance,
                          leftover_kind_name(r->leftover.kind), r->leftover.name,
                          r->leftover.detail[0] ? ": " : "", r->leftover.detail);
                return;
        case RECORD_OUTCOME:
                add(&f, "LXDSOAK_OUTCOME=%s", outcome_name(r->outcome.outcome));
                add(&f, "LXDSOAK_DURATION_NS=%" PRId64, r->outcome.duration_ns);
                log_entry(r->outcome.outcome == OUTCOME_PASSED ? LOG_INFO : LOG_WARNING,
                          MESSAGE_ID_UNIT_ENDED, f.pointers, f.n,
                          "%s: unit %" PRId64 " %s after %s", instance, r->unit,
                          outcome_name(r->outcome.outcome),
                          format_duration(r->outcome.duration_ns, took, sizeof(took)));
                return;
        case RECORD_WEDGE: journal_wedge(&f, r, instance); return;
        case RECORD_RECOVERY:
                add(&f, "LXDSOAK_WEDGE=%" PRId64, r->recovery.wedge);
                add(&f, "LXDSOAK_RUNG=%s", rung_name((int)r->recovery.rung));
                add(&f, "LXDSOAK_RESULT=%s", result_name((int)r->recovery.result));
                add(&f, "LXDSOAK_DURATION_NS=%" PRId64, r->recovery.duration_ns);
                add(&f, "LXDSOAK_ERROR=%s", r->recovery.error);
                log_entry(LOG_NOTICE, MESSAGE_ID_RECOVERY, f.pointers, f.n,
                          "wedge %" PRId64 ": tried %s for %s: %s%s%s", r->recovery.wedge,
                          rung_name((int)r->recovery.rung),
                          format_duration(r->recovery.duration_ns, took, sizeof(took)),
                          result_name((int)r->recovery.result), r->recovery.error[0] ? ": " : "",
                          r->recovery.error);
                return;
        default: return;
        }
}
