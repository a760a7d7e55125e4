"""What choosing without temporal annotations costs: ``python -m benchmarks.choosing collect|report``.

``collect`` trains configurations of the study ``search`` on several seeds, all iterations of each, and records after
every iteration what each rule may look at, and the test mAP. It goes on where it was stopped. ``report`` reads these
records: rank correlation of every signal with test mAP, and the test mAP of what each rule would have chosen.
"""

from __future__ import annotations

import argparse
import base64
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

from analysis.results.choosing import HELD_OUT, M0, PRESET, RANDOM, RULES, TEST, Choice, choose, rank_average
from study.config import Point, StudyConfig, known_point, load_study_config
from trainables.config import RunConfig, preset
from trainables.data import Dataset, Segments, Split
from trainables.datasets import load_dataset
from trainables.evaluation import evaluate
from trainables.files import write_whole
from trainables.refinement import IterationResult, after_m0, refine, selection_splits

GENERATOR = "pseudo_labels.generator"
ANNOTATED = (5, 10)  # of the held-out videos, so many have temporal annotations
DRAWS = 10
AVERAGED = ("contrast", "video_map", "attention_focus")
REFINED = ("video_loss", "video_map", "contrast", "attention_focus")
NAMES = {
    **RULES,
    **{f"refined_{rule}": f"{RULES[rule]}, M0 left out" for rule in REFINED},
    "seed_agreement": "agreement between seeds",
    "rank_average": f"rank average of {', '.join(AVERAGED)}",
    "few_5": "annotations of 5 held-out videos",
    "few_10": "annotations of 10 held-out videos",
}


def points(study: StudyConfig, run: RunConfig, count: int) -> Iterator[Point]:
    """The preset's own point, then random ones, always the same; as many of each generator."""
    yield known_point(study.space, run)[0] or {}
    rng = np.random.default_rng(0)
    generators = study.space[GENERATOR].choices or ()
    for number in range(count - 1):
        point: Point = {GENERATOR: generators[number % len(generators)]}
        for key, dimension in study.space.items():
            if key not in point and all(point.get(other) in values for other, values in dimension.when.items()):
                values = dimension.values() or []
                point[key] = values[int(rng.integers(len(values)))]
        yield point


def collect(name: str, data_dir: Path, configurations: int, seeds: int, iterations: int, out: Path) -> None:
    """Append a line per training to ``out``; M0 is trained once for each seed."""
    study = load_study_config("search")
    base = preset(name).updated(
        {
            "selection.rule": "held-out",
            "refinement.patience": None,
            "refinement.iterations": iterations,
            "compute.device": "cpu",
        }
    )
    data = load_dataset(base.dataset, data_dir)
    done = {(line["configuration"], line["seed"]) for line in read_lines(out)}
    m0: dict[int, IterationResult] = {}
    wanted = [(n, p, s) for n, p in enumerate(points(study, base, configurations)) for s in range(seeds)]
    for number, point, seed in tqdm([one for one in wanted if one[::2] not in done], unit=" trainings"):
        run = base.updated({**point, "seed": seed})
        if seed not in m0:
            m0[seed] = next(refine(run, data))
        results = (m0[seed], *refine(run, data, after_m0(run, m0[seed].state)))
        entries = [record(run, data, result) for result in results]
        line = {"configuration": number, "seed": seed, "params": point, "iterations": entries}
        with out.open("a") as file:
            file.write(json.dumps(line) + "\n")


def record(run: RunConfig, data: Dataset, result: IterationResult) -> dict[str, Any]:
    """All that a rule may look at after an iteration, and the test mAP."""
    report, splits = result.report, selection_splits(run, data)
    held_out = result.predictions["held_out"]
    return {
        "test": report.selection_map("test"),
        "held_out": report.selection_map("held_out"),
        "few": {str(few): few_annotated(run, data, splits.valid, held_out, few) for few in ANNOTATED},
        "signals": dict(report.signals or {}),
        "foreground": packed(foreground(data.train, {"train": splits.train, "held_out": splits.valid}, result)),
    }


