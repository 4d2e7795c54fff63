"""Two hundred joins and leaves, at every moment of a connection's life, and the sanitizer finds nothing left at exit.

KOLIBRI must be a bridge with the address sanitizer, such as build-asan/bridge/kolibri."""
import asyncio
import random
import re
import signal

import cases
import headless
import stack

ROUNDS, AT_ONCE = 40, 5
SMALL = {"width": 320, "height": 180}


def heard(reports):
    """Pictures are not waited for: Chromium's fake camera, shared by pages that come and go this fast, may stand still."""
    return all(r["channel"] == "open" and len(r["remote"]) == len(reports) - 1 and
               all(x["audio"] and x["audio"]["energy"] > 0 for x in r["remote"].values()) for r in reports)


async def come_and_go(room, rng, stay):
    """AT_ONCE clients; stay: until all of them hear all others, else each goes when it likes."""
    clients = [await room.add() for _ in range(AT_ONCE)]
    if stay:
        await room.wait(heard, 40, "everybody hears everybody")
    else:
        await room.wait(lambda reports: True, 20, "pages with a call")
    for client in rng.sample(clients, AT_ONCE):
        await asyncio.sleep(0 if stay else rng.uniform(0, 0.3))
        await room.remove(client)


async def test_two_hundred_joins_and_leaves_leave_nothing_behind():
    assert b"__asan_init" in stack.KOLIBRI.read_bytes(), f"{stack.KOLIBRI} is built without the address sanitizer"
    rng = random.Random(1)
    async with stack.Stack(env={"ASAN_OPTIONS": "detect_leaks=1:exitcode=99"}) as s, headless.Room(s.url, **SMALL) as room:
        for i in range(ROUNDS):
            await come_and_go(room, rng, stay=i % 4 == 0)
        log = s.bridge.log_path.read_text()
        created, connected = len(re.findall("endpoint=.* created", log)), log.count("dtls: endpoint=")
        assert created >= ROUNDS * AT_ONCE * 0.9 and connected >= created / 2, f"{created} created, {connected} connected"
        assert s.bridge.running, s.bridge.log_tail()
        status = await s.bridge.stop(patience_s=30)
        print(f"      {ROUNDS * AT_ONCE} joins, {connected} of them until connected; exit status {status}")
        assert status == 128 + signal.SIGTERM, s.bridge.log_tail(60)


test_two_hundred_joins_and_leaves_leave_nothing_behind.timeout_s = 400

if __name__ == "__main__":
    cases.main(globals())
