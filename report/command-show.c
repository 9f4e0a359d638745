/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxdsoak-report show: what a run comes to, as its coordinator showed it. */

#include "base/exit-code.h"
#include "report/commands.h"
#include "report/follow.h"
#include "report/html.h"
#include "report/journal-near.h"
#include "report/run-options.h"

struct show {
        struct run_options run;
        char *html;
        bool json, verbose, follow;
};

#define AT(field) offsetof(struct show, field)

/* clang-format off */
static const struct option_spec specs[] = {
        RUN_OPTIONS(AT(run)),
        {"json", 0, OPTION_FLAG, NULL, "one JSON object",
         NULL, AT(json), .group = "What is shown"},
        {"verbose", 'v', OPTION_FLAG, NULL, "tables of every host, even when there are many",
         NULL, AT(verbose)},
        {"html", 0, OPTION_STRING, "FILE", "write it also as one HTML file, with time lines one can zoom",
         NULL, AT(html)},
        {"follow", 'f', OPTION_FLAG, NULL, "while the run goes on, show how it does on stderr; all else when it has ended",
         NULL, AT(follow)},
};
/* clang-format on */

const struct option_table report_show_table = {
        .program = "lxdsoak-report",
        .usage = "lxdsoak-report [show] [RUN] [OPTION…]",
        .description = "Shows what a run comes to; the exit code is its verdict's. RUN is its id, "
                       "its directory or file, or last, which it is by default. From journals, "
                       "those of the run's hosts and of the coordinator's are needed.",
        .specs = specs,
        .n = ELEMENTSOF(specs),
};

static int show(const struct show *o, const char *what)
{
        _cleanup_(store_freep)
        struct store *store = NULL;
        _cleanup_(summary_freep)
        struct summary *s = NULL;
        struct error err = ERROR_INIT;
        int r;

        if (o->follow)
                r = follow(&o->run, what, o->verbose, &store, &s, &err);
        else
                r = run_options_open(&o->run, what, &store, &err);
        if (r == 0 && !s)
                r = summary_new(store, &s, &err);
        if (r == 0 && run_options_journal(&o->run) && !o->json)
                r = journal_near_read(&o->run.journal, s, &err);
        if (r < 0)
                return report_failed(r, &err);
        if (r > 0)
                return verdict_exit_code(VERDICT_STOPPED);
        if (o->html)
                r = report_html_write_summary(store, s, o->html, &err);
        if (r < 0)
                return report_failed(r, &err);
        if (!o->html || !streq(o->html, "-"))
                summary_show(s, o->json, o->verbose);
        return verdict_exit_code(s->verdict);
}

int report_show(int argc, char **argv)
{
        struct show o = {0};
        const char *what = "last";
        size_t n;
        int code;

        if (report_parse(&report_show_table, argc, argv, &o, &what, 1, &n, &code))
                code = show(&o, what);
        options_release(&report_show_table, &o);
        return code;
}
