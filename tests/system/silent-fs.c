/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * silent-fs DIRECTORY: a file system with one file, `silent`, a read of which is never answered.
 * Who reads it waits in the kernel, and cannot be killed once the question was taken, until this
 * process ends or its connection is aborted (/sys/fs/fuse/connections/NUMBER/abort).
 *
 * It prints NUMBER when it is mounted. It speaks the kernel's protocol itself (linux/fuse.h), as
 * much of it as a single file needs.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NAME "silent"
#define FILE_NODE 2
#define FILE_SIZE 4096
#define FOREVER   3600

static int answer(int fd, const struct fuse_in_header *in, int error, const void *body, size_t size)
{
        struct fuse_out_header out = {.unique = in->unique, .error = -error};
        struct iovec parts[] = {{&out, sizeof(out)}, {(void *)body, size}};

        out.len = (uint32_t)(sizeof(out) + size);
        return writev(fd, parts, size > 0 ? 2 : 1) < 0 ? -errno : 0;
}

static struct fuse_attr attributes(uint64_t node)
{
        struct fuse_attr a = {.ino = node, .nlink = 1, .blksize = 4096};

        a.mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644;
        a.size = node == FUSE_ROOT_ID ? 0 : FILE_SIZE;
        return a;
}

static int answer_init(int fd, const struct fuse_in_header *in)
{
        struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096};

        return answer(fd, in, 0, &out, sizeof(out));
}

static int answer_lookup(int fd, const struct fuse_in_header *in, const char *name)
{
        struct fuse_entry_out out = {.nodeid = FILE_NODE, .entry_valid = FOREVER};

        if (strcmp(name, FILE_NAME) != 0)
                return answer(fd, in, ENOENT, NULL, 0);
        out.attr_valid = FOREVER;
        out.attr = attributes(FILE_NODE);
        return answer(fd, in, 0, &out, sizeof(out));
}

static int answer_getattr(int fd, const struct fuse_in_header *in)
{
        struct fuse_attr_out out = {.attr_valid = FOREVER, .attr = attributes(in->nodeid)};

        return answer(fd, in, 0, &out, sizeof(out));
}

static int serve(int fd, const struct fuse_in_header *in, const void *body)
{
        struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};

        switch (in->opcode) {
        case FUSE_INIT: return answer_init(fd, in);
        case FUSE_LOOKUP: return answer_lookup(fd, in, body);
        case FUSE_GETATTR: return answer_getattr(fd, in);
        case FUSE_OPEN:
        case FUSE_OPENDIR: return answer(fd, in, 0, &opened, sizeof(opened));
        case FUSE_READ:
        case FUSE_INTERRUPT:
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET: return 0; /* the one is not answered, the others never are */
        case FUSE_RELEASE:
        case FUSE_RELEASEDIR:
        case FUSE_FLUSH: return answer(fd, in, 0, NULL, 0);
        default: return answer(fd, in, ENOSYS, NULL, 0);
        }
}

static int serve_all(int fd)
{
        static char buf[FUSE_MIN_READ_BUFFER + 65536]
                __attribute__((aligned(__alignof__(struct fuse_in_header))));

        for (;;) {
                const struct fuse_in_header *in = (const void *)buf;
                ssize_t n = read(fd, buf, sizeof(buf));
                int r;

                if (n < 0 && (errno == ENODEV || errno == ECONNABORTED))
                        return 0; /* aborted, or unmounted */
                if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
                        continue;
                if (n < (ssize_t)sizeof(*in))
                        return n < 0 ? -errno : -EIO;
                r = serve(fd, in, buf + sizeof(*in));
                if (r < 0 && r != -ENOENT) /* who asked has gone */
                        return r == -ENODEV ? 0 : r;
        }
}

/* The connection's number is the file system's minor; the mount table has it without a question
 * to ourselves. */
static int print_connection(const char *directory)
{
        char line[4096], where[2048];
        unsigned minor, found = 0;
        FILE *f = fopen("/proc/self/mountinfo", "re");

        if (!f)
                return -errno;
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "%*d %*d %*u:%u %*s %2047s", &minor, where) == 2 &&
                    strcmp(where, directory) == 0)
                        found = minor;
        fclose(f);
        if (found == 0)
                return -ENOENT;
        printf("%u\n", found);
        return fflush(stdout) == 0 ? 0 : -EIO;
}

int main(int argc, char **argv)
{
        char options[128];
        int fd, r;

        if (argc != 2) {
                fprintf(stderr, "usage: silent-fs DIRECTORY\n");
                return 64;
        }
        fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        if (fd < 0) {
                fprintf(stderr, "silent-fs: /dev/fuse: %s\n", strerror(errno));
                return 1;
        }
        snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
                 fd);
        if (mount("silent-fs", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
                fprintf(stderr, "silent-fs: %s cannot be mounted: %s\n", argv[1], strerror(errno));
                return 1;
        }
        r = print_connection(argv[1]);
        if (r == 0)
                r = serve_all(fd);
        (void)umount2(argv[1], MNT_DETACH); /* aborted; killed, it stays for who mounted it */
        if (r < 0)
                fprintf(stderr, "silent-fs: %s\n", strerror(-r));
        return r < 0;
}
