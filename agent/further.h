/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The second half of a sweep: instances the API alone would not clear away, those
 * that are remembered to have left something, and those whose names something on the
 * host still bears. One after the other goes up the rungs (rungs.h); the helper does
 * not work for several at once.
 */

#include "agent/sweep.h"

struct further;

typedef void (*further_item)(const struct sweep_item *item, void *userdata);
typedef void (*further_done)(const char *error, void *userdata);

/* request->suspects must be given. item: once for each thing, with item_userdata; done:
 * once, at the end, and it frees itself after it. */
int further_new(sd_event *event, struct lxd *lxd, struct inventory *inventory,
                const struct sweep_request *request, further_item item, further_done done,
                void *item_userdata, void *done_userdata, struct further **ret) _warn_unused_;
void further_cancel(struct further *f);

/* An instance that LXD listed and that would not go; its fate is told too. */
int further_add(struct further *f, const char *name, const char *run, const char *unit,
                const char *veths) _warn_unused_;
/* All that LXD listed was tried. */
void further_begin(struct further *f);
