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
        char *text; /* on the screen now, NULL = none */
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

static struct winsize terminal_size(void)
{
        struct winsize ws = {0};

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || !ws.ws_col || !ws.ws_row)
                ws = (struct winsize){.ws_col = 80, .ws_row = 24};
        return ws;
}

/* How many lines a text takes on a terminal of so many columns; it may have been
 * made for a wider one. */
static size_t lines_taken(const char *text, size_t columns)
{
        size_t lines = 0, column = 0;

        for (; *text; text++)
                if (*text == '\033') /* a colour: up to its m */
                        text += strcspn(text, "m");
                else if (*text == '\n') {
                        lines += column ? (column + columns - 1) / columns : 1;
                        column = 0;
                } else
                        column += (*text & 0xc0) != 0x80;
        return lines;
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
        if (!v || !v->text)
                return;
        fprintf(stderr, "\033[%zuF\033[J", lines_taken(v->text, terminal_size().ws_col));
        fflush(stderr);
        free(TAKE(v->text));
        v->shown_ns = 0; /* again as soon as may be */
}

/* The text, each line cleared to its end, over what is there. One write, so that
 * nothing flickers. */
static void draw(struct view *v, const char *text, size_t columns)
{
        char *out_text = NULL;
        size_t size;
        FILE *out = open_memstream(&out_text, &size);

        if (!out)
                return;
        if (v->text)
                fprintf(out, "\033[%zuF", lines_taken(v->text, columns));
        for (; *text; text++) {
                if (*text == '\n')
                        fputs("\033[K", out);
                putc(*text, out);
        }
        fputs("\033[J", out);
        if (fclose(out) == 0) {
                fwrite(out_text, 1, size, stderr);
                fflush(stderr);
        }
        free(out_text);
}

void view_show(struct view *v, const struct view_data *d, int64_t now_ns)
{
        struct winsize size;
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
        size = terminal_size(); /* every time, so that a change shows at once */
        text = view_format(d, size.ws_col, size.ws_row, v->color);
        if (!text)
                return;
        draw(v, text, size.ws_col);
        free(v->text);
        v->text = text;
}
