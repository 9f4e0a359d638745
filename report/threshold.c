/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See threshold.h. */

#include "report/threshold.h"

#include <ctype.h>
#include <math.h>

#include "base/parse.h"
#include "base/text.h"
#include "report/html-gauges.h"

#define HOW                                                                                        \
        "write FIGURE<LIMIT, where FIGURE is failed, units_per_sec, gap, PHASE.p99, PHASE.max, "   \
        "PHASE.failed or drift.PHASE, as in start.p99<2s or failed<1%%"

/* ---- reading ---- */

/* A decimal number, all of s, not negative. */
static bool parse_number(const char *s, double *ret)
{
        char *end;
        double v;

        if (!isdigit((unsigned char)*s) || strspn(s, "0123456789.") != strlen(s))
                return false;
        errno = 0;
        v = strtod(s, &end);
        if (*end || errno || !isfinite(v))
                return false;
        *ret = v;
        return true;
}

static int parse_percentile(const char *s, struct threshold *t)
{
        if (streq(s, "max")) {
                t->percentile = 100;
                return 0;
        }
        if (*s != 'p' || !parse_number(s + 1, &t->percentile) || t->percentile <= 0 ||
            t->percentile > 100)
                return -EINVAL;
        return 0;
}

/* A phase, or one of the figures that are looked at against time. */
static int parse_drift(const char *s, struct threshold *t, struct error *err)
{
        int phase = phase_from_name(s), metric = metric_kind_from_name(s);

        if (phase < 0 && (metric < 0 || html_gauge_find(HTML_METRIC, s) < 0))
                return error_set(err, -EINVAL,
                                 "'%s' is nothing that can drift: a phase, or a figure of a host "
                                 "as mem_available or api_ns",
                                 TEXT_PRINTABLE(s));
        if (t->abort)
                return error_set(err, -EINVAL,
                                 "a drift cannot abort a run: looked at again and again anything "
                                 "looks like drift; it is told when the run is over");
        t->figure = THRESHOLD_DRIFT;
        t->drift = phase >= 0 ? phase : THRESHOLD_METRIC(metric);
        return 0;
}

static int parse_figure(char *s, struct threshold *t, struct error *err)
{
        static const struct {
                const char *word;
                enum threshold_figure figure;
        } words[] = {{"failed", THRESHOLD_FAILED},
                     {"units_per_sec", THRESHOLD_UNITS_PER_SEC},
                     {"gap", THRESHOLD_GAP}};
        char *dot = strchr(s, '.');
        int phase;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(s, words[i].word)) {
                        t->figure = words[i].figure;
                        return 0;
                }
        if (!dot)
                return error_set(err, -EINVAL, "'%s' is no figure; " HOW, TEXT_PRINTABLE(s));
        if (startswith(s, "drift."))
                return parse_drift(dot + 1, t, err);
        *dot = '\0';
        phase = phase_from_name(s);
        if (phase < 0)
                return error_set(err, -EINVAL, "'%s' is no phase; " HOW, TEXT_PRINTABLE(s));
        t->phase = (enum phase)phase;
        t->figure = streq(dot + 1, "failed") ? THRESHOLD_PHASE_FAILED : THRESHOLD_PHASE_PERCENTILE;
        if (t->figure == THRESHOLD_PHASE_PERCENTILE && parse_percentile(dot + 1, t) < 0)
                return error_set(err, -EINVAL,
                                 "'%s' is no figure of a phase: p50, p99, p99.9, max or failed",
                                 TEXT_PRINTABLE(dot + 1));
        return 0;
}

static bool is_duration(enum threshold_figure f)
{
        return f == THRESHOLD_PHASE_PERCENTILE || f == THRESHOLD_GAP;
}

static bool is_rate(enum threshold_figure f)
{
        return f == THRESHOLD_FAILED || f == THRESHOLD_PHASE_FAILED;
}

