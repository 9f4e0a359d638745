/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A doubly linked list through `prev` and `next` of what is in it. `head` is where the first is
 * kept, NULL when there is none.
 */

#define LIST_PREPEND(head, item)                                                                   \
        do {                                                                                       \
                typeof(item) item_ = (item);                                                       \
                item_->prev = NULL;                                                                \
                item_->next = (head);                                                              \
                if (item_->next)                                                                   \
                        item_->next->prev = item_;                                                 \
                (head) = item_;                                                                    \
        } while (0)

#define LIST_REMOVE(head, item)                                                                    \
        do {                                                                                       \
                typeof(item) item_ = (item);                                                       \
                if (item_->prev)                                                                   \
                        item_->prev->next = item_->next;                                           \
                else                                                                               \
                        (head) = item_->next;                                                      \
                if (item_->next)                                                                   \
                        item_->next->prev = item_->prev;                                           \
                item_->prev = item_->next = NULL;                                                  \
        } while (0)
