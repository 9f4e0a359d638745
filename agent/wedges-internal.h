/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of a run's wedges share: wedges.c (what is recorded, the questions of the
 * units), wedges-daemon.c (the watch over the daemon itself).
 */

#include "agent/facts.h"
#include "agent/helper-ask.h"
#include "agent/wedges.h"

/* One that has not cleared. */
struct wedge {
        struct wedge *next;
        struct record record;
};

struct wedge_inquiry {
        struct wedge_inquiry *next;
        struct wedges *wedges;
        struct wedge_question question;
        char text[ERROR_TEXT_MAX], instance[NAME_SIZE], left[SUSPECT_MAX];
        int64_t asked_ns;
        struct inquiry *inquiry;
        int64_t number; /* given when the evidence needs its name */
        wedge_handler handler;
        void *userdata;
};

struct wedges {
        struct wedges_deps deps;
        struct lxd *lxd;
        struct inquiry_env env;
        char lxd_dir[256];
        sd_event_source *tick;
        struct pace pace;
        struct daemon_watch watch;
        int64_t daemon_number, restarted_ns, back_ns, open_ns;
        int64_t ticked_ns, stood_still_ns; /* our own loop: last here, and when it last was late */
        struct inquiry *daemon_inquiry;
        struct helper_call *restart, *look;
        char looked_state; /* of the daemon, by the helper, for the question asked at … */
        int64_t looked_ns;
        int64_t restart_ns, restart_realtime_ns;
        bool restarted_by_us;
        struct wedge *open;
        /* What LXD's words told last; it may be over again before others who heard them ask. */
        struct finding told;
        int64_t told_ns;
        struct wedge_inquiry *inquiries, **tail;
        size_t n_asked;
        int64_t n;
};

/* ---- wedges.c ---- */

/* The directory of a wedge's evidence. */
void wedges_name_directory(const struct wedges *w, int64_t number, enum wedge_class class,
                           char *ret, size_t size);
/* question: NULL = the daemon itself. number 0: the next. evidence: whether some is taken, or was,
 * under this number. Returns the number, 0 if there are too many. */
int64_t wedges_note(struct wedges *w, const struct finding *f,
                    const struct wedge_question *question, int64_t number, int cleared_by,
                    bool evidence);

/* ---- wedges-daemon.c ---- */

/* Twice a second. */
void wedges_watch_daemon(struct wedges *w);
