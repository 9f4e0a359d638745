/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See screen.h. */

#include "base/screen.h"

#include <sys/ioctl.h>

static bool is_set(const char *name)
{
        const char *value = getenv(name);

        return value && *value;
}

void screen_init(struct screen *s)
{
        const char *term = getenv("TERM");

        *s = (struct screen){
                .terminal = isatty(STDERR_FILENO) && term && *term && !streq(term, "dumb"),
        };
        s->color = s->terminal && !is_set("NO_COLOR");
}

void screen_deinit(struct screen *s)
{
        free(TAKE(s->text));
}

void screen_size(size_t *ret_columns, size_t *ret_lines)
{
        struct winsize ws = {0};

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || !ws.ws_col || !ws.ws_row)
                ws = (struct winsize){.ws_col = 80, .ws_row = 24};
        *ret_columns = ws.ws_col;
        *ret_lines = ws.ws_row;
}

size_t screen_lines_taken(const char *text, size_t columns)
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

bool screen_clear(struct screen *s)
{
        size_t columns, lines;

        if (!s->text)
                return false;
        screen_size(&columns, &lines);
        fprintf(stderr, "\033[%zuF\033[J", screen_lines_taken(s->text, columns));
        fflush(stderr);
        free(TAKE(s->text));
        return true;
}

/* Each line cleared to its end, over what is there. One write, so that nothing flickers. */
void screen_draw(struct screen *s, char *text)
{
        char *out_text = NULL;
        size_t size, columns, lines;
        FILE *out = open_memstream(&out_text, &size);

        if (!out) {
                free(text);
                return;
        }
        screen_size(&columns, &lines); /* every time, so that a change shows at once */
        if (s->text)
                fprintf(out, "\033[%zuF", screen_lines_taken(s->text, columns));
        for (const char *p = text; *p; p++) {
                if (*p == '\n')
                        fputs("\033[K", out);
                putc(*p, out);
        }
        fputs("\033[J", out);
        if (fclose(out) == 0) {
                fwrite(out_text, 1, size, stderr);
                fflush(stderr);
        }
        free(out_text);
        free(s->text);
        s->text = text;
}
