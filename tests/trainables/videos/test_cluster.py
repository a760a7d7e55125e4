"""Extraction on a Ray cluster: the numbers of one machine, also when a node is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av", reason="the extra 'video' is not installed")

from tests.ray_clusters import head_without_cpus
from tests.trainables.videos.clips import pictures, write_clip
from tests.trainables.videos.test_command import SMALL
from trainables.videos.cluster import Shares, workers_that_fit
from trainables.videos.command import main

VIDEOS = 12
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without a CPU, for workers on nodes of their own."""
    with head_without_cpus() as made:
        yield made


def test_workers_do_not_span_nodes() -> None:
    nodes = [
        {"Alive": True, "Resources": {"CPU": 5.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 3.0}},
        {"Alive": False, "Resources": {"CPU": 8.0, "GPU": 8.0}},
    ]
    assert workers_that_fit(nodes, Shares(cpus=2)) == 3
    assert workers_that_fit(nodes, Shares(cpus=1, gpus=0.25)) == 4
    assert workers_that_fit(nodes, Shares(cpus=6)) == 0


def test_a_killed_node_costs_nothing(cluster: Any, untrained_weights: Path, tmp_path: Path) -> None:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    clips = tmp_path / "videos"
    clips.mkdir()
    for k in range(VIDEOS):
        write_clip(clips / f"v{k:02d}.mp4", pictures(160, seed=k))
    request = ["extract", "--videos", str(clips), "--weights", str(untrained_weights), "--stride", "4", *SMALL]
    out, alone = tmp_path / "out", tmp_path / "alone"
    process = subprocess.Popen(
        [sys.executable, "-m", "trainables.videos", *request, "--out", str(out), "--address", cluster.address],
        env=os.environ.copy(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 200
    while len(list(out.glob("*.npy"))) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    done = len(list(out.glob("*.npy")))
    cluster.remove_node(nodes[0], allow_graceful=False)
    told, error = process.communicate(timeout=250)
    assert process.returncode == 0, error
    assert 3 <= done < VIDEOS, "the node was killed while there was work left"
    assert f"{VIDEOS} of {VIDEOS} videos are whole" in told
    assert main([*request, "--out", str(alone), "--threads", "1"]) == 0
    for k in range(VIDEOS):
        name = f"v{k:02d}.npy"
        np.testing.assert_allclose(np.load(out / name), np.load(alone / name), rtol=1e-4, atol=1e-5)