/* What falls has a limit below 0. */
static int parse_drift_limit(char *s, struct threshold *t, struct error *err)
{
        size_t n = strlen(s), unit = strlen("%/h");
        bool falls = *s == '-';

        if (n <= unit || !streq(s + n - unit, "%/h"))
                return error_set(err, -EINVAL, "'%s' is no drift, as 5%%/h", TEXT_PRINTABLE(s));
        s[n - unit] = '\0';
        if (!parse_number(s + falls, &t->limit))
                return error_set(err, -EINVAL, "'%s' is no such number", TEXT_PRINTABLE(s));
        t->limit = falls ? -t->limit : t->limit;
        return 0;
}

static int parse_limit(char *s, struct threshold *t, struct error *err)
{
        size_t n = strlen(s);
        int64_t ns;

        if (is_duration(t->figure)) {
                if (parse_duration(s, 0, INT64_MAX, &ns) < 0)
                        return error_set(err, -EINVAL, "'%s' is no duration, as 300ms, 2s or 1m",
                                         TEXT_PRINTABLE(s));
                t->limit = (double)ns;
                return 0;
        }
        if (t->figure == THRESHOLD_DRIFT)
                return parse_drift_limit(s, t, err);
        if (is_rate(t->figure)) {
                if (n < 2 || s[n - 1] != '%')
                        return error_set(err, -EINVAL, "'%s' is no percentage, as 1%%",
                                         TEXT_PRINTABLE(s));
                s[n - 1] = '\0';
        }
        if (!parse_number(s, &t->limit) || (is_rate(t->figure) && t->limit > 100))
                return error_set(err, -EINVAL, "'%s' is no such number", TEXT_PRINTABLE(s));
        return 0;
}

/* "<" or "<=" and so on at s; returns what is behind. */
static char *parse_operator(char *s, struct threshold *t)
{
        bool less = *s == '<', equal = s[1] == '=';

        t->op = less ? (equal ? THRESHOLD_LESS_EQUAL : THRESHOLD_LESS)
                     : (equal ? THRESHOLD_GREATER_EQUAL : THRESHOLD_GREATER);
        *s = '\0';
        return s + 1 + equal;
}

static int copy_text(const char *s, char ret[static THRESHOLD_TEXT_MAX])
{
        size_t n = 0;

        for (; *s; s++) {
                if (isspace((unsigned char)*s))
                        continue;
                if (n >= THRESHOLD_TEXT_MAX - 1 || !isprint((unsigned char)*s))
                        return -EINVAL;
                ret[n++] = *s;
        }
        ret[n] = '\0';
        return 0;
}

int threshold_parse(const char *s, struct threshold *ret, struct error *err)
{
        struct threshold t = {0};
        char text[THRESHOLD_TEXT_MAX], *sign, *limit, *comma;
        int r;

        if (copy_text(s, t.text) < 0)
                return error_set(err, -EINVAL, "it is too long, or no text; " HOW);
        memcpy(text, t.text, sizeof(text));
        comma = strchr(text, ',');
        if (comma) {
                *comma = '\0';
                t.abort = streq(comma + 1, "abort");
                if (!t.abort)
                        return error_set(err, -EINVAL, "'%s': only abort can follow the comma",
                                         TEXT_PRINTABLE(comma + 1));
        }
        sign = strpbrk(text, "<>");
        if (!sign)
                return error_set(err, -EINVAL, "'%s' compares nothing; " HOW, TEXT_PRINTABLE(text));
        limit = parse_operator(sign, &t);
        r = parse_figure(text, &t, err);
        if (r == 0)
                r = parse_limit(limit, &t, err);
        if (r < 0)
                return r;
        *ret = t;
        return 0;
}

/* ---- evaluating ---- */

/* How much there is behind the figure; 0 = nothing. */
static int64_t measure(const struct threshold *t, const struct threshold_facts *f, double *ret)
{
        int64_t n = 0;

        switch (t->figure) {
        case THRESHOLD_FAILED:
                n = f->ended;
                if (n > 0)
                        *ret = 100.0 * (double)f->failed / (double)n;
                return n;
        case THRESHOLD_PHASE_FAILED:
                n = f->phases[t->phase].count;
                if (n > 0)
                        *ret = 100.0 * (double)f->phases[t->phase].failed / (double)n;
                return n;
        case THRESHOLD_PHASE_PERCENTILE:
                if (f->phases[t->phase].ok)
                        n = (int64_t)histogram_count(f->phases[t->phase].ok);
                if (n > 0)
                        *ret = (double)histogram_percentile(f->phases[t->phase].ok, t->percentile);
                return n;
        case THRESHOLD_UNITS_PER_SEC: *ret = f->units_per_sec; return f->ended;
        case THRESHOLD_GAP: *ret = (double)f->gap_ns; return f->gap_ns > 0 ? f->ended : 0;
        case THRESHOLD_DRIFT: return 0; /* evaluate_drift() */
        }
        return 0;
}

