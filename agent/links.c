/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* RTM_GETLINK and RTM_DELLINK of rtnetlink(7); see links.h. */

#include "agent/links.h"

#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/time.h>

#define BUFFER_SIZE 65536
#define LINKS_MAX   16384

struct request {
        struct nlmsghdr header;
        struct ifinfomsg info;
        struct rtattr mask_header;
        uint32_t mask;
};

int links_add(struct links *links, const struct link *link)
{
        if (links->n == links->n_allocated) {
                size_t n = MAX(links->n_allocated * 2, 64U);
                struct link *items = reallocarray(links->items, n, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                links->items = items;
                links->n_allocated = n;
        }
        links->items[links->n++] = *link;
        return 0;
}

void links_clear(struct links *links)
{
        free(links->items);
        *links = (struct links){0};
}

const struct link *links_by_name(const struct links *links, const char *name)
{
        for (size_t i = 0; i < links->n; i++)
                if (streq(links->items[i].name, name))
                        return &links->items[i];
        return NULL;
}

const struct link *links_by_index(const struct links *links, int index)
{
        for (size_t i = 0; i < links->n; i++)
                if (links->items[i].index == index)
                        return &links->items[i];
        return NULL;
}

/* ---- reading ---- */

static bool is_veth(const struct rtattr *linkinfo)
{
        const struct rtattr *a = RTA_DATA(linkinfo);
        size_t left = RTA_PAYLOAD(linkinfo);

        for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
                if (a->rta_type == IFLA_INFO_KIND)
                        return RTA_PAYLOAD(a) >= 5 && memcmp(RTA_DATA(a), "veth", 5) == 0;
        return false;
}

static int add_message(struct links *links, const struct nlmsghdr *header)
{
        const struct ifinfomsg *info = NLMSG_DATA(header);
        struct link link = {
                .index = info->ifi_index,
                .up = info->ifi_flags & IFF_UP,
                .peer_space = -1,
        };
        const struct rtattr *a = IFLA_RTA(info);
        size_t left = IFLA_PAYLOAD(header);

        for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
                const unsigned char *data = RTA_DATA(a);
                size_t size = RTA_PAYLOAD(a);

                if (a->rta_type == IFLA_IFNAME && size > 0)
                        snprintf(link.name, sizeof(link.name), "%.*s", (int)size - 1,
                                 (const char *)data);
                else if (a->rta_type == IFLA_ADDRESS && size == 6)
                        snprintf(link.address, sizeof(link.address),
                                 "%02x:%02x:%02x:%02x:%02x:%02x", data[0], data[1], data[2],
                                 data[3], data[4], data[5]);
                else if (a->rta_type == IFLA_LINK && size == sizeof(link.peer))
                        memcpy(&link.peer, data, sizeof(link.peer));
                else if (a->rta_type == IFLA_LINK_NETNSID && size == sizeof(link.peer_space))
                        memcpy(&link.peer_space, data, sizeof(link.peer_space));
                else if (a->rta_type == IFLA_LINKINFO)
                        link.veth = is_veth(a);
        }
        if (link.peer_space >= 0 || !link.veth)
                link.peer = 0;
        return links->n == LINKS_MAX ? -E2BIG : links_add(links, &link);
}

/* 1: there is more to come. */
static int add_messages(struct links *links, const char *buf, size_t size)
{
        const struct nlmsghdr *header = (const void *)buf;

        for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
                int r = 0;

                if (header->nlmsg_type == NLMSG_DONE)
                        return 0;
                if (header->nlmsg_type == NLMSG_ERROR)
                        return ((const struct nlmsgerr *)NLMSG_DATA(header))->error ?: -EIO;
                if (header->nlmsg_type == RTM_NEWLINK)
                        r = add_message(links, header);
                if (r < 0)
                        return r;
        }
        return 1;
}

static int open_route(void)
{
        struct timeval limit = {.tv_sec = 8};
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        return fd;
}

