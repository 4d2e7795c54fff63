"""What the bridge prints and publishes by default about a real call: nothing that says who, where or in which room."""
import asyncio
import re
import socket

import cases
import headless
import stack

ROOM, NICK = "quarterlynumbers", "Wilhelmina"
IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|[0-9a-f]::|::[0-9a-f]|(?<!\w)(?:[0-9a-f]{1,4}:){4,}", re.I)
MAC_LIKE = re.compile(r"\b(?:[0-9A-F]{2}:){9,}[0-9A-F]{2}\b", re.I)  # a fingerprint
# Lines in which the administrator's own words come back: server, account, room of the bridges.
OWN = re.compile(r" xmpp: shard: (logged in at|joined) ")
SDP_SECRET = re.compile(r"a=(?:ice-ufrag|ice-pwd):(\S+)|a=fingerprint:\S+ (\S+)|a=ssrc:(\d+)|a=candidate:\S+ \d \S+ \d+ (\S+) \d+")


async def what_must_not_be_told(room, meeting):
    """Everything that belongs to a person or to this call: who they are, how they are reached, what lets one in."""
    told = {ROOM, NICK, meeting.meeting_id, "jvb-secret", "focus-secret", *stack.own_addresses()}
    for client in room.clients:
        report = await client.report()
        told |= {report["id"], *(m["id"] for m in report["members"])}
        for side in ("localDescription", "remoteDescription"):
            for groups in SDP_SECRET.findall(await client.do(f"connection().{side}.sdp")):
                told |= {g for g in groups if len(g) > 3}
    return told


async def junk(port):
    """Strangers and bad input reach the places that might want to complain."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for first in (0, 1, 22, 128, 200, 255):
            for length in (1, 20, 300):
                s.sendto(bytes([first]) * length, ("127.0.0.1", port))


async def test_default_logs_and_presence_name_nobody():
    async with stack.Stack() as s, headless.Room(s.url, room=ROOM, name=NICK) as room:
        for _ in range(2):
            await room.add()
        await room.wait_until_complete(60)
        meeting = next(iter(s.web.conferences.values()))
        told = await what_must_not_be_told(room, meeting)
        await junk(s.udp_port)
        for client in room.clients:  # messages that the bridge refuses, and one it carries
            await client.do(f"send('Nonsense {NICK}', {{to: '{ROOM}'}})")
            await client.do(f"send('EndpointMessage', {{to: '', msgPayload: {{text: '{NICK}'}}}})")
        await room.clients[0].do("mute(true)")
        await asyncio.sleep(6)  # a presence with statistics comes every 5 s
        bridge = next(iter(s.focus.bridges.values()))
        await room.remove(room.clients[1])
        await asyncio.sleep(1)
        await s.bridge.stop()
        log = s.bridge.log_path.read_text()
    assert len(told) > 20, "the test does not know what to look for"
    assert "dtls: endpoint=" in log and "expired" in log, "these logs saw no call"
    published = "\n".join(f"presence {k}={v}" for k, v in bridge.stats.items())
    assert "stress_level" in published
    lines = [x for x in (log + published).splitlines() if not OWN.search(x)]
    named = [(secret, x) for x in lines for secret in told if secret.lower() in x.lower()]
    assert not named, f"told: {named[:5]}"
    shaped = [x for x in lines if IP.search(x) or MAC_LIKE.search(x) or "@" in x]
    assert not shaped, f"an address: {shaped[:5]}"
    print(f"      {len(lines)} lines hold none of {len(told)} names, addresses and secrets")


async def test_the_search_finds_what_it_looks_for():
    for line in ("ice: 192.0.2.7:4000 failed", "ice: [2001:db8::1]:5 failed", "dtls: 2001:db8:0:1::7 gone"):
        assert IP.search(line), line
    for line in ("main: kolibri 0.1.0 workers=2", "dtls: endpoint=2 up after_ms=86", "current_timestamp=2026-11-26 15:31:02.123"):
        assert not IP.search(line), line
    assert MAC_LIKE.search("fingerprint " + ":".join(["AB"] * 32))


if __name__ == "__main__":
    cases.main(globals())
