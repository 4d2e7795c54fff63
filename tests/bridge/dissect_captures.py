#!/usr/bin/env python3
"""Our parsers read recorded calls as tshark does, field by field: `dissect_captures.py PRINT_CAPTURES VECTORS`.

tshark 4.0 knows RTP and its extensions, VP8, and H.264; it knows no VP9 descriptor, so that is read here anew (RFC 9628
4.2). AV1's dependency descriptor is an extension, whose bytes alone are compared."""
import subprocess
import sys

CAPTURES = [
    ("rewriting-vp8-5s-rx", 100, "vp8"), ("rewriting-vp8-rx", 100, "vp8"), ("plain-vp8-rx", 100, "vp8"),
    ("firefox-vp8-rx", 100, "vp8"), ("rewriting-vp8-tx", 100, "vp8"), ("rewriting-vp9-9s-rx", 101, "vp9"),
    ("rewriting-vp9-rx", 101, "vp9"), ("rewriting-h264-rx", 107, "h264"), ("rewriting-av1-rx", 41, "av1"),
]
RTP = ["rtp.p_type", "rtp.seq", "rtp.timestamp", "rtp.ssrc", "rtp.marker", "rtp.ext.rfc5285.id", "rtp.ext.rfc5285.data"]
VP8 = ["vp8.pld.pictureid", "vp8.pld.tl0picidx", "vp8.pld.tid", "vp8.keyframe.width", "vp8.keyframe.height"]
H264 = ["h264.nal_unit_type", "h264.nal_unit_hdr", "h264.start.bit"]


def tshark(path, pt, codec):
    fields = RTP + {"vp8": VP8, "h264": H264}.get(codec, []) + ["rtp.payload"]
    command = ["tshark", "-r", path, "-d", "udp.port==123,rtp", "-Y", "rtp", "-T", "fields", "-E", "separator=|"]
    if codec in ("vp8", "h264"):
        command += ["-d", f"rtp.pt=={pt},{codec}"]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split("|") for line in out.splitlines()]


def vp9(payload):
    bits, at = payload[0], 1
    picture = tl0 = tid = sid = depends = "-"
    sids = 0
    if bits & 0x80:
        picture, at = payload[at], at + 1
        if picture & 0x80:
            picture, at = (picture & 0x7F) << 8 | payload[at], at + 1
    if bits & 0x20:
        tid, sid, depends, at = payload[at] >> 5, payload[at] >> 1 & 7, payload[at] & 1, at + 1
        if not bits & 0x10:
            tl0, at = payload[at], at + 1
    if bits & 0x50 == 0x50:
        while payload[at] & 1:
            at += 1
        at += 1
    if bits & 2:
        head, at = payload[at], at + 1
        sids = (head >> 5) + 1
        at += 4 * sids * bool(head & 0x10)
        if head & 8:
            pictures, at = payload[at], at + 1
            for _ in range(pictures):
                at += 1 + (payload[at] >> 2 & 3)
    return [picture, tl0, tid, sid, depends, bits >> 6 & 1, bits >> 3 & 1, bits >> 2 & 1, sids, at]


def h264_key(inner, header, start):
    """RFC 6184 5.2: a unit alone (1 to 23), several (24, then their types), or a part of one (28, its type apart)."""
    kinds = [int(kind) for kind in header.split(",")]
    if kinds[0] == 28:
        return int(start in ("1", "True") and inner in ("5", "7"))
    return int(any(kind in (5, 7, 8) for kind in kinds))


def expected(row, pt, codec):
    kind, seq, ts, ssrc, marker = (value.split(",")[0] for value in row[:5])  # it may see another RTP packet inside
    ids, data = row[5:7]
    elements = ",".join(f"{i}={d}" for i, d in zip(ids.split(","), data.split(","))) if ids else "-"
    out = [kind, seq, ts, f"{int(ssrc, 16):08x}", str(int(marker in ("1", "True"))), elements]
    if int(kind) == pt and row[-1]:
        if codec == "vp8":
            out += [value or "-" for value in row[7:12]]
        elif codec == "vp9":
            out += [str(value) for value in vp9(bytes.fromhex(row[-1].replace(":", "")))]
        elif codec == "h264":
            out.append(str(h264_key(*row[7:10])))
    return " ".join(out)


def main():
    program, vectors = sys.argv[1], sys.argv[2]
    for name, pt, codec in CAPTURES:
        path = f"{vectors}/rtp/{name}.pcap"
        ours = subprocess.run([program, path, str(pt), codec], capture_output=True, text=True, check=True).stdout.splitlines()
        theirs = [expected(row, pt, codec) for row in tshark(path, pt, codec)]
        assert len(ours) == len(theirs) > 20, f"{name}: {len(ours)} packets, tshark sees {len(theirs)}"
        video = 0
        for number, (a, b) in enumerate(zip(ours, theirs)):
            assert a == b, f"{name}, packet {number}:\n  ours   {a}\n  theirs {b}"
            video += a.split()[0] == str(pt)
        assert video > 5, f"{name}: no video"
        print(f"{name}: {len(ours)} packets, {video} of {codec}, read alike")


if __name__ == "__main__":
    main()
