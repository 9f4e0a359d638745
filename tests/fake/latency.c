/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long a thing takes: distributions written as text, and seeded random numbers. */

#include <math.h>

#include "latency.h"

#define MAX_NS (10 * 3600 * NSEC_PER_SEC)

uint64_t rng_next(struct rng *r)
{
        uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

double rng_unit(struct rng *r)
{
        return (double)(rng_next(r) >> 11) * 0x1.0p-53;
}

static const struct {
        const char *name;
        double ns;
} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

int duration_parse(const char *s, int64_t *ret_ns)
{
        char *end;
        double v;

        errno = 0;
        v = strtod(s, &end);
        if (end == s || errno || !(v >= 0))
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                if (strcmp(end, units[i].name) != 0)
                        continue;
                v *= units[i].ns;
                if (v > 3600e9)
                        return -EINVAL;
                *ret_ns = (int64_t)v;
                return 0;
        }
        return -EINVAL;
}

static int number_parse(const char *s, double *ret)
{
        char *end;
        double v;

        errno = 0;
        v = strtod(s, &end);
        if (end == s || *end || errno || !(v >= 0) || v > 1e9)
                return -EINVAL;
        *ret = v;
        return 0;
}

int latency_parse(const char *s, struct latency *ret)
{
        struct latency l = {.shape = LATENCY_CONSTANT, .sigma = 0.3, .one_in = 1000, .times = 100};
        char copy[128], *f[4] = {0}, *rest = copy;
        size_t n = 0;
        int r;

        if (strlen(s) >= sizeof(copy))
                return -EINVAL;
        strcpy(copy, s);
        while (rest) {
                if (n == ARRAY_SIZE(f))
                        return -EINVAL;
                f[n++] = strsep(&rest, ":");
        }
        if (n == 1) {
                r = duration_parse(f[0], &l.a_ns);
        } else if (strcmp(f[0], "uniform") == 0 && n == 3) {
                l.shape = LATENCY_UNIFORM;
                r = duration_parse(f[1], &l.a_ns);
                if (r == 0)
                        r = duration_parse(f[2], &l.b_ns);
                if (r == 0 && l.b_ns < l.a_ns)
                        r = -EINVAL;
        } else if (strcmp(f[0], "lognormal") == 0 && n == 3) {
                l.shape = LATENCY_LOGNORMAL;
                r = duration_parse(f[1], &l.a_ns);
                if (r == 0)
                        r = number_parse(f[2], &l.sigma);
        } else if (strcmp(f[0], "tail") == 0 && (n == 2 || n == 4)) {
                l.shape = LATENCY_TAIL;
                r = duration_parse(f[1], &l.a_ns);
                if (r == 0 && n == 4)
                        r = number_parse(f[2], &l.one_in);
                if (r == 0 && n == 4)
                        r = number_parse(f[3], &l.times);
                if (r == 0 && l.one_in < 1)
                        r = -EINVAL;
        } else {
                r = -EINVAL;
        }
        if (r < 0)
                return r;
        *ret = l;
        return 0;
}

static double gauss(struct rng *r)
{
        double u = 1.0 - rng_unit(r), v = rng_unit(r);

        return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v); /* Box and Muller */
}

int64_t latency_draw(const struct latency *l, struct rng *r)
{
        double ns = (double)l->a_ns;

        switch (l->shape) {
        case LATENCY_CONSTANT: return l->a_ns;
        case LATENCY_UNIFORM: ns += rng_unit(r) * (double)(l->b_ns - l->a_ns); break;
        case LATENCY_TAIL:
                if (rng_unit(r) * l->one_in < 1.0) {
                        ns *= l->times;
                        break;
                }
                ns *= exp(l->sigma * gauss(r));
                break;
        case LATENCY_LOGNORMAL: ns *= exp(l->sigma * gauss(r)); break;
        }
        return ns < (double)MAX_NS ? (int64_t)ns : MAX_NS;
}
