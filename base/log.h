/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Logging to the journal with structured fields, or as plain lines to stderr
 * when nobody connected our stderr to the journal. Entries are handed to a
 * thread of their own once log_start_thread() was called, so that a journal
 * that stands still cannot hold up the loop; the queue is bounded and what had
 * to be dropped is counted and said.
 *
 * Libraries do not log: they fill struct error. One layer logs each error once.
 */

#include <syslog.h>

#include "base/error.h"

#define LOG_FIELDS_MAX 40

enum log_target { LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, LOG_TARGET_STDERR };

/* identifier: SYSLOG_IDENTIFIER and the prefix on stderr; borrowed. */
void log_init(const char *identifier, enum log_target target);
/* Debug entries too, and on stderr informational ones. */
void log_set_verbose(bool verbose);
bool log_to_journal(void);

/* also_stderr: lines for stderr go through it too, else only the journal's entries. */
int log_start_thread(bool also_stderr) _warn_unused_;
/* Writes what is queued (for at most a second) and ends the thread. */
void log_stop_thread(void);
uint64_t log_dropped(void);

/*
 * One entry. fields: "NAME=value" strings (built by the caller, copied here),
 * n at most LOG_FIELDS_MAX. message_id: 32 hex digits or NULL. The MESSAGE is
 * made from format.
 */
void log_entry(int priority, const char *message_id, const char *const *fields, size_t n,
               const char *format, ...) _printf_(5, 6);

/* The same, for the journal even where stderr is a person's: what a program tells
 * people in a way of its own. Where there is no journal it goes nowhere. */
void log_journal_only(int priority, const char *message_id, const char *const *fields, size_t n,
                      const char *format, ...) _printf_(5, 6);

#define log_debug(...)   log_entry(LOG_DEBUG, NULL, NULL, 0, __VA_ARGS__)
#define log_info(...)    log_entry(LOG_INFO, NULL, NULL, 0, __VA_ARGS__)
#define log_notice(...)  log_entry(LOG_NOTICE, NULL, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_entry(LOG_WARNING, NULL, NULL, 0, __VA_ARGS__)
#define log_error(...)   log_entry(LOG_ERR, NULL, NULL, 0, __VA_ARGS__)
