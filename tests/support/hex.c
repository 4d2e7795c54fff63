/* hex.c - see hex.h. */
#include "support/hex.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower(c);
    if (c < 'a' || c > 'f')
        fail_msg("not a hex digit: %c", c);
    return c - 'a' + 10;
}

struct bytes from_hex(const char *hex, uint8_t *buf, size_t cap)
{
    size_t n = 0;
    for (const char *p = hex; *p;) {
        if (isspace((unsigned char)*p)) {
            p++;
            continue;
        }
        if (!p[1] || n == cap)
            fail_msg("odd or too long: %s", hex);
        buf[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
        p += 2;
    }
    return bytes_of(buf, n);
}

struct bytes from_bits(const char *bits, uint8_t *buf, size_t cap)
{
    size_t n = 0;
    memset(buf, 0, cap);
    for (; *bits; bits++)
        if (*bits != ' ') {
            if ((*bits != '0' && *bits != '1') || n / 8 == cap)
                fail_msg("not a bit, or too long: %s", bits);
            buf[n / 8] |= (uint8_t)((*bits - '0') << (7 - n % 8));
            n++;
        }
    return bytes_of(buf, (n + 7) / 8);
}

struct bytes read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    size_t cap = 1 << 16, n = 0;
    uint8_t *buf = malloc(cap);
    for (size_t got; (got = fread(buf + n, 1, cap - n, f)) > 0;) {
        n += got;
        if (n == cap)
            buf = realloc(buf, cap *= 2);
    }
    fclose(f);
    return bytes_of(buf, n);
}
