"""The focus as an occupant of the brewery: sees bridges come and go, checks their health, carries requests to them."""
import asyncio
import logging
import time
import xml.etree.ElementTree as ET

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout

from . import colibri2

log = logging.getLogger("focus")

REPLY_TIMEOUT_S = 15
HEALTH_INTERVAL_S = 10
FAILURE_RESET_S = 60


class Bridge:
    """One occupant of the brewery that publishes stats."""

    def __init__(self, focus, jid):
        self.focus, self.jid = focus, jid
        self.stats = {}
        self.stats_times = []  # when each presence with stats came, monotonic seconds
        self.health_failures = 0
        self._not_operational_until = 0.0

    @property
    def operational(self):
        return time.monotonic() >= self._not_operational_until

    @property
    def usable(self):
        return self.operational and self.stats.get("shutting_down") != "true"

    @property
    def rank(self):
        """Smaller is better. A bridge that does not publish drain counts as draining."""
        flags = (self.stats.get("drain", "true") != "false", self.stats.get("graceful_shutdown") == "true")
        return (*flags, float(self.stats.get("stress_level", 0)))

    def set_not_operational(self):
        self._not_operational_until = time.monotonic() + FAILURE_RESET_S

    async def request(self, body, kind="get"):
        """Sends one IQ to the occupant and gives back the result stanza's XML. Raises colibri2.Refused."""
        iq = self.focus.make_iq_get(ito=self.jid) if kind == "get" else self.focus.make_iq_set(ito=self.jid)
        iq.append(body)
        try:
            return (await iq.send(timeout=REPLY_TIMEOUT_S)).xml
        except IqError as e:
            raise colibri2.parse_error(e.iq.xml) from None
        except IqTimeout:
            raise colibri2.NoAnswer() from None

    async def modify(self, body):
        """A conference-modify. None when the result was not a conference-modified."""
        try:
            return colibri2.parse_answer(await self.request(body))
        except (colibri2.BadAnswer, ValueError):
            raise colibri2.NoAnswer() from None


class Focus(slixmpp.ClientXMPP):
    """on_bridge_up(bridge), on_bridge_down(bridge): called when one appears, or leaves, or must be emptied."""

    def __init__(self, jid, password, brewery, on_bridge_up=lambda b: None, on_bridge_down=lambda b: None):
        super().__init__(jid, password)
        self.brewery, self.bridges = brewery, {}
        self.on_bridge_up, self.on_bridge_down = on_bridge_up, on_bridge_down
        self.log = []  # (monotonic seconds, what): arrivals and departures, for tests
        self._changed = asyncio.Event()
        self._stopping = False
        self._health = None
        self.add_event_handler("session_start", self._start)
        self.add_event_handler("presence_available", self._available)
        self.add_event_handler("presence_unavailable", self._unavailable)
        self.add_event_handler("disconnected", self._disconnected)
        self.add_event_handler("connection_failed", self._disconnected)  # or slixmpp waits longer each time

    def start(self, host, port):
        self._where = (host, port)
        self.connect(self._where, use_ssl=False, force_starttls=False, disable_starttls=True)
        self._health = asyncio.ensure_future(self._check_health())

    async def stop(self):
        self._stopping = True
        if self._health:
            self._health.cancel()
        await self.disconnect(wait=1.0)

    def pick(self):
        """The bridge for a new conference, or None."""
        usable = [b for b in self.bridges.values() if b.usable]
        return min(usable, key=lambda b: b.rank, default=None)

    async def wait_for_bridge(self, timeout_s):
        async with asyncio.timeout(timeout_s):
            while not self.pick():
                self._changed.clear()
                await self._changed.wait()
        return self.pick()

    async def _start(self, _):
        presence = self.make_presence(pto=f"{self.brewery}/focus")
        presence.append(ET.Element("{http://jabber.org/protocol/muc}x"))
        presence.send()

    def _disconnected(self, _):
        if not self._stopping:
            asyncio.get_running_loop().call_later(
                1, lambda: self.connect(self._where, use_ssl=False, force_starttls=False, disable_starttls=True))

    def _available(self, presence):
        stats = colibri2.parse_stats(presence.xml)
        if stats is None:
            return
        jid = str(presence["from"])
        new = jid not in self.bridges
        bridge = self.bridges.setdefault(jid, Bridge(self, jid))
        was_shutting_down = bridge.stats.get("shutting_down") == "true"
        latched = {k: "true" for k in ("graceful_shutdown", "shutting_down") if bridge.stats.get(k) == "true"}
        bridge.stats.update(stats)
        bridge.stats.update(latched)
        bridge.stats_times.append(time.monotonic())
        self._changed.set()
        if new:
            self.log.append((time.monotonic(), "up"))
            self.on_bridge_up(bridge)
        elif bridge.stats.get("shutting_down") == "true" and not was_shutting_down:
            self.on_bridge_down(bridge)

    def _unavailable(self, presence):
        bridge = self.bridges.pop(str(presence["from"]), None)
        if bridge:
            self.log.append((time.monotonic(), "down"))
            self.on_bridge_down(bridge)

    async def _check_health(self):
        while True:
            await asyncio.sleep(HEALTH_INTERVAL_S)
            await asyncio.gather(*(self._check(b) for b in list(self.bridges.values())))

    async def _check(self, bridge):
        for attempt in (1, 2):
            try:
                await bridge.request(colibri2.healthcheck())
                return
            except colibri2.NoAnswer:
                if attempt == 1:
                    await asyncio.sleep(HEALTH_INTERVAL_S / 2)
            except colibri2.Refused as e:
                bridge.health_failures += 1
                log.warning("health check: %s", e)
                if e.condition in ("internal-server-error", "service-unavailable"):
                    bridge.set_not_operational()
                    self.on_bridge_down(bridge)
                return
        bridge.health_failures += 1
        bridge.set_not_operational()
