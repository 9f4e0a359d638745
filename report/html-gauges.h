/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is drawn against time beside latencies: the one list of it, in the order of the page.
 *
 * Where it comes from:
 *   OWN       computed from units and samples
 *   METRIC    a column of table `metric`
 *   COUNTER   the same, of something that only grows: drawn is how much a time, from row to row
 *   CENSUS    a kind of table `census`
 *   INSTEAD   computed, and drawn only where a METRIC of the same title is missing
 *
 * How the values of a bucket, and of several hosts in one line, come together:
 *   RATE_SUM  how many a second, of all hosts
 *   TALLY     how many in a bucket, of all hosts
 *   SUM       how many at a time, of a host
 *   MEAN      their mean
 *   MEAN_MAX  their mean, and the highest beside it
 *   MEAN_MIN  their mean, and the lowest beside it
 */

#include "base/util.h"

#define HTML_GROUPS(X)                                                                             \
        X(WORK, "work", "Work")                                                                    \
        X(PROBES, "probes", "Probe answers")                                                       \
        X(HOST, "host", "The hosts")                                                               \
        X(DAEMON, "daemon", "The daemon")                                                          \
        X(THINGS, "things", "What there is on the hosts")                                          \
        X(AGENT, "agent", "The agents")

#define HTML_UNITS(X)                                                                              \
        X(RATE, "rate")         /* a second */                                                     \
        X(COUNT, "count")       /* */                                                              \
        X(DURATION, "duration") /* ns */                                                           \
        X(BYTES, "bytes")                                                                          \
        X(PERCENT, "percent")

/* id, name in the page, source, key there, factor, group, unit, how, title, what it is */
#define HTML_GAUGES(X)                                                                             \
        X(PASSED, "passed", OWN, "passed", 1, WORK, RATE, RATE_SUM, "Throughput",                  \
          "units that passed, a second")                                                           \
        X(FAILED, "failed", OWN, "failed", 1, WORK, COUNT, TALLY, "Failures",                      \
          "units that failed or wedged, in a step of time")                                        \
        X(IN_FLIGHT, "in_flight", METRIC, "in_flight", 1, WORK, COUNT, MEAN, "In flight",          \
          "units begun and not ended, on a host")                                                  \
        X(UNITS, "units", INSTEAD, "units", 1, WORK, COUNT, SUM, "In flight",                      \
          "units begun and not ended, on a host")                                                  \
        X(LIVE, "live", METRIC, "live", 1, WORK, COUNT, MEAN, "Live",                              \
          "instances the API of a host lists")                                                     \
        X(CREATED, "created", INSTEAD, "created", 1, WORK, COUNT, SUM, "Live",                     \
          "containers created and not gone, on a host")                                            \
        X(OLDEST, "oldest", METRIC, "oldest_ns", 1, WORK, DURATION, MEAN_MAX, "Oldest unit",       \
          "age of the oldest unit in flight")                                                      \
        X(DAEMON, "daemon", METRIC, "daemon_ns", 1, PROBES, DURATION, MEAN_MAX, "/1.0",            \
          "time to an answer that needs no database")                                              \
        X(API, "api", METRIC, "api_ns", 1, PROBES, DURATION, MEAN_MAX, "List of instances",        \
          "time to an answer that needs the database")                                             \
        X(INSTANCE, "instance", METRIC, "instance_ns", 1, PROBES, DURATION, MEAN_MAX,              \
          "One instance", "time to an answer about one of our own")                                \
        X(MEM_AVAILABLE, "mem_available", METRIC, "mem_available", 1, HOST, BYTES, MEAN_MIN,       \
          "Memory available", "to new work")                                                       \
        X(PSI_CPU, "psi_cpu", COUNTER, "psi_cpu_us", 1e5, HOST, PERCENT, MEAN_MAX, "CPU pressure", \
          "share of the time in which something waited for a CPU")                                 \
        X(PSI_MEMORY, "psi_memory", COUNTER, "psi_memory_us", 1e5, HOST, PERCENT, MEAN_MAX,        \
          "Memory pressure", "share of the time in which something waited for memory")             \
        X(PSI_IO, "psi_io", COUNTER, "psi_io_us", 1e5, HOST, PERCENT, MEAN_MAX, "I/O pressure",    \
          "share of the time in which something waited for a disk")                                \
        X(LOAD, "load", METRIC, "load_milli", 1e-3, HOST, COUNT, MEAN, "Load",                     \
          "average of a minute")                                                                   \
        X(FDS, "fds", CENSUS, "fds", 1, DAEMON, COUNT, MEAN, "File descriptors",                   \
          "open in the daemon")                                                                    \
        X(GOROUTINES, "goroutines", CENSUS, "goroutines", 1, DAEMON, COUNT, MEAN, "Goroutines",    \
          "of the daemon")                                                                         \
        X(THREADS, "threads", CENSUS, "threads", 1, DAEMON, COUNT, MEAN, "Threads",                \
          "of the daemon")                                                                         \
        X(RSS, "rss", CENSUS, "rss", 1, DAEMON, BYTES, MEAN, "Memory of the daemon",               \
          "its resident set")                                                                      \
        X(OPERATIONS, "operations", CENSUS, "operations", 1, DAEMON, COUNT, MEAN, "Operations",    \
          "the daemon lists")                                                                      \
        X(WARNINGS, "warnings", CENSUS, "warnings", 1, DAEMON, COUNT, MEAN, "Warnings",            \
          "the daemon lists")                                                                      \
        X(MOUNTS, "mounts", METRIC, "mounts", 1, THINGS, COUNT, MEAN_MAX, "Mounts",                \
          "that the agent sees")                                                                   \
        X(STEADY_MOUNTS, "steady_mounts", CENSUS, "mounts", 1, THINGS, COUNT, MEAN,                \
          "Mounts at rest", "in the name space of the daemon, with nothing in flight")             \
        X(CGROUPS, "cgroups", CENSUS, "cgroups", 1, THINGS, COUNT, MEAN, "Control groups at rest", \
          "of instances")                                                                          \
        X(VETHS, "veths", CENSUS, "veths", 1, THINGS, COUNT, MEAN, "Network links at rest",        \
          "veth devices")                                                                          \
        X(LOOPS, "loops", CENSUS, "loops", 1, THINGS, COUNT, MEAN, "Loop devices at rest",         \
          "in use")                                                                                \
        X(PROCESSES, "processes", CENSUS, "processes", 1, THINGS, COUNT, MEAN,                     \
          "Processes at rest", "monitors and helpers of the daemon")                               \
        X(VOLUMES, "volumes", CENSUS, "volumes", 1, THINGS, COUNT, MEAN, "Volumes at rest",        \
          "of instances")                                                                          \
        X(LOOP_LATE, "loop_late", METRIC, "loop_late_ns", 1, AGENT, DURATION, MEAN_MAX, "Timer",   \
          "how late it was at most: the ruler of all that is measured")                            \
        X(AGENT_CPU, "agent_cpu", COUNTER, "agent_cpu_ns", 100, AGENT, PERCENT, MEAN,              \
          "CPU of the agent", "of one processor")                                                  \
        X(AGENT_RSS, "agent_rss", METRIC, "agent_rss", 1, AGENT, BYTES, MEAN,                      \
          "Memory of the agent", "its resident set")

