/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The live view: what a run looks like just now, as text. view-format.c is
 * pure: a struct in, text out. view.c puts that text on the terminal, in place,
 * or writes a line now and then where there is no terminal. Plain ANSI, at most
 * as many lines as the terminal has, however many hosts there are.
 */

#include <stdint.h>

#include "base/util.h"

#define VIEW_NOT_KNOWN (-1)

/* Figures are VIEW_NOT_KNOWN where they are. The three watches: the API, the instances,
 * the mounts. */
struct view_host {
        const char *label;
        const char *trouble; /* silent, lost …: words; NULL = none */
        int64_t done, in_flight, failed, held;
        double rate; /* units per second, 0 = not known */
        int64_t oldest_ns;
        int64_t api_instances, api_ns; /* how many the API lists, and how long it took to tell */
        bool api_waiting;              /* it has not told yet, for api_ns now */
        bool api_down;                 /* it did tell before, and does not any more */
        int64_t instance_ns;   /* how long one of the run's own instances took to be told of */
        bool instance_waiting; /* as api_waiting */
        int64_t mounts;
        int64_t wedges, late; /* until now; units in flight that are slower than all before */
};

struct view_data {
        const char *run;
        const char *stage; /* "connecting", "stopping" …; NULL = at work */
        bool density;
        int64_t total; /* 0 = without an end */
        int64_t elapsed_ns, duration_ns;
        const struct view_host *hosts;
        size_t n_hosts;
};

/* For a terminal of so many columns and lines; color: ANSI colours. Lines end
 * in '\n', none is wider than columns. A new string, NULL = no memory. */
char *view_format(const struct view_data *d, size_t columns, size_t lines, bool color);
/* All of it in one line, without '\n'. */
char *view_format_line(const struct view_data *d);

struct view;

/* quiet: nothing at all. Looks at stderr, TERM and NO_COLOR. */
int view_new(bool quiet, struct view **ret) _warn_unused_;
struct view *view_free(struct view *v);
DEFINE_CLEANUP(struct view *, view_free)

/* Is it time to show something again? */
bool view_due(const struct view *v, int64_t now_ns);
void view_show(struct view *v, const struct view_data *d, int64_t now_ns);
/* Takes the view off the screen, so that lines can be written; it comes again
 * with the next view_show(). v may be NULL. */
void view_clear(struct view *v);
