"""A bridge that only signals: joins the brewery and answers as a recorded stock bridge did. Tests the focus without media."""
import xml.etree.ElementTree as ET

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

C2 = "{jitsi:colibri2}"

# From a recorded answer; candidates, credentials and fingerprint lead nowhere.
TRANSPORT = """<endpoint xmlns='jitsi:colibri2' id='{id}'><transport>
<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' pwd='9l8u2acmlg10rdm44ur7d3sbg' ufrag='7olqk1k85883cs'><rtcp-mux/>
<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' setup='actpass' hash='sha-256'>0C:D2:F4:A1:19:A5:C9:BF:7E:B9:07:48:DC:5D:D0:C2:6D:1B:05:92:32:20:87:0F:02:FF:03:92:5C:E2:C7:8B</fingerprint>
<candidate component='1' foundation='1' generation='0' id='378b67b6d11dbb4037f3fef1' network='0' priority='2130706431'
 protocol='udp' type='host' ip='127.0.0.1' port='9'/></transport>{sctp}</transport></endpoint>"""
SCTP = "<sctp port='5000' role='server'/>"
SOURCES = """<sources xmlns='jitsi:colibri2'>
<media-source type='audio' id='jvb-a0'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='266020365' name='jvb-a0'/></media-source>
<media-source type='video' id='jvb-v0'><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1524783983' name='jvb-v0'/></media-source>
</sources>"""


class FakeBridge(slixmpp.ClientXMPP):
    def __init__(self, brewery, nick="bridge"):
        super().__init__("jvb@auth.meet.test", "jvb-secret")
        self.brewery, self.nick = brewery, nick
        self.requests = []  # (iq type, conference-modify element)
        self.meetings = {}  # meeting id -> set of endpoint ids
        self.add_event_handler("session_start", self._start)
        for query, answer in (("{jitsi:colibri2}conference-modify", self._modify),
                              ("{http://jitsi.org/protocol/healthcheck}healthcheck", lambda iq: iq.reply().send())):
            self.register_handler(Callback(query, MatchXPath(f"{{jabber:client}}iq/{query}"), answer))

    def start(self, port):
        self.connect(("127.0.0.1", port), use_ssl=False, force_starttls=False, disable_starttls=True)

    async def _start(self, _):
        presence = self.make_presence(pto=f"{self.brewery}/{self.nick}")
        presence.append(ET.Element("{http://jabber.org/protocol/muc}x"))
        presence.send()
        self.publish()

    def publish(self, **stats):
        presence = self.make_presence(pto=f"{self.brewery}/{self.nick}")
        e = ET.Element("{http://jitsi.org/protocol/colibri}stats")
        values = {"stress_level": "0.1", "drain": "false", "healthy": "true", "version": "fake", **stats}
        for name, value in values.items():
            ET.SubElement(e, "{http://jitsi.org/protocol/colibri}stat", name=name, value=value)
        presence.append(e)
        presence.send()

    def _modify(self, iq):
        request = iq.xml.find(f"{C2}conference-modify")
        self.requests.append((iq["type"], request))
        meeting = request.get("meeting-id")
        if request.get("create") == "true" and meeting in self.meetings:
            return self._error(iq, "conflict", "conference_already_exists")
        if request.get("create") == "true":
            self.meetings[meeting] = set()
        if meeting not in self.meetings:
            return self._error(iq, "item-not-found", "conference_not_found")
        answer = ET.Element(f"{C2}conference-modified")
        created = False
        for e in request.findall(f"{C2}endpoint"):
            known, i = self.meetings[meeting], e.get("id")
            if e.get("create") == "true":
                created = True
                known.add(i)
                sctp = SCTP if e.find(f"{C2}transport/{C2}sctp") is not None else ""
                answer.append(ET.fromstring(TRANSPORT.format(id=i, sctp=sctp)))
            elif e.get("expire") == "true":
                known.discard(i)
                ET.SubElement(answer, f"{C2}endpoint", id=i, expire="true")
            elif i not in known:
                return self._error(iq, "item-not-found", "unknown_endpoint", i)
            else:
                ET.SubElement(answer, f"{C2}endpoint", id=i)
        if created:
            answer.append(ET.fromstring(SOURCES))
        if request.get("expire") == "true":
            del self.meetings[meeting]
        reply = iq.reply()
        reply.append(answer)
        reply.send()

    @staticmethod
    def _error(iq, condition, reason, endpoint=None):
        reply = iq.reply()
        reply["type"] = "error"
        error = ET.SubElement(reply.xml, "{jabber:client}error", type="cancel")
        ET.SubElement(error, f"{{urn:ietf:params:xml:ns:xmpp-stanzas}}{condition}")
        ET.SubElement(error, f"{C2}error", reason=reason)
        if endpoint:
            ET.SubElement(error, f"{C2}endpoint", id=endpoint)
        reply.send()
