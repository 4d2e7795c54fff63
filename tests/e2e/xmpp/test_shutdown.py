#!/usr/bin/python3
"""How the bridge ends, against a real Prosody: gracefully (SIGUSR1), at once (SIGTERM), and before it began. BUILD_DIR tells where the build is
(default: build)."""
import asyncio
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import cases
import support
from support import DOMAIN, MUC, condition, person, until

DELAY_S = 2
CONFIG = """
videobridge {{
  ice {{ udp {{ port = {udp_port} }} }}
  health {{ require-valid-address = false }}
  shutdown {{ shutting-down-delay = {delay} s }}
  apis.xmpp-client.configs.shard {{
    HOSTNAME = "127.0.0.1", PORT = {xmpp_port}, DOMAIN = "{domain}", USERNAME = jvb, PASSWORD = "{password}"
    MUC_JIDS = "{room}", MUC_NICKNAME = "{nick}"
  }}
}}
ice4j.harvest.allowed-addresses = ["127.0.0.1"]
"""
ENDPOINT = ("<endpoint id='{}' create='true'><transport ice-controlling='true'/><capability name='source-names'/>"
            "</endpoint>")
REASON = '{jitsi:colibri2}error'


class Scene:
    """The whole bridge in a room of its own, and the focus in it."""

    def __init__(self, name):
        self.room, self.nick = f'{name}@{MUC}', 'bridge'
        self.to = f'{self.room}/{self.nick}'
        self.path = pathlib.Path(SERVER.dir, f'{name}.conf')

    async def __aenter__(self):
        self.path.write_text(CONFIG.format(udp_port=support.free_port(), xmpp_port=SERVER.port, domain=DOMAIN,
                                           password=support.PASSWORDS['jvb'], room=self.room, nick=self.nick, delay=DELAY_S))
        self.focus = await person(SERVER, 'focus', self.room.partition('@')[0])
        self.focus.join(self.room, 'focus')
        self.bridge = await asyncio.create_subprocess_exec(PROGRAM, '--config', str(self.path),
                                                           stderr=asyncio.subprocess.DEVNULL)
        await self.focus.sees(self.to)
        return self

    async def __aexit__(self, *_):
        if self.bridge.returncode is None:
            self.bridge.kill()
            await self.bridge.wait()
        await self.focus.leave()

    async def modify(self, meeting, inner, create=False):
        flag = "create='true' conference-name='room@conference.test'" if create else ''
        return await self.focus.ask(self.to, f"<conference-modify xmlns='jitsi:colibri2' meeting-id='{meeting}' {flag}>"
                                             f"{inner}</conference-modify>")

    async def flags(self, graceful, leaving, since, timeout=2):
        """Waits for a presence with these flags; less than the interval of 5 s, so it must have been pushed."""
        wanted = (graceful, leaving)
        found = await until(lambda: [t for t, s in self.focus.stats(self.to, since)
                                     if (s['graceful_shutdown'], s['shutting_down']) == wanted], timeout, f'flags {wanted}')
        return found[0]

    async def gone(self, timeout):
        return (await until(lambda: self.focus.presences(self.to, 'unavailable'), timeout, 'unavailable presence'))[0][0]


async def test_graceful_shutdown_waits_for_the_last_endpoint_then_says_so_then_leaves_and_ends_with_0():
    """colibri2 16.15; operations 19.18"""
    async with Scene('graceful') as s:
        assert (await s.modify('m1', ENDPOINT.format('aaaaaaaa'), create=True)).get('type') == 'result'
        stats = s.focus.stats(s.to)[-1][1]
        assert (stats['graceful_shutdown'], stats['shutting_down']) == ('false', 'false'), stats
        asked = time.monotonic()
        s.bridge.send_signal(signal.SIGUSR1)
        await s.flags('true', 'false', asked)

        answer = await s.modify('m2', ENDPOINT.format('aaaaaaaa'), create=True)
        assert condition(answer) == 'service-unavailable', condition(answer)
        assert answer.find('{jabber:client}error').find(REASON).get('reason') == 'graceful_shutdown'
        assert (await s.modify('m1', ENDPOINT.format('bbbbbbbb'))).get('type') == 'result', 'a meeting that is there goes on'
        s.bridge.send_signal(signal.SIGUSR1)  # asked again: nothing new
        await s.modify('m1', "<endpoint id='aaaaaaaa' expire='true'/>")
        await asyncio.sleep(0.5)
        assert s.focus.stats(s.to)[-1][1]['shutting_down'] == 'false', 'one endpoint is left'

        expired = time.monotonic()
        await s.modify('m1', "<endpoint id='bbbbbbbb' expire='true'/>")
        leaving = await s.flags('true', 'true', expired)
        answer = await s.modify('m3', ENDPOINT.format('aaaaaaaa'), create=True)
        assert condition(answer) == 'service-unavailable', 'the stock bridge takes new ones again here; we do not'
        gone = await s.gone(DELAY_S + 3)
        assert DELAY_S - 0.2 < gone - leaving, f'left {gone - leaving:.1f} s after the flag'
        assert await asyncio.wait_for(s.bridge.wait(), 3) == 0


async def test_an_idle_bridge_that_is_asked_to_end_gracefully_leaves_at_once():
    async with Scene('idle') as s:
        asked = time.monotonic()
        s.bridge.send_signal(signal.SIGUSR1)
        await s.flags('true', 'true', asked)
        assert await asyncio.wait_for(s.bridge.wait(), DELAY_S + 4) == 0
        assert time.monotonic() - asked > DELAY_S - 0.2


async def test_sigterm_ends_at_once_also_a_graceful_shutdown_and_says_goodbye():
    """operations 19.7"""
    for name, number in (('term', signal.SIGTERM), ('int', signal.SIGINT), ('hup', signal.SIGHUP)):
        async with Scene(name) as s:
            await s.modify('m1', ENDPOINT.format('aaaaaaaa'), create=True)
            if number == signal.SIGTERM:
                start = time.monotonic()
                s.bridge.send_signal(signal.SIGUSR1)
                await s.flags('true', 'false', start)
            start = time.monotonic()
            s.bridge.send_signal(number)
            await s.gone(2)
            assert await asyncio.wait_for(s.bridge.wait(), 3) == 128 + number
            assert time.monotonic() - start < 3
            assert s.focus.stats(s.to, start)[-1][1]['shutting_down'] == 'true', 'the last presence says why'


async def test_sigquit_ends_nothing():
    """operations 6.2: no core dump, which would hold keys"""
    async with Scene('quit') as s:
        s.bridge.send_signal(signal.SIGQUIT)
        assert (await s.modify('m1', ENDPOINT.format('aaaaaaaa'), create=True)).get('type') == 'result'
        await asyncio.sleep(0.5)
        assert s.bridge.returncode is None


async def test_a_second_bridge_on_the_same_port_says_so_and_does_not_start():
    async with Scene('port') as s:
        second = await asyncio.create_subprocess_exec(PROGRAM, '--config', str(s.path), stderr=asyncio.subprocess.PIPE)
        said = (await asyncio.wait_for(second.communicate(), 5))[1].decode()
        assert second.returncode not in (0, None) and 'cannot be opened: Address already in use' in said, said
        assert 'videobridge.ice.udp.port chooses another' in said, said
        assert s.bridge.returncode is None


if __name__ == '__main__':
    PROGRAM = os.path.join(os.environ.get('BUILD_DIR', os.path.join(support.HERE, '../../../build')), 'bridge/kolibri')
    SERVER = support.Prosody(tls=False)
    try:
        cases.main(globals())
    finally:
        SERVER.remove()