enum html_source { HTML_OWN, HTML_METRIC, HTML_COUNTER, HTML_CENSUS, HTML_INSTEAD };
enum html_how { HTML_RATE_SUM, HTML_TALLY, HTML_SUM, HTML_MEAN, HTML_MEAN_MAX, HTML_MEAN_MIN };

enum html_group {
#define X(id, name, title) HTML_GROUP_##id,
        HTML_GROUPS(X)
#undef X
                HTML_GROUP_MAX_,
};

enum html_unit {
#define X(id, name) HTML_UNIT_##id,
        HTML_UNITS(X)
#undef X
};

enum html_gauge {
#define X(id, ...) HTML_GAUGE_##id,
        HTML_GAUGES(X)
#undef X
                HTML_GAUGE_MAX_,
};

struct html_gauge_kind {
        const char *name, *key, *title, *about;
        enum html_source source;
        double factor;
        enum html_group group;
        enum html_unit unit;
        enum html_how how;
};

extern const struct html_gauge_kind html_gauge_kinds[HTML_GAUGE_MAX_];
/* Computed while reading, from units and samples. */
bool html_gauge_is_own(enum html_gauge gauge);
/* Drawn as one line of all hosts together. */
bool html_gauge_is_total(enum html_gauge gauge);

/* Titles of groups. */
extern const char *const html_group_titles[HTML_GROUP_MAX_];
const char *html_unit_name(enum html_unit unit);
/* The gauge of a key of a source, METRIC for COUNTER too; -EINVAL when there is none. */
int html_gauge_find(enum html_source source, const char *key) _warn_unused_;

/* A number in its unit, as a person reads it. */
const char *html_format(enum html_unit unit, double value, char *buf, size_t size);
#define HTML_FORMAT(unit, value) html_format((unit), (value), (char[32]){0}, 32)
