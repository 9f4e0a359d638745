/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What journalctl -o export wrote: read to its end, and every record in it decoded; and once more
 * in pieces, which gives the same entries as long as nothing is broken. */

#include "proto/record-journal.h"
#include "report/journal-feed.h"
#include "report/journal-stream.h"
#include "tests/fuzz/fuzz.h"

static const char *get(const char *name, size_t *ret_size, void *userdata)
{
        return journal_entry_get(userdata, name, ret_size);
}

static void feed(const uint8_t *data, size_t size, size_t piece, size_t n_whole)
{
        struct journal_feed f = {0};
        struct journal_entry e = {0};
        struct error err = ERROR_INIT;
        size_t n = 0;
        int r = 0;

        for (size_t at = 0; at < size && r == 0; at += piece) {
                r = journal_feed_put(&f, data + at, MIN(piece, size - at), &err);
                while (r == 0 && (r = journal_feed_next(&f, &e, &err)) > 0) {
                        n++;
                        r = 0;
                }
        }
        require_error(r, err);
        require(n <= n_whole);
        journal_entry_deinit(&e);
        journal_feed_deinit(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct record record;
        struct journal_entry e = {0};
        struct journal_stream *s = NULL;
        struct error err = ERROR_INIT;
        size_t n_whole = 0;
        FILE *f = size > 0 ? fmemopen((void *)data, size, "r") : NULL;
        int r;

        if (!f)
                return 0;
        require(journal_stream_new(f, &s) == 0);
        while ((r = journal_stream_next(s, &e, &err)) > 0) {
                struct error why = ERROR_INIT;
                int n = record_from_fields(get, &e, &record, &why);

                n_whole++;
                require_error(n, why);
                if (n == 0)
                        json_object_put(record_encode(&record));
        }
        require_error(r, err);
        journal_stream_free(s);
        journal_entry_deinit(&e);
        fclose(f);
        feed(data, size, 1 + size / 5, n_whole);
        return 0;
}
