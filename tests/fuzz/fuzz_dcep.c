/* DCEP: what is accepted lies inside the message, and writes back to the same bytes. */
#include <stdlib.h>

#include "proto/dcep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[4096];
    struct dcep dcep;
    if (size > sizeof buf || dcep_parse(bytes_of(data, size), &dcep) != E_OK)
        return 0;
    struct wr w = wr_over(buf, sizeof buf);
    if (dcep_write(&w, &dcep) != E_OK || wr_len(&w) > size || memcmp(buf, data, wr_len(&w)) != 0)
        abort();
    return 0;
}
