/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Network links on the host's side of an instance: does any of the names that were
 * noted while it ran (volatile.*.host_name) still exist? Asked of the kernel for our
 * own network name space with an ioctl on a unix socket, so that this needs no
 * network socket and cannot be misled by a /sys of another name space.
 */

#include "agent/scan.h"

#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* 1 there is one, 0 there is none. In a fake tree: /sys/class/net/NAME. */
static int link_exists(const struct scan *s, int fd, const char *name, int *ret_index, bool *ret_up)
{
        struct ifreq request = {0};

        if (s->root[0]) {
                char path[PATH_MAX];

                *ret_index = 0;
                *ret_up = false;
                return scan_path(s, path, sizeof(path), "/sys/class/net/%s", name) == 0 &&
                       faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
        }
        snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
        if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
                return errno == ENODEV ? 0 : -errno;
        *ret_index = request.ifr_ifindex;
        *ret_up = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
        return 1;
}

int scan_links(struct scan *s)
{
        _cleanup_(closep)
        int fd = -1;

        scan_doing(s, "looking for network links");
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        for (size_t t = 0; t < s->n_targets; t++) {
                const struct scan_target *target = &s->targets[t];

                for (size_t i = 0; i < SCAN_VETHS_MAX && target->veths[i][0]; i++) {
                        int index, r;
                        bool up;

                        r = link_exists(s, fd, target->veths[i], &index, &up);
                        if (r < 0)
                                s->blind |= 1U << LEFTOVER_VETH;
                        if (r <= 0)
                                continue;
                        r = scan_add(s, LEFTOVER_VETH, (int)t, 0, target->veths[i], "index %d, %s",
                                     index, up ? "up" : "down");
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
