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


def rows(answer, names):
    """names: endpoint id -> what people call it."""
    endpoints = [e for w in answer["workers"] for c in w["conferences"] for e in c["endpoints"]]
    called = {e["endpoint"]: names.get(e["id"], e["id"]) for e in endpoints}

    def height(n):
        return {-1: "any", 0: "-"}.get(n, f"{n}p")

    return [[called[e["endpoint"]], called.get(s["owner"], "?"), height(s["wanted_height"]), height(s["sent_height"]),
             height(s["target_height"]) + (f"@{s['target_framerate']:g}" if s["target_height"] else ""),
             height(s["height"]), f"{s['target_bps'] // 1000}",
             f"{e['estimate_bps'] // 1000}" if e["estimate_bps"] else "?", s["reason"]]
            for e in endpoints for s in e["sources"]]


HEADS = ["receiver", "source of", "wants", "sender sends", "chosen", "gets", "kbit/s", "estimate", "why no better"]
