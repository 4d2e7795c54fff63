"""Headless browsers with fake devices: Chromium by its DevTools protocol, Firefox by Marionette. No driver is needed.

A browser opens pages; a page evaluates an expression in the page and gives back its value, promises awaited.
"""
import asyncio
import contextlib
import itertools
import json
import pathlib
import shutil
import tempfile

import aiohttp

from stack import Process

CHROMIUM_FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--mute-audio",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
    "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage", "--disable-breakpad",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    "--disable-features=WebRtcHideLocalIpsWithMdns,CalculateNativeWinOcclusion,MediaRouter,OptimizationHints,Translate",
    "--allow-loopback-in-peer-connection", "--remote-debugging-port=0", "--window-size=960,600",
]

FIREFOX_PREFS = {
    "marionette.port": 0,
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.gmp-manager.updateEnabled": False,
    "media.gmp-provider.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
}


class PageError(Exception):
    pass


class Page:
    """evaluate(expression) -> value; close()."""

    def __init__(self, browser, evaluate, close):
        self.browser, self.evaluate, self.close = browser, evaluate, close


class Browser:
    kind = None

    def __init__(self, extra_flags=(), wrapper=(), env=None):
        self.extra_flags, self.wrapper, self.env = list(extra_flags), list(wrapper), env

    async def __aenter__(self):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix=f"kolibri-{self.kind}-"))
        self.process = None
        try:
            async with asyncio.timeout(60):
                await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(Exception):
            await self._disconnect()
        if self.process:
            await self.process.stop(patience_s=3)
        shutil.rmtree(self.profile, ignore_errors=True)

    async def _wait_for_file(self, name):
        path = self.profile / name
        while not path.exists() or not path.read_text():
            if not self.process.running:
                raise RuntimeError(f"{self.kind} ended at once\n{self.process.log_tail()}")
            await asyncio.sleep(0.05)
        return path.read_text().splitlines()


class Chromium(Browser):
    kind = "chromium"

    async def _start(self):
        self.process = Process("chromium", [*self.wrapper, "chromium", *CHROMIUM_FLAGS, *self.extra_flags,
                                            f"--user-data-dir={self.profile}", "about:blank"],
                               self.profile / "out.log", env=self.env)
        port, path = (await self._wait_for_file("DevToolsActivePort"))[:2]
        self._http = aiohttp.ClientSession()
        self._ws = await self._http.ws_connect(f"ws://127.0.0.1:{await self.reach(port)}{path}", max_msg_size=0)
        self._ids, self._pending = itertools.count(1), {}
        self._reader = asyncio.ensure_future(self._read())

    async def reach(self, port):
        """The port here that leads to the browser's."""
        return port

    async def _disconnect(self):
        self._reader.cancel()
        await self._ws.close()
        await self._http.close()

    async def _read(self):
        async for frame in self._ws:
            m = json.loads(frame.data)
            future = self._pending.pop(m.get("id"), None)
            if future and not future.done():
                future.set_result(m)
        for future in self._pending.values():
            future.cancel()

    async def _call(self, method, session=None, **params):
        i = next(self._ids)
        self._pending[i] = asyncio.get_running_loop().create_future()
        await self._ws.send_json({"id": i, "method": method, "params": params, **({"sessionId": session} if session else {})})
        m = await self._pending[i]
        if "error" in m:
            raise PageError(f"{method}: {m['error']}")
        return m["result"]

    async def open(self, url):
        """Each page lives in a window and a browser context of its own, so that none is throttled as hidden."""
        context = (await self._call("Target.createBrowserContext"))["browserContextId"]
        target = (await self._call("Target.createTarget", url="about:blank", browserContextId=context, newWindow=True,
                                   width=960, height=600))["targetId"]
        session = (await self._call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        await self._call("Page.enable", session)
        await self._call("Page.navigate", session, url=url)

        async def evaluate(expression):
            r = await self._call("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True,
                                 userGesture=True)
            if "exceptionDetails" in r:
                details = r["exceptionDetails"]
                raise PageError(details.get("exception", {}).get("description") or details.get("text"))
            return r["result"].get("value")

        async def close():
            await self._call("Target.closeTarget", targetId=target)

        return Page(self, evaluate, close)


class BehindRouter(Chromium):
    """A Chromium in the client's network namespace of a netns.Behind."""

    def __init__(self, behind):
        super().__init__(wrapper=["ip", "netns", "exec", behind.client.name])
        self.behind = behind

    async def reach(self, port):
        return await self.behind.relay_to(port)


class Firefox(Browser):
    kind = "firefox"

    async def _start(self):
        prefs = "".join(f'user_pref("{k}", {json.dumps(v)});\n' for k, v in FIREFOX_PREFS.items())
        (self.profile / "user.js").write_text(prefs)
        self.process = Process("firefox", [*self.wrapper, "firefox-esr", "--headless", "--no-remote", "--marionette",
                                           "--remote-allow-system-access", "--profile", str(self.profile), *self.extra_flags],
                               self.profile / "out.log", env=self.env)
        port = int((await self._wait_for_file("MarionetteActivePort"))[0])
        self._in, self._out = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
        self._lock, self._ids, self._pages = asyncio.Lock(), itertools.count(1), 0
        await self._receive()  # greeting
        await self._call("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        await self._call("WebDriver:SetTimeouts", {"script": 60000, "pageLoad": 60000})

    async def _disconnect(self):
        self._out.close()

    async def _receive(self):
        length = (await self._in.readuntil(b":"))[:-1]
        return json.loads(await self._in.readexactly(int(length)))

    async def _call(self, method, params=None):
        data = json.dumps([0, next(self._ids), method, params or {}]).encode()
        self._out.write(b"%d:%s" % (len(data), data))
        await self._out.drain()
        _, _, error, result = await self._receive()
        if error:
            raise PageError(f"{method}: {error.get('message')}")
        return result

    async def open(self, url):
        async with self._lock:
            if self._pages == 0:
                handle = (await self._call("WebDriver:GetWindowHandle"))["value"]
            else:
                handle = (await self._call("WebDriver:NewWindow", {"type": "window"}))["handle"]
            self._pages += 1
            await self._call("WebDriver:SwitchToWindow", {"handle": handle})
            await self._call("WebDriver:Navigate", {"url": url})

        async def evaluate(expression):
            async with self._lock:
                await self._call("WebDriver:SwitchToWindow", {"handle": handle, "focus": False})
                script = f"""const done = arguments[0];
                    (async () => ({expression}))().then(v => done({{v: v === undefined ? null : v}}), e => done({{e: String(e)}}));"""
                r = (await self._call("WebDriver:ExecuteAsyncScript", {"script": script, "args": [], "sandbox": None}))["value"]
            if "e" in r:
                raise PageError(r["e"])
            return r["v"]

        async def close():
            async with self._lock:
                await self._call("WebDriver:SwitchToWindow", {"handle": handle, "focus": False})
                await self._call("WebDriver:CloseWindow")

        return Page(self, evaluate, close)


KINDS = {"chromium": Chromium, "firefox": Firefox}
