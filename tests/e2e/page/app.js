// The page a person sees: tiles, buttons, who speaks, numbers per tile. Tests drive it through window.kolibri.
import {Call} from './call.js';
import {Stats} from './stats.js';
import {Watcher} from './watcher.js';

const query = new URLSearchParams(location.search);
const $ = (id) => document.getElementById(id);
const number = (key, fallback) => Number(query.get(key) ?? fallback);
const flag = (key, fallback) => (query.has(key) ? query.get(key) !== '0' : fallback);

const options = () => ({
    room: $('room').value, name: $('name').value || 'Guest',
    rewriting: !$('plain').checked, midDemux: flag('midDemux', false), sctp: flag('sctp', true), red: flag('red', false),
    codec: $('codec').value, e2ee: $('e2ee').checked, width: number('width', 1280), height: number('height', 720), frameRate: number('fps', 30),
});

let call = null;
let stage = null; // source name
const hidden = new Set(); // source names that are not to be seen
const tiles = new Map(); // source name or owner id -> element
const stats = new Stats();
let watcher = null; // for tests

function tile(key) {
    if (!tiles.has(key)) {
        const t = $('tile').content.firstElementChild.cloneNode(true);
        t.dataset.key = key;
        t.onclick = () => {
            stage = stage === key || key === 'self' ? null : key;
            render();
        };
        $('tiles').append(t);
        tiles.set(key, t);
    }
    return tiles.get(key);
}

function fill(t, {name, track, muted, cameraOff, speaking, screen}) {
    const video = t.querySelector('video');
    if ((video.srcObject?.getVideoTracks()[0] ?? null) !== (track ?? null)) {
        video.srcObject = track ? new MediaStream([track]) : null;
    }
    t.querySelector('.name').textContent = name + (screen ? ' · screen' : '');
    t.querySelector('.face').textContent = [...name][0] ?? '?';
    t.classList.toggle('muted', Boolean(muted));
    t.classList.toggle('dark', Boolean(cameraOff));
    t.classList.toggle('speaking', Boolean(speaking));
    t.classList.toggle('stage', stage === t.dataset.key);
}

const sounds = new Map(); // SSRC -> audio element

function play(shown) {
    for (const r of shown.filter((s) => s.kind === 'audio' && s.track)) {
        if (sounds.get(r.ssrc)?.srcObject.getAudioTracks()[0] === r.track) {
            continue;
        }
        sounds.get(r.ssrc)?.remove();
        const a = document.createElement('audio');
        a.srcObject = new MediaStream([r.track]);
        a.autoplay = true;
        document.body.append(a);
        sounds.set(r.ssrc, a);
    }
    for (const [ssrc, a] of sounds) {
        if (!shown.some((r) => r.ssrc === ssrc)) {
            a.remove();
            sounds.delete(ssrc);
        }
    }
}

function render() {
    document.body.classList.toggle('in-call', Boolean(call));
    if (!call) {
        $('tiles').replaceChildren();
        tiles.clear();
        play([]);
        return;
    }
    const shown = call.shown();
    const used = new Set(['self']);
    const own = call.local.get(`${call.id}-v0`);
    const ownAudio = call.local.get(`${call.id}-a0`);
    fill(tile('self'), {name: `${call.options.name} (you)`, track: own?.track, muted: ownAudio?.muted,
        cameraOff: own?.muted ?? true, speaking: call.session?.dominant === call.id});
    for (const m of call.members) {
        const audioMuted = Object.values(m.state).some((s) => s.kind === 'audio' && s.muted);
        const videos = shown.filter((r) => r.owner === m.id && r.kind === 'video');
        for (const r of videos.length ? videos : [{source: m.id, track: null, muted: true}]) {
            used.add(r.source);
            fill(tile(r.source), {name: m.name, track: r.track, muted: audioMuted, cameraOff: r.muted,
                speaking: call.session?.dominant === m.id, screen: r.videoType?.startsWith('desktop')});
        }
    }
    for (const [key, t] of tiles) {
        if (!used.has(key)) {
            t.remove();
            tiles.delete(key);
        }
    }
    if (!used.has(stage)) {
        stage = null;
    }
    $('tiles').classList.toggle('has-stage', Boolean(stage));
    $('tiles').style.setProperty('--beside', Math.max(1, used.size - 1));
    $('tiles').style.setProperty('--columns', Math.ceil(Math.sqrt(used.size)));
    play(shown);
    const s = call.session;
    $('status').textContent = !s ? 'waiting for somebody else to join'
        : `connection ${s.pc.connectionState} · channel ${s.channel.state}`;
    $('mute').classList.toggle('on', Boolean(ownAudio?.muted));
    $('camera').classList.toggle('on', Boolean(own?.muted));
    $('share').classList.toggle('on', call.sharing);
    ask(shown);
}

