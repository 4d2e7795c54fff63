/* rtcp_path.h - RTCP in both directions of one endpoint (media.md 6): what its reports and feedback mean for the bridge,
 * and the reports, NACKs and key frame requests that the bridge sends it. */
#ifndef BRIDGE_RTCP_PATH_H
#define BRIDGE_RTCP_PATH_H

#include "media/media_pkt.h"
#include "proto/rtcp.h"

struct encoding;
struct endpoint;

void rtcp_on_datagram(struct endpoint *ep, struct bytes compound, uint64_t rx_us); /* decrypted */
void rtcp_send_keyframe_request(struct endpoint *to, uint32_t media_ssrc,
                                uint8_t fir_seq); /* PLI, or FIR if it lacks that */
void rtcp_send_nacks(struct endpoint *to, struct encoding *encoding, uint64_t now_us);
void rtcp_send_twcc(struct endpoint *to, uint64_t now_us);    /* all feedback that is due */
void rtcp_send_reports(struct endpoint *to, uint64_t now_us); /* RR about everything received lately */
void rtcp_forward_sr(struct encoding *from);                  /* the SR just stored, translated per receiver */

#endif
