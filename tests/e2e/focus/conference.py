"""Conferences as Jicofo drives them: who is invited when, in which order, and what each answer of the bridge leads to."""
import asyncio
import logging
import secrets
import uuid

from . import colibri2
from .offer import Offer

log = logging.getLogger("focus")

MIN_PARTICIPANTS = 2
SINGLE_PARTICIPANT_TIMEOUT_S = 20
REINVITE_DELAY_S = 0.3


class Participant:
    """One client. tell(message) hands it a dict: offer, terminate, members, ice-restart."""

    def __init__(self, tell, name="", offer=Offer(), participant_id=None):
        self.id = participant_id or secrets.token_hex(4)
        self.name, self.offer, self.tell = name, offer, tell
        self.stats_id = f"Test-{self.id[:3]}"
        self.sources = []
        self.state = {}  # what XMPP presence would say: muted and the like
        self.session = 0  # counts invitations, so that an answer to an old one is told apart
        self.invited = False


class Conference:
    def __init__(self, focus, name, on_empty=lambda c: None):
        self.focus, self.name, self._on_empty = focus, name, on_empty
        self.meeting_id = str(uuid.uuid4())
        self.participants = {}
        self.bridge = None
        self.created = False
        self.feedback = {}
        self.failures = []  # every Refused, for tests
        self._single_timer = None
        self._tasks = set()

    # --- what clients do ---

    def join(self, participant):
        self.participants[participant.id] = participant
        if self._single_timer:
            self._single_timer.cancel()
            self._single_timer = None
        self._tell_members()
        self.invite_waiting()

    def leave(self, participant):
        if self.participants.pop(participant.id, None) is None:
            return
        if self.participants and participant.invited:
            self._spawn(self._expire_endpoint(participant))
        if not self.participants:
            self._expire()
            self._on_empty(self)
            return
        self._tell_members()
        if len(self.participants) == 1:
            self._single_timer = asyncio.get_running_loop().call_later(SINGLE_PARTICIPANT_TIMEOUT_S, self._only_one_left)

    def accept(self, participant, session, transport, sources):
        """The client's session-accept: its transport and all its sources go to the bridge in one request."""
        if session != participant.session or not participant.invited:
            return
        participant.sources = sources
        self._update(participant, lambda e: (colibri2.add_client_transport(e, transport), colibri2.add_sources(e, sources)))
        self._tell_members()

    def transport_info(self, participant, transport):
        self._update(participant, lambda e: colibri2.add_client_transport(e, transport))

    def set_sources(self, participant, sources):
        """source-add and source-remove: always the full new set."""
        participant.sources = sources
        self._update(participant, lambda e: colibri2.add_sources(e, sources))
        self._tell_members()

    def set_state(self, participant, state):
        participant.state = state
        self._tell_members()

    def restart(self, participant):
        """session-terminate with a request to restart: expired, and allocated again with the same id."""
        if not participant.invited:
            return
        participant.invited = False
        participant.tell({"type": "terminate", "reason": "restart"})
        self._spawn(self._expire_endpoint(participant))
        self.invite_waiting()

    async def ice_restart(self, participant):
        request = self._request()
        e = colibri2.add_endpoint(request, participant.id, stats_id=participant.stats_id)
        colibri2.add_ice_restart(e)
        answer = await self._modify(request)
        ep = answer and answer.endpoints.get(participant.id)
        if ep and ep.transport and ep.transport["generation"]:
            participant.tell({"type": "ice-restart", "transport": ep.transport})
        return ep

    async def force_mute(self, muted):
        """muted: {participant id: (audio, video)}, as AV moderation sends it."""
        request = self._request()
        for participant_id, (audio, video) in muted.items():
            colibri2.add_force_mute(colibri2.add_endpoint(request, participant_id), audio=audio, video=video)
        return await self._modify(request)

    # --- what bridges do ---

    def bridge_up(self):
        if not self.bridge:
            self.invite_waiting()

    def bridge_down(self, bridge):
        if self.bridge is bridge:
            self._drop_bridge("moving")

    def invite_waiting(self):
        waiting = [p for p in self.participants.values() if not p.invited]
        if not waiting or len(self.participants) < MIN_PARTICIPANTS:
            return
        if not self.bridge:
            self.bridge = self.focus.pick()
            self.created = False
            if not self.bridge:
                return
        for p in waiting:
            p.invited = True
            p.session += 1
            self._spawn(self._invite(p, p.session))

    # --- requests ---

    def _request(self, **attributes):
        return colibri2.conference_modify(self.meeting_id, **attributes)

    async def _invite(self, p, session):
        bridge = self.bridge
        request = self._request() if self.created else \
            self._request(name=f"{self.name}@conference.meet.test", create=True)
        self.created = True
        colibri2.add_endpoint_create(request, p.id, p.stats_id, p.offer)
        try:
            answer = await bridge.modify(request)
        except colibri2.Refused as e:
            self._allocation_failed(bridge, p, e)
            return
        if self.bridge is not bridge or p.session != session or not p.invited:
            return
        ep = answer and answer.endpoints.get(p.id)
        if answer is None:
            bridge.set_not_operational()
        if not ep or not ep.transport or (p.offer.sctp and not ep.sctp_port):
            log.error("participant given up: the answer lacks what it needs")
            self.failures.append(colibri2.Refused("unusable-answer"))
            return
        # Jicofo takes the feedback sources from the answer that created its session with the bridge.
        self.feedback = self.feedback or answer.feedback
        p.tell({"type": "offer", "session": session, "transport": ep.transport, "sctpPort": ep.sctp_port,
                "feedback": self.feedback, "media": {m.kind: m.as_json() for m in p.offer.media},
                "rewriting": p.offer.rewriting})

    def _allocation_failed(self, bridge, p, error):
        log.warning("allocation: %s", error)
        self.failures.append(error)
        give_up = error.condition == "bad-request" or \
            (error.condition == "item-not-found" and error.reason != "conference_not_found")
        if give_up:
            return
        gentle = error.condition in ("item-not-found", "conflict") or error.reason == "graceful_shutdown"
        if not gentle:
            bridge.set_not_operational()
        if error.reason == "graceful_shutdown":
            bridge.stats["graceful_shutdown"] = "true"
        if self.bridge is bridge:
            self._drop_bridge("bridge error")

    def _update(self, participant, fill):
        if not self.bridge or not participant.invited:
            return
        request = self._request()
        fill(colibri2.add_endpoint(request, participant.id, stats_id=participant.stats_id))
        self._spawn(self._modify(request))

    async def _expire_endpoint(self, participant):
        request = self._request()
        colibri2.add_endpoint(request, participant.id, expire=True)
        await self._modify(request)

    async def _modify(self, request):
        """Everything that is not an allocation. None when it failed; the reaction has then been set off."""
        bridge = self.bridge
        if not bridge:
            return None
        try:
            answer = await bridge.modify(request)
        except colibri2.NoAnswer:
            log.warning("no answer to an update: ignored, as Jicofo does")
            self.failures.append(colibri2.NoAnswer())
            return None
        except colibri2.Refused as e:
            log.warning("update: %s", e)
            self.failures.append(e)
            if e.reason == "unknown_endpoint" and e.endpoints:
                for p in [self.participants[i] for i in e.endpoints if i in self.participants]:
                    p.invited = False
                    p.tell({"type": "terminate", "reason": "unknown endpoint"})
                self.invite_waiting()
            elif self.bridge is bridge:
                self._drop_bridge("bridge error")
            return None
        if answer is None and self.bridge is bridge:
            self._drop_bridge("bridge error")
        return answer

    def _drop_bridge(self, reason):
        bridge, self.bridge = self.bridge, None
        self.created, self.feedback = False, {}
        self._spawn(self._send_expire(bridge))  # sent even if the bridge seems dead
        for p in self.participants.values():
            if p.invited:
                p.invited = False
                p.tell({"type": "terminate", "reason": reason})
        asyncio.get_running_loop().call_later(REINVITE_DELAY_S, self.invite_waiting)

    def _only_one_left(self):
        self._expire()
        for p in self.participants.values():
            p.invited = False
            p.tell({"type": "terminate", "reason": "alone"})

    def _expire(self):
        if self._single_timer:
            self._single_timer.cancel()
            self._single_timer = None
        if self.bridge and self.created:
            self._spawn(self._send_expire(self.bridge))
        self.bridge, self.created, self.feedback = None, False, {}

    async def _send_expire(self, bridge):
        try:
            await bridge.modify(self._request(expire=True))
        except colibri2.Refused as e:
            if e.reason != "conference_not_found":
                log.warning("expire: %s", e)

    def _tell_members(self):
        """Presence, and in plain mode the sources: with SSRC rewriting they are signalled by the bridge alone."""
        members = list(self.participants.values())
        for p in members:
            p.tell({"type": "members", "members": [
                {"id": m.id, "name": m.name, "state": m.state,
                 "sources": [s if not p.offer.rewriting else {k: s.get(k) for k in ("kind", "name", "videoType")}
                             for s in m.sources]}
                for m in members if m is not p]})

    def _spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self):
        """Waits for requests under way, so that a test or a clean end can rely on their having been answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
