/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The few commands there are in a fake container. Nothing is ever run. */

#include "buf.h"

/* name, how it is used, what it does */
#define COMMANDS(X)                                                                                \
        X(cat, "cat FILE", "/etc/issue, /etc/hostname, or no such file")                           \
        X(uptime, "uptime", "a line as of a machine just up")                                      \
        X(true, "true", "0")                                                                       \
        X(false, "false", "1")                                                                     \
        X(sleep, "sleep N", "takes N seconds")                                                     \
        X(exit, "exit N", "returns N")                                                             \
        X(echo, "echo WORD...", "prints them")                                                     \
        X(hostname, "hostname", "the instance's name")                                             \
        X(sh, "sh -c TEXT", "one of these, split at spaces")

struct command_result {
        struct buf out, err;
        int code;
        int64_t takes_ns;
};

struct command_info {
        const char *name, *usage, *what;
};
extern const struct command_info command_infos[];
extern const size_t n_command_infos;

/*
 * What @argv (a JSON array of strings) does in the instance @name whose /etc/issue says
 * @issue. -ENOENT: there is no such command. -EINVAL: it is no array of strings.
 * The buffers of @r, which must be empty, belong to the caller in any case.
 */
_warn_unused_ int command_run(json_object *argv, const char *name, const char *issue,
                              struct command_result *r);
