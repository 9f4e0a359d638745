/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run's verdict for whoever reads test results; see export.h. */

#include <inttypes.h>
#include <time.h>

#include "base/text.h"
#include "report/export.h"

struct suite {
        const struct summary *summary;
        FILE *out; /* of the cases */
        int tests, failures, errors, skipped;
};

/* XML takes no control characters, not even written as references. */
static void put(const char *s, FILE *out)
{
        for (; *s; s++)
                switch (*s) {
                case '&': fputs("&amp;", out); break;
                case '<': fputs("&lt;", out); break;
                case '>': fputs("&gt;", out); break;
                case '"': fputs("&quot;", out); break;
                case '\n': fputs("&#10;", out); break;
                default: fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, out);
                }
}

static void begin_case(struct suite *s, const char *name)
{
        s->tests++;
        fprintf(s->out, "  <testcase classname=\"lxdsoak.%s\" name=\"", s->summary->run);
        put(name, s->out);
        fprintf(s->out, "\" time=\"%.3f\">\n", (double)s->summary->wall_ns / 1e9);
}

/* how: failure, error or skipped; the text behind it is closed by end_bad(). */
static void begin_bad(struct suite *s, const char *how, const char *message)
{
        s->failures += streq(how, "failure");
        s->errors += streq(how, "error");
        s->skipped += streq(how, "skipped");
        fprintf(s->out, "    <%s message=\"", how);
        put(message, s->out);
        fputs("\">", s->out);
}

static void end_bad(struct suite *s, const char *how)
{
        fprintf(s->out, "</%s>\n", how);
}

static void end_case(struct suite *s)
{
        fputs("  </testcase>\n", s->out);
}

static void bad(struct suite *s, const char *how, const char *message)
{
        begin_bad(s, how, message);
        end_bad(s, how);
}

static void wedge_case(struct suite *s)
{
        const struct summary *x = s->summary;
        char message[96];

        begin_case(s, verdict_word(VERDICT_WEDGE));
        if (x->wedges_total > 0 || x->total.units.wedged > 0) {
                snprintf(message, sizeof(message), "%" PRId64 " wedged, %" PRId64 " units",
                         x->wedges_total, x->total.units.wedged);
                begin_bad(s, "failure", message);
                for (size_t i = 0; i < x->n_wedges; i++) {
                        const struct summary_wedge *w = x->wedges + i;
                        char line[1280];

                        snprintf(line, sizeof(line), "%s on %s: %s %s: %s%s%s\n", w->class, w->host,
                                 w->instance, w->suspect, w->detail,
                                 w->cleared_by[0] ? "; cleared by " : "; NOT cleared",
                                 w->cleared_by);
                        put(line, s->out);
                }
                end_bad(s, "failure");
        }
        end_case(s);
}

static void left_case(struct suite *s)
{
        const struct summary *x = s->summary;
        char message[96];

        begin_case(s, verdict_word(VERDICT_LEAK));
        if (x->leftovers_total > 0) {
                snprintf(message, sizeof(message), "%" PRId64 " things left behind",
                         x->leftovers_total);
                begin_bad(s, "failure", message);
                for (size_t i = 0; i < x->n_outlived; i++) {
                        const struct summary_outlived *l = x->outlived + i;
                        char line[640];

                        snprintf(line, sizeof(line), "%s: %s %s\n", l->host, l->kind, l->name);
                        if (l->at_end)
                                put(line, s->out);
                }
                end_bad(s, "failure");
        }
        end_case(s);
}

static void failed_case(struct suite *s)
{
        const struct summary *x = s->summary;
        size_t shown = MIN(x->n_errors, (size_t)SUMMARY_ERRORS_SHOWN);
        bool judged = false;
        char message[96], more[80];

        for (size_t i = 0; i < x->n_thresholds; i++)
                judged |= x->thresholds[i].threshold.figure == THRESHOLD_FAILED;
        begin_case(s, "units");
        if (x->total.units.failed > 0 && !judged) {
                snprintf(message, sizeof(message), "%" PRId64 " units failed",
                         x->total.units.failed);
                begin_bad(s, "failure", message);
                for (size_t i = 0; i < shown; i++) {
                        const struct summary_error *e = x->errors + i;
                        char line[ERROR_TEXT_MAX + 96];

                        snprintf(line, sizeof(line), "%" PRId64 "x %s %s: %s\n", e->count, e->phase,
                                 e->result, e->text);
                        put(line, s->out);
                }
                if (summary_format_more_errors(x, shown, more, sizeof(more)))
                        fprintf(s->out, "and %s\n", more);
                end_bad(s, "failure");
        }
        end_case(s);
}

static void threshold_case(struct suite *s, const struct summary_threshold *t)
{
        char name[THRESHOLD_TEXT_MAX + 16], value[32], message[64];

        snprintf(name, sizeof(name), "threshold %s", t->threshold.text);
        begin_case(s, name);
        if (t->state == THRESHOLD_BROKEN) {
                snprintf(message, sizeof(message), "it is %s",
                         threshold_format(&t->threshold, t->value, value, sizeof(value)));
                bad(s, "failure", message);
        } else if (t->state == THRESHOLD_NOT_MEASURED) {
                bad(s, "error", "there was nothing to hold it against");
        }
        end_case(s);
}

/* Whether the others can be believed. */
static void whole_case(struct suite *s)
{
        const struct summary *x = s->summary;

        begin_case(s, verdict_word(VERDICT_INCONCLUSIVE));
        if (x->verdict == VERDICT_STOPPED)
                bad(s, "skipped", x->reason);
        else if (x->verdict == VERDICT_INCONCLUSIVE)
                bad(s, "error", x->reason);
        end_case(s);
}

void export_junit(const struct summary *x, FILE *out)
{
        char *cases = NULL, when[32] = "";
        size_t size = 0;
        struct suite s = {.summary = x, .out = open_memstream(&cases, &size)};
        time_t at = (time_t)(x->started_realtime_ns / NSEC_PER_SEC);
        struct tm tm;

        if (!s.out)
                return;
        whole_case(&s);
        failed_case(&s);
        for (size_t i = 0; i < x->n_thresholds; i++)
                threshold_case(&s, x->thresholds + i);
        wedge_case(&s);
        left_case(&s);
        if (gmtime_r(&at, &tm))
                strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
        if (fclose(s.out) == 0) {
                fprintf(out,
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<testsuites>\n <testsuite name=\"lxdsoak %s\" tests=\"%d\" failures=\"%d\""
                        " errors=\"%d\" skipped=\"%d\" timestamp=\"%s\" time=\"%.3f\">\n"
                        "  <properties>\n   <property name=\"verdict\" value=\"%s\"/>\n"
                        "   <property name=\"reason\" value=\"",
                        x->run, s.tests, s.failures, s.errors, s.skipped, when,
                        (double)x->wall_ns / 1e9, verdict_word(x->verdict));
                put(x->reason, out);
                fprintf(out, "\"/>\n  </properties>\n%s </testsuite>\n</testsuites>\n", cases);
        }
        free(cases);
}
