#!/usr/bin/python3
"""scripts/demo, once everything is installed and built."""
import argparse
import asyncio
import logging
import os
import pathlib
import signal
import sys

import headless
import matrix
import netns
import scenarios
import stack


def arguments():
    p = argparse.ArgumentParser(prog="scripts/demo", description="A call through the bridge on this machine.")
    p.add_argument("--headless", action="store_true", help="headless browsers call each other; prints who received what, and "
                   "why no better")
    p.add_argument("--clients", type=int, default=2, metavar="N", help="headless clients (default 2)")
    p.add_argument("--seconds", type=float, default=10, metavar="S", help="how long to measure (default 10)")
    p.add_argument("--browser", choices=["chromium", "firefox", "both"], default="chromium")
    p.add_argument("--plain", action="store_true", help="without SSRC rewriting")
    p.add_argument("--e2ee", action="store_true", help="encrypted from browser to browser, so that the bridge cannot read it")
    p.add_argument("--codec", choices=["VP8", "VP9", "AV1", "H264"], default="VP8")
    p.add_argument("--scenario", choices=[*scenarios.SCENARIOS, "all"], help="three headless clients, one behind a link that "
                   "is narrowed or loses packets, or who looks at others; prints what happened when (needs root)")
    p.add_argument("--matrix", action="store_true", help="Chromium and Firefox as sender and receiver in every codec; prints a "
                   "table")
    p.add_argument("--port", type=int, default=0, help="port of the web page (default: a free one)")
    p.add_argument("--bridge", type=pathlib.Path, default=stack.KOLIBRI, help="the program to run")
    return p.parse_args()


async def play(args):
    reason = netns.missing()
    if reason:
        sys.exit(f"cannot make a network with a router: {reason}")
    names = scenarios.SCENARIOS if args.scenario == "all" else [args.scenario]
    stories = [await scenarios.play(name, args.codec, bridge=[str(args.bridge)]) for name in names]
    return 0 if all(story.passed for story in stories) else 1


async def fill_matrix(args):
    rows = await matrix.run(bridge=[str(args.bridge)])
    return 1 if any("WRONG" in row[-1] for row in rows) else 0


async def until_stopped(work, stop):
    """Its status; 130 when a signal came first, and then it has been ended."""
    work, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if work.done():
        return work.result()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    return 130


async def main(args):
    stop = asyncio.Event()
    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(s, stop.set)
    if args.matrix:
        return await until_stopped(fill_matrix(args), stop)
    if args.scenario:
        return await until_stopped(play(args), stop)
    async with stack.Stack(bridge_command=[str(args.bridge)], web_port=args.port) as s:
        if args.headless:
            query = {"codec": args.codec, **({"mode": "plain"} if args.plain else {}),
                     **({"e2ee": 1} if args.e2ee else {})}
            return await until_stopped(headless.run(s.url, args.clients, args.seconds, args.browser, s.explain_socket, **query),
                                       stop)
        print(f"\n  Open {s.url} in two tabs and join in both. Ctrl-C ends everything.\n", flush=True)
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), 1)
            except TimeoutError:
                if not s.bridge.running:
                    print(f"The bridge ended by itself:\n{s.bridge.log_tail()}", file=sys.stderr)
                    return 1
        print("\nEnding what was started.")
        return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    logging.getLogger("slixmpp").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # slixmpp leaves a task behind when it disconnects
    options = arguments()
    if not os.access(options.bridge, os.X_OK):
        sys.exit(f"{options.bridge} is not there: build it first (scripts/demo does)")
    sys.exit(asyncio.run(main(options)))
