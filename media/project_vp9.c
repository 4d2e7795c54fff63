/* project_vp9.c - projection of VP9, as SVC or simulcast: which layer frames go out, and where a picture ends
 * (media.md 12.2). Encodings are project_pick.c's, numbers project_log.c's.
 *
 * A picture consists of layer frames, one per spatial layer. Going out are those of one spatial layer, `sid`, and below it
 * those that it refers to. `sid` moves at any layer frame that needs nothing withheld: in full SVC that is down at once
 * and up where the sender allows, in K-SVC at key pictures only, which are asked for.
 *
 * What a layer frame needs is told by its references, in flexible mode, or by its place in the group of pictures of the
 * scalability structure. Where neither is known, by the order of layers alone. Nothing is known to be missing of pictures
 * that never came: they are the network's to lose, and retransmission's to bring.
 *
 * Picture ids keep their distances, since references count with them. */
#include "media/project_kind.h"

enum {
    GAP_MAX = 1000,       /* a key frame after a larger jump of sequence numbers starts over */
    ABSENT_PICTURES = 10, /* without the spatial layer that goes out: it is not being sent any more */
};

void project_vp9_init(struct project_vp9 *v)
{
    *v = (struct project_vp9){.sids = VP9_SIDS_MAX};
}

static struct project_unit unit_of(const struct media_pkt *pkt)
{
    return (struct project_unit){
        .pictureid = pkt->vp9.pictureid,
        .pictureid_at = pkt->vp9.pictureid_at,
        .pictureid_long = pkt->vp9.pictureid_long,
        .tl0picidx = pkt->vp9.tl0picidx,
        .tl0picidx_at = pkt->vp9.tl0picidx_at,
        .sid = pkt->vp9.sid,
        .start = pkt->vp9.start,
        .end = pkt->vp9.end || pkt->marker,
    };
}

static uint16_t back(const struct vp9_desc *d, unsigned pictures)
{
    return (uint16_t)(d->pictureid - pictures) & (d->pictureid_long ? 0x7fff : 0x7f);
}

/* ---- what a layer frame needs ---- */

static void note_structure(struct project_vp9 *v, const struct media_pkt *pkt)
{
    struct vp9_ss ss;
    vp9_ss_parse(media_pkt_payload(pkt), &pkt->vp9, &ss);
    v->sids = ss.sids;
    v->group = ss.pictures <= PROJECT_GROUP_MAX ? ss.pictures : 0;
    v->group_at = 0;
    for (unsigned i = 0; i < v->group; i++) {
        v->in_group[i].tid = ss.picture[i].tid;
        v->in_group[i].ref_count = ss.picture[i].ref_count;
        memcpy(v->in_group[i].refs, ss.picture[i].refs, sizeof v->in_group[i].refs);
    }
}

static int group_place(const struct project_vp9 *v, const struct vp9_desc *d)
{
    uint16_t pictureid = v->before_key ? v->old_pictureid : v->pictureid;
    int mask = d->pictureid_long ? 0x7fff : 0x7f, ahead = (d->pictureid - pictureid) & mask;
    if (ahead > mask / 2)
        ahead -= mask + 1;
    int place = ((v->before_key ? v->old_group_at : v->group_at) + ahead) % v->group;
    return place < 0 ? place + v->group : place;
}

/* The pictures it refers to, as distances. False: unknown. */
static bool refs_of(const struct project_vp9 *v, const struct vp9_desc *d, const uint8_t **refs, unsigned *count)
{
    *count = 0;
    *refs = d->refs;
    if (!d->inter)
        return true;
    if (!d->pictureid_at)
        return false;
    if (d->flexible) {
        *count = d->ref_count;
        return true;
    }
    if (!v->group)
        return false;
    int place = group_place(v, d);
    *refs = v->in_group[place].refs;
    *count = v->in_group[place].ref_count;
    return v->in_group[place].tid == d->tid;
}

static bool was_withheld(const struct project_vp9 *v, uint16_t pictureid, unsigned sid)
{
    unsigned at = pictureid % PROJECT_PICTURES;
    return v->picture[at].pictureid == pictureid && (v->picture[at].seen & ~v->picture[at].sent) >> sid & 1;
}

static bool is_decodable(const struct project_vp9 *v, const struct vp9_desc *d)
{
    if (d->inter_layer && d->sid > 0) {
        unsigned below = d->sid - 1u;
        if (d->pictureid_at ? was_withheld(v, d->pictureid, below) : !(v->base_sent >> below & 1))
            return false;
    }
    const uint8_t *refs;
    unsigned count;
    if (!refs_of(v, d, &refs, &count))
        return v->base_sent >> d->sid & 1;
    for (unsigned i = 0; i < count; i++)
        if (was_withheld(v, back(d, refs[i]), d->sid))
            return false;
    return true;
}

