/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * CURVE keys and who may do what. Keys are Z85 text, 40 characters. A secret
 * lives in a file of its own that only its owner can read, and is refused
 * otherwise. The allow-list says `ROLE NAME PUBLICKEY` a line, the known agents
 * `HOST[,HOST…] PUBLICKEY`; '#' begins a comment at the beginning of a line and
 * behind the key (keys can hold one themselves).
 */

#include "base/error.h"

#define KEY_Z85_SIZE    41   /* 40 characters and NUL */
#define ALLOW_NAME_SIZE 64   /* 63 characters and NUL */
#define ALLOW_MAX       1000 /* keys in one allow-list */

/* From the least to the most; each may do what those before it may. */
#define ROLES(X)                                                                                   \
        X(OBSERVE, "observe") /* may look */                                                       \
        X(DRIVE, "drive")     /* may run, stop, fetch evidence and clean up */                     \
        X(ADMIN, "admin")     /* may take another's run away */

enum role {
#define X(n, w) ROLE_##n,
        ROLES(X)
#undef X
                ROLE_MAX_,
};
const char *role_name(int v);
int role_from_name(const char *s) _warn_unused_;

struct key_pair {
        char secret[KEY_Z85_SIZE], public[KEY_Z85_SIZE];
};

int key_generate(struct key_pair *ret) _warn_unused_;

/*
 * Writes path (0600, the secret) and its public half beside it (NAME.key →
 * NAME.pub, else NAME.pub appended; 0644). Both or none; -EEXIST if either is
 * there already.
 */
int key_write(const char *path, const struct key_pair *pair, struct error *err) _warn_unused_;

/*
 * Reads a secret and derives the public half. -ENOENT (err set) no such file;
 * -EPERM readable by others or owned by another user (root may own it; an ACL
 * entry for ourselves, as systemd puts on credentials, is fine); -EINVAL not a
 * key.
 */
int key_read(const char *path, struct key_pair *ret, struct error *err) _warn_unused_;

/* The public half in the file beside the secret at path, which need not be readable. -ENOENT: it
 * is not there; -EINVAL: not a key. err names the file. */
int key_read_public(const char *path, char ret[static KEY_Z85_SIZE],
                    struct error *err) _warn_unused_;

struct allow_entry {
        enum role role;
        char name[ALLOW_NAME_SIZE];
        char key[KEY_Z85_SIZE];
};

struct allow_list {
        struct allow_entry *entries;
        size_t n;
};

/*
 * A missing file is an empty list (-ENOENT is not returned); a bad line, a key
 * that stands there as two people or in two roles, and more than ALLOW_MAX keys
 * are -EINVAL and err names file and line (the same line twice is fine); -EPERM
 * if somebody else than root and ourselves can write to the file.
 */
int allow_list_read(const char *path, struct allow_list *ret, struct error *err) _warn_unused_;
void allow_list_clear(struct allow_list *list);
const struct allow_entry *allow_list_find(const struct allow_list *list, const char *key);

/* The public key of an agent by the host label given to --hosts. path NULL: in
 * ~/.config/lxdsoak/known_agents, then /etc/lxdsoak/known_agents. -ENOENT (err
 * set, says what to add where) when it is in neither file. */
int known_agent_find(const char *path, const char *host, char ret_key[static KEY_Z85_SIZE],
                     struct error *err) _warn_unused_;
