/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See names.h. Only looks at characters; whether a thing of that name exists is asked elsewhere. */

#include "proto/names.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

const char *check_run_id(const char *s)
{
        if (strlen(s) == RUN_ID_SIZE - 1 && s[strspn(s, DIGITS LOWER)] == '\0')
                return NULL;
        return "8 characters of 0-9 and a-z";
}

const char *check_run_id_or_empty(const char *s)
{
        return *s ? check_run_id(s) : NULL;
}

static bool is_instance_name(const char *s, size_t max)
{
        size_t n = strlen(s);

        return n > 0 && n <= max && s[strspn(s, LOWER UPPER DIGITS "-")] == '\0' &&
               strspn(s, LOWER UPPER) > 0 && s[n - 1] != '-';
}

const char *check_instance_name(const char *s)
{
        if (is_instance_name(s, NAME_SIZE - 1))
                return NULL;
        return "1 to 63 letters, digits and '-', with a letter first and no '-' at the end";
}

const char *check_instance_name_or_empty(const char *s)
{
        return *s ? check_instance_name(s) : NULL;
}

const char *check_prefix(const char *s)
{
        if (is_instance_name(s, PREFIX_MAX))
                return NULL;
        return "1 to " STR(PREFIX_MAX) " letters, digits and '-', with a letter first and no '-' "
                                       "at the end";
}

/* No control characters, no blanks, and nothing of `but`. */
static bool is_word(const char *s, const char *but)
{
        for (; *s; s++)
                if ((unsigned char)*s <= ' ' || *s == 0x7f || strchr(but, *s))
                        return false;
        return true;
}

const char *check_project(const char *s)
{
        if (is_word(s, "/\\'\"*?&#%") && !streq(s, ".") && !streq(s, ".."))
                return NULL;
        return "the name of a project of LXD, without blanks, quotes and any of / \\ * ? & # %";
}

const char *check_image(const char *s)
{
        if (*s && is_word(s, "\\'\"?#%"))
                return NULL;
        return "an alias or fingerprint of an image, without blanks, quotes and any of \\ ? # %";
}

const char *check_image_or_empty(const char *s)
{
        return *s ? check_image(s) : NULL;
}

const char *check_evidence_file(const char *s)
{
        size_t n = strlen(s);

        if (n > 0 && n <= EVIDENCE_NAME_MAX - 28 && s[0] != '/' && s[0] != '.' && s[n - 1] != '/' &&
            !strstr(s, "..") && !strstr(s, "//") && !strstr(s, "/.") &&
            s[strspn(s, LOWER UPPER DIGITS "._/-")] == '\0')
                return NULL;
        return "a relative path of letters, digits and any of . _ - /, without ..";
}

const char *check_evidence_file_or_empty(const char *s)
{
        return *s ? check_evidence_file(s) : NULL;
}

const char *check_evidence_directory(const char *s)
{
        if (!strchr(s, '/') && !check_evidence_file(s))
                return NULL;
        return "a name of letters, digits and any of . _ -, without ..";
}

const char *check_evidence_directory_or_empty(const char *s)
{
        return *s ? check_evidence_directory(s) : NULL;
}

void evidence_host_name(const char *label, size_t index, char *buf, size_t size)
{
        size_t n = 0;
        bool plain = true;

        for (; label[n] && n < size - 24; n++) {
                buf[n] = label[n];
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-",
                            label[n]) ||
                    (n == 0 && label[n] == '.')) {
                        buf[n] = '_';
                        plain = false;
                }
        }
        if (plain && !label[n])
                buf[n] = '\0';
        else
                snprintf(buf + n, size - n, "-%zu", index + 1);
}

const char *check_one_line(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f)
                        return "text without control characters";
        return NULL;
}
