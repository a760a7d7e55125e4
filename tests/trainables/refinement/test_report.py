from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.trainables.refinement.test_refine import DATA, tiny_run
from tests.trainables.worlds import scores_of, split_of
from trainables.data.segments import Segments
from trainables.refinement.refine import refine
from trainables.refinement.report import attention_accuracy, best_of, first_report, iteration_report, video_accuracy
from trainables.report import IterationReport, LossValues, Selection, SplitMap, SplitReport
from trainables.training.state import EpochRecord, Trained

LOSS = LossValues(2.0, 1.0, 0.5)


def test_the_best_iteration_is_the_first_of_the_highest_and_one_without_a_number_comes_last() -> None:
    assert best_of([Selection("test", value) for value in (10.0, 30.0, 30.0, 20.0)]) == (1, 30.0)
    assert best_of([Selection("test", value) for value in (None, 5.0)]) == (1, 5.0)
    assert best_of([Selection("test", None)]) == (0, None)


@pytest.mark.parametrize(
    ("maps", "patience", "last"),
    [([1.0], None, 2), ([9.0, 1.0, 1.0], 2, 2), ([1.0, 2.0, 3.0], 2, 2), ([9.0, 1.0], 1, 1)],
)
def test_a_run_ends_with_its_last_iteration_or_when_its_patience_is_used_up(
    maps: list[float], patience: int | None, last: int
) -> None:
    config = tiny_run(refinement__iterations=3, refinement__patience=patience)
    trained = Trained({}, {}, 0, [EpochRecord(0, LOSS, LOSS, 0.1)])
    reports: list[IterationReport] = []
    for number in range(last + 1):
        splits = {"test": SplitReport(SplitMap(maps[min(number, len(maps) - 1)]))}
        reports.append(iteration_report(config, splits, trained, reports, {}))
    assert [report.iteration for report in reports] == list(range(last + 1))
    assert [report.finished for report in reports] == [False] * last + [True]


def test_accuracies_are_shares_of_videos_and_of_snippets() -> None:
    instances = Segments.of(["v00"], [0.0], [2 * 0.64], [0])
    split = split_of([2, 2], labels=[(0,), (1,)], instances=instances)
    cas = np.array([[5.0, 0.0], [5.0, 0.0], [5.0, 0.0], [5.0, 0.0]])
    scores = scores_of(cas, np.array([[3.0], [-3.0], [-3.0], [-3.0]]), [2, 2])
    assert video_accuracy(scores, split).with_attention == 50.0
    assert attention_accuracy(scores, split) == 75.0


def test_a_split_in_which_there_is_nothing_to_find_has_no_map() -> None:
    """As test videos that all show the background alone, or instances of zero length."""
    for instances in (Segments.empty(), Segments.of(DATA.test.names[:1], [1.0], [1.0], [0])):
        data = replace(DATA, test=replace(DATA.test, ground_truth=instances))
        run = tiny_run(selection__rule="held-out", selection__held_out_share=0.5, refinement__iterations=1)
        report = next(refine(run, data)).report
        assert report.selection_map("test") is None
        assert report.selection_map("held_out") == report.selection.map is not None


@pytest.mark.parametrize(("iterations", "value"), [(1, -1.0), (3, None)])
def test_an_m0_is_compared_by_its_video_loss_only_where_there_is_nothing_else(
    iterations: int, value: float | None
) -> None:
    config = tiny_run(refinement__iterations=iterations, selection__rule="video-labels")
    trained = Trained({}, {}, 0, [EpochRecord(0, LOSS, LOSS, 0.1)])
    report = iteration_report(config, {"held_out": SplitReport()}, trained, [], {"video_loss": None})
    assert (report.selection.value, report.best_so_far, report.best_iteration) == (value, value, 0)
    assert report.signals == {"video_loss": None}, "a signal's own number does not change"
    for others in (1, 3):  # each run has what it would have written itself, also where another one trained it
        other = config.updated({"refinement.iterations": others})
        written = iteration_report(other, {"held_out": SplitReport()}, trained, [], {"video_loss": None})
        assert first_report(config, written) == report
