"""A client behind a router, in network namespaces: tests change its addresses in mid-call. Needs root, iproute2, nftables.

    here, the bridge  198.18.2.1 ---- 198.18.2.2, .3  router  198.18.1.1 ---- 198.18.1.2  client
                                                              198.18.3.1 ---- 198.18.3.2  client's reserve, if wanted

The router translates the client's source address. Nothing but UDP of the call crosses it: the page and the browser's
DevTools are reached by sockets made inside the client's namespace, so signalling survives what happens to the address.
"""
import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import socket
import subprocess
import threading

HERE, INSIDE = "198.18.2.1", "198.18.1.2"
OUTSIDE = ["198.18.2.2", "198.18.2.3"]
RESERVE = "198.18.3.2"
CLONE_NEWNET = 0x40000000

NAT = """
flush ruleset
table ip nat {{
  chain postrouting {{
    type nat hook postrouting priority 100;
    oifname "out" meta l4proto udp snat to {address}:20000-60000 fully-random;
  }}
}}
"""

SILENCE = """
table ip silence {{
  chain forward {{
    type filter hook forward priority 0;
    iifname "{link}" drop;
    oifname "{link}" drop;
  }}
}}
"""

# One packet in so many is lost on its way, in each direction that is asked for.
LOSS = """
table ip loss {{
  chain forward {{
    type filter hook forward priority 0;
    {rules}
  }}
}}
"""


def missing():
    """What keeps this machine from running such a test, or None."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    for program in ("ip", "tc", "nft", "conntrack"):
        if not shutil.which(program):
            return f"{program} is not installed"
    name = f"kol{os.getpid()}t"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "nft", "-f", "-", text=NAT.format(address=OUTSIDE[0]))
    except subprocess.CalledProcessError as e:
        return f"this kernel or container refuses: {e.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
    return None


def run(*command, text=None):
    return subprocess.run(command, check=True, capture_output=True, text=True, input=text).stdout


class Namespace:
    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *args):
        return run("ip", "-n", self.name, *args)

    def run(self, *command, text=None):
        return run("ip", "netns", "exec", self.name, *command, text=text)

    def call(self, function):
        """Runs it in a thread that is in the namespace: sockets that it makes stay there."""
        result = []

        def inside():
            with open(f"/run/netns/{self.name}", "rb") as f:
                if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET) != 0:
                    result.append(OSError(ctypes.get_errno(), "setns"))
                    return
            try:
                result.append(function())
            except OSError as e:
                result.append(e)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def delete(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False, stderr=subprocess.DEVNULL)


class Behind:
    """async with Behind() as b: b.client is the namespace of the client, b.router that of its router."""

    def __init__(self, reserve=False):
        self.reserve = reserve

    async def __aenter__(self):
        prefix = f"kol{os.getpid()}"
        self.link, self.client, self.router = f"{prefix}h", None, None
        self._relays = []
        try:
            self.client, self.router = Namespace(f"{prefix}c"), Namespace(f"{prefix}r")
            run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "out", "netns", self.router.name)
            run("ip", "addr", "add", f"{HERE}/24", "dev", self.link)
            # Each packet for itself, as on a wire: a burst that is segmented late would be lost or kept as a whole.
            run("ip", "link", "set", self.link, "gso_max_segs", "1", "up")
            for address in OUTSIDE:
                self.router.ip("addr", "add", f"{address}/24", "dev", "out")
            self.router.ip("link", "set", "out", "up")
            self.router.ip("link", "add", "in", "type", "veth", "peer", "name", "eth0", "netns", self.client.name)
            self.router.ip("addr", "add", "198.18.1.1/24", "dev", "in")
            self.router.ip("link", "set", "in", "up")
            self.router.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
            self.client.ip("addr", "add", f"{INSIDE}/24", "dev", "eth0")
            self.client.ip("link", "set", "eth0", "up")
            self.client.ip("route", "add", "default", "via", "198.18.1.1")
            if self.reserve:
                self.add_reserve()
            self.seen_as(OUTSIDE[0])
            # DAD and carrier take a moment; a browser that starts before sees no network
            await asyncio.sleep(0.2)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, *_):
        for relay in self._relays:
            relay.close()
        for namespace in (self.client, self.router):
            if namespace:
                namespace.delete()
        subprocess.run(["ip", "link", "del", self.link], check=False, stderr=subprocess.DEVNULL)

    def seen_as(self, address):
        """The router gives the client another address and port outside, and forgets the ones before."""
        self.router.run("nft", "-f", "-", text=NAT.format(address=address))
        subprocess.run(["ip", "netns", "exec", self.router.name, "conntrack", "-F"], check=True, capture_output=True)

    def add_reserve(self):
        """The client's second interface, with an address and a default route of its own."""
        self.router.ip("link", "add", "in2", "type", "veth", "peer", "name", "eth1", "netns", self.client.name)
        self.router.ip("addr", "add", "198.18.3.1/24", "dev", "in2")
        self.router.ip("link", "set", "in2", "up")
        self.client.ip("addr", "add", f"{RESERVE}/24", "dev", "eth1")
        self.client.ip("link", "set", "eth1", "up")
        self.client.ip("route", "add", "default", "via", "198.18.3.1", "table", "2")
        self.client.ip("rule", "add", "from", RESERVE, "table", "2")

    async def busier(self):
        """Which of the router's links to the client, "in" or "in2", carries the call."""
        def received():
            links = json.loads(self.router.ip("-s", "-j", "link"))
            return {x["ifname"]: x["stats64"]["rx"]["packets"] for x in links if x["ifname"] in ("in", "in2")}
        before = received()
        await asyncio.sleep(1)
        after = received()
        return max(after, key=lambda link: after[link] - before[link])

    def silence(self, link):
        """Nothing passes any more between the client's link and the world; the client is not told."""
        self.router.run("nft", "-f", "-", text=SILENCE.format(link=link))

    def narrow(self, bits_per_s, queue_ms=300):
        """The client's downlink carries no more than that, behind a queue as home routers have; None: no limit."""
        subprocess.run(["ip", "netns", "exec", self.router.name, "tc", "qdisc", "del", "dev", "in", "root"], check=False,
                       stderr=subprocess.DEVNULL)
        if bits_per_s:
            self.router.run("tc", "qdisc", "add", "dev", "in", "root", "tbf", "rate", f"{bits_per_s}bit", "burst", "4kb",
                            "latency", f"{queue_ms}ms")

    def lose(self, percent):
        """Loses so much of what the client is sent, and as much of what it sends."""
        rules = "\n    ".join(f'{way} "in" numgen random mod 1000 < {percent * 10:.0f} counter drop'
                              for way in ("iifname", "oifname"))
        self.router.run("nft", "-f", "-", text=LOSS.format(rules=rules))

    def flows(self):
        """What the router translates now, a line each."""
        return [line for line in self.router.run("conntrack", "-L").splitlines() if line.startswith("udp")]

    def listen(self):
        """A listening TCP socket on the client's loopback."""
        return self.client.call(lambda: socket.create_server(("127.0.0.1", 0)))

    async def relay_to(self, port):
        """A port here that leads to one on the client's loopback."""
        async def serve(reader, writer):
            inner = self.client.call(lambda: socket.create_connection(("127.0.0.1", port), 5))
            inner.setblocking(False)
            far_reader, far_writer = await asyncio.open_connection(sock=inner)
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._relays.append(server)
        return server.sockets[0].getsockname()[1]


async def pump(reader, writer):
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
