/* project_dd.c - projection of streams with a dependency descriptor: AV1 as SVC or simulcast, and other codecs that bring one
 * (media.md 12.2, DD). Encodings are project_pick.c's, numbers project_log.c's.
 *
 * Going out are the frames of one decode target. Another one takes over at a frame that says so (a switch indication), if that
 * frame, and the chain that protects the target, need nothing withheld; where no frame but a key frame can, one is asked for. A frame
 * of the target that needs something withheld is withheld as well. Nothing is known to be missing of frames that never came:
 * they are the network's to lose, and retransmission's to bring. While a lower encoding's key frame is waited for, frames that can be
 * left out are.
 *
 * Frame numbers keep their distances, since references count with them. Template ids of a source that follows another are
 * moved behind those of the structure before. The descriptor tells the receiver which targets it can still decode. */
#include "media/project_kind.h"

enum { GAP_MAX = 1000 /* a key frame after a larger jump of sequence numbers starts over */ };

void project_dd_init(struct project_dd *d)
{
    *d = (struct project_dd){.target = -1};
}

static struct project_unit unit_of(const struct media_pkt *pkt)
{
    return (struct project_unit){
        .pictureid = pkt->dd.frame_number,
        .sid = pkt->dd.sid,
        .start = pkt->dd.start,
        .end = pkt->dd.end,
        .own_ids = true,
    };
}

/* ---- what was withheld ---- */

static bool was_withheld(const struct project_dd *d, uint16_t number)
{
    int ahead = seq_diff(number, d->newest);
    unsigned at = number % PROJECT_DD_FRAMES;
    return ahead <= 0 && ahead > -PROJECT_DD_FRAMES && d->withheld[at / 64] >> at % 64 & 1;
}

static void note_fate(struct project_dd *d, uint16_t number, bool sent)
{
    int ahead = d->has_newest ? seq_diff(number, d->newest) : PROJECT_DD_FRAMES;
    if (ahead <= -PROJECT_DD_FRAMES)
        return;
    if (ahead >= PROJECT_DD_FRAMES)
        memset(d->withheld, 0, sizeof d->withheld);
    else
        for (int i = 1; i < ahead; i++) { /* those between have not come */
            unsigned passed = (uint16_t)(d->newest + i) % PROJECT_DD_FRAMES;
            d->withheld[passed / 64] &= ~(1ull << passed % 64);
        }
    if (ahead > 0) {
        d->newest = number;
        d->has_newest = true;
    }
    unsigned at = number % PROJECT_DD_FRAMES;
    uint64_t bit = 1ull << at % 64;
    d->withheld[at / 64] = sent ? d->withheld[at / 64] & ~bit : d->withheld[at / 64] | bit;
}

static bool is_decodable(const struct project_dd *d, const struct dd_desc *desc)
{
    for (unsigned i = 0; i < desc->fdiff_count; i++)
        if (was_withheld(d, (uint16_t)(desc->frame_number - desc->fdiffs[i])))
            return false;
    return true;
}

static bool chain_is_whole(const struct project_dd *d, const struct dd_desc *desc, unsigned target)
{
    unsigned chain = d->targets.chain[target];
    if (chain >= desc->chain_count || desc->chain_diffs[chain] == 0)
        return true;
    return !was_withheld(d, (uint16_t)(desc->frame_number - desc->chain_diffs[chain]));
}

/* ---- a key frame that comes late (media.md 12.3) ---- */

enum { SKIPPED_MAX = 64 };

static bool is_needed(const struct dd_desc *desc) /* in any target, as far as is known */
{
    static const uint64_t SWITCH_OR_REQUIRED = 0xaaaaaaaaaaaaaaaa;
    return !desc->known || desc->has_structure || (desc->dti & SWITCH_OR_REQUIRED);
}

