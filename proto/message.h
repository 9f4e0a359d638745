/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The bodies of the messages as structs. Encoding and decoding is
 * fields_encode()/fields_decode() with the table of the same name; the tables
 * hold the limits, so a decoded message is within them.
 *
 * The session. HELLO is answered by WELCOME or REFUSE. A coordinator that wants
 * to run sends its spec in HELLO and then LEASEs; one that only looks or cleans
 * up sends none. All traffic counts as a sign of life; PING every 2 s.
 * Everything that must not be lost travels as a record (record.h) in RESULTS
 * and is sent again until acknowledged; everything else may be lost and is
 * repeated by whoever still needs it.
 */

#include "proto/fields.h"
#include "proto/soak.h"

#define WHO_SIZE           129   /* USER@HOST and NUL */
#define WHO_SIZE           129   /* USER@HOST and NUL */
#define MESSAGE_ROWS_MAX   1000  /* records in one RESULTS */
#define MESSAGE_LEASES_MAX 40000 /* in one WELCOME */
#define MESSAGE_ITEMS_MAX  4096  /* leftovers in one STOPPED, items in one CLEANED */

/* What a run is. Fixed for its life; sent whole in every HELLO. Owned strings:
 * released with fields_release(run_spec_fields, …). */
struct run_spec {
        char run[RUN_ID_SIZE];
        char prefix[PREFIX_MAX + 1];
        char project[NAME_SIZE];       /* LXD project; empty = the agent's own setting */
        int mode;                      /* enum mode */
        char image[256];               /* alias or fingerprint */
        int source;                    /* enum source */
        char template_name[NAME_SIZE]; /* COPY: instance to copy; empty = make one from image */
        struct string_list exec;       /* command lines, split by the agent as sh would */
        int stop;                      /* enum stop_kind */
        int64_t stop_timeout_ns;       /* CLEAN: how long init may take */
        int64_t phases;                /* PHASE_BIT()s */
        int64_t total;                 /* units planned; 0 = as many as the time allows */
        int64_t parallel;              /* in flight a host, at most */
        int64_t min_free;              /* DENSITY: bytes of MemAvailable to leave */
        bool keep;                     /* DENSITY: leave the units */
        int64_t seed;
        int64_t deadline_ns[PHASE_MAX_]; /* a phase that takes longer is looked into, and given up
                                            unless it still moves */
        int64_t probe_timeout_ns;        /* a probe that gets no answer for so long */
        int64_t evidence_limit;          /* bytes, of one wedge's evidence */
        int on_wedge;                    /* enum on_wedge */
        bool allow_daemon_restart;
        int64_t lease_ns;     /* how long leases last without a word of the coordinator's */
        int64_t allow_leak;   /* 1 << CENSUS_…: known, and not held against the run */
        int64_t steady_share; /* percent of the time that steady points may cost */
};
extern const struct field run_spec_fields[];

struct msg_hello {
        int64_t proto_min, proto_max;
        char coord_id[33];  /* of this coordinator process */
        char who[WHO_SIZE]; /* who runs it, for people: USER@HOST */
        char agent_id[33];  /* whose records the header's ack counts; empty = not known yet */
        bool steal;         /* take the agent from whoever has it; needs the role admin */
        bool has_spec;      /* false: only looks or cleans up, and spec is not sent */
        struct run_spec spec;
};
extern const struct field msg_hello_fields[];
/* Of a HELLO of any version, only proto_min and proto_max. */
extern const struct field msg_hello_range_fields[];

struct msg_welcome {
        int64_t proto;
        char agent_id[33];    /* kept over restarts */
        char incarnation[33]; /* new at every start of the agent */
        char hostname[65];
        char server[65];        /* "lxd 5.0.2", "incus 6.0.4" */
        char version[33];       /* lxdsoak's */
        int64_t agent_stamp_ns; /* as in PONG */
        int64_t head;           /* last record number of this run, 0 = none */
        int64_t parallel_max;
        json_object *leases; /* numbers of those it has something of still: unstarted, in flight
                                or held; everything else of the run is in records up to head */
        /* the run it works on, whoever asks; "" = none */
        char run[RUN_ID_SIZE];
        char driver[WHO_SIZE]; /* "" = nobody */
        int64_t since_ns;      /* for how long it has been driven by that one */
        int64_t silent_ns;     /* for how long that one has been silent */
};
extern const struct field msg_welcome_fields[];

