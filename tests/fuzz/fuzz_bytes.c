/* Property: whatever is asked of a cursor, it never yields a byte outside its input. */
#include <assert.h>

#include "proto/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rd ops = rd_over(bytes_of(data, size / 2));
    struct bytes in = bytes_of(data + size / 2, size - size / 2);
    struct rd r = rd_over(in);
    while (rd_left(&ops)) {
        uint8_t op = rd_u8(&ops, "op");
        switch (op % 5) {
        case 0: rd_u8(&r, "u8"); break;
        case 1: rd_u32(&r, "u32"); break;
        case 2: rd_u64(&r, "u64"); break;
        case 3: {
            struct bytes b = rd_bytes(&r, op, "bytes");
            assert(b.n == 0 || (b.p >= in.p && b.p + b.n <= in.p + in.n));
            break;
        }
        case 4: {
            struct rd sub = rd_sub(&r, op, "sub");
            assert(rd_left(&sub) == 0 || sub.end <= in.p + in.n);
            break;
        }
        }
        assert(r.pos >= r.base && r.pos <= r.end);
    }
    return 0;
}
