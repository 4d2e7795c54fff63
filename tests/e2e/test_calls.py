"""Real calls through the real bridge: Prosody, the test focus, headless Chromium and Firefox with fake devices."""
import asyncio

import cases
import headless
import stack


async def flows_of(room, seconds=8):
    before = await room.wait_until_complete(60)
    await asyncio.sleep(seconds)
    return headless.flows(before, await room.reports())


def check_clean(rows, pairs, seconds=8):
    """Freezes are printed, not judged: two cores encode and decode for all the browsers, and a starved decoder freezes
    whatever the bridge does. That pictures flow is judged by their number."""
    print(headless.table(rows))
    assert len(rows) == pairs, "somebody is missing"
    for r in rows:
        assert r["heard"] and r["seen"] and r["channel"] == "open", "not heard, not seen or without channel"
        assert r["lost"] == 0, "packets are lost on a clean network"
        assert r["frames"] >= 5 * seconds, "hardly any pictures"


async def call(kinds, **query):
    async with stack.Stack() as s, headless.Room(s.url, **query) as room:
        for kind in kinds:
            await room.add(kind)
        check_clean(await flows_of(room), len(kinds) * (len(kinds) - 1))


async def test_two_chromium_hear_and_see_each_other():
    await call(["chromium", "chromium"])


async def test_chromium_and_firefox_mixed_hear_and_see_each_other():
    await call(["chromium", "firefox", "chromium"])


async def test_without_ssrc_rewriting_they_hear_and_see_each_other():
    await call(["chromium", "chromium"], mode="plain")


async def test_who_leaves_and_comes_back_is_heard_and_seen_again():
    async with stack.Stack() as s, headless.Room(s.url) as room:
        await room.add()
        gone = await room.add()
        await room.wait_until_complete(60)
        await room.remove(gone)
        await room.add()
        check_clean(await flows_of(room, 4), 2, 4)


async def test_the_data_channel_is_open_within_15_s_and_answers_a_hello():  # bridge-channel 1, but with our focus and page
    async with stack.Stack() as s, headless.Room(s.url) as room:
        for kind in ("chromium", "firefox"):
            await room.add(kind)
        await room.wait(lambda reports: all(r["channel"] == "open" for r in reports), 15, "channels")
        for client in room.clients:
            assert not await client.log("ServerHello"), "unasked on a data channel"
            await client.do("send('ClientHello')")
            for _ in range(100):
                if await client.log("ServerHello"):
                    break
                await asyncio.sleep(0.05)
            assert len(await client.log("ServerHello")) == 1, client.kind


if __name__ == "__main__":
    cases.main(globals())
