/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks and their centres; see stats-block.h. */

#include "report/stats-block.h"
#include "report/stats-compare.h"
#include "report/stats-order.h"

size_t stats_block_begin(size_t n, size_t blocks, size_t k)
{
        return n / blocks * k + MIN(k, n % blocks);
}

static double pseudo_median(double *x, size_t n)
{
        stats_sort(x, n);
        return stats_pseudo_median(x, n);
}

static int make_blocks(const double *x, const double *y, size_t n, size_t blocks,
                       double (*center)(double *, size_t), double *ret_x, double *ret_y)
{
        _cleanup_(freep)
        double *copy = NULL;
        int r;

        if (blocks == 0 || blocks > n)
                return -ENODATA;
        r = stats_finite(y, n);
        if (r == 0 && x)
                r = stats_finite(x, n);
        if (r < 0)
                return r;
        copy = malloc((n / blocks + 1) * sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        for (size_t k = 0; k < blocks; k++) {
                size_t from = stats_block_begin(n, blocks, k);
                size_t m = stats_block_begin(n, blocks, k + 1) - from;

                for (size_t i = 0; i < m; i++)
                        copy[i] = x ? x[from + i] : (double)(from + i + 1);
                ret_x[k] = stats_median(copy, m);
                memcpy(copy, y + from, m * sizeof(*copy));
                ret_y[k] = center(copy, m);
        }
        return 0;
}

int stats_block_medians(const double *x, const double *y, size_t n, size_t blocks, double *ret_x,
                        double *ret_y)
{
        return make_blocks(x, y, n, blocks, stats_median, ret_x, ret_y);
}

int stats_block_centers(const double *x, const double *y, size_t n, size_t blocks, double *ret_x,
                        double *ret_y)
{
        return make_blocks(x, y, n, blocks, pseudo_median, ret_x, ret_y);
}

struct point {
        double x, y;
        size_t at;
};

static int compare(const void *a, const void *b)
{
        const struct point *p = a, *q = b;

        if (p->x < q->x || p->x > q->x)
                return p->x > q->x ? 1 : -1;
        return (p->at > q->at) - (p->at < q->at);
}

int stats_sort_points(double *x, double *y, size_t n)
{
        _cleanup_(freep)
        struct point *points = NULL;
        bool sorted = true;

        for (size_t i = 1; i < n && sorted; i++)
                sorted = x[i - 1] <= x[i];
        if (sorted)
                return 0;
        points = malloc(n * sizeof(*points));
        if (!points)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                points[i] = (struct point){x[i], y[i], i};
        qsort(points, n, sizeof(*points), compare);
        for (size_t i = 0; i < n; i++) {
                x[i] = points[i].x;
                y[i] = points[i].y;
        }
        return 0;
}
