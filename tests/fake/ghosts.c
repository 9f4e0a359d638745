/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the fake leaves on the host on purpose: processes that look like a container's
 * monitor, and leaked descriptors of its own. All of it ends with the fake.
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "ghosts.h"

#define LEAKED_FDS_MAX 4096

extern char **environ;

void ghost_main(void)
{
        const char *ready = getenv(GHOST_VARIABLE);

        if (!ready)
                return;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == 1)
                _exit(0);
        close(atoi(ready));
        for (;;)
                pause();
}

/* In the child: becomes one, and closes ready once it looks like one. */
static void haunt(const char *title, int ready)
{
        char variable[sizeof(GHOST_VARIABLE) + 16];
        char *argv[] = {(char *)title, NULL}, *env[] = {variable, NULL};
        sigset_t none;

        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)fcntl(ready, F_SETFD, 0);
        snprintf(variable, sizeof(variable), GHOST_VARIABLE "=%d", ready);
        execve("/proc/self/exe", argv, env);
        _exit(127);
}

/* Whoever is told of a delete looks for what is left at once, so the ghost is there before: on a
 * busy machine a child may be long in coming. */
static pid_t begin_ghost(const char *title)
{
        int ready[2];
        char none;
        pid_t pid;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -1;
        pid = fork();
        if (pid == 0)
                haunt(title, ready[1]);
        close(ready[1]);
        if (pid > 0)
                while (read(ready[0], &none, 1) < 0 && errno == EINTR)
                        ;
        close(ready[0]);
        return pid;
}

void fake_add_ghost(struct fake *f, const char *name)
{
        char title[128];
        pid_t pid;

        if (f->n_ghosts == GHOSTS_MAX)
                return;
        snprintf(title, sizeof(title), "[lxc monitor] /var/lib/%s/containers %s",
                 f->dialect->server, name);
        pid = begin_ghost(title);
        if (pid < 0)
                return;
        f->ghosts[f->n_ghosts].pid = pid;
        snprintf(f->ghosts[f->n_ghosts].name, NAME_SIZE, "%s", name);
        f->n_ghosts++;
}

void fake_reap_ghosts(struct fake *f)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n_ghosts; i++)
                if (waitpid(f->ghosts[i].pid, NULL, WNOHANG) == 0)
                        f->ghosts[n++] = f->ghosts[i];
        f->n_ghosts = n;
}

void fake_drop_ghosts(struct fake *f)
{
        for (size_t i = 0; i < f->n_ghosts; i++) {
                (void)kill(f->ghosts[i].pid, SIGKILL);
                (void)waitpid(f->ghosts[i].pid, NULL, 0);
        }
        f->n_ghosts = 0;
}

void fake_leak_fds(struct fake *f, uint64_t n)
{
        for (; n > 0 && f->n_leaked_fds < LEAKED_FDS_MAX; n--) {
                int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                if (fd < 0)
                        return;
                f->leaked_fds = must(
                        realloc(f->leaked_fds, (f->n_leaked_fds + 1) * sizeof(*f->leaked_fds)));
                f->leaked_fds[f->n_leaked_fds++] = fd;
        }
}

void fake_drop_fds(struct fake *f)
{
        for (size_t i = 0; i < f->n_leaked_fds; i++)
                close(f->leaked_fds[i]);
        free(f->leaked_fds);
        f->leaked_fds = NULL;
        f->n_leaked_fds = 0;
}
