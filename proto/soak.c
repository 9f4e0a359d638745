/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The words of soak.h as strings, and back. */

#include "proto/soak.h"

#include "base/words.h"

DEFINE_WORDS(phase, PHASES)
DEFINE_WORDS(result, RESULTS)
DEFINE_WORDS(outcome, OUTCOMES)
DEFINE_WORDS(mode, MODES)
DEFINE_WORDS(source, SOURCES)
DEFINE_WORDS(stop_kind, STOP_KINDS)
DEFINE_WORDS(leftover_kind, LEFTOVER_KINDS)
DEFINE_WORDS(record_kind, RECORD_KINDS)
DEFINE_WORDS(wedge_class, WEDGE_CLASSES)
DEFINE_WORDS(rung, RUNGS)
DEFINE_WORDS(on_wedge, ON_WEDGES)
DEFINE_WORDS(census_kind, CENSUS_KINDS)
DEFINE_WORDS(metric_kind, METRIC_KINDS)
