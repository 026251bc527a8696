"""A real browser, driven through its debugging pipe: pages as people see and touch them."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --remote-debugging-pipe"
)

# a browser reads commands from 3 and answers on 4
START = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(one), fcntl.F_DUPFD, 10) for one in sys.argv[1:3]]
for number, one in zip((3, 4), pipes):
    os.dup2(one, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Tab:
    """A page that is open: what it asks of the network, what its console says, and what a mouse does to it."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, answers: int) -> None:
        self.process, self.to, self.answers = process, to, answers
        self.number, self.rest, self.session = 0, b"", ""
        self.asked: dict[str, str] = {}
        self.complaints: list[str] = []
        found = self("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in found if one["type"] == "page")
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **given: Any) -> dict[str, Any]:
        """A command of the DevTools protocol, and its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": given}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self.number:
                assert "error" not in found, found
                return found["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.answers, 1 << 20)
            assert part, "the browser has ended"
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\0")
        found = json.loads(line)
        self._note(found.get("method", ""), found.get("params", {}))
        return found

    def _note(self, event: str, said: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.asked[said["requestId"]] = said["request"]["url"]
        elif event == "Network.loadingFailed" and said.get("blockedReason") == "csp":
            self.asked.pop(said["requestId"], None)  # it was never sent
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(said["exceptionDetails"])[:500])
        elif event == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(said["args"])[:500])
        elif event == "Log.entryAdded":
            self.complaints.append(said["entry"]["text"])

    @property
    def requests(self) -> list[str]:
        """What was asked for, but what the page's own policy held back."""
        return list(self.asked.values())

    def open(self, path: Path, width: int = 1400, height: int = 900, *, dark: bool = False) -> None:
        """Open a file in a window of that size, and wait until it stands."""
        self.asked.clear(), self.complaints.clear()
        phone = width < 600
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])
        self("Page.navigate", url=path.as_uri())
        for _ in range(400):
            if self.run("document.readyState") == "complete" and self.run("location.href") == path.as_uri():
                break
            time.sleep(0.05)
        self.settle()

    def settle(self) -> None:
        """Wait until what was changed is drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def hover(self, x: float, y: float) -> None:
        """Move the mouse to a place in the window."""
        self("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.settle()

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key)
        self.settle()

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def paper(self) -> bytes:
        """The page as it is printed, a PDF."""
        return base64.b64decode(
            self("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"]
        )


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """An open browser. BROWSER must be there."""
    commands, to = os.pipe()
    answers, out = os.pipe()
    words = [sys.executable, "-c", START, str(commands), str(out), str(BROWSER), *OPTIONS.split()]
    words += [f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(words, pass_fds=(commands, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(commands), os.close(out)
    try:
        yield Tab(process, to, answers)
    finally:
        process.kill()
        process.wait()
        os.close(to), os.close(answers)
