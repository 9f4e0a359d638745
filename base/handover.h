/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Handing things from one thread to another without a lock: the giver pushes,
 * the taker takes all there is at once, in the order of pushing. Neither ever
 * waits for the other, so a taker that was just put to sleep by the scheduler
 * cannot hold up the loop. The nodes are part of what is handed over; this owns
 * nothing.
 */

#include "base/util.h"

struct handover_node {
        struct handover_node *next;
};

struct handover {
        struct handover_node *top; /* newest first */
};

/* True if there was nothing before: then the taker has to be woken. */
static inline bool handover_push(struct handover *h, struct handover_node *node)
{
        struct handover_node *top = __atomic_load_n(&h->top, __ATOMIC_RELAXED);

        do {
                node->next = top;
        } while (!__atomic_compare_exchange_n(&h->top, &top, node, true, __ATOMIC_RELEASE,
                                              __ATOMIC_RELAXED));
        return top == NULL;
}

/* All there is, oldest first; NULL = nothing. */
static inline struct handover_node *handover_take(struct handover *h)
{
        struct handover_node *node = __atomic_exchange_n(&h->top, NULL, __ATOMIC_ACQUIRE),
                             *list = NULL;

        while (node) {
                struct handover_node *next = node->next;

                node->next = list;
                list = node;
                node = next;
        }
        return list;
}
