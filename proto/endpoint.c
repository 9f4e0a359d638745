/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What people write for a host, taken apart; see endpoint.h. Nothing is looked up here. */

#include <arpa/inet.h>
#include <net/if.h>
#include <strings.h>

#include "base/parse.h"
#include "base/text.h"
#include "proto/endpoint.h"
#include "proto/soak.h"

#define IPC "ipc://"
#define TCP "tcp://"

/* Copies size bytes of s; false if they do not fit. */
static bool copy_part(char *ret, size_t ret_size, const char *s, size_t size)
{
        if (size >= ret_size)
                return false;
        memcpy(ret, s, size);
        ret[size] = '\0';
        return true;
}

static bool is_v4(const char *s)
{
        struct in_addr a;

        return inet_pton(AF_INET, s, &a) == 1;
}

/* An interface as the kernel takes it, and nothing a terminal would take for more. */
static bool is_interface(const char *s)
{
        size_t n = strlen(s);

        for (size_t i = 0; i < n; i++)
                if (s[i] <= ' ' || s[i] >= 0x7f || strchr("%/:,", s[i]))
                        return false;
        return n >= 1 && n < IF_NAMESIZE;
}

/* An IPv6 address, with or without %INTERFACE. */
static bool is_v6(const char *s)
{
        char address[INET6_ADDRSTRLEN];
        const char *scope = strchr(s, '%');
        size_t n = scope ? (size_t)(scope - s) : strlen(s);
        struct in6_addr a;

        if (scope && !is_interface(scope + 1))
                return false;
        return copy_part(address, sizeof(address), s, n) && inet_pton(AF_INET6, address, &a) == 1;
}

/* A name as the DNS or /etc/hosts may have it; never something that is only digits and dots. */
static bool is_name(const char *s)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789._-";

        if (*s == '\0' || *s == '.' || *s == '-' || strlen(s) > 253 || strstr(s, ".."))
                return false;
        return s[strspn(s, others)] == '\0' && strpbrk(s, letters);
}

static int parse_port(const char *s, const char *whole, unsigned *ret, struct error *err)
{
        int64_t port;

        if (parse_i64(s, 1, 65535, &port) < 0)
                return error_set(err, -EINVAL,
                                 "\"%s\": \"%s\" is not a port, give one of 1 to 65535",
                                 TEXT_PRINTABLE(whole), TEXT_PRINTABLE(s));
        *ret = (unsigned)port;
        return 0;
}

/*
 * HOST, HOST:PORT, [V6], [V6]:PORT or V6 → node and the text of the port (NULL
 * if there is none).
 */
static int split_port(const char *s, const char *whole, char *ret_node, size_t size,
                      const char **ret_port, struct error *err)
{
        const char *colon = strchr(s, ':'), *end, *port = NULL;

        if (*s == '[') {
                end = strchr(++s, ']');
                if (!end || (end[1] != '\0' && end[1] != ':'))
                        return error_set(err, -EINVAL,
                                         "\"%s\": write an IPv6 address with a port as "
                                         "[ADDRESS]:PORT",
                                         TEXT_PRINTABLE(whole));
                port = end[1] == ':' ? end + 2 : NULL;
        } else if (colon && !strchr(colon + 1, ':')) {
                end = colon;
                port = colon + 1;
        } else {
                end = s + strlen(s); /* no colon, or an IPv6 address */
        }
        if (!copy_part(ret_node, size, s, (size_t)(end - s)))
                return error_set(err, -EINVAL, "\"%s\" is too long for the name of a host",
                                 TEXT_PRINTABLE(whole));
        if (end[0] == ']' && !is_v6(ret_node))
                return error_set(err, -EINVAL, "\"%s\": \"%s\" is not an IPv6 address",
                                 TEXT_PRINTABLE(whole), TEXT_PRINTABLE(ret_node));
        *ret_port = port;
        return 0;
}

