/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files in memory for the targets that read files. */

#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

const char *fuzz_file(const uint8_t *data, size_t size, mode_t mode, int *ret_fd)
{
        static char path[64];
        int fd = memfd_create("fuzz", MFD_CLOEXEC);

        require(fd >= 0 && fchmod(fd, mode) == 0);
        require(write(fd, data, size) == (ssize_t)size);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        *ret_fd = fd;
        return path;
}