static void note_passed_over(struct project_seen *seen, const struct media_pkt *pkt)
{
    if (is_needed(&pkt->dd)) {
        seen->missed = MAX(seen->missed, pkt->seq_wide);
    } else if (pkt->seq_wide > seen->skipped) {
        seen->skipped = pkt->seq_wide;
        seen->skipped_number = pkt->dd.frame_number;
    }
}

/* Has all that came of its encoding before it, though it is newer, been such as can be left out? */
static bool can_start_late(const struct project_seen *seen, const struct media_pkt *pkt)
{
    int skipped = seq_diff(seen->skipped_number, pkt->dd.frame_number);
    return seen->watched && pkt->seq_wide > seen->watched && pkt->seq_wide > seen->missed && skipped > 0 &&
           skipped <= SKIPPED_MAX;
}

static void withhold_skipped(struct project_dd *d, const struct project_seen *seen, const struct media_pkt *pkt)
{
    if (pkt->seq_wide > seen->skipped)
        return;
    for (uint16_t n = pkt->dd.frame_number; n != seen->skipped_number;)
        note_fate(d, ++n, false);
}

/* ---- which target ---- */

/* The best target up to these layers; if all are above, the least. Of those being sent, if it is known that any are. */
static int best_target(const struct dd_targets *t, uint32_t active, int sid, int tid)
{
    int best = -1, least = -1;
    for (int i = 0; i < t->count; i++) {
        if (active && !(active >> i & 1))
            continue;
        int rank = t->sid[i] << 3 | t->tid[i];
        bool fits = t->sid[i] <= sid && t->tid[i] <= tid;
        if (fits && (best < 0 || rank > (t->sid[best] << 3 | t->tid[best])))
            best = i;
        if (least < 0 || rank < (t->sid[least] << 3 | t->tid[least]))
            least = i;
    }
    return best >= 0 ? best : least;
}

static void note_structure(struct project_dd *d, const struct media_pkt *pkt)
{
    struct dd_structure s;
    struct dd_desc again;
    if (dd_parse(media_pkt_dd(pkt), NULL, &s, &again) == E_OK && again.has_structure)
        dd_targets_of(&s, &d->targets);
}

static void begin_picture(struct project *p, const struct media_pkt *pkt)
{
    enum { ALL_SIDS = DD_SIDS_MAX - 1, ALL_TIDS = DD_TIDS_MAX - 1 };
    struct project_dd *d = &p->u.dd;
    int current = p->pick.current, wanted = layer_encoding(p->target);
    int sid = layer_sid(p->target), tid = layer_tid(p->target);
    d->has_picture = true;
    d->ended = false;
    d->ts = pkt->ts;
    sid = sid >= LAYER_SIDS - 1 ? ALL_SIDS : sid;
    tid = tid >= LAYER_TIDS - 1 ? ALL_TIDS : tid;
    d->thin = current > wanted; /* waiting to go down: what it is, and as little of it as possible */
    if (d->thin && d->target >= 0) {
        sid = d->targets.sid[d->target];
        tid = d->targets.tid[d->target];
    } else if (current != wanted) { /* waiting to go up: all there is */
        sid = ALL_SIDS;
        tid = ALL_TIDS;
    }
    d->wanted_sid = (uint8_t)sid;
    d->wanted_tid = (uint8_t)tid;
}

static bool is_in(const struct dd_desc *desc, int target)
{
    return target >= 0 && dd_dti_of(desc->dti, (unsigned)target) != DD_NOT_PRESENT;
}

static bool goes_out(const struct project_dd *d, const struct dd_desc *desc, int target)
{
    return is_in(desc, target) && !(d->thin && dd_dti_of(desc->dti, (unsigned)target) == DD_DISCARDABLE);
}

/* Is its end that of the picture, as it goes out? */
static bool is_last(const struct project_dd *d, const struct dd_desc *desc, int target)
{
    return target >= 0 && desc->sid == (d->thin ? d->targets.needs_sid[target][desc->tid] : d->targets.sid[target]);
}

