/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel shows of a host, much of it in words of those who run there: /proc, cgroups,
 * mountinfo. The parts of the input become the files of a small tree, in this order; what is
 * not there is as below. It is scanned for one instance, examined, and what the helper then says
 * is read as the agent does. The tree is taken away at the end.
 */

#include <fcntl.h>
#include <ftw.h>
#include <json-c/json.h>
#include <limits.h>
#include <sys/stat.h>

#include "agent/facts.h"
#include "agent/helper-verbs.h"
#include "agent/scan.h"
#include "base/text.h"
#include "tests/fuzz/parts.h"

#define NAME "soak-abcd2345-1"

static const char *const files[] = {
        "/proc/509/stat",
        "/proc/509/cmdline",
        "/proc/509/comm",
        "/proc/1/mountinfo",
        "/proc/self/mountinfo",
        "/proc/74/cgroup",
        "/proc/509/status",
        "/proc/509/wchan",
        "/proc/509/stack",
        "/sys/fs/cgroup/lxc.payload." NAME "/cgroup.procs",
        "/sys/fs/cgroup/lxc.payload." NAME "/cgroup.events",
        "/proc/74/stat",
        "/proc/74/net/unix",
        "/proc/74/cmdline",
};

static char root[64];
static int root_fd = -1;

/* libc's: what is looked at twice is looked at without a pause. */
int usleep(useconds_t usec)
{
        return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void take_away(void)
{
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_dirs(const char *path)
{
        char dir[PATH_MAX];

        for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path - 1), path + 1);
                mkdirat(root_fd, dir, 0700);
        }
}

static void put(const char *path, const void *data, size_t size)
{
        int fd = openat(root_fd, path + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        close(fd);
}

static void begin(void)
{
        snprintf(root, sizeof(root), "%s/fuzz-host-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        require(mkdtemp(root));
        root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        require(root_fd >= 0);
        atexit(take_away);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                make_dirs(files[i]);
        make_dirs("/proc/74/fd/x");
        make_dirs("/var/lib/lxd/containers/x");
        make_dirs("/sys/class/net/veth1/x");
        require(symlinkat("/usr/bin/lxd", root_fd, "proc/509/exe") == 0);
        require(symlinkat("/usr/bin/lxd", root_fd, "proc/74/exe") == 0);
        require(symlinkat("socket:[4711]", root_fd, "proc/74/fd/3") == 0);
}

/* What there is unless the input says otherwise. */
static void put_usual(void)
{
#define USUAL(path, text) put(path, text, sizeof(text) - 1)
        static const char mounts[] =
                "35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                "99 24 0:44 / /var/lib/lxd/containers/" NAME "/rootfs rw - ext4 /dev/x rw\n";

        USUAL("/proc/509/stat", "509 (lxd) T 1 1 1 0");
        USUAL("/proc/509/cmdline", "[lxc monitor] /var/lib/lxd/containers " NAME);
        USUAL("/proc/509/comm", "lxd\n");
        USUAL("/proc/1/mountinfo", mounts);
        USUAL("/proc/self/mountinfo", mounts);
        USUAL("/proc/74/cgroup", "0::/system.slice/lxd.service\n");
        USUAL("/proc/509/status", "Name:\tlxd\nThreads:\t3\nSigPnd:\t0000000000000100\n");
        USUAL("/proc/509/wchan", "do_signal_stop");
        USUAL("/proc/509/stack", "[<0>] do_signal_stop+0x1\n");
        USUAL("/sys/fs/cgroup/lxc.payload." NAME "/cgroup.procs", "509\n");
        USUAL("/sys/fs/cgroup/lxc.payload." NAME "/cgroup.events", "populated 1\nfrozen 0\n");
        USUAL("/proc/74/stat", "74 (lxd) S 1 1 1 0");
        USUAL("/proc/74/net/unix", "0: 2 0 10000 1 1 4711 /var/lib/lxd/unix.socket\n");
        USUAL("/proc/74/cmdline", "/usr/bin/lxd\0--group\0lxd");
#undef USUAL
}

static void scan(void)
{
        struct error err = ERROR_INIT;
        struct scan *s;

        require(scan_new(root, "/var/lib/lxd", &s) == 0);
        require(scan_add_target(s, "", NAME, "veth1,00:16:3e:6e:e8:b0", &err) == 0);
        require(scan_run(s) == 0);
        require(s->n_items <= SCAN_ITEMS_PER_TARGET && s->n_daemons <= SCAN_DAEMONS_MAX);
        for (size_t i = 0; i < s->n_items; i++) {
                require(s->items[i].target == 0 && (int)s->items[i].kind < LEFTOVER_MAX_);
                require(utf8_valid(s->items[i].name, strlen(s->items[i].name)));
                require(utf8_valid(s->items[i].detail, strlen(s->items[i].detail)));
        }
        scan_free(s);
}

static void examine(void)
{
        static struct verb_progress progress;
        static char answer[512 * 1024];
        char request[] = "{\"lxd_dir\":\"/var/lib/lxd\",\"daemon_pid\":74,\"run\":\"abcd2345\","
                         "\"instance\":\"" NAME "\",\"project\":\"\"}";
        struct verb_context context = {.root = root, .id = 1, .progress = &progress};
        json_object *o = json_tokener_parse(request), *message, *messages = json_object_new_array();
        struct error err = ERROR_INIT;
        struct facts facts;
        void *checked = NULL;
        ssize_t n;

        (void)fuzz_file((const uint8_t *)"", 0, 0600, &context.out);
        require(verb_examine.check(o, &context, &checked, &err) == 0);
        require(verb_examine.run(checked, &context, &err) == 0);
        verb_examine.release(checked);
        n = pread(context.out, answer, sizeof(answer) - 1, 0);
        require(n > 0 && (size_t)n <= verb_examine.answer_max);
        answer[n] = '\0';
        message = json_tokener_parse(answer);
        require(message);
        json_object_array_add(messages, message);
        facts_read(messages, &facts);
        require(facts.known && utf8_valid(facts.mount, strlen(facts.mount)));
        require(utf8_valid(facts.monitor.comm, strlen(facts.monitor.comm)));
        json_object_put(messages);
        json_object_put(o);
        close(context.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct fuzz_parts rest = {data, size};
        const uint8_t *part;
        size_t n;

        if (root_fd < 0)
                begin();
        put_usual();
        for (size_t i = 0; i < ELEMENTSOF(files) && fuzz_part(&rest, &part, &n); i++)
                if (n > 0)
                        put(files[i], part, n);
        scan();
        examine();
        return 0;
}
