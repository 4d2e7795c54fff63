/* ice_rig.h - an ice in virtual time with a scripted peer, for test_ice*.c. Header only. Everything the ice puts out is
 * recorded; the peer answers the checks that reach the addresses in its `answers` list, and no others. */
#ifndef TESTS_ICE_RIG_H
#define TESTS_ICE_RIG_H

#include <stdlib.h>

#include "media/ice.h"
#include "support/hex.h"
#include "support/stun_peer.h"

#define OUR_UFRAG  "00bridgeufrag1"
#define OUR_PWD    "bridgepasswordbridgepw26"
#define PEER_UFRAG "clnt"
#define PEER_PWD   "clientpasswordclientpw24"

struct seen {
    uint64_t at_us;
    enum ice_out_kind kind;
    bool proven;
    struct ice_path path;
    uint16_t len;
    uint8_t bytes[1200];
};

struct rig {
    struct ice *ice;
    uint64_t now_us;
    struct seen seen[4000];
    size_t count;
    struct ice_path answers[8];
    size_t answer_count;
    int answer_code; /* 0: success; else the error the peer answers with */
    uint8_t next_id;
};

static const uint64_t T0 = 1000000; /* tests start here */

static inline struct ice_path at(const char *ip, uint16_t port, uint8_t local)
{
    struct ice_path path = {.local = local};
    assert_int_equal(addr_parse(ip, port, &path.remote), E_OK);
    return path;
}

static inline struct ice_config rig_config(struct ice_local locals[3])
{
    for (uint8_t i = 0; i < 3; i++)
        locals[i].local = i;
    addr_parse("198.51.100.1", 10000, &locals[0].addr);
    addr_parse("2001:db8::1", 10000, &locals[1].addr);
    addr_parse("10.0.0.1", 10000, &locals[2].addr);
    return (struct ice_config){.ufrag = OUR_UFRAG,
                               .pwd = OUR_PWD,
                               .tie_breaker = 1000,
                               .controlling = true,
                               .worker = 7,
                               .locals = locals,
                               .local_count = 3};
}

static inline struct rig *rig_with(const struct ice_config *cfg)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    rig->now_us = T0;
    rig->ice = ice_new(cfg, T0);
    assert_non_null(rig->ice);
    return rig;
}
static inline struct rig *rig_new(void)
{
    struct ice_local locals[3];
    struct ice_config cfg = rig_config(locals);
    return rig_with(&cfg);
}
static inline void rig_free(struct rig *rig)
{
    ice_free(rig->ice);
    free(rig);
}

static inline void rig_drain(struct rig *rig);

static inline enum err rig_give(struct rig *rig, const struct ice_path *path, const uint8_t *m, size_t n)
{
    /* a heap copy, so that reads beyond the promised slack are found */
    uint8_t *copy = malloc(n + 32);
    memcpy(copy, m, n);
    memset(copy + n, 0xee, 32);
    enum err err = ice_on_datagram(rig->ice, rig->now_us, path, bytes_of(copy, n));
    free(copy);
    ice_check(rig->ice);
    rig_drain(rig);
    return err;
}

static inline void rig_answer(struct rig *rig, const struct ice_path *path, const uint8_t *request)
{
    uint8_t m[SP_CAP];
    size_t n = sp_write_answer(m, request, PEER_PWD, rig->answer_code,
                               rig_config((struct ice_local[3]){0}).locals[0].addr.ip, 4, 10000);
    rig_give(rig, path, m, n);
}

