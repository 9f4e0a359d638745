/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See html-grid.h. */

#include "report/html-grid.h"

#include <math.h>

struct row { /* a phase in a bucket */
        int64_t max_ns;
        uint32_t count;
        uint32_t cells[HTML_GRID_CELLS];
};

struct html_grid {
        size_t n_buckets;
        struct row rows[]; /* PHASE_MAX_ after another, each of all buckets */
};

int html_grid_new(size_t n_buckets, struct html_grid **ret)
{
        struct html_grid *g = calloc(1, sizeof(*g) + PHASE_MAX_ * n_buckets * sizeof(struct row));

        if (!g)
                return -ENOMEM;
        g->n_buckets = n_buckets;
        *ret = g;
        return 0;
}

struct html_grid *html_grid_free(struct html_grid *g)
{
        free(g);
        return NULL;
}

static size_t cell_of(int64_t ns)
{
        int bit;

        if (ns < INT64_C(1) << HTML_GRID_FIRST_BIT)
                return 0;
        bit = 63 - __builtin_clzll((uint64_t)ns);
        if (bit - HTML_GRID_FIRST_BIT >= HTML_GRID_CELLS / HTML_GRID_OCTAVE)
                return HTML_GRID_CELLS - 1;
        /* the five bits behind the first one */
        return (size_t)(bit - HTML_GRID_FIRST_BIT) * HTML_GRID_OCTAVE +
               (size_t)(ns >> (bit - 5) & (HTML_GRID_OCTAVE - 1));
}

double html_grid_cell_ns(double cell)
{
        double octave = floor(cell / HTML_GRID_OCTAVE);

        return ldexp(1 + (cell - octave * HTML_GRID_OCTAVE) / HTML_GRID_OCTAVE,
                     HTML_GRID_FIRST_BIT + (int)octave);
}

void html_grid_add(struct html_grid *g, enum phase phase, size_t bucket, int64_t duration_ns)
{
        struct row *row = g->rows + (size_t)phase * g->n_buckets + bucket;

        row->cells[cell_of(duration_ns)]++;
        row->count++;
        row->max_ns = MAX(row->max_ns, duration_ns);
}

void html_grid_move(struct html_grid *g, struct html_grid *other)
{
        for (size_t i = 0; i < PHASE_MAX_ * g->n_buckets; i++) {
                struct row *to = g->rows + i, *from = other->rows + i;

                if (from->count == 0)
                        continue;
                for (size_t k = 0; k < HTML_GRID_CELLS; k++)
                        to->cells[k] += from->cells[k];
                to->count += from->count;
                to->max_ns = MAX(to->max_ns, from->max_ns);
                memset(from, 0, sizeof(*from));
        }
}

void html_grid_sum(const struct html_grid *g, enum phase phase, size_t first, size_t n,
                   struct html_grid_sum *ret)
{
        memset(ret, 0, sizeof(*ret));
        for (size_t i = first; i < first + n; i++) {
                const struct row *row = g->rows + (size_t)phase * g->n_buckets + i;

                if (row->count == 0)
                        continue;
                for (size_t k = 0; k < HTML_GRID_CELLS; k++)
                        ret->cells[k] += row->cells[k];
                ret->count += row->count;
                ret->max_ns = MAX(ret->max_ns, row->max_ns);
        }
}

double html_grid_percentile(const struct html_grid_sum *s, double p)
{
        double rank = MAX(floor(p / 100 * (double)s->count + 0.5), 1.0), seen = 0;

        if (s->count == 0)
                return 0;
        if (rank >= (double)s->count)
                return (double)s->max_ns;
        for (size_t i = 0; i < HTML_GRID_CELLS; i++) {
                double here = (double)s->cells[i];

                /* those of a cell are taken to be spread evenly in it */
                if (here > 0 && seen + here >= rank)
                        return MIN(html_grid_cell_ns((double)i + (rank - seen - 0.5) / here),
                                   (double)s->max_ns);
                seen += here;
        }
        return (double)s->max_ns;
}
