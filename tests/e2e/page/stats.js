// getStats, boiled down to what a tile and a test want to know.

const RATE_KINDS = ['bytesReceived', 'packetsReceived', 'packetsLost', 'framesDecoded'];

/** VP8, opus: the codec in use on a stream, or null. */
const codecOf = (report, s) => report.get(s.codecId)?.mimeType.split('/')[1] ?? null;

export class Stats {
    constructor() {
        this._last = new Map();
    }

    /** Per remote SSRC: totals since the start, and rates since the call before. */
    async inbound(pc) {
        const out = new Map();
        const now = performance.now();
        const last = new Map();
        const report = await pc.getStats();
        report.forEach((s) => {
            if (s.type !== 'inbound-rtp') {
                return;
            }
            const before = this._last.get(s.ssrc);
            const seconds = before ? (now - before.now) / 1000 : 0;
            const delta = Object.fromEntries(RATE_KINDS.map((k) => [k, (s[k] ?? 0) - (before?.[k] ?? 0)]));
            last.set(s.ssrc, {now, ...Object.fromEntries(RATE_KINDS.map((k) => [k, s[k] ?? 0]))});
            const expected = delta.packetsReceived + delta.packetsLost;
            out.set(s.ssrc, {
                kind: s.kind, mid: s.mid, codec: codecOf(report, s), packets: s.packetsReceived ?? 0, lost: s.packetsLost ?? 0,
                discarded: s.packetsDiscarded ?? 0, nacks: s.nackCount ?? 0, plis: s.pliCount ?? 0,
                repaired: s.retransmittedPacketsReceived ?? 0, bytes: s.bytesReceived ?? 0,
                energy: s.totalAudioEnergy ?? 0, level: s.audioLevel ?? 0, concealed: s.concealedSamples ?? 0,
                samples: s.totalSamplesReceived ?? 0, frames: s.framesDecoded ?? 0, keyFrames: s.keyFramesDecoded ?? 0,
                dropped: s.framesDropped ?? 0, width: s.frameWidth ?? 0, height: s.frameHeight ?? 0,
                freezes: s.freezeCount ?? 0, frozenSeconds: s.totalFreezesDuration ?? 0,
                bps: seconds ? Math.round(delta.bytesReceived * 8 / seconds) : 0,
                fps: seconds ? Math.round(delta.framesDecoded / seconds) : 0,
                lossPercent: seconds && expected > 0 ? 100 * delta.packetsLost / expected : 0,
            });
        });
        this._last = last;
        return out;
    }

    /** The video codecs that this browser's senders, or receivers, know. */
    static able(side) {
        return [...new Set(side.getCapabilities('video').codecs.map((c) => c.mimeType.split('/')[1]))];
    }

    /** What we send: per encoding. */
    static async outbound(pc) {
        const out = [];
        const report = await pc.getStats();
        report.forEach((s) => {
            if (s.type === 'outbound-rtp') {
                out.push({kind: s.kind, ssrc: s.ssrc, codec: codecOf(report, s), bytes: s.bytesSent ?? 0,
                    keyFrameRequests: (s.pliCount ?? 0) + (s.firCount ?? 0), packets: s.packetsSent, frames: s.framesEncoded ?? 0,
                    width: s.frameWidth ?? 0, height: s.frameHeight ?? 0, active: s.active ?? true,
                    retransmitted: s.retransmittedPacketsSent ?? 0, limitation: s.qualityLimitationReason});
            }
        });
        return out;
    }
}
