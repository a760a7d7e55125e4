"""Groups of instances after DETAD: by the share of the video that they cover, their length and their number."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.data import GroundTruth

SIZES = ("XS", "S", "M", "L", "XL")
Ints = npt.NDArray[np.int64]


class Groups(NamedTuple):
    """of: index into ``names`` of each instance, -1 for none. bounds: right-closed ranges, as text."""

    names: tuple[str, ...]
    bounds: tuple[str, ...]
    of: Ints


class Bins(NamedTuple):
    """Edges of the groups, right-closed, the lowest included. coverage: shares. length: seconds."""

    coverage: tuple[float, ...]
    length: tuple[float, ...]
    instances: tuple[float, ...]
    tiou: str


BINS = {
    "activitynet": Bins(
        (0, 0.2, 0.4, 0.6, 0.8, 1), (0, 30, 60, 120, 180, np.inf), (-1, 1, 4, 8, np.inf), "0.5:0.05:0.95"
    ),
    "thumos14": Bins((0, 0.02, 0.04, 0.06, 0.08, 1), (0, 3, 6, 12, 18, np.inf), (-1, 1, 40, 80, np.inf), "0.5"),
}


def characteristics(truth: GroundTruth, bins: Bins) -> dict[str, Groups]:
    """Groups by name; coverage only where the ground truth tells durations.

    instances counts those of the same class in the video. An instance that ends behind its video's end covers all.
    """
    instances = truth.instances
    length = instances.end_s - instances.start_s
    pairs = list(zip(instances.video.tolist(), instances.label.tolist(), strict=True))
    number = {pair: 0 for pair in pairs}
    for pair in pairs:
        number[pair] += 1
    groups = {
        "length": _cut(length, bins.length, SIZES),
        "instances": _cut(np.array([number[pair] for pair in pairs], float), bins.instances, SIZES[:4]),
    }
    if truth.durations:
        return {"coverage": _cut(np.minimum(coverage(truth), bins.coverage[-1]), bins.coverage, SIZES), **groups}
    return groups


def coverage(truth: GroundTruth) -> npt.NDArray[np.float64]:
    """Length of each instance over that of its video, (instances,); NaN where the duration is not known."""
    instances = truth.instances
    duration = np.array([truth.durations.get(video, np.nan) for video in instances.video.tolist()], dtype=np.float64)
    return (instances.end_s - instances.start_s) / duration


def _cut(values: npt.NDArray[np.float64], edges: tuple[float, ...], names: tuple[str, ...]) -> Groups:
    of = np.searchsorted(edges, values, side="left") - 1
    # The lowest edge itself would fall before the first group, as the groups are closed on the right.
    of = np.where(values == edges[0], 0, of)
    known = np.isfinite(values) & (of >= 0) & (of < len(names))
    bounds = tuple(
        f"{'≤ ' if low <= 0 else f'{low:g}–'}{high:g}" if np.isfinite(high) else f"> {low:g}"
        for low, high in pairwise(edges)
    )
    return Groups(names, bounds, np.where(known, of, -1).astype(np.int64))
