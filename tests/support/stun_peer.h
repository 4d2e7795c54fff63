/* stun_peer.h - STUN as the other side speaks it, written from RFC 8489 alone: no code of ours or of libnice reads or
 * writes here. Header only, for tests and fuzz targets that link GnuTLS. */
#ifndef TESTS_STUN_PEER_H
#define TESTS_STUN_PEER_H

#include <gnutls/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SP_CAP = 2048 };

struct sp_request {
    const char *username, *key;
    const void *before, *after; /* raw attributes in front of and behind MESSAGE-INTEGRITY */
    size_t before_len, after_len;
    uint64_t tie_breaker;
    uint32_t priority; /* 0: leave it out */
    uint8_t id[12];
    bool controlling, use_candidate, no_integrity, bad_integrity, no_fingerprint, bad_fingerprint;
    uint16_t type; /* 0: 0x0001 */
};

static inline void sp_put(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}
static inline uint32_t sp_get(const uint8_t *p, int bytes)
{
    uint32_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}
static inline uint32_t sp_crc32(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? 0xedb88320 ^ crc >> 1 : crc >> 1;
    }
    return ~crc;
}
static inline size_t sp_attr(uint8_t *m, size_t n, uint16_t type, const void *value, size_t len)
{
    sp_put(m + n, type, 2);
    sp_put(m + n + 2, len, 2);
    memset(m + n + 4, 0, (len + 3) / 4 * 4);
    if (len)
        memcpy(m + n + 4, value, len);
    return n + 4 + (len + 3) / 4 * 4;
}
static inline size_t sp_sign(uint8_t *m, size_t n, const char *key, bool bad)
{
    uint8_t mac[20];
    sp_put(m + 2, n + 24 - 20, 2);
    gnutls_hmac_fast(GNUTLS_MAC_SHA1, key, strlen(key), m, n, mac);
    if (bad)
        mac[7] ^= 1;
    return sp_attr(m, n, 0x0008, mac, 20);
}
static inline size_t sp_fingerprint(uint8_t *m, size_t n, bool bad)
{
    uint8_t crc[4];
    sp_put(m + 2, n + 8 - 20, 2);
    sp_put(crc, sp_crc32(m, n) ^ 0x5354554e ^ bad, 4);
    return sp_attr(m, n, 0x8028, crc, 4);
}
static inline size_t sp_begin(uint8_t *m, uint16_t type, const uint8_t id[12])
{
    sp_put(m, type, 2);
    sp_put(m + 2, 0, 2);
    sp_put(m + 4, 0x2112a442, 4);
    memcpy(m + 8, id, 12);
    return 20;
}

static inline size_t sp_write_request(uint8_t m[SP_CAP], const struct sp_request *r)
{
    uint8_t v[8];
    size_t n = sp_begin(m, r->type ? r->type : 0x0001, r->id);
    if (r->username)
        n = sp_attr(m, n, 0x0006, r->username, strlen(r->username));
    sp_put(v, r->tie_breaker, 8);
    n = sp_attr(m, n, r->controlling ? 0x802a : 0x8029, v, 8);
    sp_put(v, r->priority, 4);
    if (r->priority)
        n = sp_attr(m, n, 0x0024, v, 4);
    if (r->use_candidate)
        n = sp_attr(m, n, 0x0025, NULL, 0);
    if (r->before_len)
        memcpy(m + n, r->before, r->before_len);
    n += r->before_len;
    if (!r->no_integrity)
        n = sp_sign(m, n, r->key, r->bad_integrity);
    if (r->after_len)
        memcpy(m + n, r->after, r->after_len);
    n += r->after_len;
    if (!r->no_fingerprint)
        n = sp_fingerprint(m, n, r->bad_fingerprint);
    sp_put(m + 2, n - 20, 2);
    return n;
}

/* The answer to a request: success with the address it came from, or an error when code is not 0. ip_len: 4 or 16. */
static inline size_t sp_write_answer(uint8_t m[SP_CAP], const uint8_t *request, const char *key, int code,
                                     const uint8_t *ip, size_t ip_len, uint16_t port)
{
    uint8_t v[20] = {0};
    size_t n = sp_begin(m, code ? 0x0111 : 0x0101, request + 8);
    if (code) {
        v[2] = (uint8_t)(code / 100);
        v[3] = (uint8_t)(code % 100);
        n = sp_attr(m, n, 0x0009, v, 4);
    } else if (ip_len) {
        v[1] = ip_len == 4 ? 1 : 2;
        sp_put(v + 2, port ^ 0x2112, 2);
        for (size_t i = 0; i < ip_len; i++)
            v[4 + i] = ip[i] ^ m[4 + i];
        n = sp_attr(m, n, 0x0020, v, 4 + ip_len);
    }
    n = sp_sign(m, n, key, false);
    return sp_fingerprint(m, n, false);
}

static inline const uint8_t *sp_find(const uint8_t *m, size_t n, uint16_t type, size_t *len)
{
    for (size_t at = 20; at + 4 <= n; at += 4 + (sp_get(m + at + 2, 2) + 3) / 4 * 4)
        if (sp_get(m + at, 2) == type) {
            *len = sp_get(m + at + 2, 2);
            return m + at + 4;
        }
    return NULL;
}
static inline bool sp_has(const uint8_t *m, size_t n, uint16_t type)
{
    size_t len;
    return sp_find(m, n, type, &len) != NULL;
}
static inline int sp_error_code(const uint8_t *m, size_t n)
{
    size_t len;
    const uint8_t *v = sp_find(m, n, 0x0009, &len);
    return v && len >= 4 ? v[2] * 100 + v[3] : 0;
}
/* Length, integrity and fingerprint are what they should be. */
static inline bool sp_verify(const uint8_t *m, size_t n, const char *key)
{
    uint8_t copy[SP_CAP], mac[20];
    size_t len;
    if (n < 20 || n > sizeof copy || sp_get(m + 2, 2) + 20 != n)
        return false;
    const uint8_t *integrity = sp_find(m, n, 0x0008, &len), *fp = sp_find(m, n, 0x8028, &len);
    if (!integrity || !fp || fp + 4 != m + n)
        return false;
    memcpy(copy, m, n);
    size_t at = (size_t)(integrity - 4 - m);
    sp_put(copy + 2, at + 24 - 20, 2);
    gnutls_hmac_fast(GNUTLS_MAC_SHA1, key, strlen(key), copy, at, mac);
    return memcmp(mac, integrity, 20) == 0 && sp_get(fp, 4) == (sp_crc32(m, n - 8) ^ 0x5354554e);
}

#endif
