/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-near.h. */

#include "report/journal-near.h"

#include "base/parse.h"
#include "base/text.h"
#include "proto/record-journal.h"
#include "report/summary-internal.h"

#define PRIORITY_MOST    6 /* info */
#define PRIORITY_UNKNOWN PRIORITY_MOST

struct near {
        int64_t at_ns;
        struct near_line {
                int64_t priority, away_ns;
                struct summary_line line;
        } lines[JOURNAL_NEAR_LINES];
        size_t n;
};

static const char *get(const struct journal_entry *e, const char *name)
{
        const char *value = journal_entry_get(e, name, NULL);

        return value ? value : "";
}

/* The first line of the message is what there is room for. */
static void fill(const struct journal_entry *e, struct summary_line *ret)
{
        const char *message = get(e, "MESSAGE"), *who = get(e, "SYSLOG_IDENTIFIER");
        char text[sizeof(ret->text)];

        snprintf(text, sizeof(text), "%.60s %.40s: %.*s", get(e, "_HOSTNAME"), who[0] ? who : "?",
                 (int)strcspn(message, "\n"), message);
        ret->realtime_ns = e->realtime_ns;
        utf8_copy(ret->text, sizeof(ret->text), text, strlen(text));
}

static bool is_before(const struct near_line *a, const struct near_line *b)
{
        return a->priority != b->priority ? a->priority < b->priority : a->away_ns < b->away_ns;
}

static bool is_same(const struct near_line *a, const struct near_line *b)
{
        return a->line.realtime_ns == b->line.realtime_ns && streq(a->line.text, b->line.text);
}

static void take(struct near *near, const struct journal_entry *e)
{
        struct near_line new = {.priority = PRIORITY_UNKNOWN,
                                .away_ns = llabs(e->realtime_ns - near->at_ns)};
        size_t at = near->n;

        /* what the run is made of is in the report itself */
        if (journal_entry_get(e, RECORD_FIELD_KIND, NULL) || !get(e, "MESSAGE")[0])
                return;
        (void)!parse_i64(get(e, "PRIORITY"), 0, 7, &new.priority); /* unknown, then */
        if (new.priority > PRIORITY_MOST)
                return;
        fill(e, &new.line);
        for (size_t i = 0; i < near->n; i++)
                if (is_same(near->lines + i, &new)) /* a journal that was given twice */
                        return;
        while (at > 0 && is_before(&new, near->lines + at - 1))
                at--;
        if (at == JOURNAL_NEAR_LINES)
                return;
        near->n = MIN(near->n + 1, (size_t)JOURNAL_NEAR_LINES);
        memmove(near->lines + at + 1, near->lines + at, (near->n - at - 1) * sizeof(*near->lines));
        near->lines[at] = new;
}

static int compare_lines(const void *a, const void *b)
{
        const struct near_line *x = a, *y = b;

        return x->line.realtime_ns < y->line.realtime_ns
                       ? -1
                       : x->line.realtime_ns > y->line.realtime_ns;
}

static int keep(struct summary *s, struct near *near)
{
        qsort(near->lines, near->n, sizeof(*near->lines), compare_lines);
        for (size_t i = 0; i < near->n; i++) {
                struct summary_line *lines = summary_grow(s->lines, s->n_lines, sizeof(*lines));

                if (!lines)
                        return -ENOMEM;
                s->lines = lines;
                lines[s->n_lines] = near->lines[i].line;
                lines[s->n_lines++].near_ns = near->at_ns;
        }
        return 0;
}

static int read_near(const struct journal_places *places, struct summary *s, int64_t at_ns,
                     struct error *err)
{
        _cleanup_(journal_source_closep)
        struct journal_source *source = NULL;
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        struct near near = {.at_ns = at_ns};
        int64_t around_ns = summary_near_ns(s);
        int r;

        r = journal_source_open_between(places, at_ns - around_ns, at_ns + around_ns, &source, err);
        if (r < 0)
                return r;
        while ((r = journal_source_next(source, &e, err)) > 0)
                take(&near, &e);
        return r < 0 ? r : keep(s, &near);
}

int journal_near_read(const struct journal_places *places, struct summary *s, struct error *err)
{
        int64_t times[JOURNAL_NEAR_PLACES];
        size_t n = summary_change_times(s, times, ELEMENTSOF(times));
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = read_near(places, s, times[i], err);
        return r == -ENOMEM ? error_set(err, r, "out of memory") : r;
}
