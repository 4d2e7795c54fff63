// A call: local tracks, the socket to the focus, and the current session with the bridge.
import {Session} from './session.js';
import {Stats} from './stats.js';

/** Events: 'change' (anything a view shows). */
export class Call extends EventTarget {
    /** options: {room, name, rewriting, midDemux, sctp, red, codec, e2ee, width, height, frameRate} */
    constructor(options) {
        super();
        this.options = options;
        this.members = [];
        this.local = new Map(); // source name -> {kind, track, videoType, muted}
        this.session = null;
        this.sessions = 0;
        this.terminations = [];
        this.firsts = new Map(); // owner -> {audio, video}: ms from ICE connected to the first sound and picture
        this._stats = new Stats();
    }

    async join() {
        const {width, height, frameRate} = this.options;
        this._camera = {width: {ideal: width}, height: {ideal: height}, frameRate: {ideal: frameRate}};
        const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: this._camera});
        this._tracks = {audio: stream.getAudioTracks()[0], video: stream.getVideoTracks()[0]};
        this._socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
        this._socket.onmessage = ({data}) => this._handle(JSON.parse(data));
        this._socket.onclose = () => this._endSession();
        await new Promise((resolve, reject) => {
            this._socket.onopen = resolve;
            this._socket.onerror = () => reject(new Error('the focus does not answer'));
        });
        const {room, name, rewriting, midDemux, sctp, red} = this.options;
        this._tell('join', {room, name, options: {rewriting, midDemux, sctp, red}});
    }

    leave() {
        this._endSession();
        this._socket?.close();
        for (const {track} of this.local.values()) {
            track?.stop();
        }
        this.local.clear();
        this.members = [];
        this._changed();
    }

    _tell(type, members = {}) {
        if (this._socket?.readyState === WebSocket.OPEN) {
            this._socket.send(JSON.stringify({type, ...members}));
        }
    }

    _changed() {
        this.dispatchEvent(new Event('change'));
    }

    _handle(m) {
        if (m.type === 'joined') {
            this.id = m.id;
            this.local.set(`${m.id}-a0`, {kind: 'audio', track: this._tracks.audio, muted: false});
            this.local.set(`${m.id}-v0`, {kind: 'video', track: this._tracks.video, videoType: 'camera', muted: false});
            this._tellState();
        } else if (m.type === 'offer') {
            this._startSession(m);
        } else if (m.type === 'terminate') {
            this.terminations.push(m.reason);
            this._endSession();
        } else if (m.type === 'ice-restart') {
            this.session?.restartIce(m.transport).then((transport) => this._tell('transport-info', {transport}));
        } else if (m.type === 'members') {
            this.members = m.members;
            this.session?.setMembers(this.members);
        }
        this._changed();
    }

    _startSession(offer) {
        this._endSession();
        this.sessions++;
        this.firsts.clear();
        const session = new Session(offer, {id: this.id, local: this.local, codec: this.options.codec,
            rewriting: offer.rewriting, e2ee: this.options.e2ee});
        this.session = session;
        session.addEventListener('accept', ({detail}) => this._tell('accept', {session: offer.session, ...detail}));
        session.addEventListener('state', () => {
            const state = session.pc.iceConnectionState;
            if (state === 'failed' && this.session === session) {
                this._tell('restart');
            }
            if (state === 'connected' && !this._timing) {
                this._timeFirsts(session);
            }
            this._changed();
        });
        session.addEventListener('sources', () => this._changed());
        session.addEventListener('dominant', () => this._changed());
        session.start().then(() => session.setMembers(this.members));
    }

    _endSession() {
        this.session?.close();
        this.session = null;
        this._changed();
    }

    /** Watches until everybody here has been seen and heard, or 15 s have gone. */
    async _timeFirsts(session) {
        this._timing = true;
        const end = session.times.ice + 15_000;
        while (this.session === session && performance.now() < end) {
            const inbound = await new Stats().inbound(session.pc);
            const t = Math.round(performance.now() - session.times.ice);
            for (const [ssrc, r] of session.remote) {
                const s = inbound.get(ssrc);
                const first = this.firsts.get(r.owner) ?? {};
                if (s && r.kind === 'audio' && s.energy > 0) {
                    first.audio ??= t;
                } else if (s && r.kind === 'video' && s.frames > 0) {
                    first.video ??= t;
                }
                this.firsts.set(r.owner, first);
            }
            if (this.members.length && this.members.every(({id}) => {
                const first = this.firsts.get(id);
                return first && first.audio !== undefined && first.video !== undefined;
            })) {
                break;
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        this._timing = false;
    }

    // --- what the user does ---

    _tellState() {
        const state = {};
        for (const [name, {kind, muted, videoType}] of this.local) {
            state[name] = {kind, muted, videoType};
        }
        this._tell('state', {state});
        this._changed();
    }

    setMuted(muted) {
        const source = this.local.get(`${this.id}-a0`);
        source.muted = muted;
        source.track.enabled = !muted;
        this._tellState();
    }

    async setCamera(on) {
        const name = `${this.id}-v0`;
        const source = this.local.get(name);
        if (source.muted === !on) {
            return;
        }
        source.muted = !on;
        if (on) {
            source.track = (await navigator.mediaDevices.getUserMedia({video: this._camera})).getVideoTracks()[0];
        } else {
            source.track.stop();
            source.track = null;
        }
        await this.session?.sourceChanged(name);
        this._tellState();
    }

    /** stream: given by a test; a person is asked by the browser. */
    async share(stream) {
        const name = `${this.id}-v1`;
        stream ??= await navigator.mediaDevices.getDisplayMedia({video: {frameRate: 5}});
        const track = stream.getVideoTracks()[0];
        track.onended = () => this.stopSharing();
        this.local.set(name, {kind: 'video', track, videoType: 'desktop', muted: false});
        if (this.session) {
            await this.session.addSource(name);
            this._tell('sources', {sources: this.session.localSources()});
        }
        this._tellState();
    }

    async stopSharing() {
        const name = `${this.id}-v1`;
        this.local.get(name)?.track.stop();
        this.local.delete(name);
        if (this.session) {
            await this.session.removeSource(name);
            this._tell('sources', {sources: this.session.localSources()});
        }
        this._tellState();
    }

    get sharing() {
        return this.local.has(`${this.id}-v1`);
    }

    // --- what is seen ---

    /** Everything that is shown of others: [{source, owner, kind, videoType, track, name, muted}]. */
    shown() {
        const out = [];
        for (const [ssrc, r] of this.session?.remote ?? []) {
            const member = this.members.find((m) => m.id === r.owner);
            // What presence says of a source that was taken back counts, since a slot is never taken back.
            const state = member?.state[r.source];
            if (member && state) {
                out.push({...r, ssrc, name: member.name, muted: state.muted});
            }
        }
        return out;
    }

    /** For tests and the table: who received what from whom, in totals since the session began. */
    async report() {
        const s = this.session;
        const inbound = s ? await this._stats.inbound(s.pc) : new Map();
        const remote = Object.fromEntries(this.members.map(({id}) => [id, {audio: null, video: {}}]));
        for (const r of this.shown()) {
            const stats = inbound.get(r.ssrc) ?? null;
            if (r.kind === 'audio') {
                remote[r.owner].audio = stats;
            } else {
                remote[r.owner].video[r.source] = stats && {...stats, videoType: r.videoType};
            }
        }
        const ms = (t) => (t === undefined ? null : Math.round(t - s.times.start));
        return {
            id: this.id, name: this.options.name, sessions: this.sessions, terminations: this.terminations,
            ice: s?.pc.iceConnectionState ?? 'none', connection: s?.pc.connectionState ?? 'none',
            channel: s?.channel.state ?? 'none', dominant: s?.dominant ?? null, forwarded: s?.forwarded ?? null,
            error: s?.error ?? null, members: this.members.map(({id, name}) => ({id, name})), remote,
            encrypted: s?.encrypted ?? null, encodes: Stats.able(RTCRtpSender), decodes: Stats.able(RTCRtpReceiver),
            outbound: s ? await Stats.outbound(s.pc) : [], firsts: Object.fromEntries(this.firsts),
            times: s ? {ice: ms(s.times.ice), connected: ms(s.times.connected), channel: ms(s.times.channel)} : {},
        };
    }
}
