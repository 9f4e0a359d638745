/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* UTF-8 and whole text files; see text.h. It never looks at locale settings. */

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"

/* Length of the UTF-8 character at s, 0 if there is none. Table 3-7 of the Unicode standard. */
static size_t utf8_character(const unsigned char *s, size_t size)
{
        unsigned char lo = 0x80, hi = 0xbf;
        size_t n;

        if (s[0] < 0x80)
                return s[0] != 0;
        if (s[0] >= 0xc2 && s[0] <= 0xdf)
                n = 2;
        else if (s[0] >= 0xe0 && s[0] <= 0xef)
                n = 3;
        else if (s[0] >= 0xf0 && s[0] <= 0xf4)
                n = 4;
        else
                return 0;
        if (s[0] == 0xe0)
                lo = 0xa0;
        else if (s[0] == 0xed)
                hi = 0x9f;
        else if (s[0] == 0xf0)
                lo = 0x90;
        else if (s[0] == 0xf4)
                hi = 0x8f;
        if (size < n || s[1] < lo || s[1] > hi)
                return 0;
        for (size_t i = 2; i < n; i++)
                if (s[i] < 0x80 || s[i] > 0xbf)
                        return 0;
        return n;
}

bool utf8_valid(const char *s, size_t size)
{
        const unsigned char *p = (const unsigned char *)s;

        for (size_t i = 0; i < size;) {
                size_t n = p[i] ? utf8_character(p + i, size - i) : 1;

                if (n == 0)
                        return false;
                i += n;
        }
        return true;
}

size_t utf8_copy(char *dst, size_t dst_size, const char *src, size_t size)
{
        size_t out = 0;

        if (dst_size == 0)
                return 0;
        for (size_t i = 0; i < size;) {
                size_t n = utf8_character((const unsigned char *)src + i, size - i);

                if (out + MAX(n, (size_t)1) > dst_size - 1)
                        break;
                if (n == 0) {
                        dst[out++] = '?';
                        i++;
                        continue;
                }
                memmove(dst + out, src + i, n);
                out += n;
                i += n;
        }
        dst[out] = '\0';
        return out;
}

const char *text_printable(const char *s, char *buf, size_t size)
{
        size_t length = s ? strlen(s) : 0, n;

        if (size == 0)
                return "";
        n = utf8_copy(buf, size, s ? s : "", length);
        if (n < length && size > 3) {
                n = utf8_copy(buf, size - 3, s, length);
                memcpy(buf + n, "...", 4);
        }
        for (char *p = buf; *p; p++) {
                unsigned char c = (unsigned char)*p;

                /* C1 controls are 0xc2 0x80..0x9f in UTF-8 */
                if (c < 0x20 || c == 0x7f)
                        *p = '?';
                else if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
                        p[0] = p[1] = '?';
        }
        return buf;
}

int text_read_fd(int fd, size_t max, char **ret)
{
        _cleanup_(freep)
        char *text = NULL;
        size_t room = 0, n = 0;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        for (;;) {
                ssize_t k;

                if (room - n < 2) { /* one byte to read, one for NUL */
                        char *p;

                        room = room ? room * 2 : 4096;
                        p = realloc(text, room);
                        if (!p)
                                return -ENOMEM;
                        text = p;
                }
                k = read(fd, text + n, room - n - 1);
                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
                if (n > max)
                        return -EFBIG;
        }
        if (memchr(text, 0, n))
                return -EINVAL;
        text[n] = '\0';
        *ret = TAKE(text);
        return 0;
}

int text_read_file(const char *path, size_t max, char **ret)
{
        _cleanup_(closep)
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return -errno;
        return text_read_fd(fd, max, ret);
}

char *text_trim(char *line)
{
        char *end;

        line += strspn(line, " \t\r");
        end = line + strlen(line);
        while (end > line && strchr(" \t\r", end[-1]))
                end--;
        *end = '\0';
        return line;
}