/* A frame newer than all before it: does it go out? May move the target. */
static bool decide(struct project *p, const struct media_pkt *pkt)
{
    struct project_dd *d = &p->u.dd;
    const struct dd_desc *desc = &pkt->dd;
    bool sent = false;
    if (!is_needed(desc) && was_withheld(d, desc->frame_number)) /* skipped before the key frame came */
        return false;
    if (desc->has_structure)
        note_structure(d, pkt);
    if (!desc->known || desc->target_count != d->targets.count) {
        p->pick.need_keyframe = true;
        note_fate(d, desc->frame_number, false);
        return false;
    }
    int wanted = best_target(&d->targets, desc->active, d->wanted_sid, d->wanted_tid), before = d->target;
    if (desc->has_structure) {
        d->target = wanted;
        sent = true; /* nothing can be seen without it */
    } else {
        bool can = is_decodable(d, desc);
        if (wanted != d->target && can && dd_dti_of(desc->dti, (unsigned)wanted) == DD_SWITCH &&
            chain_is_whole(d, desc, (unsigned)wanted) && !d->ended)
            d->target = wanted;
        bool stuck = d->target != wanted && (d->target < 0 || !(d->targets.reach[d->target] >> wanted & 1));
        sent = can && goes_out(d, desc, d->target);
        bool torn = !can && is_in(desc, d->target) &&
                    dd_dti_of(desc->dti, (unsigned)d->target) != DD_DISCARDABLE;
        if (stuck || torn)
            p->pick.need_keyframe = true;
    }
    if (d->target != before)
        d->told = false;
    note_fate(d, desc->frame_number, sent);
    return sent;
}

/* A missing one that came late: it shares the fate of the frames of its layer around it. */
static bool decide_late(struct project_dd *d, const struct project_place *place, const struct dd_desc *desc)
{
    int target = (int)place->before->spatial - 1, then = (int)place->next->spatial - 1;
    bool sent = desc->has_structure ||
                (desc->known && (goes_out(d, desc, target) || goes_out(d, desc, then)) && is_decodable(d, desc));
    note_fate(d, desc->frame_number, sent);
    return sent;
}

/* ---- numbers ---- */

/* Which targets can still be decoded is said when it has changed, and wherever the source says something of the kind. */
static void fill_edit(struct project_dd *d, const struct project_frame *f, const struct media_pkt *pkt,
                      struct project_out *out)
{
    const struct dd_desc *desc = &pkt->dd;
    int target = (int)f->spatial - 1;
    out->edit.dd = true;
    out->edit.dd_frame_delta = f->pictureid_delta;
    out->edit.dd_template_delta = f->tl0picidx_delta;
    if (target < 0 || !desc->known || target >= d->targets.count || desc->target_count != d->targets.count)
        return;
    bool untold = !d->told && desc->start && target == d->target;
    if (!untold && !desc->has_structure && !desc->has_active)
        return;
    uint32_t within = d->targets.within[target], left = within & desc->active;
    out->edit.dd_masks = true;
    out->edit.dd_mask = left ? left : within;
    d->told |= target == d->target;
}

static struct project_frame frame_of(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit)
{
    struct project_dd *d = &p->u.dd;
    struct project_frame f = project_frame_of(p, pkt, unit);
    f.sent = decide(p, pkt);
    f.spatial = (uint8_t)(d->target + 1); /* 0: none */
    f.last = is_last(d, &pkt->dd, d->target);
    d->ended |= f.sent && f.last;
    return f;
}

static bool start_run(struct project *p, const struct project_in *in, const struct project_unit *unit,
                      struct project_out *out)
{
    const struct dd_desc *desc = &in->pkt->dd;
    project_dd_init(&p->u.dd);
    p->pick.current = in->pkt->encoding;
    project_pick_alive(&p->pick, in->now_us);
    begin_picture(p, in->pkt);
    struct project_frame f = frame_of(p, in->pkt, unit);
    if (p->head.has_dd) {
        f.pictureid_delta = (uint16_t)(p->head.dd_frame + 1 - desc->frame_number);
        f.tl0picidx_delta = (p->head.dd_template - desc->offset) & (DD_TEMPLATES_MAX - 1);
    }
    return project_log_start(p, in, unit, f, out);
}

