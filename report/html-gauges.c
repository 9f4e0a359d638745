/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See html-gauges.h. */

#include "report/html-gauges.h"

#include "base/parse.h"

const struct html_gauge_kind html_gauge_kinds[HTML_GAUGE_MAX_] = {
#define X(id, n, s, k, f, g, u, h, t, a)                                                           \
        [HTML_GAUGE_##id] = {                                                                      \
                .name = n,                                                                         \
                .source = HTML_##s,                                                                \
                .key = k,                                                                          \
                .factor = f,                                                                       \
                .title = t,                                                                        \
                .about = a,                                                                        \
                .group = HTML_GROUP_##g,                                                           \
                .unit = HTML_UNIT_##u,                                                             \
                .how = HTML_##h,                                                                   \
        },
        HTML_GAUGES(X)
#undef X
};

const char *const html_group_titles[HTML_GROUP_MAX_] = {
#define X(id, name, title) [HTML_GROUP_##id] = title,
        HTML_GROUPS(X)
#undef X
};

const char *html_unit_name(enum html_unit unit)
{
        static const char *const names[] = {
#define X(id, name) [HTML_UNIT_##id] = name,
                HTML_UNITS(X)
#undef X
        };

        return names[unit];
}

bool html_gauge_is_own(enum html_gauge gauge)
{
        return html_gauge_kinds[gauge].how <= HTML_SUM;
}

bool html_gauge_is_total(enum html_gauge gauge)
{
        return html_gauge_kinds[gauge].how < HTML_SUM;
}

int html_gauge_find(enum html_source source, const char *key)
{
        for (int i = 0; i < HTML_GAUGE_MAX_; i++) {
                const struct html_gauge_kind *kind = html_gauge_kinds + i;

                if (streq(kind->key, key) &&
                    (kind->source == source ||
                     (kind->source == HTML_COUNTER && source == HTML_METRIC)))
                        return i;
        }
        return -EINVAL;
}

const char *html_format(enum html_unit unit, double value, char *buf, size_t size)
{
        switch (unit) {
        case HTML_UNIT_DURATION: return format_duration((int64_t)value, buf, size);
        case HTML_UNIT_BYTES: return format_size((int64_t)value, buf, size);
        case HTML_UNIT_PERCENT: snprintf(buf, size, "%.3g %%", value); break;
        case HTML_UNIT_RATE: snprintf(buf, size, "%.3g/s", value); break;
        case HTML_UNIT_COUNT: snprintf(buf, size, value < 100000 ? "%.4g" : "%.0f", value); break;
        }
        return buf;
}