/* Whether all that it refers to on its own layer went out: what never came does not do to go up on. */
static bool is_joined(const struct project_vp9 *v, const struct vp9_desc *d)
{
    const uint8_t *refs;
    unsigned count;
    if (!refs_of(v, d, &refs, &count))
        return d->tid == 0; /* is_decodable() looked at the layer's newest of these, and knows nothing of the others */
    for (unsigned i = 0; i < count; i++) {
        uint16_t pictureid = back(d, refs[i]);
        unsigned at = pictureid % PROJECT_PICTURES;
        if (v->picture[at].pictureid != pictureid || !(v->picture[at].sent >> d->sid & 1))
            return false;
    }
    return true;
}

static void note_fate(struct project_vp9 *v, const struct vp9_desc *d, bool sent, bool late)
{
    uint8_t bit = (uint8_t)(1u << d->sid);
    if (d->tid == 0 && !late) /* a late one is not the newest of its layer */
        v->base_sent = sent ? v->base_sent | bit : v->base_sent & (uint8_t)~bit;
    if (!d->pictureid_at)
        return;
    unsigned at = d->pictureid % PROJECT_PICTURES;
    if (v->picture[at].pictureid != d->pictureid) {
        v->picture[at].pictureid = d->pictureid;
        v->picture[at].seen = v->picture[at].sent = 0;
    }
    v->picture[at].seen |= bit;
    if (sent)
        v->picture[at].sent |= bit;
}

/* ---- which layer frames ---- */

static uint8_t top_sid(const struct project_vp9 *v)
{
    return MIN(v->wanted, (uint8_t)(v->sids - 1));
}

static void begin_picture(struct project *p, const struct media_pkt *pkt)
{
    struct project_vp9 *v = &p->u.vp9;
    int current = p->pick.current, wanted = layer_encoding(p->target);
    v->absent = v->sid_seen || !v->has_picture ? 0 : (uint8_t)MIN(v->absent + 1, UINT8_MAX);
    v->sid_seen = false;
    if (vp9_is_key(&pkt->vp9)) { /* its group begins anew */
        v->old_pictureid = v->pictureid;
        v->old_group_at = v->group_at;
    }
    if (v->has_picture && v->group && pkt->vp9.pictureid_at)
        v->group_at = (uint8_t)group_place(v, &pkt->vp9);
    v->has_picture = true;
    v->ts = pkt->ts;
    v->pictureid = pkt->vp9.pictureid;
    if (pkt->vp9.ss_at)
        note_structure(v, pkt);
    if (current == wanted) {
        v->wanted = (uint8_t)layer_sid(p->target);
        if (v->wanted >= LAYER_SIDS - 1)
            v->wanted = VP9_SIDS_MAX - 1;
    } else {
        v->wanted = current < wanted ? VP9_SIDS_MAX - 1 : v->sid;
    }
    bool key = vp9_is_key(&pkt->vp9), up = !key && v->sid < top_sid(v), down = !key && v->sid > top_sid(v);
    if (current > wanted || down)
        v->limit = 1; /* waiting to go down: as little as possible */
    else if (current < wanted || up)
        v->limit = PROJECT_ALL_TIDS; /* waiting to go up: all there is */
    else
        v->limit = project_tid_mask(p->target);
}

/* RFC 9628 4.2, U: layers above this one begin anew after it. */
static void open_tids(struct project_vp9 *v, const struct vp9_desc *d)
{
    uint8_t to_here = (uint8_t)((2u << d->tid) - 1);
    if (d->switch_up && (v->tids & to_here) == to_here)
        v->tids = v->limit;
}

static uint8_t tids_of(const struct project_vp9 *v, const struct vp9_desc *d)
{
    const uint8_t *refs;
    unsigned count;
    return refs_of(v, d, &refs, &count) ? v->limit : v->tids;
}

static bool take_key(struct project_vp9 *v, const struct vp9_desc *d)
{
    if (!d->pictureid_long) /* their numbers soon come again; else late ones from before it still ask for these */
        memset(v->picture, 0, sizeof v->picture);
    v->key_ts = v->ts;
    v->sid = 0; /* and up again with the picture's other layers */
    v->absent = 0;
    v->base_sent = 0;
    v->tids = v->limit;
    return true;
}

/* In full SVC all but the highest layer of a picture are referred to by the next one. */
static bool is_highest(const struct vp9_desc *d)
{
    return d->inter && d->inter_layer && d->not_upper_ref;
}

/* A layer frame newer than all before it: does it go out? May move the spatial layer that does. */
static bool decide(struct project *p, const struct vp9_desc *d)
{
    struct project_vp9 *v = &p->u.vp9;
    v->tids &= v->limit;
    bool sent;
    if (vp9_is_key(d)) {
        sent = take_key(v, d);
    } else {
        bool can = is_decodable(v, d), passes = tids_of(v, d) >> d->tid & 1;
        uint8_t top = top_sid(v);
        bool gone = d->sid < v->sid && (v->absent >= ABSENT_PICTURES || is_highest(d));
        bool up = v->sid < d->sid && d->sid <= top;
        if (up || (top <= d->sid && d->sid < v->sid) || gone) {
            if (passes && can && (!up || is_joined(v, d)))
                v->sid = d->sid;
            else if (passes && !can)
                p->pick.need_keyframe = true;
        } else if (d->sid == v->sid && !can && d->tid == 0) {
            p->pick.need_keyframe = true;
        }
        sent = can && passes && (d->sid == v->sid || (d->sid < v->sid && !d->not_upper_ref));
    }
    v->sid_seen |= d->sid == v->sid;
    if (sent && d->sid == v->sid)
        open_tids(v, d);
    note_fate(v, d, sent, false);
    return sent;
}

