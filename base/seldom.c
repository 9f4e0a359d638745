/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See seldom.h. It never keeps a subject, only its hash: two that share one are told of once. */

#include "base/seldom.h"

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *s)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (; *s; s++)
                h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
        return h;
}

/* Its place, else the place to put it: a free one, or that of the one said longest ago. */
static size_t place_of(const struct seldom *s, uint64_t hash)
{
        size_t oldest = 0;

        for (size_t i = 0; i < s->n; i++) {
                if (s->subjects[i].hash == hash)
                        return i;
                if (s->subjects[i].said_ns < s->subjects[oldest].said_ns)
                        oldest = i;
        }
        return s->n < SELDOM_SUBJECTS ? s->n : oldest;
}

bool seldom_may(struct seldom *s, const char *subject, int64_t now_ns, uint64_t *ret_unsaid)
{
        uint64_t hash = hash_of(subject);
        size_t i = place_of(s, hash);

        if (s->said == 0 || now_ns - s->burst_ns >= SELDOM_BURST_NS) {
                s->burst_ns = now_ns;
                s->said = 0;
        }
        if ((i < s->n && s->subjects[i].hash == hash &&
             now_ns - s->subjects[i].said_ns < SELDOM_AGAIN_NS) ||
            s->said >= SELDOM_BURST) {
                s->unsaid++;
                return false;
        }
        s->subjects[i].hash = hash;
        s->subjects[i].said_ns = now_ns;
        s->n = MAX(s->n, i + 1);
        s->said++;
        *ret_unsaid = s->unsaid;
        s->unsaid = 0;
        return true;
}
