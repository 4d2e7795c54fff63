/* shard.c - see shard.h. */
#include "bridge/shard.h"

#include "bridge/forward.h"
#include "bridge/rtcp_path.h"

enum { SHARD_RECEIVER = 0x7fffff00 }; /* + worker: among the receivers in struct demand; serials count up from 1 */

struct envelope { /* in the data of a packet */
    uint32_t ep_serial, ssrc;
    bool is_sr;
    union {
        struct media_pkt m; /* with a reference to its packet */
        struct rx_sr sr;
    } u;
};
_Static_assert(sizeof(struct envelope) <= PKT_CAP, "an envelope fits a packet");

struct want {
    uint32_t ssrc; /* of the first encoding */
    int height;
    unsigned worker;
    bool included;
};

static struct source *source_by_ssrc(struct endpoint *ep, uint32_t ssrc)
{
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        if (source_primary_ssrc(source) == ssrc)
            return source;
    }
    return NULL;
}

static void post(const struct endpoint *ep, unsigned worker, enum worker_msg_kind kind, int number, const void *bytes,
                 size_t len)
{
    struct worker_msg *msg = worker_msg_new(kind, ep->conf->serial, ep->serial, bytes, len);
    msg->number = number;
    worker_post(ep->worker->bridge->workers[worker], msg);
}

/* ---- home to mirrors ---- */

static void send_envelopes(const struct source *source, const struct envelope *envelope)
{
    struct worker *w = source->owner->worker;
    for (uint64_t left = source->wanted_by; left; left &= left - 1) {
        struct pkt *pkt = pkt_alloc(w->pool);
        if (!pkt) {
            demux_count(w->demux, DROP_HANDOVER);
            return;
        }
        memcpy(pkt->data, envelope, sizeof *envelope);
        if (!envelope->is_sr)
            pkt_ref(envelope->u.m.pkt);
        pkt->msg.kind = W_SHARD_PACKET;
        inbox_post(w->bridge->workers[__builtin_ctzll(left)]->inbox, &pkt->msg);
    }
}

void shard_send_media(struct encoding *encoding, const struct media_pkt *m)
{
    struct envelope envelope = {.ep_serial = encoding->source->owner->serial, .ssrc = encoding->ssrc, .u.m = *m};
    send_envelopes(encoding->source, &envelope);
}

void shard_send_sr(struct encoding *encoding)
{
    struct envelope envelope = {
        .ep_serial = encoding->source->owner->serial, .ssrc = encoding->ssrc, .is_sr = true, .u.sr = encoding->rx.sr};
    send_envelopes(encoding->source, &envelope);
}

void shard_send_video_type(struct endpoint *ep, const char *name, enum bridge_video_type type)
{
    for (uint64_t left = ep->mirrored_on; left; left &= left - 1)
        post(ep, (unsigned)__builtin_ctzll(left), W_SHARD_VIDEO_TYPE, (int)type, name, strlen(name) + 1);
}

void shard_send_activity(struct endpoint *ep)
{
    for (uint64_t left = ep->mirrored_on; left; left &= left - 1)
        post(ep, (unsigned)__builtin_ctzll(left), W_SHARD_INACTIVE, ep->shown_inactive, NULL, 0);
}

static void on_hello(struct endpoint *ep, unsigned worker)
{
    ep->mirrored_on |= 1ull << worker;
    list_for_each (it, &ep->sources) {
        struct source *source = container_of(it, struct source, node);
        if (source->kind == COLIBRI2_VIDEO)
            shard_send_video_type(ep, source->name, source->video_type);
    }
    if (ep->shown_inactive)
        shard_send_activity(ep);
}

static void on_want(struct endpoint *ep, const struct want *want)
{
    struct source *source = source_by_ssrc(ep, want->ssrc);
    if (!source)
        return;
    uint64_t bit = 1ull << want->worker;
    source->wanted_by = want->height ? source->wanted_by | bit : source->wanted_by & ~bit;
    if (source->kind == COLIBRI2_AUDIO) {
        source->included_by = want->included ? source->included_by | bit : source->included_by & ~bit;
        conference_audio_unbound(ep->conf);
    } else if (demand_set(&source->demand, SHARD_RECEIVER + want->worker, want->height)) {
        source_tell_demand(source);
    }
}

/* ---- mirrors to home ---- */

