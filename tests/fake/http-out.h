/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What http.c (bytes in) and http-out.c (bytes out) know of each other. */

#include "http.h"

/* Writes what can be written now and waits for the rest; closes when all is out and @closing. */
void http_conn_flush(struct http_conn *c);

/* Takes up the next request, if one is complete. */
void http_conn_process(struct http_conn *c);

void http_conn_watch(struct http_conn *c, uint32_t events);

/* The timer of a trickling answer. */
void http_conn_trickle(struct timer *t, int64_t now);
