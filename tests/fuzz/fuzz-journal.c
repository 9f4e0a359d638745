/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What journalctl -o export wrote: read to its end, and every record in it decoded. */

#include "proto/record-journal.h"
#include "report/journal-stream.h"
#include "tests/fuzz/fuzz.h"

static const char *get(const char *name, size_t *ret_size, void *userdata)
{
        return journal_entry_get(userdata, name, ret_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct record record;
        struct journal_entry e = {0};
        struct journal_stream *s = NULL;
        struct error err = ERROR_INIT;
        FILE *f = size > 0 ? fmemopen((void *)data, size, "r") : NULL;
        int r;

        if (!f)
                return 0;
        require(journal_stream_new(f, &s) == 0);
        while ((r = journal_stream_next(s, &e, &err)) > 0) {
                struct error why = ERROR_INIT;
                int n = record_from_fields(get, &e, &record, &why);

                require_error(n, why);
                if (n == 0)
                        json_object_put(record_encode(&record));
        }
        require_error(r, err);
        journal_stream_free(s);
        journal_entry_deinit(&e);
        fclose(f);
        return 0;
}
