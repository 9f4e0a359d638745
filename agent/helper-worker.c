/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Children for requests; see helper-worker.h. */

#include "agent/helper-worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "agent/helper-verbs.h"
#include "agent/helper-wire.h"

struct worker {
        struct workers *owner;
        struct worker *next;
        const struct verb *verb;
        int64_t id;                     /* of the request */
        struct verb_progress *progress; /* shared with the child */

        pid_t pid;
        int pipe_fd;
        sd_event_source *exited, *readable, *timer;

        char *answer;
        size_t size, allocated;

        worker_handler handler; /* NULL: abandoned, or answered */
        void *userdata;
};

struct workers {
        sd_event *event;
        const char *root;
        struct worker *first;
        size_t n;
};

int workers_new(sd_event *event, const char *root, struct workers **ret)
{
        struct workers *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->event = sd_event_ref(event);
        w->root = root;
        *ret = w;
        return 0;
}

size_t workers_count(const struct workers *w)
{
        return w->n;
}

/* Stops listening to the child; it stays in the list until it has exited. */
static void worker_close(struct worker *w)
{
        w->readable = sd_event_source_disable_unref(w->readable);
        w->timer = sd_event_source_disable_unref(w->timer);
        if (w->pipe_fd >= 0)
                close(w->pipe_fd);
        w->pipe_fd = -1;
        free(TAKE(w->answer));
        w->size = w->allocated = 0;
        w->handler = NULL;
}

static void worker_free(struct worker *w)
{
        struct worker **p = &w->owner->first;

        while (*p != w)
                p = &(*p)->next;
        *p = w->next;
        w->owner->n--;
        worker_close(w);
        sd_event_source_disable_unref(w->exited);
        munmap(w->progress, sizeof(*w->progress));
        free(w);
}

static void worker_kill(const struct worker *w)
{
        if (w->pid > 0)
                kill(w->pid, SIGKILL);
}

struct workers *workers_free(struct workers *w)
{
        if (!w)
                return NULL;
        while (w->first) {
                worker_kill(w->first);
                worker_free(w->first);
        }
        sd_event_unref(w->event);
        free(w);
        return NULL;
}

static void worker_answer(struct worker *w, const struct error *err)
{
        worker_handler handler = TAKE(w->handler);
        _cleanup_(freep)
        char *answer = TAKE(w->answer);
        size_t size = err ? 0 : w->size;

        w->size = w->allocated = 0;
        if (handler)
                handler(answer, size, err, w->userdata);
}

static void worker_fail(struct worker *w, int code, const char *what)
{
        struct error err = ERROR_INIT;
        char doing[sizeof(w->progress->doing)];

        /* The child may be writing to it. */
        memcpy(doing, w->progress->doing, sizeof(doing));
        doing[sizeof(doing) - 1] = '\0';
        error_set(&err, code, "%s while %s", what, doing);
        worker_answer(w, &err);
}

/* What came before the time was up, whole messages only, and then what it was doing. */
static bool worker_answer_partly(struct worker *w, const char *what)
{
        char *last = w->size > 0 ? memrchr(w->answer, '\n', w->size) : NULL;
        json_object *message;
        const char *text;
        char why[256], *grown;

        if (!w->verb->partial || !last)
                return false;
        w->size = (size_t)(last - w->answer) + 1;
        snprintf(why, sizeof(why), "%s while %.120s", what, w->progress->doing);
        message = json_object_new_object();
        json_object_object_add(message, "id", json_object_new_int64(w->id));
        json_object_object_add(message, "errno", json_object_new_int(ETIMEDOUT));
        json_object_object_add(message, "error", json_object_new_string(why));
        text = json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN);
        grown = realloc(w->answer, w->size + strlen(text) + 1);
        if (grown) {
                w->answer = grown;
                memcpy(w->answer + w->size, text, strlen(text));
                w->size += strlen(text);
                w->answer[w->size++] = '\n';
                w->allocated = w->size;
        }
        json_object_put(message);
        worker_answer(w, NULL);
        return true;
}

/* The child, if it still exists, is freed when it has exited. */
static void worker_end(struct worker *w)
{
        worker_kill(w);
        worker_close(w);
        if (w->pid == 0)
                worker_free(w);
}

void worker_abandon(struct worker *w)
{
        worker_end(w);
}

/* ---- what the loop calls ---- */

static int on_exited(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        struct worker *w = userdata;

        /* Its last words are in the pipe still; on_readable() ends it then. */
        if (w->handler) {
                w->exited = sd_event_source_disable_unref(w->exited);
                w->pid = 0;
                return 0;
        }
        worker_free(w);
        return 0;
}

static int on_time_limit(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct worker *w = userdata;
        char what[64];

        worker_kill(w);
        snprintf(what, sizeof(what), "no end after %d s",
                 (int)(w->verb->time_limit_ns / NSEC_PER_SEC));
        if (!worker_answer_partly(w, what))
                worker_fail(w, -ETIMEDOUT, what);
        worker_end(w);
        return 0;
}

/* Does the answer end with a line that says there is no more? (Quotes in what is
 * quoted are escaped, so this cannot be in a text.) */
static bool answer_is_whole(const struct worker *w)
{
        const char *last;

        if (w->size == 0 || w->answer[w->size - 1] != '\n')
                return false;
        last = memrchr(w->answer, '\n', w->size - 1);
        last = last ? last + 1 : w->answer;
        return !memmem(last, (size_t)(w->answer + w->size - last), "\"more\":true", 11);
}

