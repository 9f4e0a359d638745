/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The words of a soak that both ends, the store and the reports share: phases,
 * results, outcomes, modes, what can be left behind. Each list stands here
 * once; names on the wire, in the store, in the journal and on the command line
 * are these words.
 */

#include "base/util.h"

/* One timed step of a unit, in the order of a unit's life. */
#define PHASES(X)                                                                                  \
        X(CREATE, "create")                                                                        \
        X(START, "start")                                                                          \
        X(READY, "ready")                                                                          \
        X(EXEC, "exec")                                                                            \
        X(STOP, "stop")                                                                            \
        X(DELETE, "delete")                                                                        \
        X(VERIFY, "verify")

/* How a phase ended. */
#define RESULTS(X)                                                                                 \
        X(OK, "ok")                   /* as asked */                                               \
        X(FAIL, "fail")               /* LXD, or the command in the container, said no */          \
        X(TIMEOUT, "timeout")         /* its deadline passed */                                    \
        X(LOST, "lost")               /* the daemon went away; what became of it is not known */   \
        X(INTERRUPTED, "interrupted") /* we were stopped */

/* How an attempt at a unit ended. */
#define OUTCOMES(X)                                                                                \
        X(PASSED, "passed")                                                                        \
        X(FAILED, "failed")           /* a phase failed, or something was left behind */           \
        X(WEDGED, "wedged")           /* something under it stopped making progress */             \
        X(INTERRUPTED, "interrupted") /* cut short by us; does not use up the quota */

#define MODES(X)                                                                                   \
        X(CHURN, "churn")     /* create … delete, one after the other */                         \
        X(DENSITY, "density") /* create and keep, until something says stop */

#define SOURCES(X)                                                                                 \
        X(IMAGE, "image") /* unpack an image */                                                    \
        X(COPY, "copy")   /* copy a stopped instance */

#define STOP_KINDS(X)                                                                              \
        X(CLEAN, "clean") /* ask init, with a time limit */                                        \
        X(FORCE, "force") /* kill */

/* What an inventory of the host can find of an instance. */
#define LEFTOVER_KINDS(X)                                                                          \
        X(INSTANCE, "instance") /* the API still lists it */                                       \
        X(PROCESS, "process")   /* its monitor, init or a helper of the daemon's */                \
        X(CGROUP, "cgroup")                                                                        \
        X(MOUNT, "mount")                                                                          \
        X(VETH, "veth")                                                                            \
        X(VOLUME, "volume") /* its root file system or directory of the daemon's */

/* What can stop making progress. Each has a rule (agent/detector.h), a MESSAGE_ID and a
 * catalog entry of its own. */
#define WEDGE_CLASSES(X)                                                                           \
        X(DAEMON_DOWN, "daemon-down")               /* nobody answers on its socket */             \
        X(DAEMON_HUNG, "daemon-hung")               /* it takes the connection and says nothing */ \
        X(DATABASE_STALLED, "database-stalled")     /* answers what needs no database, no more */  \
        X(OPERATION_STUCK, "operation-stuck")       /* runs, and nothing under it moves */         \
        X(OPERATION_LOST, "operation-lost")         /* asked for, and not known any more */        \
        X(MONITOR_STUCK, "monitor-stuck")           /* an instance's monitor does not run */       \
        X(INSTANCE_FROZEN, "instance-frozen")       /* frozen behind the daemon's back */          \
        X(STOP_IGNORED, "stop-ignored")             /* its init lives on after a clean stop */     \
        X(EXEC_STUCK, "exec-stuck")                 /* a command in it does not end */             \
        X(DELETE_BUSY, "delete-busy")               /* something holds a mount of it */            \
        X(TASK_UNKILLABLE, "task-unkillable")       /* a task of it waits in the kernel */         \
        X(IMAGE_LOCKED, "image-locked")             /* no create of an image gets on */            \
        X(POOL_FULL, "pool-full")                   /* the storage pool has no room */             \
        X(INSTANCE_BUSY_LOCK, "instance-busy-lock") /* "busy" with an operation that is over */    \
        X(DELETE_LIED, "delete-lied")               /* gone for the API, alive on the host */      \
        X(LEFTOVER, "leftover")                     /* dead parts of it stayed on the host */      \
        X(UNKNOWN, "unknown")                       /* it stopped, and no rule says why */

