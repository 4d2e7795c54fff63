"""Chromium and Firefox as sender and receiver, codec by codec: who sees whom, and in which codec it was really sent."""
import asyncio
import contextlib
import itertools

import headless
import stack

CODECS = ["VP8", "VP9", "AV1", "H264"]
KINDS = ["chromium", "firefox"]
# Four software encoders at once: small pictures.
SIZE = {"width": 640, "height": 360, "fps": 10}


async def call(codec, seconds=4, bridge=None, **query):
    """Two of each kind in one call. Gives (rows of headless.flows, {name: report})."""
    async with stack.Stack(bridge_command=bridge) as s, headless.Room(s.url, codec=codec, **SIZE, **query) as room:
        for kind in KINDS * 2:
            await room.add(kind)
        # What a browser cannot decode never becomes complete.
        await room.wait(lambda reports: all(len(r["remote"]) == 3 and r["channel"] == "open" for r in reports), 30)
        with contextlib.suppress(TimeoutError):
            await room.wait_until_complete(6 if codec == "H264" else 20)
        before = await room.reports()
        await asyncio.sleep(seconds)
        after = await room.reports()
        kinds = {c.name: c.kind for c in room.clients}
    return [{**r, "kinds": (kinds[r["sender"]], kinds[r["receiver"]]), "rate": r["frames"] / seconds}
            for r in headless.flows(before, after)], {kinds[r["name"]]: r for r in after}


def wrong(row):
    return " ".join(text for text, is_so in (("NOT SEEN", not row["seen"]), ("NOT HEARD", not row["heard"]),
                                             (f"{row['lost']} LOST", row["lost"])) if is_so)


def summary(codec, rows, reports):
    """One row per pair of kinds: the worst of its cells, and "ok", what went WRONG, or what a browser lacks here."""
    out = []
    for pair in itertools.product(KINDS, KINDS):
        sender, receiver = pair
        mine = [r for r in rows if r["kinds"] == pair]
        sent_as = next(o["codec"] for o in reports[sender]["outbound"] if o["kind"] == "video" and o["codec"])
        problem = next((wrong(r) for r in mine if wrong(r)), "" if mine else "NO CALL")
        remark = "ok"
        if sent_as not in reports[receiver]["decodes"]:
            remark = f"{receiver} cannot decode {sent_as} here"
        elif problem or (sent_as != codec and codec in reports[sender]["encodes"]):
            remark = f"WRONG: {problem or 'another codec'}"
        elif sent_as != codec:
            remark = f"{sender} cannot encode {codec} here"
        out.append([codec, sender, receiver, sent_as, f"{min((r['rate'] for r in mine), default=0):.0f}", remark])
    return out


HEADS = ["codec", "sender", "receiver", "sent as", "pictures/s", ""]


async def run(codecs=CODECS, bridge=None, **query):
    """Prints the matrix; gives back its rows. In the last column of a failure stands WRONG."""
    rows = []
    for codec in codecs:
        rows += summary(codec, *await call(codec, bridge=bridge, **query))
    print(headless.columns(HEADS, rows), flush=True)
    return rows
