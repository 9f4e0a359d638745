/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text of others in a page. Whatever a host, LXD or a store says can end up only as text: these are
 * the only ways for a string that is not ours into the page. What is not UTF-8 and control
 * characters become '?' (a line break and a tab a blank).
 */

#include <stdio.h>

#include "base/util.h"

/* As text of an element or in a quoted attribute. NULL is nothing. */
void html_text(FILE *out, const char *s);
/* The same, kept apart from the direction of the text around it. */
void html_foreign(FILE *out, const char *s);
/* As a quoted JSON string inside a script element: no '<' in it. */
void html_json_string(FILE *out, const char *s);
/* A relative path for href: every byte that is not plain, but '/', as %XX; a first component with a
 * ':' would be a scheme, and is none. */
void html_path(FILE *out, const char *s);