/* The ladder of recovery, from the gentlest to the hardest. */
#define RUNGS(X)                                                                                   \
        X(CANCEL, "cancel")          /* the operation that is stuck */                             \
        X(STOP, "forced-stop")       /* through the API */                                         \
        X(THAW, "thaw")              /* its cgroups, where they are frozen */                      \
        X(MONITOR, "end-monitor")    /* kill its monitor and what is left of its processes */      \
        X(UNMOUNT, "unmount")        /* what is mounted beneath it */                              \
        X(RESTART, "restart-daemon") /* only where it was allowed */                               \
        X(ITSELF, "itself")          /* no rung of ours: it went on by itself */

#define ON_WEDGES(X)                                                                               \
        X(RECOVER, "recover")   /* the unit is given up and recovered, the run goes on */          \
        X(CONTINUE, "continue") /* the unit is given up and left as it is, the run goes on */      \
        X(STOP, "stop")         /* left as it is, and the run ends */

/* What is counted on a host at a steady point, where nothing is in flight. */
#define CENSUS_KINDS(X)                                                                            \
        X(FDS, "fds")               /* open in the daemon */                                       \
        X(THREADS, "threads")       /* of the daemon */                                            \
        X(RSS, "rss")               /* of the daemon, bytes */                                     \
        X(GOROUTINES, "goroutines") /* of the daemon, where its metrics tell */                    \
        X(MOUNTS, "mounts")         /* in the daemon's name space */                               \
        X(VETHS, "veths")                                                                          \
        X(CGROUPS, "cgroups") /* of instances */                                                   \
        X(LOOPS, "loops")                                                                          \
        X(PROCESSES, "processes") /* monitors and helpers of the daemon */                         \
        X(VOLUMES, "volumes")                                                                      \
        X(OPERATIONS, "operations") /* the daemon still lists */                                   \
        X(WARNINGS, "warnings")     /* the daemon lists */

/* What is measured of a host and its daemon beside the load, every METRIC_PERIOD. Each is a
 * column of the store's table `metric`, and a field of the journal: constant and word are the same.
 */
#define METRIC_KINDS(X)                                                                            \
        X(IN_FLIGHT, "in_flight")         /* units */                                              \
        X(HELD, "held")                   /* units, density */                                     \
        X(OLDEST_NS, "oldest_ns")         /* age of the oldest unit in flight */                   \
        X(LIVE, "live")                   /* instances the API lists */                            \
        X(API_NS, "api_ns")               /* how long that took, or has taken so far */            \
        X(DAEMON_NS, "daemon_ns")         /* the same of what needs no database */                 \
        X(INSTANCE_NS, "instance_ns")     /* and of one of our own instances */                    \
        X(MOUNTS, "mounts")               /* that the agent sees */                                \
        X(MEM_AVAILABLE, "mem_available") /* bytes */                                              \
        X(PSI_CPU_US, "psi_cpu_us")       /* time in which something waited, since the boot */     \
        X(PSI_MEMORY_US, "psi_memory_us")                                                          \
        X(PSI_IO_US, "psi_io_us")                                                                  \
        X(LOAD_MILLI, "load_milli")     /* load average of a minute, in thousandths */             \
        X(AGENT_RSS, "agent_rss")       /* bytes */                                                \
        X(AGENT_CPU_NS, "agent_cpu_ns") /* since the run began */                                  \
        X(LOOP_LATE_NS,                                                                            \
          "loop_late_ns") /* the ruler: latest the agent's timer was since last time */

#define RECORD_KINDS(X)                                                                            \
        X(SAMPLE, "sample")     /* one phase ended */                                              \
        X(EXEC, "exec")         /* what one command printed */                                     \
        X(LEFTOVER, "leftover") /* one thing that should be gone and is not */                     \
        X(HELD, "held")         /* density: up, and staying */                                     \
        X(OUTCOME, "outcome")   /* an attempt ended; the last record of it */                      \
        X(RETURNED, "returned") /* units of a lease that were not started */                       \
        X(WEDGE, "wedge")       /* noticed, or cleared: the newest of a number holds */            \
        X(RECOVERY, "recovery") /* one rung of the ladder was tried */                             \
        X(CENSUS, "census")     /* what there is at a steady point */                              \
        X(METRIC, "metric")     /* how host and daemon are, while units come and go */

