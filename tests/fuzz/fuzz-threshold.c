/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Thresholds: what is accepted is the same after another turn. */

#include "report/threshold.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *s = fuzz_string(data, size);
        const struct threshold_drift drifts[] = {
                {.figure = PHASE_CREATE, .told = true, .sure = true, .percent = 7},
                {.figure = THRESHOLD_METRIC(METRIC_LIVE), .told = true, .visible = 2},
        };
        struct threshold_facts facts = {.ended = 1000,
                                        .failed = 3,
                                        .units_per_sec = 1,
                                        .gap_ns = 5,
                                        .drifts = drifts,
                                        .n_drifts = ELEMENTSOF(drifts)};
        struct error err = ERROR_INIT;
        struct threshold a, b;
        double value;
        int r = threshold_parse(s, &a, &err);

        require_error(r, err);
        if (r == 0) {
                require(threshold_parse(a.text, &b, NULL) == 0);
                require(memcmp(&a, &b, sizeof(a)) == 0);
                threshold_evaluate(&a, &facts, &value);
                threshold_aborts(&a, &facts);
        }
        free(s);
        return 0;
}
