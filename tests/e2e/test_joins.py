"""The last of three browsers to join: how long after its ICE connection it hears and sees each of the others.

KOLIBRI_JOINS is how often it joins (15 if unset), KOLIBRI_JOINER its kind (chromium)."""
import asyncio
import os
import statistics

import cases
import headless
import stack

JOINS = int(os.environ.get("KOLIBRI_JOINS", 15))
JOINER = os.environ.get("KOLIBRI_JOINER", "chromium")
WANTED_MS = 1500


def spread(times):
    s = sorted(times)
    return f"median {statistics.median(s):.0f} ms, 9 of 10 within {s[int(len(s) * 0.9)]} ms, slowest {s[-1]} ms"


async def test_the_last_of_three_hears_and_sees_the_others_within_1500_ms_of_its_ice_connection():
    first, late = {"audio": [], "video": []}, []
    async with stack.Stack() as s, headless.Room(s.url) as room:
        for _ in range(2):
            await room.add()
        owners = [r["id"] for r in await room.wait_until_complete(60)]
        for i in range(JOINS):
            last = await room.add(JOINER)

            def measured(reports):
                f = reports[-1]["firsts"]
                return all(f.get(o, {}).keys() >= {"audio", "video"} for o in owners)

            reports = await room.wait(measured, 30, f"join {i + 1}")
            for owner in owners:
                for kind, times in first.items():
                    t = reports[-1]["firsts"][owner][kind]
                    times.append(t)
                    if t > WANTED_MS:
                        late.append(f"join {i + 1}: {kind} after {t} ms")
            await room.remove(last)
    for kind, times in first.items():
        print(f"      {JOINS} joins of {JOINER}, first {kind} of each other: {spread(times)}")
    assert not late, f"{len(late)} of {4 * JOINS} first sounds and pictures are late: {'; '.join(late[:6])}"


test_the_last_of_three_hears_and_sees_the_others_within_1500_ms_of_its_ice_connection.timeout_s = 60 + 12 * JOINS

if __name__ == "__main__":
    cases.main(globals())