#define PHASE(n, w)    PHASE_##n,
#define RESULT(n, w)   RESULT_##n,
#define OUTCOME(n, w)  OUTCOME_##n,
#define MODE(n, w)     MODE_##n,
#define SOURCE(n, w)   SOURCE_##n,
#define STOPK(n, w)    STOP_##n,
#define LEFTOVER(n, w) LEFTOVER_##n,
#define RECORD(n, w)   RECORD_##n,
#define WEDGE(n, w)    WEDGE_##n,
#define RUNG(n, w)     RUNG_##n,
#define ON_WEDGE(n, w) ON_WEDGE_##n,
#define CENSUS(n, w)   CENSUS_##n,
#define METRIC(n, w)   METRIC_##n,

enum phase { PHASES(PHASE) PHASE_MAX_ };
enum result { RESULTS(RESULT) RESULT_MAX_ };
enum outcome { OUTCOMES(OUTCOME) OUTCOME_MAX_ };
enum mode { MODES(MODE) MODE_MAX_ };
enum source { SOURCES(SOURCE) SOURCE_MAX_ };
enum stop_kind { STOP_KINDS(STOPK) STOP_MAX_ };
enum leftover_kind { LEFTOVER_KINDS(LEFTOVER) LEFTOVER_MAX_ };
enum record_kind { RECORD_KINDS(RECORD) RECORD_MAX_ };
enum wedge_class { WEDGE_CLASSES(WEDGE) WEDGE_MAX_ };
enum rung { RUNGS(RUNG) RUNG_MAX_ };
enum on_wedge { ON_WEDGES(ON_WEDGE) ON_WEDGE_MAX_ };
enum census_kind { CENSUS_KINDS(CENSUS) CENSUS_MAX_ };
enum metric_kind { METRIC_KINDS(METRIC) METRIC_MAX_ };

#undef PHASE
#undef RESULT
#undef OUTCOME
#undef MODE
#undef SOURCE
#undef STOPK
#undef LEFTOVER
#undef RECORD
#undef WEDGE
#undef RUNG
#undef ON_WEDGE
#undef CENSUS
#undef METRIC

/* x_name(): the word, "?" when out of range. x_from_name(): the value, or -EINVAL. */
#define SOAK_WORDS(X)                                                                              \
        X(phase)                                                                                   \
        X(result)                                                                                  \
        X(outcome)                                                                                 \
        X(mode) X(source) X(stop_kind) X(leftover_kind) X(record_kind) X(wedge_class) X(rung)      \
                X(on_wedge) X(census_kind) X(metric_kind)
#define X(type)                                                                                    \
        const char *type##_name(int v);                                                            \
        int type##_from_name(const char *s) _warn_unused_;
SOAK_WORDS(X)
#undef X

#define PHASE_BIT(p) (1U << (p))
#define PHASES_ALL   ((1U << PHASE_MAX_) - 1)

/* Limits both ends enforce. */
#define RUN_ID_SIZE       9 /* 8 characters of [0-9a-z] and NUL */
#define UNITS_MAX         INT64_C(999999999)
#define PARALLEL_MAX      1024
#define EXEC_COMMANDS_MAX 16
#define EXEC_LENGTH_MAX   1024
#define EXEC_OUTPUT_MAX   4096 /* bytes of each stream kept */
#define ERROR_TEXT_MAX    512  /* bytes of LXD's own error text kept */
#define PREFIX_MAX        20   /* so that PREFIX-RUN-NNNNNNNNN fits in 63 */
#define NAME_SIZE         64   /* an instance name and NUL */

#define SUSPECT_MAX       256
#define EVIDENCE_NAME_MAX 128   /* of a directory of evidence, and NUL */
#define WEDGES_MAX        10000 /* a host may report in a run */
#define CENSUS_DETAIL_MAX 2048
#define METRIC_PERIOD_NS  (10 * NSEC_PER_SEC)
#define STEADY_SHARE_MAX  90 /* percent */

#define LEASE_MIN_NS (10 * NSEC_PER_SEC)
#define LEASE_MAX_NS (600 * NSEC_PER_SEC)

#define DEFAULT_PREFIX "soak"
#define DEFAULT_PORT   7463

/* Where LXD keeps what we know an instance by. Nothing without them is touched. */
#define KEY_RUN   "user.lxdsoak.run"
#define KEY_UNIT  "user.lxdsoak.unit"
#define KEY_AGENT "user.lxdsoak.agent"
