"""Signals that choose without temporal annotations, on cases that can be reckoned by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.trainables.worlds import random_scores, split_of
from trainables.data.segments import Segments
from trainables.labels.scores import SnippetScores
from trainables.refinement.unsupervised import SIGNALS, Evidence, register, signals

LENGTHS = [4, 6]


def evidence(
    probability: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    video_score: np.ndarray | None = None,
    segments: Sequence[tuple[str, float, float, int]] = (),
    labels: np.ndarray | None = None,
) -> Evidence:
    """Videos v00 (class 0, 4 s) and v01 (class 1, 6 s), a snippet a second."""
    split = split_of(LENGTHS, labels=[(0,), (1,)], snippet_s=1.0)
    base = random_scores(LENGTHS, 2, np.random.default_rng(0))
    scores = SnippetScores(
        base.class_probability if probability is None else probability,
        base.foreground,
        base.temporal_weight if weight is None else weight,
        base.video_score if video_score is None else video_score,
        base.mean_score,
        base.offsets,
    )
    table = Segments.of(*zip(*segments, strict=True)) if segments else Segments.empty()
    return Evidence(split, scores, table, 0.7, labels)


class TestEverySignal:
    @pytest.mark.parametrize("name", SIGNALS)
    def test_it_reads_no_temporal_annotation(self, name: str) -> None:
        case = evidence(segments=[("v00", 1, 2, 0)], labels=np.ones(10, bool))
        annotated = split_of(LENGTHS, labels=[(0,), (1,)], snippet_s=1.0, instances=Segments.of(["v00"], [0], [4], [0]))
        other = Evidence(annotated, case.scores, case.predictions, case.video_loss, case.labels)
        assert SIGNALS[name](case) == SIGNALS[name](other)

    def test_a_name_is_registered_once(self) -> None:
        with pytest.raises(ValueError, match="signal contrast is registered twice"):
            register(SIGNALS["contrast"])

    def test_what_is_not_finite_is_absent(self) -> None:
        case = evidence()
        broken = Evidence(case.split, case.scores, case.predictions, float("nan"), None)
        found = signals(broken)
        assert list(found) == list(SIGNALS)
        assert found["video_loss"] is None
        assert found["label_agreement"] is None  # no labels trained the model


def test_video_map_ranks_the_videos_of_each_class() -> None:
    right, wrong = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.1, 0.9], [0.8, 0.2]])
    assert SIGNALS["video_map"](evidence(video_score=right)) == 100
    assert SIGNALS["video_map"](evidence(video_score=wrong)) == 50  # each class's video is second of two


def test_contrast_is_inside_minus_outside_of_the_own_class() -> None:
    probability = np.zeros((10, 2), np.float32)
    probability[1:3, 0] = 0.8  # v00, inside
    probability[[0, 3], 0] = 0.2
    probability[4:, 1] = 0.5  # v01: the same everywhere
    segments = [("v00", 1, 3, 0), ("v01", 0, 2, 1), ("v01", 0, 6, 0)]  # the last one is no class of its video
    assert SIGNALS["contrast"](evidence(probability, segments=segments)) == pytest.approx(100 * (0.6 + 0) / 2)


@pytest.mark.parametrize("segments", [[], [("v00", 0, 4, 0), ("v01", 0, 6, 1)]])
def test_segments_nowhere_or_everywhere_contrast_by_nothing(segments: list[tuple[str, float, float, int]]) -> None:
    assert SIGNALS["contrast"](evidence(segments=segments)) == 0


def test_label_agreement_is_the_overlap_of_predictions_and_labels() -> None:
    labels = np.zeros(10, bool)
    labels[[1, 2, 5]] = True
    case = evidence(segments=[("v00", 1, 4, 0), ("v01", 0, 6, 0)], labels=labels)
    # Of v00 snippets 1-3 are predicted; v01 is predicted as a class that it does not show.
    assert SIGNALS["label_agreement"](case) == pytest.approx(100 * 2 / 4)


def test_attention_focus_is_0_when_flat_and_100_on_one_snippet() -> None:
    flat = np.concatenate([np.full(length, 1 / length) for length in LENGTHS]).astype(np.float32)
    peak = np.zeros(10, np.float32)
    peak[[2, 7]] = 1
    assert SIGNALS["attention_focus"](evidence(weight=flat)) == pytest.approx(0, abs=1e-4)
    assert SIGNALS["attention_focus"](evidence(weight=peak)) == pytest.approx(100)


def test_m0_has_no_video_loss_to_be_compared_by() -> None:
    assert signals(evidence())["video_loss"] is None
    assert signals(evidence(labels=np.ones(10, bool)))["video_loss"] == -0.7
