/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-feed.h. */

#include "report/journal-feed.h"

#include <endian.h>

#include "report/journal-stream.h"

void journal_feed_deinit(struct journal_feed *f)
{
        free(f->bytes);
        *f = (struct journal_feed){0};
}

int journal_feed_put(struct journal_feed *f, const void *bytes, size_t n, struct error *err)
{
        size_t left = f->n - f->at, room = MAX(f->room, (size_t)4096);
        char *grown;

        if (f->at > 0)
                memmove(f->bytes, f->bytes + f->at, left);
        f->at = 0;
        f->n = left;
        if (left + n > JOURNAL_FEED_MAX)
                return error_set(err, -EBADMSG, "an entry in the stream is longer than %u bytes",
                                 JOURNAL_FEED_MAX);
        while (room < left + n)
                room *= 2;
        if (room > f->room) {
                grown = realloc(f->bytes, room);
                if (!grown)
                        return error_set(err, -ENOMEM, "out of memory");
                f->bytes = grown;
                f->room = room;
        }
        memcpy(f->bytes + left, bytes, n);
        f->n += n;
        return 0;
}

/* Behind a name that stands alone in its line: a size, so many bytes, and the end of a line. 0: not
 * all there. */
static size_t binary_size(const char *bytes, size_t n)
{
        uint64_t size;

        if (n < sizeof(size))
                return 0;
        memcpy(&size, bytes, sizeof(size));
        size = le64toh(size);
        return size < n - sizeof(size) ? sizeof(size) + (size_t)size + 1 : 0;
}

/* Of the first entry, with the empty line behind it; 0: it is not all there. */
static size_t entry_size(const char *bytes, size_t n)
{
        for (size_t at = 0; at < n;) {
                const char *line = bytes + at, *end = memchr(line, '\n', n - at);
                size_t size = end ? (size_t)(end - line) : 0, more;

                if (!end)
                        return 0;
                at += size + 1;
                if (size == 0)
                        return at;
                if (memchr(line, '=', size))
                        continue;
                more = binary_size(bytes + at, n - at);
                if (more == 0)
                        return 0;
                at += more;
                if (bytes[at - 1] != '\n')
                        return at; /* broken: reading it says so */
        }
        return 0;
}

/* 1, 0 when it was an empty line only. */
static int read_entry(char *bytes, size_t size, struct journal_entry *e, struct error *err)
{
        _cleanup_(journal_stream_freep)
        struct journal_stream *s = NULL;
        FILE *f = fmemopen(bytes, size, "r");
        int r = f ? journal_stream_new(f, &s) : -ENOMEM;

        if (r == 0)
                r = journal_stream_next(s, e, err);
        if (f)
                fclose(f);
        return r < 0 ? error_set(err, r, "out of memory") : r;
}

int journal_feed_next(struct journal_feed *f, struct journal_entry *e, struct error *err)
{
        size_t size;
        int r = 0;

        while (r == 0 && (size = entry_size(f->bytes + f->at, f->n - f->at)) > 0) {
                r = read_entry(f->bytes + f->at, size, e, err);
                f->at += size;
        }
        return r;
}
