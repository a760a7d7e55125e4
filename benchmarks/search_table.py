"""A real table to judge searches and choosing rules by: ``python -m benchmarks.search_table train|pack|show``.

``train`` trains every configuration of a finite space (``search_tables/space.yaml``) on some seeds, M0 once for each
seed, and records after every iteration all that a rule may look at, the test mAP and the seconds. It goes on where it
was stopped. ``pack`` writes what ``benchmarks.search`` needs of these records into a small CSV. ``show`` prints the
paper's Table 1, generator x beta at the preset's other settings.
"""

from __future__ import annotations

import argparse
import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

from study.config.space import Point, Space, grid, known_point, parse_space
from trainables.config import RunConfig, preset
from trainables.data import Dataset, Segments, Split
from trainables.datasets import load_dataset
from trainables.evaluation import evaluate
from trainables.files import write_whole
from trainables.refinement.iteration import IterationResult
from trainables.refinement.refine import after_m0, refine
from trainables.refinement.selection import selection_splits
from trainables.text_files import parse_yaml

FOLDER = resources.files("benchmarks") / "search_tables"
ITERATIONS = 4  # M0 and three refinements, all of them: who stops earlier is replayed from the whole
ANNOTATED = (5, 10)  # of the held-out videos, so many have temporal annotations
DRAWS = 10


def space() -> Space:
    return parse_space(parse_yaml((FOLDER / "space.yaml").read_text(encoding="utf-8"), "space.yaml"), "space.yaml")


def table_run(dataset: str) -> RunConfig:
    """What all trainings of a table share: the preset, with held-out videos that choose."""
    return preset(dataset).updated(
        {
            "selection.rule": "held-out",
            "refinement.patience": None,
            "refinement.iterations": ITERATIONS,
            "compute.device": "cpu",
        }
    )


def train(dataset: str, data_dir: Path, seeds: Sequence[int], out: Path, points: Sequence[Point] | None = None) -> None:
    """Append a line per training to ``out/<dataset>-<seed>.jsonl``."""
    base, data = table_run(dataset), None
    points = grid(space()) if points is None else points
    out.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        path = out / f"{dataset}-{seed}.jsonl"
        done = {line["configuration"] for line in read_lines(path)}
        left = [(number, point) for number, point in enumerate(points) if number not in done]
        if not left:
            continue
        data = data or load_dataset(base.dataset, data_dir)
        m0 = next(refine(base.updated({"seed": seed}), data))
        for number, point in tqdm(left, desc=f"{dataset}, seed {seed}", mininterval=20, unit=" trainings"):
            run = base.updated({**point, "seed": seed})
            results = (m0, *refine(run, data, after_m0(run, m0.state)))
            entries = [record(run, data, result) for result in results]
            line = {"configuration": number, "seed": seed, "params": point, "iterations": entries}
            with path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def record(run: RunConfig, data: Dataset, result: IterationResult) -> dict[str, Any]:
    """All that a rule may look at after an iteration, the test mAP, and the seconds of the training."""
    report, splits = result.report, selection_splits(run, data)
    held_out = result.predictions["held_out"]
    return {
        "test": report.selection_map("test"),
        "held_out": report.selection_map("held_out"),
        "seconds": round(report.seconds, 3),
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


def records(folder: Path, dataset: str) -> list[dict[str, Any]]:
    """Records of all seeds of a data set; of a training that two processes did, one."""
    lines = [line for path in sorted(folder.glob(f"{dataset}-*.jsonl")) for line in read_lines(path)]
    return list({(line["configuration"], line["seed"]): line for line in lines}.values())


def pack(folder: Path, dataset: str) -> pd.DataFrame:
    """A row per configuration, seed and iteration: held-out and test mAP, seconds, and the signals."""
    return pd.DataFrame(
        {
            "configuration": line["configuration"],
            "seed": line["seed"],
            "iteration": iteration,
            "held_out": round(entry["held_out"], 3),
            "test": round(entry["test"], 3),
            "seconds": round(entry["seconds"], 2),
        }
        for line in records(folder, dataset)
        for iteration, entry in enumerate(line["iterations"])
    ).sort_values(["configuration", "seed", "iteration"])


def show(dataset: str) -> str:
    """Markdown: test mAP of the iteration that the held-out videos choose, mean and deviation over seeds; generator x
    beta at the preset's other settings. (n): on so many seeds that iteration is M0."""
    with (FOLDER / f"{dataset}.csv").open() as file:
        rows = pd.read_csv(file)
    points, own = grid(space()), known_point(space(), table_run(dataset))[0] or {}
    betas = space()["loss.beta"].values() or []
    chosen = rows.loc[rows.groupby(["configuration", "seed"])["held_out"].idxmax()].set_index("configuration")
    m0 = rows[(rows["configuration"] == 0) & (rows["iteration"] == 0)]["test"]
    lines = []
    for generator in space()["pseudo_labels.generator"].values() or []:
        cells = []
        for beta in betas:
            wanted = {**own, "pseudo_labels.generator": generator, "loss.beta": beta}
            (number,) = (n for n, point in enumerate(points) if all(wanted[key] == point[key] for key in point))
            found = chosen.loc[number]
            unrefined = int((found["iteration"] == 0).sum())
            cells.append(f"{spread(found['test'])}{f' ({unrefined})' if unrefined else ''}")
        lines.append([str(generator).replace("_", " "), spread(m0), *cells])
    return tabulate(lines, ["pseudo labels", "β = 0 (M0)", *(f"{beta:g}" for beta in betas)], tablefmt="pipe")


def spread(values: pd.Series) -> str:
    return f"{values.mean():.1f} ± {values.std():.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train what is missing")
    training.add_argument("--data-dir", type=Path, default=Path("data"))
    training.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="one process may take some")
    packing = commands.add_parser("pack", help="write benchmarks/search_tables/<dataset>.csv")
    showing = commands.add_parser("show", help="generator x beta at the preset's other settings")
    for command in (training, packing, showing):
        command.add_argument("--dataset", required=True)
    for command in (training, packing):
        command.add_argument("--out", type=Path, required=True, help="folder of the records")
    given = parser.parse_args()
    if given.command == "train":
        train(given.dataset, given.data_dir, given.seeds, given.out)
    elif given.command == "show":
        print(show(given.dataset))
    else:
        text = pack(given.out, given.dataset).to_csv(index=False)
        write_whole(Path(str(FOLDER)) / f"{given.dataset}.csv", text.encode())


if __name__ == "__main__":
    main()
