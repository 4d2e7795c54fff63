"""The test page's server: static files, and one WebSocket per tab in place of XMPP and Jingle."""
import asyncio
import json
import logging
import pathlib

from aiohttp import WSMsgType, web

from .conference import Conference, Participant
from .offer import Offer

log = logging.getLogger("focus")
PAGE = pathlib.Path(__file__).resolve().parent.parent / "page"


class Web:
    def __init__(self):
        self.focus = None
        self.conferences = {}
        self._runner = None

    def bridge_up(self, _):
        for c in list(self.conferences.values()):
            c.bridge_up()

    def bridge_down(self, bridge):
        for c in list(self.conferences.values()):
            c.bridge_down(bridge)

    async def start(self, host="127.0.0.1", port=0):
        """Listens, and gives back the port."""
        app = web.Application()
        app.router.add_get("/", lambda _: web.FileResponse(PAGE / "index.html"))
        app.router.add_get("/ws", self._socket)
        app.router.add_static("/", PAGE)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        return self._runner.addresses[0][1]

    async def listen_on(self, sock):
        """Serves one more listening socket, and gives back its port."""
        await web.SockSite(self._runner, sock).start()
        return sock.getsockname()[1]

    async def stop(self):
        for c in list(self.conferences.values()):
            for p in list(c.participants.values()):
                c.leave(p)
            await c.settle()
        if self._runner:
            await self._runner.cleanup()

    def conference(self, name):
        if name not in self.conferences:
            self.conferences[name] = Conference(self.focus, name, lambda c: self.conferences.pop(c.name, None))
        return self.conferences[name]

    async def _socket(self, request):
        ws = web.WebSocketResponse(heartbeat=30)
        await ws.prepare(request)
        outgoing = asyncio.Queue()
        writer = asyncio.ensure_future(self._write(ws, outgoing))
        conference = participant = None
        try:
            async for frame in ws:
                if frame.type != WSMsgType.TEXT:
                    continue
                m = json.loads(frame.data)
                if m["type"] == "join":
                    o = m.get("options", {})
                    participant = Participant(outgoing.put_nowait, m.get("name", ""), Offer(
                        rewriting=o.get("rewriting", True), mid_demux=o.get("midDemux", False),
                        sctp=o.get("sctp", True), red=o.get("red", False)))
                    conference = self.conference(m.get("room", "demo"))
                    outgoing.put_nowait({"type": "joined", "id": participant.id})
                    conference.join(participant)
                elif conference:
                    self._handle(conference, participant, m)
        finally:
            if conference:
                conference.leave(participant)
            writer.cancel()
        return ws

    @staticmethod
    def _handle(conference, p, m):
        kind = m["type"]
        if kind == "accept":
            conference.accept(p, m["session"], m["transport"], m["sources"])
        elif kind == "transport-info":
            conference.transport_info(p, m["transport"])
        elif kind == "sources":
            conference.set_sources(p, m["sources"])
        elif kind == "state":
            conference.set_state(p, m["state"])
        elif kind == "restart":
            conference.restart(p)
        elif kind == "ice-restart":
            asyncio.ensure_future(conference.ice_restart(p))

    @staticmethod
    async def _write(ws, outgoing):
        while True:
            message = await outgoing.get()
            try:
                await ws.send_json(message)
            except ConnectionError:
                return
