/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Keys and the files they live in; see keys.h. A secret never stands in an
 * error text, and buffers that held one are wiped.
 *
 * Z85 uses '#', so a '#' begins a comment only where a line begins or behind
 * the key, never within a field.
 */

#include <fcntl.h>
#include <limits.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <zmq.h>

#include "base/text.h"
#include "base/words.h"
#include "build-config.h"
#include "proto/keys.h"

#define KEY_FILE_MAX  1024
#define LIST_FILE_MAX (1024 * 1024)
#define FIELDS_MAX    3

DEFINE_WORDS(role, ROLES)

/* Z85, ZeroMQ RFC 32; size is that of the text. */
static bool is_key(const char *s, size_t size)
{
        static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  ".-:+=^!/*?&<>()[]{}@%$#";

        uint8_t binary[32];
        char copy[KEY_Z85_SIZE] = {0};

        if (size != KEY_Z85_SIZE - 1)
                return false;
        memcpy(copy, s, size);
        /* the second refuses groups that stand for more than 32 bits */
        return copy[strspn(copy, z85)] == '\0' && zmq_z85_decode(binary, copy);
}

int key_generate(struct key_pair *ret)
{
        struct key_pair pair;

        if (zmq_curve_keypair(pair.public, pair.secret) < 0)
                return -zmq_errno();
        *ret = pair;
        explicit_bzero(&pair, sizeof(pair));
        return 0;
}

/* -- the files of a pair ------------------------------------------------------------------- */

/* Where the public half of the secret at path is. */
static int public_path(const char *path, char ret[static PATH_MAX])
{
        size_t n = strlen(path);

        if (n > 4 && streq(path + n - 4, ".key"))
                n -= 4;
        if (n + 5 > PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(ret, path, n);
        memcpy(ret + n, ".pub", 5);
        return 0;
}

static int write_key(int fd, const char *key, mode_t mode)
{
        char line[KEY_Z85_SIZE + 1];
        ssize_t n, size = snprintf(line, sizeof(line), "%s\n", key);

        n = write(fd, line, (size_t)size);
        explicit_bzero(line, sizeof(line));
        if (n < 0)
                return -errno;
        if (n != size)
                return -ENOSPC;
        if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
                return -errno;
        return 0;
}

/* Makes a file that must not be there yet; takes it away again if it cannot be filled. */
static int create_key_file(const char *path, const char *key, mode_t mode, struct error *err)
{
        _cleanup_(closep)
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        int r;

        if (fd < 0 && errno == EEXIST)
                return error_set(err, -EEXIST,
                                 "%s is there already; keys are never overwritten, move it away or "
                                 "give another name",
                                 path);
        if (fd < 0)
                return error_set_errno(err, -errno, "Cannot create %s", path);
        r = write_key(fd, key, mode);
        if (r < 0) {
                error_set_errno(err, r, "Cannot write %s", path);
                unlink(path);
        }
        return r;
}

int key_write(const char *path, const struct key_pair *pair, struct error *err)
{
        char public[PATH_MAX];
        int r;

        r = public_path(path, public);
        if (r < 0)
                return error_set_errno(err, r, "Cannot create a key");
        r = create_key_file(path, pair->secret, 0600, err);
        if (r < 0)
                return r;
        r = create_key_file(public, pair->public, 0644, err);
        if (r < 0)
                unlink(path);
        return r;
}

/*
 * Whether the mode's group bits are only the mask of an access control list
 * that lets in nobody but us and root. That is what systemd makes of
 * credentials: 0440, root's, with an entry for the user of the service.
 * Layout: linux/posix_acl_xattr.h.
 */
static bool acl_is_ours_alone(int fd)
{
        enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
        struct {
                uint32_t version;
                struct {
                        uint16_t tag, permissions;
                        uint32_t id;
                } entries[16];
        } acl;
        ssize_t n = fgetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl));

        if (n < (ssize_t)sizeof(acl.version) || acl.version != 2)
                return false;
        n = (n - (ssize_t)sizeof(acl.version)) / (ssize_t)sizeof(acl.entries[0]);
        for (ssize_t i = 0; i < n; i++) {
                if (acl.entries[i].permissions == 0)
                        continue;
                if (acl.entries[i].tag == USER_OBJ || acl.entries[i].tag == MASK)
                        continue;
                if (acl.entries[i].tag != USER ||
                    (acl.entries[i].id != 0 && acl.entries[i].id != geteuid()))
                        return false;
        }
        return true;
}

