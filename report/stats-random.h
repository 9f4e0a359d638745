/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Numbers that look random and are the same at every run and on every machine, so that a report of
 * the same data says the same twice: SplitMix64 (G. Steele, D. Lea, C. Flood: Fast Splittable
 * Pseudorandom Number Generators, 2014). Any seed will do. Not for secrets.
 */

#include <stdint.h>

static inline uint64_t stats_random(uint64_t *state)
{
        uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}
