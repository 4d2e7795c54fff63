/* tx_edit.h - what a projection changes inside a payload or its dependency descriptor: fields to overwrite in a copy. Self-contained, so that it
 * can be kept with a sent packet and applied again for its retransmission. Meaning: project.h; keeping: tx_stream.h. */
#ifndef MEDIA_TX_EDIT_H
#define MEDIA_TX_EDIT_H

#include <stdbool.h>
#include <stdint.h>

struct tx_edit {
    uint16_t pictureid;
    uint8_t pictureid_at;  /* offset in the payload; 0: leave */
    uint8_t pictureid_len; /* 1: 7 bits, 2: 15 bits */
    uint8_t tl0picidx_at;  /* offset in the payload; 0: leave */
    uint8_t tl0picidx;
    bool dd, dd_masks; /* the dependency descriptor goes along, changed as struct dd_edit says */
    uint8_t dd_template_delta;
    uint16_t dd_frame_delta;
    uint32_t dd_mask;
};

#endif
