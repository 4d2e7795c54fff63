"""What stock Jicofo offers by default: payload types, feedback and header extensions.

The numbers are Jicofo's configuration, not the bridge's: the bridge has to take them as given.
"""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Payload:
    id: int
    name: str
    clockrate: int
    channels: int | None = None
    params: tuple = ()  # (name or None, value)
    feedback: tuple = ()  # (type, subtype or None)


@dataclass(frozen=True)
class Media:
    kind: str
    payloads: tuple
    extensions: tuple  # (id, uri)

    def as_json(self):
        return {
            "payloads": [{"id": p.id, "name": p.name, "clockrate": p.clockrate, "channels": p.channels,
                          "params": p.params, "feedback": p.feedback} for p in self.payloads],
            "extensions": self.extensions,
        }


RTX_FEEDBACK = (("ccm", "fir"), ("nack", None), ("nack", "pli"))
VIDEO_FEEDBACK = RTX_FEEDBACK + (("transport-cc", None),)

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
DEPENDENCY = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"


def _codec(pt, name, params=()):
    return Payload(pt, name, 90000, None, params, VIDEO_FEEDBACK)


def _rtx(pt, apt, feedback=RTX_FEEDBACK):
    return Payload(pt, "rtx", 90000, None, (("apt", str(apt)),), feedback)


# The three values of H.264 really are one parameter.
H264_PARAMS = (("profile-level-id", "42e01f;level-asymmetry-allowed=1;packetization-mode=1;"),)

VIDEO = Media("video", (
    _codec(41, "AV1"), _codec(100, "VP8"), _codec(107, "H264", H264_PARAMS), _codec(101, "VP9"),
    _rtx(42, 41), _rtx(96, 100), _rtx(97, 101), _rtx(99, 107, ()),
), ((11, DEPENDENCY), (10, MID), (3, ABS_SEND_TIME), (5, TCC)))

_OPUS_FEEDBACK = (("transport-cc", None),)
_TELEPHONE = Payload(126, "telephone-event", 8000)
_AUDIO_EXTENSIONS = ((1, AUDIO_LEVEL), (10, MID), (5, TCC))

AUDIO = Media("audio", (
    Payload(111, "opus", 48000, 2, (("minptime", "10"), ("useinbandfec", "1")), _OPUS_FEEDBACK), _TELEPHONE,
), _AUDIO_EXTENSIONS)

# Off in Jicofo unless configured. The parameter of red has no name, and opus loses useinbandfec.
AUDIO_RED = Media("audio", (
    Payload(112, "red", 48000, 2, ((None, "111/111"),)),
    Payload(111, "opus", 48000, 2, (("minptime", "10"),), _OPUS_FEEDBACK), _TELEPHONE,
), _AUDIO_EXTENSIONS)


@dataclass(frozen=True)
class Offer:
    """What one participant is offered, following from its features (Jicofo: disco of the client)."""
    rewriting: bool = True
    mid_demux: bool = False
    sctp: bool = True
    red: bool = False
    visitor: bool = False
    extra_capabilities: tuple = field(default=())

    @property
    def media(self):
        return (VIDEO, AUDIO_RED if self.red else AUDIO)

    @property
    def capabilities(self):
        names = ["source-names"]
        if self.rewriting:
            names.append("ssrc-rewriting")
            if self.mid_demux:
                names.append("rtp-mid-demux")
        return (*names, *self.extra_capabilities)
