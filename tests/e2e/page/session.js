// One session with the bridge: one peer connection, from the focus's offer to its end. A new offer means a new session.
import {addSimulcast, buildOffer, ssrcsOf, transportOf} from './sdp.js';
import {BridgeChannel} from './channel.js';

// What stock clients allow for 180p, 360p and 720p, bit/s.
const BITRATES = {
    VP8: [200_000, 500_000, 1_500_000],
    VP9: [100_000, 300_000, 1_200_000],
    AV1: [100_000, 300_000, 1_000_000],
    H264: [400_000, 800_000, 2_000_000],
};
const SCALES = [4, 2, 1];
const SVC_MODES = ['L1T3', 'L2T3_KEY', 'L3T3_KEY'];
const RIDS = ['1', '2', '3'];
const isFirefox = navigator.userAgent.includes('Firefox');
// Browsers with SVC send these as one stream; the others as simulcast.
const svc = (codec) => !isFirefox && (codec === 'VP9' || codec === 'AV1');

/**
 * Events: 'sources' (what is shown changed), 'state' (ICE, channel), 'dominant', 'accept' {transport, sources}.
 * local: Map of source name -> {kind, track, videoType, muted}.
 */
export class Session extends EventTarget {
    constructor(offer, {id, local, codec = 'VP8', rewriting = true, e2ee = false}) {
        super();
        this.offer = offer;
        this.id = id;
        this.codec = codec;
        this.rewriting = rewriting;
        this.remote = new Map(); // primary SSRC -> {kind, source, owner, videoType, mid, track}
        this.dominant = null;
        this.forwarded = null;
        this.times = {start: performance.now()};
        this._local = local;
        if (e2ee) {
            this._encryptor = new Worker('e2ee.js');
            this._encryptor.onmessage = ({data}) => {
                this.encrypted = data;
            };
        }
        this._heights = new Map(); // own source name -> height the bridge wants
        this._constraints = {lastN: -1, defaultConstraints: {maxHeight: 720}};
        this._version = 1;
        this._queue = Promise.resolve();
        this._lines = [
            {mid: 'audio', kind: 'audio', direction: 'sendrecv', ssrc: offer.feedback['jvb-a0'],
                msid: 'mixedmslabel mixedlabelaudio0'},
            {mid: 'video', kind: 'video', direction: 'sendrecv', ssrc: offer.feedback['jvb-v0'],
                msid: 'mixedmslabel mixedlabelvideo0', rids: this._usesRids() ? RIDS : undefined},
        ];
        this._mids = new Map([[`${id}-a0`, 'audio'], [`${id}-v0`, 'video']]); // own source name -> mid
        this._setUpChannel();
        this._setUpConnection();
    }

    _usesRids() {
        return isFirefox;
    }

    _setUpConnection() {
        this.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require', iceServers: []});
        const changed = () => {
            if (['connected', 'completed'].includes(this.pc.iceConnectionState)) {
                this.times.ice ??= performance.now();
            }
            if (this.pc.connectionState === 'connected') {
                this.times.connected ??= performance.now();
            }
            this.dispatchEvent(new Event('state'));
        };
        this.pc.oniceconnectionstatechange = changed;
        this.pc.onconnectionstatechange = changed;
        if (this.offer.sctpPort) {
            this._lines.push({mid: 'data', kind: 'data'});
            this.channel.useDataChannel(this.pc);
        } else if (this.offer.transport.webSockets.length) {
            this.channel.useWebSocket(this.offer.transport.webSockets[0]);
        }
    }

    _setUpChannel() {
        this.channel = new BridgeChannel();
        this.channel.addEventListener('open', () => {
            this.times.channel ??= performance.now();
            for (const [name, source] of this._local) {
                this._sendVideoType(name, source);
            }
            this.channel.send('ReceiverVideoConstraints', this._constraints);
            this.dispatchEvent(new Event('state'));
        });
        this.channel.on('AudioSourcesMap', (m) => this._mapped('audio', m.mappedSources));
        this.channel.on('VideoSourcesMap', (m) => this._mapped('video', m.mappedSources));
        this.channel.on('ForwardedSources', (m) => {
            this.forwarded = m.forwardedSources;
            this.dispatchEvent(new Event('sources'));
        });
        this.channel.on('DominantSpeakerEndpointChangeEvent', (m) => {
            this.dominant = m.dominantSpeakerEndpoint;
            this.dispatchEvent(new Event('dominant'));
        });
        this.channel.on('SenderSourceConstraints', (m) => {
            this._heights.set(m.sourceName, m.maxHeight);
            this._apply(m.sourceName);
        });
    }

    /** Answers the offer; the 'accept' event carries what the focus wants. */
    start() {
        return this._renegotiate(() => {}, true);
    }

