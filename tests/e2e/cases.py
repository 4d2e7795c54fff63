"""A test file ends with `cases.main(globals())`: runs every async def test_*, one line each, exit status 1 on a failure.

Not unittest: its asyncio runner switches the loop's debug mode on, which costs more than the browsers leave over.
"""
import asyncio
import logging
import sys
import time
import traceback

TIMEOUT_S = 120


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


def main(names):
    logging.basicConfig(level=logging.WARNING, format="      %(name)s: %(message)s")
    logging.getLogger("slixmpp").setLevel(logging.CRITICAL)
    tests = [(n, f) for n, f in names.items() if n.startswith("test_") and (len(sys.argv) < 2 or sys.argv[1] in n)]
    failed = 0
    for name, test in tests:
        start = time.monotonic()
        try:
            asyncio.run(asyncio.wait_for(test(), getattr(test, "timeout_s", TIMEOUT_S)))
            verdict = "ok  "
        except Skip as e:
            verdict = "skip"
            print(f"      {e}")
        except Exception:
            failed += 1
            verdict = "FAIL"
            traceback.print_exc(file=sys.stdout)
        print(f"{verdict}  {name.removeprefix('test_').replace('_', ' ')} ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{len(tests)} tests, {failed} failed")
    sys.exit(1 if failed or not tests else 0)


def equal(actual, expected, what=""):
    assert actual == expected, f"{what}: {actual!r}, expected {expected!r}"
