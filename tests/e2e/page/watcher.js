// Looks at a call ten times a second and keeps what it saw, so that a test can say when something changed and for how long
// no picture came.

const INTERVAL_MS = 100;

export class Watcher {
    /** samples: [{t: ms since 1970, sources: {name: [height, pictures so far, forwarded]}, sent: bytes of video so far}] */
    constructor(call) {
        this.samples = [];
        this._call = call;
        this._timer = setInterval(() => this._look(), INTERVAL_MS);
    }

    stop() {
        clearInterval(this._timer);
    }

    async _look() {
        const session = this._call.session;
        if (!session) {
            return;
        }
        const sample = {t: performance.timeOrigin + performance.now(), sources: {}, sent: 0};
        const names = new Map(this._call.shown().filter((r) => r.kind === 'video').map((r) => [r.ssrc, r.source]));
        (await session.pc.getStats()).forEach((s) => {
            if (s.type === 'inbound-rtp' && names.has(s.ssrc)) {
                const name = names.get(s.ssrc);
                sample.sources[name] = [s.frameHeight ?? 0, s.framesDecoded ?? 0, session.forwarded?.includes(name) ?? true];
            } else if (s.type === 'outbound-rtp' && s.kind === 'video') {
                sample.sent += s.bytesSent;
            }
        });
        this.samples.push(sample);
    }
}
