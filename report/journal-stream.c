/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-stream.h. */

#include "report/journal-stream.h"

#include <endian.h>

#include "base/parse.h"

struct journal_stream {
        FILE *in;
        char *line;
        size_t room;
        uint64_t lines; /* so far, for messages */
        char *bytes;    /* of a binary field */
        size_t n_bytes;
};

int journal_stream_new(FILE *in, struct journal_stream **ret)
{
        struct journal_stream *s = calloc(1, sizeof(*s));

        if (!s)
                return -ENOMEM;
        s->in = in;
        *ret = s;
        return 0;
}

struct journal_stream *journal_stream_free(struct journal_stream *s)
{
        if (!s)
                return NULL;
        free(s->line);
        free(s->bytes);
        free(s);
        return NULL;
}

static int bad(const struct journal_stream *s, const char *what, struct error *err)
{
        return error_set(err, -EBADMSG, "what journalctl -o export wrote %s at line %llu", what,
                         (unsigned long long)s->lines);
}

static int take(struct journal_entry *e, const char *name, size_t name_size, const void *value,
                size_t size)
{
        char number[24];
        int64_t usec;

        if (name_size == strlen("__REALTIME_TIMESTAMP") &&
            memcmp(name, "__REALTIME_TIMESTAMP", name_size) == 0) {
                snprintf(number, sizeof(number), "%.*s", (int)MIN(size, sizeof(number) - 1),
                         (const char *)value);
                if (parse_i64(number, 0, INT64_MAX / NSEC_PER_USEC, &usec) == 0)
                        e->realtime_ns = usec * NSEC_PER_USEC;
                return 0;
        }
        if (!journal_entry_wants(name, name_size))
                return 0;
        return journal_entry_add(e, name, name_size, value, size);
}

/* Goes over what nobody wants without holding it. */
static int skip(struct journal_stream *s, uint64_t size, struct error *err)
{
        for (; size > 0; size--)
                if (getc_unlocked(s->in) == EOF)
                        return bad(s, "is cut off", err);
        return 0;
}

/* NAME stands alone in its line: size and bytes follow. */
static int read_binary(struct journal_stream *s, struct journal_entry *e, size_t name_size,
                       struct error *err)
{
        uint64_t size;
        int r;

        if (fread(&size, sizeof(size), 1, s->in) != 1)
                return bad(s, "is cut off", err);
        size = le64toh(size);
        if (size > JOURNAL_FIELD_MAX || !journal_entry_wants(s->line, name_size)) {
                if (size > INT64_MAX)
                        return bad(s, "has a field of no sensible size", err);
                r = skip(s, size, err);
        } else {
                if (size > s->n_bytes) {
                        char *bytes = realloc(s->bytes, size);

                        if (!bytes)
                                return -ENOMEM;
                        s->bytes = bytes;
                        s->n_bytes = size;
                }
                if (size > 0 && fread(s->bytes, 1, size, s->in) != size)
                        return bad(s, "is cut off", err);
                r = take(e, s->line, name_size, s->bytes, size);
        }
        if (r == 0 && getc_unlocked(s->in) != '\n')
                r = bad(s, "has a field that is longer than it says", err);
        return r;
}

int journal_stream_next(struct journal_stream *s, struct journal_entry *e, struct error *err)
{
        bool any = false;
        ssize_t n;
        int r;

        journal_entry_reset(e);
        while ((n = getline(&s->line, &s->room, s->in)) > 0) {
                const char *equals;

                s->lines++;
                if (s->line[n - 1] != '\n')
                        return bad(s, "is cut off", err);
                if (n == 1) {
                        if (any)
                                return 1;
                        continue; /* several empty lines between entries */
                }
                any = true;
                equals = memchr(s->line, '=', (size_t)n);
                if (equals)
                        r = take(e, s->line, (size_t)(equals - s->line), equals + 1,
                                 (size_t)(s->line + n - 1 - (equals + 1)));
                else
                        r = read_binary(s, e, (size_t)n - 1, err);
                if (r < 0)
                        return r;
        }
        if (ferror(s->in))
                return error_set_errno(err, -EIO, "the stream cannot be read");
        return any; /* the last entry may lack its empty line */
}
