"""A client's address changes in mid-call, and nobody says so: media must be back within 2 s (transport 7.3, 19.7)."""
import asyncio
import contextlib

import browsers
import cases
import headless
import netns
import stack

GAP_LIMIT_MS = 2000

# Notes each moment at which more RTP packets have arrived than before; Chromium's counters are at most 50 ms old.
WATCH = """(() => {
    const pc = window.kolibri.connection();
    const w = window.watched = {moments: [], total: -1};
    setInterval(async () => {
        let total = 0;
        (await pc.getStats()).forEach((s) => {
            total += s.type === 'inbound-rtp' ? s.packetsReceived ?? 0 : 0;
        });
        if (total !== w.total) {
            w.total = total;
            w.moments.push(performance.now());
        }
    }, 25);
})()"""
GAP = """(() => {
    const m = [...window.watched.moments, performance.now()];
    return Math.round(Math.max(...m.map((t, i) => (i ? t - m[i - 1] : 0))));
})()"""


class BehindRouter(browsers.Chromium):
    def __init__(self, behind):
        super().__init__(wrapper=["ip", "netns", "exec", behind.client.name])
        self.behind = behind

    async def reach(self, port):
        return await self.behind.relay_to(port)


@contextlib.asynccontextmanager
async def call():
    """Ada behind a router, Ben here. Gives (behind, room): ready, everybody hears and sees everybody."""
    reason = netns.missing()
    if reason:
        raise cases.Skip(reason)
    async with netns.Behind() as behind, stack.Stack(addresses=["127.0.0.1", netns.HERE]) as s, \
            BehindRouter(behind) as chromium, headless.Room(s.url) as room:
        port = await s.web.listen_on(behind.listen())
        await room.add(browser=chromium, url=f"http://localhost:{port}/")
        await room.add()
        await room.wait_until_complete(60)
        await asyncio.sleep(3)  # checks of a young connection are frequent and would flatter
        yield behind, room


async def gaps_around(room, change, seconds=8):
    """The longest time, in ms, that each client received nothing, from before the change until long after."""
    for c in room.clients:
        await c.page.evaluate(WATCH)
    await asyncio.sleep(1)
    change()
    await asyncio.sleep(seconds)
    gaps = [await c.page.evaluate(GAP) for c in room.clients]
    print("      nothing received for (ms): " + ", ".join(f"{c.name} {g}" for c, g in zip(room.clients, gaps)))
    return gaps


def check(gaps, reports):
    assert max(gaps) < GAP_LIMIT_MS, f"{max(gaps)} ms without media"
    assert all(r["sessions"] == 1 and not r["terminations"] for r in reports), "the session was made anew"


async def test_behind_a_router_that_gives_it_another_address_media_is_back_within_2_s():
    async with call() as (behind, room):
        assert any(f"dst={netns.OUTSIDE[0]}" in f for f in behind.flows())
        gaps = await gaps_around(room, lambda: behind.seen_as(netns.OUTSIDE[1]))
        assert any(f"dst={netns.OUTSIDE[1]}" in f and "ASSURED" in f for f in behind.flows()), "nothing changed"
        check(gaps, await room.reports())


if __name__ == "__main__":
    cases.main(globals())
