"""Asks the bridge who is shown what and why no better, and lays the answer out as a table."""
import asyncio
import json


async def ask(socket_path):
    reader, writer = await asyncio.open_unix_connection(str(socket_path))
    try:
        writer.write(b"ids\n")
        async with asyncio.timeout(5):
            return json.loads(await reader.read())
    finally:
        writer.close()


# What bridge/overview.h calls a reason -> what it means to the receiver.
REASONS = {
    "best": "it is the sender's best",
    "constraint": "asked for no more",
    "last-n": "others come first in its last-n",
    "bridge's cap": "the bridge shows nobody so many",
    "not sending": "the sender sends nothing",
    "sender's link": "the sender sends no better",
    "estimate": "its link carries no more",
    "key frame": "waits for a key frame",
}


def picture(height, framerate=0):
    return {-1: "any", 0: "nothing"}.get(height, f"{height}p" + (f"{framerate:g}" if framerate else ""))


def rows(answer, names):
    """names: endpoint id -> what people call it."""
    endpoints = [e for w in answer["workers"] for c in w["conferences"] for e in c["endpoints"]]
    called = {e["endpoint"]: names.get(e["id"], e["id"]) for e in endpoints}
    return [[called[e["endpoint"]], f"{called.get(s['owner'], '?')}, {s['type']}", picture(s["wanted_height"]),
             picture(s["height"], s["framerate"]), REASONS.get(s["reason"], s["reason"]),
             picture(s["target_height"], s["target_framerate"]), f"{s['target_bps'] // 1000} kbit/s",
             picture(s["sent_height"]), f"{e['estimate_bps'] // 1000} kbit/s" if e["estimate_bps"] else "unknown"]
            for e in endpoints for s in e["sources"]]


HEADS = ["receiver", "source", "wants", "gets", "why no better", "is to get", "of", "sender sends", "link estimate"]
