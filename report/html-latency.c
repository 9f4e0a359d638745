/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Latency over time, a phase after another: median, 99th percentile and maximum as a band, a heat
 * map (time, log of latency) of all samples, and the phase's table of hosts. Percentiles of several
 * steps come from their counts together, never from the steps' percentiles.
 */

#include <inttypes.h>
#include <math.h>

#include "report/html-charts.h"

#define HEAT_ROWS   40
#define HEAT_LEVELS 6

struct columns {
        size_t n, width;
        double p50[HTML_BUCKETS_MAX], p99[HTML_BUCKETS_MAX], max[HTML_BUCKETS_MAX];
        int x[HTML_BUCKETS_MAX];
};

static void fill(const struct html_page *page, enum phase phase, struct columns *c)
{
        const struct html_axis *a = &page->data->axis;
        struct html_grid_sum sum;

        c->width = html_column_buckets(page, a);
        c->n = (a->n + c->width - 1) / c->width;
        for (size_t i = 0; i < c->n; i++) {
                size_t width = MIN(c->width, a->n - i * c->width);

                html_grid_sum(page->data->grid, phase, i * c->width, width, &sum);
                c->p50[i] = sum.count ? html_grid_percentile(&sum, 50) : NAN;
                c->p99[i] = sum.count ? html_grid_percentile(&sum, 99) : NAN;
                c->max[i] = sum.count ? (double)sum.max_ns : NAN;
                c->x[i] = (int)lround(((double)(i * c->width) + (double)width / 2) / (double)a->n *
                                      1000);
        }
}

/* The surface between median and 99th percentile, a piece for every stretch without a gap. */
static void write_surface(const struct html_page *page, const struct columns *c,
                          const struct html_scale *scale)
{
        fputs("<path class=\"band\" d=\"", page->out);
        for (size_t from = 0, to; from < c->n; from = to + 1) {
                for (to = from; to < c->n && !isnan(c->p50[to]); to++)
                        ;
                for (size_t i = from; i < to; i++)
                        fprintf(page->out, "%s%d %d", i == from ? "M" : "L", c->x[i],
                                html_scale_y(scale, c->p99[i]));
                for (size_t i = to; i > from; i--)
                        fprintf(page->out, "L%d %d", c->x[i - 1],
                                html_scale_y(scale, c->p50[i - 1]));
                if (to > from)
                        fputs("z", page->out);
        }
        fputs("\"/>", page->out);
}

/* ---- the heat map ---- */

typedef uint64_t heat[HTML_BUCKETS_MAX][HEAT_ROWS];

/* Cells to rows: one that lies across a border counts where it begins. */
static uint64_t count_heat(const struct html_page *page, enum phase phase, const struct columns *c,
                           const struct html_scale *scale, heat counts)
{
        size_t n = page->data->axis.n;
        struct html_grid_sum sum;
        uint64_t most = 0;

        memset(counts, 0, sizeof(heat));
        for (size_t i = 0; i < c->n; i++) {
                html_grid_sum(page->data->grid, phase, i * c->width,
                              MIN(c->width, n - i * c->width), &sum);
                for (size_t k = 0; k < HTML_GRID_CELLS && sum.count > 0; k++) {
                        int y, row;

                        if (sum.cells[k] == 0)
                                continue;
                        y = html_scale_y(scale, html_grid_cell_ns((double)k));
                        row = MAX(y - 1, 0) * HEAT_ROWS / HTML_HEIGHT;
                        counts[i][row] += sum.cells[k];
                        most = MAX(most, counts[i][row]);
                }
        }
        return most;
}

/* 0 = none, 1 = even a single one, to HEAT_LEVELS; by the log of the count. */
static int level_of(uint64_t count, uint64_t most)
{
        if (count == 0)
                return 0;
        return most < 2 ? HEAT_LEVELS
                        : 1 + (int)((HEAT_LEVELS - 1) * log((double)count) / log((double)most));
}