    close() {
        this.closed = true;
        this.channel.close();
        this.pc.close();
        this._encryptor?.terminate();
    }

    /** Serialised: applies a change to the m-lines, then the offer, then the answer. */
    _renegotiate(change, first = false) {
        this._queue = this._queue.then(async () => {
            if (this.closed) {
                return;
            }
            change();
            const sdp = buildOffer(this.offer, this._lines, {version: this._version++, codec: this.codec});
            await this.pc.setRemoteDescription({type: 'offer', sdp});
            this._encrypt();
            await this._attachLocal();
            let answer = (await this.pc.createAnswer()).sdp;
            if (!this._usesRids()) {
                answer = addSimulcast(answer, 'video', SCALES.length);
            }
            await this.pc.setLocalDescription({type: 'answer', sdp: answer});
            this._attachRemote();
            for (const name of this._local.keys()) {
                await this._apply(name);
            }
            const detail = {transport: transportOf(this.pc.localDescription.sdp), sources: this.localSources()};
            if (first) {
                this.dispatchEvent(new CustomEvent('accept', {detail}));
            }
            this.dispatchEvent(new Event('sources'));
        }).catch((e) => {
            this.error = String(e);
            console.error(e);
        });
        return this._queue;
    }

    /** Takes the bridge's new ICE credentials; gives back ours, of the same round. Nothing else is negotiated anew. */
    async restartIce(transport) {
        await this._renegotiate(() => {
            this.offer.transport = transport;
        });
        return {...transportOf(this.pc.localDescription.sdp), generation: transport.generation};
    }

    /** From before the first frame on, nothing leaves or comes in that is not encrypted end to end. */
    _encrypt() {
        for (const {sender, receiver} of this._encryptor ? this.pc.getTransceivers() : []) {
            const kind = receiver.track.kind;
            sender.transform ??= new RTCRtpScriptTransform(this._encryptor, {side: 'send', kind});
            receiver.transform ??= new RTCRtpScriptTransform(this._encryptor, {side: 'receive', kind});
        }
    }

    _transceiver(mid) {
        return this.pc.getTransceivers().find((t) => t.mid === mid);
    }

    async _attachLocal() {
        for (const [name, {track}] of this._local) {
            const t = this._transceiver(this._mids.get(name));
            if (t && t.sender.track !== track) {
                await t.sender.replaceTrack(track);
            }
            if (t) {
                t.direction = name.endsWith('0') ? 'sendrecv' : 'sendonly';
            }
        }
    }

    _attachRemote() {
        for (const r of this.remote.values()) {
            r.track = this._transceiver(r.mid)?.receiver.track ?? null;
        }
    }

    // --- what we send ---

    localSources() {
        const sdp = this.pc.localDescription.sdp;
        return [...this._local].map(([name, {kind, videoType}]) => (
            {kind, name, videoType, ...ssrcsOf(sdp, this._mids.get(name))})).filter((s) => s.ssrcs.length);
    }

    /** A second video source (the screen), on an m-line of its own. */
    async addSource(name) {
        if (!this._mids.has(name)) {
            const mid = `own-${name.split('-').at(-1)}`; // an identifier of 16 bytes still fits the extension
            this._mids.set(name, mid);
            await this._renegotiate(() => this._lines.push({mid, kind: 'video', direction: 'recvonly'}));
        } else {
            await this._attachLocal();
        }
        this.sourceChanged(name);
    }

    /** Track, mute state or video type of an own source changed. */
    async sourceChanged(name) {
        const source = this._local.get(name);
        const t = this._transceiver(this._mids.get(name));
        if (t && source) {
            await t.sender.replaceTrack(source.track);
            await this._apply(name);
            this._sendVideoType(name, source);
        }
    }

    /** The source is no longer in local: nothing is sent on its m-line. */
    async removeSource(name) {
        const t = this._transceiver(this._mids.get(name));
        await t?.sender.replaceTrack(null);
        this._sendVideoType(name, {kind: 'video', muted: true});
    }

    _sendVideoType(name, {kind, videoType, muted}) {
        if (kind === 'video') {
            this.channel.send('SourceVideoTypeMessage', {sourceName: name, videoType: muted ? 'none' : videoType});
        }
    }

    /** Encodings as the bridge wants them: an encoding is on while its height is wanted; the lowest one stays on. */
    _apply(name) {
        // One after the other: parameters that were read before others were set are refused, and a wish would be lost.
        this._applying = (this._applying ?? Promise.resolve()).then(() => this._applyNow(name)).catch(console.warn);
        return this._applying;
    }

