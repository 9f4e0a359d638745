/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A comparison as text; see compare-show.h. compare-json.c has the other form. */

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <time.h>

#include "base/exit-code.h"
#include "base/parse.h"
#include "report/compare-show.h"
#include "report/table.h"

#define WIDTH        100
#define ERRORS_SHOWN 20

int compare_exit_code(enum compare_verdict v)
{
        switch (v) {
        case COMPARE_WORSE: return verdict_exit_code(VERDICT_DRIFT);
        case COMPARE_INCONCLUSIVE: return verdict_exit_code(VERDICT_INCONCLUSIVE);
        default: return EXIT_SUCCESS;
        }
}

static void _printf_(2, 3) add(struct compare_shown *s, const char *format, ...)
{
        size_t n = strlen(s->reason);
        va_list ap;

        va_start(ap, format);
        vsnprintf(s->reason + n, sizeof(s->reason) - n, format, ap);
        va_end(ap);
}

static void add_phases(struct compare_shown *s, enum compare_verdict verdict, const char *word)
{
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct compare_phase *q = s->result->phases + p;

                if (q->verdict == verdict)
                        add(s, "%s%s takes %.3g %% %s (p %.1g)", *s->reason ? "; " : "",
                            phase_name(p), 100 * fabs(q->shift) / q->median_a, word, q->p_adjusted);
        }
}

static void add_share(struct compare_shown *s, const struct compare_share *share, const char *word)
{
        if (share->verdict == COMPARE_WORSE || share->verdict == COMPARE_BETTER)
                add(s, "%s%s units %s: %" PRIu64 " of %" PRIu64 " against %" PRIu64 " of %" PRIu64,
                    *s->reason ? "; " : "", share->verdict == COMPARE_WORSE ? "more" : "fewer",
                    word, share->b, share->n_b, share->a, share->n_a);
}

int compare_explain(struct compare_shown *s)
{
        int few = 0;

        s->reason[0] = '\0';
        add_share(s, &s->result->wedged, "wedged");
        add_share(s, &s->result->failed, "failed");
        add_phases(s, COMPARE_WORSE, "longer");
        add_phases(s, COMPARE_BETTER, "less");
        for (int p = 0; p < PHASE_MAX_; p++)
                few += s->result->phases[p].verdict == COMPARE_INCONCLUSIVE;
        if (few == PHASE_MAX_)
                add(s, "%sno phase has %d good samples in both runs", *s->reason ? "; " : "",
                    COMPARE_SAMPLES_MIN);
        else if (!*s->reason)
                add(s, "no phase takes %.2g %% longer or less, as far as could be seen",
                    100 * s->floor);
        return compare_errors(s);
}

static void print_run(const char *name, const struct compare_run *run, FILE *out)
{
        const struct summary *s = run->summary;
        time_t at = (time_t)(s->started_realtime_ns / NSEC_PER_SEC);
        char when[32] = "?";
        struct tm tm;

        if (gmtime_r(&at, &tm))
                strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
        fprintf(out,
                "%s  run %s · %s · %" PRId64 " passed, %" PRId64 " failed, %" PRId64
                " wedged, %" PRId64 " left behind · %.2f units/s · %s%s\n",
                name, s->run, when, s->total.units.passed, s->total.units.failed,
                s->total.units.wedged, s->leftovers_total, s->total.units_per_sec,
                s->n_hosts > 0 && s->hosts[0].server[0] ? s->hosts[0].server : "?",
                s->n_hosts > 1 ? " …" : "");
}

static const char *phase_word(enum compare_verdict v)
{
        switch (v) {
        case COMPARE_WORSE: return "SLOWER";
        case COMPARE_BETTER: return "faster";
        case COMPARE_INCONCLUSIVE: return "too few";
        default: return "alike";
        }
}