static int worker_finish(struct worker *w)
{
        if (answer_is_whole(w))
                worker_answer(w, NULL);
        else
                worker_fail(w, -EIO, "the child ended without an answer");
        worker_close(w);
        if (!w->pid)
                worker_free(w);
        return 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct worker *w = userdata;
        ssize_t n;

        if (w->allocated - w->size < HELPER_MESSAGE_MAX) {
                size_t wanted = MAX(w->allocated * 2, 2U * HELPER_MESSAGE_MAX);
                char *answer =
                        wanted <= 2 * w->verb->answer_max ? realloc(w->answer, wanted) : NULL;

                if (!answer) {
                        worker_fail(w, -EMSGSIZE, "the answer grew too long");
                        worker_end(w);
                        return 0;
                }
                w->answer = answer;
                w->allocated = wanted;
        }
        n = read(fd, w->answer + w->size, w->allocated - w->size);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0)
                return worker_finish(w);
        w->size += (size_t)n;
        return 0;
}

/* ---- the child ---- */

static void child_write_error(const struct verb_context *context, const struct error *err, int r)
{
        json_object *message = json_object_new_object();

        json_object_object_add(message, "id", json_object_new_int64(context->id));
        json_object_object_add(message, "errno", json_object_new_int(-r));
        json_object_object_add(message, "error",
                               json_object_new_string(err->code ? err->text : strerror(-r)));
        if (verb_write(context, message) < 0)
                _exit(2);
}

_Noreturn static void child_run(const struct verb *verb, void *request,
                                struct verb_context *context, pid_t parent)
{
        struct error err = ERROR_INIT;
        sigset_t none;
        int r;

        /* It neither outlives the helper nor keeps any of its sockets open. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(2);
        if (dup2(context->out, STDIN_FILENO) < 0)
                _exit(2);
        context->out = STDIN_FILENO;
        if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
                _exit(2);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);

        r = verb->run(request, context, &err);
        if (r < 0)
                child_write_error(context, &err, r);
        _exit(r < 0 ? 1 : 0);
}

/* ---- starting ---- */

static int check_request(struct workers *w, json_object *request, const struct verb **ret_verb,
                         struct verb_context *context, void **ret_data, struct error *err)
{
        json_object *name, *id;

        if (!json_object_object_get_ex(request, "verb", &name) ||
            !json_object_is_type(name, json_type_string))
                return error_set(err, -EINVAL, "no verb");
        if (json_object_object_get_ex(request, "id", &id))
                context->id = json_object_get_int64(id);
        *ret_verb = verb_find(json_object_get_string(name));
        if (!*ret_verb)
                return error_set(err, -EOPNOTSUPP, "no such verb: %.40s",
                                 json_object_get_string(name));
        context->root = w->root;
        return (*ret_verb)->check(request, context, ret_data, err);
}

static int watch(struct workers *owner, struct worker *w)
{
        int r;

        r = sd_event_add_child(owner->event, &w->exited, w->pid, WEXITED, on_exited, w);
        if (r >= 0)
                r = sd_event_add_io(owner->event, &w->readable, w->pipe_fd, EPOLLIN, on_readable,
                                    w);
        if (r >= 0)
                r = sd_event_add_time_relative(owner->event, &w->timer, CLOCK_MONOTONIC,
                                               (uint64_t)(w->verb->time_limit_ns / NSEC_PER_USEC),
                                               0, on_time_limit, w);
        /* Its end is looked at after its words. */
        if (r >= 0)
                r = sd_event_source_set_priority(w->exited, SD_EVENT_PRIORITY_NORMAL + 1);
        return r;
}

static int spawn(struct worker *w, void *data, struct verb_context *context)
{
        pid_t parent = getpid();
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        /* The child's end waits, so that a long answer needs no loop there. */
        r = fcntl(fds[0], F_SETFL, O_NONBLOCK);
        if (r >= 0)
                w->pid = fork();
        if (r < 0 || w->pid < 0) {
                r = -errno;
                close(fds[0]);
                close(fds[1]);
                w->pid = 0;
                return r;
        }
        if (w->pid == 0) {
                context->out = fds[1];
                context->progress = w->progress;
                child_run(w->verb, data, context, parent);
        }
        close(fds[1]);
        w->pipe_fd = fds[0];
        return 0;
}

int worker_start(struct workers *owner, json_object *request, worker_handler handler,
                 void *userdata, struct worker **ret, struct error *err)
{
        struct verb_context context = {0};
        const struct verb *verb = NULL;
        struct worker *w;
        void *data = NULL;
        int r;

        r = check_request(owner, request, &verb, &context, &data, err);
        if (r < 0)
                return r;
        w = calloc(1, sizeof(*w));
        if (w)
                w->progress = mmap(NULL, sizeof(*w->progress), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (!w || w->progress == MAP_FAILED) {
                free(w);
                verb->release(data);
                return -ENOMEM;
        }
        w->owner = owner;
        w->verb = verb;
        w->id = context.id;
        w->pipe_fd = -1;
        w->next = owner->first;
        owner->first = w;
        owner->n++;
        strcpy(w->progress->doing, "starting");

        if (owner->n > WORKERS_MAX)
                r = error_set(err, -EBUSY, "%zu earlier requests are stuck in the kernel",
                              owner->n - 1);
        else
                r = spawn(w, data, &context);
        verb->release(data);
        if (r >= 0)
                r = watch(owner, w);
        if (r < 0) {
                worker_kill(w);
                worker_free(w);
                return r;
        }
        w->handler = handler;
        w->userdata = userdata;
        *ret = w;
        return 0;
}
