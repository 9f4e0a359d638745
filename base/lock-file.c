/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Locks on files; see lock-file.h. flock() has no limit of time, so it is asked again and again. */

#include "base/lock-file.h"

#include <sys/file.h>

#include "base/clock.h"

#define AGAIN_USEC 20000

int lock_file_take(int fd, int patience_ms)
{
        int64_t until_ns = now_monotonic_ns() + patience_ms * NSEC_PER_MSEC;

        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK || now_monotonic_ns() >= until_ns)
                        return -errno;
                usleep(AGAIN_USEC);
        }
        return 0;
}

int lock_file_is_taken(int fd)
{
        if (flock(fd, LOCK_SH | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 1 : -errno;
        return flock(fd, LOCK_UN) < 0 ? -errno : 0;
}
