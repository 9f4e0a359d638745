/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and exit codes of the verdicts, from the list in exit-code.h. */

#include "base/exit-code.h"

static const struct {
        const char *word, *text;
        int code;
} verdicts[] = {
#define X(name, word, code, text) [VERDICT_##name] = {word, text, code},
        VERDICTS(X)
#undef X
};

const char *verdict_word(enum verdict v)
{
        return verdicts[v].word;
}

const char *verdict_text(enum verdict v)
{
        return verdicts[v].text;
}

int verdict_exit_code(enum verdict v)
{
        return verdicts[v].code;
}
