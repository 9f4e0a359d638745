/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See journal-source.h. */

#include "report/journal-source.h"

#include <systemd/sd-journal.h>

#include "report/journal-stream.h"

struct journal_source {
        const struct journal_places *places;
        char run[32];           /* "" = any */
        const char *const *ids; /* NULL = any */
        bool between;           /* whatever is of these times */
        int64_t from_ns, to_ns;
        sd_journal **journals;
        size_t n, at;     /* the one that is read now */
        size_t stream_at; /* the same of streams */
        FILE *file;       /* of the stream that is read now */
        struct journal_stream *stream;
        uint64_t damaged;
};

/* Takes j over. */
static int add_journal(struct journal_source *s, sd_journal *j)
{
        sd_journal **journals = reallocarray(s->journals, s->n + 1, sizeof(*journals));

        if (!journals) {
                sd_journal_close(j);
                return -ENOMEM;
        }
        s->journals = journals;
        journals[s->n++] = j;
        return 0;
}

static int open_journals(struct journal_source *s, struct error *err)
{
        const struct journal_places *p = s->places;
        sd_journal *j;
        int r = 0;

        if (p->local) {
                r = sd_journal_open(&j, 0);
                if (r < 0)
                        return error_set_errno(err, r, "this host's journal cannot be opened");
                r = add_journal(s, j);
        }
        for (size_t i = 0; i < p->directories.n && r >= 0; i++) {
                r = sd_journal_open_directory(&j, p->directories.items[i], 0);
                if (r < 0)
                        return error_set_errno(err, r, "%s: its journals cannot be opened",
                                               p->directories.items[i]);
                r = add_journal(s, j);
        }
        for (size_t i = 0; i < p->files.n && r >= 0; i++) {
                const char *paths[] = {p->files.items[i], NULL};

                r = sd_journal_open_files(&j, paths, 0);
                if (r < 0)
                        return error_set_errno(err, r, "%s: it cannot be opened as a journal",
                                               p->files.items[i]);
                r = add_journal(s, j);
        }
        return r;
}

/* An entry without a run is of no use here; with a run given, the index finds its entries. */
static int prepare(struct journal_source *s)
{
        int r = 0;

        for (size_t i = 0; i < s->n && r >= 0; i++) {
                char match[64];

                r = sd_journal_set_data_threshold(s->journals[i], 0);
                if (r >= 0 && s->run[0]) {
                        snprintf(match, sizeof(match), "LXDSOAK_RUN=%s", s->run);
                        r = sd_journal_add_match(s->journals[i], match, 0);
                }
                for (size_t k = 0; r >= 0 && s->ids && s->ids[k]; k++) {
                        snprintf(match, sizeof(match), "MESSAGE_ID=%s", s->ids[k]);
                        r = sd_journal_add_match(s->journals[i], match, 0);
                }
                if (r >= 0 && s->between)
                        r = sd_journal_seek_realtime_usec(s->journals[i],
                                                          (uint64_t)(s->from_ns / NSEC_PER_USEC));
                else if (r >= 0)
                        r = sd_journal_seek_head(s->journals[i]);
        }
        return r;
}

static int open_source(const struct journal_source *like, struct journal_source **ret,
                       struct error *err)
{
        _cleanup_(journal_source_closep)
        struct journal_source *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return error_set(err, -ENOMEM, "out of memory");
        *s = *like;
        r = open_journals(s, err);
        if (r >= 0)
                r = prepare(s);
        if (r < 0)
                return error_set_errno(err, r, "the journal cannot be read");
        *ret = TAKE(s);
        return 0;
}

int journal_source_open(const struct journal_places *places, const char *run,
                        const char *const *ids, struct journal_source **ret, struct error *err)
{
        struct journal_source s = {.places = places, .ids = ids};

        snprintf(s.run, sizeof(s.run), "%s", run ? run : "");
        return open_source(&s, ret, err);
}

int journal_source_open_between(const struct journal_places *places, int64_t from_ns, int64_t to_ns,
                                struct journal_source **ret, struct error *err)
{
        const struct journal_source s = {.places = places,
                                         .between = true,
                                         .from_ns = MAX(from_ns, INT64_C(0)),
                                         .to_ns = to_ns};

        return open_source(&s, ret, err);
}

/* What comes through a pipe is kept in a file that has no name, since it is read once to find the
 * last run, and once for the run. */
static FILE *standard_input;

