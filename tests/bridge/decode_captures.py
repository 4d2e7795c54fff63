#!/usr/bin/env python3
"""Recorded calls, through the bridge to receivers whose layers change at random, decode without one error, and every
picture is one that the sender made: `decode_captures.py TEST_CAPTURES VECTORS [SEED...]`.

TEST_CAPTURES writes the packets that each receiver got. Here they are taken apart and given to ffmpeg, frame by frame. The
sender's own encodings are decoded too, each alone and whole: a frame of the output must decode to the picture that the
same frame has there. A decoder that lacks a reference shows something else, even where it finds no error to report.
Nothing here is shared with the bridge: RFC 3550, 7741, 9628, 6184 and the AV1 RTP specification read anew."""
import collections
import glob
import itertools
import struct
import subprocess
import sys
import tempfile

CAPTURES = {  # by payload type: the SSRCs that carry it
    "rewriting-vp8-5s-rx": {100: [0xE7257912, 0x5CD0B13F, 0xA41EB3B3]},
    "plain-vp8-rx": {100: [0xBD82A702, 0x2BACC60C, 0x165A3A8C]},
    "firefox-vp8-rx": {100: [0x13C8E654, 0x13E9966C, 0xA8B748C9]},
    "rewriting-vp9-9s-rx": {101: [0xAC38C641]},
    "rewriting-av1-rx": {41: [0x50CC1977]},
    "rewriting-h264-rx": {107: [0x15EEF6D8, 0x61A1600D, 0x500BB78E]},
    "share-vp8-rx": {100: [0x6F94CBA2, 0xF9C313FD, 0x0EC95EED], 41: [0x936DE781]},
    "share-vp8-2-rx": {100: [0xAC0687DB, 0x4F4D4E63], 41: [0xAC0687DB, 0xCBE5082E]},
    "share-av1-rx": {41: [0xB35F4CED, 0x8012BC03]},
}
CODECS = {100: "vp8", 101: "vp9", 41: "av1", 107: "h264"}
Packet = collections.namedtuple("Packet", "pt ssrc seq ts marker payload first last")
DD = 11  # the extension's id in these calls


def extensions(profile, block):
    """RFC 8285: by id."""
    out, at = {}, 0
    while at < len(block):
        if block[at] == 0:
            at += 1
            continue
        if profile == 0xBEDE:
            number, size, at = block[at] >> 4, (block[at] & 15) + 1, at + 1
        else:
            number, size, at = block[at], block[at + 1], at + 2
        out[number] = block[at:at + size]
        at += size
    return out


def rtp(data):
    first, second, seq, ts, ssrc = struct.unpack("!BBHII", data[:12])
    at = 12 + 4 * (first & 15)
    frame = 0
    if first & 0x10:
        profile, words = struct.unpack("!HH", data[at:at + 4])
        frame = extensions(profile, data[at + 4:at + 4 + 4 * words]).get(DD, b"\0")[0]
        at += 4 + 4 * words
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return Packet(second & 0x7F, ssrc, seq, ts, second >> 7, data[at:end], frame & 0x80, frame & 0x40)


def read_pcap(path):
    data = open(path, "rb").read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at < len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        udp = frame[14 + 4 * (frame[14] & 15):]
        datagram = udp[8:]
        if len(datagram) > 12 and not 192 <= datagram[1] <= 223:
            yield rtp(datagram)


