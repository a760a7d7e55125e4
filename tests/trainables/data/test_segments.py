"""A table of segments cannot be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from trainables.data.segments import Segments, intersection_over_hull, temporal_iou


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((["v"], [0.0], [1.0], [0, 1]), "equally long"),
        ((["v"], [np.nan], [1.0], [0]), r"start_s must be finite; row 0 \(v\)"),
        ((["v", "w"], [0.0, 2.0], [1.0, 1.0], [0, 0]), r"start_s must not exceed end_s; row 1 \(w\) has 2 > 1"),
        ((["v"], [0.0], [1.0], [0], [np.inf]), "score must be finite"),
    ],
)
def test_columns_are_checked(columns: tuple[list[object], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Segments.of(*columns)


def test_rows_are_chosen_and_joined() -> None:
    table = Segments.of(["a", "b", "c"], [0, 1, 2], [1, 2, 3], [0, 1, 0], [0.1, 0.9, 0.5])
    assert table[table.score > 0.3].video.tolist() == ["b", "c"]
    assert Segments.concatenate([table[:1], table[2:]]).label.tolist() == [0, 0]
    assert len(Segments.concatenate([])) == len(Segments.empty()) == 0
    assert Segments.of(["a"], [0], [1], [0]).score.tolist() == [1]


@pytest.mark.parametrize("overlap", [temporal_iou, intersection_over_hull])
def test_overlaps_of_intervals(overlap) -> None:  # type: ignore[no-untyped-def]
    start, end = np.array([0.0, 5.0, 2.0, 3.0, 1.0]), np.array([2.0, 6.0, 2.0, 3.0, 3.0])
    assert overlap(start, end, 0.0, 4.0).tolist() == [0.5, 0, 0, 0, 0.5]
    assert overlap(1.0, 1.0, 1.0, 1.0) == 0  # no length, no overlap


def test_the_two_overlaps_differ_in_the_last_bit_alone() -> None:
    rng = np.random.default_rng(0)
    bounds = np.sort(rng.random((4, 1000)).reshape(2, 2, 1000), axis=1)
    first, second = temporal_iou(*bounds[0], *bounds[1]), intersection_over_hull(*bounds[0], *bounds[1])
    np.testing.assert_allclose(first, second, rtol=1e-14, atol=0)
    assert temporal_iou(0.0, 0.6, 0.0, 0.3) != intersection_over_hull(0.0, 0.6, 0.0, 0.3) == 0.5
