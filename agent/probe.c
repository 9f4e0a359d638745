/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See probe.h. The thread only reads and stores numbers; nobody waits for it,
 * not even at the end. */

#include "agent/probe.h"

#include <inttypes.h>
#include <pthread.h>
#include <sys/statvfs.h>

#include "agent/lxd.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/message-ids.h"
#include "base/parse.h"

#define API_DEADLINE_NS  (600 * NSEC_PER_SEC) /* a question is not asked again because it waits */
#define OVERLOAD_PERCENT 50
#define PRESSURES        3 /* cpu, memory, io */

/* What is asked of LXD. */
enum question { Q_DAEMON, Q_LIST, Q_INSTANCE, Q_MAX_ };

static const uint64_t period_usec[] = {
        [Q_DAEMON] = 1000000, [Q_LIST] = 2000000, [Q_INSTANCE] = 2000000};

/* Shared with the thread, which may outlive the probe: last one frees. */
struct host {
        char state_dir[256];
        _Atomic int64_t mounts, mem_available, disk_free, rss;
        _Atomic int64_t daemon_pid;           /* given by the loop */
        _Atomic int daemon_state;             /* of that process */
        _Atomic int64_t pressure;             /* percent, the worst of cpu, memory and io */
        _Atomic int64_t waited_us[PRESSURES]; /* since the boot; -1 = not known */
        _Atomic int64_t load_milli;
        _Atomic int refs;
        _Atomic bool stop;
};

struct asking {
        struct probe *probe;
        struct lxd *lxd;
        sd_event_source *timer;
        struct lxd_call *call;
        int64_t sent_ns, took_ns; /* of the last one answered; -1 = none was */
        struct watch_question watch;
};

struct probe {
        struct asking asking[Q_MAX_];
        char path[NAME_SIZE * 4 + 64]; /* of the instance; "" = none */
        int64_t instances;
        int64_t pid;
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

/* The state of a process; 'X' if there is none, 0 if it is not known, as where other users'
 * processes are not shown (ProtectProc=). The name of the program, in parentheses, may hold
 * anything. */
static int process_state(int64_t pid)
{
        char path[48], line[256];
        _cleanup_(fclosep)
        FILE *f = NULL;
        const char *end;

        if (pid <= 0)
                return 0;
        snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
        f = fopen(path, "re");
        if (!f)
                return errno == ENOENT && access("/proc/1/stat", F_OK) == 0 ? 'X' : 0;
        if (!fgets(line, sizeof(line), f))
                return 0;
        end = strrchr(line, ')');
        return end && end[1] == ' ' ? end[2] : 0;
}

/* "some avg10=12.34 avg60=… avg300=… total=5678": percent of the last ten seconds in which
 * something waited, the worst of the three; and for how many µs since the boot, of each. */
static void read_pressure(struct host *h)
{
        static const char *const files[PRESSURES] = {"/proc/pressure/cpu", "/proc/pressure/memory",
                                                     "/proc/pressure/io"};
        int64_t most = -1;

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_(fclosep)
                FILE *f = fopen(files[i], "re");
                int64_t total = -1;
                char line[160];
                double some;

                if (f && fgets(line, sizeof(line), f) &&
                    sscanf(line, "some avg10=%lf avg60=%*f avg300=%*f total=%" SCNd64, &some,
                           &total) >= 1)
                        most = MAX(most, (int64_t)some);
                h->waited_us[i] = total;
        }
        h->pressure = most;
}

/* The load average of the last minute, in thousandths. */
static int64_t read_load(void)
{
        double load;

        return getloadavg(&load, 1) == 1 ? (int64_t)(load * 1000 + 0.5) : -1;
}

