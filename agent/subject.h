/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What `examine`, `evidence`, `thaw` and `restart-daemon` are asked about: one instance of a run
 * ("" = none, only the daemon) and the daemon behind it. The helper believes nothing of it: the
 * name must be one of the run's, and the daemon's process must hold the socket in its directory.
 */

#include <json-c/json.h>

#include "agent/helper-wire.h"
#include "agent/scan.h"

struct subject {
        const char *root; /* borrowed; "" but in tests */
        char lxd_dir[HELPER_LXD_DIR_MAX];
        char run[RUN_ID_SIZE], instance[NAME_SIZE], project[SCAN_PROJECT_MAX + 1];
        int64_t daemon_pid; /* as asked; 0 = not known */
        int64_t limit_bytes;
};

/* Reads and checks a request. -EINVAL, -EPERM with err set. */
int subject_read(json_object *request, const char *root, struct subject *ret,
                 struct error *err) _warn_unused_;
/* The same as a verb's check: *ret_request is a struct subject, for free(). */
struct verb_context;
int subject_check(json_object *request, const struct verb_context *context, void **ret_request,
                  struct error *err) _warn_unused_;

/* A scan for the processes and cgroups of the instance. doing: SCAN_DOING_SIZE bytes. */
int subject_scan(const struct subject *s, char *doing, struct scan **ret) _warn_unused_;

/* The daemon's process holds LXD_DIR/unix.socket (or /run/incus's): it is what it is said
 * to be. */
bool subject_daemon_fits(const struct subject *s);

/* One task as /proc shows it. */
struct task {
        pid_t pid, parent;
        char state; /* 0 = there is no such task */
        char comm[32], wchan[64];
        bool dying;       /* SIGKILL is pending, or its pid name space is being ended */
        char stack[4096]; /* of the kernel; "" = not to be had */
        int64_t threads;
};

/* True if there is such a task. with_stack: also the kernel's stack and what it waits in. */
bool task_read(const char *root, pid_t pid, bool with_stack, struct task *ret);

/* Calls seen() for every process below /proc, till it says false. */
void task_each(const char *root, bool (*seen)(pid_t pid, void *userdata), void *userdata);

/* A file below root, read whole, at most size - 1 bytes, NUL-terminated. Its length, or a
 * negative errno. */
ssize_t subject_read_file(const char *root, char *buf, size_t size, const char *format,
                          ...) _warn_unused_ _printf_(4, 5);

/* The cgroup is frozen: cgroup.events' "frozen 1", or the old freezer's FROZEN. */
bool cgroup_is_frozen(const char *root, const char *path);
