/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The live view on stderr; see view.h. */

#include "base/clock.h"
#include "base/screen.h"
#include "coordinator/view.h"

#define TERMINAL_EVERY_NS (500 * NSEC_PER_MSEC)
#define LINE_EVERY_NS     (5 * NSEC_PER_SEC)

enum view_kind { VIEW_NONE, VIEW_LINES, VIEW_TERMINAL };

struct view {
        enum view_kind kind;
        struct screen screen;
        int64_t shown_ns;
};

int view_new(bool quiet, struct view **ret)
{
        struct view *v = calloc(1, sizeof(*v));

        if (!v)
                return -ENOMEM;
        screen_init(&v->screen);
        if (quiet)
                v->kind = VIEW_NONE;
        else
                v->kind = v->screen.terminal ? VIEW_TERMINAL : VIEW_LINES;
        v->shown_ns = now_monotonic_ns(); /* the first when there is something to tell */
        *ret = v;
        return 0;
}

struct view *view_free(struct view *v)
{
        if (v)
                view_clear(v);
        free(v);
        return NULL;
}

bool view_due(const struct view *v, int64_t now_ns)
{
        switch (v->kind) {
        case VIEW_NONE: return false;
        case VIEW_LINES: return now_ns - v->shown_ns >= LINE_EVERY_NS;
        case VIEW_TERMINAL: return now_ns - v->shown_ns >= TERMINAL_EVERY_NS;
        }
        return false;
}

void view_clear(struct view *v)
{
        if (v && screen_clear(&v->screen))
                v->shown_ns = 0; /* again as soon as may be */
}

void view_show(struct view *v, const struct view_data *d, int64_t now_ns)
{
        size_t columns, lines;
        char *text;

        if (v->kind == VIEW_NONE)
                return;
        v->shown_ns = now_ns;
        if (v->kind == VIEW_LINES) {
                text = view_format_line(d);
                if (text)
                        fprintf(stderr, "%s\n", text);
                free(text);
                return;
        }
        screen_size(&columns, &lines);
        text = view_format(d, columns, lines, v->screen.color);
        if (text)
                screen_draw(&v->screen, text);
}
