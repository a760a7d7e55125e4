"""Ray for tests: on this machine, or as nodes in processes of their own; shut down whatever happens."""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from study.execution.cluster import start_ray, stop_ray

RAY = Path(sys.executable).with_name("ray")


@contextmanager
def ray_here(cores: int, gpus: int) -> Iterator[None]:
    """Ray as a study starts it; its GPUs are logical."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start_ray(cores=cores, gpus=gpus)
        try:
            yield
        finally:
            stop_ray()


@contextmanager
def head_without_cpus() -> Iterator[Any]:
    """A ``ray.cluster_utils.Cluster`` to add nodes to; nothing runs on its head."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        yield made
    finally:
        made.shutdown()


class Head(NamedTuple):
    """address: of a driver that joins. dashboard: for jobs."""

    address: str
    dashboard: str


@contextmanager
def head_with_dashboard(folder: Path, cpus: int = 2) -> Iterator[Head]:
    """A cluster of one node with token and dashboard, started as by hand in ``folder``."""
    import ray

    assert ray.__version__, "it brings psutil along, and a path to it"
    psutil: Any = importlib.import_module("psutil")
    temporary, port, dashboard = Path(tempfile.mkdtemp(dir="/tmp")), free_port(), free_port()  # Ray's paths are short
    head = subprocess.Popen(
        [str(RAY), "start", "--head", "--block", f"--port={port}", f"--num-cpus={cpus}",
         f"--dashboard-port={dashboard}", f"--temp-dir={temporary}", "--disable-usage-stats"],
        cwd=folder, env=os.environ | {"RAY_AUTH_MODE": "token"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", dashboard), timeout=1).close()
                break
            except OSError:
                assert head.poll() is None
                time.sleep(0.5)
        yield Head(f"127.0.0.1:{port}", f"http://127.0.0.1:{dashboard}")
    finally:
        left = psutil.Process(head.pid).children(recursive=True)
        head.terminate()
        head.wait(timeout=60)
        for process in psutil.wait_procs(left, timeout=20)[1]:
            process.kill()
        shutil.rmtree(temporary, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
