/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal.h. The fields of a record come from its table; what is here are the messages. */

#include "agent/journal.h"

#include <inttypes.h>

#include "base/log-fields.h"
#include "base/message-ids.h"
#include "base/parse.h"
#include "proto/record-journal.h"

static struct log_fields fields; /* all is told from the loop, one after the other */

#define TELL(priority, id, ...)                                                                    \
        do {                                                                                       \
                size_t n_;                                                                         \
                const char *const *f_ = log_fields_get(&fields, &n_);                              \
                log_entry(priority, id, f_, n_, __VA_ARGS__);                                      \
        } while (0)

static void begin(const struct run_spec *spec, const char *agent_id, const char *instance)
{
        log_fields_reset(&fields);
        log_fields_add(&fields, "LXDSOAK_RUN", spec->run);
        log_fields_add(&fields, "LXDSOAK_AGENT", agent_id);
        if (instance[0])
                log_fields_add(&fields, "LXDSOAK_INSTANCE", instance);
}

static void add(const char *name, const char *value, void *userdata)
{
        const char *instance = userdata;

        /* it is the same, and there already */
        if (!instance[0] || !streq(name, "LXDSOAK_INSTANCE"))
                log_fields_add(&fields, name, value);
}

static void tell_sample(const struct record *r, const char *instance)
{
        const char *took = DURATION(r->sample.duration_ns);

        if (r->sample.result == RESULT_OK)
                TELL(LOG_INFO, MESSAGE_ID_SAMPLE, "%s: %s took %s", instance,
                     phase_name(r->sample.phase), took);
        else
                TELL(LOG_WARNING, MESSAGE_ID_SAMPLE_FAILED, "%s: %s %s after %s: %s", instance,
                     phase_name(r->sample.phase), result_name(r->sample.result), took,
                     r->sample.error);
}

static void tell_exec(const struct record *r, const char *instance)
{
        if (r->exec.exit_status >= 0)
                TELL(LOG_INFO, MESSAGE_ID_EXEC, "%s: %.200s exited with %" PRId64, instance,
                     r->exec.command, r->exec.exit_status);
        else
                TELL(LOG_INFO, MESSAGE_ID_EXEC, "%s: %.200s ended, its status is not known",
                     instance, r->exec.command);
}

#define ID(name, word) MESSAGE_ID_WEDGE_##name,
static const char *const wedge_ids[] = {WEDGE_CLASSES(ID)};
#undef ID

static void tell_wedge(const struct record *r, const char *instance)
{
        const char *class = wedge_class_name((int)r->wedge.class);
        const char *whom = instance[0] ? instance : "the daemon";

        if (r->wedge.cleared_by < 0)
                TELL(LOG_CRIT, wedge_ids[r->wedge.class], "%s: wedge %" PRId64 ", %s: %s: %s", whom,
                     r->wedge.number, class, r->wedge.suspect, r->wedge.detail);
        else
                TELL(LOG_NOTICE, MESSAGE_ID_WEDGE_CLEARED,
                     "%s: wedge %" PRId64 ", %s, cleared by %s, %s after it was noticed", whom,
                     r->wedge.number, class, rung_name(r->wedge.cleared_by),
                     DURATION(MAX(r->wedge.cleared_realtime_ns - r->wedge.detected_realtime_ns,
                                  INT64_C(0))));
}

/* "12.3 ms", "?" where it is not known. */
#define FIGURE(r, kind) ((r)->metric.figure[kind] < 0 ? "?" : DURATION((r)->metric.figure[kind]))

