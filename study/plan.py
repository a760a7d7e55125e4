"""What a study will do and cost, and how long what is left will take. From the folder alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean, median

from study.config import StudyConfig
from study.ledger import TrialRecord, read_events, trial_records
from study.placement import Placement
from study.request import Request
from trainables.config import RunConfig

SYMBOLS = {
    "pseudo_labels.generator": "",
    "loss.beta": "β=",
    "pseudo_labels.sampled_share": "S=",
    "pseudo_labels.segments.min_attention": "αA=",
    "pseudo_labels.segments.min_class_score": "αC=",
}
NAMES = {key: symbol.rstrip("=") or "generator" for key, symbol in SYMBOLS.items()}


def describe_plan(request: Request, placement: Placement | None, finished: int = 0) -> str:
    """The plan of a session, one fact per line. placement: None when it depends on a cluster not yet joined."""
    study, run = request.study, request.run
    trials, iterations = study.num_trials - finished, run.refinement.iterations
    rule = "the test split chooses" if run.selection.rule == "paper" else "held-out training videos choose"
    trainings = f"up to {iterations} iterations each: up to {trials * iterations} trainings"
    lines = [
        f"study        {request.name}: {study.description or study.name}",
        f"varies       {', '.join(NAMES.get(key, key) for key in study.space)} ({study.sampler})",
        f"trials       {_trials(study, finished)}; {trainings}",
        f"selection    {run.selection.rule}: {rule}; preset {run.protocol}",
        f"pruner       {study.pruner}, after iteration {study.grace}" if study.pruner != "none" else "",
        f"placement    {placement or 'as the cluster has room'}",
        f"GPU memory   a trial: {placement.memory}" if placement and placement.memory else "",
        f"time         {_time(request, placement, trials * iterations)}",
        f"folder       {request.study_dir / request.name}",
    ]
    notes = list(request.notes)
    if placement and study.waits and placement.concurrency > study.lookback + 1:
        idle, enough = placement.concurrency - 1 - study.lookback, 2 * placement.concurrency
        places = "1 place stays" if idle == 1 else f"{idle} places stay"
        notes.append(f"{places} idle, as proposals wait for results; --lookback {enough} fills them")
    return "\n".join([line for line in lines if line] + [f"note         {note}" for note in notes])


def point_text(params: dict[str, object]) -> str:
    """A point in the paper's symbols: ``segment_prediction β=4 S=0.8 αA=0.5 αC=0.2``."""
    parts = []
    for key, value in params.items():
        symbol = SYMBOLS.get(key, key.rpartition(".")[2] + "=")
        parts.append(f"{symbol}{value:g}" if isinstance(value, float) else f"{symbol}{value}")
    return " ".join(parts)


def metric_text(run: RunConfig) -> str:
    """Name of the selection mAP: ``mAP@0.5``, or the mean over several tIoU."""
    tiou = run.evaluation.selection_tiou
    return f"mAP@{tiou[0]:g}" if len(tiou) == 1 else f"mAP averaged over tIoU {tiou[0]:g}-{tiou[-1]:g}"


def remaining_seconds(
    records: Iterable[TrialRecord], trials: int, iterations: int, concurrency: int, per_iteration: float | None = None
) -> float | None:
    """Time until the study ends, None while there is nothing to go by.

    trials, iterations: of the whole study, and most per trial. per_iteration: used until an iteration has ended.
    """
    known = list(records)
    seconds = [report["seconds"] for record in known for report in record.iterations]
    each = fmean(seconds) if seconds else per_iteration
    if each is None:
        return None
    ended = [len(record.iterations) for record in known if record.finished and record.iterations]
    # Trials may stop early: those that ended say how many iterations one takes.
    length = fmean(ended) if ended else iterations
    started = sum(max(length - len(record.iterations), 0) for record in known if not record.finished)
    return each * (started + (trials - len(known)) * length) / max(concurrency, 1)


def seconds_text(seconds: float | None) -> str:
    """``42 s``, ``3 min 20 s``, ``5 h 10 min``; ``?`` for None."""
    if seconds is None:
        return "?"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def past_seconds(study_dir: Path, run: RunConfig) -> tuple[float, str] | None:
    """Median seconds of an iteration in the last study of the same data, model and training here, and its name."""
    files = sorted(study_dir.glob("*/study.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for file in files:
        seconds = _seconds_of(file, run)
        if seconds:
            return median(seconds), file.parent.name
    return None


def _seconds_of(file: Path, run: RunConfig) -> Sequence[float]:
    try:
        before = json.loads(file.read_text(encoding="utf-8"))["run"]
    except (OSError, ValueError, KeyError):
        return []
    now = run.model_dump(mode="json")
    if any(before.get(part) != now[part] for part in ("dataset", "model", "training", "compute")):
        return []
    records = trial_records(read_events(file.with_name("ledger.jsonl"))[0])
    return [report["seconds"] for record in records for report in record.iterations]


def _trials(study: StudyConfig, finished: int) -> str:
    replicates = f" ({study.num_configurations} configurations x {study.seeds} seeds)" if study.seeds > 1 else ""
    if study.confirm:
        replicates += f" (the best {study.confirm.top} again on {study.confirm.seeds} further seeds)"
    done = f", {finished} of them finished" if finished else ""
    return f"{study.num_trials}{replicates}{done}"


def _time(request: Request, placement: Placement | None, trainings: int) -> str:
    past = past_seconds(request.study_dir, request.run)
    if past is None or placement is None:
        return "unknown until the first iterations end"
    seconds, name = past
    total = seconds_text(seconds * trainings / placement.concurrency)
    return f"about {total}, at {seconds:.1f} s per training (study {name})"
