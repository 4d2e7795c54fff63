/* path_rig.h - a worker without its thread, in virtual time, with peers that have SRTP keys but no ICE and DTLS: what a
 * packet becomes on its way through the bridge can be looked at one by one. What the bridge sends crosses real sockets
 * on loopback. */
#ifndef TESTS_PATH_RIG_H
#define TESTS_PATH_RIG_H

#include "bridge/endpoint.h"
#include "bridge/rx_path.h"
#include "proto/rtp.h"
#include "support/hex.h"

enum { RIG_OPUS = 111, RIG_VP8 = 100, RIG_RTX = 96, RIG_LEVEL_ID = 1, RIG_TWCC_ID = 5, RIG_MID_ID = 10 };

struct rig {
    struct config config;
    struct bridge bridge;
    struct dtls_identity *identity;
    struct worker *worker;
    uv_loop_t loop;
    struct conference *conf;
    struct control_report last_report; /* to the control thread; run the loop to have them come in */
    unsigned report_count;
};

struct peer {
    struct rig *rig;
    struct endpoint *ep;
    struct msrtp *srtp; /* the client's side */
    int fd;
    uint32_t audio_ssrc, video_ssrc[3], rtx_ssrc[3];
    uint16_t audio_seq, video_seq[3];
    uint32_t twcc;
};

struct got { /* one datagram that a peer received, decrypted */
    bool rtcp;
    uint8_t data[2048];
    size_t len;
    struct rtp_view rtp;
};

void rig_open(struct rig *rig);
void rig_open_with(struct rig *rig, void (*configure)(struct config *config)); /* changes the defaults */
void rig_close(struct rig *rig);
void rig_pass_time(struct rig *rig, uint64_t us); /* fires timers on the way */

void peer_join(struct rig *rig, struct peer *peer, uint32_t serial,
               bool rewriting); /* with a microphone and a camera */
void rig_media(
    struct media_spec *media); /* what peers signal when they join: endpoint_set_media() for something else */
void peer_leave(struct peer *peer);
/* The usual call: two peers that rewrite SSRCs. configure: as above, or NULL. */
void rig_open_call(struct rig *rig, struct peer *alice, struct peer *bob, void (*configure)(struct config *config));
void rig_close_call(struct rig *rig, struct peer *alice, struct peer *bob);
void peer_wants(struct peer *peer, int max_height); /* of every video source */

/* Seals and delivers. level: RFC 6464, or -1 for none. */
void peer_audio(struct peer *peer, uint16_t seq, uint32_t ts, int level);
/* One VP8 packet that is a whole frame: picture id and temporal layer 0. */
void peer_video(struct peer *peer, unsigned encoding, uint16_t seq, uint32_t ts, uint16_t pictureid, bool keyframe);
/* `frames` frames at 30 a second on all three encodings; a key frame first, if `key`. */
void peer_simulcast(struct peer *peer, int frames, bool key);
void peer_rtp(struct peer *peer, const struct rtp_view *view, struct bytes payload);
void peer_rtp_with(struct peer *peer, const struct rtp_view *view, const struct rtp_ext *exts, size_t ext_count,
                   struct bytes payload);
void peer_raw(struct peer *peer, struct bytes rtp); /* a whole packet, still without SRTP */
void peer_rtcp(struct peer *peer, struct bytes compound);

bool peer_recv(struct peer *peer, struct got *got);                 /* flushes; false: nothing is there */
bool peer_recv_sealed(struct peer *peer, struct got *got);          /* as it came over the wire */
bool peer_recv_rtp(struct peer *peer, struct got *got, uint8_t pt); /* skips what is not RTP of this type */
bool peer_recv_rtcp(struct peer *peer, struct got *got, uint8_t type, uint8_t count);
void peer_drain(struct peer *peer);

#endif
