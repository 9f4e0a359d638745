/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb `restart-daemon`: the last rung of the ladder, asked for only where it was allowed. The
 * daemon's process must hold the socket in its directory, and its service must be LXD's or
 * Incus's own; it is killed, since what hangs does not end when asked, and started again by
 * systemd. A daemon that systemd does not run is left alone.
 */

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/helper-verbs.h"
#include "agent/subject.h"

#define UNIT_SIZE 256
#define END_MSEC  20000

/* The service from /proc/PID/cgroup: "0::/system.slice/lxd.service". */
static bool find_service(const struct subject *s, char ret[static UNIT_SIZE])
{
        static const char *const ours[] = {"lxd.service", "incus.service", "incusd.service",
                                           "snap.lxd.daemon.service"};
        char text[4096], *save = NULL;

        if (subject_read_file(s->root, text, sizeof(text), "/proc/%lld/cgroup",
                              (long long)s->daemon_pid) <= 0)
                return false;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                const char *name = strrchr(line, '/');

                for (size_t i = 0; name && i < ELEMENTSOF(ours); i++)
                        if (streq(name + 1, ours[i])) {
                                snprintf(ret, UNIT_SIZE, "%s", ours[i]);
                                return true;
                        }
        }
        return false;
}

/* "" = it went well, else what did not. */
static void run_systemctl(char *const *argv, char *ret_error, size_t size)
{
        char *const environment[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, NULL};
        int status = 0, r;
        pid_t pid;

        ret_error[0] = '\0';
        r = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environment);
        if (r != 0) {
                snprintf(ret_error, size, "systemctl could not be run: %s", strerror(r));
                return;
        }
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                snprintf(ret_error, size, "systemctl %s %s failed, status %d", argv[1], argv[2],
                         WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* Killed and waited for, so that systemd hears of its end before it is asked to start another:
 * a `start` that came before would find it running, and a `restart` would end what systemd has
 * started by itself meanwhile (Restart=, or a connection to its socket). "" = it is gone. */
static void kill_daemon(int64_t pid, char *service, char *ret_error, size_t size)
{
        char *const argv[] = {(char[]){"systemctl"}, (char[]){"kill"}, (char[]){"--signal=KILL"},
                              service, NULL};
        _cleanup_(closep)
        int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
        struct pollfd end = {.fd = fd, .events = POLLIN};
        int r;

        if (fd < 0) {
                snprintf(ret_error, size, "pid %lld: %s", (long long)pid, strerror(errno));
                return;
        }
        run_systemctl(argv, ret_error, size);
        if (ret_error[0])
                return;
        do
                r = poll(&end, 1, END_MSEC);
        while (r < 0 && errno == EINTR);
        if (r <= 0)
                snprintf(ret_error, size, "pid %lld was killed, and is still there after %d s",
                         (long long)pid, END_MSEC / 1000);
}

static int restart_run(void *data, const struct verb_context *context, struct error *err)
{
        _cleanup_(json_putp)
        json_object *message = json_object_new_object();
        json_object *items = json_object_new_array(), *item = json_object_new_object();
        struct subject *s = data;
        char service[UNIT_SIZE], why[256];
        char *const start[] = {(char[]){"systemctl"}, (char[]){"start"}, (char[]){"--no-block"},
                               service, NULL};
        int r;

        json_object_object_add(message, "id", json_object_new_int64(context->id));
        json_object_object_add(message, "items", items);
        json_object_array_add(items, item);
        if (!subject_daemon_fits(s))
                return error_set(err, -ESRCH, "pid %lld is not the daemon of %s",
                                 (long long)s->daemon_pid, s->lxd_dir);
        if (!find_service(s, service))
                return error_set(err, -EOPNOTSUPP,
                                 "pid %lld is run by no service of LXD's or Incus's that systemd "
                                 "knows: restart it by hand",
                                 (long long)s->daemon_pid);
        snprintf(context->progress->doing, sizeof(context->progress->doing), "restarting %.80s",
                 service);
        kill_daemon(s->daemon_pid, service, why, sizeof(why));
        if (!why[0])
                run_systemctl(start, why, sizeof(why));
        json_object_object_add(item, "name", json_object_new_string(service));
        json_object_object_add(item, "error", json_object_new_string(why));
        r = verb_write(context, message);
        return r < 0 ? error_set_errno(err, r, "the answer could not be written") : 0;
}

const struct verb verb_restart = {
        .name = "restart-daemon",
        .time_limit_ns = 60 * NSEC_PER_SEC,
        .answer_max = 64 * 1024,
        .check = subject_check,
        .release = free,
        .run = restart_run,
};
