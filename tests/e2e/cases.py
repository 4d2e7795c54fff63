"""A test file ends with `cases.main(globals())`: runs every async def test_*, one line each, exit status 1 on a failure.
`test_x.py WORD` runs those with the word in their name.

A failure is one line, "FAIL  name (time): what failed", with the traceback below it. Each test has an event loop of its own, and
whatever it left running is cancelled before that loop closes.

Not unittest: its asyncio runner switches the loop's debug mode on, which costs more than the browsers leave over.
"""
import asyncio
import logging
import sys
import time
import traceback

TIMEOUT_S = 120

logging.basicConfig(level=logging.WARNING, format="      %(name)s: %(message)s")
logging.getLogger("slixmpp").setLevel(logging.CRITICAL)


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


def main(names):
    tests = [(n, f) for n, f in names.items() if n.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in n)]
    failed = 0
    for name, test in tests:
        start, verdict, reason, details = time.monotonic(), "ok  ", "", ""
        try:
            asyncio.run(limited(test, getattr(test, "timeout_s", TIMEOUT_S)))
        except Skip as e:
            verdict, reason = "skip", f": {e}"
        except Exception as e:
            failed += 1
            verdict, reason, details = "FAIL", f": {type(e).__name__}: {e}", traceback.format_exc()
        title, seconds = name.removeprefix("test_").replace("_", " "), time.monotonic() - start
        print(f"{verdict}  {title} ({seconds:.1f} s){reason}\n{details}", end="", flush=True)
    print(f"{len(tests)} tests, {failed} failed", flush=True)
    sys.exit(1 if failed or not tests else 0)


async def limited(test, seconds):
    timeout = None
    try:
        async with asyncio.timeout(seconds) as timeout:
            await test()
    except TimeoutError:
        if timeout.expired():
            raise TimeoutError(f"not done within {seconds} s") from None
        raise


def equal(actual, expected, what=""):
    assert actual == expected, f"{what}: {actual!r}, expected {expected!r}"
