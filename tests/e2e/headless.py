"""A call between headless browsers, and the table that says who received what from whom."""
import asyncio
import contextlib
import itertools
import urllib.parse

import explain
from browsers import KINDS

# Small pictures: encoding in software for every client must fit into two cores.
DEFAULTS = {"width": 1280, "height": 720, "fps": 15}
NAMES = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jana", "Kim", "Lea"]


class Client:
    def __init__(self, page, name):
        self.page, self.name, self.kind = page, name, page.browser.kind

    async def report(self):
        return await self.page.evaluate("window.kolibri ? window.kolibri.report() : null")

    async def log(self, colibri_class=None, direction="in"):
        messages = await self.page.evaluate("window.kolibri.log()")
        return [m["msg"] for m in messages if m["dir"] == direction and
                colibri_class in (None, m["msg"]["colibriClass"])]

    async def do(self, expression):
        return await self.page.evaluate(f"window.kolibri.{expression}")


class Room:
    """Opens clients as they are wanted. One Chromium holds all Chromium clients; each Firefox client has its own."""

    def __init__(self, url, room="headless", **query):
        self.url, self.query = url, {**DEFAULTS, "room": room, "auto": 1, **query}
        self.clients = []
        self._browsers = contextlib.AsyncExitStack()
        self._chromium = None
        self._names = itertools.cycle(NAMES)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._browsers.aclose()

    async def _browser(self, kind):
        if kind == "firefox":
            return await self._browsers.enter_async_context(KINDS[kind]())
        if not self._chromium:
            self._chromium = await self._browsers.enter_async_context(KINDS[kind]())
        return self._chromium

    async def add(self, kind="chromium", browser=None, url=None, **query):
        """browser, url: one of the caller's, and where it finds the page."""
        browser = browser or await self._browser(kind)
        name = next(self._names)
        page = await browser.open((url or self.url) + "?" + urllib.parse.urlencode({**self.query, "name": name, **query}))
        self.clients.append(Client(page, name))
        return self.clients[-1]

    async def remove(self, client):
        await client.do("leave()")
        await client.page.close()
        self.clients.remove(client)

    async def reports(self):
        return await asyncio.gather(*(c.report() for c in self.clients))

    async def wait(self, condition, timeout_s=30, what="the call"):
        """Polls until condition(reports) holds; raises with the reports otherwise."""
        reports = None
        end = asyncio.get_running_loop().time() + timeout_s
        while asyncio.get_running_loop().time() < end:
            reports = await self.reports()
            if all(reports) and condition(reports):
                return reports
            await asyncio.sleep(0.25)
        raise TimeoutError(f"{what}: not within {timeout_s} s\n{describe(reports)}")

    async def wait_until_complete(self, timeout_s=30):
        return await self.wait(lambda reports: all(complete(r, len(self.clients) - 1) for r in reports), timeout_s,
                               "everybody sees and hears everybody")


def complete(report, others):
    """The channel is open, and sound and pictures of that many others arrived."""
    return report["channel"] == "open" and len(report["remote"]) == others and all(
        r["audio"] and r["audio"]["energy"] > 0 and r["video"] and
        all(v and v["frames"] > 0 for v in r["video"].values()) for r in report["remote"].values())


def flows(before, after):
    """Pairs of reports at two moments -> one row per receiver and sender with what came in between."""
    rows = []
    for a, b in zip(before, after):
        for owner, r in b["remote"].items():
            sender = next(m["name"] for m in b["members"] if m["id"] == owner)
            old = a["remote"].get(owner, {"audio": None, "video": {}})

            def delta(key, new, past):
                return (new or {}).get(key, 0) - (past or {}).get(key, 0)

            videos = [(v, old["video"].get(s)) for s, v in r["video"].items() if v]
            rows.append({
                "receiver": b["name"], "sender": sender, "channel": b["channel"], "ice": b["ice"],
                "energy": delta("energy", r["audio"], old["audio"]),
                "audio_packets": delta("packets", r["audio"], old["audio"]),
                "frames": sum(delta("frames", v, o) for v, o in videos),
                "codec": " ".join(v["codec"] or "?" for v, _ in videos) or "-",
                "size": " ".join(f"{v['width']}x{v['height']}" for v, _ in videos) or "-",
                "freezes": sum(delta("freezes", v, o) for v, o in videos),
                "lost": delta("lost", r["audio"], old["audio"]) + sum(delta("lost", v, o) for v, o in videos),
                "heard": delta("energy", r["audio"], old["audio"]) > 0,
                "seen": bool(videos) and all(delta("frames", v, o) > 0 for v, o in videos),
            })
    return rows


def table(rows):
    heads = ["receiver", "sender", "audio energy", "audio pkts", "frames", "codec", "size", "freezes", "lost", "channel", ""]
    lines = [[r["receiver"], r["sender"], f"{r['energy']:.4f}", str(r["audio_packets"]), str(r["frames"]), r["codec"],
              r["size"],
              str(r["freezes"]), str(r["lost"]), r["channel"],
              "ok" if r["heard"] and r["seen"] else " ".join((["NOT HEARD"] if not r["heard"] else []) +
                                                             (["NOT SEEN"] if not r["seen"] else []))]
             for r in rows]
    return columns(heads, lines)


def columns(heads, lines):
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in [heads, *lines])


def describe(reports):
    """For a failure: what each client knows, one line each."""
    lines = []
    for r in reports or []:
        if not r:
            lines.append("(page has no call)")
            continue
        got = {next((m["name"] for m in r["members"] if m["id"] == owner), owner): {
            "energy": round((x["audio"] or {}).get("energy", 0), 5),
            "video": {s: v and [v["frames"], v["width"], v["height"], v["packets"]] for s, v in x["video"].items()}}
            for owner, x in r["remote"].items()}
        lines.append(f"{r['name']}: ice {r['ice']}, dtls {r['connection']}, channel {r['channel']}, "
                     f"sessions {r['sessions']} {r['terminations']}, error {r['error']}, received {got}")
    return "\n".join(lines)


async def run(url, clients, seconds, browser, explain_socket=None, **query):
    """The demo's headless call. Prints the table; gives back the exit status: 0 when everybody was heard and seen."""
    kinds = {"both": ["chromium", "firefox"]}.get(browser, [browser])
    async with Room(url, **query) as room:
        for kind, _ in zip(itertools.cycle(kinds), range(clients)):
            await room.add(kind)
        try:
            before = await room.wait_until_complete(30 + 5 * clients)
        except TimeoutError as e:
            print(e)
            before = [{**r, "remote": {}} for r in await room.reports() if r]
        await asyncio.sleep(seconds)
        reports = [r for r in await room.reports() if r]
        rows = flows(before, reports)
        print(table(rows))
        if explain_socket:
            names = {m["id"]: m["name"] for r in reports for m in r["members"]}
            print("\n" + columns(explain.HEADS, explain.rows(await explain.ask(explain_socket), names)))
        whole = len(rows) == clients * (clients - 1)
        return 0 if whole and all(r["heard"] and r["seen"] and r["channel"] == "open" for r in rows) else 1
