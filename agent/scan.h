/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a host still has of given instances, looked for in the host itself and not
 * in the API: processes, cgroups, mounts, links, directories. One scan answers for
 * any number of instances. It only looks: it changes nothing, asks no file system
 * for its state (no statfs, no stat of what may be a dead mount) and reads of
 * unknown processes nothing but which program they run, because the command line of a
 * process whose memory map is locked cannot be read without waiting. What is left that may
 * wait is said in `doing` before it is done; the caller runs the scan in a process
 * it can abandon.
 *
 * Names are matched whole: soak-x-1 is not soak-x-10. LXD writes PROJECT_NAME for
 * an instance of a project other than "default" (lxd/project: Instance()).
 */

#include <sys/types.h>

#include "base/error.h"
#include "proto/soak.h"

#define SCAN_TARGETS_MAX      256
#define SCAN_PROJECT_MAX      63
#define SCAN_VETHS_MAX        16
#define SCAN_VETH_SIZE        20 /* of a link's name, or its address as text */
#define SCAN_ITEMS_PER_TARGET 64 /* a container may have any number of processes */
#define SCAN_FULL_NAME_SIZE   (SCAN_PROJECT_MAX + 1 + NAME_SIZE)
#define SCAN_DAEMONS_MAX      8
#define SCAN_NAMES_MAX        2048
#define SCAN_DOING_SIZE       128

struct scan_target {
        char instance[NAME_SIZE];                   /* as asked */
        char full[SCAN_FULL_NAME_SIZE];             /* as the daemon calls it outside the API */
        char veths[SCAN_VETHS_MAX][SCAN_VETH_SIZE]; /* "" ends the list */
        unsigned n_items;
};

struct scan_item {
        enum leftover_kind kind;
        unsigned target; /* index in the order of scan_add_target() */
        pid_t pid;       /* PROCESS only */
        char name[256];
        char detail[256];
};

/* A process that may be the daemon: where else to look. */
struct scan_daemon {
        pid_t pid;
        char name[16]; /* "lxd" or "incusd" */
};

struct scan {
        const char *root;    /* put before every absolute path; "" but in tests */
        const char *lxd_dir; /* without a slash at the end; "" = not known */
        char *doing;         /* SCAN_DOING_SIZE bytes: what is being read just now */

        struct scan_target *targets;
        size_t n_targets;
        unsigned *by_name; /* indices of targets, sorted by full name */

        /* Asked of every name that is not a target's, where there may be an instance's; NULL =
         * nobody wants to know. What it makes of it is kept once, SCAN_NAMES_MAX at most. */
        bool (*wants_name)(const char *name, char *ret, size_t size);
        char (*names)[SCAN_FULL_NAME_SIZE];
        size_t n_names;

        /* Told of every process, cgroup and directory that is some instance's, a target's or not;
         * NULL = nobody wants to know. what: "[lxc monitor]", "forkexec", a name. */
        void (*saw)(enum leftover_kind kind, const char *what, void *userdata);
        void *saw_userdata;

        struct scan_daemon daemons[SCAN_DAEMONS_MAX];
        size_t n_daemons;

        struct scan_item *items;
        size_t n_items, n_allocated;
        uint64_t omitted; /* items beyond SCAN_ITEMS_PER_TARGET */
        unsigned blind;   /* bits 1 << leftover_kind: could not be looked at for lack of rights */

        char doing_[SCAN_DOING_SIZE];
};

/* root and lxd_dir are borrowed. */
int scan_new(const char *root, const char *lxd_dir, struct scan **ret) _warn_unused_;
struct scan *scan_free(struct scan *s);
DEFINE_CLEANUP(struct scan *, scan_free)

/*
 * project: NULL, empty or "default" = none in names. veths: comma-separated names of
 * links on the host and hardware addresses of their other ends, may be NULL. -EINVAL: no name of an
 * instance, project or link; -E2BIG: too many.
 */
int scan_add_target(struct scan *s, const char *project, const char *instance, const char *veths,
                    struct error *err) _warn_unused_;

/* Looks everywhere. Only -ENOMEM and the like are errors; what could not be looked
 * at is in `blind`. */
int scan_run(struct scan *s) _warn_unused_;

/* The parts, in the order scan_run() calls them: each may use what those before
 * it found (the daemons). */
int scan_processes(struct scan *s) _warn_unused_;
int scan_cgroups(struct scan *s) _warn_unused_;
int scan_mounts(struct scan *s) _warn_unused_;
int scan_links(struct scan *s) _warn_unused_;
int scan_volumes(struct scan *s) _warn_unused_;

/* ---- for the parts ---- */

/* Makes by_name; to be called once all targets are there. */
int scan_index(struct scan *s) _warn_unused_;

/* The target with exactly this full name, or -ENOENT. */
int scan_find(const struct scan *s, const char *name, size_t length) _warn_unused_;
/* The first target whose full name is one component of this path, or -ENOENT. */
int scan_find_in_path(const struct scan *s, const char *path) _warn_unused_;

/* Is it one of the links noted for this target? */
struct link;
bool scan_link_fits(const struct scan *s, size_t target, const struct link *link);

/* Tells whoever wants to know that this is there. */
void scan_saw(const struct scan *s, enum leftover_kind kind, const char *what);

/* Something bears this name. */
int scan_note_name(struct scan *s, const char *name) _warn_unused_;

void scan_doing(struct scan *s, const char *format, ...) _printf_(2, 3);

/* Adds an item; silently not beyond the limit. pid 0 but for processes. */
int scan_add(struct scan *s, enum leftover_kind kind, int target, pid_t pid, const char *name,
             const char *format, ...) _warn_unused_ _printf_(6, 7);
bool scan_has(const struct scan *s, enum leftover_kind kind, int target, pid_t pid,
              const char *name);

/* Adds process pid, called `what` (NULL: its own name), with its state and parent. */
int scan_add_process(struct scan *s, int proc_fd, int target, pid_t pid, const char *what,
                     const char *where) _warn_unused_;

/* root, then the formatted absolute path. -ENAMETOOLONG. */
int scan_path(const struct scan *s, char *buf, size_t size, const char *format, ...) _warn_unused_
        _printf_(4, 5);

/* Reads a small file whole (cut at size - 1, NUL-terminated); its length or a
 * negative errno. dir_fd may be AT_FDCWD. */
ssize_t scan_read(int dir_fd, const char *path, char *buf, size_t size) _warn_unused_;

/* Is it one of the names the daemon has for an instance with a number behind it,
 * as LXC makes for a cgroup whose name is still taken (NAME-1)? */
int scan_find_numbered(const struct scan *s, const char *name) _warn_unused_;

/* The root directory by which a daemon's files are reached: "" for our own mount
 * name space, "/proc/PID/root" for another. 1 = another, 0 = ours, negative = no right. */
int scan_daemon_root(const struct scan *s, size_t daemon, char *buf, size_t size) _warn_unused_;
