/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See follow-view.h. */

#include "report/follow-view.h"

#include <inttypes.h>

#include "base/parse.h"
#include "base/text.h"

#define LINE_EVERY_NS (5 * NSEC_PER_SEC)

void follow_view_init(struct follow_view *v, bool verbose)
{
        *v = (struct follow_view){.verbose = verbose};
        screen_init(&v->screen);
}

void follow_view_deinit(struct follow_view *v)
{
        screen_deinit(&v->screen);
        string_list_clear(&v->told);
}

void follow_view_clear(struct follow_view *v)
{
        (void)!screen_clear(&v->screen);
}

static int64_t ended(const struct summary_units *u)
{
        return u->passed + u->failed + u->wedged + u->interrupted;
}

static void print_figures(const struct summary *s, FILE *out)
{
        const struct summary_units *u = &s->total.units;
        char elapsed[32];

        fprintf(out, "run %s: ", s->run);
        if (s->wall_ns > 0)
                fprintf(out, "%s, ",
                        format_duration(s->wall_ns / NSEC_PER_SEC * NSEC_PER_SEC, elapsed,
                                        sizeof(elapsed)));
        if (s->mode == MODE_DENSITY)
                fprintf(out, "%" PRId64 " up", u->held);
        else
                fprintf(out, "%" PRId64, ended(u));
        if (u->planned >= 0)
                fprintf(out, " of %" PRId64, u->planned);
        if (s->mode != MODE_DENSITY)
                fprintf(out, " units, %.2f/s", s->total.units_per_sec);
        if (u->failed + u->wedged > 0)
                fprintf(out, ", %" PRId64 " failed", u->failed + u->wedged);
        if (s->wedges_total > 0)
                fprintf(out, ", %" PRId64 " wedge%s", s->wedges_total,
                        s->wedges_total == 1 ? "" : "s");
        fputc('\n', out);
}

/* ---- on a terminal ---- */

/* To as many lines as there is room for above the cursor's. */
static void cut(char *text, size_t columns, size_t lines)
{
        size_t taken = 0;

        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                char after = end[1];

                end[1] = '\0';
                taken += screen_lines_taken(line, columns);
                end[1] = after;
                if (taken >= lines) {
                        *line = '\0';
                        return;
                }
        }
}

static int draw(struct follow_view *v, const struct summary *s)
{
        const struct summary_style style = {v->screen.color, v->verbose};
        size_t size, columns, lines;
        char *text = NULL;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return -ENOMEM;
        print_figures(s, out);
        fputs("so far: ", out);
        summary_print(s, &style, out);
        if (fclose(out) != 0) {
                free(text);
                return -ENOMEM;
        }
        screen_size(&columns, &lines);
        cut(text, columns, lines);
        screen_draw(&v->screen, text);
        return 0;
}

/* ---- elsewhere ---- */

/* A line for each thing once: 1 = it is new, and the line is to be written. */
static int _printf_(2, 3) is_new(struct follow_view *v, const char *format, ...)
{
        char key[320];
        va_list ap;
        int r;

        va_start(ap, format);
        vsnprintf(key, sizeof(key), format, ap);
        va_end(ap);
        for (size_t i = 0; i < v->told.n; i++)
                if (streq(v->told.items[i], key))
                        return 0;
        r = string_list_add(&v->told, key);
        return r < 0 ? r : 1;
}

static int tell_wedge(struct follow_view *v, const struct summary_wedge *w)
{
        int r = is_new(v, "wedge %" PRId64 " %s", w->number, w->host);

        if (r > 0)
                fprintf(stderr, "%s: wedge %s: %s%s%s\n", w->host, w->class,
                        TEXT_PRINTABLE(w->suspect), w->suspect[0] && w->detail[0] ? ", " : "",
                        text_printable(w->detail, (char[ERROR_TEXT_MAX]){0}, ERROR_TEXT_MAX));
        if (r >= 0 && w->tried[0]) {
                r = is_new(v, "tried %" PRId64 " %s %s", w->number, w->host, w->tried);
                if (r > 0)
                        fprintf(stderr, "%s: wedge %s: tried %s\n", w->host, w->class, w->tried);
        }
        if (r >= 0 && w->cleared_by[0]) {
                r = is_new(v, "cleared %" PRId64 " %s", w->number, w->host);
                if (r > 0)
                        fprintf(stderr, "%s: wedge %s: cleared by %s\n", w->host, w->class,
                                w->cleared_by);
        }
        return MIN(r, 0);
}

static int tell_leak(struct follow_view *v, const struct summary_leak *l)
{
        int r = l->accepted ? 0 : is_new(v, "leak %s %s", l->kind, l->host);

        if (r > 0)
                fprintf(stderr, "%s: leak of %s, %+.3g a unit%s%s\n", l->host, l->kind, l->per_unit,
                        l->what[0] ? ": " : "", l->what);
        return MIN(r, 0);
}

static int tell(struct follow_view *v, const struct summary *s, int64_t now_ns)
{
        int r = 0;

        for (size_t i = 0; i < s->n_wedges && r == 0; i++)
                r = tell_wedge(v, s->wedges + i);
        for (size_t i = 0; i < s->n_leaks && r == 0; i++)
                r = tell_leak(v, s->leaks + i);
        if (v->shown_ns == 0 || (now_ns - v->shown_ns >= LINE_EVERY_NS &&
                                 memcmp(&v->units, &s->total.units, sizeof(v->units)) != 0)) {
                v->shown_ns = now_ns;
                v->units = s->total.units;
                print_figures(s, stderr);
        }
        return r;
}

int follow_view_show(struct follow_view *v, const struct summary *s, int64_t now_ns)
{
        return v->screen.terminal ? draw(v, s) : tell(v, s, now_ns);
}
