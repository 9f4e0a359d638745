/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See evidence-files.h. */

#include "coordinator/evidence-files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/names.h"

#define PART       ".part"
#define DIRECTORY  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS (O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)

static int make_directory(int at, const char *name)
{
        int fd;

        if (mkdirat(at, name, 0750) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(at, name, DIRECTORY);
        return fd < 0 ? -errno : fd;
}

int evidence_files_open(const char *run_dir, const char *label, size_t index,
                        struct evidence_files *ret)
{
        struct evidence_files f = {.directory = -1, .file = -1};
        char name[EVIDENCE_HOST_SIZE];
        int run, all;

        if (mkdir(run_dir, 0777) < 0 && errno != EEXIST)
                return -errno;
        run = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (run < 0)
                return -errno;
        all = make_directory(run, "evidence");
        close(run);
        if (all < 0)
                return all;
        evidence_host_name(label, index, name, sizeof(name));
        f.host = make_directory(all, name);
        close(all);
        if (f.host < 0)
                return f.host;
        *ret = f;
        return 0;
}

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

void evidence_files_close(struct evidence_files *f)
{
        close_fd(&f->file);
        close_fd(&f->directory);
        close_fd(&f->host);
}

int evidence_files_begin(struct evidence_files *f, const char *directory)
{
        char part[sizeof(f->name) + sizeof(PART)];
        struct stat st;
        int fd;

        if (check_evidence_directory(directory))
                return -EBADMSG;
        if (fstatat(f->host, directory, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;
        snprintf(f->name, sizeof(f->name), "%s", directory);
        snprintf(part, sizeof(part), "%s" PART, directory);
        fd = make_directory(f->host, part);
        if (fd < 0)
                return fd;
        close_fd(&f->directory);
        f->directory = fd;
        return 1;
}

int evidence_files_end(struct evidence_files *f)
{
        char part[sizeof(f->name) + sizeof(PART)];

        close_fd(&f->file);
        close_fd(&f->directory);
        snprintf(part, sizeof(part), "%s" PART, f->name);
        return renameat(f->host, part, f->host, f->name) < 0 ? -errno : 0;
}

int evidence_files_next(struct evidence_files *f, const char *name)
{
        const char *slash = strchr(name, '/');
        int at = f->directory, r;

        close_fd(&f->file);
        if (check_evidence_file(name) || (slash && strchr(slash + 1, '/')))
                return -EBADMSG;
        if (slash) {
                char sub[EVIDENCE_NAME_MAX];

                snprintf(sub, sizeof(sub), "%.*s", (int)(slash - name), name);
                at = make_directory(f->directory, sub);
                if (at < 0)
                        return at;
        }
        f->file = openat(at, slash ? slash + 1 : name, FILE_FLAGS, 0640);
        r = f->file < 0 ? -errno : 0;
        if (slash)
                close(at);
        return r;
}

int evidence_files_write(struct evidence_files *f, const char *text, size_t size)
{
        while (size > 0) {
                ssize_t n = write(f->file, text, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                text += n > 0 ? n : 0;
                size -= n > 0 ? (size_t)n : 0;
        }
        return 0;
}
