/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See html-scale.h. */

#include "report/html-scale.h"

#include <math.h>

/* The next of 1, 2, 4, 5, 10 times a power of ten: halves of them are round too. */
static double round_up(double v)
{
        static const double steps[] = {1, 2, 4, 5, 10};
        double power = pow(10, floor(log10(v)));

        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                if (v <= steps[i] * power * 1.000001)
                        return steps[i] * power;
        return v;
}

static double round_up_bytes(double v)
{
        double unit = 1;

        while (v / unit >= 1024)
                unit *= 1024;
        return round_up(v / unit) * unit;
}

void html_scale_init(struct html_scale *s, enum html_unit unit, double min, double max)
{
        *s = (struct html_scale){.unit = unit, .log = unit == HTML_UNIT_DURATION, .n_ticks = 3};
        if (s->log) {
                max = MAX(max, 1.0);
                min = fmin(fmax(min, 1), max);
                s->high = ceil(log10(max));
                s->low = fmin(floor(log10(min)), s->high - 1);
                s->low = fmax(s->low, s->high - (HTML_TICKS_MAX - 1));
                s->n_ticks = (size_t)(s->high - s->low) + 1;
        } else if (max > 0) {
                s->high = unit == HTML_UNIT_BYTES ? round_up_bytes(max) : round_up(max);
        } else {
                s->high = 1;
        }
}

int html_scale_y(const struct html_scale *s, double value)
{
        double v = s->log ? log10(MAX(value, 1.0)) : value,
               part = (v - s->low) / (s->high - s->low);

        return (int)lround((1 - fmin(fmax(part, 0), 1)) * HTML_HEIGHT);
}

const char *html_scale_tick(const struct html_scale *s, size_t i, char *buf, size_t size)
{
        double part = 1 - (double)i / (double)(s->n_ticks - 1),
               value = s->low + part * (s->high - s->low);

        if (s->n_ticks > 5 && i % 2 == 1)
                return "";
        return html_format(s->unit, s->log ? pow(10, value) : value, buf, size);
}
