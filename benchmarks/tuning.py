"""What choosing the predictions' thresholds is worth, and its cost: ``python -m benchmarks.tuning worth|show|cost``.

``worth`` trains the preset with each generator on some seeds, M0 once for each seed, held-out videos choosing, and
appends what the chosen and the preset's pair have after every iteration; it goes on where it was stopped. ``show``
compares them: each chooses its own iteration by its own held-out mAP, and is measured on the test split. ``cost``: all
pairs of a 10 x 10 grid against one pair and against the scores of the snippets, which both need; M0 of a small data set
on its test videos, on these repeated to more snippets than THUMOS14 has, and simulated scores of ActivityNet's size.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

from benchmarks.prediction import simulated
from benchmarks.search_table import read_lines, table_run
from benchmarks.timing import Work, in_turn
from trainables.base_models import build_base_model
from trainables.config import RunConfig, preset
from trainables.data import Dataset, Segments, Split
from trainables.datasets import load_dataset
from trainables.evaluation import Floats
from trainables.gpu import DeviceCache
from trainables.labels import SnippetScores, ThresholdGrid, predict_pairs, predict_segments
from trainables.refinement.iteration import Engine, IterationResult
from trainables.refinement.randomness import torch_stream
from trainables.refinement.refine import after_m0, refine
from trainables.refinement.report import mean_ap
from trainables.refinement.tuning import pair_maps
from trainables.report import Pair
from trainables.training import score_split

GENERATORS = ("segment_prediction", "attention", "class_activation", "distribution_aware", "uniform_random")


def train(dataset: str, data_dir: Path, seeds: Sequence[int], out: Path) -> None:
    """Append a line per run to ``out/<dataset>.jsonl``."""
    base = table_run(dataset).updated({"prediction.tune": "thresholds"})
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{dataset}.jsonl"
    done = {(line["generator"], line["seed"]) for line in read_lines(path)}
    data = load_dataset(base.dataset, data_dir)
    for seed in seeds:
        left = [name for name in GENERATORS if (name, seed) not in done]
        if not left:
            continue
        m0 = next(refine(base.updated({"seed": seed}), data))
        for generator in tqdm(left, desc=f"{dataset}, seed {seed}", mininterval=20, unit=" runs"):
            run = base.updated({"pseudo_labels.generator": generator, "seed": seed})
            results = (m0, *refine(run, data, after_m0(run, m0.state)))
            line = {"generator": generator, "seed": seed, "iterations": [record(result) for result in results]}
            with path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def record(result: IterationResult) -> dict[str, Any]:
    """mAP with both pairs on the videos that choose and on the test split."""
    report, tuned = result.report, result.report.tuned
    assert tuned is not None
    return {
        "pair": list(vars(tuned.chosen).values()),
        "tuned": {split: report.selection_map(split) for split in ("held_out", "test")},
        "preset": {split: tuned.configured_map[split] for split in ("held_out", "test")},
    }


def chosen_test_maps(folder: Path, dataset: str) -> pd.DataFrame:
    """A row per run: test mAP of the iteration that each way chooses, and of M0 and the last iteration."""
    rows = []
    for line in read_lines(folder / f"{dataset}.jsonl"):
        row = {"generator": line["generator"], "seed": line["seed"]}
        for way in ("preset", "tuned"):
            maps = [iteration[way] for iteration in line["iterations"]]
            best = int(np.argmax([one["held_out"] for one in maps]))
            row |= {way: maps[best]["test"], f"{way} M0": maps[0]["test"], f"{way} last": maps[-1]["test"]}
        rows.append(row)
    return pd.DataFrame(rows)


def show(folder: Path, dataset: str) -> str:
    """Markdown: mean and deviation over runs; the difference is paired by generator and seed, and its standard error is
    that of its means over seeds."""
    found = chosen_test_maps(folder, dataset)
    parts = [(str(name).replace("_", " "), rows, "") for name, rows in found.groupby("generator", sort=False)]
    m0 = found.drop_duplicates("seed")
    parts += [("all", found, ""), ("M0 alone", m0, " M0"), ("all, last iteration", found, " last")]
    lines = []
    for name, rows, suffix in parts:
        preset, tuned = rows[f"preset{suffix}"], rows[f"tuned{suffix}"]
        gain = tuned - preset
        by_seed = gain.groupby(rows["seed"]).mean()
        error = by_seed.std() / np.sqrt(len(by_seed))
        wins = f"{int((gain > 0).sum())} / {int((gain < 0).sum())} / {int((gain == 0).sum())}"
        difference = f"{gain.mean():+.1f} ± {gain.std():.1f} ({error:.1f})"
        lines.append((name, spread(preset), spread(tuned), difference, wins))
    header = ["", "preset's pair", "tuned", "difference (s.e.)", "better / worse / equal"]
    return tabulate(lines, header, tablefmt="pipe")


def spread(values: pd.Series) -> str:
    return f"{values.mean():.1f} ± {values.std():.1f}"


class World(NamedTuple):
    """Scores of a split, and how they are evaluated. score: makes them anew; None where they are simulated."""

    run: RunConfig
    data: Dataset
    split: Split
    scores: SnippetScores
    score: Work | None


def real(dataset: str, data_dir: Path, times: int = 1) -> World:
    """M0 of seed 0 on the test videos, ``times`` in a row under other names."""
    run = table_run(dataset)
    data = load_dataset(run.dataset, data_dir)
    if times > 1:
        data = replace(data, test=repeated(data.test, times))
    engine = Engine(run, data, DeviceCache.of(run))
    model = build_base_model(run, *engine.shape, torch_stream(0, 0, "initial_weights"))
    model.load_state_dict(next(refine(run, replace(data, test=data.test.subset(np.arange(8), "test")))).weights)
    tensors = engine.tensors["test"]
    score = partial(score_split, model, tensors, engine.dtype)
    return World(run, data, tensors.split, score(), score)


def repeated(split: Split, times: int) -> Split:
    """Other names, the same features."""
    truth, names = split.ground_truth, [f" {number}" for number in range(times)]
    copies = [replace(truth, video=truth.video + name) for name in names]
    videos = tuple(replace(video, name=video.name + name) for name in names for video in split.videos)
    return replace(
        split, videos=videos, starts=np.tile(split.starts, times), ground_truth=Segments.concatenate(copies),
        annotated=None,
    )  # fmt: skip


def large() -> World:
    """ActivityNet v1.2's size, its preset, simulated scores and instances."""
    split, scores = simulated(2300, 450_000, 100)
    rng = np.random.default_rng(1)
    video = np.sort(rng.integers(0, len(split), 3500))
    length_s = split.lengths[video] * 0.64
    start_s = rng.random(len(video)) * 0.8 * length_s
    end_s = np.minimum(start_s + rng.gamma(2, 8, len(video)), length_s)
    truth = Segments.of(split.names[video], start_s, end_s, video % 100)
    split = replace(split, ground_truth=truth)
    data = Dataset("simulated", "simulated", tuple(map(str, range(100))), split, split)
    return World(preset("activitynet12"), data, split, scores, None)


