/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to the helper; see inventory-link.h. */

#include "agent/inventory-link.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent/helper-wire.h"
#include "build-config.h"

#define CHILD_FD 3

struct inventory_link {
        sd_event *event;
        char *helper;
        bool refused;
        inventory_link_message message;
        inventory_link_closed closed;
        void *userdata;

        int fd;
        sd_event_source *io;
        pid_t child; /* 0: the helper is systemd's */
        char buf[HELPER_MESSAGE_MAX + 1];
};

int inventory_link_new(sd_event *event, const char *helper, inventory_link_message message,
                       inventory_link_closed closed, void *userdata, struct inventory_link **ret)
{
        struct inventory_link *l = calloc(1, sizeof(*l));

        if (l && helper)
                l->helper = strdup(helper);
        if (!l || (helper && !l->helper)) {
                free(l);
                return -ENOMEM;
        }
        l->event = sd_event_ref(event);
        l->message = message;
        l->closed = closed;
        l->userdata = userdata;
        l->fd = -1;
        *ret = l;
        return 0;
}

struct inventory_link *inventory_link_free(struct inventory_link *l)
{
        if (!l)
                return NULL;
        inventory_link_close(l);
        sd_event_unref(l->event);
        free(l->helper);
        free(l);
        return NULL;
}

/* ---- the end of a helper of our own ---- */

static int on_child_exited(sd_event_source *source, int pidfd, uint32_t events, void *userdata)
{
        siginfo_t si = {0};

        (void)waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG);
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        sd_event_source_set_floating(source, false);
        return 0;
}

/* Reaps the child when it is dead, whenever that is: no one waits for it. */
static void reap_later(sd_event *event, pid_t pid)
{
        sd_event_source *source = NULL;
        int pidfd;

        if (waitpid(pid, NULL, WNOHANG) != 0)
                return;
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
                return;
        if (sd_event_add_io(event, &source, pidfd, EPOLLIN, on_child_exited, NULL) < 0) {
                close(pidfd);
                return;
        }
        /* The loop owns it from here on. */
        sd_event_source_set_io_fd_own(source, true);
        sd_event_source_set_floating(source, true);
        sd_event_source_unref(source);
}

void inventory_link_close(struct inventory_link *l)
{
        l->io = sd_event_source_disable_unref(l->io);
        if (l->fd >= 0)
                close(l->fd);
        l->fd = -1;
        if (l->child > 0) {
                kill(l->child, SIGKILL);
                reap_later(l->event, l->child);
        }
        l->child = 0;
}

void inventory_link_refused(struct inventory_link *l)
{
        l->refused = true;
}

/* ---- traffic ---- */

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        struct inventory_link *l = userdata;
        ssize_t n;

        n = recv(fd, l->buf, sizeof(l->buf), MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n <= 0 || n > HELPER_MESSAGE_MAX) {
                inventory_link_close(l);
                l->closed(l->userdata);
                return 0;
        }
        l->buf[n] = '\0';
        l->message(l->buf, (size_t)n, l->userdata);
        return 0;
}

int inventory_link_send(struct inventory_link *l, const char *text, size_t size)
{
        if (size > HELPER_MESSAGE_MAX)
                return -EMSGSIZE;
        if (send(l->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return -errno;
        return 0;
}

/* ---- opening ---- */

static int connect_socket(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_(closep)
        int fd = -1;
        int r;

        if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
            sizeof(address.sun_path))
                return -ENAMETOOLONG;
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        r = fd;
        fd = -1;
        return r;
}

static int spawn_program(const char *program, int child_end, pid_t *ret)
{
        char *argv[] = {(char *)program, (char *)"--fd", (char *)STR(CHILD_FD), NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        r = posix_spawn_file_actions_init(&actions);
        if (r != 0)
                return -r;
        r = posix_spawnattr_init(&attributes);
        if (r == 0) {
                (void)posix_spawnattr_setsigmask(&attributes, &none);
                (void)posix_spawnattr_setsigdefault(&attributes, &all);
                (void)posix_spawnattr_setflags(&attributes,
                                               POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
                r = posix_spawn_file_actions_adddup2(&actions, child_end, CHILD_FD);
        }
        /* Libraries open descriptors that would go along: with those of connections, what we
         * close would stay open for the other end. */
        if (r == 0)
                r = posix_spawn_file_actions_addclosefrom_np(&actions, CHILD_FD + 1);
        if (r == 0)
                r = posix_spawn(ret, program, &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return -r;
}

static int start_program(struct inventory_link *l, const char *program, struct error *err)
{
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return -errno;
        r = spawn_program(program, fds[1], &l->child);
        close(fds[1]);
        if (r < 0) {
                l->child = 0;
                close(fds[0]);
                return error_set_errno(err, r, "%s could not be started", program);
        }
        return fds[0];
}

static bool is_socket(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

int inventory_link_open(struct inventory_link *l, struct error *err)
{
        const char *program = HELPER_PATH, *socket_path = HELPER_SOCKET;
        int fd = -ENOENT, r;

        if (l->fd >= 0)
                return 0;
        if (l->helper && is_socket(l->helper)) {
                socket_path = l->helper;
        } else if (l->helper) {
                socket_path = NULL;
                program = l->helper;
        }
        if (socket_path && !l->refused)
                fd = connect_socket(socket_path);
        /* Its backlog is full: the helper is there, but slow. Not a case for another. */
        if (fd == -EAGAIN)
                return error_set_errno(err, fd, "%s", socket_path);
        if (fd < 0)
                fd = start_program(l, program, err);
        if (fd < 0)
                return fd;
        l->fd = fd;
        r = sd_event_add_io(l->event, &l->io, fd, EPOLLIN, on_io, l);
        if (r < 0)
                inventory_link_close(l);
        return r;
}
