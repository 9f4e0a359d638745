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
        if (!getenv(GHOST_VARIABLE))
                return;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == 1)
                _exit(0);
        for (;;)
                pause();
}

void fake_add_ghost(struct fake *f, const char *name)
{
        char title[128], variable[] = GHOST_VARIABLE "=1";
        char *argv[] = {title, NULL}, *env[] = {variable, NULL};
        pid_t pid;

        if (f->n_ghosts == GHOSTS_MAX)
                return;
        snprintf(title, sizeof(title), "[lxc monitor] /var/lib/%s/containers %s",
                 f->dialect->server, name);
        pid = fork();
        if (pid < 0)
                return;
        if (pid == 0) {
                sigset_t none;

                sigemptyset(&none);
                (void)sigprocmask(SIG_SETMASK, &none, NULL);
                execve("/proc/self/exe", argv, env);
                _exit(127);
        }
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
