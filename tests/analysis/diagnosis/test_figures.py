"""Figures of a diagnosis: what stands on the axes, and the data beside them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis.diagnosis.characteristics import BINS
from analysis.diagnosis.detad import ERRORS, TYPES
from analysis.diagnosis.diagnosis import Diagnosis, diagnose
from analysis.diagnosis.figures import diagnosis_drawings, draw_profile
from analysis.drawing import COLUMN_IN, PAGE_IN
from tests.analysis.figures.axes import drawn_on
from trainables.data.ground_truth import GroundTruth
from trainables.data.segments import Segments


@pytest.fixture
def found() -> Diagnosis:
    """Two instances; a hit of class 0 and a segment of class 0 where class 1 is."""
    truth = GroundTruth(Segments.of(["v", "v"], [0, 20], [10, 30], [0, 1]), ("x", "y"), {"v": 50.0})
    predictions = Segments.of(["v", "v"], [0, 20], [10, 30], [0, 0], [0.9, 0.5])
    return diagnose(truth, predictions, BINS["activitynet"], np.array([0.5]), "folder/M0")


def test_a_bar_is_a_stack_of_the_shares_of_its_bucket(found: Diagnosis) -> None:
    with drawn_on() as ax:
        draw_profile(found, ax)
    heights = np.array([[bar.get_height() for bar in bars] for bars in ax.containers])
    assert heights.shape == (len(TYPES), 10)
    assert heights[:, 0].tolist() == [100, 0, 0, 0, 0, 0]  # 1G: the true positive
    assert heights[:, 1].tolist() == [0, 0, 100, 0, 0, 0]  # 2G: the wrong label
    assert heights[:, 2:].sum() == 0  # empty buckets


def test_the_data_hold_every_number_that_is_drawn(found: Diagnosis) -> None:
    profile, sensitivity, negatives = diagnosis_drawings([found])
    buckets = profile.data.set_index("bucket")
    assert buckets.loc["1G", "true_positive"] == 100
    gains = buckets.loc["gain in average_map_n"]
    assert {error: gains[error] for error in ERRORS} == found.profile.gains
    row = negatives.data[(negatives.data["characteristic"] == "coverage") & (negatives.data["group"] == "XS")].iloc[0]
    assert (row["range"], row["instances"], row["missed"]) == ("≤ 0.2", 2, 50)
    assert set(sensitivity.data["characteristic"]) == {"coverage", "length", "instances"}
    assert set(profile.data["file"]) == {"M0"}


def test_a_second_file_has_bars_of_its_own_a_legend_and_the_width_of_a_page(found: Diagnosis) -> None:
    alone, both = (diagnosis_drawings([found] * files)[1] for files in (1, 2))
    assert (alone.width, both.width) == (COLUMN_IN, PAGE_IN)
    one, two = Figure(), Figure()
    alone.draw(one)
    both.draw(two)
    assert [len(ax.containers) for ax in one.axes] == [1, 1, 1]
    assert [len(ax.containers) for ax in two.axes] == [2, 2, 2]
    assert len(two.axes[0].get_lines()) == 2  # dashed: on all instances
