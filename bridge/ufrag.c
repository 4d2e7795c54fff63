/* ufrag.c - see ufrag.h. */
#include "bridge/ufrag.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

static size_t prefix_len(const char *prefix)
{
    return prefix ? strnlen(prefix, UFRAG_PREFIX_MAX) : 0;
}

char *ufrag_write(const char *prefix, uint32_t worker, const uint8_t random[UFRAG_RANDOM], char out[UFRAG_TEXT_MAX])
{
    char *at = out;
    size_t n = prefix_len(prefix);
    if (n)
        memcpy(at, prefix, n);
    at += n;
    *at++ = digits[worker >> 5 & 31];
    *at++ = digits[worker & 31];
    for (int i = 0; i < UFRAG_RANDOM; i++)
        *at++ = digits[random[i] & 31];
    *at = '\0';
    return out;
}

char *ufrag_write_pwd(const uint8_t random[PWD_DIGITS], char out[PWD_DIGITS + 1])
{
    for (int i = 0; i < PWD_DIGITS; i++)
        out[i] = digits[random[i] & 31];
    out[PWD_DIGITS] = '\0';
    return out;
}

static int32_t digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

int32_t ufrag_worker(struct bytes ufrag, const char *prefix)
{
    size_t n = prefix_len(prefix);
    if (ufrag.n != n + UFRAG_DIGITS || (n && memcmp(ufrag.p, prefix, n) != 0))
        return -1;
    int32_t high = digit(ufrag.p[n]), low = digit(ufrag.p[n + 1]);
    return high < 0 || low < 0 ? -1 : high << 5 | low;
}
