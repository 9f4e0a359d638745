/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Every verdict and every exit code of the programs, in one list. The verdict
 * words appear in the summary, in --json, in the store and in the journal.
 */

/*      constant      word            exit  what it means */
#define VERDICTS(X)                                                                                \
        X(PASS, "pass", 0, "every planned unit passed and nothing was left behind")                \
        X(THRESHOLD, "threshold", 99, "units failed")                                              \
        X(DRIFT, "drift", 98, "a figure drifted over the run")                                     \
        X(LEAK, "leak", 98, "something that should have gone with its unit has not")               \
        X(WEDGE, "wedge", 97, "something stopped making progress")                                 \
        X(INCONCLUSIVE, "inconclusive", 96, "too little was measured to say anything")             \
        X(STOPPED, "stopped", 105, "the user stopped the run")

enum verdict {
#define X(name, word, code, text) VERDICT_##name,
        VERDICTS(X)
#undef X
                VERDICT_MAX_,
};

#define EXIT_USAGE       64 /* EX_USAGE: bad options, bad configuration */
#define EXIT_UNAVAILABLE 69 /* EX_UNAVAILABLE: the agent found no LXD to drive */
#define EXIT_INTERNAL    70 /* EX_SOFTWARE: a defect or a full disk of our own */

const char *verdict_word(enum verdict v);
const char *verdict_text(enum verdict v);
int verdict_exit_code(enum verdict v);
