/* What our parsers read from a recorded call, a line for each RTP packet, for dissect_captures.py to compare:
 * `print_captures FILE PT CODEC`. Only packets of PT have their payload read; "-" is what is absent. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/h264.h"
#include "proto/rtp.h"
#include "proto/vp8.h"
#include "proto/vp9.h"
#include "support/pcap.h"

static void print_number(bool there, unsigned value)
{
    if (there)
        printf(" %u", value);
    else
        printf(" -");
}

static void print_vp8(struct bytes payload)
{
    struct vp8_desc d;
    assert_int_equal(vp8_desc_parse(payload, &d), E_OK);
    bool sized = d.keyframe && vp8_frame_start(&d);
    print_number(d.pictureid_at, d.pictureid);
    print_number(d.tl0picidx_at, d.tl0picidx);
    print_number(d.has_tid, d.tid);
    print_number(sized, d.width);
    print_number(sized, d.height);
}

static void print_vp9(struct bytes payload)
{
    struct vp9_desc d;
    assert_int_equal(vp9_desc_parse(payload, &d), E_OK);
    print_number(d.pictureid_at, d.pictureid);
    print_number(d.tl0picidx_at, d.tl0picidx);
    print_number(d.has_layers, d.tid);
    print_number(d.has_layers, d.sid);
    print_number(d.has_layers, d.inter_layer);
    printf(" %d %d %d %u %u", d.inter, d.start, d.end, d.sids, d.len);
}

static void print_h264(struct bytes payload)
{
    struct h264_desc d;
    h264_desc_parse(payload, &d);
    printf(" %d", d.keyframe);
}

static void print_packet(struct bytes datagram, unsigned pt, char codec)
{
    struct rd r = rd_over(datagram);
    struct rtp_view v;
    struct rtp_ext ext;
    assert_int_equal(rtp_parse(&r, &v), E_OK);
    printf("%u %u %u %08x %d ", v.pt, v.seq, v.ts, v.ssrc, v.marker);
    const char *comma = "";
    for (size_t at = 0; rtp_ext_next(&v, &at, &ext); comma = ",") {
        printf("%s%u=", comma, ext.id);
        for (size_t i = 0; i < ext.data.n; i++)
            printf("%02x", ext.data.p[i]);
    }
    printf("%s", *comma ? "" : "-");
    assert_int_equal(rtp_unpad(&v), E_OK);
    if (v.pt == pt && v.payload.n) {
        if (codec == '8')
            print_vp8(v.payload);
        else if (codec == '9')
            print_vp9(v.payload);
        else if (codec == '4')
            print_h264(v.payload);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    struct pcap pcap;
    struct bytes datagram;
    uint64_t us;
    if (argc != 4)
        return 64;
    pcap_open(&pcap, argv[1]);
    while (pcap_next(&pcap, &us, &datagram))
        if (rtp_classify(datagram) == RTP_KIND_RTP)
            print_packet(datagram, (unsigned)strtoul(argv[2], NULL, 10), argv[3][strlen(argv[3]) - 1]);
    pcap_close(&pcap);
    return 0;
}
