"""Pictures in real browsers: who looks at whom, every codec, encrypted calls (media.md 22, the browser part).

The camera gives 15 pictures per second, so that two cores can encode 720p for two senders: what is judged here is the
bridge, not the machine.
"""
import asyncio

import cases
import headless
import matrix
import scenarios
import stack


async def test_whoever_comes_on_stage_is_seen_in_720p_and_the_others_in_180p():
    await scenarios.play_or_fail("stage", "VP9")


async def test_a_sender_whom_nobody_looks_at_sends_nothing_and_is_back_at_once():
    await scenarios.play_or_fail("unviewed", "H264")


async def test_chromium_and_firefox_see_each_other_in_each_codec_that_they_have():
    rows = await matrix.run(["VP8", "VP9", "H264", "AV1"])
    assert not [row for row in rows if "WRONG" in row[-1]]
    assert sum(row[-1] == "ok" for row in rows) >= 13  # Chromium's H.264 and everybody's VP8, VP9 and AV1, at least


async def encrypted(codec):
    """Whoever opens a frame has checked its tag: the bridge has changed no byte of it."""
    async with stack.Stack() as s, headless.Room(s.url, codec=codec, e2ee=1) as room:
        for _ in range(2):
            await room.add()
        before = await room.wait_until_complete(40)
        await asyncio.sleep(4)
        after = await room.reports()
        rows = headless.flows(before, after)
        print(f"{codec}, encrypted end to end:\n" + headless.table(rows))
        assert all(r["seen"] and r["heard"] and r["codec"] == codec for r in rows), "not seen, not heard or another codec"
        for report in after:
            for kind, enough in (("video", 40), ("audio", 100)):
                counts = report["encrypted"][kind]
                assert min(counts["sealed"], counts["opened"]) > enough, f"hardly any frames: {kind} {counts}"
                assert counts["failed"] == 0, f"frames that could not be opened: {kind} {counts}"


async def test_calls_that_are_encrypted_end_to_end_arrive_unchanged():
    for codec in ("VP8", "VP9", "H264", "AV1"):
        await encrypted(codec)


test_chromium_and_firefox_see_each_other_in_each_codec_that_they_have.timeout_s = 200

if __name__ == "__main__":
    cases.main(globals())