def foreground(train: Split, parts: Mapping[str, Split], result: IterationResult) -> npt.NDArray[np.bool_]:
    """Snippets in predicted segments, of all training videos in the data set's order."""
    found = np.zeros(train.num_snippets, dtype=bool)
    first = dict(zip(train.names, train.offsets[:-1].tolist(), strict=True))
    for name, split in parts.items():
        mask = split.truth_of(result.predictions[name])
        for video, begin, end in zip(split.names, split.offsets, split.offsets[1:], strict=False):
            found[first[video] : first[video] + end - begin] = mask[begin:end]
    return found


def few_annotated(run: RunConfig, data: Dataset, held_out: Split, predictions: Segments, few: int) -> list[float]:
    """Held-out mAP if only ``few`` random videos had annotations, for DRAWS draws, the same for all configurations."""
    rng = np.random.default_rng([run.seed, few])
    found = []
    for _ in range(DRAWS):
        split = held_out.subset(np.sort(rng.permutation(len(held_out))[:few]), "few")
        result = evaluate(
            split.ground_truth,
            predictions[np.isin(predictions.video.astype(str), split.names.astype(str))],
            tiou=run.evaluation.tiou,
            num_classes=len(data.classes),
            num_videos=len(split),
            protocol=run.evaluation.protocol,
            ambiguous=split.ambiguous,
        )
        found.append(round(float(result.map_at(run.evaluation.selection_tiou)), 4))
    return found


def packed(mask: npt.NDArray[np.bool_]) -> str:
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes())).decode()


def unpacked(text: str) -> npt.NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8)).astype(bool)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Whole lines of the records; one that a kill has cut is left out."""
    lines = []
    for text in path.read_text().splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def candidates(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per configuration, seed and iteration; configurations that not all seeds have are left out."""
    seeds = {line["seed"] for line in lines}
    whole = {n for n in {line["configuration"] for line in lines}
             if {line["seed"] for line in lines if line["configuration"] == n} == seeds}  # fmt: skip
    iterations = min(len(line["iterations"]) for line in lines)
    rows = []
    for line in (line for line in lines if line["configuration"] in whole):
        for iteration, entry in enumerate(line["iterations"][:iterations]):
            few = {f"few_{n}_{draw}": value for n, values in entry["few"].items()
                   for draw, value in enumerate(values[:DRAWS])}  # fmt: skip
            rows.append({
                "configuration": line["configuration"], "trial": line["configuration"], "seed": line["seed"],
                "iteration": iteration, "lines": [], "test_map": entry["test"], TEST: entry["test"],
                HELD_OUT: entry["held_out"], **few, **entry["signals"], "foreground": entry["foreground"],
            })  # fmt: skip
    found = pd.DataFrame(rows)
    found["seed_agreement"] = agreement(found)
    found["rank_average"] = rank_average(found, AVERAGED)
    return found.drop(columns="foreground")


def agreement(rows: pd.DataFrame) -> pd.Series:
    """Overlap of the seeds' predicted foreground, by configuration and iteration: mean over pairs, percent."""
    overlaps: dict[Any, float] = {}
    for key, group in rows.groupby(["configuration", "iteration"]):
        masks = [unpacked(text) for text in group["foreground"]]
        pairs = [100 * (a & b).sum() / max((a | b).sum(), 1) for a, b in combinations(masks, 2)]
        overlaps[key] = float(np.mean(pairs)) if pairs else float("nan")
    return pd.Series([overlaps[key] for key in zip(rows["configuration"], rows["iteration"], strict=True)], rows.index)