static int open_standard_input(void)
{
        char buf[65536];
        size_t n;

        if (standard_input) {
                rewind(standard_input);
                return 0;
        }
        if (fseek(stdin, 0, SEEK_CUR) == 0) {
                standard_input = stdin;
                return 0;
        }
        standard_input = tmpfile();
        if (!standard_input)
                return -errno;
        while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0)
                if (fwrite(buf, 1, n, standard_input) != n)
                        return -errno;
        if (ferror(stdin))
                return -EIO;
        rewind(standard_input);
        return 0;
}

static void close_stream(struct journal_source *s)
{
        s->stream = journal_stream_free(s->stream);
        if (s->file && s->file != standard_input)
                fclose(s->file);
        s->file = NULL;
}

struct journal_source *journal_source_close(struct journal_source *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                sd_journal_close(s->journals[i]);
        free(s->journals);
        close_stream(s);
        free(s);
        return NULL;
}

static int fill(sd_journal *j, struct journal_entry *e)
{
        const char *data, *equals;
        uint64_t usec;
        size_t size;
        int r;

        journal_entry_reset(e);
        r = sd_journal_get_realtime_usec(j, &usec);
        if (r < 0)
                return r;
        e->realtime_ns = (int64_t)usec * NSEC_PER_USEC;
        sd_journal_restart_data(j);
        while ((r = sd_journal_enumerate_data(j, (const void **)&data, &size)) > 0) {
                equals = memchr(data, '=', size);
                if (!equals || !journal_entry_wants(data, (size_t)(equals - data)))
                        continue;
                r = journal_entry_add(e, data, (size_t)(equals - data), equals + 1,
                                      size - (size_t)(equals + 1 - data));
                if (r < 0)
                        return r;
        }
        return r;
}

/* 1, 0 at the end of all journals. */
static int next_of_journals(struct journal_source *s, struct journal_entry *e, struct error *err)
{
        while (s->at < s->n) {
                sd_journal *j = s->journals[s->at];
                bool there = false;
                int r = sd_journal_next(j);

                if (r > 0) {
                        there = true;
                        r = fill(j, e);
                        if (r >= 0 && (!s->between || e->realtime_ns <= s->to_ns))
                                return 1;
                        there = r < 0; /* what follows is later still */
                }
                if (r == -ENOMEM || r == -EIO)
                        return error_set_errno(err, r, "the journal cannot be read");
                s->damaged += r < 0;
                if (!there) /* its end, or it does not get beyond what is damaged */
                        s->at++;
        }
        return 0;
}

static int open_stream(struct journal_source *s, struct error *err)
{
        const char *path = s->places->streams.items[s->stream_at++];

        if (streq(path, "-")) {
                int r = open_standard_input();

                if (r < 0)
                        return error_set_errno(err, r, "stdin cannot be kept");
                s->file = standard_input;
        } else {
                s->file = fopen(path, "re");
        }
        if (!s->file)
                return error_set_errno(err, -errno, "%s", path);
        return journal_stream_new(s->file, &s->stream);
}

static int next_of_streams(struct journal_source *s, struct journal_entry *e, struct error *err)
{
        int r;

        for (;;) {
                if (!s->stream) {
                        if (s->stream_at >= s->places->streams.n)
                                return 0;
                        r = open_stream(s, err);
                        if (r < 0)
                                return r;
                }
                r = journal_stream_next(s->stream, e, err);
                if (r != 0)
                        return r;
                close_stream(s);
        }
}

static bool is_wanted(const struct journal_source *s, const struct journal_entry *e)
{
        const char *run = journal_entry_get(e, "LXDSOAK_RUN", NULL);
        const char *id = journal_entry_get(e, "MESSAGE_ID", NULL);

        if (s->between)
                return e->realtime_ns >= s->from_ns && e->realtime_ns <= s->to_ns;
        if (!run || (s->run[0] && !streq(run, s->run)))
                return false;
        for (size_t i = 0; id && s->ids && s->ids[i]; i++)
                if (streq(id, s->ids[i]))
                        return true;
        return !s->ids;
}

int journal_source_next(struct journal_source *s, struct journal_entry *e, struct error *err)
{
        int r;

        do {
                r = next_of_journals(s, e, err);
                if (r == 0)
                        r = next_of_streams(s, e, err);
        } while (r > 0 && !is_wanted(s, e));
        return r;
}

int journal_source_again(struct journal_source *s, struct error *err)
{
        for (size_t i = 0; i < s->n; i++) {
                int r = sd_journal_wait(s->journals[i], 0); /* takes note of new files, too */

                if (r < 0)
                        return error_set_errno(err, r, "the journal cannot be watched");
        }
        s->at = 0;
        return 0;
}

uint64_t journal_source_damaged(const struct journal_source *s)
{
        return s->damaged;
}
