# SPDX-License-Identifier: LGPL-2.1-or-later
"""A headless Chromium, driven through a pipe with its DevTools protocol, and never over a network."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fault"))

import children  # noqa: E402

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--mute-audio",
           "--disable-dev-shm-usage", "--remote-debugging-pipe")
PROGRAM = shutil.which("chromium")
TIMEOUT = 300  # seconds; only against hanging


class Browser:
    """One Chromium. It lives as long as the `with` block, and leaves nothing behind."""

    def __init__(self):
        self.data = tempfile.mkdtemp(prefix="lxdsoak-chromium-")
        read_end, self.to = os.pipe()
        self.answers, write_end = os.pipe()
        # the browser reads descriptor 3 and writes 4; ours may have those numbers
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{read_end} 4>&{write_end}', "bash", PROGRAM, *OPTIONS,
             f"--user-data-dir={self.data}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(read_end, write_end), preexec_fn=children.die_with_parent,
            env=dict(os.environ, HOME=self.data, DBUS_SESSION_BUS_ADDRESS="disabled:"))
        os.close(read_end)
        os.close(write_end)
        self.buffer, self.number, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.to)
        children.end(self.process)
        os.close(self.answers)
        shutil.rmtree(self.data, ignore_errors=True)

    def message(self, until):
        """The next message, None when there is none until then."""
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                return None
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise RuntimeError(f"chromium ended: {self.process.poll()}")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, session=None, **parameters):
        """One command, and its result. What happens meanwhile is in self.events."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        until = time.monotonic() + TIMEOUT
        while True:
            message = self.message(until)
            if message is None:
                raise TimeoutError(f"{method}: no answer")
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def page(self, path, **how):
        return Page(self, path, **how)


class Page:
    """A file, open in a tab of its own."""

    def __init__(self, browser, path, width=1280, height=900, phone=False, media=None, dark=False,
                 scripts=True):
        self.browser = browser
        self.target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=self.target,
                                   flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=phone)
        if phone:
            self.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        self.ask("Emulation.setEmulatedMedia", media=media or "screen", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask("Page.navigate", url=f"file://{path}")
        self.wait_for("Page.loadEventFired")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.ask("Target.closeTarget", targetId=self.target)
        self.browser.events = [e for e in self.browser.events if e.get("sessionId") != self.session]

    def ask(self, method, **parameters):
        return self.browser.ask(method, self.session, **parameters)

    def events(self, method):
        return [e["params"] for e in self.browser.events
                if e.get("sessionId") == self.session and e["method"] == method]

    def wait_for(self, method):
        until = time.monotonic() + TIMEOUT
        while not self.events(method):
            message = self.browser.message(until)
            if message is None:
                raise TimeoutError(f"{method} did not come")
            self.browser.events.append(message)

    def run(self, expression):
        """The value of an expression in the page."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True,
                          awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def complaints(self):
        """All that a console would show."""
        return [*self.events("Runtime.consoleAPICalled"), *self.events("Runtime.exceptionThrown"),
                *self.events("Log.entryAdded")]

    def requests(self):
        return [e["request"]["url"] for e in self.events("Network.requestWillBeSent")]

    def mouse(self, kind, x, y, **more):
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start, end):
        """With the left button."""
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, button="left", buttons=1, clickCount=1)
        for part in (0.3, 0.6, 1):
            self.mouse("mouseMoved", *(a + (b - a) * part for a, b in zip(start, end)),
                       button="left", buttons=1)
        self.mouse("mouseReleased", *end, button="left", clickCount=1)

    def click(self, selector, count=1):
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = self.box(selector)
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for n in range(1, count + 1):
            self.mouse("mousePressed", *middle, button="left", buttons=1, clickCount=n)
            self.mouse("mouseReleased", *middle, button="left", clickCount=n)

    def box(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")

    def key(self, key):
        text = {"text": key} if len(key) == 1 else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def picture(self, path):
        """A screenshot of what is seen, for people."""
        data = self.ask("Page.captureScreenshot")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
