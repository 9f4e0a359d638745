/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Points in bounded memory; see stats-thin.h. */

#include "report/stats-thin.h"

void stats_thin_init(struct stats_thin *t, size_t most)
{
        *t = (struct stats_thin){.most = most, .every = 1};
}

void stats_thin_deinit(struct stats_thin *t)
{
        free(t->x);
        free(t->y);
        *t = (struct stats_thin){0};
}

static int grow(struct stats_thin *t)
{
        size_t room = MIN(t->room ? t->room * 2 : 1024, t->most);
        double *x = realloc(t->x, room * sizeof(*x)), *y;

        if (!x)
                return -ENOMEM;
        t->x = x;
        y = realloc(t->y, room * sizeof(*y));
        if (!y)
                return -ENOMEM;
        t->y = y;
        t->room = room;
        return 0;
}

int stats_thin_add(struct stats_thin *t, double x, double y)
{
        if (t->seen % t->every != 0) {
                t->seen++;
                return 0;
        }
        if (t->n == t->most) {
                for (size_t i = 0; i < t->n / 2; i++) {
                        t->x[i] = t->x[2 * i];
                        t->y[i] = t->y[2 * i];
                }
                t->n /= 2;
                t->every *= 2; /* and seen is a multiple of it, since most is even */
        }
        if (t->n == t->room) {
                int r = grow(t);

                if (r < 0)
                        return r;
        }
        t->x[t->n] = x;
        t->y[t->n++] = y;
        t->seen++;
        return 0;
}
