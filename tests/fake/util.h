/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What every file of the fake needs: clean-up attributes, clocks, an intrusive
 * list, and allocation that ends the program when memory is gone. The fake
 * shares no code with the programs it tests, so that a mistake in theirs cannot
 * hide itself here. Running out of memory is fatal on purpose: a server that
 * half works would make tests lie.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>

#define _cleanup_(f)                  __attribute__((cleanup(f)))
#define _warn_unused_                 __attribute__((warn_unused_result))
#define _printf_(a, b)                __attribute__((format(printf, a, b)))
#define ARRAY_SIZE(x)                 (sizeof(x) / sizeof((x)[0]))
#define NSEC_PER_SEC                  INT64_C(1000000000)
#define NSEC_PER_MSEC                 INT64_C(1000000)
#define NAME_SIZE                     64 /* an instance name: 63 characters and the NUL */
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

static inline int64_t now_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline int64_t realtime_ns(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline void *must(void *p)
{
        if (!p) {
                static const char text[] = "lxdsoak-fake-lxd: out of memory\n";
                ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

                (void)n;
                abort();
        }
        return p;
}

static inline void freep(void *p)
{
        free(*(void **)p);
}

static inline void json_putp(json_object **p)
{
        json_object_put(*p);
}

/* An intrusive, doubly linked, circular list. */
struct list {
        struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
        l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
        return l->next == l;
}

static inline void list_append(struct list *head, struct list *l)
{
        l->prev = head->prev;
        l->next = head;
        head->prev->next = l;
        head->prev = l;
}

/* Safe to call on an entry that is initialised but in no list. */
static inline void list_remove(struct list *l)
{
        l->prev->next = l->next;
        l->next->prev = l->prev;
        list_init(l);
}

#define list_first(head, type, member) container_of((head)->next, type, member)
#define list_foreach(i, head)          for (struct list *i = (head)->next; i != (head); i = i->next)
#define list_foreach_safe(i, n, head)                                                              \
        for (struct list *i = (head)->next, *n = i->next; i != (head); i = n, n = i->next)
