"""Colibri2 stanzas: requests as Jicofo writes them, answers and errors as Jicofo reads them."""
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

COLIBRI2 = "jitsi:colibri2"
COLIBRI = "http://jitsi.org/protocol/colibri"
HEALTHCHECK = "http://jitsi.org/protocol/healthcheck"
TRACE = "jitsi:opentelemetry"
ICE_UDP = "urn:xmpp:jingle:transports:ice-udp:1"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
RTP = "urn:xmpp:jingle:apps:rtp:1"
RTCP_FB = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"
HDREXT = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"
SSMA = "urn:xmpp:jingle:apps:rtp:ssma:0"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"

REASONS = {"conference_not_found", "conference_already_exists", "feature_not_implemented", "graceful_shutdown",
           "unknown_endpoint", "unspecified"}


def element(parent, ns, tag, /, **attributes):
    """Adds a child, or makes a root. In names of attributes _ stands for -; an attribute that is None is left out."""
    name = f"{{{ns}}}{tag}"
    e = ET.Element(name) if parent is None else ET.SubElement(parent, name)
    for k, v in attributes.items():
        if v is not None:
            e.set(k.replace("_", "-"), str(v))
    return e


# --- requests ---------------------------------------------------------------------------------------------------------

def healthcheck():
    return element(None, HEALTHCHECK, "healthcheck")


def conference_modify(meeting_id, *, name=None, create=False, expire=False):
    e = element(None, COLIBRI2, "conference-modify", meeting_id=meeting_id, name=name,
                rtcstats_enabled="false" if create else None, create="true" if create else None,
                expire="true" if expire else None)
    # Stock Jicofo writes this also when tracing is off.
    element(e, TRACE, "traceparent", trace_id="0" * 32, parent_id="0" * 16, trace_flags="00")
    return e


def _add_media(endpoint, media):
    m = element(endpoint, COLIBRI2, "media", type=media.kind)
    for p in media.payloads:
        e = element(m, RTP, "payload-type", id=p.id, name=p.name, clockrate=p.clockrate, channels=p.channels)
        for name, value in p.params:
            element(e, RTP, "parameter", name=name, value=value)
        for kind, subtype in p.feedback:
            element(e, RTCP_FB, "rtcp-fb", type=kind, subtype=subtype)
    for i, uri in media.extensions:
        element(m, HDREXT, "rtp-hdrext", id=i, uri=uri)
    element(m, HDREXT, "extmap-allow-mixed")


def add_endpoint_create(request, endpoint_id, stats_id, offer):
    e = element(request, COLIBRI2, "endpoint", id=endpoint_id, create="true", stats_id=stats_id,
                muc_role="visitor" if offer.visitor else None)
    for media in offer.media:
        _add_media(e, media)
    transport = element(e, COLIBRI2, "transport", ice_controlling="true")
    if offer.sctp:
        element(transport, COLIBRI2, "sctp")
    element(e, COLIBRI2, "sources")
    for name in offer.capabilities:
        element(e, COLIBRI2, "capability", name=name)
    return e


def add_endpoint(request, endpoint_id, *, stats_id=None, expire=False):
    return element(request, COLIBRI2, "endpoint", id=endpoint_id, stats_id=stats_id, expire="true" if expire else None)


def add_client_transport(endpoint, transport):
    """transport: {ufrag, pwd, fingerprint: {hash, setup, value}, generation?}, as the client's answer has it."""
    outer = element(endpoint, COLIBRI2, "transport")
    t = element(outer, ICE_UDP, "transport", ufrag=transport["ufrag"], pwd=transport["pwd"],
                ice_generation=transport.get("generation"))
    fp = transport["fingerprint"]
    element(t, DTLS, "fingerprint", hash=fp["hash"], setup=fp["setup"]).text = fp["value"]
    element(t, ICE_UDP, "rtcp-mux")


def add_ice_restart(endpoint):
    element(endpoint, COLIBRI2, "transport", ice_restart="true")


def add_sources(endpoint, sources):
    """sources: [{kind, name, videoType?, ssrcs: [..], groups: [[semantics, [ssrc..]]..]}], always the full set."""
    parent = element(endpoint, COLIBRI2, "sources")
    for s in sources:
        ms = element(parent, COLIBRI2, "media-source", type=s["kind"], id=s["name"])
        for ssrc in s["ssrcs"]:
            element(ms, SSMA, "source", ssrc=ssrc, name=s["name"], videoType=s.get("videoType"))
        for semantics, ssrcs in s.get("groups", ()):
            group = element(ms, SSMA, "ssrc-group", semantics=semantics)
            for ssrc in ssrcs:
                element(group, SSMA, "source", ssrc=ssrc)


