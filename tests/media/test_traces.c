/* What holds of recorded calls: every packet is read, what is written from it is what was there, and loss is what an
 * independent reader (tshark -z rtp,streams) counts. */
#include "support/pcap.h"

#include <stdio.h>

#include "media/rx_stream.h"
#include "proto/rtcp_twcc.h"
#include "proto/rtcp_xr.h"
#include "proto/rtp.h"

static const struct {
    const char *name;
    int rtp, rtcp; /* packets, as tshark tells them apart */
} files[] = {
    {"firefox-vp8-rx", 389, 11},    {"plain-vp8-rx", 366, 34},     {"rewriting-av1-rx", 357, 43},
    {"rewriting-h264-tx", 385, 15}, {"rewriting-vp8-rx", 370, 30}, {"rewriting-vp8-tx", 373, 27},
    {"rewriting-vp9-rx", 348, 52},
};

static const struct {
    const char *file;
    uint32_t ssrc;
    uint64_t packets;
    int64_t lost;
} streams[] = {
    {"firefox-vp8-rx", 0x13e9966c, 7, 0},     {"firefox-vp8-rx", 0x21c88ced, 346, 0},
    {"firefox-vp8-rx", 0x13c8e654, 9, 0},     {"firefox-vp8-rx", 0xa7fb5982, 1, 0},
    {"firefox-vp8-rx", 0x5170b5a7, 26, 0},    {"plain-vp8-rx", 0x165a3a8c, 70, 0},
    {"plain-vp8-rx", 0x2bacc60c, 36, 0},      {"plain-vp8-rx", 0xb5f9af54, 149, 0},
    {"plain-vp8-rx", 0xbd82a702, 24, 0},      {"plain-vp8-rx", 0xb305de66, 1, 0},
    {"plain-vp8-rx", 0x2ca63ce6, 86, 0},      {"rewriting-av1-rx", 0x90a25059, 62, 0},
    {"rewriting-av1-rx", 0x50cc1977, 176, 0}, {"rewriting-av1-rx", 0x41e8f844, 1, 0},
    {"rewriting-av1-rx", 0xda9d65af, 118, 0}, {"rewriting-h264-tx", 0x3c024c8a, 328, 0},
    {"rewriting-h264-tx", 0x34ba09e6, 35, 0}, {"rewriting-h264-tx", 0x9829871a, 22, 0},
    {"rewriting-vp8-rx", 0xa41eb3b3, 53, 0},  {"rewriting-vp8-rx", 0x5cd0b13f, 34, 0},
    {"rewriting-vp8-rx", 0xb1faa4cb, 174, 0}, {"rewriting-vp8-rx", 0xe7257912, 22, 0},
    {"rewriting-vp8-rx", 0x271b148f, 1, 0},   {"rewriting-vp8-rx", 0x0df80664, 86, 0},
    {"rewriting-vp8-tx", 0x5ae25b6f, 328, 0}, {"rewriting-vp8-tx", 0xf330a647, 13, 0},
    {"rewriting-vp8-tx", 0xa67f3f59, 32, 0},  {"rewriting-vp9-rx", 0x63e25949, 133, 0},
    {"rewriting-vp9-rx", 0xac38c641, 49, 0},  {"rewriting-vp9-rx", 0xd6945eac, 1, 0},
    {"rewriting-vp9-rx", 0x3eafa3b5, 165, 0},
};

static uint8_t buf[2048];

static void open_capture(struct pcap *pcap, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/rtp/%s.pcap", VECTORS, name);
    print_message("  %s\n", name);
    pcap_open(pcap, path);
}

