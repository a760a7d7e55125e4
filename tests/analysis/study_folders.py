"""Small study folders, written through the ledger as a study's driver writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.settings import BETA, GENERATOR
from study.ledger.ledger_file import Ledger
from study.ledger.study_events import StudyStarted
from study.ledger.trial_events import Configuration, IterationEnded, TrialEnded, TrialProposed, TrialStarted
from trainables.report import IterationReport


def report(
    iteration: int,
    curve: Sequence[float],
    split: str = "held_out",
    offset: float = 5.0,
    labels: dict[str, Any] | None = None,
    annotated: bool = True,
    signals: dict[str, float | None] | None = None,
) -> dict[str, Any]:
    """Report of one iteration: ``curve`` holds the selection mAP so far, test mAP lies ``offset`` below.

    labels: quality of the pseudo labels of the training split, from iteration 1 on. annotated: whether the test split
    has temporal annotations. signals: measured without them.
    """
    best = max(range(iteration + 1), key=lambda i: (curve[i], -i))
    test = curve[iteration] - offset
    return {
        "iteration": iteration,
        "seconds": 1.5,
        "chosen_epoch": 7,
        "map": {
            "test": None if not annotated else {
                "tiou": [0.3, 0.5], "map": [test + 10, test], "average_map": test + 5, "selection_map": test,
                "predictions": 100, "videos": 60, "instances": 150,
            }
        },
        "pseudo_labels": {"train": labels} if labels and iteration else None,
        "selection": {"split": split, "map": curve[iteration]},
        "best_iteration": best,
        "best_so_far": curve[best],
        "finished": iteration == len(curve) - 1,
        **({"signals": signals} if signals else {}),
    }  # fmt: skip


def settings(name: str, **changes: Any) -> dict[str, Any]:
    """study.json of a study of THUMOS14 with I3D features; ``changes`` replace whole entries."""
    return {
        "name": name,
        "dataset": {"name": "thumos14", "title": "THUMOS14 (I3D)", "simulated": False, "classes": ["a"], "notes": []},
        "run": {
            "protocol": "released",
            "dataset": {"name": "thumos14", "features": "i3d"},
            "loss": {"beta": 4.0},
            "pseudo_labels": {"generator": "segment_prediction"},
            "evaluation": {"protocol": "activitynet", "tiou": [0.3, 0.5], "selection_tiou": [0.5]},
            "selection": {"rule": "held-out"},
        },
        "study": {"name": "search"},
        "format": 1,
        **changes,
    }


class StudyFolder:
    """Builds one study folder; trials get numbers in the order in which they are added."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "study.json").write_text(json.dumps(settings(folder.name, **changes)))
        self.ledger = Ledger(folder / "ledger.jsonl")
        self.ledger.append(StudyStarted())
        self.trials = 0

    def add(
        self,
        params: dict[str, Any],
        curve: Sequence[float],
        seed: int = 0,
        state: str | None = "completed",
        reason: str | None = None,
        origin: str = "sampler",
        **options: Any,
    ) -> int:
        """A trial with this selection curve; ``state`` None leaves it running."""
        number, self.trials = self.trials, self.trials + 1
        self.ledger.append(TrialProposed(number, Configuration(None, params, origin), seed))
        self.ledger.append(TrialStarted(number, "h", 1, "cpu"))
        reports = [report(iteration, curve, **options) for iteration in range(len(curve))]
        for one in reports:
            self.ledger.append(IterationEnded(number, IterationReport.from_json(one)))
        if state:
            last = reports[-1] if reports else {}
            objective, best_iteration = last.get("best_so_far"), last.get("best_iteration")
            self.ledger.append(TrialEnded(number, state, reason, objective, best_iteration, seconds=3.0))
        return number


def point(generator: str, beta: float, **more: Any) -> dict[str, Any]:
    """Searched values of a trial."""
    return {GENERATOR: generator, BETA: beta, **more}


def paper_like(folder: Path, seeds: int = 1, **changes: Any) -> StudyFolder:
    """Five generators x five betas with M0 at 30, like the paper's Table 1; fewer iterations at high beta."""
    made = StudyFolder(folder, **changes)
    gains = {
        "uniform_random": 0.0, "distribution_aware": 6.0, "class_activation": 11.0, "attention": 12.0,
        "segment_prediction": 15.0,
    }  # fmt: skip
    for g, (generator, gain) in enumerate(gains.items()):
        for b, beta in enumerate((1.0, 2.0, 4.0, 8.0, 16.0)):
            for seed in range(seeds):
                top = gain * (1 - 0.03 * abs(b - 2)) + 0.4 * seed
                steps = [0.0, 0.6, 0.9, 1.0, 0.97, 0.95][: 6 - (b == 4) - (g == 1)]
                made.add(point(generator, beta), [30 + seed + top * step for step in steps], seed)
    return made


def mixed_study(path: Path) -> Path:
    """Completed, pruned, failed and running trials, and the oracle."""
    made = StudyFolder(path)
    made.add(point("attention", 1.0), [], state="failed", reason="no")
    made.add(point("attention", 1.0), [30, 35])
    made.add(point("attention", 2.0), [30, 50], state="pruned")
    made.add(point("oracle", 2.0), [30, 80])
    made.add(point("segment_prediction", 2.0), [30, 40, 39])
    made.add(point("segment_prediction", 4.0), [30, 38], state=None)
    return made.folder