static int parse_ipc(const char *s, struct endpoint *ret, struct error *err)
{
        struct endpoint e = {.local = true};
        const char *path = s + strlen(IPC);

        if (*path != '/')
                return error_set(
                        err, -EINVAL,
                        "\"%s\": the path of a socket begins with '/', as in " AGENT_IPC_ENDPOINT,
                        TEXT_PRINTABLE(s));
        /* it names the host everywhere: in the store, in JSON, on terminals */
        if (!utf8_valid(path, strlen(path)))
                return error_set(err, -EINVAL, "\"%s\" is not UTF-8", TEXT_PRINTABLE(s));
        for (const char *p = path; *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        return error_set(err, -EINVAL, "\"%s\" holds control characters",
                                         TEXT_PRINTABLE(s));
        if (!copy_part(e.path, sizeof(e.path), path, strlen(path)))
                return error_set(err, -EINVAL,
                                 "\"%s\": the path of a socket has at most %zu characters",
                                 TEXT_PRINTABLE(s), sizeof(e.path) - 1);
        copy_part(e.label, sizeof(e.label), s, strlen(s));
        *ret = e;
        return 0;
}

int endpoint_parse(const char *s, struct endpoint *ret, struct error *err)
{
        struct endpoint e = {.port = DEFAULT_PORT};
        const char *rest = startswith(s, TCP) ? s + strlen(TCP) : s, *port = NULL;
        int r;

        if (streq(s, "localhost")) {
                r = parse_ipc(AGENT_IPC_ENDPOINT, &e, err);
                if (r < 0)
                        return r;
                strcpy(e.label, s);
                *ret = e;
                return 0;
        }
        if (startswith(s, IPC))
                return parse_ipc(s, ret, err);
        if (strstr(rest, "://"))
                return error_set(err, -EINVAL,
                                 "\"%s\": give a host, tcp://HOST:PORT or ipc:///PATH",
                                 TEXT_PRINTABLE(s));
        r = split_port(rest, s, e.node, sizeof(e.node), &port, err);
        if (r < 0)
                return r;
        if (!is_v4(e.node) && !is_v6(e.node) && !is_name(e.node))
                return error_set(err, -EINVAL, "\"%s\": \"%s\" is no name of a host and no address",
                                 TEXT_PRINTABLE(s), TEXT_PRINTABLE(e.node));
        if (port) {
                r = parse_port(port, s, &e.port, err);
                if (r < 0)
                        return r;
        }
        strcpy(e.label, e.node); /* the same size */
        *ret = e;
        return 0;
}

static int compare_labels(const void *a, const void *b)
{
        return strcasecmp((*(struct endpoint *const *)a)->label,
                          (*(struct endpoint *const *)b)->label);
}

static int check_twice(struct endpoint *list, size_t n, struct error *err)
{
        _cleanup_(freep)
        struct endpoint **sorted = calloc(n, sizeof(*sorted));

        if (!sorted)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                sorted[i] = &list[i];
        qsort(sorted, n, sizeof(*sorted), compare_labels);
        for (size_t i = 1; i < n; i++)
                if (compare_labels(&sorted[i - 1], &sorted[i]) == 0)
                        return error_set(err, -EINVAL,
                                         "Host \"%s\" is named twice; two agents on one host need "
                                         "two names or addresses",
                                         TEXT_PRINTABLE(sorted[i]->label));
        return 0;
}

int endpoint_parse_list(const char *s, struct endpoint **ret, size_t *ret_n, struct error *err)
{
        _cleanup_(freep)
        struct endpoint *list = NULL;
        size_t n = 1;
        int r;

        if (*s == '\0')
                return error_set(err, -EINVAL, "The list of hosts is empty; give some, as in a,b");
        for (const char *p = s; *p; p++)
                n += *p == ',';
        if (n > HOSTS_MAX)
                return error_set(err, -EINVAL, "%zu hosts are too many, at most %d can be had", n,
                                 HOSTS_MAX);
        list = calloc(n, sizeof(*list));
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                char one[sizeof(list->label) + sizeof(list->path)];
                size_t length = strcspn(s, ",");

                if (length == 0)
                        return error_set(err, -EINVAL,
                                         "Entry %zu of the list of hosts is empty; take out the "
                                         "comma that is too many",
                                         i + 1);
                if (!copy_part(one, sizeof(one), s, length))
                        return error_set(err, -EINVAL, "Entry %zu of the list of hosts is too long",
                                         i + 1);
                r = endpoint_parse(one, &list[i], err);
                if (r < 0)
                        return r;
                s += length + 1;
        }
        r = check_twice(list, n, err);
        if (r < 0)
                return r;
        *ret = TAKE(list);
        *ret_n = n;
        return 0;
}

int endpoint_parse_listen(const char *s, struct endpoint *ret, struct error *err)
{
        struct endpoint e = {0};
        const char *port = NULL;
        bool bracketed;
        int r;

        if (startswith(s, IPC))
                return parse_ipc(s, ret, err);
        if (!startswith(s, TCP))
                return error_set(err, -EINVAL, "\"%s\": give ipc:///PATH or tcp://ADDRESS:PORT",
                                 TEXT_PRINTABLE(s));
        bracketed = s[strlen(TCP)] == '[';
        r = split_port(s + strlen(TCP), s, e.node, sizeof(e.node), &port, err);
        if (r < 0)
                return r;
        if (!streq(e.node, "*") && !is_v4(e.node) && !(bracketed && is_v6(e.node)))
                return error_set(err, -EINVAL,
                                 "\"%s\": \"%s\" is not an address of this host; give *, an IPv4 "
                                 "or a bracketed IPv6 address",
                                 TEXT_PRINTABLE(s), TEXT_PRINTABLE(e.node));
        if (!port)
                return error_set(err, -EINVAL, "\"%s\": the port is missing, as in tcp://*:%d",
                                 TEXT_PRINTABLE(s), DEFAULT_PORT);
        r = parse_port(port, s, &e.port, err);
        if (r < 0)
                return r;
        strcpy(e.label, e.node);
        *ret = e;
        return 0;
}
