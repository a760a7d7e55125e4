"""Average precision against a slow evaluator, the reference implementation, and the released predictions."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.ground_truth import read_ground_truth
from trainables.data.prediction_files import read_predictions
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.evaluation.mean_ap import average_precision, evaluate, tiou_thresholds

TIOU = np.linspace(0.1, 0.9, 9)


def slow_average_precision(
    truth: list[tuple[str, float, float]], detections: list[tuple[str, float, float, float]], tiou: float
) -> float:
    """AP of one class, one prediction at a time, word by word after evaluation.md; the integral is written out."""
    truth = [row for row in truth if row[1] < row[2]]
    taken = [False] * len(truth)
    hits = []
    for video, start, end, _ in sorted(detections, key=lambda row: -row[3]):  # sorted() is stable
        overlaps = []
        for row, (truth_video, truth_start, truth_end) in enumerate(truth):
            if truth_video == video:
                intersection = max(min(end, truth_end) - max(start, truth_start), 0.0)
                union = (end - start) + (truth_end - truth_start) - intersection
                overlaps.append((intersection / union, row))
        hit = False
        for overlap, row in sorted(overlaps, reverse=True):
            if overlap < tiou:
                break
            if not taken[row]:
                taken[row] = hit = True
                break
        hits.append(hit)
    recall, precision = [0.0], [0.0]
    for count in range(1, len(hits) + 1):
        recall.append(sum(hits[:count]) / len(truth))
        precision.append(sum(hits[:count]) / count)
    recall.append(1.0)
    precision.append(0.0)
    for row in reversed(range(len(precision) - 1)):
        precision[row] = max(precision[row], precision[row + 1])
    return sum((recall[row + 1] - recall[row]) * precision[row + 1] for row in range(len(recall) - 1))


# Few distinct times, scores and videos, so that ties, duplicates and contested instances are the rule.
spans = st.tuples(st.integers(0, 8), st.integers(0, 6)).map(lambda pair: (pair[0] * 1.0, pair[0] + pair[1] * 1.0))
videos = st.sampled_from(["a", "b", "c"])
instances = st.lists(st.tuples(videos, spans, st.integers(0, 2)), min_size=1, max_size=12)
long_spans = st.tuples(st.integers(0, 8), st.integers(1, 6)).map(lambda pair: (pair[0] * 1.0, pair[0] + pair[1] * 1.0))
detections = st.lists(
    st.tuples(st.sampled_from(["a", "b", "d"]), long_spans, st.integers(-1, 3), st.sampled_from([0.1, 0.5, 0.9])),
    max_size=25,
)


def _segments(rows: list[tuple]) -> Segments:
    return Segments.of(
        [row[0] for row in rows],
        [row[1][0] for row in rows],
        [row[1][1] for row in rows],
        [row[2] for row in rows],
        [row[3] if len(row) > 3 else 1.0 for row in rows],
    )


@settings(max_examples=300, deadline=None)
@given(instances, detections)
def test_agrees_with_the_slow_evaluator(truth: list[tuple], predicted: list[tuple]) -> None:
    fast = average_precision(_segments(truth), _segments(predicted), 3, TIOU)
    for label in range(3):
        class_truth = [(video, *span) for video, span, name in truth if name == label]
        class_predicted = [(video, *span, score) for video, span, name, score in predicted if name == label]
        if not any(start < end for _, start, end in class_truth):
            assert np.isnan(fast[label]).all()
            continue
        slow = [slow_average_precision(class_truth, class_predicted, tiou) for tiou in TIOU]
        np.testing.assert_allclose(fast[label], slow, rtol=0, atol=1e-12)


def test_many_contested_instances_agree_with_the_slow_evaluator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.evaluation.matching.PAIRS_AT_ONCE", 97)  # many chunks
    rng = np.random.default_rng(3)
    truth = [(f"v{rng.integers(3)}", (s, s + rng.uniform(2, 9)), 0) for s in rng.uniform(0, 30, 60)]
    found = [(f"v{rng.integers(3)}", (s, s + rng.uniform(2, 9)), 0, rng.random()) for s in rng.uniform(0, 30, 400)]
    fast = average_precision(_segments(truth), _segments(found), 1, TIOU)
    slow = [
        slow_average_precision([(v, *s) for v, s, _ in truth], [(v, *s, score) for v, s, _, score in found], tiou)
        for tiou in TIOU
    ]
    np.testing.assert_allclose(fast[0], slow, rtol=0, atol=1e-12)


def test_equal_scores_go_by_row_order() -> None:
    truth = Segments.of(["v"], [0], [10], [0])
    right_first = Segments.of(["v", "v"], [0, 50], [10, 60], [0, 0], [0.5, 0.5])
    assert average_precision(truth, right_first, 1, [0.5])[0, 0] == 1
    assert average_precision(truth, right_first[::-1], 1, [0.5])[0, 0] == 0.5


def test_takes_its_second_choice_when_the_first_is_taken() -> None:
    truth = Segments.of(["v", "v"], [0, 4], [10, 14], [0, 0])
    both_near_the_first = Segments.of(["v", "v"], [0, 1], [10, 11], [0, 0], [0.9, 0.8])
    np.testing.assert_allclose(average_precision(truth, both_near_the_first, 1, [0.5, 0.6]), [[1.0, 0.5]])


def test_an_overlap_equal_to_the_threshold_is_a_hit() -> None:
    truth, half = Segments.of(["v"], [0], [2], [0]), Segments.of(["v"], [0], [1], [0], [1.0])
    assert average_precision(truth, half, 1, [0.5])[0, 0] == 1


def test_duplicate_instances_count_twice_and_zero_length_ones_not_at_all() -> None:
    truth = Segments.of(["v", "v", "v"], [0, 0, 5], [2, 2, 5], [0, 0, 0])
    result = evaluate(truth, Segments.of(["v"], [0], [2], [0], [1.0]), 1, [0.5])
    assert (result.instances, result.map.tolist()) == (2, [50.0])


def test_a_class_without_predictions_lowers_the_mean_and_one_without_instances_does_not() -> None:
    truth = Segments.of(["v", "w"], [0, 0], [2, 2], [0, 1])
    result = evaluate(truth, Segments.of(["v"], [0], [2], [0], [1.0]), 3, [0.5])
    np.testing.assert_array_equal(result.class_ap, [[100], [0], [np.nan]])
    assert result.average_map == 50


def test_predictions_of_classes_without_instances_are_ignored_and_counted() -> None:
    truth = Segments.of(["v"], [0], [2], [0])
    result = evaluate(truth, Segments.of(["v"] * 4, [0] * 4, [2] * 4, [0, 1, -1, 7], [0.1, 0.9, 0.9, 0.9]), 2, [0.5])
    assert (result.map[0], result.predictions, result.ignored_predictions) == (100, 4, 3)


def test_videos_without_predictions_stay_in_the_recall() -> None:
    truth = Segments.of(["v", "w"], [0, 0], [2, 2], [0, 0])
    result = evaluate(truth, Segments.of(["v"], [0], [2], [0], [1.0]), 1, [0.5])
    assert (result.videos, result.map[0]) == (2, 50)


def test_no_predictions_at_all_is_zero() -> None:
    assert evaluate(Segments.of(["v"], [0], [2], [0]), Segments.empty(), 1, TIOU).average_map == 0


def test_no_instance_is_an_error() -> None:
    with pytest.raises(ValueError, match="no instance"):
        evaluate(Segments.of(["v"], [2], [2], [0]), Segments.empty(), 1, TIOU)


def test_mean_over_some_thresholds() -> None:
    truth = Segments.of(["v"], [0], [10], [0])
    result = evaluate(truth, Segments.of(["v"], [0], [6], [0], [1.0]), 1, tiou_thresholds("0.5:0.1:0.7"))
    assert result.map_at([0.6, 0.7]) == 50
    with pytest.raises(KeyError, match=r"0\.55 was not evaluated"):
        result.map_at([0.55])


def test_thresholds_are_those_of_linspace() -> None:
    np.testing.assert_array_equal(tiou_thresholds("0.5:0.05:0.95"), np.linspace(0.5, 0.95, 10))
    np.testing.assert_array_equal(tiou_thresholds("0.1:0.1:0.9"), np.linspace(0.1, 0.9, 9))
    assert tiou_thresholds("0.3,0.5").tolist() == [0.3, 0.5]
    assert tiou_thresholds("0.3:0.2:0.6").tolist() == [0.3, 0.5]


@pytest.mark.parametrize("text", ["", "x", "0.5:0.1", "0.9:0.1:0.5", "0.5:0:0.9", "0", "1.5", "nan", "0.1:1e-9:0.9"])
def test_bad_thresholds_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--tiou"):
        tiou_thresholds(text)


def test_reproduces_the_reference_implementation(parity: Path) -> None:
    expected = json.loads((parity / "evaluation.json").read_text())
    classes = list(expected["average_precision_by_class"])
    predictions = read_predictions(parity / "evaluation_predictions.csv", classes)
    truth = read_ground_truth(parity / "evaluation_ground_truth.csv", classes=classes).instances
    ap = average_precision(truth, predictions, len(classes), expected["tiou"])
    np.testing.assert_allclose(ap, list(expected["average_precision_by_class"].values()), rtol=0, atol=1e-9)
    np.testing.assert_allclose(ap.mean(axis=0), expected["mean_average_precision"], rtol=0, atol=1e-9)
