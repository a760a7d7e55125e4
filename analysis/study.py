"""A study's folder as pandas frames: what was asked (study.json) and what happened (ledger.jsonl)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.settings import BETA, GENERATOR, StudyFacts
from study.ledger import (
    Event,
    IterationEnded,
    OpenedStudy,
    StudyFolder,
    TrialRecord,
    open_study,
    point_key,
    trial_records,
)
from trainables.report import IterationReport, SplitMap

TRIAL_COLUMNS = ("trial", "state", "seed", "origin", "objective", "refined_objective", "best_iteration",
                 "num_iterations", "test_map", "selection_split", "reason", "seconds", "device", "configuration",
                 "lines", "best_is_known")  # fmt: skip
ITERATION_COLUMNS = ("trial", "seed", "iteration", "test_map", "selection", "selection_split", "seconds",
                     "chosen_epoch", "tiou_map", "labels", "signals", "held_out_map", "tuned", "line")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Study:
    """One study, as far as its folder tells; all mAP are percent.

    settings: study.json. trials: one row per trial, in number order: TRIAL_COLUMNS and one column for each dotted
    key that was searched. ``refined_objective`` is the best selection number after M0, which the search maximises;
    ``test_map`` is the test selection mAP (mean over the selection thresholds) at
    ``best_iteration``, NaN when there is none; ``configuration`` is equal for replicates that differ in the seed
    alone; ``lines`` are places in the ledger; ``best_is_known``: no damaged line hides the report of
    ``best_iteration``. iterations: one row per trial and iteration, ITERATION_COLUMNS; ``selection`` is the number that
    compares iterations, ``tiou_map`` holds test mAP by tIoU and their mean as ``average``, ``labels`` the quality of
    the pseudo labels by split (None at iteration 0), ``signals`` what was measured without temporal annotations (None
    in a folder of an older version), ``tuned`` the predictions' thresholds where they were chosen after the training
    (else None). Numbers that need such annotations are NaN, or left out, where there are none.
    test_counts: videos and instances of the test split, once a trial has evaluated it. problems: sentences about what
    is wrong with the folder's files. refined_only: the frames leave M0 out of what a trial may choose, see
    ``refined_only``.
    """

    folder: Path
    settings: StudyFacts
    trials: pd.DataFrame
    iterations: pd.DataFrame
    test_counts: tuple[int, int] | None
    problems: list[str]
    refined_only: bool = False

    @property
    def name(self) -> str:
        return self.settings.name or self.folder.resolve().name

    @property
    def files(self) -> StudyFolder:
        """Where the files of the study lie."""
        return StudyFolder(self.folder)

    @property
    def completed(self) -> pd.DataFrame:
        """Trials that ran to their end, with a selection objective, and whose best iteration is recorded."""
        ranked = self.trials["objective"].notna() & self.trials["best_is_known"].astype(bool)
        return self.trials[(self.trials["state"] == "completed") & ranked]

    @property
    def best_iterations(self) -> pd.DataFrame:
        """The row of ``iterations`` that each completed trial chose, in the trials' order."""
        rows = self.iterations.set_index(["trial", "iteration"])
        chosen = list(zip(self.completed["trial"], self.completed["best_iteration"].astype(int), strict=True))
        return rows.loc[chosen].reset_index()

    @property
    def has_test_map(self) -> bool:
        """Whether any completed trial was measured against temporal annotations of the test split."""
        return bool(self.completed["test_map"].notna().any())


def load_study(folder: Path) -> Study:
    """Read a study's folder, running, finished or dead; raises UserError when it is none."""
    path = folder.absolute()
    return study_frames(open_study(path.parent, path.name))


def study_frames(opened: OpenedStudy) -> Study:
    """An opened study as frames."""
    settings, events, problems = StudyFacts.of(opened.settings), opened.ledger.events, opened.problems
    if settings.name is None:
        problems = [
            *problems,
            f"{opened.folder.study_file}: names no folder; the study is called by that of its folder",
        ]
    records = trial_records(events)
    trials, iterations = _trials(records, opened), _iterations(records, events)
    return Study(opened.folder.path, settings, trials, iterations, _test_counts(records), problems)