static inline void rig_drain(struct rig *rig)
{
    struct ice_out out;
    while (ice_poll(rig->ice, &out)) {
        assert_true(rig->count < COUNT(rig->seen));
        struct seen *seen = &rig->seen[rig->count++];
        *seen = (struct seen){rig->now_us, out.kind, out.proven, out.path, (uint16_t)out.datagram.n};
        assert_true(out.datagram.n <= sizeof seen->bytes);
        if (out.datagram.n)
            memcpy(seen->bytes, out.datagram.p, out.datagram.n);
        ice_check(rig->ice);
        if (out.kind != ICE_SEND || sp_get(seen->bytes, 2) != 0x0001)
            continue;
        assert_true(sp_verify(seen->bytes, seen->len, PEER_PWD));
        for (size_t i = 0; i < rig->answer_count; i++)
            if (ice_path_eq(&rig->answers[i], &out.path)) {
                rig_answer(rig, &out.path, seen->bytes);
                break;
            }
    }
}

/* Lets virtual time pass, jumping from deadline to deadline. */
static inline void rig_until(struct rig *rig, uint64_t until_us)
{
    for (;;) {
        uint64_t due = ice_deadline_us(rig->ice);
        if (due > until_us)
            break;
        rig->now_us = MAX(rig->now_us, due);
        ice_on_time(rig->ice, rig->now_us);
        rig_drain(rig);
        assert_true(ice_deadline_us(rig->ice) > rig->now_us); /* no spinning */
    }
    rig->now_us = until_us;
    ice_on_time(rig->ice, until_us);
    rig_drain(rig);
}
static inline void rig_pass(struct rig *rig, uint64_t us)
{
    rig_until(rig, rig->now_us + us);
}

static inline struct sp_request peer_check(struct rig *rig)
{
    return (struct sp_request){.username = OUR_UFRAG ":" PEER_UFRAG,
                               .key = OUR_PWD,
                               .tie_breaker = 5,
                               .priority = 1853824767,
                               .id = {1, 2, 3, rig->next_id++}};
}
static inline enum err rig_check(struct rig *rig, const struct ice_path *from)
{
    uint8_t m[SP_CAP];
    struct sp_request r = peer_check(rig);
    return rig_give(rig, from, m, sp_write_request(m, &r));
}
static inline void rig_credentials(struct rig *rig)
{
    assert_int_equal(ice_set_remote(rig->ice, rig->now_us, PEER_UFRAG, PEER_PWD, NULL, 0), E_OK);
    rig_drain(rig);
}
static inline void rig_answers(struct rig *rig, struct ice_path path)
{
    rig->answers[rig->answer_count++] = path;
}
static inline void rig_goes_silent(struct rig *rig)
{
    rig->answer_count = 0;
}

/* The n-th output of a kind since `from`, or NULL. */
static inline const struct seen *nth(const struct rig *rig, size_t from, enum ice_out_kind kind, size_t n)
{
    for (size_t i = from; i < rig->count; i++)
        if (rig->seen[i].kind == kind && n-- == 0)
            return &rig->seen[i];
    return NULL;
}
static inline const struct seen *nth_sent(const struct rig *rig, size_t from, uint16_t type, size_t n)
{
    for (size_t i = from; i < rig->count; i++)
        if (rig->seen[i].kind == ICE_SEND && sp_get(rig->seen[i].bytes, 2) == type && n-- == 0)
            return &rig->seen[i];
    return NULL;
}
static inline size_t how_many(const struct rig *rig, size_t from, enum ice_out_kind kind)
{
    size_t n = 0;
    while (nth(rig, from, kind, n))
        n++;
    return n;
}
static inline size_t how_many_sent(const struct rig *rig, size_t from, uint16_t type)
{
    size_t n = 0;
    while (nth_sent(rig, from, type, n))
        n++;
    return n;
}

/* Connected by a peer-reflexive check from path, credentials afterwards, as a browser does. */
static inline struct rig *rig_connected(struct ice_path path)
{
    struct rig *rig = rig_new();
    assert_int_equal(rig_check(rig, &path), E_OK);
    rig_answers(rig, path);
    rig_credentials(rig);
    rig_pass(rig, MS(100));
    assert_int_equal(ice_get_state(rig->ice), ICE_COMPLETED);
    return rig;
}

#endif
