/* Whatever the pre-check accepts is bounded by the datagram and stays refused when cut or extended; a plain second walk
 * over the accepted bytes must end exactly at their end and find the same integrity and user name. */
#include "proto/stun_walk.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void inside(struct bytes view, const uint8_t *data, size_t size)
{
    require(view.n == 0 || (view.p >= data && view.p + view.n <= data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stun_walk w, again;
    if (stun_walk_parse(bytes_of(data, size), &w) != E_OK)
        return 0;
    inside(w.username, data, size);
    inside(w.local_ufrag, data, size);
    inside(w.remote_ufrag, data, size);
    inside(bytes_of(w.id, 12), data, size);
    require(!w.local_ufrag.p || w.local_ufrag.n + 1 + w.remote_ufrag.n == w.username.n);
    require(stun_walk_parse(bytes_of(data, size - 4), &again) != E_OK);

    size_t at = 20, integrity_at = 0, username_at = 0;
    while (at < size) {
        unsigned type = data[at] << 8 | data[at + 1], len = data[at + 2] << 8 | data[at + 3];
        if (type == 8 && !integrity_at)
            integrity_at = at;
        if (type == 6 && !integrity_at && !username_at)
            username_at = at;
        at += 4 + (len + 3) / 4 * 4;
    }
    require(at == size);
    require(w.integrity == (integrity_at != 0));
    require(w.username.p == (username_at ? data + username_at + 4 : NULL));
    return 0;
}