def choices(rows: pd.DataFrame) -> dict[str, tuple[float, float, npt.NDArray[np.float64]]]:
    """By rule: rank correlation, mean test mAP of its choice, and the test mAP of its choice on each seed."""
    signals = ["video_loss", "video_map", "contrast", "label_agreement", "attention_focus", "seed_agreement",
               "rank_average"]  # fmt: skip
    found: dict[str, tuple[float, float, npt.NDArray[np.float64]]] = {}
    for rule in (TEST, HELD_OUT):
        found[rule] = summary([choose(rows, rule)])
    for few in ANNOTATED:
        found[f"few_{few}"] = summary([choose(rows, f"few_{few}_{draw}") for draw in range(DRAWS)])
    found |= {rule: summary([choose(rows, rule)]) for rule in signals}
    refined = rows[rows["iteration"] > 0]  # among which a model is compared with its like
    found |= {f"refined_{rule}": summary([choose(refined, rule)]) for rule in REFINED}
    by_seed = rows.groupby("seed")
    last = rows[(rows["configuration"] == 0) & (rows["iteration"] == rows["iteration"].max())]
    for name, values in (
        (PRESET, last.sort_values("seed")["test_map"]),
        (M0, rows[rows["iteration"] == 0].groupby("seed")["test_map"].first()),
        (RANDOM, by_seed["test_map"].mean()),
    ):
        found[name] = float("nan"), float(values.mean()), values.to_numpy()
    return found


def summary(made: Sequence[Choice | None]) -> tuple[float, float, npt.NDArray[np.float64]]:
    """Mean over draws of one rule."""
    known = [choice for choice in made if choice is not None]
    values = np.mean([choice.chosen.sort_values("seed")["test_map"].to_numpy() for choice in known], axis=0)
    return float(np.mean([choice.correlation for choice in known])), float(values.mean()), values


def report_text(rows: pd.DataFrame) -> str:
    """The table of one data set, as Markdown."""
    made = choices(rows)
    oracle = made[TEST][1]
    lines = [
        (NAMES.get(rule, rule), "" if rule in (TEST, PRESET, M0, RANDOM) else f"{rho:+.2f}", f"{value:.1f}",
         "" if rule == TEST else f"{value - oracle:+.1f}", " ".join(f"{one:.1f}" for one in values))
        for rule, (rho, value, values) in made.items()
    ]  # fmt: skip
    head = ("chosen by", "rank correlation", "test mAP", "to the oracle", "by seed")
    numbers = (rows["configuration"].nunique(), rows["seed"].nunique(), rows["iteration"].nunique())
    counts = "{} configurations x {} seeds x {} iterations".format(*numbers)
    return f"{counts}\n\n" + tabulate(lines, head, tablefmt="pipe", disable_numparse=True)


def draw(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Test mAP of every configuration's iteration against some rules' numbers, a row of plots for each data set."""
    import io

    from matplotlib.figure import Figure

    rules = (HELD_OUT, "contrast", "video_map", "label_agreement", "attention_focus", "video_loss")
    figure = Figure(figsize=(2.4 * len(rules), 2.4 * len(tables)), layout="constrained")
    axes = figure.subplots(len(tables), len(rules), squeeze=False, sharey="row")
    for row, (name, rows) in zip(axes, tables.items(), strict=True):
        for ax, rule in zip(row, rules, strict=True):
            for seed, of_seed in rows.groupby("seed"):
                ax.scatter(of_seed[rule], of_seed["test_map"], s=6, alpha=0.6, label=f"seed {seed}")
            ax.set(xlabel=NAMES[rule])
        row[0].set(ylabel=f"{name}\ntest mAP@0.5 (%)")
    axes[0][0].legend(fontsize=6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("collect")
    making.add_argument("--dataset", required=True)
    making.add_argument("--data-dir", type=Path, default=Path("data"))
    making.add_argument("--configurations", type=int, default=60)
    making.add_argument("--seeds", type=int, default=3)
    making.add_argument("--iterations", type=int, default=4)
    making.add_argument("--out", type=Path, required=True)
    reading = commands.add_parser("report")
    reading.add_argument("records", type=Path, nargs="+", help="files of collect, named after their data sets")
    reading.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.command == "collect":
        collect(given.dataset, given.data_dir, given.configurations, given.seeds, given.iterations, given.out)
        return
    tables = {path.stem: candidates(read_lines(path)) for path in given.records}
    for name, rows in tables.items():
        print(f"\n## {name}: {report_text(rows)}")
    if given.figure:
        write_whole(given.figure, draw(tables))


if __name__ == "__main__":
    main()