static void write_level(const struct html_page *page, const struct columns *c, int level,
                        uint64_t most, heat counts)
{
        size_t n = page->data->axis.n;

        fprintf(page->out, "<path class=\"l%d\" d=\"", level);
        for (size_t row = 0; row < HEAT_ROWS; row++)
                for (size_t i = 0, to; i < c->n; i = to) {
                        for (to = i; to < c->n && level_of(counts[to][row], most) == level; to++)
                                ;
                        if (to > i)
                                fprintf(page->out, "M%zu %zuh%zu", i * c->width, row,
                                        MIN(to * c->width, n) - i * c->width);
                        else
                                to++;
                }
        fputs("\"/>", page->out);
}

static void write_heat(const struct html_page *page, enum phase phase, const struct columns *c,
                       const struct html_scale *scale)
{
        const struct html_axis *a = &page->data->axis;
        const char *name = phase_name(phase);
        _cleanup_(freep)
        heat *counts = malloc(sizeof(*counts));
        uint64_t most;
        char id[32];

        if (!counts)
                return;
        most = count_heat(page, phase, c, scale, *counts);
        snprintf(id, sizeof(id), "t-heat-%s", name);
        fprintf(page->out,
                "<figure class=\"chart heat\"><figcaption id=\"%s\"><h4>Heat map of %s</h4>"
                "<p>how many took how long: the darker, the more, up to %" PRIu64
                " in a field; faint fields are single ones.</p></figcaption>\n",
                id, name, most);
        html_begin_plot(page, id, scale);
        fprintf(page->out, "<g transform=\"scale(%.6g %.6g) translate(0 .5)\" class=\"fields\">",
                1000.0 / (double)a->n, (double)HTML_HEIGHT / HEAT_ROWS);
        for (int level = 1; level <= HEAT_LEVELS; level++)
                write_level(page, c, level, most, *counts);
        fputs("</g>", page->out);
        html_write_marks(page, a);
        html_end_plot(page, a);
        fputs("</figure>\n", page->out);
}

static void write_phase(const struct html_page *page, enum phase phase)
{
        const struct summary_phase *p = page->summary->total.phases + phase;
        const char *name = phase_name(phase);
        _cleanup_(freep)
        struct columns *c = malloc(sizeof(*c));
        struct html_scale scale;
        double least = INFINITY;
        FILE *out = page->out;
        char id[32];

        if (!c)
                return;
        snprintf(id, sizeof(id), "t-%s", name);
        fill(page, phase, c);
        for (size_t i = 0; i < c->n; i++)
                least = fmin(least, c->p50[i]);
        html_scale_init(&scale, HTML_UNIT_DURATION, least, (double)p->max_ns);
        fprintf(out,
                "<section id=\"phase-%s\"><h3>Latency: %s</h3>\n<div class=\"charts\"><figure "
                "class=\"chart\" data-chart=\"%s\"><figcaption id=\"t-%s\"><h4>Percentiles of "
                "%s</h4>"
                "<p>median to 99th percentile, and the maximum above. In all %s, %s and "
                "%s.</p></figcaption>\n",
                name, name, name, name, name, HTML_DURATION(p->p50_ns), HTML_DURATION(p->p99_ns),
                HTML_DURATION(p->max_ns));
        html_begin_plot(page, id, &scale);
        write_surface(page, c, &scale);
        html_write_line(page, &page->data->axis, &scale, "max", c->max);
        html_write_line(page, &page->data->axis, &scale, "p50", c->p50);
        fputs("<use href=\"#marks\"/>", out);
        html_write_changes(page, &page->data->axis, name);
        html_end_plot(page, &page->data->axis);
        fputs("</figure>\n", out);
        write_heat(page, phase, c, &scale);
        fputs("</div>\n", out);
        html_write_phase_hosts(page, phase);
        fputs("</section>\n", out);
}

void html_write_latency(const struct html_page *page)
{
        fputs("<div id=\"latency\">\n", page->out);
        for (int p = 0; p < PHASE_MAX_; p++)
                if (html_has_phase(page->summary, p))
                        write_phase(page, (enum phase)p);
        fputs("</div>\n", page->out);
}
