"""Videos spread over a Ray cluster: workers with a share of a GPU, one video each at a time.

The worker reads the video where it lies, so all nodes must see the videos and the weights; features come back to the
command, which alone writes. A worker that dies, with its node or alone, costs the video that it had in hand.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.errors import UserError
from trainables.import_folder import packages_first
from trainables.videos.extraction import Extracted, Extractor

ATTEMPTS = 3
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1"}


@dataclass(frozen=True)
class Shares:
    """What each worker takes of the cluster. workers None: as many as fit."""

    cpus: float = 1
    gpus: float = 0
    workers: int | None = None


class ExtractionWorker:
    """Lives on a node: the network stays in memory from video to video."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._extractor: Extractor | None = None

    def start(self) -> None:
        """Read the weights. Apart from ``__init__``, so that an error of it arrives as it is."""
        from trainables.videos.request import Request

        self._extractor = Request.of(self._options).extractor()

    def extract(self, name: str, path: Path) -> Extracted:
        assert self._extractor is not None, "started"
        (result,) = self._extractor.extract({name: path})
        return result


def extract_on_cluster(options: argparse.Namespace, videos: Mapping[str, Path]) -> Iterator[Extracted]:
    """One result per video, in the order in which they are done. Leaves the cluster at the end.

    A video whose worker died ``ATTEMPTS`` times has failed. Raises UserError when there is no cluster, or none of its
    nodes is large enough.
    """
    if not videos:
        return
    shares = Shares(options.cpus_per_worker, options.gpus_per_worker, options.workers)
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray

    try:
        with packages_first():
            ray.init(address=options.address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f"--address: no Ray cluster at '{options.address}': {' '.join(str(error).split())}") from None
    try:
        count = min(shares.workers or workers_that_fit(ray.nodes(), shares), len(videos))
        if not count:
            raise UserError(
                f"--cpus-per-worker, --gpus-per-worker: no node of the cluster has {shares.cpus:g} CPUs and "
                f"{shares.gpus:g} GPUs"
            )
        yield from _Pool(_on_any_node(options), shares, count).run({n: path.absolute() for n, path in videos.items()})
    finally:
        ray.shutdown()


def workers_that_fit(nodes: list[dict[str, Any]], shares: Shares) -> int:
    """How many workers the living nodes hold together; a worker does not span two."""
    total = 0
    for node in nodes:
        if node["Alive"]:
            wanted = {name: share for name, share in (("CPU", shares.cpus), ("GPU", shares.gpus)) if share}
            total += int(min(node["Resources"].get(name, 0) / share for name, share in wanted.items()))
    return total


def _on_any_node(options: argparse.Namespace) -> argparse.Namespace:
    """The same request for a worker: no further cluster, its own device, its files by absolute paths."""
    changed = {
        "address": None,
        "device": "cuda" if options.gpus_per_worker else "cpu",
        "weights": [file.absolute() for file in options.weights] if options.weights else None,
        "threads": options.threads or max(int(options.cpus_per_worker), 1),
        "run": None,
    }
    return argparse.Namespace(**{**vars(options), **changed})


class _Pool:
    """Workers and the videos that they have in hand; a worker that is starting has none."""

    def __init__(self, options: argparse.Namespace, shares: Shares, count: int) -> None:
        import ray

        self._worker: Any = ray.remote(num_cpus=shares.cpus, num_gpus=shares.gpus)(ExtractionWorker)
        self._options = ray.put(options)
        self._idle: deque[Any] = deque()
        self._in_hand: dict[Any, tuple[Any, str | None]] = {}
        self._deaths: Counter[str | None] = Counter()
        for _ in range(count):
            self._start_worker()

    def run(self, videos: Mapping[str, Path]) -> Iterator[Extracted]:
        import ray

        waiting = deque(videos)
        while waiting or any(name is not None for _, name in self._in_hand.values()):
            while waiting and self._idle:
                worker, name = self._idle.popleft(), waiting.popleft()
                self._in_hand[worker.extract.remote(name, videos[name])] = worker, name
            (done,), _ = ray.wait(list(self._in_hand), num_returns=1)
            worker, held = self._in_hand.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayActorError:
                failed = self._replace(held)
                if failed is not None:
                    yield failed
                elif held is not None:
                    waiting.appendleft(held)
                continue
            except ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, UserError) else error) from None
            self._idle.append(worker)
            if result is not None:
                yield result

    def _replace(self, held: str | None) -> Extracted | None:
        """Another worker starts where there is room; until then the others take its videos."""
        self._deaths[held] += 1
        if self._deaths[held] == ATTEMPTS and held is None:
            raise UserError(f"--address: workers died {ATTEMPTS} times while they started; see Ray's logs")
        self._start_worker()
        if self._deaths[held] == ATTEMPTS:
            return Extracted(str(held), None, None, f"its worker died {ATTEMPTS} times; too little memory? (--batch)")
        return None

    def _start_worker(self) -> None:
        worker = self._worker.remote(self._options)
        self._in_hand[worker.start.remote()] = worker, None
