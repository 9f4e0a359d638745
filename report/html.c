/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A page out of its parts, made in memory as large as it may be; see html.h. */

#include "report/html.h"

#include <libgen.h>

#include "report/html-internal.h"
#include "report/output-file.h"

/* From all there is to what always has room. */
static const struct html_limits limits[] = {
        {.wedges = 1000, .outlived = 1000, .hosts = 200, .host_bands = true, .columns = 144},
        {.wedges = 300, .outlived = 300, .hosts = 100, .host_bands = true, .columns = 120},
        {.wedges = 300, .outlived = 300, .hosts = 100, .host_bands = false, .columns = 96},
        {.wedges = 100, .outlived = 100, .hosts = 40, .host_bands = false, .columns = 72},
        {.wedges = 20, .outlived = 20, .hosts = 20, .host_bands = false, .columns = 48},
};

static void write_asset(FILE *out, const struct html_asset *a, const char *tag)
{
        fprintf(out, "<%s>", tag);
        fwrite(a->text, 1, a->size, out);
        fprintf(out, "</%s>\n", tag);
}

static void write_head(const struct html_page *page)
{
        FILE *out = page->out;

        fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "base-uri 'none'; form-action 'none'; ",
              out);
        if (html_dygraphs.size > 0)
                fprintf(out, "script-src '%s' '%s'; ", html_dygraphs.hash, html_script.hash);
        fprintf(out,
                "style-src '%s'\">\n<meta name=\"viewport\" content=\"width=device-width, "
                "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<title>%s · run ",
                html_style.hash, verdict_word(page->summary->verdict));
        html_text(out, page->summary->run);
        fputs(" · lxdsoak</title>\n", out);
        write_asset(out, &html_style, "style");
        fputs("</head>\n<body>\n<a class=\"skip\" href=\"#phases\">Skip to the "
              "tables</a>\n<main>\n",
              out);
}

static void write_page(const struct html_page *page)
{
        write_head(page);
        html_write_top(page);
        html_write_missing(page);
        html_write_thresholds(page);
        html_write_phases(page);
        html_write_unended(page);
        html_write_density(page);
        html_write_wedges(page);
        html_write_lives(page);
        html_write_leaks(page);
        html_write_drift(page);
        html_write_outlived(page);
        html_write_errors(page);
        html_write_hosts(page);
        html_write_charts(page);
        html_write_ruler(page);
        html_write_notes(page);
        fputs("</main>\n", page->out);
        if (html_dygraphs.size > 0) {
                html_write_json(page);
                write_asset(page->out, &html_dygraphs, "script");
                write_asset(page->out, &html_script, "script");
        }
        fputs("</body>\n</html>\n", page->out);
}

/* The longest page that is no larger than it may be. */
static int make(struct html_page *page, char **ret, size_t *ret_size, struct error *err)
{
        for (size_t i = 0; i < ELEMENTSOF(limits); i++) {
                _cleanup_(freep)
                char *text = NULL;
                size_t size = 0;
                bool failed;

                page->limits = limits + i;
                page->out = open_memstream(&text, &size);
                if (!page->out)
                        return error_set(err, -ENOMEM, "out of memory");
                write_page(page);
                failed = ferror(page->out);
                if (fclose(page->out) != 0 || failed)
                        return error_set(err, -ENOMEM, "out of memory");
                if (size > HTML_SIZE_MAX)
                        continue;
                *ret = TAKE(text);
                *ret_size = size;
                return 0;
        }
        return error_set(err, -EFBIG, "the report would be larger than %d bytes", HTML_SIZE_MAX);
}

/* The directory a file is or will be in, absolute and without links or dots. */
static int directory_of(const char *path, char **ret, struct error *err)
{
        _cleanup_(freep)
        char *copy = strdup(path);
        char *full;

        if (!copy)
                return error_set(err, -ENOMEM, "out of memory");
        full = realpath(dirname(copy), NULL);
        if (!full)
                return error_set_errno(err, -errno, "%s: there is no such directory", path);
        *ret = full;
        return 0;
}

static int write_file(const char *path, const char *text, size_t size, struct error *err)
{
        _cleanup_(output_file_deinit)
        struct output_file o = {0};
        int r;

        r = output_file_open(path, &o, err);
        if (r < 0)
                return r;
        fwrite(text, 1, size, o.out); /* commit looks for errors */
        return output_file_commit(&o, err);
}

int report_html_write_summary(struct store *store, struct summary *summary, const char *path,
                              struct error *err)
{
        _cleanup_(html_data_freep)
        struct html_data *data = NULL;
        _cleanup_(freep)
        char *text = NULL, *run_dir = NULL, *page_dir = NULL;
        struct html_page page;
        size_t size = 0;
        int r;

        r = directory_of(store_path(store), &run_dir, err);
        if (r == 0)
                r = directory_of(path, &page_dir, err);
        if (r == 0)
                r = html_data_new(store, summary, &data, err);
        if (r < 0)
                return r;
        page = (struct html_page){
                .summary = summary, .data = data, .run_dir = run_dir, .page_dir = page_dir};
        r = make(&page, &text, &size, err);
        return r < 0 ? r : write_file(path, text, size, err);
}

int report_html_write(struct store *store, const char *path, struct error *err)
{
        _cleanup_(summary_freep)
        struct summary *summary = NULL;
        int r = summary_new(store, &summary, err);

        return r < 0 ? r : report_html_write_summary(store, summary, path, err);
}