/* Why an agent says no. */
#define REFUSE_CODES(X)                                                                            \
        X(BUSY, "busy")                                                                            \
        X(STOLEN, "stolen")                                                                        \
        X(VERSION, "version")                                                                      \
        X(STALE_EPOCH, "stale_epoch")                                                              \
        X(ROLE, "role")                                                                            \
        X(SPEC_MISMATCH, "spec_mismatch")                                                          \
        X(DRAINING, "draining")                                                                    \
        X(SPOOL_FULL, "spool_full")                                                                \
        X(SPEC, "spec")   /* the spec cannot be done here */                                       \
        X(IMAGE, "image") /* no such image or template */                                          \
        X(LXD, "lxd")     /* LXD cannot be reached or said no */

enum refuse_code {
#define X(n, w) REFUSE_##n,
        REFUSE_CODES(X)
#undef X
                REFUSE_MAX_,
};
const char *refuse_code_name(int v);
int refuse_code_from_name(const char *s) _warn_unused_;

struct msg_refuse {
        int code; /* enum refuse_code */
        char text[ERROR_TEXT_MAX];
        /* BUSY: who has the agent, for how long already, and when it is free if nothing more is
         * heard of that one. STOLEN: who took it */
        char holder[WHO_SIZE];
        char run[RUN_ID_SIZE];
        int64_t since_ns, expires_in_ns;
};
extern const struct field msg_refuse_fields[];

/* Units first .. first+count-1, each as attempt `attempt`. */
struct msg_lease {
        int64_t lease; /* unique in the run */
        int64_t first, count;
        int64_t attempt;        /* 1.. */
        int64_t ttl_ns;         /* from the newest agent stamp that was echoed */
        int64_t agent_stamp_ns; /* as in PING; 0 = none */
};
extern const struct field msg_lease_fields[];

struct msg_lease_ok {
        int64_t lease;
};
extern const struct field msg_lease_ok_fields[];

struct msg_results {
        json_object
                *rows; /* array of records, see record.h; numbers go up by one from header.seq */
};
extern const struct field msg_results_fields[];

struct msg_ping {
        int64_t stamp_ns;       /* sender's monotonic clock */
        int64_t agent_stamp_ns; /* the newest of the agent's in this session, 0 = none: renews
                                   leases */
};
extern const struct field msg_ping_fields[];

/* What is not begun of a lease is to be returned, as a record; 0 = of all. */
struct msg_revoke {
        int64_t lease;
};
extern const struct field msg_revoke_fields[];

/* How an agent's host is. -1 where it is not known. */
struct msg_pong {
        int64_t stamp_ns;       /* the PING's */
        int64_t agent_stamp_ns; /* agent's monotonic clock */
        int64_t head;           /* last record number */
        int64_t in_flight, held;
        int64_t oldest_ns;     /* age of the oldest unit in flight */
        int64_t api_instances; /* how many the API lists */
        int64_t api_ns;   /* how long it took to tell; while it has not answered, how long so far */
        bool api_waiting; /* the present question has not been answered yet */
        /* the other watches: the daemon without its database, and one of our own instances */
        int64_t daemon_ns, instance_ns; /* as api_ns; instance_ns -1 = none is asked about */
        bool daemon_waiting, instance_waiting;
        int64_t wedges;        /* of this run, until now */
        int64_t late;          /* units in flight whose phase takes longer than all but few did */
        int64_t mounts;        /* lines of mountinfo */
        int64_t mem_available; /* bytes */
        int64_t disk_free;     /* bytes where the spool is */
        /* the ruler: the agent's own loop, since its start or the run's */
        int64_t loop_dispatches;
        int64_t loop_cpu_max_ns; /* longest callback, CPU time of the thread */
        int64_t loop_wall_max_ns;
        int64_t loop_waits; /* callbacks in which the thread slept in the kernel */
        int64_t loop_late_p99_ns, loop_late_max_ns; /* how late a timer fired */
        int64_t connections;                        /* opened to LXD, by this run */
        int64_t requests;                           /* sent to LXD, by this run */
        int64_t cpu_ns;         /* CPU time of the agent's process, by this run */
        int64_t rss;            /* bytes, resident set of the agent */
        char stop_by[WHO_SIZE]; /* who asked that the run be stopped; "" = nobody */
};
extern const struct field msg_pong_fields[];

