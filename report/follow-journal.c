/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Following a run by journals and streams of journalctl; see follow-source.h. */

#include <fcntl.h>

#include "base/clock.h"
#include "report/follow-source.h"
#include "report/journal-feed.h"
#include "report/journal-run.h"

#define SLICE_NS   (200 * NSEC_PER_MSEC) /* so long at a time, so that Ctrl-C is heard */
#define SETTLE_NS  (2 * NSEC_PER_SEC)    /* entries of the agents may come behind the verdict */
#define SILENCE_NS (60 * NSEC_PER_SEC)   /* agents that are driven write every ten seconds */
#define CHUNK      65536

struct follow_journal;

struct pipe {
        struct follow_journal *owner;
        int fd; /* -1 = it has ended */
        struct journal_feed feed;
        sd_event_source *source;
};

struct follow_journal {
        struct follow_source source;
        struct journal_places journals; /* without streams; borrowed */
        struct journal_source *entries;
        struct gathered g;
        struct journal_entry entry;
        struct pipe *pipes;
        size_t n_pipes, n_open;
        uint64_t n_built; /* entries, when the last store was made of them */
        uint64_t n_heard; /* entries at the last look */
        int64_t heard_ns; /* when there were more than at the look before */
        int64_t over_ns;  /* when there was nothing to wait for any more; 0 = not yet */
        struct error err; /* of a pipe */
};

static void end_pipe(struct pipe *p)
{
        p->source = sd_event_source_disable_unref(p->source);
        if (p->fd < 0)
                return;
        if (p->fd != STDIN_FILENO)
                close(p->fd);
        p->fd = -1;
        p->owner->n_open--;
}

static void follow_journal_free(struct follow_source *source)
{
        struct follow_journal *f = (struct follow_journal *)source;

        for (size_t i = 0; i < f->n_pipes; i++) {
                end_pipe(f->pipes + i);
                journal_feed_deinit(&f->pipes[i].feed);
        }
        free(f->pipes);
        journal_source_close(f->entries);
        journal_entry_deinit(&f->entry);
        gathered_deinit(&f->g);
        free(f);
}

/* ---- pipes ---- */

/* Takes what is whole; of another run it is passed over. */
static int take_entries(struct follow_journal *f, struct pipe *p)
{
        int r = 0;

        while (r >= 0 && (r = journal_feed_next(&p->feed, &f->entry, &f->err)) > 0) {
                const char *run = journal_entry_get(&f->entry, "LXDSOAK_RUN", NULL);

                if (run && streq(run, f->g.run))
                        r = gathered_add(&f->g, &f->entry, &f->err);
        }
        return r;
}

/* 1: there may be more, 0: that was all. One read, which does not wait when there is something. */
static int read_pipe(struct follow_journal *f, struct pipe *p)
{
        static char chunk[CHUNK];
        ssize_t n = read(p->fd, chunk, sizeof(chunk));
        int r;

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 1;
        if (n < 0)
                return error_set_errno(&f->err, -errno, "the stream cannot be read");
        /* the last entry may lack its empty line */
        r = n > 0 ? journal_feed_put(&p->feed, chunk, (size_t)n, &f->err)
                  : journal_feed_put(&p->feed, "\n", 1, &f->err);
        if (r == 0)
                r = take_entries(f, p);
        return r < 0 ? r : n > 0;
}

/* What goes wrong is found in f->err by the next look. */
static int on_readable(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
        struct pipe *p = userdata;

        if (read_pipe(p->owner, p) <= 0)
                end_pipe(p);
        return 0;
}

static int open_pipe(struct follow_journal *f, const char *path, sd_event *event, struct error *err)
{
        struct pipe *p = f->pipes + f->n_pipes;
        int r;

        p->owner = f;
        p->fd = streq(path, "-") ? STDIN_FILENO : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (p->fd < 0)
                return error_set_errno(err, -errno, "%s", path);
        f->n_pipes++;
        f->n_open++;
        r = sd_event_add_io(event, &p->source, p->fd, EPOLLIN, on_readable, p);
        if (r == -EPERM) { /* a file: it is all there */
                while ((r = read_pipe(f, p)) > 0)
                        ;
                end_pipe(p);
        }
        return r < 0 ? error_set_errno(err, r, "%s: cannot be followed", path) : 0;
}

/* ---- journals ---- */