static int check_secret_file(int fd, const char *path, struct error *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_set_errno(err, -errno, "Cannot look at %s", path);
        if (!S_ISREG(st.st_mode))
                return error_set(err, -EINVAL, "%s is not a file, a key must be in one", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return error_set(err, -EPERM,
                                 "%s belongs to user %u; a secret key must belong to the user who "
                                 "uses it, or to root",
                                 path, st.st_uid);
        if ((st.st_mode & 0007) || ((st.st_mode & 0070) && !acl_is_ours_alone(fd)))
                return error_set(err, -EPERM,
                                 "%s is open to others (mode %04o); do `chmod 600 %s`, and make a "
                                 "new key if somebody may have read it",
                                 path, st.st_mode & 07777, path);
        return 0;
}

int key_read(const char *path, struct key_pair *ret, struct error *err)
{
        /* O_NONBLOCK: a pipe must not hold us up before we have seen that it is one */
        _cleanup_(closep)
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        char text[KEY_FILE_MAX + 1], *key;
        struct key_pair pair;
        ssize_t n;
        int r;

        if (fd < 0 && errno == ENOENT)
                return error_set(err, -ENOENT, "There is no key %s", path);
        if (fd < 0)
                return error_set_errno(err, -errno, "Cannot open the key %s", path);
        r = check_secret_file(fd, path, err);
        if (r < 0)
                return r;
        n = read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return error_set_errno(err, -errno, "Cannot read the key %s", path);
        text[n] = '\0';
        if (n > 0 && text[n - 1] == '\n')
                text[n - 1] = '\0';
        key = text_trim(text);
        r = -EINVAL;
        if ((size_t)n == sizeof(text) - 1 || !is_key(key, strlen(key)))
                error_set(err, r, "%s does not hold a key: one line of %d characters of Z85", path,
                          KEY_Z85_SIZE - 1);
        else if (zmq_curve_public(pair.public, key) < 0)
                error_set_errno(err, r, "Cannot derive the public half of %s", path);
        else
                r = 0;
        if (r == 0) {
                memcpy(pair.secret, key, KEY_Z85_SIZE);
                *ret = pair;
        }
        explicit_bzero(text, sizeof(text));
        explicit_bzero(&pair, sizeof(pair));
        return r;
}

int key_read_public(const char *path, char ret[static KEY_Z85_SIZE], struct error *err)
{
        _cleanup_(freep)
        char *text = NULL;
        char public[PATH_MAX], *key;
        int r = public_path(path, public);

        if (r >= 0)
                r = text_read_file(public, KEY_FILE_MAX, &text);
        if (r < 0)
                return error_set_errno(err, r, "Cannot read the public half of %s", path);
        key = text + strlen(text);
        if (key > text && key[-1] == '\n')
                key[-1] = '\0';
        key = text_trim(text);
        if (!is_key(key, strlen(key)))
                return error_set(err, -EINVAL, "%s does not hold a public key", public);
        memcpy(ret, key, KEY_Z85_SIZE);
        return 0;
}

/* -- lists of public keys ------------------------------------------------------------------ */

/* Who can write to a list decides who is let in, or taken for whom. */
enum writers {
        NOT_EVERYBODY, /* a person's own list: a group of their own is fine */
        OURS_ALONE,    /* ours or root's */
};

static int check_writers(const struct stat *st, enum writers writers, const char *path,
                         struct error *err)
{
        if (st->st_mode & S_IWOTH)
                return error_set(err, -EPERM, "Anybody can write to %s; do `chmod o-w %s`", path,
                                 path);
        if (writers == NOT_EVERYBODY)
                return 0;
        if (st->st_mode & S_IWGRP)
                return error_set(err, -EPERM,
                                 "The group of %s can write to it, and so let anybody in; do "
                                 "`chmod g-w %s`",
                                 path, path);
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return error_set(err, -EPERM,
                                 "%s belongs to user %u, who could let anybody in; do `chown root "
                                 "%s`",
                                 path, st->st_uid, path);
        return 0;
}

/* Reads a list file for next_line(); a missing one is -ENOENT with err unset. */
static int read_list(const char *path, enum writers writers, char **ret, struct error *err)
{
        _cleanup_(closep)
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r;

        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errno(err, -errno, "Cannot open %s", path);
        r = check_writers(&st, writers, path, err);
        if (r < 0)
                return r;
        r = text_read_fd(fd, LIST_FILE_MAX, ret);
        if (r == -EFBIG)
                return error_set(err, r, "%s is longer than %d bytes", path, LIST_FILE_MAX);
        if (r == -EINVAL)
                return error_set(err, r, "%s is not text", path);
        if (r < 0)
                return error_set_errno(err, r, "Cannot read %s", path);
        return 0;
}

/* Takes the next line off *text and splits it; returns the number of fields, 0 for none. A field
 * of '#'… behind the last of `want` fields begins a comment. */
static size_t next_line(char **text, size_t want, char *fields[static FIELDS_MAX + 1])
{
        char *line = strsep(text, "\n"), *field;
        size_t n = 0;

        line = text_trim(line);
        if (*line == '#')
                return 0;
        while ((field = strsep(&line, " \t"))) {
                if (*field == '\0')
                        continue;
                if (n == want && *field == '#')
                        break;
                fields[n++] = field;
                if (n > want)
                        break;
        }
        return n;
}

static int check_name(const char *name, const char *path, unsigned line, struct error *err)
{
        static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789._@-";

        if (strlen(name) >= ALLOW_NAME_SIZE || name[strspn(name, fine)] != '\0')
                return error_set(
                        err, -EINVAL,
                        "%s:%u: name \"%s\" must be at most 63 letters, digits and . _ @ -", path,
                        line, TEXT_PRINTABLE(name));
        return 0;
}

static int check_key(const char *key, const char *path, unsigned line, struct error *err)
{
        if (!is_key(key, strlen(key)))
                return error_set(err, -EINVAL,
                                 "%s:%u: \"%s\" is not a public key: %d characters of Z85, as "
                                 "`lxdsoak-coord keygen --show` or `lxdsoak-agent --show-key` "
                                 "print it",
                                 path, line, TEXT_PRINTABLE(key), KEY_Z85_SIZE - 1);
        return 0;
}

static int allow_list_add(struct allow_list *list, char *const fields[static 3], const char *path,
                          unsigned line, struct error *err)
{
        const struct allow_entry *twin;
        struct allow_entry *entries, *e;
        int r, role = role_from_name(fields[0]);

        if (role < 0)
                return error_set(err, -EINVAL,
                                 "%s:%u: \"%s\" is not a role; the roles are observe, drive and "
                                 "admin",
                                 path, line, TEXT_PRINTABLE(fields[0]));
        r = check_name(fields[1], path, line, err);
        if (r < 0)
                return r;
        r = check_key(fields[2], path, line, err);
        if (r < 0)
                return r;
        twin = allow_list_find(list, fields[2]);
        if (twin && (int)twin->role == role && streq(twin->name, fields[1]))
                return 0; /* added twice */
        if (twin)
                return error_set(err, -EINVAL,
                                 "%s:%u: this key stands there already as %s %s; a key has one "
                                 "role, take out one of the lines",
                                 path, line, role_name((int)twin->role), twin->name);
        if (list->n >= ALLOW_MAX)
                return error_set(err, -EINVAL, "%s:%u: more than %d keys", path, line, ALLOW_MAX);
        entries = reallocarray(list->entries, list->n + 1, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        list->entries = entries;
        e = &entries[list->n++];
        *e = (struct allow_entry){.role = (enum role)role};
        strcpy(e->name, fields[1]); /* their lengths were checked */
        strcpy(e->key, fields[2]);
        return 0;
}

int allow_list_read(const char *path, struct allow_list *ret, struct error *err)
{
        _cleanup_(freep)
        char *text = NULL;
        struct allow_list list = {0};
        unsigned line = 0;
        char *p;
        int r;

        r = read_list(path, OURS_ALONE, &text, err);
        if (r < 0 && r != -ENOENT)
                return r;
        for (p = text; p;) {
                char *fields[FIELDS_MAX + 1];
                size_t n = next_line(&p, 3, fields);

                line++;
                if (n == 0)
                        continue;
                if (n != 3)
                        r = error_set(err, -EINVAL, "%s:%u: a line must be ROLE NAME PUBLICKEY",
                                      path, line);
                else
                        r = allow_list_add(&list, fields, path, line, err);
                if (r < 0) {
                        allow_list_clear(&list);
                        return r;
                }
        }
        *ret = list;
        return 0;
}

void allow_list_clear(struct allow_list *list)
{
        free(list->entries);
        *list = (struct allow_list){0};
}

const struct allow_entry *allow_list_find(const struct allow_list *list, const char *key)
{
        for (size_t i = 0; i < list->n; i++)
                if (streq(list->entries[i].key, key))
                        return &list->entries[i];
        return NULL;
}

/* Is host one of the names, which are separated by commas? */
static bool is_named(const char *names, const char *host)
{
        size_t size = strlen(host);

        for (const char *p = names; *p;) {
                size_t n = strcspn(p, ",");

                if (n == size && strncasecmp(p, host, n) == 0)
                        return true;
                p += n;
                p += *p == ',';
        }
        return false;
}

/* Looks for host in one file: 0, -ENOENT (err unset) or an error. */
static int find_in(const char *path, const char *host, char ret_key[static KEY_Z85_SIZE],
                   struct error *err)
{
        _cleanup_(freep)
        char *text = NULL;
        char found[KEY_Z85_SIZE] = "", *p;
        unsigned line = 0;
        int r;

        r = read_list(path, NOT_EVERYBODY, &text, err);
        if (r < 0)
                return r;
        for (p = text; p;) {
                char *fields[FIELDS_MAX + 1];
                size_t n = next_line(&p, 2, fields);

                line++;
                if (n == 0)
                        continue;
                if (n != 2)
                        return error_set(err, -EINVAL,
                                         "%s:%u: a line must be HOST PUBLICKEY, as "
                                         "`lxdsoak-agent --show-key` prints it on that host",
                                         path, line);
                r = check_key(fields[1], path, line, err);
                if (r < 0)
                        return r;
                if (!is_named(fields[0], host))
                        continue;
                if (*found && !streq(found, fields[1]))
                        return error_set(err, -EINVAL,
                                         "%s:%u: host %s stands there already with another key; "
                                         "take out the one that is wrong",
                                         path, line, TEXT_PRINTABLE(host));
                strcpy(found, fields[1]);
        }
        if (!*found)
                return -ENOENT;
        memcpy(ret_key, found, KEY_Z85_SIZE);
        return 0;
}

int known_agent_find(const char *path, const char *host, char ret_key[static KEY_Z85_SIZE],
                     struct error *err)
{
        const char *home = getenv("HOME"), *files[2];
        char own[PATH_MAX];
        size_t n = 0;

        if (path) {
                files[n++] = path;
        } else {
                if (home && *home == '/' &&
                    snprintf(own, sizeof(own), "%s/.config/lxdsoak/known_agents", home) <
                            (int)sizeof(own))
                        files[n++] = own;
                files[n++] = CONFIG_DIR "/known_agents";
        }
        for (size_t i = 0; i < n; i++) {
                int r = find_in(files[i], host, ret_key, err);

                if (r != -ENOENT)
                        return r;
        }
        return error_set(err, -ENOENT,
                         "The key of host %s is not in %s; add it with `ssh %s lxdsoak-agent "
                         "--show-key >> %s` (the line must begin with the name given to --hosts)",
                         TEXT_PRINTABLE(host), files[0], TEXT_PRINTABLE(host), files[0]);
}
