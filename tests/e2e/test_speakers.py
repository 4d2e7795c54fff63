"""Three browsers: who has which SSRC, before and after one of them is reloaded, and who is shown as the speaker."""
import asyncio

import cases
import headless
import stack


def mapped(client_log):
    """What the map messages of one kind say in the end: source -> SSRC."""
    return {m["source"]: m["ssrc"] for message in client_log for m in message["mappedSources"]}


async def test_the_third_sees_two_and_a_reload_gives_new_mappings_and_media_within_5_s():  # bridge-channel 13
    async with stack.Stack() as s, headless.Room(s.url) as room:
        for _ in range(3):
            await room.add()
        for report in await room.wait_until_complete(60):  # by SSRC: media arrived on those that were announced
            assert len(report["remote"]) == 2
            assert all(len(r["video"]) == 1 for r in report["remote"].values())
        stays, _, reloaded = room.clients
        old = (await reloaded.report())["id"]
        assert {n.rsplit("-", 1)[0] for n in mapped(await stays.log("VideoSourcesMap"))} >= {old}
        await room.remove(reloaded)
        await room.add()
        ice = await room.wait(lambda reports: reports[-1]["ice"] in ("connected", "completed"), 30, "ICE of the reloaded")
        await room.wait_until_complete(5)
        new = ice[-1]["id"]
        for kind in ("Video", "Audio"):
            names = mapped(await stays.log(f"{kind}SourcesMap"))
            assert any(n.startswith(new) for n in names), f"no {kind} mapping of the reloaded"


async def test_whoever_unmutes_is_the_speaker_for_everybody():  # bridge-channel 24
    async with stack.Stack() as s, headless.Room(s.url) as room:
        for _ in range(3):
            await room.add()
        await room.wait_until_complete(60)
        for client in room.clients:
            await client.do("mute(true)")
        await asyncio.sleep(2)
        for client in [*room.clients[1:], room.clients[0]]:
            await client.do("mute(false)")
            speaker = (await client.report())["id"]
            await room.wait(lambda reports: all(r["dominant"] == speaker for r in reports), 30, "one speaker for all")
            await client.do("mute(true)")


if __name__ == "__main__":
    cases.main(globals())
