/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking names up; see address.h. Only used before the loop begins. */

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/un.h>

#include "coordinator/address.h"

#define RESOLVE_THREADS 16

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

struct resolve_job {
        const struct endpoint *endpoints;
        struct host_addresses *results;
        size_t n;
        atomic_size_t next;
};

static void resolve_local(const struct endpoint *e, struct host_addresses *ret)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        struct address *a = &ret->list[0];

        snprintf(un.sun_path, sizeof(un.sun_path), "%s", e->path);
        memcpy(&a->sockaddr, &un, sizeof(un));
        a->size = sizeof(un);
        snprintf(a->text, sizeof(a->text), "ipc://%s", e->path);
        ret->n = 1;
}

static int add_address(const struct addrinfo *ai, unsigned port, struct host_addresses *ret)
{
        struct address *a = &ret->list[ret->n];
        char node[NI_MAXHOST];

        if (ai->ai_addrlen > sizeof(a->sockaddr))
                return -EINVAL;
        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, node, sizeof(node), NULL, 0, NI_NUMERICHOST))
                return -EINVAL;
        memcpy(&a->sockaddr, ai->ai_addr, ai->ai_addrlen);
        a->size = ai->ai_addrlen;
        snprintf(a->text, sizeof(a->text),
                 strchr(node, ':') ? "tcp://[%.100s]:%u" : "tcp://%.100s:%u", node, port);
        ret->n++;
        return 0;
}

static void resolve_tcp(const struct endpoint *e, struct host_addresses *ret)
{
        struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
        _cleanup_(freeaddrinfop)
        struct addrinfo *found = NULL;
        char port[16];
        int r;

        snprintf(port, sizeof(port), "%u", e->port);
        r = getaddrinfo(e->node, port, &hints, &found);
        if (r) {
                error_set(&ret->err, -EHOSTUNREACH,
                          "its address cannot be found (%s); check the name",
                          r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
                return;
        }
        for (const struct addrinfo *ai = found; ai && ret->n < ADDRESSES_MAX; ai = ai->ai_next)
                (void)!add_address(ai, e->port, ret);
        if (!ret->n)
                error_set(&ret->err, -EHOSTUNREACH, "it has no address one could connect to");
}

static void *resolve_thread(void *userdata)
{
        struct resolve_job *job = userdata;
        size_t i;

        while ((i = atomic_fetch_add(&job->next, 1)) < job->n) {
                job->results[i].n = 0;
                job->results[i].err = ERROR_INIT;
                if (job->endpoints[i].local)
                        resolve_local(&job->endpoints[i], &job->results[i]);
                else
                        resolve_tcp(&job->endpoints[i], &job->results[i]);
        }
        return NULL;
}

int addresses_resolve(const struct endpoint *endpoints, size_t n, struct host_addresses *ret)
{
        struct resolve_job job = {.endpoints = endpoints, .results = ret, .n = n};
        pthread_t threads[RESOLVE_THREADS];
        size_t n_threads = 0;
        int failed = 0;

        while (n_threads < MIN(n - 1, (size_t)RESOLVE_THREADS - 1) &&
               pthread_create(&threads[n_threads], NULL, resolve_thread, &job) == 0)
                n_threads++;
        resolve_thread(&job);
        for (size_t i = 0; i < n_threads; i++)
                pthread_join(threads[i], NULL);
        for (size_t i = 0; i < n; i++)
                failed += ret[i].n == 0;
        return failed;
}
