"""Groups of instances."""

from __future__ import annotations

from analysis.diagnosis.characteristics import BINS, characteristics
from trainables.data.ground_truth import GroundTruth
from trainables.data.segments import Segments


def test_groups_are_right_closed_and_the_lowest_edge_belongs_to_the_first() -> None:
    instances = Segments.of(["v"] * 4 + ["w"], [0, 0, 0, 0, 0], [20, 20.5, 40, 100, 30], [0, 0, 0, 0, 0])
    groups = characteristics(GroundTruth(instances, ("x",), {"v": 100.0, "w": 25.0}), BINS["activitynet"])
    assert groups["coverage"].of.tolist() == [0, 1, 1, 4, 4]  # w ends behind its video's end
    assert groups["length"].of.tolist() == [0, 0, 1, 2, 0]
    assert groups["instances"].of.tolist() == [1, 1, 1, 1, 0]
    without = characteristics(GroundTruth(instances, ("x",), {}), BINS["thumos14"])
    assert set(without) == {"length", "instances"}