def refined_only(study: Study) -> Study:
    """The study with the best *refined* iteration (1, 2, ...) of each trial, by its selection number, as its best one,
    whether M0 is better or not. Trials without one have no objective."""
    rows = study.iterations[(study.iterations["iteration"] > 0) & study.iterations["selection"].notna()]
    rows = rows.sort_values(["trial", "selection", "iteration"], ascending=[True, False, True])
    best = rows.drop_duplicates("trial").set_index("trial")
    trials = study.trials.drop(columns=["objective", "best_iteration", "test_map", "best_is_known"])
    chosen = best.reindex(trials["trial"])
    trials = trials.assign(
        objective=chosen["selection"].to_numpy(np.float64),
        best_iteration=chosen["iteration"].to_numpy(np.float64),
        test_map=chosen["test_map"].to_numpy(np.float64),
        best_is_known=chosen["iteration"].notna().to_numpy(),
    )
    return replace(study, trials=trials[list(study.trials.columns)], refined_only=True)


def _trials(records: Iterable[TrialRecord], opened: OpenedStudy) -> pd.DataFrame:
    # A study that does not vary these takes them from its run configuration.
    fixed = {key: opened.settings.run_value(key) for key in (GENERATOR, BETA)}
    rows = [_trial_row(record, fixed) for record in records]
    searched = dict.fromkeys(key for row in rows for key in row if key not in TRIAL_COLUMNS)
    return pd.DataFrame(rows, columns=[*TRIAL_COLUMNS, *(searched or fixed)])


def _trial_row(record: TrialRecord, fixed: dict[str, Any]) -> dict[str, Any]:
    best = next((report for report in record.iterations if report.iteration == record.best_iteration), None)
    return {
        "trial": record.number,
        "state": record.state,
        "seed": record.seed,
        "origin": record.origin,
        "objective": _float(record.objective),
        "refined_objective": _float(record.refined_objective),
        "best_iteration": record.best_iteration,
        "num_iterations": len(record.iterations),
        "test_map": _float(best.selection_map("test") if best else None),
        "selection_split": best.selection.split if best else None,
        "reason": record.reason,
        "seconds": _float(record.seconds),
        "device": record.device,
        "configuration": point_key(record.params),
        "lines": record.lines,
        "best_is_known": best is not None,
        **fixed,
        **record.params,
    }


def _iterations(records: Iterable[TrialRecord], events: Iterable[Event]) -> pd.DataFrame:
    lines: dict[tuple[int, int], int] = {}
    for event in events:
        if isinstance(event, IterationEnded) and event.line is not None:
            lines.setdefault((event.trial, event.report.iteration), event.line)
    rows = [
        {
            "trial": record.number,
            "seed": record.seed,
            "iteration": report.iteration,
            "test_map": _float(report.selection_map("test")),
            "selection": _float(report.selection.number),
            "selection_split": report.selection.split,
            "seconds": _float(report.seconds),
            "chosen_epoch": report.chosen_epoch,
            "tiou_map": _tiou_map(report),
            "labels": _labels(report),
            "signals": report.signals,
            "held_out_map": _float(report.selection_map("held_out")),
            "tuned": report.tuned,
            "line": lines.get((record.number, report.iteration)),
        }
        for record in records
        for report in record.iterations
    ]
    return pd.DataFrame(rows, columns=list(ITERATION_COLUMNS))


def _tiou_map(report: IterationReport) -> dict[float | str, float | None]:
    """Test mAP by threshold and their mean as ``average``; empty without annotations."""
    test = _test_map(report)
    if test is None or test.average_map is None:
        return {}
    return {**dict(zip(test.tiou, test.map, strict=False)), "average": _float(test.average_map)}


def _labels(report: IterationReport) -> dict[str, dict[str, Any]] | None:
    """Quality of the pseudo labels by split; None where none trained the iteration."""
    found = {name: asdict(split.pseudo_labels) for name, split in report.splits.items() if split.pseudo_labels}
    return found or None


def _test_counts(records: Iterable[TrialRecord]) -> tuple[int, int] | None:
    for record in records:
        for test in map(_test_map, record.iterations):
            if test is not None and test.videos is not None and test.instances is not None:
                return test.videos, test.instances
    return None


def _test_map(report: IterationReport) -> SplitMap | None:
    return report.splits["test"].map if "test" in report.splits else None


def _float(value: float | None) -> float:
    """NaN for a number that is absent."""
    return float("nan") if value is None else np.float64(value)
