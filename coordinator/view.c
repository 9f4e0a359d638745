/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The live view on stderr; see view.h. */

#include <sys/ioctl.h>

#include "base/clock.h"
#include "coordinator/view.h"

#define TERMINAL_EVERY_NS (500 * NSEC_PER_MSEC)
#define LINE_EVERY_NS     (5 * NSEC_PER_SEC)

enum view_kind { VIEW_NONE, VIEW_LINES, VIEW_TERMINAL };

struct view {
        enum view_kind kind;
        bool color;
        int64_t shown_ns;
        size_t lines; /* on the screen now */
};

static bool is_set(const char *name)
{
        const char *value = getenv(name);

        return value && *value;
}

int view_new(bool quiet, struct view **ret)
{
        struct view *v = calloc(1, sizeof(*v));
        const char *term = getenv("TERM");

        if (!v)
                return -ENOMEM;
        if (quiet)
                v->kind = VIEW_NONE;
        else if (!isatty(STDERR_FILENO) || !term || !*term || streq(term, "dumb"))
                v->kind = VIEW_LINES;
        else
                v->kind = VIEW_TERMINAL;
        v->shown_ns = now_monotonic_ns(); /* the first when there is something to tell */
        v->color = v->kind == VIEW_TERMINAL && !is_set("NO_COLOR");
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
        if (!v || !v->lines)
                return;
        fprintf(stderr, "\033[%zuF\033[J", v->lines);
        fflush(stderr);
        v->lines = 0;
        v->shown_ns = 0; /* again as soon as may be */
}

/* The text, each line cleared to its end, over what is there. One write, so that
 * nothing flickers. */
static void draw(struct view *v, const char *text)
{
        char *out_text = NULL;
        size_t size, lines = 0;
        FILE *out = open_memstream(&out_text, &size);

        if (!out)
                return;
        if (v->lines)
                fprintf(out, "\033[%zuF", v->lines);
        for (; *text; text++) {
                if (*text == '\n') {
                        fputs("\033[K", out);
                        lines++;
                }
                putc(*text, out);
        }
        fputs("\033[J", out);
        if (fclose(out) == 0) {
                fwrite(out_text, 1, size, stderr);
                fflush(stderr);
                v->lines = lines;
        }
        free(out_text);
}

void view_show(struct view *v, const struct view_data *d, int64_t now_ns)
{
        _cleanup_(freep)
        char *text = NULL;
        struct winsize ws = {0};

        if (v->kind == VIEW_NONE)
                return;
        v->shown_ns = now_ns;
        if (v->kind == VIEW_LINES) {
                text = view_format_line(d);
                if (text)
                        fprintf(stderr, "%s\n", text);
                return;
        }
        /* asked for every time, so that a change of size shows at once */
        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || !ws.ws_col || !ws.ws_row)
                ws = (struct winsize){.ws_col = 80, .ws_row = 24};
        text = view_format(d, ws.ws_col, ws.ws_row, v->color);
        if (text)
                draw(v, text);
}
