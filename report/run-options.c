/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See run-options.h. */

#include "report/run-options.h"

#include "report/journal-run.h"
#include "report/runs.h"

bool run_options_journal(const struct run_options *o)
{
        const struct journal_places *j = &o->journal;

        return j->local || j->directories.n + j->files.n + j->streams.n > 0;
}

int run_options_open(const struct run_options *o, const char *what, struct store **ret,
                     struct error *err)
{
        if (run_options_journal(o))
                return journal_run_open(&o->journal, what, ret, err);
        return runs_open(what, &o->dirs, ret, err);
}
