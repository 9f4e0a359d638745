/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Errors and wedges of two runs side by side; see compare-show.h. */

#include "report/compare-show.h"
#include "report/error-pattern.h"

static int compare_words(const struct compare_error *x, const struct compare_error *y)
{
        int d = strcmp(x->error->phase, y->error->phase);

        if (d == 0)
                d = strcmp(x->error->result, y->error->result);
        if (d == 0)
                d = (x->error->code > y->error->code) - (x->error->code < y->error->code);
        return d != 0 ? d : strcmp(x->pattern, y->pattern);
}

static int by_words(const void *a, const void *b)
{
        return compare_words(a, b);
}

/* The most frequent first. */
static int by_count(const void *a, const void *b)
{
        const struct compare_error *x = a, *y = b;
        int64_t n = x->a + x->b, m = y->a + y->b;

        return n != m ? (n < m) - (n > m) : compare_words(x, y);
}

/* Those of one run, behind the n there are. */
static size_t list_errors(struct compare_error *errors, size_t n, const struct summary *run,
                          bool is_b)
{
        for (size_t i = 0; i < run->n_errors; i++, n++) {
                errors[n] = (struct compare_error){.error = run->errors + i};
                *(is_b ? &errors[n].b : &errors[n].a) = run->errors[i].count;
                error_pattern(run->errors[i].text, errors[n].pattern, sizeof(errors[n].pattern));
        }
        return n;
}

int compare_errors(struct compare_shown *s)
{
        const struct summary *a = s->a->summary, *b = s->b->summary;
        struct compare_error *errors = calloc(a->n_errors + b->n_errors + 1, sizeof(*errors));
        size_t all, n = 0;

        if (!errors)
                return -ENOMEM;
        all = list_errors(errors, list_errors(errors, 0, a, false), b, true);
        qsort(errors, all, sizeof(*errors), by_words);
        for (size_t i = 0; i < all; i++)
                if (n > 0 && compare_words(errors + n - 1, errors + i) == 0) {
                        errors[n - 1].a += errors[i].a;
                        errors[n - 1].b += errors[i].b;
                } else {
                        errors[n++] = errors[i];
                }
        qsort(errors, n, sizeof(*errors), by_count);
        s->errors = errors;
        s->n_errors = n;
        return 0;
}

void compare_shown_deinit(struct compare_shown *s)
{
        free(s->errors);
        s->errors = NULL;
        s->n_errors = 0;
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