def add_force_mute(endpoint, *, audio=False, video=False):
    element(endpoint, COLIBRI2, "force-mute", audio="true" if audio else None, video="true" if video else None)


# --- answers ----------------------------------------------------------------------------------------------------------

@dataclass
class EndpointAnswer:
    id: str
    expire: bool = False
    transport: dict | None = None  # {ufrag, pwd, generation, fingerprint, candidates, rtcpMux, webSockets}
    sctp_port: int | None = None


@dataclass
class Answer:
    endpoints: dict = field(default_factory=dict)
    feedback: dict = field(default_factory=dict)  # source name -> SSRC


class BadAnswer(Exception):
    """Jicofo's parser would have thrown the stanza away."""


def _transport(e):
    fp = e.find(f"{{{DTLS}}}fingerprint")
    return {
        "ufrag": e.get("ufrag"),
        "pwd": e.get("pwd"),
        "generation": int(e.get("ice-generation")) if e.get("ice-generation") else None,
        # The text is used untrimmed, as Jicofo does.
        "fingerprint": None if fp is None else {"hash": fp.get("hash"), "setup": fp.get("setup"), "value": fp.text},
        "candidates": [dict(c.attrib) for c in e.findall(f"{{{ICE_UDP}}}candidate")],
        "rtcpMux": e.find(f"{{{ICE_UDP}}}rtcp-mux") is not None,
        "webSockets": [w.get("url") for w in e.findall(f"{{{COLIBRI}}}web-socket")],
    }


def parse_answer(iq):
    """iq: the result stanza. None when it holds no conference-modified, which Jicofo takes for a failed bridge."""
    modified = iq.find(f"{{{COLIBRI2}}}conference-modified")
    if modified is None:
        return None
    answer = Answer()
    for e in modified.findall(f"{{{COLIBRI2}}}endpoint"):
        if not e.get("id"):
            raise BadAnswer("endpoint without id")
        ep = EndpointAnswer(e.get("id"), e.get("expire", "").lower() == "true")
        outer = e.find(f"{{{COLIBRI2}}}transport")
        if outer is not None:
            inner, sctp = outer.find(f"{{{ICE_UDP}}}transport"), outer.find(f"{{{COLIBRI2}}}sctp")
            ep.transport = None if inner is None else _transport(inner)
            if sctp is not None:
                if sctp.get("role") not in (None, "client", "server"):
                    raise BadAnswer("role of sctp")
                ep.sctp_port = int(sctp.get("port")) if sctp.get("port") else None
        answer.endpoints[ep.id] = ep
    for ms in modified.findall(f"{{{COLIBRI2}}}sources/{{{COLIBRI2}}}media-source"):
        if not ms.get("type") or not ms.get("id"):
            raise BadAnswer("media-source without type or id")
        for s in ms.findall(f"{{{SSMA}}}source"):
            answer.feedback[ms.get("id")] = int(s.get("ssrc"))
    return answer


class Refused(Exception):
    """An error answer: its condition, Colibri2's reason and the endpoints it names."""

    def __init__(self, condition, reason=None, endpoints=(), text=""):
        super().__init__(f"{condition} {reason or ''} {text}".strip())
        self.condition, self.reason, self.endpoints = condition, reason, tuple(endpoints)


class NoAnswer(Refused):
    def __init__(self):
        super().__init__("timeout")


def parse_error(iq, ns="jabber:client"):
    error = iq.find(f"{{{ns}}}error")
    condition, text = "undefined-condition", ""
    for child in [] if error is None else error:
        if child.tag == f"{{{STANZAS}}}text":
            text = child.text or ""
        elif child.tag.startswith(f"{{{STANZAS}}}"):
            condition = child.tag.rpartition("}")[2]
    extra = None if error is None else error.find(f"{{{COLIBRI2}}}error")
    reason = None if extra is None else extra.get("reason")
    if reason is not None and reason not in REASONS:
        return NoAnswer()  # Jicofo's parser discards the stanza, so that it looks like silence
    endpoints = [] if error is None else [e.get("id") for e in error.findall(f"{{{COLIBRI2}}}endpoint")]
    return Refused(condition, reason, endpoints, text)


def parse_stats(presence):
    """The stats of a brewery presence, or None: a presence without them is no bridge."""
    stats = presence.find(f"{{{COLIBRI}}}stats")
    return None if stats is None else {s.get("name"): s.get("value") for s in stats.findall(f"{{{COLIBRI}}}stat")}