static ssize_t talk(int fd, const void *message, size_t size, char *buf, size_t buf_size)
{
        ssize_t n;

        if (message && send(fd, message, size, 0) < 0)
                return -errno;
        do
                n = recv(fd, buf, buf_size, 0);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

int links_read(struct links *ret)
{
        struct request request = {
                .header = {.nlmsg_len = sizeof(request),
                           .nlmsg_type = RTM_GETLINK,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                .info = {.ifi_family = AF_UNSPEC},
                .mask_header = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = IFLA_EXT_MASK},
                .mask = RTEXT_FILTER_SKIP_STATS,
        };
        _cleanup_(closep)
        int fd = open_route();
        _cleanup_(freep)
        char *buf = malloc(BUFFER_SIZE);
        int r = 1;

        if (fd < 0)
                return fd;
        if (!buf)
                return -ENOMEM;
        for (bool first = true; r > 0; first = false) {
                ssize_t n = talk(fd, first ? &request : NULL, sizeof(request), buf, BUFFER_SIZE);

                if (n < 0)
                        return (int)n;
                r = add_messages(ret, buf, (size_t)n);
        }
        return r;
}

/* ---- other name spaces ---- */

/* Is it our own? Then it has no number, or one that says nothing. */
static bool shares_our_space(pid_t pid)
{
        char path[32], own[64] = "", its[64] = "";

        snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
        return readlink("/proc/self/ns/net", own, sizeof(own) - 1) < 0 ||
               readlink(path, its, sizeof(its) - 1) < 0 || streq(own, its);
}

int links_space(pid_t pid)
{
        struct {
                struct nlmsghdr header;
                struct rtgenmsg info;
                _Alignas(NLMSG_ALIGNTO) struct rtattr pid_header;
                uint32_t pid;
        } request = {
                .header = {.nlmsg_len = sizeof(request),
                           .nlmsg_type = RTM_GETNSID,
                           .nlmsg_flags = NLM_F_REQUEST},
                .info = {.rtgen_family = AF_UNSPEC},
                .pid_header = {.rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = NETNSA_PID},
                .pid = (uint32_t)pid,
        };
        _cleanup_(closep)
        int fd = -1;
        _Alignas(struct nlmsghdr) char buf[1024];
        const struct nlmsghdr *header = (const void *)buf;
        const struct rtattr *a;
        size_t left;
        ssize_t n;

        if (shares_our_space(pid))
                return -ENOENT;
        fd = open_route();
        if (fd < 0)
                return fd;
        n = talk(fd, &request, sizeof(request), buf, sizeof(buf));
        if (n < 0)
                return (int)n;
        if (!NLMSG_OK(header, (size_t)n) || header->nlmsg_type != RTM_NEWNSID)
                return -EIO;
        a = (const void *)((const char *)header + NLMSG_SPACE(sizeof(struct rtgenmsg)));
        left = NLMSG_PAYLOAD(header, NLMSG_ALIGN(sizeof(struct rtgenmsg)));
        for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
                if (a->rta_type == NETNSA_NSID && RTA_PAYLOAD(a) == sizeof(int)) {
                        int id;

                        memcpy(&id, RTA_DATA(a), sizeof(id));
                        return id < 0 ? -ENOENT : id;
                }
        return -EIO;
}

/* ---- removing ---- */

int link_remove(int index)
{
        struct {
                struct nlmsghdr header;
                struct ifinfomsg info;
        } request = {
                .header = {.nlmsg_len = sizeof(request),
                           .nlmsg_type = RTM_DELLINK,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
                .info = {.ifi_family = AF_UNSPEC, .ifi_index = index},
        };
        _cleanup_(closep)
        int fd = open_route();
        _Alignas(struct nlmsghdr) char buf[1024];
        const struct nlmsghdr *header = (const void *)buf;
        ssize_t n;

        if (fd < 0)
                return fd;
        n = talk(fd, &request, sizeof(request), buf, sizeof(buf));
        if (n < 0)
                return (int)n;
        if (!NLMSG_OK(header, (size_t)n) || header->nlmsg_type != NLMSG_ERROR)
                return -EIO;
        return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}
