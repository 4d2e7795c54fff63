/* tx_edit.h - what a projection changes inside a payload: fields to overwrite in a copy of it. Self-contained, so that it
 * can be kept with a sent packet and applied again for its retransmission. Meaning: project.h; keeping: tx_stream.h. */
#ifndef MEDIA_TX_EDIT_H
#define MEDIA_TX_EDIT_H

#include <stdint.h>

struct tx_edit {
    uint16_t pictureid;
    uint8_t pictureid_at;  /* offset in the payload; 0: leave */
    uint8_t pictureid_len; /* 1: 7 bits, 2: 15 bits */
    uint8_t tl0picidx_at;  /* offset in the payload; 0: leave */
    uint8_t tl0picidx;
};

#endif
