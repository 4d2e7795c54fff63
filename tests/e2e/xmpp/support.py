"""A private Prosody, the program under test, and people in the rooms: what tests/e2e/xmpp is made of.

Deliberately independent of xmpp/: the other side of the wire is slixmpp and ElementTree."""
import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

import slixmpp

HERE = os.path.dirname(os.path.abspath(__file__))
DOMAIN = 'auth.test'
MUC = 'internal.auth.test'
PASSWORDS = {'jvb': 'jvb password', 'focus': 'focus password', 'stranger': 'stranger password'}
STATS = '{http://jitsi.org/protocol/colibri}stats'
MUC_USER = '{http://jabber.org/protocol/muc#user}x'
STANZAS = '{urn:ietf:params:xml:ns:xmpp-stanzas}'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Prosody:
    """One server with ports and a folder of its own. kill() is kill -9; start() brings the same one back."""

    def __init__(self, tls=False):
        self.dir = tempfile.mkdtemp(prefix='kolibri-prosody-')
        self.port, self.component_port = free_port(), free_port()
        self.env = dict(os.environ, P_DIR=self.dir, P_C2S=str(self.port), P_COMPONENT=str(self.component_port),
                        P_TLS='1' if tls else '0', P_PLUGINS=HERE + '/plugins')
        self.config = HERE + '/prosody.cfg.lua'
        self.process = None
        self.ca = self.dir + '/auth.test.crt'
        os.mkdir(self.dir + '/data')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=auth.test',
                        '-addext', 'subjectAltName=DNS:auth.test', '-keyout', self.dir + '/auth.test.key',
                        '-out', self.ca], check=True, capture_output=True)
        for user, password in PASSWORDS.items():
            self.set_password(user, password)
        self.start()

    def set_password(self, user, password, domain=DOMAIN):
        subprocess.run(['prosodyctl', '--config', self.config, 'register', user, domain, password], env=self.env,
                       check=True, capture_output=True)

    def start(self):
        self.process = subprocess.Popen(['prosody', '-F', '--config', self.config], env=self.env,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                for port in (self.port, self.component_port):
                    socket.create_connection(('127.0.0.1', port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError('Prosody does not start: see ' + self.dir + '/prosody.log')

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class Driver:
    """The program under test. Collects its log lines and its status lines."""

    def __init__(self, program, *groups, env=None):
        args = []
        for group in groups:
            args += (['+'] if args else []) + [f'{key}={value}' for key, value in group.items()]
        self.args, self.program, self.env = args, program, dict(os.environ, **(env or {}))
        self.log, self.out = [], []

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(self.program, *self.args, env=self.env,
                                                            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                                                            stderr=asyncio.subprocess.PIPE)
        self.readers = [asyncio.ensure_future(self.collect(self.process.stdout, self.out)),
                        asyncio.ensure_future(self.collect(self.process.stderr, self.log))]
        return self

    @staticmethod
    async def collect(stream, lines):
        while line := await stream.readline():
            lines.append(line.decode().rstrip())

    def say(self, line):
        self.process.stdin.write(line.encode() + b'\n')

    async def kill(self):
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self):
        """An orderly end; the exit code tells whether the sanitizers were content."""
        if self.process.returncode is None:
            self.say('stop')
        code = await asyncio.wait_for(self.process.wait(), 10)
        await asyncio.gather(*self.readers)
        return code

    def lines(self, text):
        return [line for line in self.log if text in line]

    async def line(self, text, timeout=10):
        return (await until(lambda: self.lines(text), timeout, f'log line with "{text}"'))[0]

    async def status(self, wanted, timeout=10):
        await until(lambda: self.out and self.out[-1] == wanted, timeout, f'{wanted}, last {self.out[-1:]}')


async def until(condition, timeout=10, what='condition'):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if value := condition():
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f'not within {timeout} s: {what}')


class Person(slixmpp.ClientXMPP):
    """Somebody with an account: the focus, a stranger. Keeps every stanza that arrives as an ElementTree element."""

    def __init__(self, jid, password, resume=False):
        super().__init__(jid, password)
        self.seen = []  # (monotonic time, element)
        self.add_filter('in', self.note)
        self.up = asyncio.get_event_loop().create_future()
        self.add_event_handler('session_start', lambda _: self.up.done() or self.up.set_result(True))
        if resume:
            self.register_plugin('xep_0198')

    def note(self, stanza):
        self.seen.append((time.monotonic(), ET.fromstring(ET.tostring(stanza.xml))))
        return stanza

    async def log_in(self, port):
        self.connect(('127.0.0.1', port), disable_starttls=True)
        await asyncio.wait_for(self.up, 10)
        return self

    async def leave(self):
        """The end, whatever state the connection is in: nothing of this one runs afterwards."""
        self.cancel_connection_attempt()
        await self.disconnect(wait=0.5)

    def join(self, room, nick):
        self.send_raw(f"<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")

    def presences(self, occupant, kind=None, since=0.0):
        return [(t, e) for t, e in self.seen if e.tag.endswith('}presence') and e.get('from') == occupant
                and e.get('type') == kind and t >= since]

    def stats(self, occupant, since=0.0):
        """[(time, {name: value})] of each presence with statistics."""
        return [(t, {s.get('name'): s.get('value') for s in e.find(STATS)}) for t, e in
                self.presences(occupant, None, since) if e.find(STATS) is not None]

    async def sees(self, occupant, timeout=10, since=0.0):
        return (await until(lambda: self.stats(occupant, since), timeout, f'stats of {occupant}'))[0]

    async def ask(self, to, payload, kind='get', timeout=5):
        """Sends an IQ and returns the whole answer."""
        number = getattr(self, 'number', 0) + 1
        self.number = number
        self.send_raw(f"<iq to='{to}' type='{kind}' id='ask-{number}'>{payload}</iq>")
        found = await until(lambda: [e for _, e in self.seen if e.tag.endswith('}iq') and e.get('id') == f'ask-{number}'],
                            timeout, f'answer to {payload}')
        return found[0]


async def person(server, user, resource, domain=DOMAIN, resume=False):
    return await Person(f'{user}@{domain}/{resource}', PASSWORDS.get(user, ''), resume).log_in(server.port)


async def leave(*people):
    await asyncio.gather(*(one.leave() for one in people))


def condition(iq):
    """The defined condition of an error answer, None for a result."""
    error = iq.find('{jabber:client}error')
    if error is None:
        return None
    return [e.tag for e in error if e.tag.startswith(STANZAS) and not e.tag.endswith('}text')][0][len(STANZAS):]


def text_of(iq):
    return iq.find('{jabber:client}error').findtext(STANZAS + 'text')
