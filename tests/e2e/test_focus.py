#!/usr/bin/python3
"""The focus and the page without a bridge: what they send has the form and order of the recorded calls."""
import asyncio
import contextlib
import re

import cases
from cases import equal
from fake_bridge import C2, FakeBridge
from headless import Room
from stack import BREWERY, Stack

SSMA = "{urn:xmpp:jingle:apps:rtp:ssma:0}"


class Rig(contextlib.AsyncExitStack):
    """A stack with the fake bridge in it, and a room with two pages."""

    async def __aenter__(self):
        await super().__aenter__()
        self.stack = await self.enter_async_context(Stack(with_bridge=False))
        await self.new_bridge()
        self.room = await self.enter_async_context(Room(self.stack.url))
        for _ in range(2):
            await self.room.add()
        return self

    async def __aexit__(self, *e):
        await self.bridge.disconnect(wait=0.5)
        return await super().__aexit__(*e)

    async def new_bridge(self):
        self.bridge = FakeBridge(BREWERY)
        self.bridge.start(self.stack.xmpp_port)
        await self.stack.focus.wait_for_bridge(20)

    async def requests(self, n, timeout_s=30):
        async with asyncio.timeout(timeout_s):
            while len(self.bridge.requests) < n:
                await asyncio.sleep(0.05)
        return self.bridge.requests


async def test_two_pages_are_invited_and_accept_as_stock_clients_do():
    async with Rig() as rig:
        requests = await rig.requests(4)
        equal({kind for kind, _ in requests}, {"get"}, "IQ types")
        creates = [r for _, r in requests[:2]]
        equal([r.get("create") for r in creates], ["true", None], "only the first creates the conference")
        equal(len({r.get("meeting-id") for _, r in requests}), 1, "meetings")
        for r in creates:
            endpoint = r.find(f"{C2}endpoint")
            equal([e.tag.partition("}")[2] for e in endpoint],
                  ["media", "media", "transport", "sources", "capability", "capability"], "children of endpoint")
            assert endpoint.find(f"{C2}transport/{C2}sctp") is not None
        for _, r in requests[2:4]:
            endpoint = r.find(f"{C2}endpoint")
            inner = endpoint.find(f"{C2}transport")[0]
            assert re.fullmatch(r"[A-Za-z0-9+/]{4,256}", inner.get("ufrag"))
            fingerprint = inner.find("{urn:xmpp:jingle:apps:dtls:0}fingerprint")
            equal(fingerprint.get("setup"), "active", "role of the client")
            equal(len(re.findall("[0-9A-F]{2}", fingerprint.text)), 32, "octets of the fingerprint")
            audio, video = endpoint.findall(f"{C2}sources/{C2}media-source")
            equal((audio.get("type"), video.get("type")), ("audio", "video"), "kinds")
            equal(len(audio.findall(f"{SSMA}source")), 1, "audio SSRCs")
            equal(len(video.findall(f"{SSMA}source")), 6, "video SSRCs")
            groups = [(g.get("semantics"), len(g)) for g in video.findall(f"{SSMA}ssrc-group")]
            equal(sorted(groups), [("FID", 2), ("FID", 2), ("FID", 2), ("SIM", 3)], "groups")


async def test_an_unknown_endpoint_is_invited_again_and_the_last_leaver_ends_the_conference():
    async with Rig() as rig:
        await rig.requests(4)
        for known in rig.bridge.meetings.values():
            known.clear()
        conference = rig.stack.web.conferences["headless"]
        first = next(iter(conference.participants.values()))
        conference.set_sources(first, first.sources)
        await rig.requests(6)
        equal(rig.bridge.requests[5][1].find(f"{C2}endpoint").get("create"), "true", "invited again")
        for client in rig.room.clients:
            await client.do("leave()")
        async with asyncio.timeout(10):
            while rig.bridge.meetings:
                await asyncio.sleep(0.05)


async def test_a_bridge_that_leaves_and_returns_gets_everybody_again():
    async with Rig() as rig:
        await rig.requests(4)
        await rig.bridge.disconnect(wait=0.5)
        await rig.new_bridge()
        creates = [r for _, r in (await rig.requests(4)) if r.find(f"{C2}endpoint").get("create")]
        equal(len(creates), 2, "created again")


if __name__ == "__main__":
    cases.main(globals())