struct endpoint *shard_mirror_new(struct conference *conf, uint32_t serial, const struct endpoint_spec *spec,
                                  unsigned home)
{
    struct worker *w = conf->worker;
    if (home >= w->bridge->worker_count || home >= SHARD_WORKERS_MAX || w->index >= SHARD_WORKERS_MAX ||
        home == w->index)
        return NULL;
    struct endpoint *ep = endpoint_new_mirror(conf, serial, spec, w->bridge->workers[home]);
    post(ep, home, W_SHARD_HELLO, (int)w->index, NULL, 0);
    return ep;
}

void shard_want(struct source *source, int height)
{
    struct endpoint *ep = source->owner;
    struct want want = {.ssrc = source_primary_ssrc(source),
                        .height = height,
                        .worker = ep->worker->index,
                        .included = source->included};
    post(ep, ep->home->index, W_SHARD_WANT, 0, &want, sizeof want);
}

void shard_want_keyframe(struct source *source)
{
    uint32_t ssrc = source_primary_ssrc(source);
    post(source->owner, source->owner->home->index, W_SHARD_KEYFRAME, 0, &ssrc, sizeof ssrc);
}

void shard_send_text(struct endpoint *mirror, const char *text)
{
    post(mirror, mirror->home->index, W_SHARD_TEXT, 0, text, strlen(text) + 1);
}

/* ---- what arrives ---- */

static void on_media(struct encoding *encoding, struct media_pkt *m)
{
    struct source *source = encoding->source;
    m->encoding = encoding->index;
    if (source->kind == COLIBRI2_AUDIO) { /* who is loud enough may differ for a moment: nor may that look like loss */
        if (m->has_level && !conference_on_level(source->owner->conf, source, m->level, m->rx_us)) {
            seq_hide_drop(&encoding->hide, m->seq_wide);
            return;
        }
        m->seq_wide = seq_hide_accept(&encoding->hide, m->seq_wide);
        m->seq = (uint16_t)m->seq_wide;
    }
    if (!encoding->history || history_put(encoding->history, m))
        forward_media(encoding, m);
}

static void on_sr(struct encoding *encoding, const struct rx_sr *sr)
{
    encoding->rx.sr = *sr;
    rtcp_forward_sr(encoding);
}

static struct encoding *mirrored_encoding(struct worker *w, uint32_t ep_serial, uint32_t ssrc)
{
    struct endpoint *ep = map_get_u32(&w->endpoints, ep_serial);
    for (size_t i = 0; ep && ep->home && i < ep->ssrc_count; i++)
        if (ep->ssrcs[i].ssrc == ssrc && !ep->ssrcs[i].rtx)
            return ep->ssrcs[i].encoding;
    return NULL;
}

void shard_on_packet(struct worker *w, struct pkt *pkt)
{
    struct envelope in;
    memcpy(&in, pkt->data, sizeof in);
    struct encoding *encoding = mirrored_encoding(w, in.ep_serial, in.ssrc); /* may be gone: the two sides race */
    if (encoding && in.is_sr)
        on_sr(encoding, &in.u.sr);
    else if (encoding)
        on_media(encoding, &in.u.m);
    if (!in.is_sr)
        pkt_unref(in.u.m.pkt);
    pkt_drop(pkt);
}

void shard_on_msg(struct endpoint *ep, const struct worker_msg *msg)
{
    struct source *source;
    struct want want;
    uint32_t ssrc;
    switch ((enum worker_msg_kind)msg->msg.kind) {
    case W_SHARD_HELLO: on_hello(ep, (unsigned)msg->number); break;
    case W_SHARD_WANT:
        memcpy(&want, msg->bytes, sizeof want);
        on_want(ep, &want);
        break;
    case W_SHARD_KEYFRAME: /* the limits of its receivers were applied over there */
        memcpy(&ssrc, msg->bytes, sizeof ssrc);
        if ((source = source_by_ssrc(ep, ssrc)))
            source_want_keyframe(source, 0, ep->worker->now_us);
        break;
    case W_SHARD_TEXT: endpoint_send_text(ep, strdup((const char *)msg->bytes)); break;
    case W_SHARD_VIDEO_TYPE:
        conference_set_video_type(ep->conf, ep, (const char *)msg->bytes, (enum bridge_video_type)msg->number);
        break;
    case W_SHARD_INACTIVE: ep->shown_inactive = msg->number != 0; break;
    default: break;
    }
}
