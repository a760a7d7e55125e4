"""Evaluation against a plain implementation, and how it grows: ``python -m benchmarks.evaluation``.

The plain one is that of the tests: one prediction at a time, one class, one threshold. Growth: simulated predictions up
to a million, as more videos or as more in each video. With ``--predictions`` and ``--ground-truth`` also on files of
the field, diagnosis (DETAD) included. Each at the ten tIoU thresholds 0.5 to 0.95.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from tabulate import tabulate

from analysis.diagnosis.characteristics import BINS
from analysis.diagnosis.diagnosis import diagnose
from benchmarks.timing import Work, in_turn, ratio_table
from tests.trainables.evaluation.test_mean_ap import slow_average_precision
from trainables.data import Segments, read_ground_truth, read_predictions
from trainables.evaluation import evaluate, tiou_thresholds
from trainables.evaluation.mean_ap import average_precision

TIOU = tiou_thresholds("0.5:0.05:0.95")
CLASSES = 100


def simulated(predictions: int, videos: int, instances: int) -> tuple[Segments, Segments]:
    """Instances, and predictions of which half lie around an instance of their video, some in the wrong class."""
    rng = np.random.default_rng(0)
    names = np.array([f"v{number:06d}" for number in range(videos)], dtype=object)
    owner = np.sort(rng.integers(0, videos, instances))
    start, length = rng.uniform(0, 200, instances), rng.gamma(2, 15, instances) + 1
    label = owner % CLASSES
    near = rng.integers(0, instances, predictions)
    video = np.where(rng.random(predictions) < 0.5, owner[near], rng.integers(0, videos, predictions))
    shift = np.where(video == owner[near], rng.normal(0, 10, predictions), rng.uniform(-200, 200, predictions))
    found = np.where(rng.random(predictions) < 0.8, video % CLASSES, rng.integers(0, CLASSES, predictions))
    begin = start[near] + shift
    end = begin + length[near] * rng.uniform(0.5, 2, predictions)
    truth = Segments.of(names[owner], start, start + length, label)
    return truth, Segments.of(names[video], begin, end, found, rng.random(predictions))


def plain(truth: Segments, predictions: Segments, num_classes: int) -> list[list[float]]:
    """AP by class and threshold, a class and a threshold at a time."""
    by_class: list[tuple[list, list]] = [([], []) for _ in range(num_classes)]
    for table, side in ((truth, 0), (predictions, 1)):
        columns = table.video, table.start_s, table.end_s, table.score, table.label
        for *row, label in zip(*columns, strict=True):
            by_class[label][side].append(tuple(row if side else row[:3]))
    return [[slow_average_precision(*rows, tiou) for tiou in TIOU] for rows in by_class if rows[0]]


def growth(runs: int, more_videos: bool) -> str:
    """From 62,500 to a million predictions: seconds, and microseconds of each prediction."""
    sizes = [1_000_000 // part for part in (16, 8, 4, 2, 1)]
    worlds = {}
    for size in sizes:
        videos = size // 15 if more_videos else 2300
        worlds[f"{size:,}"] = simulated(size, videos, 3 * videos // 2)
    work: dict[str, Work] = {
        name: partial(evaluate, *world, num_classes=CLASSES, tiou=TIOU) for name, world in worlds.items()
    }
    times = in_turn(work, runs)
    middle = {name: float(np.median(seconds)) for name, seconds in times.items()}
    rows = [
        (name, len(worlds[name][0]), middle[name], 1e6 * middle[name] / size)
        for name, size in zip(middle, sizes, strict=True)
    ]
    return tabulate(rows, ["predictions", "instances", "s", "µs per prediction"], floatfmt=("", ",", ".2f", ".2f"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--predictions", type=Path)
    parser.add_argument("--ground-truth", type=Path)
    given = parser.parse_args()
    if given.predictions:
        known = read_ground_truth(given.ground_truth).with_length()
        found, classes = read_predictions(given.predictions, known.classes), len(known.classes)
        work: dict[str, Work] = {
            "evaluation": lambda: evaluate(known.instances, found, classes, TIOU),
            "diagnosis": lambda: diagnose(known, found, BINS["activitynet"], TIOU),
        }
        print(f"{len(found):,} predictions, {len(known.instances):,} instances, {len(TIOU)} tIoU")
        print(ratio_table(in_turn(work, 3 * given.runs), "evaluation"), end="\n\n")
    truth, predictions = simulated(20_000, 1333, 2000)
    rows = plain(truth, predictions, CLASSES)
    ours = average_precision(truth, predictions, CLASSES, TIOU)
    difference = np.abs(ours[~np.isnan(ours).any(axis=1)] - rows).max()
    work = {
        "evaluation": lambda: average_precision(truth, predictions, CLASSES, TIOU),
        "plain": lambda: plain(truth, predictions, CLASSES),
    }
    print(f"{len(predictions):,} simulated predictions; largest difference of any AP: {difference:.1e}")
    print(ratio_table(in_turn(work, 2), "evaluation"), end="\n\n")
    for more_videos in (True, False):
        print("more videos, 15 predictions in each:" if more_videos else "more predictions in each of 2,300 videos:")
        print(growth(given.runs, more_videos), end="\n\n")


if __name__ == "__main__":
    main()
