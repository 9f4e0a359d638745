/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A test double of an agent: a forked child with a ROUTER socket that speaks
 * the session with proto/'s own codecs and makes units up. It drives nothing
 * and keeps nothing on disk; what goes wrong with it is asked for.
 */

#include <sys/types.h>

#include "proto/keys.h"
#include "proto/message.h"

struct fake_agent {
        const char *endpoint; /* ipc:///path or tcp://127.0.0.1:port */
        const char *agent_id;
        const char *secret, *allowed; /* CURVE: its key, and the one key it lets in; or NULL */

        int refuse; /* 1 + enum refuse_code, 0 = welcomes */
        const char *refuse_text;
        int64_t unit_ms;                 /* how long a unit takes */
        int64_t fail_every;              /* each so manyeth unit fails */
        int64_t leftovers;               /* so many at STOPPED */
        int64_t die_after;               /* ends after so many outcomes */
        int64_t silent_after, silent_ms; /* after so many outcomes says and hears nothing for */
        bool forget;      /* after the silence it knows no session (ERR no_session) */
        bool twice;       /* sends all RESULTS twice */
        int64_t lose;     /* does not send each so manyeth RESULTS the first time */
        bool garbage;     /* sends nonsense in between */
        bool oversize;    /* sends a frame too large in between */
        bool bad_record;  /* its first record cannot be read */
        bool never_stops; /* ignores STOP */
        bool stubborn;    /* CLEANUP: one thing would not go */
};

/* Forks. The child ends by itself when its parent does. */
pid_t fake_agent_start(const struct fake_agent *config);
/* Kills it and waits. */
void fake_agent_end(pid_t pid);
