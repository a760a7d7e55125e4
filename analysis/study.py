"""A study's folder as pandas frames: what was asked (study.json) and what happened (ledger.jsonl)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from study.ledger import Event, IterationEnded, OpenedStudy, TrialRecord, open_study, point_key, trial_records
from trainables.errors import UserError

GENERATOR = "pseudo_labels.generator"
BETA = "loss.beta"

TRIAL_COLUMNS = ("trial", "state", "seed", "origin", "objective", "best_iteration", "num_iterations", "test_map",
                 "selection_split", "reason", "seconds", "device", "configuration", "lines")  # fmt: skip
ITERATION_COLUMNS = ("trial", "seed", "iteration", "test_map", "selection_map", "selection_split", "seconds",
                     "chosen_epoch", "tiou_map", "labels", "line")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study:
    """One study, as far as its folder tells; all mAP are percent.

    settings: study.json. trials: one row per trial, in number order: TRIAL_COLUMNS and one column for each dotted
    key that was searched. ``test_map`` is the test selection mAP (mean over the selection thresholds) at
    ``best_iteration``, NaN when there is none; ``configuration`` is equal for replicates that differ in the seed
    alone; ``lines`` are places in the ledger. iterations: one row per trial and iteration, ITERATION_COLUMNS;
    ``tiou_map`` holds test mAP by tIoU and their mean as ``average``, ``labels`` the quality of the pseudo labels by
    split (None at iteration 0).
    test_counts: videos and instances of the test split, once a trial has evaluated it. problems: sentences about
    damaged ledger lines.
    """

    folder: Path
    settings: dict[str, Any]
    trials: pd.DataFrame
    iterations: pd.DataFrame
    test_counts: tuple[int, int] | None
    problems: list[str]

    @property
    def name(self) -> str:
        return str(self.settings.get("name", self.folder.resolve().name))

    @property
    def completed(self) -> pd.DataFrame:
        """Trials that ran to their end and have a number."""
        has_number = self.trials[["objective", "test_map"]].notna().all(axis=1)
        return self.trials[(self.trials["state"] == "completed") & has_number]

    def setting(self, *keys: str, default: Any = None) -> Any:
        """A value of study.json by its path, e.g. ``setting("run", "loss", "beta")``."""
        value = _lookup(self.settings, keys)
        return default if value is None else value


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """``--study`` (may be repeated) and ``--study-dir``, the same for all commands of ``analysis``."""
    parser.add_argument(
        "--study", required=True, action="append", metavar="NAME",
        help="name of a study, or the path of its folder; give it again to compare several",
    )  # fmt: skip
    parser.add_argument(
        "--study-dir", type=Path, default=Path("studies"), metavar="DIR", help="where studies are (default: studies)"
    )


def load_study(folder: Path) -> Study:
    """Read a study's folder, running, finished or dead; raises UserError when it is none."""
    path = folder.absolute()
    return study_frames(open_study(path.parent, path.name))


def study_frames(opened: OpenedStudy) -> Study:
    """An opened study as frames."""
    settings, events = opened.settings.to_json(), opened.ledger.events
    records = trial_records(events)
    trials, iterations = _trials(records, settings), _iterations(records, events)
    return Study(opened.folder.path, settings, trials, iterations, _test_counts(records), opened.problems)


def open_studies(arguments: argparse.Namespace) -> list[Study]:
    """The studies that the arguments name; their ledgers' problems go to stderr."""
    studies = [study_frames(open_study(arguments.study_dir, name)) for name in arguments.study]
    names = [study.name for study in studies]
    if len(set(names)) < len(names):
        raise UserError(f"--study: each study once, got {', '.join(names)}")
    for study in studies:
        for problem in study.problems:
            print(f"warning: {problem}", file=sys.stderr)
    return studies


def out_folder(study: Study, out: Path | None, default: str, several: bool) -> Path:
    """Where the files of one study go: a folder of it, ``out``, or a folder for each of several studies there."""
    if out is None:
        return study.folder / default
    return out / study.name if several else out


def why_empty(study: Study) -> str:
    """One sentence for a study without a completed trial."""
    counts = study.trials["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none was started"
    reasons = study.trials["reason"].dropna()
    last = f" The last reason given: {reasons.iloc[-1]}" if len(reasons) else ""
    return f"{study.name}: no trial is completed yet, so there is nothing to show (trials: {states}).{last}"


def _trials(records: Iterable[TrialRecord], settings: dict[str, Any]) -> pd.DataFrame:
    rows = [_trial_row(record, settings) for record in records]
    searched = dict.fromkeys(key for row in rows for key in row if key not in TRIAL_COLUMNS)
    return pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *(searched or (GENERATOR, BETA))])


def _trial_row(record: TrialRecord, settings: dict[str, Any]) -> dict[str, Any]:
    best = next((r for r in record.iterations if r.get("iteration") == record.best_iteration), {})
    return {
        "trial": record.number,
        "state": record.state,
        "seed": record.seed,
        "origin": record.origin,
        "objective": _number(record.objective),
        "best_iteration": record.best_iteration,
        "num_iterations": len(record.iterations),
        "test_map": _number(_lookup(best, ("map", "test", "selection_map"))),
        "selection_split": _lookup(best, ("selection", "split")),
        "reason": record.reason,
        "seconds": _number(record.seconds),
        "device": record.device,
        "configuration": point_key(record.params),
        "lines": record.lines,
        # A study that does not vary these takes them from its run configuration.
        GENERATOR: _lookup(settings, ("run", *GENERATOR.split("."))),
        BETA: _lookup(settings, ("run", *BETA.split("."))),
        **record.params,
    }


def _iterations(records: Iterable[TrialRecord], events: Iterable[Event]) -> pd.DataFrame:
    lines: dict[tuple[int, int], int] = {}
    for event in events:
        if isinstance(event, IterationEnded) and event.line is not None:
            lines.setdefault((event.trial, event.report["iteration"]), event.line)
    rows = [
        {
            "trial": record.number,
            "seed": record.seed,
            "iteration": report["iteration"],
            "test_map": _number(_lookup(report, ("map", "test", "selection_map"))),
            "selection_map": _number(_lookup(report, ("selection", "map"))),
            "selection_split": _lookup(report, ("selection", "split")),
            "seconds": _number(report.get("seconds")),
            "chosen_epoch": report.get("chosen_epoch"),
            "tiou_map": _tiou_map(_lookup(report, ("map", "test")) or {}),
            "labels": report.get("pseudo_labels"),
            "line": lines.get((record.number, report["iteration"])),
        }
        for record in records
        for report in record.iterations
    ]
    return pd.DataFrame(rows, columns=list(ITERATION_COLUMNS))


def _tiou_map(test: dict[str, Any]) -> dict[float | str, float]:
    by_threshold = dict(zip(test.get("tiou", []), test.get("map", []), strict=False))
    return {**by_threshold, "average": _number(test.get("average_map"))}


def _test_counts(records: Iterable[TrialRecord]) -> tuple[int, int] | None:
    for record in records:
        for report in record.iterations:
            test = _lookup(report, ("map", "test")) or {}
            if "videos" in test and "instances" in test:
                return int(test["videos"]), int(test["instances"])
    return None


def _lookup(tree: Any, keys: Iterable[str]) -> Any:
    return reduce(lambda value, key: value.get(key) if isinstance(value, dict) else None, keys, tree)


def _number(value: Any) -> float:
    return float("nan") if value is None else np.float64(value)