/** Asks the bridge for what the tiles can show; only a tile that has been laid out has a height. */
function ask(shown) {
    const heights = {};
    for (const r of shown.filter((s) => s.kind === 'video')) {
        const size = (tiles.get(r.source)?.clientHeight ?? 0) * devicePixelRatio;
        heights[r.source] = hidden.has(r.source) ? 0 : stage === r.source ? 720 : stage ? 180 : [180, 360].find((h) => size <= h) ?? 720;
    }
    call.session?.want(heights, stage);
}

async function showStats() {
    if (!call?.session) {
        return;
    }
    const inbound = await stats.inbound(call.session.pc);
    for (const r of call?.shown() ?? []) {
        const s = inbound.get(r.ssrc);
        const key = r.kind === 'video' ? r.source : call.shown().find((v) => v.kind === 'video' && v.owner === r.owner)?.source;
        const t = tiles.get(key ?? r.owner);
        if (s && t && r.kind === 'video') {
            t.querySelector('.video-stats').textContent = `${s.codec ?? '?'} ${s.width}×${s.height} · ${s.fps} fps · ` +
                `${(s.bps / 1000).toFixed(0)} kbit/s · ${s.lossPercent.toFixed(1)} % loss · ${s.freezes} freezes`;
        } else if (s && t) {
            t.querySelector('.audio-stats').textContent =
                `audio ${(s.bps / 1000).toFixed(0)} kbit/s · ${s.lossPercent.toFixed(1)} % loss`;
            t.style.setProperty('--level', Math.min(1, s.level * 3));
        }
    }
}

async function join() {
    if (call) {
        return;
    }
    call = new Call(options());
    call.addEventListener('change', render);
    try {
        await call.join();
    } catch (e) {
        $('problem').textContent = e.message;
        call = null;
    }
    render();
}

function leave() {
    const left = call;
    call = null;
    left?.leave();
    render();
}

$('room').value = query.get('room') ?? 'demo';
$('name').value = query.get('name') ?? '';
$('codec').value = query.get('codec') ?? 'VP8';
$('plain').checked = query.get('mode') === 'plain';
$('e2ee').checked = flag('e2ee', false);
$('form').onsubmit = (e) => {
    e.preventDefault();
    join();
};
$('mute').onclick = () => call.setMuted(!call.local.get(`${call.id}-a0`).muted);
$('camera').onclick = () => call.setCamera(call.local.get(`${call.id}-v0`).muted);
$('share').onclick = () => (call.sharing ? call.stopSharing() : call.share().catch(() => {}));
$('numbers').onclick = () => document.body.classList.toggle('numbers');
$('leave').onclick = leave;
addEventListener('resize', render);
addEventListener('pagehide', leave);
setInterval(showStats, 1000);

/** A screen for tests: a clock on a canvas, so that every frame differs. */
function drawnScreen() {
    const canvas = Object.assign(document.createElement('canvas'), {width: 1280, height: 720});
    const c = canvas.getContext('2d');
    setInterval(() => {
        c.fillStyle = '#246';
        c.fillRect(0, 0, canvas.width, canvas.height);
        c.fillStyle = '#fff';
        c.font = '120px sans-serif';
        c.fillText(String(performance.now().toFixed(0)), 200, 400);
    }, 200);
    return canvas.captureStream(5);
}

window.kolibri = {
    join, leave,
    report: async () => (call ? call.report() : null),
    log: () => call?.session?.channel.log ?? [],
    mute: (on) => call.setMuted(on),
    camera: (on) => call.setCamera(on),
    share: (on) => (on ? call.share(drawnScreen()) : call.stopSharing()),
    stage: (source) => {
        stage = source;
        render();
    },
    hide: (sources) => {
        hidden.clear();
        sources.forEach((s) => hidden.add(s));
        render();
    },
    watch: () => {
        watcher?.stop();
        watcher = new Watcher(call);
    },
    watched: () => watcher.samples,
    send: (colibriClass, members) => call.session.channel.send(colibriClass, members),
    restart: () => call._tell('restart'),
    restartIce: () => call._tell('ice-restart'),
    connection: () => call?.session?.pc ?? null,
};
if (flag('auto', false)) {
    join();
}
