/* A hostile script for one ice: raw datagrams, requests signed with the right password around arbitrary attributes,
 * answers to its checks (right, wrong, from elsewhere), media, candidates, time. After every step the invariants hold,
 * nothing was said to anybody before authentication, media goes only where a check was answered, and no timer spins. */
#include <stdlib.h>

#include "media/ice.h"
#include "support/stun_peer.h"

#define OUR_PWD  "bridgepasswordbridgepw26"
#define PEER_PWD "clientpasswordclientpw24"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PLACES = 16 };

struct fuzz {
    struct ice *ice;
    uint64_t now_us;
    const uint8_t *p, *end;
    bool authentic;          /* something authentic, or candidates, came in: only now may anything go out */
    bool answered[PLACES];   /* a right answer was given from there */
    uint8_t request[SP_CAP]; /* its last check */
    size_t request_len;
    struct ice_path request_path;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static uint8_t next(struct fuzz *f)
{
    return f->p < f->end ? *f->p++ : 0;
}

static struct ice_path place(uint8_t i)
{
    return (struct ice_path){
        .remote = {.ip = {203, 0, 113, 1}, .port = (uint16_t)(1000 + i % PLACES), .family = ADDR_IP4}};
}

static void drain(struct fuzz *f)
{
    struct ice_out out;
    while (ice_poll(f->ice, &out)) {
        require(f->authentic);
        if (out.kind == ICE_SEND && sp_get(out.datagram.p, 2) == 0x0001) {
            require(sp_verify(out.datagram.p, out.datagram.n, PEER_PWD));
            f->request_len = out.datagram.n;
            memcpy(f->request, out.datagram.p, out.datagram.n);
            f->request_path = out.path;
        } else if (out.kind == ICE_SEND) {
            require(sp_verify(out.datagram.p, out.datagram.n, OUR_PWD));
        }
        ice_check(f->ice);
    }
    require(ice_deadline_us(f->ice) > f->now_us);
    const struct ice_path *to = ice_send_path(f->ice);
    require(!to || f->answered[to->remote.port - 1000]);
}

static enum err give(struct fuzz *f, uint8_t from, const uint8_t *m, size_t n)
{
    struct ice_path path = place(from);
    uint8_t *copy = malloc(n + 32);
    if (n)
        memcpy(copy, m, n);
    memset(copy + n, 0xee, 32);
    enum err err = ice_on_datagram(f->ice, f->now_us, &path, bytes_of(copy, n));
    free(copy);
    return err;
}

static void signed_request(struct fuzz *f)
{
    uint8_t m[SP_CAP], from = next(f), flags = next(f);
    size_t before = next(f) / 4 * 4, after = next(f) / 4 * 4;
    before = MIN(before, (size_t)(f->end - f->p) / 4 * 4);
    const uint8_t *attributes = f->p;
    f->p += before;
    after = MIN(after, (size_t)(f->end - f->p) / 4 * 4);
    struct sp_request r = {.username = "00bridgeufrag1:clnt",
                           .key = OUR_PWD,
                           .before = attributes,
                           .before_len = before,
                           .after = f->p,
                           .after_len = after,
                           .tie_breaker = (uint64_t)next(f) << 56,
                           .priority = flags & 1 ? 0 : 12345,
                           .id = {next(f), flags},
                           .controlling = flags & 2,
                           .use_candidate = flags & 4,
                           .no_fingerprint = flags & 8};
    f->p += after <= (size_t)(f->end - f->p) ? after : 0;
    size_t n = sp_write_request(m, &r);
    bool before_it = f->authentic;
    f->authentic = true;
    if (give(f, from, m, n) != E_OK)
        f->authentic = before_it;
}

static void answer(struct fuzz *f)
{
    static const int codes[] = {0, 0, 0, 0, 487, 400, 401, 403, 500};
    uint8_t m[SP_CAP], how = next(f), from = (uint8_t)(f->request_path.remote.port - 1000);
    if (!f->request_len)
        return;
    int code = codes[how % COUNT(codes)];
    size_t n = sp_write_answer(m, f->request, how & 128 ? OUR_PWD : PEER_PWD, code, (const uint8_t[4]){1, 2, 3, 4},
                               how & 64 ? 0 : 4, 9);
    if (how & 32)
        from++;
    if (give(f, from, m, n) == E_OK && code == 0)
        f->answered[from % PLACES] = true;
}

static void step(struct fuzz *f)
{
    struct ice_path path;
    struct ice_candidate candidate = {.type = ICE_HOST};
    uint8_t m[256];
    size_t n;
    switch (next(f) % 8) {
    case 0: /* raw bytes */
        path.local = next(f);
        n = next(f);
        n = MIN(n, (size_t)(f->end - f->p));
        memcpy(m, f->p, n);
        f->p += n;
        require(give(f, path.local, m, n) != E_OK);
        break;
    case 1:
    case 2: signed_request(f); break;
    case 3:
    case 4: answer(f); break;
    case 5:
        path = place(next(f));
        n = next(f);
        if (n & 2)
            ice_on_stray(f->ice, f->now_us, &path);
        else
            ice_on_media(f->ice, f->now_us, &path, n & 1);
        break;
    case 6:
        candidate.addr = place(next(f)).remote;
        candidate.type = next(f) % 4;
        f->authentic = true;
        ice_set_remote(f->ice, f->now_us, "clnt", PEER_PWD, &candidate, 1);
        break;
    case 7:
        f->now_us += MS(1) << next(f) % 17;
        ice_on_time(f->ice, f->now_us);
        break;
    }
    ice_check(f->ice);
    drain(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.now_us = SEC(1), .p = data, .end = data + size};
    struct ice_local local = {{.ip = {198, 51, 100, 1}, .port = 10000, .family = ADDR_IP4}, 0};
    struct ice_config cfg = {.ufrag = "00bridgeufrag1",
                             .pwd = OUR_PWD,
                             .tie_breaker = UINT64_C(1) << 60,
                             .controlling = !(size & 1),
                             .locals = &local,
                             .local_count = 1};
    f.ice = ice_new(&cfg, f.now_us);
    while (f.p < f.end)
        step(&f);
    ice_free(f.ice);
    return 0;
}
