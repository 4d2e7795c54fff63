"""What links and views do to pictures, in real browsers: who is sent what, how soon, and without freezing.

Ada and Cleo send 720p from here; Ben watches from behind a router whose link is made worse. Each scenario tells its story
in a table, and judges it: Story.passed.
"""
import asyncio
import contextlib
import time

import browsers
import cases
import explain
import headless
import netns
import stack

SETTLE_S = 4  # a young call: the estimate grows, layers start one after the other
HEIGHTS = (720, 180)  # on stage, in a tile


class Story:
    """When what happened, and what was promised about it."""

    def __init__(self, title):
        self.title, self.start = title, time.time()
        self.events, self.promises = [], []

    def tell(self, text, at=None):
        self.events.append(((at or time.time()) - self.start, text))

    def judge(self, what, measured, limit, ok):
        self.promises.append((what, measured, limit, ok))

    def judge_seconds(self, what, seconds, limit):
        """seconds: None when it never happened."""
        self.judge(what, "never" if seconds is None else f"{seconds:.1f} s", f"< {limit} s",
                   seconds is not None and seconds < limit)

    @property
    def passed(self):
        return bool(self.promises) and all(ok for *_, ok in self.promises)

    def __str__(self):
        events = headless.columns(["second", "what happened"], [[f"{t:.1f}", text] for t, text in sorted(self.events)])
        promises = headless.columns(["what is promised", "measured", "limit", ""],
                                    [[what, m, limit, "ok" if ok else "NOT KEPT"] for what, m, limit, ok in self.promises])
        return f"{self.title}\n\n{events}\n\n{promises}\n"


class Scene:
    """ada, ben, cleo: clients; behind: Ben's router."""

    def __init__(self, story, behind, room, explain_socket):
        self.story, self.behind, self.room, self.explain_socket = story, behind, room, explain_socket
        self.ada, self.ben, self.cleo = room.clients
        self.sources = {}

    async def source(self, client):
        if client not in self.sources:
            self.sources[client] = f"{(await client.report())['id']}-v0"
        return self.sources[client]

    async def stage(self, client):
        """Ben puts somebody on stage."""
        await self.ben.do(f"stage('{await self.source(client)}')")

    async def until_height(self, client, height, timeout_s):
        """Until Ben gets the client's picture at that height; gives back the seconds, or None."""
        source = await self.source(client)
        began = time.time()
        while time.time() - began < timeout_s:
            samples = await self.ben.do("watched()")
            seen = samples[-1]["sources"].get(source) if samples else None
            if seen and seen[0] == height:
                return time.time() - began
            await asyncio.sleep(0.1)
        return None

    async def estimate(self):
        """What the bridge believes that Ben's link carries, bit/s."""
        me = (await self.ben.report())["id"]
        answer = await explain.ask(self.explain_socket)
        return next(e["estimate_bps"] for w in answer["workers"] for c in w["conferences"] for e in c["endpoints"]
                    if e["id"] == me)

    async def watched(self, client, since):
        """[(seconds since the epoch, sample)]."""
        return [(s["t"] / 1000, s) for s in await client.do("watched()") if s["t"] / 1000 >= since]

    async def heights(self, client, since):
        """What Ben saw of the client: (when, height, pictures so far, whether the bridge says that it sends it)."""
        source = await self.source(client)
        return [(t, *s["sources"][source]) for t, s in await self.watched(self.ben, since) if source in s["sources"]]

    async def tell_heights(self, client, since):
        last = None
        for t, height, _, forwarded in await self.heights(client, since):
            what = f"{height}p" if forwarded else "paused, the link does not carry it"
            if what != last:
                self.story.tell(f"Ben sees {client.name}: {what}", t)
            last = what


def longest_gap(looks):
    """The longest time without a new picture, in seconds, whatever the reason."""
    longest, last_new, last_frames = 0.0, None, None
    for t, _, frames, _ in looks:
        if last_new is None or frames != last_frames:
            last_new = t
        else:
            longest = max(longest, t - last_new)
        last_frames = frames
    return longest


