/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rule, and the reason in words; see verdict.h. */

#include <inttypes.h>
#include <stdarg.h>

#include "report/verdict.h"

/* Units that came to an end of their own. */
static int64_t measured(const struct verdict_facts *f)
{
        return f->passed + f->failed + f->wedged;
}

static bool inconclusive(const struct verdict_facts *f)
{
        if (f->samples_ok == 0 || (measured(f) == 0 && f->held == 0))
                return true;
        return (f->planned >= 0 && measured(f) < f->planned) || f->hosts_unfinished > 0 ||
               f->thresholds_not_measured > 0;
}

static enum verdict decide(const struct verdict_facts *f)
{
        if (f->stopped)
                return VERDICT_STOPPED;
        if (f->wedged > 0 || f->wedges > 0)
                return VERDICT_WEDGE;
        if (f->missing)
                return VERDICT_INCONCLUSIVE;
        if (f->leftovers > 0 || f->leaks > 0)
                return VERDICT_LEAK;
        if (f->thresholds_broken > 0 || (f->failed > 0 && !f->failed_judged))
                return VERDICT_THRESHOLD;
        if (inconclusive(f))
                return VERDICT_INCONCLUSIVE;
        return VERDICT_PASS;
}

struct text {
        char *buf;
        size_t size, n;
};

static void _printf_(2, 3) add(struct text *t, const char *format, ...)
{
        va_list ap;
        int n;

        if (t->n >= t->size)
                return;
        va_start(ap, format);
        n = vsnprintf(t->buf + t->n, t->size - t->n, format, ap);
        va_end(ap);
        if (n > 0)
                t->n += (size_t)n;
}

static const char *plural(int64_t n)
{
        return n == 1 ? "" : "s";
}

static void explain(const struct verdict_facts *f, struct text *t)
{
        int64_t missing = f->planned - measured(f) - f->interrupted;

        if (f->missing)
                add(t, "%s; of what there is: ", f->missing);
        if (f->wedges > 0)
                add(t, "%" PRId64 " wedge%s%s%s%s; ", f->wedges, plural(f->wedges),
                    f->first_wedge ? " (" : "", f->first_wedge ? f->first_wedge : "",
                    f->first_wedge ? ")" : "");
        if (f->leaks > 0)
                add(t, "%s%s; ", f->first_leak ? f->first_leak : "a leak",
                    f->leaks > 1 ? ", and more" : "");
        if (f->held > 0)
                add(t, "%" PRId64 " unit%s came up", f->held, plural(f->held));
        else if (f->planned >= 0)
                add(t, "%" PRId64 " of %" PRId64 " unit%s passed", f->passed, f->planned,
                    plural(f->planned));
        else
                add(t, "%" PRId64 " unit%s passed", f->passed, plural(f->passed));
        if (f->wedged > 0)
                add(t, ", %" PRId64 " wedged", f->wedged);
        if (f->failed > 0)
                add(t, ", %" PRId64 " failed", f->failed);
        if (f->interrupted > 0)
                add(t, ", %" PRId64 " interrupted", f->interrupted);
        if (f->planned >= 0 && missing > 0)
                add(t, ", %" PRId64 " not done", missing);
        if (f->leftovers > 0)
                add(t, ", %" PRId64 " thing%s left behind", f->leftovers, plural(f->leftovers));
        else if (f->hosts_unfinished == 0 && measured(f) + f->held > 0)
                add(t, ", nothing left behind");
        if (f->hosts_unfinished == 1 && f->first_unfinished)
                add(t, "; host %s", f->first_unfinished);
        else if (f->hosts_unfinished > 0)
                add(t, "; %" PRId64 " of %" PRId64 " hosts not finished%s%s%s", f->hosts_unfinished,
                    f->hosts, f->first_unfinished ? " (" : "",
                    f->first_unfinished ? f->first_unfinished : "", f->first_unfinished ? ")" : "");
        if (f->thresholds_broken > 0 && f->first_broken)
                add(t, "; %s", f->first_broken);
        if (f->thresholds_broken > 1)
                add(t, ", nor do %" PRId64 " more", f->thresholds_broken - 1);
        if (f->thresholds_not_measured > 0)
                add(t, "; nothing to hold %" PRId64 " threshold%s against",
                    f->thresholds_not_measured, plural(f->thresholds_not_measured));
        if (f->stopped)
                add(t, "; stopped by the user");
}

enum verdict verdict_decide(const struct verdict_facts *f, char *reason, size_t size)
{
        struct text t = {reason, size, 0};

        if (reason && size > 0) {
                reason[0] = '\0';
                explain(f, &t);
        }
        return decide(f);
}
