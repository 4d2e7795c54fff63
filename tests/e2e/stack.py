"""Everything a call needs on this machine: a private Prosody, the bridge, the focus and the page, in a scratch folder.

All ports are free ones, everything listens on this machine only, and whatever was started is ended by its own id.
"""
import asyncio
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from focus.focus import Focus
from focus.web import Web

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KOLIBRI = pathlib.Path(os.environ.get("KOLIBRI", ROOT / "build/bridge/kolibri"))
BREWERY = "jvbbrewery@internal.auth.meet.test"
AUTH = "auth.meet.test"

PROSODY_CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/prosody"
certificates = "{dir}"
log = {{ warn = "{dir}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}}
component_ports = {{ {component_port} }}
component_interfaces = {{ "127.0.0.1" }}
http_ports = {{}}
https_ports = {{}}
s2s_ports = {{}}
c2s_require_encryption = false
authentication = "internal_hashed"
storage = "internal"
network_backend = "epoll"
modules_enabled = {{ "saslauth", "disco", "presence", "message", "iq", "ping", "posix", "smacks" }}
modules_disabled = {{ "s2s", "tls", "offline" }}
smacks_hibernation_time = 60
unlimited_jids = {{ "focus@auth.meet.test", "jvb@auth.meet.test" }}
VirtualHost "auth.meet.test"
Component "internal.auth.meet.test" "muc"
    storage = "memory"
    muc_room_locking = false
    muc_room_default_public_jids = true
    admins = {{ "focus@auth.meet.test", "jvb@auth.meet.test", "jvb@component.meet.test" }}
Component "component.meet.test"
    component_secret = "component-secret"
    component_conflict_resolve = "kick_old"
"""

BRIDGE_CONFIG = """
videobridge {{
  ice {{ udp {{ port = {udp_port} }} }}
  health {{ require-valid-address = false }}
  http-servers {{ private {{ host = "127.0.0.1", port = {http_port} }} }}
  apis {{
    rest {{ enabled = true }}
    xmpp-client {{
      configs {{
        shard {{
          HOSTNAME = "127.0.0.1"
          PORT = "{xmpp_port}"
          DOMAIN = "auth.meet.test"
          USERNAME = "jvb"
          PASSWORD = "jvb-secret"
          MUC_JIDS = "jvbbrewery@internal.auth.meet.test"
          MUC_NICKNAME = "bridge"
        }}
      }}
    }}
  }}
}}
ice4j {{ harvest {{ allowed-addresses = [{addresses}] }} }}
native.explain-socket = "{explain_socket}"
{extra}
"""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def own_addresses():
    """Loopback, and the address of the default route if there is one: a browser of its own accord uses only the latter."""
    addresses = ["127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, contextlib.suppress(OSError):
        s.connect(("198.51.100.1", 9))  # sends nothing
        addresses.append(s.getsockname()[0])
    return list(dict.fromkeys(addresses))


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A child in a process group of its own, so that Ctrl-C in the terminal reaches it only through us."""

    def __init__(self, name, command, log, env=None, cwd=None):
        self.name, self.command, self.log_path = name, command, log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                          start_new_session=True, preexec_fn=die_with_parent, env=env, cwd=cwd)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    async def stop(self, sig=signal.SIGTERM, patience_s=5):
        """Ends the group; gives back the exit status of its leader."""
        for s in (sig, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, s)
            for _ in range(int(patience_s * 50)):
                if not self.running:
                    break
                await asyncio.sleep(0.02)
            if not self.running:
                break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # what the leader left behind
        return self.popen.wait()

    async def kill(self):
        """As a crash does: SIGKILL, nobody gets to say a word."""
        await self.stop(signal.SIGKILL)

    def log_tail(self, lines=30):
        return "\n".join(pathlib.Path(self.log_path).read_text(errors="replace").splitlines()[-lines:])


class Stack:
    """async with Stack() as s: s.url is the page, s.focus and s.web are in this process, s.bridge is a Process."""

    def __init__(self, bridge_config="", bridge_command=None, with_bridge=True, web_port=0, env=None,
                 addresses=None):
        self.bridge_extra, self.with_bridge, self.web_port = bridge_config, with_bridge, web_port
        self.addresses = addresses or own_addresses()
        self.bridge_command, self.env = bridge_command or [str(KOLIBRI)], env
        self.prosody = self.bridge = self.focus = self.web = None

    async def __aenter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kolibri-e2e-"))
        self.dir.chmod(0o700)
        self.explain_socket = self.dir / "explain"
        self.xmpp_port, self.component_port, self.http_port = free_port(), free_port(), free_port()
        self.udp_port = free_port(socket.SOCK_DGRAM)
        try:
            await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _start(self):
        config = self.dir / "prosody.cfg.lua"
        config.write_text(PROSODY_CONFIG.format(dir=self.dir, port=self.xmpp_port, component_port=self.component_port))
        (self.dir / "prosody").mkdir()
        for user in ("focus", "jvb"):
            command = ["prosodyctl", "--config", str(config), "register", user, AUTH, f"{user}-secret"]
            p = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            if await p.wait() != 0:
                raise RuntimeError("prosodyctl could not register a user")
        await self.start_prosody()
        self.web = Web()
        self.focus = Focus(f"focus@{AUTH}/focus", "focus-secret", BREWERY, self.web.bridge_up, self.web.bridge_down)
        self.web.focus = self.focus
        self.url = f"http://localhost:{await self.web.start(port=self.web_port)}/"
        self.focus.start("127.0.0.1", self.xmpp_port)
        if self.with_bridge:
            self.start_bridge()
            await self.wait_for_bridge()

    async def start_prosody(self):
        config = self.dir / "prosody.cfg.lua"
        self.prosody = Process("prosody", ["prosody", "-F", "--config", str(config)], self.dir / "prosody.out")
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.xmpp_port), 1).close()
                return
            if not self.prosody.running:
                break
            await asyncio.sleep(0.05)
        raise RuntimeError(f"Prosody does not listen\n{self.prosody.log_tail()}")

    def start_bridge(self):
        config = self.dir / "jvb.conf"
        config.write_text(BRIDGE_CONFIG.format(
            udp_port=self.udp_port, xmpp_port=self.xmpp_port, http_port=self.http_port, extra=self.bridge_extra,
            explain_socket=self.explain_socket,
            addresses=", ".join(f'"{a}"' for a in self.addresses)))
        config.chmod(0o600)
        self.bridge = Process("bridge", [*self.bridge_command, "--config", str(config)], self.dir / "bridge.log",
                              env=None if self.env is None else {**os.environ, **self.env})

    async def wait_for_bridge(self, timeout_s=20):
        try:
            return await self.focus.wait_for_bridge(timeout_s)
        except TimeoutError:
            raise RuntimeError(f"the bridge did not join the brewery\n{self.bridge.log_tail()}") from None

    async def __aexit__(self, *_):
        with contextlib.suppress(Exception):
            if self.web:
                async with asyncio.timeout(5):
                    await self.web.stop()
        with contextlib.suppress(Exception):
            if self.focus:
                async with asyncio.timeout(3):
                    await self.focus.stop()
        self.bridge_status = await self.bridge.stop() if self.bridge else None
        if self.prosody:
            await self.prosody.stop()
        if os.environ.get("KOLIBRI_E2E_KEEP"):
            print(f"logs: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
