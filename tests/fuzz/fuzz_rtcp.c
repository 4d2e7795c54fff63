/* RTCP: a compound that passes the check walks to its end, each message lies inside it, and reports, NACKs and
 * transport-wide feedback written from what was read read back the same. */
#include <stdlib.h>

#include "proto/rtcp_twcc.h"
#include "proto/rtcp_xr.h"
#include "proto/units.h"

static uint8_t buf[1 << 17];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct rtcp_item written(const struct wr *w)
{
    must(w->err == E_OK && rtcp_check(wr_done(w)) == E_OK);
    struct rd r = rd_over(wr_done(w));
    struct rtcp_item item;
    must(rtcp_next(&r, &item) && rd_left(&r) == 0);
    return item;
}

static void reports(const struct rtcp_item *item)
{
    struct rtcp_rr rr, back;
    if (rtcp_rr_parse(item, &rr) != E_OK)
        return;
    struct rtcp_report blocks[RTCP_REPORTS_MAX];
    size_t count = rtcp_report_count(rr.reports);
    must(count == item->count);
    for (size_t i = 0; i < count; i++)
        blocks[i] = rtcp_report_at(rr.reports, i);
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_rr_write(&w, rr.ssrc, blocks, count);
    struct rtcp_item again = written(&w);
    must(rtcp_rr_parse(&again, &back) == E_OK && bytes_eq(back.reports, rr.reports));
}

static void nack(const struct rtcp_fb *fb) /* the set stays the same; repetitions may go */
{
    static uint16_t seqs[17 * 1024];
    uint8_t asked[65536] = {0};
    uint16_t seq;
    size_t count = 0;
    for (size_t at = 0; rtcp_nack_next(fb, &at, &seq);) {
        must(count < COUNT(seqs)); /* 17 numbers in 4 of at most 4096 bytes */
        asked[seq] = 1;
        seqs[count++] = seq;
    }
    struct wr w = wr_over(buf, sizeof buf);
    must(count > 0 && rtcp_nack_write(&w, fb->sender, fb->media, seqs, count) == count);
    struct rtcp_item again = written(&w);
    struct rtcp_fb back;
    must(rtcp_fb_parse(&again, &back) == E_OK && back.kind == RTCP_FB_NACK);
    for (size_t at = 0; rtcp_nack_next(&back, &at, &seq);) {
        must(asked[seq] != 0);
        asked[seq] = 2;
    }
    for (size_t i = 0; i < count; i++)
        must(asked[seqs[i]] == 2);
}

static void twcc(const struct rtcp_fb *fb)
{
    struct rtcp_twcc in, back;
    if (rtcp_twcc_parse(fb, &in) != E_OK)
        return;
    struct rtcp_twcc_build b;
    uint64_t us = ((uint64_t)in.ref_time + 1000) * TWCC_REF_US; /* room for negative deltas */
    rtcp_twcc_build_init(&b, in.base_seq, us);
    struct rtcp_twcc_walk walk = {.fb = &in}, again_walk = {.fb = &back};
    struct rtcp_twcc_status status, other;
    uint32_t count = 0, skipped = 0, done = 0;
    bool fits = true;
    while (rtcp_twcc_next(&walk, &status)) {
        count++;
        if (!status.received) {
            skipped++;
        } else if (fits) {
            uint64_t next_us = us + (uint64_t)((int64_t)status.delta_ticks * TWCC_TICK_US);
            if (next_us > us + SEC(10)) /* below zero */
                return;
            us = next_us;
            fits = rtcp_twcc_build_add(&b, skipped, us);
            skipped = 0;
            done = fits ? count : done;
        }
    }
    must(count == in.status_count);
    if (done == 0)
        return;
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_twcc_build_write(&b, &w, in.sender, in.media, in.fb_count);
    must(wr_len(&w) <= TWCC_PACKET_MAX);
    struct rtcp_item item = written(&w);
    struct rtcp_fb fb2;
    must(rtcp_fb_parse(&item, &fb2) == E_OK && rtcp_twcc_parse(&fb2, &back) == E_OK);
    must(back.status_count == done && back.base_seq == in.base_seq && back.fb_count == in.fb_count);
    walk = (struct rtcp_twcc_walk){.fb = &in};
    while (rtcp_twcc_next(&again_walk, &other)) {
        must(rtcp_twcc_next(&walk, &status));
        must(status.seq == other.seq && status.received == other.received && status.delta_ticks == other.delta_ticks);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    struct bytes in = bytes_of(data, size);
    bool sound = rtcp_check(in) == E_OK;
    struct rd r = rd_over(in);
    struct rtcp_item item;
    while (rtcp_next(&r, &item)) {
        must(item.body.n == 0 || (item.body.p >= data && item.body.p + item.body.n <= data + size));
        struct rtcp_sr sr;
        struct rtcp_bye bye;
        struct rtcp_sdes_walk sdes_walk;
        struct rtcp_sdes_item sdes;
        struct rtcp_xr_block block;
        struct rtcp_fb fb;
        struct rtcp_remb remb;
        struct rd xr;
        uint32_t ssrc;
        uint64_t ntp;
        rtcp_sr_parse(&item, &sr);
        rtcp_bye_parse(&item, &bye);
        rtcp_sdes_begin(&sdes_walk, &item);
        while (rtcp_sdes_next(&sdes_walk, &sdes))
            must(sdes.text.n <= 255 && sdes.text.p + sdes.text.n <= data + size);
        rtcp_xr_begin(&xr, &item, &ssrc);
        while (rtcp_xr_next(&xr, &block)) {
            rtcp_xr_rrt_parse(&block, &ntp);
            for (size_t i = 0; i < rtcp_xr_dlrr_count(&block); i++)
                rtcp_xr_dlrr_at(&block, i);
        }
        reports(&item);
        if (rtcp_fb_parse(&item, &fb) != E_OK)
            continue;
        for (size_t i = 0; i < rtcp_fir_count(&fb); i++)
            rtcp_fir_at(&fb, i);
        rtcp_remb_parse(&fb, &remb);
        if (fb.kind == RTCP_FB_NACK)
            nack(&fb);
        if (fb.kind == RTCP_FB_TWCC)
            twcc(&fb);
    }
    must(sound == (r.err == E_OK && size >= RTCP_HEADER_LEN));
    return 0;
}