def cost(world: World, runs: int) -> str:
    """Processor milliseconds of each part in turn, and how often it is that of one pair."""
    run, data, split, scores, score = world
    tenths = tuple(step / 10 for step in range(10))
    grid = ThresholdGrid(tenths, tenths)

    def one(pair: Pair | None = None) -> float | None:
        with_pair = run.prediction if pair is None else run.prediction.model_copy(update=vars(pair))
        found = mean_ap(run, data, split, predict_segments(scores, split, with_pair))
        return None if found is None else found.selection_map

    def at_once() -> Floats:
        found = pair_maps(run, data, split, split, scores, grid)
        assert found is not None
        return found

    work: dict[str, Work] = {"one pair": one, "100 pairs at once": at_once}
    if score:
        work["scores of the snippets"] = score
    equal = at_once().reshape(-1).tolist() == [one(pair) for pair in grid.pairs]
    times = in_turn(work, runs)
    loop = in_turn({"100 pairs, one after another": lambda: [one(pair) for pair in grid.pairs]}, 1)
    found = predict_pairs(scores, run.prediction, grid)
    head = (
        f"{len(split):,} videos, {split.num_snippets:,} snippets, {len(run.evaluation.tiou)} tIoU; "
        f"{len(predict_segments(scores, split, run.prediction)):,} segments of the preset's pair, {len(found.row):,} "
        f"of 100 pairs, {len(found.runs.video):,} of them distinct; mAP of all pairs equal to the last digit: {equal}"
    )
    middle = {name: float(np.median(seconds)) for name, seconds in {**times, **loop}.items()}
    rows: list[tuple[str, float | None, float]]
    rows = [(name, 1000 * value, value / middle["one pair"]) for name, value in middle.items()]
    if score:
        scored = middle["scores of the snippets"]
        whole = (scored + middle["100 pairs at once"]) / (scored + middle["one pair"])
        rows.append(("scores and 100 pairs, to scores and one pair", None, whole))
    return head + "\n" + tabulate(rows, ["", "ms", "ratio"], floatfmt=("", ".1f", ".2f"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("worth", help="train what is missing")
    training.add_argument("--data-dir", type=Path, default=Path("data"))
    training.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    showing = commands.add_parser("show", help="compare")
    costing = commands.add_parser("cost", help="time it")
    costing.add_argument("--data-dir", type=Path, default=Path("data"))
    costing.add_argument("--runs", type=int, default=15)
    for command in (training, showing):
        command.add_argument("--dataset", required=True)
        command.add_argument("--out", type=Path, required=True, help="folder of the records")
    given = parser.parse_args()
    if given.command == "worth":
        train(given.dataset, given.data_dir, given.seeds, given.out)
    elif given.command == "show":
        print(show(given.out, given.dataset))
    else:
        for name, times in (("spoken-digits", 1), ("utkinect", 1), ("spoken-digits", 6), ("utkinect", 20)):
            print(f"{name}, test videos x {times}: {cost(real(name, given.data_dir, times), given.runs)}", end="\n\n")
        print(f"simulated: {cost(large(), given.runs)}")


if __name__ == "__main__":
    main()
