/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors and wedges of two runs side by side; see compare-show.h. */

#include <ctype.h>

#include "report/compare-show.h"

/* The same but for numbers. */
static bool alike(const char *s, const char *t)
{
        for (;;) {
                if (isdigit((unsigned char)*s) && isdigit((unsigned char)*t)) {
                        s += strspn(s, "0123456789");
                        t += strspn(t, "0123456789");
                }
                if (*s != *t)
                        return false;
                if (!*s)
                        return true;
                s++;
                t++;
        }
}

static bool same_error(const struct summary_error *e, const struct summary_error *f)
{
        return e->code == f->code && streq(e->phase, f->phase) && streq(e->result, f->result) &&
               alike(e->text, f->text);
}

static struct compare_error *find_error(struct compare_error *errors, size_t *n,
                                        const struct summary_error *error)
{
        for (size_t i = 0; i < *n; i++)
                if (same_error(errors[i].error, error))
                        return errors + i;
        errors[*n] = (struct compare_error){.error = error};
        return errors + (*n)++;
}

size_t compare_errors(const struct compare_shown *s, struct compare_error *ret)
{
        size_t n = 0;

        for (size_t i = 0; i < s->a->summary->n_errors; i++)
                find_error(ret, &n, s->a->summary->errors + i)->a += s->a->summary->errors[i].count;
        for (size_t i = 0; i < s->b->summary->n_errors; i++)
                find_error(ret, &n, s->b->summary->errors + i)->b += s->b->summary->errors[i].count;
        return n;
}

static struct compare_wedge *find_wedge(struct compare_wedge *wedges, size_t *n, size_t max,
                                        const char *class)
{
        for (size_t i = 0; i < *n; i++)
                if (streq(wedges[i].class, class))
                        return wedges + i;
        if (*n == max)
                return NULL;
        wedges[*n] = (struct compare_wedge){.class = class};
        return wedges + (*n)++;
}

size_t compare_wedges(const struct compare_shown *s, struct compare_wedge *ret, size_t max)
{
        size_t n = 0;

        for (int side = 0; side < 2; side++) {
                const struct summary *run = (side ? s->b : s->a)->summary;

                for (size_t i = 0; i < run->n_wedges; i++) {
                        struct compare_wedge *w = find_wedge(ret, &n, max, run->wedges[i].class);

                        if (w)
                                *(side ? &w->b : &w->a) += 1;
                }
        }
        return n;
}