static bool offer_new_frame(struct project *p, const struct project_in *in, const struct project_unit *unit,
                            struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    const struct project_frame *prev = project_log_newest(&p->log);
    if (pkt->dd.has_structure && pkt->seq_wide - prev->hi > GAP_MAX)
        return start_run(p, in, unit, out);
    if (!p->u.dd.has_picture || pkt->ts != p->u.dd.ts)
        begin_picture(p, pkt);
    struct project_frame f = frame_of(p, pkt, unit);
    bool adjacent = (uint16_t)(f.pictureid - prev->pictureid) == 1;
    return project_log_append(p, in, unit, f, adjacent, adjacent, false, out);
}

static bool offer_late(struct project *p, const struct media_pkt *pkt, const struct project_unit *unit,
                       struct project_out *out)
{
    struct project_dd *d = &p->u.dd;
    if (!pkt->dd.known) /* its layer is not known, nor its place */
        return false;
    struct project_place place = project_log_place(p, pkt, unit);
    if (!place.by)
        return false;
    bool last = place.by->last;
    if (place.whole) {
        if (place.before->run != p->log.run || !decide_late(d, &place, &pkt->dd))
            return false;
        last = is_last(d, &pkt->dd, (int)place.before->spatial - 1) || project_place_alone(&place, pkt);
    } else if (!place.by->sent) {
        return false;
    }
    out->marker |= last && unit->end;
    if (!project_log_late(p, &place, pkt, unit, out))
        return false;
    fill_edit(d, place.by, pkt, out);
    return true;
}

static bool is_part_of(const struct project_frame *f, const struct media_pkt *pkt, const struct project_unit *unit)
{
    return project_frame_has(f, pkt, unit) && f->pictureid == unit->pictureid && pkt->seq_wide >= f->lo;
}

bool project_dd_offer(struct project *p, const struct project_in *in, struct project_out *out)
{
    const struct media_pkt *pkt = in->pkt;
    struct project_unit unit = unit_of(pkt);
    int wanted = layer_encoding(p->target);
    bool mine = pkt->encoding == p->pick.current;
    struct project_seen *seen = &p->encoding[pkt->encoding];
    if (pkt->dd.has_structure && (in->ahead || (!mine && can_start_late(seen, pkt)))) {
        if (!project_pick_keyframe(&p->pick, in, wanted) && !mine) {
            note_passed_over(seen, pkt);
            return false;
        }
        seen->missed = MAX(seen->missed, pkt->seq_wide); /* there is no way back */
        if (!mine) {
            bool sent = start_run(p, in, &unit, out);
            withhold_skipped(&p->u.dd, seen, pkt);
            const struct project_frame *f = project_log_newest(&p->log);
            out->marker |= f->last && unit.end;
            fill_edit(&p->u.dd, f, pkt, out);
            return sent;
        }
    }
    if (!mine) {
        note_passed_over(seen, pkt);
        project_pick_watch(&p->pick, in, wanted, unit.start && unit.sid == 0);
        return !in->ahead && offer_late(p, pkt, &unit, out);
    }
    seen->missed = MAX(seen->missed, pkt->seq_wide);
    project_pick_alive(&p->pick, in->now_us);
    const struct project_frame *newest = project_log_newest(&p->log);
    bool part = is_part_of(newest, pkt, &unit);
    if (!part && pkt->seq_wide <= newest->hi)
        return offer_late(p, pkt, &unit, out);
    bool sent = part ? project_log_part(p, pkt, &unit, out) : offer_new_frame(p, in, &unit, out);
    newest = project_log_newest(&p->log);
    out->marker |= newest->last && unit.end;
    if (sent)
        fill_edit(&p->u.dd, newest, pkt, out);
    return sent;
}
