"""A headless Chromium driven through ChromeDriver's HTTP interface (WebDriver), for tests of pages."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


def missing_browser() -> str | None:
    """Why there is no browser to test with, None when there is."""
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed" if absent else None


class Browser:
    """One window; a phone's when ``phone`` (390 x 844, touch)."""

    def __init__(self, profile: Path, phone: bool = False) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._server = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._url = f"http://127.0.0.1:{port}"
        options: dict[str, Any] = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={profile}", "--window-size=1200,900"],
        }
        if phone:
            metrics = {"width": 390, "height": 844, "pixelRatio": 2.0, "touch": True, "mobile": True}
            options["mobileEmulation"] = {"deviceMetrics": metrics}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        try:
            self._wait_for_server()
            session = self._post("/session", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._server.kill()
            raise
        self._session = f"/session/{session['sessionId']}"

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._call("DELETE", self._session)
        finally:
            self._server.terminate()
            self._server.wait(10)

    def open(self, path: Path, query: str = "") -> None:
        """Load a local file and wait until it is complete."""
        self._post(f"{self._session}/url", {"url": path.absolute().as_uri() + (f"?{query}" if query else "")})

    def run(self, script: str) -> Any:
        """Value that a function body of JavaScript returns."""
        return self._post(f"{self._session}/execute/sync", {"script": script, "args": []})

    def console(self) -> list[str]:
        """Messages since the last call."""
        return [entry["message"] for entry in self._post(f"{self._session}/se/log", {"type": "browser"})]

    def requests(self, page: Path) -> list[str]:
        """Addresses that this page asked for since the last call, itself and ``data:`` aside."""
        entries = self._post(f"{self._session}/se/log", {"type": "performance"})
        events = [json.loads(entry["message"])["message"] for entry in entries]
        own = page.absolute().as_uri()
        sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        urls = [one["request"]["url"] for one in sent if one["documentURL"] == own]
        return [url for url in urls if url != own and not url.startswith("data:")]

    def screenshot(self) -> bytes:
        """PNG of the window."""
        return base64.b64decode(self._call("GET", f"{self._session}/screenshot"))

    def _wait_for_server(self) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                self._call("GET", "/status")
                return
            except URLError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
