/* The bandwidth estimate under any sequence of sending, time, feedback, REMB and reports: it stays within its configuration,
 * orders of probes are finite, and the deadline does not stand still. */
#include <stdlib.h>

#include "media/gcc.h"

static struct gcc g;

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct gcc_config *cfg)
{
    struct gcc_target target;
    uint64_t bps = gcc_estimate_bps(&g);
    must(bps >= cfg->min_bps && (bps <= cfg->max_bps || cfg->feedback != GCC_TWCC));
    gcc_target(&g, &target);
    must(target.loss >= 0 && target.loss <= 1.0001f);
    must(gcc_limit_str(target.limit) != NULL);
}

/* Sends what is ordered, or part of it, or nothing. */
static void send_probes(uint16_t *seq, uint64_t now_us, unsigned share)
{
    struct gcc_probe order;
    unsigned orders = 0;
    while (gcc_probe_poll(&g, now_us, &order)) {
        must(++orders < 5000 && order.len_bytes > 0 && order.purpose != GCC_MEDIA);
        for (size_t left = order.len_bytes * share / 4; left > 0;) {
            size_t one = left < 1200 ? left : 1200;
            gcc_on_sent(&g, (*seq)++, one, order.purpose, now_us);
            left -= one;
        }
    }
}

static void feed_back(struct rd *r, uint16_t seq, uint64_t now_us)
{
    uint8_t buf[TWCC_PACKET_MAX + 20];
    struct rtcp_twcc_build b;
    struct rtcp_item item;
    struct rtcp_fb fb;
    struct rtcp_twcc twcc;
    uint64_t arrival_us = SEC(1000) + now_us + rd_u16(r, "offset") * 100ull;
    uint16_t back = rd_u8(r, "back");
    unsigned n = rd_u8(r, "count");
    rtcp_twcc_build_init(&b, (uint16_t)(seq - back), arrival_us);
    for (unsigned i = 0; i < n; i++) {
        uint8_t step = rd_u8(r, "step");
        arrival_us += (step & 0x3f) * 250ull;
        if (!rtcp_twcc_build_add(&b, i ? step >> 6 : 0, arrival_us))
            break;
    }
    struct wr w = wr_over(buf, sizeof buf);
    rtcp_twcc_build_write(&b, &w, 1, 2, 0);
    struct rd back_in = rd_over(wr_done(&w));
    if (n && rtcp_next(&back_in, &item) && rtcp_fb_parse(&item, &fb) == E_OK && rtcp_twcc_parse(&fb, &twcc) == E_OK)
        gcc_on_feedback(&g, &twcc, now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rd r = rd_over(bytes_of(data, len));
    struct gcc_config cfg = GCC_CONFIG_DEFAULT;
    uint8_t first = rd_u8(&r, "feedback");
    cfg.feedback = first % 8 < 6 ? GCC_TWCC : first % 8 == 6 ? GCC_REMB : GCC_NONE;
    uint64_t now_us = SEC(5);
    uint16_t seq = 65000;
    gcc_init(&g, &cfg, now_us);
    while (rd_left(&r) && r.err == E_OK) {
        uint8_t op = rd_u8(&r, "op"), arg = rd_u8(&r, "arg");
        switch (op % 10) {
        case 0:
        case 1:
        case 2:
            for (unsigned i = 0; i <= arg % 32u; i++, now_us += 10u * arg)
                gcc_on_sent(&g, seq++, 60 + 4u * arg, GCC_MEDIA, now_us);
            break;
        case 3:
        case 4: feed_back(&r, seq, now_us); break;
        case 5: now_us += (uint64_t)arg * arg * 500; break;
        case 6: gcc_set_wants(&g, arg * 10000ull, rd_u8(&r, "ideal") * 50000ull, now_us); break;
        case 7: gcc_on_remb(&g, arg == 255 ? UINT64_MAX : arg * 20000ull, now_us); break;
        case 8:
            gcc_on_report(&g,
                          &(struct rtcp_report){
                              .ssrc = arg % 20u, .high_seq = rd_u32(&r, "high"), .lost = (int32_t)rd_u32(&r, "lost")},
                          now_us);
            break;
        case 9:
            if (arg == 0)
                gcc_on_path_changed(&g, now_us);
            else
                gcc_on_rtt(&g, arg * 10000ull);
            break;
        }
        send_probes(&seq, now_us, arg % 5u);
        for (unsigned rounds = 0; now_us >= gcc_deadline_us(&g); rounds++) {
            must(rounds < 10);
            gcc_on_time(&g, now_us);
            send_probes(&seq, now_us, arg % 5u);
        }
        check(&cfg);
    }
    return 0;
}
