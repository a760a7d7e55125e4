"""A running study as Prometheus and Ray's dashboard see it: one real study, a real Prometheus."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.study.test_stops import REQUEST, ended, events_of, has, start, wait_until

LONG = [*REQUEST, "--num-samples", "4", "--set", "training.epochs=3000", "--set", "training.early_stopping=null"]
PORT = 39090

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Running:
    """A study that runs, and the temporary folder of its Ray."""

    def __init__(self, process: subprocess.Popen[str], study_dir: Path, ray: Path) -> None:
        self.process, self.study_dir, self.ray = process, study_dir, ray

    @property
    def session(self) -> Path:
        return (self.ray / "ray" / "session_latest").resolve()

    def maps(self, split: str) -> dict[str, set[float]]:
        """Trial -> what the ledger has of its iterations."""
        found: dict[str, set[float]] = {}
        for event in events_of(self.study_dir):
            if event["event"] == "iteration":
                value = event["report"]["map"][split]["selection_map"]
                found.setdefault(f"t{event['trial']:04d}", set()).add(value)
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    study_dir, ray = tmp_path_factory.mktemp("studies"), Path(tempfile.mkdtemp(dir="/tmp"))  # Ray's paths are short
    process = start(study_dir, *LONG, RAY_TMPDIR=str(ray))
    try:
        wait_until(process, has(study_dir, "iteration"))
        yield Running(process, study_dir, ray)
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 130
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(ray, ignore_errors=True)


def get(url: str, **headers: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def query(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[Any]]]:
    """Asks a Prometheus that reads the file that Ray writes for it."""
    if shutil.which("prometheus") is None:
        pytest.skip("needs Debian's prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    config = running.session / "metrics" / "prometheus" / "prometheus.yml"  # Ray's own
    subprocess.run(["promtool", "check", "config", str(config)], check=True, capture_output=True, timeout=60)
    server = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}",
         f"--web.listen-address=127.0.0.1:{PORT}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def ask(text: str) -> list[Any]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                url = f"http://127.0.0.1:{PORT}/api/v1/query?{urllib.parse.urlencode({'query': text})}"
                if found := get(url)["data"]["result"]:
                    return list(found)
            except OSError:
                assert server.poll() is None, "prometheus has ended"
            time.sleep(1)
        raise AssertionError(f"no result of {text}")

    try:
        yield ask
    finally:
        server.terminate()
        server.wait()


def test_prometheus_finds_the_map_that_the_ledger_has(running: Running, query: Callable[[str], list[Any]]) -> None:
    for split in ("held_out", "test"):
        found = query(f'ray_refineloc_trial_map{{study="s",split="{split}"}}')
        ledger = running.maps(split)
        for one in found:
            labels, value = one["metric"], float(one["value"][1])
            assert value in ledger[labels["trial"]]
            assert labels["generator"]
            assert labels["seed"] == "3"
            assert float(labels["beta"]) > 0


def test_prometheus_counts_the_trials_by_state(running: Running, query: Callable[[str], list[Any]]) -> None:
    found = {one["metric"]["state"]: float(one["value"][1]) for one in query('ray_refineloc_trials{study="s"}')}
    assert found["running"] >= 1
    assert found["failed"] == 0
    assert float(query('ray_refineloc_trials_planned{study="s"}')[0]["value"][1]) == 4
    assert float(query('ray_refineloc_eta_seconds{study="s"}')[0]["value"][1]) > 0
    assert float(query('ray_refineloc_iterations_total{study="s"}')[0]["value"][1]) >= 1


def test_the_actors_class_is_the_trainables_and_its_log_tells_the_iterations(running: Running) -> None:
    assert running.process.stdout is not None
    line = next(line for line in running.process.stdout if line.startswith("dashboard"))
    address = line.removeprefix("dashboard").strip().split("; ")[0]
    token = (Path.home() / ".ray" / "auth_token").read_text().strip()
    actors = get(f"{address}/logical/actors", Authorization=f"Bearer {token}")["data"]["actors"].values()
    assert {actor["actorClass"] for actor in actors} == {"RefinementTrainable"}
    logs = "".join(path.read_text() for path in (running.session / "logs").glob("worker*.err"))
    assert "t0000 " in logs
    assert ", seed 3: begins" in logs
    assert "iteration 0: held-out " in logs
