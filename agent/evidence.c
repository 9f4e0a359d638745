/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See evidence.h. All file I/O is the thread's; the loop only hands jobs over. */

#include "agent/evidence.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/evidence-read.h"
#include "base/handover.h"
#include "base/log.h"
#include "proto/names.h"

#define PART     EVIDENCE_PART
#define ASKS_MAX 64 /* under way */

struct job {
        struct handover_node node; /* first */
        char directory[EVIDENCE_NAME_MAX];
        json_object *files; /* the thread's alone from here on */
        int64_t limit_bytes;

        /* a question, and its answer */
        evidence_handler handler; /* NULL = it is to write */
        void *userdata;
        struct msg_evidence ask;
        int r;
        int64_t size;
        json_object *items;
};

struct evidence {
        char path[PATH_MAX];
        struct handover jobs, answers;
        sd_event_source *source;
        int answers_fd; /* eventfd */
        size_t n_asks;
        sem_t wake;
        pthread_t thread;
        _Atomic bool stop;
};

/* ---- removing ---- */

static void remove_tree(int parent, const char *name, int depth)
{
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;

        while (dir && depth < 4 && (e = readdir(dir))) {
                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                if (unlinkat(fd, e->d_name, 0) < 0)
                        remove_tree(fd, e->d_name, depth + 1);
        }
        if (dir)
                closedir(dir);
        else if (fd >= 0)
                close(fd);
        (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* The oldest go, by the time they were made. */
static void make_room(int fd)
{
        for (;;) {
                char oldest[NAME_MAX + 1] = "";
                struct timespec when = {0};
                size_t n = 0;
                int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
                struct dirent *e;

                while (dir && (e = readdir(dir))) {
                        struct stat st;

                        if (e->d_name[0] == '.' ||
                            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                                continue;
                        if (n++ == 0 || st.st_mtim.tv_sec < when.tv_sec ||
                            (st.st_mtim.tv_sec == when.tv_sec &&
                             st.st_mtim.tv_nsec < when.tv_nsec)) {
                                when = st.st_mtim;
                                snprintf(oldest, sizeof(oldest), "%s", e->d_name);
                        }
                }
                if (dir)
                        closedir(dir);
                else if (copy >= 0)
                        close(copy);
                if (n < EVIDENCE_DIRECTORY_MAX)
                        return;
                remove_tree(fd, oldest, 0);
        }
}

/* ---- writing ---- */

static int append(int dir, const char *name, const char *text, size_t size)
{
        char part[128];
        const char *slash = strchr(name, '/');
        int fd, r = 0;

        if (slash) {
                snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
                if (mkdirat(dir, part, 0750) < 0 && errno != EEXIST)
                        return -errno;
        }
        fd = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
        if (fd < 0)
                return -errno;
        for (size_t done = 0; r == 0 && done < size;) {
                ssize_t n = write(fd, text + done, size - done);

                if (n < 0 && errno != EINTR)
                        r = -errno;
                done += n > 0 ? (size_t)n : 0;
        }
        close(fd);
        return r;
}

static int write_files(int dir, struct job *job)
{
        int64_t left = job->limit_bytes, omitted = 0;
        char note[96];
        int r = 0;

        for (size_t i = 0; r == 0 && i < json_object_array_length(job->files); i++) {
                json_object *file = json_object_array_get_idx(job->files, i), *name, *text;
                size_t size, taken;

                if (!json_object_object_get_ex(file, "name", &name) ||
                    !json_object_object_get_ex(file, "text", &text) ||
                    !json_object_is_type(name, json_type_string) ||
                    !json_object_is_type(text, json_type_string) ||
                    check_evidence_file(json_object_get_string(name)))
                        continue;
                size = (size_t)json_object_get_string_len(text);
                taken = left < (int64_t)size ? (size_t)left : size;
                omitted += (int64_t)(size - taken);
                left -= (int64_t)taken;
                r = append(dir, json_object_get_string(name), json_object_get_string(text), taken);
        }
        if (r < 0 || omitted == 0)
                return r;
        snprintf(note, sizeof(note), "%lld bytes are left out: --evidence-limit was reached\n",
                 (long long)omitted);
        return append(dir, "omitted.txt", note, strlen(note));
}

static int write_job(struct evidence *e, struct job *job)
{
        char part[EVIDENCE_NAME_MAX + sizeof(PART)];
        int top, dir, r;

        if (mkdir(e->path, 0750) < 0 && errno != EEXIST)
                return -errno;
        top = open(e->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (top < 0)
                return -errno;
        make_room(top);
        snprintf(part, sizeof(part), "%s" PART, job->directory);
        remove_tree(top, part, 0);
        r = mkdirat(top, part, 0750) < 0 ? -errno : 0;
        dir = r == 0 ? openat(top, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (r == 0 && dir < 0)
                r = -errno;
        if (r == 0)
                r = write_files(dir, job);
        if (dir >= 0)
                close(dir);
        if (r == 0 && renameat(top, part, top, job->directory) < 0)
                r = -errno;
        if (r < 0)
                remove_tree(top, part, 0);
        close(top);
        return r;
}

static struct job *job_free(struct job *job)
{
        json_object_put(job->files);
        json_object_put(job->items);
        free(job->userdata);
        free(job);
        return NULL;
}

static void answer(struct evidence *e, struct job *job)
{
        job->r = evidence_read(e->path, &job->ask, &job->size, &job->items);
        handover_push(&e->answers, &job->node);
        eventfd_write(e->answers_fd, 1);
}

static void write_or_say(struct evidence *e, struct job *job)
{
        int r = write_job(e, job);

        if (r < 0)
                log_error("The evidence in %s/%s could not be written: %s", e->path, job->directory,
                          strerror(-r));
        job_free(job);
}

static void *writer(void *userdata)
{
        struct evidence *e = userdata;

        for (;;) {
                struct handover_node *node, *next;
                bool stop = e->stop;

                for (node = handover_take(&e->jobs); node; node = next) {
                        struct job *job = (struct job *)node;

                        next = node->next;
                        if (job->handler)
                                answer(e, job);
                        else
                                write_or_say(e, job);
                }
                if (stop)
                        return NULL;
                while (sem_wait(&e->wake) < 0)
                        ;
        }
}

/* ---- the interface ---- */

int evidence_write(struct evidence *e, const char *directory, json_object *files,
                   int64_t limit_bytes)
{
        bool plain = !check_evidence_directory(directory);
        struct job *job = plain ? calloc(1, sizeof(*job)) : NULL;

        if (!job) {
                json_object_put(files);
                return plain ? -ENOMEM : -EINVAL;
        }
        snprintf(job->directory, sizeof(job->directory), "%s", directory);
        job->files = files;
        job->limit_bytes = limit_bytes;
        handover_push(&e->jobs, &job->node);
        sem_post(&e->wake);
        return 0;
}

int evidence_ask(struct evidence *e, const struct msg_evidence *ask, evidence_handler handler,
                 void *userdata)
{
        struct job *job;

        if (e->n_asks >= ASKS_MAX)
                return -EBUSY;
        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        job->ask = *ask;
        job->handler = handler;
        job->userdata = userdata;
        e->n_asks++;
        handover_push(&e->jobs, &job->node);
        sem_post(&e->wake);
        return 0;
}

static int on_answers(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct evidence *e = userdata;
        struct handover_node *node, *next;
        eventfd_t unused;

        eventfd_read(fd, &unused);
        for (node = handover_take(&e->answers); node; node = next) {
                struct job *job = (struct job *)node;

                next = node->next;
                e->n_asks--;
                job->handler(job->r, job->size, job->items, job->userdata);
                job_free(job);
        }
        return 0;
}

static void release(struct evidence *e)
{
        struct handover_node *node, *next;

        for (node = handover_take(&e->answers); node; node = next) {
                next = node->next;
                job_free((struct job *)node);
        }
        sd_event_source_disable_unref(e->source);
        if (e->answers_fd >= 0)
                close(e->answers_fd);
        sem_destroy(&e->wake);
        free(e);
}

int evidence_new(sd_event *event, const char *state_dir, struct evidence **ret)
{
        struct evidence *e = calloc(1, sizeof(*e));
        int r = 0;

        if (!e)
                return -ENOMEM;
        sem_init(&e->wake, 0, 0);
        if (snprintf(e->path, sizeof(e->path), "%s/evidence", state_dir) >= (int)sizeof(e->path))
                r = -ENAMETOOLONG;
        e->answers_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (r == 0 && e->answers_fd < 0)
                r = -errno;
        if (r == 0)
                r = sd_event_add_io(event, &e->source, e->answers_fd, EPOLLIN, on_answers, e);
        if (r >= 0)
                r = -pthread_create(&e->thread, NULL, writer, e);
        if (r < 0) {
                release(e);
                return r;
        }
        *ret = e;
        return 0;
}

struct evidence *evidence_free(struct evidence *e)
{
        if (!e)
                return NULL;
        e->stop = true;
        sem_post(&e->wake);
        pthread_join(e->thread, NULL);
        release(e);
        return NULL;
}
