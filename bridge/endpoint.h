/* endpoint.h - one participant on its worker: its transport (ICE, DTLS, SRTP, data channel), what it sends (sources), and
 * what it is shown (tracks).
 *
 * Owner: its conference. Thread: the worker. The struct is open because the paths (rx_path, tx_path, rtcp_path, channel)
 * are one program cut into files; outside of those use the functions. */
#ifndef BRIDGE_ENDPOINT_H
#define BRIDGE_ENDPOINT_H

#include "bridge/bwe_path.h"
#include "bridge/conference.h"
#include "bridge/endpoint_ice.h"
#include "bridge/receiver.h"
#include "bridge/source.h"
#include "media/dtls.h"
#include "media/early_queue.h"
#include "media/msrtp.h"
#include "media/remb_rx.h"
#include "media/rtt.h"
#include "media/twcc_rx.h"
#include "proto/rtp_ext.h"

enum {
    ENDPOINT_SSRCS_MAX = 128, /* signalled SSRCs looked up per packet; primary and RTX each count */
    ENDPOINT_EXT_IDS = 16,    /* header extension ids 1..15; higher ones are not negotiated by the stock focus */
};

struct payload_info { /* what a payload type number means for this endpoint */
    uint8_t codec;    /* enum codec */
    uint8_t kind;     /* enum colibri2_kind */
    bool known, rtx;
    uint8_t apt;    /* rtx: what it repairs */
    uint8_t rtx_pt; /* its own rtx payload type; 0: none */
    uint32_t clock_hz;
};

struct endpoint {
    struct list node; /* in conference.endpoints */
    struct conference *conf;
    struct worker *worker;
    uint32_t serial;
    char id[CONTROL_ID_LEN];
    struct worker *home;  /* NULL: it lives here. Else this is a mirror without a transport, see shard.h */
    uint64_t mirrored_on; /* at home: workers */
    bool visitor, audio_muted, video_muted;
    uint64_t created_us, active_us; /* active: last authentic packet or consent; 0: never */
    bool shown_inactive;            /* what the others were told last */

    /* transport */
    struct endpoint_ice ice;
    struct dtls *dtls;
    struct msrtp *srtp; /* NULL until DTLS is up */
    struct early_queue early;
    struct demux_owner owner;
    struct udp_dest dest;      /* where media goes; valid while sendable */
    struct udp_dest stun_dest; /* scratch for checks on other paths */
    bool sendable;             /* a consented path exists */
    struct timer dtls_timer, report_timer, twcc_timer, nack_timer, stats_timer, connection_timer;
    bool wants_channel, channel_asked, channel_ready;

    /* what it sends */
    bool accepts_audio, accepts_video, does_twcc, does_remb, does_pli;
    uint64_t media_us; /* when the next three were signalled last */
    struct payload_info payloads[128];
    uint8_t ext_kind[ENDPOINT_EXT_IDS]; /* id -> enum rtp_ext_kind */
    uint8_t ext_id[RTP_EXT_KINDS];      /* and back; 0: not negotiated */
    struct list sources;
    struct ssrc_entry {
        uint32_t ssrc;
        bool rtx;
        struct encoding *encoding;
    } ssrcs[ENDPOINT_SSRCS_MAX];
    size_t ssrc_count;
    struct twcc_rx *twcc;
    struct remb_rx *remb; /* NULL: it needs none */
    uint64_t rx_packets, rx_bytes;

    /* what it is shown */
    struct receiver receiver;
    uint16_t twcc_tx_seq; /* the next one */
    struct bwe bwe;
    uint64_t downlink_bps; /* what its link carries, as estimated; 0: unknown */
    struct rtt rtt;
};

struct endpoint *endpoint_new(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec);
struct endpoint *endpoint_new_mirror(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec,
                                     struct worker *home); /* for shard.c */
void endpoint_free(struct endpoint *ep);

/* What control says. Specs stay the caller's. */
void endpoint_set_media(struct endpoint *ep, const struct media_spec *spec);
void endpoint_set_transport(struct endpoint *ep, const struct transport_spec *spec);
void endpoint_set_sources(struct endpoint *ep, const struct source_set *set);
void endpoint_force_mute(struct endpoint *ep, bool audio, bool video);
void endpoint_initial_last_n(struct endpoint *ep, int32_t last_n);

/* What arrives. The packet is the callee's. */
void endpoint_on_datagram(struct endpoint *ep, const struct demux_verdict *verdict, const struct ice_path *path,
                          struct pkt *pkt);

void endpoint_start_dtls(struct endpoint *ep); /* the first pair is valid */

/* The bridge channel (channel.c). */
void endpoint_send_connection_stats(struct endpoint *ep, uint64_t downlink_bps); /* 0: unknown, nothing is sent */
void endpoint_on_channel_ready(struct endpoint *ep);
void endpoint_on_channel_text(struct endpoint *ep, struct bytes text);
void endpoint_on_channel_packet(struct endpoint *ep, struct bytes packet);
void endpoint_on_channel_closed(struct endpoint *ep);
void endpoint_send_text(struct endpoint *ep, char *text); /* takes the text; without an open channel it is dropped */

/* Media may be sent to it: ICE and DTLS are up. */
static inline bool endpoint_is_up(const struct endpoint *ep)
{
    return ep->srtp && ep->sendable;
}

/* ICE failed, or inactive for too long: tells control and frees it. */
void endpoint_gone(struct endpoint *ep);

#endif
