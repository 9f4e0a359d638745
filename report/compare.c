/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two runs against each other; see compare.h. */

#include <math.h>

#include "report/compare.h"
#include "report/stats-compare.h"
#include "report/stats-depend.h"
#include "report/stats-normal.h"
#include "report/stats-order.h"

const char *compare_verdict_word(enum compare_verdict v)
{
        static const char *const words[] = {
#define X(n, w) w,
                COMPARE_VERDICTS(X)
#undef X
        };

        return words[v];
}

void compare_samples_init(struct compare_samples *s)
{
        *s = (struct compare_samples){0};
        for (int p = 0; p < PHASE_MAX_; p++)
                stats_thin_init(s->phases + p, COMPARE_SAMPLES_MAX);
}

void compare_samples_deinit(struct compare_samples *s)
{
        for (int p = 0; p < PHASE_MAX_; p++)
                stats_thin_deinit(s->phases + p);
}

/* Both samples, one behind the other. */
struct both {
        double *values; /* owned */
        double *ranks;  /* owned */
        size_t n_a, n_b;
};

static void both_deinit(struct both *b)
{
        free(b->values);
        free(b->ranks);
}

static int both_init(struct both *both, const struct stats_thin *a, const struct stats_thin *b)
{
        both->n_a = a->n;
        both->n_b = b->n;
        both->values = malloc((a->n + b->n) * sizeof(double));
        both->ranks = malloc((a->n + b->n) * sizeof(double));
        if (!both->values || !both->ranks)
                return -ENOMEM;
        memcpy(both->values, a->y, a->n * sizeof(double));
        memcpy(both->values + a->n, b->y, b->n * sizeof(double));
        return stats_rank(both->values, a->n + b->n, both->ranks, NULL);
}

static int compare_phase(const struct stats_thin *a, const struct stats_thin *b,
                         struct compare_phase *ret)
{
        const double z = stats_normal_quantile(1 - COMPARE_ALPHA / 2);
        _cleanup_(both_deinit)
        struct both both = {0};
        struct stats_mann_whitney w;
        struct stats_shift s;
        double *of_a, *of_b;
        int r = both_init(&both, a, b);

        if (r == 0)
                r = stats_inflation(both.ranks, a->x, a->n, &ret->inflation_a);
        if (r == 0)
                r = stats_inflation(both.ranks + a->n, b->x, b->n, &ret->inflation_b);
        if (r == 0)
                r = stats_mann_whitney(a->y, a->n, b->y, b->n, ret->inflation_a, ret->inflation_b,
                                       &w);
        if (r < 0)
                return r;
        of_a = both.values;
        of_b = both.values + a->n;
        stats_sort(of_a, a->n);
        stats_sort(of_b, b->n);
        r = stats_shift(of_a, a->n, of_b, b->n, ret->inflation_a, ret->inflation_b, COMPARE_ALPHA,
                        &s);
        if (r < 0)
                return r;
        ret->median_a = stats_median(of_a, a->n);
        ret->median_b = stats_median(of_b, b->n);
        ret->shift = s.shift;
        ret->lo = s.lo;
        ret->hi = s.hi;
        ret->visible = (z + stats_normal_quantile(COMPARE_POWER)) * (s.hi - s.lo) / (2 * z);
        ret->p = w.p;
        ret->verdict = COMPARE_SAME;
        return 0;
}

static int compare_phases(const struct compare_samples *a, const struct compare_samples *b,
                          double floor, struct compare *c)
{
        double p[PHASE_MAX_];
        int r = 0;

        for (int i = 0; i < PHASE_MAX_ && r == 0; i++) {
                const struct stats_thin *x = a->phases + i, *y = b->phases + i;
                struct compare_phase *phase = c->phases + i;

                *phase = (struct compare_phase){
                        .verdict = COMPARE_INCONCLUSIVE, .n_a = x->seen, .n_b = y->seen};
                if (x->n >= COMPARE_SAMPLES_MIN && y->n >= COMPARE_SAMPLES_MIN)
                        r = compare_phase(x, y, phase);
                p[i] = phase->verdict == COMPARE_SAME ? phase->p : (double)NAN;
        }
        if (r == 0)
                r = stats_adjust(p, PHASE_MAX_, p);
        for (int i = 0; i < PHASE_MAX_ && r == 0; i++) {
                struct compare_phase *phase = c->phases + i;

                if (phase->verdict != COMPARE_SAME)
                        continue;
                phase->visible = fmax(phase->visible, floor * phase->median_a);
                phase->p_adjusted = p[i];
                if (p[i] < COMPARE_ALPHA && fabs(phase->shift) >= floor * phase->median_a)
                        phase->verdict = phase->shift > 0 ? COMPARE_WORSE : COMPARE_BETTER;
        }
        return r;
}

static double apart(const struct compare_share *s)
{
        return s->n_a && s->n_b ? (double)s->b / (double)s->n_b - (double)s->a / (double)s->n_a : 0;
}

static int compare_shares(struct compare_share *failed, struct compare_share *wedged)
{
        struct compare_share *shares[] = {failed, wedged};
        double p[ELEMENTSOF(shares)];
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(shares) && r == 0; i++) {
                r = stats_fisher(shares[i]->a, shares[i]->n_a, shares[i]->b, shares[i]->n_b, p + i);
                shares[i]->p = p[i];
        }
        if (r == 0)
                r = stats_adjust(p, ELEMENTSOF(p), p);
        for (size_t i = 0; i < ELEMENTSOF(shares) && r == 0; i++) {
                double by = apart(shares[i]);

                shares[i]->p_adjusted = p[i];
                shares[i]->verdict = COMPARE_SAME;
                if (p[i] < COMPARE_ALPHA && fabs(by) >= COMPARE_SHARE_FLOOR)
                        shares[i]->verdict = by > 0 ? COMPARE_WORSE : COMPARE_BETTER;
        }
        return r;
}

static enum compare_verdict decide(const struct compare *c)
{
        size_t count[COMPARE_VERDICT_MAX_] = {0};

        for (int i = 0; i < PHASE_MAX_; i++)
                count[c->phases[i].verdict]++;
        if (c->failed.verdict == COMPARE_WORSE || c->wedged.verdict == COMPARE_WORSE ||
            count[COMPARE_WORSE] > 0)
                return COMPARE_WORSE;
        if (count[COMPARE_INCONCLUSIVE] == PHASE_MAX_)
                return COMPARE_INCONCLUSIVE;
        return count[COMPARE_BETTER] > 0 || c->failed.verdict == COMPARE_BETTER ||
                               c->wedged.verdict == COMPARE_BETTER
                       ? COMPARE_BETTER
                       : COMPARE_SAME;
}

int compare_compute(const struct compare_samples *a, const struct compare_samples *b, double floor,
                    struct compare *ret)
{
        struct compare c = {
                .failed = {.a = a->failed, .b = b->failed, .n_a = a->units, .n_b = b->units},
                .wedged = {.a = a->wedged, .b = b->wedged, .n_a = a->units, .n_b = b->units},
        };
        int r = compare_phases(a, b, floor, &c);

        if (r == 0)
                r = compare_shares(&c.failed, &c.wedged);
        if (r < 0)
                return r;
        c.verdict = decide(&c);
        *ret = c;
        return 0;
}