#define STOP_MODES(X)                                                                              \
        X(FINISH, "finish") /* all is done: unwind what is held, take stock */                     \
        X(DRAIN, "drain")   /* no new units; those in flight run to their end */                   \
        X(ABORT, "abort")   /* cut those in flight short, and remove them */

enum stop_mode {
#define X(n, w) STOP_MODE_##n,
        STOP_MODES(X)
#undef X
                STOP_MODE_MAX_,
};
const char *stop_mode_name(int v);
int stop_mode_from_name(const char *s) _warn_unused_;

struct msg_stop {
        int mode;  /* enum stop_mode; only ever goes up within a run */
        bool keep; /* leave held units */
};
extern const struct field msg_stop_fields[];

/* Sent once nothing is in flight or held any more and the host was looked over. */
struct msg_stopped {
        int64_t final_seq; /* the run's last record */
        json_object
                *leftovers; /* array of {kind, name, unit, detail}: all the run left on this host */
        struct msg_pong pong; /* the last state, with the ruler */
};
extern const struct field msg_stopped_fields[];

struct msg_cleanup {
        char run[RUN_ID_SIZE]; /* empty = of every run */
        char project[NAME_SIZE];
        bool dry_run;
};
extern const struct field msg_cleanup_fields[];

/* items: array of {kind, name, run, action, error}; action is "removed",
 * "would remove" or "failed" (then error says why). */
struct msg_cleaned {
        json_object *items;
        bool done;                  /* the last one */
        char error[ERROR_TEXT_MAX]; /* done, and it could not be carried out */
};
extern const struct field msg_cleaned_fields[];

/* What is there: directory empty, of which wedges of the run; file empty, which files in the
 * directory; else the file from offset on. */
struct msg_evidence {
        char run[RUN_ID_SIZE];
        char directory[EVIDENCE_NAME_MAX], file[EVIDENCE_NAME_MAX];
        int64_t offset;
};
extern const struct field msg_evidence_fields[];

#define EVIDENCE_CHUNK_MAX     (64 * 1024) /* bytes of a file in one EXHIBIT */
#define EVIDENCE_FILES_MAX     1000        /* in a directory */
#define EVIDENCE_DIRECTORY_MAX 100         /* of all runs, on a host */

/* The answer; what was asked stands in it again. items: the names, or one string, the
 * text. */
struct msg_exhibit {
        char run[RUN_ID_SIZE];
        char directory[EVIDENCE_NAME_MAX], file[EVIDENCE_NAME_MAX];
        int64_t offset;
        int64_t size; /* of the whole file; 0 for names */
        json_object *items;
        char error[ERROR_TEXT_MAX]; /* not empty: it cannot be told, and why */
};
extern const struct field msg_exhibit_fields[];

struct msg_err {
        char code[32]; /* "no_session", "bad_message", "unknown_type" */
        char text[ERROR_TEXT_MAX];
};
extern const struct field msg_err_fields[];

/* The shape of a row of leftovers or of cleanup items. */
struct msg_item {
        char kind[16], name[256], run[RUN_ID_SIZE], action[16], detail[256], error[ERROR_TEXT_MAX];
        int64_t unit; /* -1 = not known */
};
extern const struct field msg_item_fields[];