/* Byte for byte, but for the extension block: senders may choose its form and padding, so its elements are compared. */
static void rtp_reads_and_writes(struct bytes in, struct rtp_view *v)
{
    struct rd r = rd_over(in);
    assert_int_equal(rtp_parse(&r, v), E_OK);
    struct rtp_ext exts[RTP_EXT_COUNT_MAX], ext;
    size_t count = 0;
    for (size_t at = 0; rtp_ext_next(v, &at, &ext);) {
        assert_true(count < COUNT(exts));
        exts[count++] = ext;
    }
    struct wr w = wr_over(buf, sizeof buf);
    rtp_write_header(&w, v, exts, count);
    wr_bytes(&w, v->payload);
    struct bytes out = wr_done(&w);
    if (out.n == in.n && get_u16(in.p + 12) == get_u16(out.p + 12)) {
        assert_memory_equal(out.p, in.p, in.n);
    } else {
        struct rtp_view back;
        r = rd_over(out);
        assert_int_equal(rtp_parse(&r, &back), E_OK);
        assert_memory_equal(out.p + 1, in.p + 1, 11);
        assert_true(bytes_eq(back.payload, v->payload));
        size_t at = 0;
        for (size_t i = 0; i < count; i++) {
            assert_true(rtp_ext_next(&back, &at, &ext));
            assert_true(ext.id == exts[i].id && bytes_eq(ext.data, exts[i].data));
        }
    }
    assert_int_equal(rtp_unpad(v), E_OK);
}

static size_t copy_reports(struct bytes reports, struct rtcp_report *out)
{
    for (size_t i = 0; i < rtcp_report_count(reports); i++)
        out[i] = rtcp_report_at(reports, i);
    return rtcp_report_count(reports);
}

static bool write_feedback(struct wr *w, const struct rtcp_fb *fb)
{
    uint32_t ssrcs[255];
    if (fb->kind == RTCP_FB_PLI) {
        rtcp_pli_write(w, fb->sender, fb->media);
        return true;
    }
    if (fb->kind == RTCP_FB_NACK) {
        uint16_t seqs[1024];
        size_t count = 0, at = 0;
        while (rtcp_nack_next(fb, &at, &seqs[count]))
            assert_true(++count < COUNT(seqs));
        assert_int_equal(rtcp_nack_write(w, fb->sender, fb->media, seqs, count), count);
        return true;
    }
    struct rtcp_remb remb;
    if (rtcp_remb_parse(fb, &remb) != E_OK)
        return false;
    for (size_t i = 0; i < remb.ssrcs.n / 4; i++)
        ssrcs[i] = get_u32(remb.ssrcs.p + 4 * i);
    rtcp_remb_write(w, fb->sender, remb.bitrate_bps, ssrcs, remb.ssrcs.n / 4);
    return true;
}

static void twcc_reads_and_writes(const struct rtcp_fb *fb)
{
    struct rtcp_twcc in, back;
    assert_int_equal(rtcp_twcc_parse(fb, &in), E_OK);
    uint64_t us = (uint64_t)in.ref_time * TWCC_REF_US;
    struct rtcp_twcc_build b;
    rtcp_twcc_build_init(&b, in.base_seq, us);
    struct rtcp_twcc_walk walk = {.fb = &in}, walk_back = {.fb = &back};
    struct rtcp_twcc_status status, other;
    uint32_t skipped = 0;
    while (rtcp_twcc_next(&walk, &status)) {
        if (!status.received) {
            skipped++;
            continue;
        }
        us += (uint64_t)((int64_t)status.delta_ticks * TWCC_TICK_US);
        assert_true(rtcp_twcc_build_add(&b, skipped, us));
        skipped = 0;
    }
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_twcc_build_write(&b, &w, in.sender, in.media, in.fb_count);
    struct rd r = rd_over(wr_done(&w));
    struct rtcp_item item;
    struct rtcp_fb fb_back;
    assert_true(rtcp_next(&r, &item));
    assert_int_equal(rtcp_fb_parse(&item, &fb_back), E_OK);
    assert_int_equal(rtcp_twcc_parse(&fb_back, &back), E_OK);
    assert_int_equal(back.ref_time, in.ref_time);
    assert_int_equal(back.status_count + skipped, in.status_count);
    walk = (struct rtcp_twcc_walk){.fb = &in};
    while (rtcp_twcc_next(&walk_back, &other)) {
        assert_true(rtcp_twcc_next(&walk, &status));
        assert_true(status.seq == other.seq && status.received == other.received);
        assert_int_equal(status.delta_ticks, other.delta_ticks);
    }
}