static void print_phases(const struct compare_shown *s, FILE *out)
{
        static const char *const head[] = {"phase", "A",    "B", "p50 A",         "p50 B",
                                           "shift", "95 %", "p", "would be seen", "verdict"};
        struct table t;

        table_init(&t, "lrrrrrrrrl");
        table_row(&t, head);
        for (int p = 0; p < PHASE_MAX_; p++) {
                const struct compare_phase *q = s->result->phases + p;
                bool told = q->verdict != COMPARE_INCONCLUSIVE;

                if (q->n_a == 0 && q->n_b == 0)
                        continue;
                table_cell(&t, phase_name(p));
                table_cellf(&t, "%" PRIu64, q->n_a);
                table_cellf(&t, "%" PRIu64, q->n_b);
                table_cell(&t, told ? DURATION(q->median_a) : NULL);
                table_cell(&t, told ? DURATION(q->median_b) : NULL);
                if (told) {
                        table_cellf(&t, "%s%s", q->shift > 0 ? "+" : "", DURATION(q->shift));
                        table_cellf(&t, "%s .. %s", DURATION(q->lo), DURATION(q->hi));
                        table_cellf(&t, "%.2g", q->p_adjusted);
                        table_cellf(&t, "%.3g %%", 100 * q->visible / q->median_a);
                } else {
                        for (int i = 0; i < 4; i++)
                                table_cell(&t, NULL);
                }
                table_cell(&t, phase_word(q->verdict));
        }
        table_print(&t, "", out);
        table_deinit(&t);
}

static void print_share(struct table *t, const char *word, const struct compare_share *s)
{
        table_cell(t, word);
        table_cellf(t, "%" PRIu64 " of %" PRIu64, s->a, s->n_a);
        table_cellf(t, "%" PRIu64 " of %" PRIu64, s->b, s->n_b);
        table_cellf(t, "%.2g", s->p_adjusted);
        table_cell(t, s->verdict == COMPARE_WORSE    ? "MORE"
                      : s->verdict == COMPARE_BETTER ? "fewer"
                                                     : "alike");
}

static void print_shares(const struct compare_shown *s, FILE *out)
{
        static const char *const head[] = {"units", "A", "B", "p", "verdict"};
        struct table t;

        table_init(&t, "lrrrl");
        table_row(&t, head);
        print_share(&t, "failed", &s->result->failed);
        print_share(&t, "wedged", &s->result->wedged);
        fputc('\n', out);
        table_print(&t, "", out);
        table_deinit(&t);
}

static void print_lists(const struct compare_shown *s, FILE *out)
{
        size_t shown = MIN(s->n_errors, (size_t)ERRORS_SHOWN);
        struct compare_wedge wedges[WEDGE_MAX_];
        size_t n = compare_wedges(s, wedges, ELEMENTSOF(wedges));

        if (n > 0)
                fputs("\nwedges: of A, of B, class\n", out);
        for (size_t i = 0; i < n; i++)
                fprintf(out, "%6" PRId64 " %6" PRId64 "  %s\n", wedges[i].a, wedges[i].b,
                        wedges[i].class);
        if (shown > 0)
                fputs("\nmost frequent errors: of A, of B, where and what\n", out);
        for (size_t i = 0; i < shown; i++) {
                const struct compare_error *e = s->errors + i;
                char first[64];

                snprintf(first, sizeof(first), "%6" PRId64 " %6" PRId64 "  %s %s: ", e->a, e->b,
                         e->error->phase, e->error->result);
                text_wrap(first, e->error->text, WIDTH, 2, out);
        }
        if (shown < s->n_errors)
                fprintf(out, "  and %zu more kinds: --json has them\n", s->n_errors - shown);
}

void compare_print(const struct compare_shown *s, FILE *out)
{
        char first[32];
        size_t i = 0;

        for (const char *w = compare_verdict_word(s->result->verdict); w[i]; i++)
                first[i] = (char)toupper((unsigned char)w[i]);
        snprintf(first + i, sizeof(first) - i, ": ");
        text_wrap(first, s->reason, WIDTH, 6, out);
        print_run("A", s->a, out);
        print_run("B", s->b, out);
        fputc('\n', out);
        print_phases(s, out);
        print_shares(s, out);
        print_lists(s, out);
}