static void *host_thread(void *userdata)
{
        struct host *h = userdata;

        while (!h->stop) {
                struct statvfs vfs;

                h->daemon_state = process_state(h->daemon_pid);
                read_pressure(h);
                h->load_milli = read_load();
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
        h->mounts = h->mem_available = h->disk_free = h->rss = h->pressure = -1;
        h->load_milli = -1;
        for (size_t i = 0; i < PRESSURES; i++)
                h->waited_us[i] = -1;
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
static void notice(struct probe *p, const struct lxd_answer *a, int64_t asked_ns)
{
        char away[32];

        if (a->status != LXD_OK && p->lost_ns == 0) {
                p->lost_ns = asked_ns;
                log_entry(LOG_WARNING, MESSAGE_ID_LXD_LOST, NULL, 0, "LXD does not answer: %s",
                          a->text);
        } else if (a->status == LXD_OK && p->lost_ns != 0) {
                log_entry(LOG_NOTICE, MESSAGE_ID_LXD_BACK, NULL, 0, "LXD answers again, after %s",
                          format_duration(now_monotonic_ns() - p->lost_ns, away, sizeof(away)));
                p->lost_ns = 0;
        }
}

static int64_t daemon_pid(json_object *server)
{
        json_object *environment, *pid;

        if (!server || !json_object_is_type(server, json_type_object) ||
            !json_object_object_get_ex(server, "environment", &environment) ||
            !json_object_is_type(environment, json_type_object) ||
            !json_object_object_get_ex(environment, "server_pid", &pid))
                return 0;
        return MAX(json_object_get_int64(pid), 0);
}

static void read_answer(struct probe *p, enum question q, const struct lxd_answer *a)
{
        int64_t pid;

        switch (q) {
        case Q_DAEMON:
                pid = a->status == LXD_OK ? daemon_pid(a->metadata) : 0;
                if (pid > 0) {
                        p->pid = pid;
                        p->host->daemon_pid = pid;
                }
                return;
        case Q_LIST:
                notice(p, a, p->asking[q].sent_ns);
                p->instances =
                        a->status == LXD_OK && json_object_is_type(a->metadata, json_type_array)
                                ? (int64_t)json_object_array_length(a->metadata)
                                : -1;
                return;
        default: return;
        }
}

/* Nobody listens, as far as the error tells. */
static bool is_refused(const struct lxd_answer *a)
{
        return a->status == LXD_LOST && a->code != -ETIMEDOUT;
}

static void on_answer(const struct lxd_answer *a, void *userdata)
{
        struct asking *k = userdata;
        struct probe *p = k->probe;
        int64_t now = now_monotonic_ns();

        k->call = NULL;
        k->took_ns = now - k->sent_ns;
        k->watch.asked_ns = 0;
        if (a->status == LXD_OK || (k == &p->asking[Q_INSTANCE] && a->status == LXD_ERROR)) {
                k->watch.ok_ns = now;
                k->watch.failed_ns = 0;
        } else {
                if (!k->watch.failed_ns)
                        k->watch.failed_ns = k->sent_ns;
                k->watch.refused = is_refused(a);
                snprintf(k->watch.text, sizeof(k->watch.text), "%s", a->text);
        }
        read_answer(p, (enum question)(k - p->asking), a);
}

static const char *path_of(const struct probe *p, enum question q)
{
        static const char *const paths[] = {[Q_DAEMON] = "/1.0", [Q_LIST] = "/1.0/instances"};

        return q == Q_INSTANCE ? p->path : paths[q];
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        struct asking *k = userdata;
        enum question q = (enum question)(k - k->probe->asking);
        const char *path = path_of(k->probe, q);

        if (!k->call && path[0]) {
                k->sent_ns = now_monotonic_ns();
                if (lxd_request(k->lxd, "GET", path, NULL, API_DEADLINE_NS, on_answer, k,
                                &k->call) < 0)
                        k->call = NULL;
                else
                        k->watch.asked_ns = k->sent_ns;
        }
        sd_event_source_set_time_relative(s, period_usec[q]);
        sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return 0;
}

static int start_asking(struct probe *p, sd_event *event, const char *lxd_socket)
{
        for (int q = 0; q < Q_MAX_; q++) {
                struct asking *k = &p->asking[q];
                int r;

                k->probe = p;
                k->took_ns = -1;
                r = lxd_new(event, lxd_socket, 1, &k->lxd);
                if (r < 0)
                        return r;
                r = sd_event_add_time_relative(event, &k->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
                                               k);
                if (r < 0)
                        return r;
        }
        return 0;
}

int probe_new(sd_event *event, const char *lxd_socket, const char *state_dir, struct probe **ret)
{
        _cleanup_(probe_freep)
        struct probe *p = calloc(1, sizeof(*p));
        int r;

        if (!p)
                return -ENOMEM;
        p->instances = -1;
        r = start_asking(p, event, lxd_socket);
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
        for (int q = 0; q < Q_MAX_; q++) {
                sd_event_source_disable_unref(p->asking[q].timer);
                lxd_free(p->asking[q].lxd);
        }
        if (p->host) {
                p->host->stop = true;
                host_unref(p->host);
        }
        free(p);
        return NULL;
}

/* Our own names need no escaping, a project may. */
void probe_set_instance(struct probe *p, const char *project, const char *instance)
{
        _cleanup_(freep)
        char *escaped = lxd_escape(project);

        if (!instance[0] || !escaped)
                p->path[0] = '\0';
        else
                snprintf(p->path, sizeof(p->path), "/1.0/instances/%s%s%s", instance,
                         project[0] ? "?project=" : "", escaped);
}

int64_t probe_mem_available(struct probe *p)
{
        return p->host->mem_available;
}

void probe_view(struct probe *p, struct daemon_view *ret)
{
        ret->daemon = p->asking[Q_DAEMON].watch;
        ret->list = p->asking[Q_LIST].watch;
        ret->pid = p->pid;
        ret->state = (char)p->host->daemon_state;
}

bool probe_overloaded(struct probe *p)
{
        return p->host->pressure >= OVERLOAD_PERCENT;
}

/* How long it took, or has taken so far. A question just sent is not a slow one: the last
 * answer is shown till then. */
static int64_t fill_time(const struct asking *k, bool *ret_waiting)
{
        int64_t now = now_monotonic_ns();

        *ret_waiting = k->call && now - k->sent_ns > MAX(k->took_ns, INT64_C(0));
        return *ret_waiting ? now - k->sent_ns : k->took_ns;
}

void probe_fill(struct probe *p, struct msg_pong *ret)
{
        ret->daemon_ns = fill_time(&p->asking[Q_DAEMON], &ret->daemon_waiting);
        ret->api_ns = fill_time(&p->asking[Q_LIST], &ret->api_waiting);
        ret->instance_ns = fill_time(&p->asking[Q_INSTANCE], &ret->instance_waiting);
        if (!p->path[0]) {
                ret->instance_ns = -1;
                ret->instance_waiting = false;
        }
        ret->api_instances = p->instances;
        ret->mounts = p->host->mounts;
        ret->mem_available = p->host->mem_available;
        ret->disk_free = p->host->disk_free;
        ret->rss = p->host->rss;
}

void probe_fill_metrics(struct probe *p, int64_t *figures)
{
        static const int of[PRESSURES] = {METRIC_PSI_CPU_US, METRIC_PSI_MEMORY_US,
                                          METRIC_PSI_IO_US};

        for (size_t i = 0; i < PRESSURES; i++)
                figures[of[i]] = p->host->waited_us[i];
        figures[METRIC_LOAD_MILLI] = p->host->load_milli;
}
