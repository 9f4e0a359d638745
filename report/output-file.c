/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See output-file.h. */

#include "report/output-file.h"

#include <fcntl.h>
#include <sys/stat.h>

static int open_as_it_is(struct output_file *o, struct output_file *ret, struct error *err)
{
        o->out = fopen(o->path, "we");
        if (!o->out) {
                int r = error_set_errno(err, -errno, "%s cannot be written", o->path);
                free(o->path);
                return r;
        }
        *ret = *o;
        return 0;
}

int output_file_open(const char *path, struct output_file *ret, struct error *err)
{
        struct output_file o = {.path = strdup(path)};
        struct stat st;
        mode_t mask;
        char *real;
        int fd;

        if (!o.path)
                return error_set(err, -ENOMEM, "out of memory");
        if (streq(path, "-")) {
                o.out = stdout;
                *ret = o;
                return 0;
        }
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return open_as_it_is(&o, ret, err);
        real = realpath(path, NULL);
        if (real) {
                free(o.path);
                o.path = real;
        }
        if (asprintf(&o.temporary, "%s.XXXXXX", o.path) < 0) {
                free(o.path);
                return error_set(err, -ENOMEM, "out of memory");
        }
        fd = mkostemp(o.temporary, O_CLOEXEC);
        if (fd < 0) {
                error_set_errno(err, -errno, "%s cannot be written", path);
                free(o.path);
                free(o.temporary);
                return err ? err->code : -EIO;
        }
        /* as any other file would be */
        mask = umask(0);
        umask(mask);
        (void)!fchmod(fd, 0666 & ~mask);
        o.out = fdopen(fd, "w");
        if (!o.out) {
                close(fd);
                output_file_deinit(&o);
                return error_set(err, -ENOMEM, "out of memory");
        }
        *ret = o;
        return 0;
}

int output_file_commit(struct output_file *o, struct error *err)
{
        bool bad = fflush(o->out) != 0 || ferror(o->out);

        if (bad)
                return error_set_errno(err, errno > 0 ? -errno : -EIO, "%s cannot be written",
                                       o->path);
        if (!o->temporary)
                return 0;
        if (rename(o->temporary, o->path) < 0)
                return error_set_errno(err, -errno, "%s cannot be written", o->path);
        free(o->temporary);
        o->temporary = NULL;
        return 0;
}

void output_file_deinit(struct output_file *o)
{
        if (o->out && o->out != stdout)
                fclose(o->out);
        if (o->temporary)
                unlink(o->temporary);
        free(o->temporary);
        free(o->path);
        *o = (struct output_file){0};
}
