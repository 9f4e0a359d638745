/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The images the fake claims to have: one an alias, with a fingerprint made from it. */

#include "fake.h"

struct image {
        const char *alias;
        char fingerprint[65];
};

/* NULL when there is none. The answer is valid until the next call. */
const struct image *image_by_alias(const struct fake *f, const char *alias);
const struct image *image_by_fingerprint(const struct fake *f, const char *prefix);
