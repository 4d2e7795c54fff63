// End-to-end encryption as stock clients do it: the payload of every encoded frame is sealed with AES-GCM, but for a few
// bytes in front. Runs in a worker, as the transform of a sender or receiver.
//
// A sealed frame: clear bytes | ciphertext with its tag | IV | length of the IV | key index. H.264 and AV1 frames are
// packetised by what is in them, so there each unit keeps its header and is sealed by itself.

const CLEAR = {key: 10, delta: 3, undefined: 1}; // the type is missing on audio
const IV_BYTES = 12;
const TRAILER = [IV_BYTES, 1];

const keyOf = crypto.subtle.digest('SHA-256', new TextEncoder().encode('test key')).then((bytes) =>
    crypto.subtle.importKey('raw', bytes.slice(0, 16), 'AES-GCM', false, ['encrypt', 'decrypt']));

function join(...parts) {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) {
        out.set(p, at);
        at += p.length;
    }
    return out;
}

async function seal(clear, rest) {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt({name: 'AES-GCM', iv, additionalData: clear}, await keyOf, rest);
    return join(new Uint8Array(sealed), iv, TRAILER);
}

async function open(clear, rest) {
    const end = rest.length - TRAILER.length;
    const opened = await crypto.subtle.decrypt({name: 'AES-GCM', iv: rest.slice(end - IV_BYTES, end), additionalData: clear},
        await keyOf, rest.slice(0, end - IV_BYTES));
    return new Uint8Array(opened);
}

// --- VP8, VP9, opus: one piece ---

async function whole(data, type, change) {
    const clear = data.slice(0, CLEAR[type]);
    return join(clear, await change(clear, data.slice(clear.length)));
}

// --- H.264: NAL units behind start codes; a sealed slice must not look like one ---

function nalUnits(data) {
    const starts = [];
    for (let i = 0; i + 3 <= data.length; i++) {
        if (data[i] === 0 && data[i + 1] === 0 && data[i + 2] === 1) {
            starts.push(i + 3);
        }
    }
    return starts.map((from, i) => {
        let to = starts[i + 1] === undefined ? data.length : starts[i + 1] - 3;
        while (starts[i + 1] !== undefined && to > from && data[to - 1] === 0) {
            to--; // the fourth byte of a start code
        }
        return data.slice(from, to);
    });
}

function escaped(bytes) {
    const out = [];
    let zeros = 0;
    for (const b of bytes) {
        if (zeros >= 2 && b <= 3) {
            out.push(3);
            zeros = 0;
        }
        out.push(b);
        zeros = b === 0 ? zeros + 1 : 0;
    }
    return Uint8Array.from(out);
}

function unescaped(bytes) {
    const out = [];
    let zeros = 0;
    for (const b of bytes) {
        if (zeros >= 2 && b === 3) {
            zeros = 0;
            continue;
        }
        out.push(b);
        zeros = b === 0 ? zeros + 1 : 0;
    }
    return Uint8Array.from(out);
}

const NAL_CLEAR = 4; // the header, and as much of the slice header as depacketisers look at
const isSlice = (unit) => [1, 5].includes(unit[0] & 31);

async function h264(data, sending) {
    const out = [];
    for (const unit of nalUnits(data)) {
        out.push([0, 0, 0, 1]);
        if (!isSlice(unit)) {
            out.push(unit);
            continue;
        }
        const plain = sending ? unit : unescaped(unit);
        const clear = plain.slice(0, NAL_CLEAR);
        const rest = plain.slice(NAL_CLEAR);
        const changed = await (sending ? seal : open)(clear, rest);
        out.push(sending ? escaped(join(clear, changed)) : join(clear, changed));
    }
    return join(...out);
}

// --- AV1: OBUs with a size each; frames and tile groups are sealed, what describes the sequence is not ---

const isPicture = (header) => [3, 4, 6].includes((header >> 3) & 15);

function leb128(n) {
    const out = [];
    do {
        out.push((n & 127) | (n > 127 ? 128 : 0));
        n >>>= 7;
    } while (n);
    return out;
}

async function av1(data, change) {
    const out = [];
    for (let at = 0; at < data.length;) {
        const header = data.slice(at, at + (data[at] & 4 ? 2 : 1));
        at += header.length;
        let size = data.length - at;
        if (header[0] & 2) {
            size = 0;
            for (let shift = 0, more = true; more; shift += 7) {
                more = data[at] > 127;
                size |= (data[at++] & 127) << shift;
            }
        }
        let payload = data.slice(at, at + size);
        at += size;
        if (isPicture(header[0])) {
            payload = await change(header.slice(0, 0), payload);
        }
        out.push(header, header[0] & 2 ? leb128(payload.length) : [], payload);
    }
    return join(...out);
}

// Frames so far, by kind; told to the page twice a second.
const counts = {audio: {sealed: 0, opened: 0, failed: 0}, video: {sealed: 0, opened: 0, failed: 0}};
setInterval(() => postMessage(counts), 500);

function transform(side, kind) {
    const sending = side === 'send';
    const change = sending ? seal : open;
    return new TransformStream({
        async transform(frame, controller) {
            const data = new Uint8Array(frame.data);
            const codec = frame.getMetadata().mimeType?.split('/')[1];
            try {
                const changed = codec === 'H264' ? await h264(data, sending)
                    : codec === 'AV1' ? await av1(data, change)
                        : await whole(data, frame.type, change);
                counts[kind][sending ? 'sealed' : 'opened']++;
                frame.data = changed.buffer;
                controller.enqueue(frame);
            } catch {
                counts[kind].failed++; // dropped: what cannot be opened is never shown
            }
        },
    });
}

onrtctransform = ({transformer}) => {
    transformer.readable.pipeThrough(transform(transformer.options.side, transformer.options.kind))
        .pipeTo(transformer.writable);
};
