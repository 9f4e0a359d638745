/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The control API, on a socket of its own that no fault touches: faults, latencies and
 * statistics. See README.md for its requests.
 */

#include "fake.h"

extern const struct http_callbacks control_callbacks;
