"""Ray for tests: on this machine, or as nodes in processes of their own; shut down whatever happens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from study.execution.cluster import start_ray, stop_ray


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