static void tell(const struct record *r, const char *instance)
{
        switch (r->kind) {
        case RECORD_SAMPLE: tell_sample(r, instance); return;
        case RECORD_EXEC: tell_exec(r, instance); return;
        case RECORD_LEFTOVER:
                TELL(LOG_ERR, MESSAGE_ID_LEFTOVER, "%s: left behind: %s %s%s%s", instance,
                     leftover_kind_name(r->leftover.kind), r->leftover.name,
                     r->leftover.detail[0] ? ": " : "", r->leftover.detail);
                return;
        case RECORD_HELD:
                TELL(LOG_INFO, MESSAGE_ID_HELD, "%s: is up and stays, %" PRId64 " are up here",
                     instance, r->held.live);
                return;
        case RECORD_OUTCOME:
                TELL(r->outcome.outcome == OUTCOME_PASSED ? LOG_INFO : LOG_WARNING,
                     MESSAGE_ID_UNIT_ENDED, "%s: unit %" PRId64 " %s after %s", instance, r->unit,
                     outcome_name(r->outcome.outcome), DURATION(r->outcome.duration_ns));
                return;
        case RECORD_RETURNED:
                TELL(LOG_INFO, MESSAGE_ID_RETURNED,
                     "units %" PRId64 " to %" PRId64 " are given back: %s", r->returned.first,
                     r->returned.first + r->returned.count - 1, r->returned.reason);
                return;
        case RECORD_WEDGE: tell_wedge(r, instance); return;
        case RECORD_RECOVERY:
                TELL(LOG_NOTICE, MESSAGE_ID_RECOVERY, "wedge %" PRId64 ": tried %s for %s: %s%s%s",
                     r->recovery.wedge, rung_name((int)r->recovery.rung),
                     DURATION(r->recovery.duration_ns), result_name((int)r->recovery.result),
                     r->recovery.error[0] ? ": " : "", r->recovery.error);
                return;
        case RECORD_CENSUS:
                TELL(LOG_INFO, MESSAGE_ID_CENSUS,
                     "counted after %" PRId64 " units, with none in flight: the daemon has %" PRId64
                     " fds, %" PRId64 " threads",
                     r->census.units, r->census.count[CENSUS_FDS], r->census.count[CENSUS_THREADS]);
                return;
        case RECORD_METRIC:
                TELL(LOG_INFO, MESSAGE_ID_METRIC,
                     "%" PRId64 " in flight, the API lists %" PRId64 " in %s, /1.0 takes %s",
                     r->metric.figure[METRIC_IN_FLIGHT], r->metric.figure[METRIC_LIVE],
                     FIGURE(r, METRIC_API_NS), FIGURE(r, METRIC_DAEMON_NS));
                return;
        case RECORD_MAX_: return;
        }
}

void journal_record(const struct run_spec *spec, const char *agent_id, const struct record *r,
                    const char *instance)
{
        begin(spec, agent_id, instance);
        record_to_fields(r, add, (void *)instance);
        tell(r, instance);
}

static void add_json(const char *name, json_object *o)
{
        if (o)
                log_fields_add(&fields, name,
                               json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        json_object_put(o);
}

void journal_begin(const struct run_spec *spec, const char *agent_id, const char *whom)
{
        begin(spec, agent_id, "");
        add_json("LXDSOAK_SPEC", fields_encode(run_spec_fields, spec));
        TELL(LOG_NOTICE, MESSAGE_ID_RUN_STARTED, "Run %s begins, for %s", spec->run, whom);
}

/* One of those that are there at the end: the finding, whatever was said of it before. */
static void tell_leftover(const struct run_spec *spec, const char *agent_id, json_object *o)
{
        struct msg_item item = {.unit = -1};

        if (fields_decode(msg_item_fields, o, &item, NULL) < 0)
                return; /* of our own making */
        begin(spec, agent_id, "");
        log_fields_add(&fields, "LXDSOAK_AT_END", "1");
        log_fields_add(&fields, "LXDSOAK_LEFTOVER", item.kind);
        log_fields_add(&fields, "LXDSOAK_LEFTOVER_NAME", item.name);
        log_fields_add(&fields, "LXDSOAK_DETAIL", item.detail);
        if (item.unit >= 0)
                log_fields_add_i64(&fields, "LXDSOAK_UNIT", item.unit);
        TELL(LOG_ERR, MESSAGE_ID_LEFTOVER, "at the end of run %s still there: %s %s%s%s", spec->run,
             item.kind, item.name, item.detail[0] ? ": " : "", item.detail);
}

void journal_end(const struct run_spec *spec, const char *agent_id, const char *server,
                 json_object *leftovers, const struct msg_pong *pong, uint64_t last_seq)
{
        size_t n = json_object_array_length(leftovers);

        for (size_t i = 0; i < n; i++)
                tell_leftover(spec, agent_id, json_object_array_get_idx(leftovers, i));
        begin(spec, agent_id, "");
        log_fields_add(&fields, "LXDSOAK_SERVER", server);
        log_fields_add_i64(&fields, "LXDSOAK_LAST_SEQ", (int64_t)last_seq);
        add_json("LXDSOAK_PONG", fields_encode(msg_pong_fields, pong));
        TELL(LOG_NOTICE, MESSAGE_ID_RUN_ENDED,
             "Run %s is over on this host, %zu things left behind", spec->run, n);
}