/* `whole` is the item with its header. */
static void rtcp_reads_and_writes(const struct rtcp_item *item, struct bytes whole)
{
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    struct wr w = wr_over(buf, sizeof buf);
    struct rtcp_sr sr;
    struct rtcp_rr rr;
    struct rtcp_bye bye;
    struct rtcp_sdes_walk walk;
    struct rtcp_sdes_item sdes;
    struct rtcp_fb fb;
    struct rd xr;
    uint32_t ssrc;
    struct rtcp_xr_block block;
    switch (item->type) {
    case RTCP_SR:
        assert_int_equal(rtcp_sr_parse(item, &sr), E_OK);
        rtcp_sr_write(&w, &sr, reports, copy_reports(sr.reports, reports));
        break;
    case RTCP_RR:
        assert_int_equal(rtcp_rr_parse(item, &rr), E_OK);
        rtcp_rr_write(&w, rr.ssrc, reports, copy_reports(rr.reports, reports));
        break;
    case RTCP_SDES:
        assert_int_equal(rtcp_sdes_begin(&walk, item), E_OK);
        assert_true(rtcp_sdes_next(&walk, &sdes));
        rtcp_sdes_write(&w, sdes.ssrc, sdes.text);
        assert_false(rtcp_sdes_next(&walk, &sdes));
        assert_int_equal(walk.r.err, E_OK);
        break;
    case RTCP_BYE: assert_int_equal(rtcp_bye_parse(item, &bye), E_OK); return;
    case RTCP_XR:
        assert_int_equal(rtcp_xr_begin(&xr, item, &ssrc), E_OK);
        while (rtcp_xr_next(&xr, &block))
            continue;
        assert_int_equal(xr.err, E_OK);
        return;
    default:
        assert_int_equal(rtcp_fb_parse(item, &fb), E_OK);
        if (fb.kind == RTCP_FB_TWCC) {
            twcc_reads_and_writes(&fb);
            return;
        }
        assert_true(write_feedback(&w, &fb));
    }
    assert_int_equal(wr_done(&w).n, whole.n);
    assert_memory_equal(wr_done(&w).p, whole.p, whole.n);
}

static void every_recorded_packet_is_read_and_written_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++) {
        struct pcap pcap;
        struct bytes datagram;
        uint64_t us;
        int rtp = 0, rtcp = 0;
        open_capture(&pcap, files[i].name);
        while (pcap_next(&pcap, &us, &datagram)) {
            enum rtp_kind kind = rtp_classify(datagram);
            assert_int_not_equal(kind, RTP_KIND_NONE);
            if (kind == RTP_KIND_RTP) {
                struct rtp_view v;
                rtp_reads_and_writes(datagram, &v);
                rtp++;
                continue;
            }
            rtcp++;
            assert_int_equal(rtcp_check(datagram), E_OK);
            struct rd r = rd_over(datagram);
            struct rtcp_item item;
            for (const uint8_t *from = r.pos; rtcp_next(&r, &item); from = r.pos)
                rtcp_reads_and_writes(&item, bytes_of(from, (size_t)(r.pos - from)));
        }
        assert_int_equal(rtp, files[i].rtp);
        assert_int_equal(rtcp, files[i].rtcp);
        pcap_close(&pcap);
    }
}

static void loss_is_what_tshark_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(streams); i++) {
        struct pcap pcap;
        struct bytes datagram;
        uint64_t us;
        struct rx_stream s;
        rx_stream_init(&s, streams[i].ssrc, 90000);
        open_capture(&pcap, streams[i].file);
        while (pcap_next(&pcap, &us, &datagram)) {
            if (rtp_classify(datagram) != RTP_KIND_RTP)
                continue;
            struct rtp_view v;
            struct rd r = rd_over(datagram);
            assert_int_equal(rtp_parse(&r, &v), E_OK);
            if (v.ssrc == streams[i].ssrc)
                rx_stream_on_packet(&s, v.seq, v.ts, datagram.n, us);
        }
        assert_int_equal(s.packets, streams[i].packets);
        assert_int_equal(rx_stream_lost(&s), streams[i].lost);
        pcap_close(&pcap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_packet_is_read_and_written_back),
        cmocka_unit_test(loss_is_what_tshark_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
