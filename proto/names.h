/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What names may look like that a person or a peer gives us and that end up in
 * requests to LXD, in paths and on terminals. Each function returns NULL when s
 * is fine, else what it must be, as the end of "NAME must be …".
 */

#include "proto/soak.h"

/* A run's id: 8 characters of 0-9 a-z. */
const char *check_run_id(const char *s);
/* The same, or empty. */
const char *check_run_id_or_empty(const char *s);

/* An instance as LXD takes it: at most 63 letters, digits and '-', a letter first, no '-' last. */
const char *check_instance_name(const char *s);
const char *check_instance_name_or_empty(const char *s);

/* What instance names begin with: the same rules, at most PREFIX_MAX. */
const char *check_prefix(const char *s);

/* A project of LXD: empty, or no blanks, slashes, quotes or control characters. */
const char *check_project(const char *s);

/* An image: fingerprint or alias; printable, no blanks, not empty. */
const char *check_image(const char *s);
const char *check_image_or_empty(const char *s);

/* A directory of evidence, as in RUN-0001-CLASS: one component of a path, that leads nowhere else.
 */
const char *check_evidence_directory(const char *s);
const char *check_evidence_directory_or_empty(const char *s);
/* A file in one: a relative path that leads nowhere else. */
const char *check_evidence_file(const char *s);
const char *check_evidence_file_or_empty(const char *s);

/* The directory, in RUN_DIR/evidence, of what was fetched from the run's host number index: its
 * label, where what is not plain is '_', and its number then tells it from others. */
#define EVIDENCE_HOST_SIZE 160
void evidence_host_name(const char *label, size_t index, char *buf, size_t size);

/* One line without control characters; may be empty. */
const char *check_one_line(const char *s);
