/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory tree that looks like a host's /proc, /sys and LXD directory. */

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/util.h"

static inline void fake_path(char *buf, const char *root, const char *path)
{
        assert_true(snprintf(buf, PATH_MAX, "%s%s", root, path) < PATH_MAX);
}

/* mkdir -p */
static inline void fake_dir(const char *root, const char *path)
{
        char full[PATH_MAX];

        fake_path(full, root, path);
        for (char *p = full + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = '\0';
                mkdir(full, 0755);
                *p = '/';
        }
        mkdir(full, 0755);
}

static inline void fake_data(const char *root, const char *path, const void *data, size_t size)
{
        char full[PATH_MAX];
        int fd;

        fake_path(full, root, path);
        *strrchr(full, '/') = '\0';
        fake_dir(full, "");
        fake_path(full, root, path);
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size), (int)size);
        close(fd);
}

static inline void fake_file(const char *root, const char *path, const char *text)
{
        fake_data(root, path, text, strlen(text));
}

static inline void fake_link(const char *root, const char *path, const char *target)
{
        char full[PATH_MAX];

        fake_path(full, root, path);
        *strrchr(full, '/') = '\0';
        fake_dir(full, "");
        fake_path(full, root, path);
        assert_int_equal(symlink(target, full), 0);
}

/* args: separated and ended by NULs, size bytes */
static inline void fake_process(const char *root, int pid, int parent, char state, const char *comm,
                                const char *args, size_t size)
{
        char path[64], text[256];

        snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        snprintf(text, sizeof(text), "%s\n", comm);
        fake_file(root, path, text);
        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        snprintf(text, sizeof(text), "%d (%s) %c %d 1 1 0 -1 0", pid, comm, state, parent);
        fake_file(root, path, text);
        snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
        fake_data(root, path, args, size);
        snprintf(path, sizeof(path), "/proc/%d/exe", pid);
        snprintf(text, sizeof(text), "/usr/bin/%s", comm);
        fake_link(root, path, text);
}

#define FAKE_PROCESS(root, pid, parent, state, comm, args)                                         \
        fake_process(root, pid, parent, state, comm, args, sizeof(args))

static inline char *fake_root_new(void)
{
        char *root = strdup("/tmp/lxdsoak-tree-XXXXXX");

        assert_non_null(mkdtemp(root));
        return root;
}

static inline void fake_root_free(char *root)
{
        char command[PATH_MAX];

        snprintf(command, sizeof(command), "rm -rf '%s'", root);
        assert_int_equal(system(command), 0);
        free(root);
}