static bool holds(const struct threshold *t, double value)
{
        switch (t->op) {
        case THRESHOLD_LESS: return value < t->limit;
        case THRESHOLD_LESS_EQUAL: return value <= t->limit;
        case THRESHOLD_GREATER: return value > t->limit;
        case THRESHOLD_GREATER_EQUAL: return value >= t->limit;
        }
        return false;
}

/* Of one series. What is not sure may be anything that would not have been seen. */
static enum threshold_state hold_drift(const struct threshold *t, const struct threshold_drift *d)
{
        bool up, down;

        if (!d->told || !isfinite(d->percent) || !isfinite(d->visible))
                return THRESHOLD_NOT_MEASURED;
        if (d->sure)
                return holds(t, d->percent) ? THRESHOLD_HOLDS : THRESHOLD_BROKEN;
        up = holds(t, d->visible);
        down = holds(t, -d->visible);
        if (up != down)
                return THRESHOLD_NOT_MEASURED;
        return up ? THRESHOLD_HOLDS : THRESHOLD_BROKEN;
}

/* Of all hosts: the worst that is known. */
static enum threshold_state evaluate_drift(const struct threshold *t,
                                           const struct threshold_facts *f, double *ret_value)
{
        static const int badness[] = {
                [THRESHOLD_HOLDS] = 0, [THRESHOLD_NOT_MEASURED] = 1, [THRESHOLD_BROKEN] = 2};
        bool less = t->op == THRESHOLD_LESS || t->op == THRESHOLD_LESS_EQUAL, any = false;
        enum threshold_state worst = THRESHOLD_NOT_MEASURED;
        double value = 0;

        for (size_t i = 0; i < f->n_drifts; i++) {
                const struct threshold_drift *d = f->drifts + i;
                enum threshold_state state;

                if (d->figure != t->drift)
                        continue;
                state = hold_drift(t, d);
                if (!any || badness[state] > badness[worst] ||
                    (state == worst && (less ? d->percent > value : d->percent < value))) {
                        worst = state;
                        value = d->percent;
                }
                any = true;
        }
        if (worst != THRESHOLD_NOT_MEASURED)
                *ret_value = value;
        return worst;
}

enum threshold_state threshold_evaluate(const struct threshold *t, const struct threshold_facts *f,
                                        double *ret_value)
{
        double value;

        if (t->figure == THRESHOLD_DRIFT)
                return evaluate_drift(t, f, ret_value);
        if (measure(t, f, &value) == 0)
                return THRESHOLD_NOT_MEASURED;
        *ret_value = value;
        return holds(t, value) ? THRESHOLD_HOLDS : THRESHOLD_BROKEN;
}

bool threshold_aborts(const struct threshold *t, const struct threshold_facts *f)
{
        bool one_is_enough = (t->figure == THRESHOLD_PHASE_PERCENTILE && t->percentile >= 100) ||
                             t->figure == THRESHOLD_GAP;
        double value;
        int64_t n = measure(t, f, &value);

        return t->abort && n >= (one_is_enough ? 1 : THRESHOLD_ABORT_MIN) && !holds(t, value);
}

const char *threshold_format(const struct threshold *t, double value, char *buf, size_t size)
{
        if (is_duration(t->figure))
                return format_duration((int64_t)value, buf, size);
        if (t->figure == THRESHOLD_DRIFT)
                snprintf(buf, size, "%+.2f %%/h", value);
        else
                snprintf(buf, size, is_rate(t->figure) ? "%.2f %%" : "%.2f", value);
        return buf;
}
