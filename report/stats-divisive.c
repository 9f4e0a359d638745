/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * E-divisive: any number of changes, each tested by shuffling; see stats-change.h.
 *
 * For a segment y of m points, and 0 < τ < κ <= m, X = y[0..τ) and Y = y[τ..κ):
 *
 *   Q(τ, κ) = |X||Y| / (|X|+|Y|) · (2 mean|x−y| − mean|x−x'| − mean|y−y'|)
 *
 *         = 2 / (|X|+|Y|) · (Σ|x−y| − Σ|x−x'| |Y| / (|X|−1) − Σ|y−y'| |X| / (|Y|−1))
 *
 * with means and sums over distinct pairs. The best τ over all κ is the segment's candidate. Y may
 * end before the segment does, so that a second change further on does not hide the first.
 */

#include <math.h>

#include "report/stats-change.h"
#include "report/stats-order.h"
#include "report/stats-random.h"

struct divisive {
        double *y;               /* the series, or a shuffled one */
        double *v, *w, *between; /* sums of |differences| within X and Y and between, by τ */
        double *inverse;         /* 1 / k */
        size_t min_size;
};

struct candidate {
        double q;
        size_t at; /* in its segment */
};

/* The sums for all τ grow by the differences of one point more to those before it. */
static struct candidate best_split(const struct divisive *d, const double *y, size_t m)
{
        struct candidate best = {0};

        memset(d->w, 0, (m + 1) * sizeof(*d->w));
        memset(d->between, 0, (m + 1) * sizeof(*d->between));
        d->v[0] = d->v[1] = 0;
        for (size_t j = 1; j < m; j++) {
                double all = 0, left = 0;

                for (size_t i = 0; i < j; i++)
                        all += fabs(y[i] - y[j]);
                d->v[j + 1] = d->v[j] + all;
                for (size_t t = 1; t <= j; t++) {
                        size_t length = j + 1 - t;
                        double q;

                        left += fabs(y[t - 1] - y[j]);
                        d->between[t] += left;
                        d->w[t] += all - left;
                        if (t < d->min_size || length < d->min_size)
                                continue;
                        q = 2 * d->inverse[j + 1] *
                            (d->between[t] - d->v[t] * (double)length * d->inverse[t - 1] -
                             d->w[t] * (double)t * d->inverse[length - 1]);
                        if (q > best.q)
                                best = (struct candidate){q, t};
                }
        }
        return best;
}

/* The best candidate of all segments; bounds has n_bounds ends, the first is 0. */
static struct candidate best_of_all(const struct divisive *d, const size_t *bounds, size_t n_bounds)
{
        struct candidate best = {0};

        for (size_t i = 0; i + 1 < n_bounds; i++) {
                struct candidate c;

                if (bounds[i + 1] - bounds[i] < 2 * d->min_size)
                        continue;
                c = best_split(d, d->y + bounds[i], bounds[i + 1] - bounds[i]);
                if (c.q > best.q)
                        best = (struct candidate){c.q, bounds[i] + c.at};
        }
        return best;
}

static void shuffle(double *y, size_t n, uint64_t *random)
{
        for (size_t i = n - 1; i > 0; i--) {
                size_t j = (size_t)(stats_random(random) % (i + 1));
                double swap = y[i];

                y[i] = y[j];
                y[j] = swap;
        }
}

/* How often shuffled segments have a candidate as good; stops when it is certain that it is too
 * often, and returns more than alpha then. */
static double test(const struct divisive *d, const size_t *bounds, size_t n_bounds, double q,
                   double alpha, unsigned permutations)
{
        uint64_t random = 1;
        unsigned as_good = 1;

        for (unsigned k = 0; k < permutations; k++) {
                for (size_t i = 0; i + 1 < n_bounds; i++)
                        shuffle(d->y + bounds[i], bounds[i + 1] - bounds[i], &random);
                as_good += best_of_all(d, bounds, n_bounds).q >= q * (1 - 1e-12);
                if (as_good > alpha * (permutations + 1))
                        break;
        }
        return (double)as_good / (permutations + 1);
}

static void insert(struct stats_change *changes, size_t *bounds, size_t n, size_t at, double p)
{
        size_t i = n;

        for (; i > 0 && changes[i - 1].at > at; i--) {
                changes[i] = changes[i - 1];
                bounds[i + 1] = bounds[i];
        }
        changes[i] = (struct stats_change){at, p};
        bounds[i + 1] = at;
}

static size_t divide(const struct divisive *d, const double *x, size_t n, double alpha,
                     unsigned permutations, struct stats_change *ret, size_t *bounds, size_t max)
{
        size_t found = 0;

        bounds[0] = 0;
        bounds[1] = n;
        while (found < max) {
                struct candidate c;
                double p;

                memcpy(d->y, x, n * sizeof(*x));
                c = best_of_all(d, bounds, found + 2);
                if (c.at == 0)
                        break;
                p = test(d, bounds, found + 2, c.q, alpha, permutations);
                if (p > alpha)
                        break;
                bounds[found + 2] = n;
                insert(ret, bounds, found++, c.at, p);
        }
        return found;
}

int stats_changes(const double *x, size_t n, size_t min_size, double alpha, unsigned permutations,
                  struct stats_change *ret, size_t max, size_t *ret_n)
{
        _cleanup_(freep)
        double *memory = NULL;
        _cleanup_(freep)
        size_t *bounds = NULL;
        struct divisive d = {.min_size = min_size};
        int r;

        if (min_size < 2 || !(alpha > 0 && alpha < 1))
                return -EINVAL;
        if (n > STATS_CHANGE_MAX)
                return -E2BIG;
        if (n / 2 < min_size)
                return -ENODATA;
        r = stats_finite(x, n);
        if (r < 0)
                return r;
        memory = calloc(5 * (n + 1), sizeof(*memory));
        bounds = calloc(max + 2, sizeof(*bounds));
        if (!memory || !bounds)
                return -ENOMEM;
        d.y = memory;
        d.v = memory + (n + 1);
        d.w = memory + 2 * (n + 1);
        d.between = memory + 3 * (n + 1);
        d.inverse = memory + 4 * (n + 1);
        for (size_t k = 1; k <= n; k++)
                d.inverse[k] = 1 / (double)k;
        *ret_n = divide(&d, x, n, alpha, permutations, ret, bounds, max);
        return 0;
}
