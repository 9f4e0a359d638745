/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The wedge detector: pure rules that tell what has stopped from what is slow. It is
 * given what was asked and seen, and the time; it asks nothing and keeps no clock.
 *
 * Two halves. detector_watch_daemon() is fed the probes' state twice a second and knows
 * the classes of the daemon itself. detector_classify() is given one unit's phase that
 * went wrong or is beyond its deadline, with what the host says of the instance, and
 * knows the others. Both follow the same principle: proof first (a process that is
 * stopped, frozen, or waits in the kernel and was told to die), then what LXD said, and
 * the clock last, and then only if nothing else on the host moves either.
 *
 * Where the rules come from is said at each in detector.c; the time limits are in
 * docs/wedges.md.
 */

#include "proto/soak.h"

/* How sure a rule is, in percent. */
#define SURE_PROOF 100 /* seen on the host */
#define SURE_SAID  90  /* LXD said so in words that mean this */
#define SURE_CLOCK 60  /* by the clock, while nothing else moved */
#define SURE_GUESS 30

struct finding {
        enum wedge_class class;
        int64_t sure;
        int64_t since_ns; /* monotonic */
        char suspect[SUSPECT_MAX];
        char detail[ERROR_TEXT_MAX];
        char operation[80]; /* of LXD's that is under way, "" = none is known */
};

/* A process as /proc shows it; pid 0 = there is none. */
struct task_fact {
        int64_t pid;
        char state; /* of /proc/PID/stat; 0 = not known */
        char comm[32], wchan[64];
        bool dying; /* SIGKILL is pending, or its name space is being ended */
};

/* What the helper says of one instance and its daemon. */
struct facts {
        bool known; /* the helper has answered at all */
        struct task_fact daemon, monitor, init, unkillable, unpack, holder;
        bool monitor_frozen, payload_frozen;
        int64_t n_exec;          /* forkexec processes of it; -1 = not known */
        int64_t n_unpack;        /* unpackers below the daemon */
        char mount[SUSPECT_MAX]; /* that the holder has */
};

/* What is asked about one unit. */
struct symptoms {
        enum phase phase;
        enum result result; /* OK: the phase has not ended, and is beyond its deadline */
        const char *text;   /* LXD's words, "" = none */
        const char *instance, *image, *pool;
        bool clean_stop;         /* it was asked to end, and had its time limit for it */
        const char *left;        /* VERIFY: a part of it that the host has, "" = none */
        bool operation_lost;     /* LOST, and the operation is not known any more */
        int64_t since_ns;        /* monotonic: when the phase began */
        int64_t n_operations;    /* of this instance that LXD lists as running; -1 = not known */
        const char *operation;   /* one of them, "" = none */
        int64_t extensions;      /* how often its deadline was already put off */
        bool progress;           /* another unit's phase of the same kind ended well in the last
                                    deadline's time */
        bool progress_elsewhere; /* … of any kind */
        bool company;       /* another unit's phase of the same kind is beyond its deadline too,
                               or was a moment ago */
        int64_t for_ns;     /* for how long the phase has lasted */
        int64_t slowest_ns; /* the longest of the same kind that ended well in this run */
        bool overloaded;    /* the host has no time for anybody: PSI */
        struct facts facts;
};

enum diagnosis {
        DIAGNOSIS_NONE,  /* it failed; nothing is stuck */
        DIAGNOSIS_LATE,  /* slow, and something still moves: ask again later */
        DIAGNOSIS_WEDGE, /* finding is filled */
};

/* How often a deadline is put off while something still moves, at least; and as long as others
 * of the kind have taken a quarter of the time and did end. */
#define EXTENSIONS_MAX 3
#define SLOWEST_FACTOR 4

enum diagnosis detector_classify(const struct symptoms *s, struct finding *ret);

/* The words of LXD that need no look at the host: the pool is full. */
bool detector_knows_words(const struct symptoms *s, struct finding *ret);

/* ---- the daemon ---- */

struct watch_question {
        int64_t asked_ns;  /* when the question that has no answer yet was sent; 0 = none waits */
        int64_t ok_ns;     /* when it last was answered; 0 = never */
        int64_t failed_ns; /* since when it only fails; 0 = it does not */
        bool refused;      /* nobody listens: the failures are of the connection */
        char text[ERROR_TEXT_MAX]; /* of the last failure */
};

/* What is seen of the daemon, twice a second. */
struct daemon_view {
        struct watch_question daemon, list; /* /1.0, and what needs its database */
        int64_t pid;                        /* as it says itself; 0 = not known */
        char state;          /* of pid in /proc; 0 = not known, 'X' = there is none */
        int64_t progress_ns; /* when a request of any unit last ended well */
        int64_t probe_timeout_ns;
};

struct daemon_watch {
        int64_t pid;   /* that was seen last */
        int64_t ok_ns; /* when that one last answered */
        bool open;     /* a wedge of the daemon */
        struct finding finding;
};

enum daemon_news {
        DAEMON_SAME,
        DAEMON_WEDGED,    /* watch.finding */
        DAEMON_CLEARED,   /* watch.finding has ended */
        DAEMON_RESTARTED, /* and nothing was noticed before: finding is of the gap, over already */
};

enum daemon_news detector_watch_daemon(struct daemon_watch *watch, const struct daemon_view *view,
                                       int64_t now_ns);
