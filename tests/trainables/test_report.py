from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from trainables.report import (
    IterationReport,
    LabelQuality,
    LossValues,
    M0Origin,
    Selection,
    SplitMap,
    SplitReport,
    VideoAccuracy,
)

# A report as version 1 wrote it, of a real run on a tiny data set.
FIRST = (
    '{"iteration": 0, "epochs": 4, "chosen_epoch": 3, "lr_last": 0.01, "loss": {"train": {"total": 1.0729705890019734, '
    '"video": 1.0729705890019734, "pseudo": 0.0}, "valid": {"total": 1.0749520063400269, "video": 1.0749520063400269, '
    '"pseudo": 0.0}}, "map": {"train": {"tiou": [0.3, 0.5], "map": [53.78787878787879, 0.0], "average_map": '
    '26.893939393939394, "selection_map": 0.0, "predictions": 24, "videos": 12, "instances": 12}, "test": {"tiou": '
    '[0.3, 0.5], "map": [63.333333333333336, 0.0], "average_map": 31.666666666666668, "selection_map": 0.0, '
    '"predictions": 12, "videos": 6, "instances": 6}}, "video_accuracy": {"train": {"with_attention": '
    '33.33333333333333, "without_attention": 33.33333333333333}, "test": {"with_attention": 33.33333333333333, '
    '"without_attention": 33.33333333333333}}, "attention_accuracy": {"train": 32.61802575107296, "test": '
    '32.35294117647059}, "selection": {"split": "test", "map": 0.0}, "best_iteration": 0, "best_so_far": 0.0, '
    '"pseudo_labels": null, "finished": false, "training_s": 0.25, "seconds": 0.5, "base": {"key": "k", "trained": '
    "true}}"
)
QUALITY = LabelQuality(30, 10, 20, 5, 66.6, None, 50.0, 25.0, 25.0)
LATER = IterationReport(
    iteration=1,
    selection=Selection("held_out", 12.5),
    best_iteration=0,
    best_so_far=13.0,
    finished=True,
    seconds=3.0,
    training_s=2.5,
    epochs=2,
    chosen_epoch=1,
    lr_last=1e-3,
    train_loss=LossValues(3.0, 1.0, 0.5),
    valid_loss=LossValues(4.0, 1.5, 0.25),
    splits={
        "train": SplitReport(SplitMap(1.0, (0.5,), (1.0,), 1.0, 7, 3, 4), VideoAccuracy(90.0, 80.0), 60.0, QUALITY),
        "held_out": SplitReport(SplitMap(12.5, (0.5,), (None,), None, 7, 3, 0), VideoAccuracy(None, 70.0), 0.0),
    },
    map_by_epoch=(1.0, 12.5),
)


def test_what_version_1_wrote_is_written_again_byte_for_byte() -> None:
    report = IterationReport.from_json(json.loads(FIRST))
    assert json.dumps(report.to_json()) == FIRST
    assert report.m0 == M0Origin("k", trained=True)
    assert report.selection_map("test") == 0.0
    assert report.selection_map("held_out") is None


def test_a_report_is_read_as_it_was_written() -> None:
    assert IterationReport.from_json(json.loads(json.dumps(LATER.to_json()))) == LATER


def test_numbers_that_do_not_exist_are_left_out_and_the_order_of_the_splits_stays() -> None:
    """A training split without temporal annotations has video accuracy alone."""
    without = replace(LATER, splits={"train": SplitReport(video_accuracy=VideoAccuracy(90.0, 80.0)), **{
        "test": LATER.splits["train"]}})  # fmt: skip
    tree = without.to_json()
    assert list(tree["map"]) == list(tree["attention_accuracy"]) == list(tree["pseudo_labels"]) == ["test"]
    again = IterationReport.from_json(tree)
    assert again == without
    assert list(again.splits) == ["train", "test"]


@pytest.mark.parametrize(
    "absent", ["epochs", "loss", "map", "video_accuracy", "pseudo_labels", "best_so_far", "finished"]
)
def test_a_report_that_lacks_a_number_is_read_without_it(absent: str) -> None:
    tree = LATER.to_json()
    for value in (None, "missing"):
        tree[absent] = value
        if value == "missing":
            del tree[absent]
        assert IterationReport.from_json(tree).iteration == 1


def test_keys_of_newer_versions_are_ignored() -> None:
    tree = LATER.to_json()
    tree["new"] = tree["map"]["train"]["new"] = tree["loss"]["train"]["new"] = 1
    assert IterationReport.from_json(tree) == LATER


def test_the_types_need_neither_torch_nor_numpy() -> None:
    code = "import sys, trainables.report; print({'torch', 'numpy', 'ray'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
