#!/usr/bin/python3
"""What dies in mid-call: Prosody, and the bridge itself. Both by SIGKILL, as a crash or the kernel would do it."""
import asyncio
import time

import cases
import headless
import stack

OUTAGE_S = 20
RESTART_S = 2  # RestartSec of the service unit
BACK_S = 10


async def until(condition, timeout_s, what):
    """The time at which it held."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return time.monotonic()
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {timeout_s} s: {what}")


async def two_in_a_call(room):
    for _ in range(2):
        await room.add()
    await room.wait_until_complete(60)


def check_flow(before, after, seconds, rate=None):
    """Both hear and see each other in this interval, with nothing lost. Gives back audio packets per second of each: they
    vary, since the bridge keeps silence back and the fake microphone beeps."""
    rows = headless.flows(before, after)
    assert len(rows) == 2, "somebody is missing"
    for i, r in enumerate(rows):
        assert r["heard"] and r["seen"] and r["channel"] == "open" and r["ice"] in ("connected", "completed"), r
        assert r["lost"] == 0, f"{r['receiver']} lost {r['lost']} packets"
        assert not rate or r["audio_packets"] / seconds > rate[i] / 2, f"audio to {r['receiver']} falters: {r}"
    return [r["audio_packets"] / seconds for r in rows]


async def test_prosody_dies_for_20_s_and_no_packet_is_lost():
    async with stack.Stack() as s, headless.Room(s.url) as room:
        await two_in_a_call(room)
        first = await room.reports()
        await asyncio.sleep(6)
        start = await room.reports()
        usual = check_flow(first, start, 6)
        sessions = [r["sessions"] for r in start]

        killed = time.monotonic()
        await s.prosody.kill()
        before, packets = start, 0
        while time.monotonic() < killed + OUTAGE_S:
            began = time.monotonic()
            await asyncio.sleep(4)
            now = await room.reports()
            packets += sum(check_flow(before, now, time.monotonic() - began, usual)) * (time.monotonic() - began)
            before = now
        await s.start_prosody()
        up = time.monotonic()
        bridge = s.focus.pick() or next(iter(s.focus.bridges.values()))
        back = await until(lambda: bridge.stats_times[-1] > up, 15, "the bridge in the brewery")
        assert "down" not in [what for _, what in s.focus.log], "the focus must not think that the bridge went away"
        assert (await bridge.modify(next(iter(s.web.conferences.values()))._request())) is not None

        await asyncio.sleep(2)
        end = await room.reports()
        rows = headless.flows(start, end)
        print(headless.table(rows))
        print(f"      Prosody away for {up - killed:.1f} s; bridge back in the brewery {back - up:.1f} s after its return; "
              f"{packets:.0f} audio packets meanwhile, {sum(r['lost'] for r in rows)} lost")
        check_flow(start, end, time.monotonic() - killed, usual)
        assert [r["sessions"] for r in end] == sessions, "no session may have been made anew"
        await room.add()  # the conference is alive for signalling too
        await room.wait_until_complete(40)


async def test_the_bridge_dies_and_the_call_is_back_within_10_s():
    async with stack.Stack() as s, headless.Room(s.url) as room:
        await two_in_a_call(room)
        before = await room.reports()
        seen = len(s.focus.log)
        meeting = next(iter(s.web.conferences.values()))

        killed = time.monotonic()
        await s.bridge.kill()
        gone = await until(lambda: "down" in [w for _, w in s.focus.log[seen:]], 5, "the room forgets the old occupant")
        await asyncio.sleep(max(0, killed + RESTART_S - time.monotonic()))
        started = time.monotonic()
        s.start_bridge()
        up = await until(lambda: "up" in [w for _, w in s.focus.log[seen:]], 8, "the focus sees the new one")
        await until(lambda: meeting.created, 5, "the conference is made again")

        def media_is_back(reports):
            return all(r["sessions"] > b["sessions"] and headless.complete(r, 1) for r, b in zip(reports, before))

        await room.wait(media_is_back, 30, "media over the new bridge")
        back = time.monotonic()
        reports = await room.reports()
        await asyncio.sleep(4)
        check_flow(reports, await room.reports(), 4)
        print(f"      forgotten after {gone - killed:.2f} s; restarted after {started - killed:.1f} s; in the brewery "
              f"{up - started:.2f} s after its start; everybody hears and sees everybody {back - killed:.1f} s after the kill")
        assert gone - killed < 1, "the room forgets too late"
        assert back - killed < BACK_S, f"media is back only after {back - killed:.1f} s"


test_prosody_dies_for_20_s_and_no_packet_is_lost.timeout_s = 240

if __name__ == "__main__":
    cases.main(globals())