/* 1: there is more. */
static int read_journals(struct follow_journal *f, int64_t now_ns, struct error *err)
{
        int r = 0;

        for (int64_t n = 0; r >= 0; n++) {
                if (n % 64 == 63 && now_monotonic_ns() - now_ns > SLICE_NS)
                        return 1;
                r = journal_source_next(f->entries, &f->entry, err);
                if (r == 0) /* the next look begins where this one ended */
                        return journal_source_again(f->entries, err);
                if (r > 0)
                        r = gathered_add(&f->g, &f->entry, err);
        }
        return r;
}

/* ---- looking ---- */

/* Without the coordinator's word: all agents that were heard of say that they are done. */
static bool has_ended(const struct gathered *g)
{
        if (g->has_coordinator || g->n_agents == 0)
                return g->ended;
        for (size_t i = 0; i < g->n_agents; i++)
                if (g->agents[i].last_seq < 0)
                        return false;
        return true;
}

static enum follow_state state_of(struct follow_journal *f, int64_t now_ns, char why[static 256])
{
        bool ended = has_ended(&f->g), dry = f->entries == NULL && f->n_open == 0;

        if (!ended)
                f->over_ns = 0;
        else if (f->over_ns == 0)
                f->over_ns = now_ns;
        if (ended && (dry || now_ns - f->over_ns >= SETTLE_NS))
                return FOLLOW_ENDED;
        if (dry && !ended) {
                snprintf(why, 256, "the stream has ended, and the run had not");
                return FOLLOW_GONE;
        }
        if (f->g.n_agents > 0 && now_ns - f->heard_ns >= SILENCE_NS) {
                snprintf(why, 256,
                         "no entry came for a minute: its hosts, or who drives them, are gone");
                return FOLLOW_GONE;
        }
        return FOLLOW_GOES_ON;
}

static int look(struct follow_source *source, int64_t now_ns, bool wanted, struct store **ret_store,
                enum follow_state *ret_state, char why[static 256], struct error *err)
{
        struct follow_journal *f = (struct follow_journal *)source;
        int r = f->entries ? read_journals(f, now_ns, err) : 0;

        if (f->err.code)
                return error_set(err, f->err.code, "%s", f->err.text);
        if (r < 0)
                return r;
        if (f->g.n_entries != f->n_heard)
                f->heard_ns = now_ns;
        f->n_heard = f->g.n_entries;
        *ret_state = r > 0 ? FOLLOW_MORE : state_of(f, now_ns, why);
        if (*ret_state == FOLLOW_GOES_ON && f->g.n_entries == 0 && f->n_open == 0)
                return error_set(err, -ENOENT, "run %s is not in these journals", f->g.run);
        /* its beginning may be still to come */
        if (*ret_state == FOLLOW_MORE || (*ret_state == FOLLOW_GOES_ON &&
                                          (!wanted || f->n_built == f->g.n_entries || !f->g.spec)))
                return 0;
        f->n_built = f->g.n_entries;
        return journal_run_build(&f->g, ret_store, err);
}

static int begin(struct follow_journal *f, const struct journal_places *places, const char *what,
                 sd_event *event, struct error *err)
{
        bool journals = places->local || places->directories.n + places->files.n > 0;
        char run[RUN_ID_SIZE] = "";
        int r;

        if (places->streams.n > 0 && streq(what, "last"))
                return error_set(err, -EINVAL,
                                 "--follow of a --stream wants the id of the run: which is the "
                                 "last one shows only at its end");
        f->journals = *places;
        f->journals.streams = (struct string_list){0};
        r = journal_run_find(&f->journals, what, run, err);
        if (r == 0)
                r = gathered_init(&f->g, run, err);
        if (r == 0 && journals)
                r = journal_source_open(&f->journals, run, NULL, &f->entries, err);
        f->pipes = calloc(places->streams.n + 1, sizeof(*f->pipes));
        if (r == 0 && !f->pipes)
                r = -ENOMEM;
        for (size_t i = 0; i < places->streams.n && r == 0; i++)
                r = open_pipe(f, places->streams.items[i], event, err);
        return r;
}

int follow_journal_new(const struct journal_places *places, const char *what, sd_event *event,
                       struct follow_source **ret, struct error *err)
{
        struct follow_journal *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        f->source = (struct follow_source){look, follow_journal_free};
        f->heard_ns = now_monotonic_ns();
        r = begin(f, places, what, event, err);
        if (r < 0)
                follow_journal_free(&f->source);
        else
                *ret = &f->source;
        return r;
}
