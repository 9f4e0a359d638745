/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The files `lxdsoak-coord evidence` writes. A directory is filled under a name of its own
 * and renamed when it is whole. Names come from peers: they are checked here again, and no
 * link is followed.
 */

#include "base/error.h"

/* Of one host: RUN_DIR/evidence/HOST, made with all above it. */
struct evidence_files {
        int host;      /* directory */
        int directory; /* the one being filled, -1 = none */
        int file;      /* the one being written, -1 = none */
        char name[128];
};

int evidence_files_open(const char *run_dir, const char *label, size_t index,
                        struct evidence_files *ret) _warn_unused_;
void evidence_files_close(struct evidence_files *f);

/* 1: begun; 0: it is there already. */
int evidence_files_begin(struct evidence_files *f, const char *directory) _warn_unused_;
/* It is whole. */
int evidence_files_end(struct evidence_files *f) _warn_unused_;
/* The next file of it, anew. */
int evidence_files_next(struct evidence_files *f, const char *name) _warn_unused_;
int evidence_files_write(struct evidence_files *f, const char *text, size_t size) _warn_unused_;
