/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Order, medians and ranks; see stats-order.h. It knows nothing of what the numbers are. */

#include <math.h>

#include "report/stats-order.h"

#define LARGEST 1e300
#define FEW     40 /* sorted sooner by insertion */

int stats_finite(const double *x, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!(fabs(x[i]) <= LARGEST))
                        return -EINVAL;
        return 0;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n)
{
        if (n > FEW) {
                qsort(x, n, sizeof(*x), compare);
                return;
        }
        for (size_t i = 1, j; i < n; i++) {
                double value = x[i];

                for (j = i; j > 0 && x[j - 1] > value; j--)
                        x[j] = x[j - 1];
                x[j] = value;
        }
}

static double middle_of(double a, double b, double c)
{
        if (a > b)
                return middle_of(b, a, c);
        return c < a ? a : c > b ? b : c;
}

double stats_select(double *x, size_t n, size_t k)
{
        size_t lo = 0, hi = n - 1;

        while (lo < hi) {
                double pivot = middle_of(x[lo], x[lo + (hi - lo) / 2], x[hi]);
                size_t i = lo, j = hi;

                /* stops on equal ones too, so that many of them do not make it quadratic */
                for (;;) {
                        double swap;

                        while (x[i] < pivot)
                                i++;
                        while (x[j] > pivot)
                                j--;
                        if (i >= j)
                                break;
                        swap = x[i];
                        x[i++] = x[j];
                        x[j--] = swap;
                }
                /* lo..j are at most the pivot, j+1..hi at least */
                if (k <= j)
                        hi = j;
                else
                        lo = j + 1;
        }
        return x[k];
}

double stats_median(double *x, size_t n)
{
        double upper = stats_select(x, n, n / 2), lower;

        if (n % 2 == 1)
                return upper;
        lower = x[0];
        for (size_t i = 1; i < n / 2; i++)
                lower = MAX(lower, x[i]);
        /* not (a + b) / 2, which may overflow */
        return lower / 2 + upper / 2;
}

int stats_median_of(const double *x, size_t n, double *ret)
{
        _cleanup_(freep)
        double *copy = malloc(n * sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        memcpy(copy, x, n * sizeof(*copy));
        *ret = stats_median(copy, n);
        return 0;
}

struct place {
        double value;
        size_t at;
};

int stats_rank(const double *x, size_t n, double *rank, double *ret_ties)
{
        _cleanup_(freep)
        struct place *places = calloc(MAX(n, (size_t)1), sizeof(*places));
        double ties = 0;

        if (!places)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                places[i] = (struct place){x[i], i};
        qsort(places, n, sizeof(*places), compare); /* value is its first member */
        for (size_t i = 0, j; i < n; i = j) {
                double t;

                for (j = i + 1; j < n && !(places[j].value > places[i].value);)
                        j++;
                t = (double)(j - i);
                ties += t * t * t - t;
                for (size_t k = i; k < j; k++)
                        rank[places[k].at] = (double)(i + j + 1) / 2;
        }
        if (ret_ties)
                *ret_ties = ties;
        return 0;
}