/* A missing one that came late. `place` has what was going out around it. */
static bool decide_late(struct project_vp9 *v, const struct project_place *place, const struct media_pkt *pkt)
{
    const struct vp9_desc *d = &pkt->vp9;
    v->before_key = ts_newer(v->key_ts, pkt->ts);
    const struct project_frame *before = place->before;
    const uint8_t *refs;
    unsigned count;
    bool known = refs_of(v, d, &refs, &count); /* else it may need any that was withheld before layers were opened */
    uint8_t tids = known ? before->tids | place->next->tids : before->tids & place->next->tids;
    uint8_t sid = d->inter ? before->spatial : before->top;
    bool sent = vp9_is_key(d) ||
                ((tids >> d->tid & 1) && is_decodable(v, d) && (d->sid == sid || (d->sid < sid && !d->not_upper_ref)));
    note_fate(v, d, sent, true);
    v->before_key = false;
    return sent;
}

static struct project_frame frame_of(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit)
{
    struct project_vp9 *v = &p->u.vp9;
    struct project_frame f = project_frame_of(p, pkt, unit);
    f.sent = decide(p, &pkt->vp9);
    f.tids = tids_of(v, &pkt->vp9);
    f.spatial = v->sid;
    f.top = top_sid(v);
    f.last = unit->sid == (pkt->vp9.inter ? f.spatial : f.top);
    return f;
}

static bool start_run(struct project *p, const struct project_in *in, const struct project_unit *unit,
                      struct project_out *out)
{
    project_vp9_init(&p->u.vp9);
    p->pick.current = in->pkt->encoding;
    project_pick_alive(&p->pick, in->now_us);
    begin_picture(p, in->pkt);
    return project_log_start(p, in, unit, frame_of(p, in->pkt, unit), out);
}

/* Whether nothing is missing between them but, perhaps, packets of the two. */
static bool is_adjacent(const struct project_frame *prev, const struct project_frame *f, int step)
{
    return step == 0 ? f->sid == prev->sid + 1 : step == 1 && f->sid == 0 && prev->picture_end;
}

static bool offer_new_frame(struct project *p, const struct project_in *in, const struct project_unit *unit,
                            struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    const struct project_frame *prev = project_log_newest(&p->log);
    if (vp9_is_key(&pkt->vp9) && unit->start && pkt->seq_wide - prev->hi > GAP_MAX)
        return start_run(p, in, unit, out);
    if (pkt->ts != p->u.vp9.ts)
        begin_picture(p, pkt);
    struct project_frame f = frame_of(p, pkt, unit);
    int step = project_pictureid_step(prev, &f);
    return project_log_append(p, in, unit, f, step, is_adjacent(prev, &f, step), false, out);
}

static bool offer_late(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit,
                       struct project_out *out)
{
    struct project_place place = project_log_place(p, pkt, unit);
    if (!place.by)
        return false;
    bool last = place.by->last;
    if (place.whole) {
        if (place.before->run != p->log.run || !decide_late(&p->u.vp9, &place, pkt))
            return false;
        last = unit->sid == (pkt->vp9.inter ? place.before->spatial : place.before->top) ||
               project_place_alone(&place, pkt);
    } else if (!place.by->sent) {
        return false;
    }
    out->marker |= last && unit->end;
    return project_log_late(p, &place, pkt, unit, out);
}

bool project_vp9_offer(struct project *p, const struct project_in *in, struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    struct project_unit unit = unit_of(pkt);
    int wanted = layer_encoding(p->target);
    bool mine = pkt->encoding == p->pick.current;
    /* As with VP8: no start with a key frame whose first packet is late. */
    if (vp9_is_key(&pkt->vp9) && unit.start && in->ahead) {
        if (!project_pick_keyframe(&p->pick, in, wanted) && !mine)
            return false;
        if (!mine) {
            bool sent = start_run(p, in, &unit, out);
            out->marker |= project_log_newest(&p->log)->last && unit.end;
            return sent;
        }
    }
    if (!mine) {
        project_pick_watch(&p->pick, in, wanted, unit.start && unit.sid == 0);
        return !in->ahead && offer_late(p, pkt, &unit, out);
    }
    project_pick_alive(&p->pick, in->now_us);
    const struct project_frame *newest = project_log_newest(&p->log);
    bool part = project_frame_has(newest, pkt, &unit) && pkt->seq_wide >= newest->lo;
    if (!part && pkt->seq_wide <= newest->hi)
        return offer_late(p, pkt, &unit, out);
    bool sent = part ? project_log_part(p, pkt, &unit, out) : offer_new_frame(p, in, &unit, out);
    out->marker |= project_log_newest(&p->log)->last && unit.end;
    return sent;
}
