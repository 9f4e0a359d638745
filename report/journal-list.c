/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-list.h. */

#include "report/journal-list.h"

#include "base/message-ids.h"
#include "proto/names.h"
#include "report/journal-run.h"

struct told { /* of one run */
        char run[RUN_ID_SIZE], verdict[16];
        int64_t begun_ns, ended_ns; /* of the entries, the newest */
};

struct told_list {
        struct told *items;
        size_t n;
        bool full;
};

static struct told *told(struct told_list *list, const char *run)
{
        struct told *t;

        for (size_t i = 0; i < list->n; i++)
                if (streq(list->items[i].run, run))
                        return list->items + i;
        if (list->n >= JOURNAL_RUNS_MAX) {
                list->full = true;
                return NULL;
        }
        t = list->items + list->n++;
        *t = (struct told){0};
        snprintf(t->run, sizeof(t->run), "%s", run);
        return t;
}

/* Which runs began, and what their coordinators said in the end. */
static void take(struct told_list *list, const struct journal_entry *e)
{
        const char *run = journal_entry_get(e, "LXDSOAK_RUN", NULL);
        const char *verdict = journal_entry_get(e, "LXDSOAK_VERDICT", NULL);
        struct told *t = check_run_id(run) ? NULL : told(list, run);

        if (!t)
                return;
        if (!verdict) {
                t->begun_ns = MAX(t->begun_ns, e->realtime_ns);
        } else if (e->realtime_ns >= t->ended_ns) {
                t->ended_ns = e->realtime_ns;
                snprintf(t->verdict, sizeof(t->verdict), "%s", verdict);
        }
}

static int collect(const struct journal_places *places, struct told_list *list, struct error *err)
{
        static const char *const ids[] = {MESSAGE_ID_RUN_STARTED, MESSAGE_ID_VERDICT, NULL};
        _cleanup_(journal_source_closep)
        struct journal_source *s = NULL;
        _cleanup_(journal_entry_deinit)
        struct journal_entry e = {0};
        int r = journal_source_open(places, NULL, ids, &s, err);

        while (r >= 0 && (r = journal_source_next(s, &e, err)) > 0)
                take(list, &e);
        return r;
}

/* The journals' own trouble ends the list; a run that cannot be put together is one less. */
static int add_run(const struct journal_places *places, const struct told *t, struct run_places *p)
{
        _cleanup_(store_freep)
        struct store *store = NULL;
        struct run_place place;
        int r = journal_run_open_outcomes(places, t->run, &store, &p->unreadable);

        if (r == 0)
                r = run_place_read(store, &place, &p->unreadable);
        if (r < 0) {
                p->n_unreadable++;
                return r == -ENOMEM ? r : 0;
        }
        /* one that was resumed since has none yet */
        if (t->ended_ns >= t->begun_ns)
                snprintf(place.verdict, sizeof(place.verdict), "%s", t->verdict);
        return runs_add(p, &place, NULL);
}

int journal_runs_list(const struct journal_places *places, struct run_places *ret,
                      struct error *err)
{
        _cleanup_(freep)
        struct told *items = calloc(JOURNAL_RUNS_MAX, sizeof(*items));
        struct told_list list = {.items = items};
        struct run_places p = {0};
        int r = items ? collect(places, &list, err) : -ENOMEM;

        for (size_t i = 0; i < list.n && r == 0; i++)
                r = add_run(places, items + i, &p);
        if (r < 0) {
                runs_release(&p);
                return error_set(err, r, "out of memory");
        }
        if (list.full) {
                p.n_unreadable++;
                error_set(&p.unreadable, -E2BIG, "there are more than %d runs", JOURNAL_RUNS_MAX);
        }
        runs_sort(&p);
        *ret = p;
        return 0;
}