def read_written(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        length = struct.unpack("!H", data[at:at + 2])[0]
        yield rtp(data[at + 2:at + 2 + length])
        at += 2 + length


def vp8(payload):
    at = 1
    if payload[0] & 0x80:
        bits, at = payload[1], 2
        if bits & 0x80:
            at += 2 if payload[at] & 0x80 else 1
        at += bool(bits & 0x40) + bool(bits & 0x30)
    return payload[at:], payload[0] & 0x10 and not payload[0] & 7, False


def vp9(payload):
    bits, at = payload[0], 1
    if bits & 0x80:
        at += 2 if payload[at] & 0x80 else 1
    if bits & 0x20:
        at += 1 if bits & 0x10 else 2
    if bits & 0x50 == 0x50:
        while payload[at] & 1:
            at += 1
        at += 1
    if bits & 2:
        head = payload[at]
        at += 1
        if head & 0x10:
            at += 4 * ((head >> 5) + 1)
        if head & 8:
            pictures = payload[at]
            at += 1
            for _ in range(pictures):
                at += 1 + (payload[at] >> 2 & 3)
    return payload[at:], bits & 8, bits & 4


def h264(payload):
    kind, start = payload[0] & 31, b"\0\0\0\1"
    if kind == 24:
        out, at = b"", 1
        while at < len(payload):
            size = struct.unpack("!H", payload[at:at + 2])[0]
            out += start + payload[at + 2:at + 2 + size]
            at += 2 + size
        return out, None, False
    if kind == 28:
        head = start + bytes([payload[0] & 0xE0 | payload[1] & 31]) if payload[1] & 0x80 else b""
        return head + payload[2:], None, False
    return start + payload, None, False


def leb128(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if not data[at - 1] & 0x80:
            return value, at


def av1_elements(payload):
    """What an aggregation holds: (is it the rest of the one before, does the last go on, the pieces)."""
    head, at, pieces = payload[0], 1, []
    count = head >> 4 & 3
    while at < len(payload):
        if count and len(pieces) == count - 1:
            size = len(payload) - at
        else:
            size, at = leb128(payload, at)
        pieces.append(payload[at:at + size])
        at += size
    return bool(head & 0x80), bool(head & 0x40), pieces


def av1_obu(obu):
    """With a size of its own, as a file wants it."""
    if obu[0] & 2:
        return obu
    header = 2 if obu[0] & 4 else 1
    size, n = b"", len(obu) - header
    while n > 0x7F:
        size, n = size + bytes([n & 0x7F | 0x80]), n >> 7
    return bytes([obu[0] | 2]) + obu[1:header] + size + bytes([n]) + obu[header:]


def av1_frames_of(packets):
    """A layer of a picture is a frame here, too; where it begins and ends, the dependency descriptor says."""
    frame, piece, seq = None, b"", None
    for p in packets:
        continued, goes_on, pieces = av1_elements(p.payload)
        if p.first:
            frame, piece = b"", b""
        elif p.seq != seq + 1 & 0xFFFF:
            frame = None
        seq = p.seq
        if frame is None:
            continue
        for n, data in enumerate(pieces):
            piece = piece + data if n == 0 and continued else data
            if n < len(pieces) - 1 or not goes_on:
                frame += av1_obu(piece)
        if p.last:
            yield frame
            frame = None


def frames_of(packets, codec):
    """Whole frames only; a layer of a VP9 picture is a frame of its own, as the encoder made it."""
    if codec == "av1":
        yield from av1_frames_of(packets)
        return
    take = {"vp8": vp8, "vp9": vp9, "h264": h264}[codec]
    frame, ts, seq = None, None, None
    for p in packets:
        data, start, end = take(p.payload)
        follows = seq is not None and p.seq == seq + 1 & 0xFFFF
        if start or (start is None and p.ts != ts):
            frame = b""
        elif not follows:
            frame = None
        seq, ts = p.seq, p.ts
        if frame is not None:
            frame += data
        if p.marker or end:
            if frame is not None:
                yield frame
            frame = None


def decode(frames, codec, path):
    """A hash of each picture, in order. ffmpeg's every word is an error."""
    with open(path, "wb") as out:
        if codec != "h264":
            fourcc = {"vp8": b"VP80", "vp9": b"VP90", "av1": b"AV01"}[codec]
            out.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, fourcc, 1280, 720, 30, 1, len(frames), 0))
        for n, frame in enumerate(frames):
            if codec != "h264":
                out.write(struct.pack("<IQ", len(frame), n))
            out.write(frame)
    decoder = ["-c:v", "libdav1d", "-alllayers", "1"] if codec == "av1" else []
    run = subprocess.run(["ffmpeg", "-v", "error", *decoder, "-f", "h264" if codec == "h264" else "ivf", "-i", path, "-autoscale", "0",
                          "-vsync", "passthrough", "-f", "framemd5", "-"], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr[:2000]
    return [line.split(",")[-1].strip() for line in run.stdout.splitlines() if not line.startswith("#")]


def made_by_sender(vectors, name, folder):
    """Which picture each frame is: {its bytes: hash}."""
    packets, pictures = list(read_pcap(f"{vectors}/rtp/{name}.pcap")), {}
    for pt, ssrcs in CAPTURES[name].items():
        for ssrc in ssrcs:
            own = [p for p in packets if p.ssrc == ssrc and p.pt == pt and p.payload]
            frames = list(frames_of(own, CODECS[pt]))
            if frames:
                hashes = decode(frames, CODECS[pt], folder + "/source")
                assert len(hashes) == len(frames), f"{name}: {len(frames)} frames, {len(hashes)} pictures"
                pictures.update(zip(frames, hashes))
    return pictures


def check_codec(name, codec, packets, pictures, folder):
    """Packets from the stream's begin, or a change of codec, to the next."""
    frames = list(frames_of(packets, codec))
    ends = {"vp9": lambda p: p.payload[0] >> 2 & 1, "av1": lambda p: p.last}.get(codec, lambda p: False)
    expected = sum(bool(p.marker or ends(p)) for p in packets)
    assert len(frames) in (expected, expected + (not packets[-1].marker)), f"{name}: torn frames"
    hashes = decode(frames, codec, folder + "/output")
    assert len(hashes) == len(frames), f"{name}: {len(frames)} frames, {len(hashes)} pictures"
    wrong = [n for n, (frame, picture) in enumerate(zip(frames, hashes)) if pictures.get(frame) != picture]
    assert not wrong, f"{name}: wrong pictures {wrong[:10]} of {len(frames)}"
    return len(frames)


def check(name, path, pictures, folder):
    packets = list(read_written(path))
    assert packets, f"{name}: nothing came"
    for before, p in zip(packets, packets[1:]):
        # a switch in the middle of a frame leaves one number out: it is torn, and the other encoding begins
        torn = p.ts != before.ts and not before.marker
        assert p.seq == before.seq + 1 + torn & 0xFFFF and p.ssrc == before.ssrc, f"{name}: a seam after {before.seq}"
    frames = sum(check_codec(name, CODECS[pt], list(run), pictures, folder)
                 for pt, run in itertools.groupby(packets, key=lambda p: p.pt))
    return len({p.ts for p in packets if p.marker}), frames


def main():
    program, vectors, seeds = sys.argv[1], sys.argv[2], sys.argv[3:] or ["1", "2", "3"]
    with tempfile.TemporaryDirectory() as folder:
        sources = {name: made_by_sender(vectors, name, folder) for name in CAPTURES}
        for seed in seeds:
            subprocess.run([program, folder, seed], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for name, pictures in sources.items():
                streams = sorted(glob.glob(f"{folder}/{name}-[01]-[01].rtp"))
                assert len(streams) == (4 if name.startswith("share") else 2), f"{name}: {len(streams)} streams"
                for path in streams:
                    count, frames = check(name, path, pictures, folder)
                    print(f"seed {seed} {path[len(folder) + 1:]}: {count} pictures, {frames} frames decode as sent")


if __name__ == "__main__":
    main()
