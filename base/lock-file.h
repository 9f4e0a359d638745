/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A file or a directory that one process has for itself, by flock(2): the lock is gone when the
 * last descriptor of its open file is closed, however the process ends.
 */

#include "base/util.h"

/*
 * Locks what fd has open for its owner alone. Tries for patience_ms, since a lock may be somebody's
 * for a moment who does not mean to keep it: of one who only asks, or of a child that one who was
 * killed had forked, until it calls exec. -EWOULDBLOCK: it is another's still; any other error:
 * there are no locks to be had here (some network file systems), or fd is none.
 */
int lock_file_take(int fd, int patience_ms) _warn_unused_;
/* Has somebody else locked it? 1, 0; -errno: that cannot be told here. Has it for a moment. */
int lock_file_is_taken(int fd) _warn_unused_;
