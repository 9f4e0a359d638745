/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See probe.h. The thread only reads and stores numbers; nobody waits for it,
 * not even at the end. */

#include "agent/probe.h"

#include <pthread.h>
#include <sys/statvfs.h>

#include "agent/lxd.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/parse.h"

#define API_PERIOD_USEC 2000000
#define API_DEADLINE_NS (60 * NSEC_PER_SEC)

/* Shared with the thread, which may outlive the probe: last one frees. */
struct host {
        char state_dir[256];
        _Atomic int64_t mounts, mem_available, disk_free, rss;
        _Atomic int refs;
        _Atomic bool stop;
};

struct probe {
        struct lxd *lxd;
        sd_event_source *timer;
        struct lxd_call *call;
        int64_t asked_ns, took_ns, instances;
        int64_t lost_ns; /* since when it does not answer; 0 = it does */
        struct host *host;
};

static void host_unref(struct host *h)
{
        if (h && --h->refs == 0)
                free(h);
}

/* The value of "NAME:  N kB" in a file, in bytes; -1 = not found. */
static int64_t read_kb(const char *path, const char *name)
{
        _cleanup_(fclosep)
        FILE *f = fopen(path, "re");
        char line[256];
        int64_t kb;

        while (f && fgets(line, sizeof(line), f)) {
                char *end = line + strlen(name);

                if (!startswith(line, name))
                        continue;
                end += strspn(end, ": \t");
                end[strspn(end, "0123456789")] = '\0';
                return parse_i64(end, 0, INT64_MAX / 1024, &kb) < 0 ? -1 : kb * 1024;
        }
        return -1;
}

static int64_t count_lines(const char *path)
{
        int64_t n = 0;
        _cleanup_(fclosep)
        FILE *f = fopen(path, "re");

        if (!f)
                return -1;
        for (int c = getc_unlocked(f); c != EOF; c = getc_unlocked(f))
                n += c == '\n';
        return n;
}

static void *host_thread(void *userdata)
{
        struct host *h = userdata;

        while (!h->stop) {
                struct statvfs vfs;

                h->mem_available = read_kb("/proc/meminfo", "MemAvailable");
                h->mounts = count_lines("/proc/self/mountinfo");
                h->rss = read_kb("/proc/self/status", "VmRSS");
                if (statvfs(h->state_dir, &vfs) == 0)
                        h->disk_free = (int64_t)(vfs.f_bavail * vfs.f_frsize);
                sleep(1);
        }
        host_unref(h);
        return NULL;
}

static int start_thread(struct probe *p, const char *state_dir)
{
        struct host *h = calloc(1, sizeof(*h));
        pthread_t thread;
        int r;

        if (!h)
                return -ENOMEM;
        snprintf(h->state_dir, sizeof(h->state_dir), "%s", state_dir);
        h->mounts = h->mem_available = h->disk_free = h->rss = -1;
        h->refs = 2;
        r = pthread_create(&thread, NULL, host_thread, h);
        if (r != 0) {
                free(h);
                return -r;
        }
        pthread_detach(thread);
        p->host = h;
        return 0;
}

/* Said once when it goes and once when it is back. */
static void notice(struct probe *p, const struct lxd_answer *a)
{
        char away[32];

        if (a->status != LXD_OK && p->lost_ns == 0) {
                p->lost_ns = p->asked_ns;
                log_entry(LOG_WARNING, MESSAGE_ID_LXD_LOST, NULL, 0, "LXD does not answer: %s",
                          a->text);
        } else if (a->status == LXD_OK && p->lost_ns != 0) {
                log_entry(LOG_NOTICE, MESSAGE_ID_LXD_BACK, NULL, 0, "LXD answers again, after %s",
                          format_duration(now_monotonic_ns() - p->lost_ns, away, sizeof(away)));
                p->lost_ns = 0;
        }
}

static void on_answer(const struct lxd_answer *a, void *userdata)
{
        struct probe *p = userdata;

        p->call = NULL;
        notice(p, a);
        p->took_ns = now_monotonic_ns() - p->asked_ns;
        p->instances = a->status == LXD_OK && json_object_is_type(a->metadata, json_type_array)
                               ? (int64_t)json_object_array_length(a->metadata)
                               : -1;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct probe *p = userdata;

        if (!p->call) {
                p->asked_ns = now_monotonic_ns();
                if (lxd_request(p->lxd, "GET", "/1.0/instances", NULL, API_DEADLINE_NS, on_answer,
                                p, &p->call) < 0)
                        p->call = NULL;
        }
        sd_event_source_set_time_relative(s, API_PERIOD_USEC);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

int probe_new(sd_event *event, const char *lxd_socket, const char *state_dir, struct probe **ret)
{
        _cleanup_(probe_freep)
        struct probe *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->instances = p->took_ns = -1;
        r = lxd_new(event, lxd_socket, 1, &p->lxd);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &p->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, p);
        if (r < 0)
                return r;
        r = start_thread(p, state_dir);
        if (r < 0)
                return r;
        *ret = TAKE(p);
        return 0;
}

struct probe *probe_free(struct probe *p)
{
        if (!p)
                return NULL;
        sd_event_source_disable_unref(p->timer);
        lxd_free(p->lxd);
        if (p->host) {
                p->host->stop = true;
                host_unref(p->host);
        }
        free(p);
        return NULL;
}

int64_t probe_mem_available(struct probe *p)
{
        return p->host->mem_available;
}

void probe_fill(struct probe *p, struct msg_pong *ret)
{
        ret->api_instances = p->instances;
        ret->api_waiting = p->call != NULL;
        ret->api_ns = p->call ? now_monotonic_ns() - p->asked_ns : p->took_ns;
        /* A question just sent is not a slow one: show the last answer till then. */
        if (p->call && p->took_ns >= 0 && ret->api_ns < p->took_ns) {
                ret->api_ns = p->took_ns;
                ret->api_waiting = false;
        }
        ret->mounts = p->host->mounts;
        ret->mem_available = p->host->mem_available;
        ret->disk_free = p->host->disk_free;
        ret->rss = p->host->rss;
}
