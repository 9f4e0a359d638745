/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A stream of journal entries, as `journalctl -o export` writes it, from wherever: a run is put
 * together from it and summed up.
 */

#include "base/text.h"
#include "report/journal-run.h"
#include "report/summary.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct journal_places places = {0};
        struct error err = ERROR_INIT;
        struct summary *summary = NULL;
        struct store *s = NULL;
        int fd, r;

        require(string_list_add(&places.streams, fuzz_file(data, size, 0600, &fd)) == 0);
        r = journal_run_open(&places, "last", &s, &err);
        require_error(r, err);
        if (r == 0) {
                err = ERROR_INIT;
                r = summary_new(s, &summary, &err);
                require_error(r, err);
        }
        if (r == 0) {
                json_object *o = summary_to_json(summary);

                require(o && json_object_to_json_string(o));
                json_object_put(o);
        }
        summary_free(summary);
        store_free(s);
        string_list_clear(&places.streams);
        close(fd);
        return 0;
}
