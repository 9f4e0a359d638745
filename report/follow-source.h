/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a run that goes on is followed from. follow-store.c looks into the store its coordinator
 * writes, follow-journal.c into journals and streams; follow.c asks them now and then. Neither ever
 * writes, or waits.
 */

#include <systemd/sd-event.h>

#include "report/run-options.h"

enum follow_state {
        FOLLOW_GOES_ON,
        FOLLOW_MORE,  /* there is more to be read just now */
        FOLLOW_ENDED, /* with all that is to be had of it */
        FOLLOW_GONE,  /* it has not ended, and nobody goes on with it */
};

struct follow_source {
        /* ret_store: what there is of the run, the caller's; NULL = as it was before, or not
         * wanted. When it is over, there is one in any case. why: of FOLLOW_GONE. */
        int (*look)(struct follow_source *s, int64_t now_ns, bool wanted, struct store **ret_store,
                    enum follow_state *ret_state, char why[static 256], struct error *err);
        void (*free)(struct follow_source *s);
};

int follow_store_new(const char *what, const struct string_list *dirs, struct follow_source **ret,
                     struct error *err) _warn_unused_;
/* Reads pipes as event finds something in them. places is borrowed. */
int follow_journal_new(const struct journal_places *places, const char *what, sd_event *event,
                       struct follow_source **ret, struct error *err) _warn_unused_;
