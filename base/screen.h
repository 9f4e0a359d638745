/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A text on the terminal that stderr is, drawn over in place. Plain ANSI. What is drawn has to fit
 * on the terminal; screen_size() says how large it is just now.
 */

#include "base/util.h"

struct screen {
        bool terminal; /* false: stderr is none, or a dumb one, and there is nothing to draw on */
        bool color;
        char *text; /* on it now, NULL = none */
};

/* Looks at stderr, TERM and NO_COLOR. */
void screen_init(struct screen *s);
/* Leaves on it what is there. */
void screen_deinit(struct screen *s);

void screen_size(size_t *ret_columns, size_t *ret_lines);
/* How many lines a text takes on a terminal of so many columns. */
size_t screen_lines_taken(const char *text, size_t columns);
/* The text, whose lines end in '\n', in place of what is there. Takes it over. */
void screen_draw(struct screen *s, char *text);
/* Takes it off, so that lines can be written. True: there was something. */
bool screen_clear(struct screen *s);