@contextlib.asynccontextmanager
async def scene(story, codec, bridge=None):
    small = {"width": 320, "height": 180}
    async with netns.Behind() as behind, \
            stack.Stack(addresses=["127.0.0.1", netns.HERE], bridge_command=bridge) as s, \
            browsers.BehindRouter(behind) as chromium, headless.Room(s.url, codec=codec) as room:
        port = await s.web.listen_on(behind.listen())
        await room.add(width=1280, height=720)
        await room.add(browser=chromium, url=f"http://localhost:{port}/", **small)
        await room.add(width=1280, height=720)
        await room.wait_until_complete(60)
        for client in room.clients:
            await client.do("watch()")
        here = Scene(story, behind, room, s.explain_socket)
        await here.stage(here.ada)
        await asyncio.sleep(SETTLE_S)
        story.start = time.time()
        yield here


async def narrow(story, codec, bits_per_s=300_000, **options):
    """Ben's link carries 300 kbit/s for ten seconds, then all again."""
    async with scene(story, codec, **options) as here:
        before = [await here.until_height(c, h, 20) for c, h in zip((here.ada, here.cleo), HEIGHTS)]
        story.judge("on stage 720p, in the tile 180p", "yes" if None not in before else "no", "yes", None not in before)
        await asyncio.sleep(2)
        story.start = narrowed = time.time()
        here.behind.narrow(bits_per_s)
        story.tell(f"Ben's link is narrowed to {bits_per_s // 1000} kbit/s")
        estimates = []
        for _ in range(20):
            estimates.append(await here.estimate())
            await asyncio.sleep(0.5)
        story.tell("estimates until now, one each half second: " + " ".join(str(e // 1000) for e in estimates) + " kbit/s")
        released = time.time()
        here.behind.narrow(None)
        story.tell("Ben's link is released")
        back = await here.until_height(here.ada, 720, 22)
        await asyncio.sleep(2)
        looks = await here.heights(here.ada, narrowed)
        fell = next((t for t, height, *_ in looks if height < 720), None)
        for client in (here.ada, here.cleo):
            await here.tell_heights(client, narrowed)
        story.judge_seconds("the picture on stage gets smaller", fell and fell - narrowed, 3)
        story.judge_seconds("longest time without a new picture on stage", longest_gap(looks), 1)
        story.judge_seconds("720p again after the release", back, 20)
        tile = next((t for t, height, _, forwarded in await here.heights(here.cleo, released) if height == 180 and forwarded),
                    None)
        story.judge_seconds("180p in the tile after the release", tile and tile - released, 20)


async def stage(story, codec, **options):
    """Ben puts one after the other on stage."""
    async with scene(story, codec, **options) as here:
        began = time.time()
        for on, off in ((here.ada, here.cleo), (here.cleo, here.ada), (here.ada, here.cleo)):
            story.tell(f"Ben puts {on.name} on stage")
            await here.stage(on)
            story.judge_seconds(f"{on.name} in 720p", await here.until_height(on, HEIGHTS[0], 10), 3)
            story.judge_seconds(f"{off.name} in 180p", await here.until_height(off, HEIGHTS[1], 10), 3)
            await asyncio.sleep(3)
        for client in (here.ada, here.cleo):
            await here.tell_heights(client, began)
            gap = longest_gap(await here.heights(client, began))
            story.judge_seconds(f"longest time without a new picture of {client.name}", gap, 1)


async def unviewed(story, codec, **options):
    """Nobody looks at Ada any more, then Ben does again."""
    async with scene(story, codec, **options) as here:
        source = await here.source(here.ada)
        story.start = hidden = time.time()
        for viewer in (here.ben, here.cleo):
            await viewer.do(f"hide(['{source}'])")
        story.tell("nobody looks at Ada any more")
        await asyncio.sleep(6)
        shown = time.time()
        looks = await here.watched(here.ada, hidden - 1)
        before = [s["sent"] for t, s in looks if t < hidden]
        story.judge("Ada sends while Ben looks", f"{(before[-1] - before[0]) * 8 // 1000} kbit/s", "> 300 kbit/s",
                    before[-1] - before[0] > 300_000 // 8)
        last = max((t for (_, a), (t, b) in zip(looks, looks[1:]) if t > hidden and b["sent"] != a["sent"]), default=hidden)
        story.tell("Ada sends no video any more", last)
        story.judge_seconds("Ada's video ends", last - hidden, 3)
        pictures = (await here.heights(here.ada, hidden))[-1][2]
        await here.ben.do("hide([])")
        story.tell("Ben looks at Ada again")
        await asyncio.sleep(6)
        new = [(t, height) for t, height, frames, _ in await here.heights(here.ada, shown) if frames > pictures]
        if new:
            story.tell(f"the first picture, {new[0][1]}p", new[0][0])
        full = next((t for t, height in new if height == 720), None)
        story.judge_seconds("Ben sees Ada again", new[0][0] - shown if new else None, 3)
        story.judge_seconds("and in 720p", full and full - shown, 6)


async def loss(story, codec, percent=3, seconds=24, **options):
    """Three in a hundred packets to Ben and from him are lost."""
    async with scene(story, codec, **options) as here:
        await here.until_height(here.ada, HEIGHTS[0], 20)
        before = await here.room.reports()
        story.start = began = time.time()
        here.behind.lose(percent)
        story.tell(f"{percent} % of the packets to Ben and from him are lost from now on")
        await asyncio.sleep(seconds)
        after = await here.room.reports()
        for a, b, client in zip(before, after, here.room.clients):
            encoded, resent, asked = (most(b["outbound"], key) - most(a["outbound"], key)
                                      for key in ("frames", "retransmitted", "keyFrameRequests"))
            story.tell(f"{client.name} made {encoded} pictures, sent {resent} packets again")
            if client is here.ben:
                story.judge("packets that Ben sent again", str(resent), "> 0", resent > 0)
            limit = max(1, 5 * seconds // 60)
            story.judge(f"key frames asked of {client.name}", str(asked), f"<= {limit}", asked <= limit)
        for sender, receiver in ((0, 1), (2, 1), (1, 0), (1, 2)):
            await judge_repair(here, sender, receiver, before, after)
        for client in (here.ada, here.cleo):
            story.judge_seconds(f"longest time without a new picture of {client.name}",
                                longest_gap(await here.heights(client, began)), 1)


def most(outbound, key):
    """Of the encodings of one camera each has the same number of pictures; what was sent again is mostly of one."""
    return max(o[key] for o in outbound if o["kind"] == "video")


async def judge_repair(here, sender, receiver, before, after):
    """Every picture that was made has arrived; the few on their way at either moment aside."""
    source = await here.source(here.room.clients[sender])
    a, b = ([v for x in r[receiver]["remote"].values() for s, v in x["video"].items() if s == source][0] for r in (before, after))
    d = {k: b[k] - a[k] for k in ("frames", "packets", "lost", "repaired", "freezes")}
    made = most(after[sender]["outbound"], "frames") - most(before[sender]["outbound"], "frames")
    pair = f"{after[sender]['name']} to {after[receiver]['name']}"
    here.story.tell(f"{pair}: {d['frames']} pictures in {d['packets']} packets, {d['repaired']} of them sent again by the bridge")
    here.story.judge(f"pictures missing, {pair}", str(max(0, made - d["frames"])), "<= 3", made - d["frames"] <= 3)
    here.story.judge(f"freezes, {pair}", str(d["freezes"]), "0", d["freezes"] == 0)
    if here.room.clients[receiver] is here.ben:
        here.story.judge(f"packets that the bridge sent again, {pair}", str(d["repaired"]), "> 0", d["repaired"] > 0)


SCENARIOS = {"narrow": narrow, "stage": stage, "unviewed": unviewed, "loss": loss}


async def play(name, codec, **options):
    """Plays a scenario, prints its story and gives it back."""
    story = Story(f"{name}, {codec}: {SCENARIOS[name].__doc__}")
    try:
        await SCENARIOS[name](story, codec, **options)
    finally:
        print(story, flush=True)
    return story


async def play_or_fail(name, codec):
    """For tests."""
    reason = netns.missing()
    if reason:
        raise cases.Skip(reason)
    story = await play(name, codec)
    assert story.passed, "; ".join(f"{what}: {measured}, promised {limit}" for what, measured, limit, ok in story.promises if not ok)
