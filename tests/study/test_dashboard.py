"""Ray's dashboard in a real headless browser: signed in with the token, a running trial is found by its name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.study.test_fault_injection import kill, start
from tests.study.test_launch import wait_for

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not (CHROMIUM and CHROMEDRIVER), reason="needs Debian's chromium and chromium-driver"),
]


class Browser:
    """A headless chromium, by the WebDriver protocol as it is: a few JSON requests."""

    def __init__(self, port: int, profile: Path) -> None:
        self._driver = f"http://127.0.0.1:{port}"
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
                            "--window-size=1600,1200", "--no-proxy-server"], "binary": CHROMIUM}  # fmt: skip
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        self._session = self._send("POST", "/session", wanted)["sessionId"]

    def open(self, url: str) -> None:
        self._send("POST", f"/session/{self._session}/url", {"url": url})

    def run(self, script: str) -> Any:
        return self._send("POST", f"/session/{self._session}/execute/sync", {"script": script, "args": []})

    def text(self) -> str:
        return str(self.run("return document.body ? document.body.innerText : ''"))

    def wait_for(self, *words: str, seconds: float = 60) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            text = self.text()
            if any(word in text for word in words):
                return text
            time.sleep(0.5)
        raise AssertionError(f"none of {words} on the page:\n{self.text()}")

    def close(self) -> None:
        self._send("DELETE", f"/session/{self._session}", None)

    def _send(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._driver + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return json.loads(opener.open(request, timeout=120).read())["value"]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [str(CHROMEDRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                opened = Browser(port, tmp_path / "profile")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.3)
        yield opened
        opened.close()
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()


def token() -> str:
    found = subprocess.run(
        [str(Path(sys.executable).with_name("ray")), "get-auth-token"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip().splitlines()[-1]


def test_a_running_trial_is_found_in_the_dashboard_by_its_name(tmp_path: Path, browser: Browser) -> None:
    request = ["--dataset", "simulated", "--num-samples", "2", "--name", "s", "--set", "compute.device=cpu"]
    process = start(tmp_path, *request, "--set", "training.epochs=20000")
    try:
        wait_for(tmp_path, process, lambda events: any(event["event"] == "trial_started" for event in events))
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("dashboard"))
        address, sign_in = line.removeprefix("dashboard").strip().split("; ")
        assert sign_in == "sign in with the token of: ray get-auth-token"
        with pytest.raises(urllib.error.HTTPError):  # nobody gets in without
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{address}/api/jobs/", timeout=30)

        browser.open(address)
        browser.wait_for("Authentication Token")
        browser.run(
            "const field = document.querySelector('[role=dialog] input');"
            "const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;"
            f"set.call(field, {json.dumps(token())});"
            "field.dispatchEvent(new Event('input', {bubbles: true}));"
        )
        time.sleep(1)
        browser.run(
            "[...document.querySelectorAll('[role=dialog] button')].find(b => /submit/i.test(b.innerText)).click();"
        )
        time.sleep(3)
        browser.wait_for("Cluster", "Overview")
        browser.open(f"{address}/#/actors")
        text = browser.wait_for("t0000 segment_prediction β=")
        assert "ALIVE" in text
    finally:
        kill(process)
