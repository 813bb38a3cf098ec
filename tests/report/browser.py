"""A real browser for tests of the HTML report: Chromium, driven over WebDriver with the standard library alone."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = (
    "" if DRIVER and BROWSER else "no Chromium with its driver is installed here (Debian: chromium chromium-driver)"
)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004"}
_WAIT = 20
_DIRECT = build_opener(ProxyHandler({}))


class Browser:
    """One session with an empty profile below `folder`."""

    def __init__(self, folder: Path, width: int = 1280, height: int = 860) -> None:
        assert DRIVER and BROWSER
        self._driver = subprocess.Popen(
            [DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._address = f"http://127.0.0.1:{self._port()}"
        flags = [*_FLAGS, f"--window-size={width},{height}", f"--user-data-dir={folder / 'profile'}"]
        wanted = {
            "goog:chromeOptions": {"binary": BROWSER, "args": flags},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        try:
            made = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._stop()
            raise
        self._address += f"/session/{made['sessionId']}"
        self._send("POST", "/url", {"url": "about:blank"})  # away from the page that new tabs show

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._send("DELETE", "")
        finally:
            self._stop()

    def _port(self) -> str:
        assert self._driver.stdout is not None
        for line in self._driver.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                return found[1]
        raise RuntimeError("chromedriver did not start")

    def _stop(self) -> None:
        self._driver.terminate()
        self._driver.wait()
        assert self._driver.stdout is not None
        self._driver.stdout.close()

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = Request(self._address + path, data, {"Content-Type": "application/json"}, method=method)
        with _DIRECT.open(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, page: Path) -> None:
        """Go to a file, and forget what was said and asked for before."""
        self.messages(), self.requests()
        self._send("POST", "/url", {"url": page.resolve().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the page and return what it returns."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script: str, *arguments: Any) -> Any:
        """As `run`, but what the script hands to its last argument is returned."""
        return self._send("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def wait(self, script: str) -> Any:
        """Wait until a script returns something true; return that."""
        return until(lambda: self.run(script))

    def text(self, selector: str) -> str:
        """Return the text that is seen of an element."""
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def count(self, selector: str) -> int:
        """Return how many elements there are."""
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def click(self, selector: str) -> None:
        """Click the middle of an element, as a user does."""
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        self._send("POST", f"/element/{next(iter(found.values()))}/click")

    def press(self, *keys: str) -> None:
        """Press keys one after the other: characters, or Enter, Escape, Tab."""
        presses = [{"type": kind, "value": _KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": presses}]})

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self._send("POST", "/window/rect", {"width": width, "height": height})

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path: Path) -> bytes:
        """Write what the window shows as PNG; return its bytes."""
        data = base64.b64decode(self._send("GET", "/screenshot"))
        path.write_bytes(data)
        return data

    def messages(self) -> list[str]:
        """Return what the console was told since the last time: errors, and what a policy blocked."""
        return [entry["message"] for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def requests(self) -> list[str]:
        """Return the addresses that pages asked for since the last time, without those of the browser's own pages."""
        entries = self._send("POST", "/se/log", {"type": "performance"})
        events = [json.loads(entry["message"])["message"] for entry in entries]
        asked = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in asked if not each["documentURL"].startswith("chrome://")]


def until(condition: Callable[[], Any]) -> Any:
    """Wait until a condition gives something true; return that."""
    end = time.monotonic() + _WAIT
    while not (found := condition()):
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.02)
    return found
