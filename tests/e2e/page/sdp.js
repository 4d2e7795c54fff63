// SDP: from what the focus offers to a remote description, and from the browser's answer to what the focus wants to know.
// Nothing here touches a peer connection.

const EOL = '\r\n';

/** Payloads with the preferred video codec (and its RTX) first: the answerer sends the first one both sides know. */
function ordered(payloads, codec) {
    const preferred = payloads.filter((p) => p.name === codec).map((p) => p.id);
    const rank = (p) => (preferred.includes(p.id) ? 0 : p.name === 'rtx' ? 2 : 1);
    return [...payloads].sort((a, b) => rank(a) - rank(b));
}

function candidateLine(c) {
    const related = c['rel-addr'] && c['rel-port'] ? ` raddr ${c['rel-addr']} rport ${c['rel-port']}` : '';
    return `a=candidate:${c.foundation} ${c.component} ${c.protocol} ${c.priority} ${c.ip} ${c.port} typ ${c.type}` +
        `${related} generation ${c.generation}`;
}

function transportLines(t, setup) {
    return [
        `a=ice-ufrag:${t.ufrag}`, `a=ice-pwd:${t.pwd}`,
        `a=fingerprint:${t.fingerprint.hash} ${t.fingerprint.value}`, `a=setup:${setup ?? t.fingerprint.setup}`,
        ...t.candidates.map(candidateLine), 'a=end-of-candidates',
    ];
}

function mediaLines(media, line, codec, transport) {
    const payloads = line.kind === 'video' ? ordered(media.payloads, codec) : media.payloads;
    const out = [
        `m=${line.kind} 9 UDP/TLS/RTP/SAVPF ${payloads.map((p) => p.id).join(' ')}`, 'c=IN IP4 0.0.0.0',
        'a=rtcp:9 IN IP4 0.0.0.0', ...transport, `a=mid:${line.mid}`, `a=${line.direction}`, 'a=rtcp-mux',
    ];
    for (const p of payloads) {
        out.push(`a=rtpmap:${p.id} ${p.name}/${p.clockrate}${p.channels > 1 ? `/${p.channels}` : ''}`);
        if (p.params.length) {
            out.push(`a=fmtp:${p.id} ${p.params.map(([k, v]) => (k ? `${k}=${v}` : v)).join(';')}`);
        }
        out.push(...p.feedback.map(([type, sub]) => `a=rtcp-fb:${p.id} ${type}${sub ? ` ${sub}` : ''}`));
    }
    out.push(...media.extensions.map(([id, uri]) => `a=extmap:${id} ${uri}`));
    for (const rid of line.rids ?? []) {
        out.push(`a=rid:${rid} recv`);
    }
    if (line.rids) {
        out.push(`a=simulcast:recv ${line.rids.join(';')}`);
    }
    if (line.ssrc) {
        for (const ssrc of [line.ssrc, line.rtx].filter(Boolean)) {
            out.push(`a=ssrc:${ssrc} cname:${line.mid}`, `a=ssrc:${ssrc} msid:${line.msid}`);
        }
        if (line.rtx) {
            out.push(`a=ssrc-group:FID ${line.ssrc} ${line.rtx}`);
        }
    }
    return out;
}

/**
 * offer: the focus's message. lines: [{mid, kind, direction, ssrc?, rtx?, msid?, rids?}] in m-line order; kind 'data' is
 * the bridge channel.
 */
export function buildOffer(offer, lines, {version, codec, setup}) {
    const transport = transportLines(offer.transport, setup);
    const out = [
        'v=0', `o=- 1923518516 ${version} IN IP4 0.0.0.0`, 's=-', 't=0 0',
        `a=group:BUNDLE ${lines.map((l) => l.mid).join(' ')}`, 'a=extmap-allow-mixed', 'a=msid-semantic: WMS *',
    ];
    for (const line of lines) {
        if (line.kind === 'data') {
            out.push('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0', ...transport,
                `a=mid:${line.mid}`, `a=sctp-port:${offer.sctpPort}`, 'a=max-message-size:262144');
        } else {
            out.push(...mediaLines(offer.media[line.kind], line, codec, transport));
        }
    }
    return out.join(EOL) + EOL;
}

/** Splits at m= lines: [session part, section, section...], each an array of lines. */
function sections(sdp) {
    const parts = [[]];
    for (const line of sdp.split(/\r?\n/).filter(Boolean)) {
        if (line.startsWith('m=')) {
            parts.push([]);
        }
        parts.at(-1).push(line);
    }
    return parts;
}

const value = (lines, prefix) => lines.find((l) => l.startsWith(prefix))?.slice(prefix.length);
const values = (lines, prefix) => lines.filter((l) => l.startsWith(prefix)).map((l) => l.slice(prefix.length));
const sectionOf = (parts, mid) => parts.slice(1).find((s) => value(s, 'a=mid:') === mid);

function groupsOf(lines) {
    return values(lines, 'a=ssrc-group:').map((g) => {
        const [semantics, ...ssrcs] = g.split(' ');
        return [semantics, ssrcs.map(Number)];
    });
}

/** Our side of the transport, from the browser's answer. */
export function transportOf(sdp) {
    const [session, first] = sections(sdp);
    const get = (prefix) => value(first, prefix) ?? value(session, prefix);
    const [hash, fingerprint] = get('a=fingerprint:').split(' ');
    return {
        ufrag: get('a=ice-ufrag:'), pwd: get('a=ice-pwd:'),
        fingerprint: {hash: hash.toLowerCase(), setup: get('a=setup:'), value: fingerprint},
    };
}

/** {ssrcs, groups} that the browser announces for one m-line; empty when it does not send there. */
export function ssrcsOf(sdp, mid) {
    const section = sectionOf(sections(sdp), mid) ?? [];
    const ssrcs = [...new Set(values(section, 'a=ssrc:').map((l) => Number(l.split(' ')[0])))];
    const groups = groupsOf(section);
    // Firefox names the SSRC of each encoding but not the group.
    if (value(section, 'a=simulcast:') && !groups.some(([s]) => s === 'SIM')) {
        const secondary = groups.filter(([s]) => s === 'FID').map(([, [, rtx]]) => rtx);
        groups.push(['SIM', ssrcs.filter((s) => !secondary.includes(s))]);
    }
    return {ssrcs, groups};
}

const randomSsrc = () => (crypto.getRandomValues(new Uint32Array(1))[0] % 0xfffffffe) + 1;

/**
 * Asks for simulcast by SSRC: two more encodings beside the one the browser made, each with RTX. This is how stock
 * clients do it in Chromium. Idempotent, since the browser keeps the groups once they are set.
 */
export function addSimulcast(sdp, mid, encodings) {
    const parts = sections(sdp);
    const section = sectionOf(parts, mid);
    const groups = section ? groupsOf(section) : [];
    const fid = groups.find(([s]) => s === 'FID');
    if (!fid || groups.some(([s]) => s === 'SIM') || encodings < 2) {
        return sdp;
    }
    const attributes = values(section, `a=ssrc:${fid[1][0]} `);
    const pairs = [fid[1], ...Array.from({length: encodings - 1}, () => [randomSsrc(), randomSsrc()])];
    const added = [`a=ssrc-group:SIM ${pairs.map(([primary]) => primary).join(' ')}`];
    for (const pair of pairs.slice(1)) {
        added.push(`a=ssrc-group:FID ${pair.join(' ')}`);
        for (const ssrc of pair) {
            added.push(...attributes.map((a) => `a=ssrc:${ssrc} ${a}`));
        }
    }
    section.push(...added);
    return parts.flat().join(EOL) + EOL;
}