    async _applyNow(name) {
        const source = this._local.get(name);
        const sender = this._transceiver(this._mids.get(name))?.sender;
        if (!sender || source?.kind !== 'video' || this.pc.signalingState !== 'stable') {
            return;
        }
        const wanted = this._heights.get(name) ?? -1;
        const limit = wanted < 0 ? Infinity : wanted;
        const parameters = sender.getParameters();
        const {width = 1280, height = 720} = source.track?.getSettings() ?? {};
        const size = Math.min(width, height);
        const single = parameters.encodings.length < 2;
        if (single) {
            const [e] = parameters.encodings;
            e.active = limit > 0;
        }
        parameters.encodings.forEach((e, i) => {
            if (!single && svc(this.codec)) {
                // One stream of as many layers as its height allows.
                const top = SCALES.findLastIndex((scale) => size / scale <= Math.max(limit, size / SCALES[0]));
                Object.assign(e, {active: i === 0 && limit > 0, scaleResolutionDownBy: SCALES[top],
                    maxBitrate: BITRATES[this.codec][top], scalabilityMode: SVC_MODES[top]});
            } else if (!single) {
                const scaleResolutionDownBy = SCALES[i];
                const maxBitrate = BITRATES[this.codec][i];
                const active = limit > 0 && (i === 0 || size / scaleResolutionDownBy <= limit);
                const temporal = this.codec === 'H264' && !isFirefox ? {scalabilityMode: 'L1T3'} : {};
                Object.assign(e, {active, scaleResolutionDownBy, maxBitrate, ...temporal});
            }
        });
        await sender.setParameters(parameters).catch((e) => console.warn('setParameters', e));
    }

    // --- what we receive ---

    /** Names what we want to see: {source name: height}, and which of them is on stage. */
    want(heights, onStage) {
        this._constraints = {
            lastN: -1, onStageSources: onStage ? [onStage] : [], selectedSources: [], defaultConstraints: {maxHeight: 720},
            constraints: Object.fromEntries(Object.entries(heights).map(([s, maxHeight]) => [s, {maxHeight}])),
        };
        const text = JSON.stringify(this._constraints);
        if (text !== this._lastWanted && this.channel.send('ReceiverVideoConstraints', this._constraints)) {
            this._lastWanted = text;
        }
    }

    /** A source map of the bridge: new SSRCs get an m-line, known ones another owner. */
    _mapped(kind, mapped) {
        const added = [];
        for (const {source, owner, ssrc, rtx, videoType, mid} of mapped) {
            const known = this.remote.get(ssrc);
            if (!known) {
                added.push({kind, source, owner, ssrc, rtx, videoType: videoType?.toLowerCase(), mid});
                continue;
            }
            Object.assign(known, {source, owner, videoType: videoType?.toLowerCase()});
        }
        this._addRemote(added);
    }

    /** Plain mode: the focus names everybody's SSRCs. */
    setMembers(members) {
        const owners = new Set(members.map((m) => m.id));
        if (this.rewriting) {
            // A slot whose owner has left says nothing any more; the bridge may give it to another.
            for (const r of this.remote.values()) {
                if (!owners.has(r.owner)) {
                    r.owner = r.source = null;
                }
            }
            this.dispatchEvent(new Event('sources'));
            return;
        }
        const added = [];
        const signalled = new Set();
        for (const m of members) {
            for (const s of m.sources) {
                const sim = s.groups?.find(([semantics]) => semantics === 'SIM');
                const ssrc = sim ? sim[1][0] : s.ssrcs[0];
                const rtx = s.groups?.find(([semantics, [first]]) => semantics === 'FID' && first === ssrc)?.[1][1];
                signalled.add(ssrc);
                if (!this.remote.has(ssrc)) {
                    added.push({kind: s.kind, source: s.name, owner: m.id, ssrc, rtx, videoType: s.videoType});
                }
            }
        }
        const gone = [...this.remote].filter(([ssrc]) => !signalled.has(ssrc));
        this._addRemote(added, gone);
    }

    _addRemote(added, gone = []) {
        if (!added.length && !gone.length) {
            this.dispatchEvent(new Event('sources'));
            return;
        }
        for (const r of added) {
            r.mid ??= `remote-${r.kind}-${this._nextRemote = (this._nextRemote ?? 0) + 1}`;
            this.remote.set(r.ssrc, r);
        }
        this._renegotiate(() => {
            for (const r of added) {
                this._lines.push({mid: r.mid, kind: r.kind, direction: 'sendonly', ssrc: r.ssrc, rtx: r.rtx,
                    msid: `remote-${r.kind}-${r.ssrc} remote-${r.kind}-${r.ssrc}`});
            }
            for (const [ssrc, r] of gone) {
                this.remote.delete(ssrc);
                const line = this._lines.find((l) => l.mid === r.mid);
                Object.assign(line, {direction: 'inactive', ssrc: undefined, rtx: undefined});
            }
        });
    }
}
