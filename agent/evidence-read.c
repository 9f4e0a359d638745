/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See evidence-read.h. */

#include "agent/evidence-read.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "proto/names.h"

#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)

static int compare(const void *a, const void *b)
{
        return strcmp(json_object_get_string(*(json_object *const *)a),
                      json_object_get_string(*(json_object *const *)b));
}

static DIR *open_directory(int at, const char *path)
{
        int fd = openat(at, path, OPEN_FLAGS | O_DIRECTORY);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

        if (!dir && fd >= 0)
                close(fd);
        return dir;
}

static bool is_of_run(const char *name, const char *run)
{
        size_t n = strlen(run), length = strlen(name), part = strlen(EVIDENCE_PART);

        return startswith(name, run) && name[n] == '-' && !check_evidence_directory(name) &&
               !(length > part && streq(name + length - part, EVIDENCE_PART));
}

static void list_directories(DIR *dir, const char *run, json_object *items)
{
        struct dirent *e;

        while ((e = readdir(dir)))
                if (is_of_run(e->d_name, run) &&
                    json_object_array_length(items) < EVIDENCE_FILES_MAX)
                        json_object_array_add(items, json_object_new_string(e->d_name));
}

/* The files of dir and, one level down, of the directories in it. */
static void list_files(DIR *dir, const char *under, json_object *items)
{
        struct dirent *e;

        while ((e = readdir(dir))) {
                char name[2 * EVIDENCE_NAME_MAX];
                struct stat st;
                DIR *sub;

                snprintf(name, sizeof(name), "%s%s%.120s", under, *under ? "/" : "", e->d_name);
                if (check_evidence_file(name) ||
                    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (S_ISREG(st.st_mode) && json_object_array_length(items) < EVIDENCE_FILES_MAX)
                        json_object_array_add(items, json_object_new_string(name));
                if (!S_ISDIR(st.st_mode) || *under)
                        continue;
                sub = open_directory(dirfd(dir), e->d_name);
                if (sub) {
                        list_files(sub, name, items);
                        closedir(sub);
                }
        }
}

static int read_part(int dir, const char *file, int64_t offset, int64_t *ret_size,
                     json_object *items)
{
        int fd = openat(dir, file, OPEN_FLAGS), r = 0;
        char *buf = malloc(EVIDENCE_CHUNK_MAX + 1);
        struct stat st;
        ssize_t n = 0;
        size_t keep;

        if (fd < 0 || fstat(fd, &st) < 0)
                r = -errno;
        else if (!S_ISREG(st.st_mode))
                r = -ENOENT;
        else if (!buf)
                r = -ENOMEM;
        if (r == 0) {
                n = pread(fd, buf, EVIDENCE_CHUNK_MAX, offset);
                r = n < 0 ? -errno : 0;
        }
        if (r == 0) {
                /* what may be a part of a character is for the next time */
                keep = (size_t)n;
                if (keep > 4 && offset + n < st.st_size)
                        keep -= 3;
                keep = utf8_copy(buf, keep + 1, buf, (size_t)n);
                json_object_array_add(items, json_object_new_string_len(buf, (int)keep));
                *ret_size = st.st_size;
        }
        if (fd >= 0)
                close(fd);
        free(buf);
        return r;
}

int evidence_read(const char *path, const struct msg_evidence *ask, int64_t *ret_size,
                  json_object **ret_items)
{
        DIR *top = open_directory(AT_FDCWD, path), *dir = NULL;
        json_object *items = json_object_new_array();
        int r = 0;

        *ret_size = 0;
        if (!top)
                r = errno == ENOENT && !ask->directory[0] ? 0 : -errno; /* nothing was kept yet */
        else if (!ask->directory[0])
                list_directories(top, ask->run, items);
        else if (!is_of_run(ask->directory, ask->run))
                r = -ENOENT;
        else if (!(dir = open_directory(dirfd(top), ask->directory)))
                r = -errno;
        else if (!ask->file[0])
                list_files(dir, "", items);
        else
                r = read_part(dirfd(dir), ask->file, ask->offset, ret_size, items);
        if (dir)
                closedir(dir);
        if (top)
                closedir(top);
        if (r < 0) {
                json_object_put(items);
                return r;
        }
        if (!ask->file[0])
                json_object_array_sort(items, compare);
        *ret_items = items;
        return 0;
}
