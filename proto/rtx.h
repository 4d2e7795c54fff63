/* rtx.h - retransmission payload format, SSRC-multiplexed (RFC 4588).
 *
 * The payload of an RTX packet is the original sequence number (OSN) and then the original payload. Timestamp and marker
 * are the original's, extensions belong to the RTX packet. Views only: no byte moves. Thread: any. */
#ifndef PROTO_RTX_H
#define PROTO_RTX_H

#include "proto/rtp.h"

enum { RTX_OSN_LEN = 2 };

/* out: the original packet inside rtx (which must be unpadded), with apt and primary_ssrc in place of its own.
 * E_SHORT: no OSN inside, so nothing but padding; *out is then all zero. out may be rtx itself. */
enum err rtx_unwrap(const struct rtp_view *rtx, uint8_t apt, uint32_t primary_ssrc, struct rtp_view *out);

/* Writes header, extensions and OSN of the RTX packet that carries orig; the caller appends orig's payload. */
void rtx_write_header(struct wr *w, const struct rtp_view *orig, uint8_t rtx_pt, uint32_t rtx_ssrc, uint16_t rtx_seq,
                      const struct rtp_ext *exts, size_t ext_count);

#endif
