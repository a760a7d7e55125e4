"""What a study will do and cost, and how long what is left will take. From the folder alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from study.config import MEANINGS, StudyConfig, first_points, varied_thresholds
from study.ledger import TrialRecord
from study.placement import EarlierCosts, Placement, find_earlier_costs, free_bytes, weight_bytes
from trainables.commands import typed
from trainables.config import RunConfig
from trainables.counts import count_text
from trainables.objective import Objective

if TYPE_CHECKING:
    from study.cli.request import Request
    from trainables.worker.probe import TrialProbe

SYMBOLS = {
    "pseudo_labels.generator": "",
    "loss.beta": "β=",
    "pseudo_labels.sampled_share": "S=",
    "pseudo_labels.segments.min_attention": "αA=",
    "pseudo_labels.segments.min_class_score": "αC=",
    "prediction.min_attention": "αA(predictions)=",
    "prediction.min_class_score": "αC(predictions)=",
}
RULES = {
    "paper": "the test split chooses",
    "held-out": "held-out training videos choose",
    "video-labels": "held-out training videos choose by {signal}, without their temporal annotations",
}
TUNED = "αA and αC of the predictions, after each training, by mAP on the videos that choose"
NAMES = {key: symbol.rstrip("=") or "generator" for key, symbol in SYMBOLS.items()}


def describe_plan(
    request: Request, placement: Placement | None, finished: int = 0, probe: TrialProbe | None = None
) -> str:
    """The plan of a session, one fact per line. placement: None when it depends on a cluster not yet joined. probe:
    tells the time, where one was made; else the last study does."""
    earlier, free = find_earlier_costs(request.study_dir, request.run, request.ledger), free_bytes(request.study_dir)
    study, run = request.study, request.run
    trials, iterations = study.num_trials - finished, run.refinement.iterations
    rule = RULES[run.selection.rule].format(signal=_signal_text(objective_of(run)))
    refinements = f"M0 and up to {count_text(iterations - 1, 'refinement')} each" if iterations > 1 else "M0 alone"
    trainings = f"{refinements}: up to {trials * iterations} trainings"
    features = _features_text(request)
    lines = [
        f"study        {request.name}: {study.description or study.name}",
        f"varies       {', '.join(NAMES.get(key, key) for key in study.space)} ({study.sampler})",
        f"thresholds   {run.thresholds}: {MEANINGS[run.thresholds]}" if varied_thresholds(study) else "",
        f"tuned        {TUNED}" if run.prediction.tune == "thresholds" else "",
        f"trials       {_trials(study, finished)}; {trainings}",
        f"begins with  {_first_text(request)}" if request.opened is None and study.first_points else "",
        f"ends early   {limits}" if (limits := limits_text(study, objective_of(run))) else "",
        f"selection    {run.selection.rule}: {rule}; preset {run.protocol}",
        f"pruner       {study.pruner}, after iteration {study.grace}" if study.pruner != "none" else "",
        f"placement    {placement or 'as the cluster has room'}",
        f"GPU memory   a {_sharer(placement)}: {placement.memory}" if placement and placement.memory else "",
        f"time         {_time(request.run, placement, trials * iterations, earlier, probe)}",
        f"disk         {_disk(request, trials, earlier)}; {size_text(free)} free",
        f"folder       {request.study_dir / request.name}",
        f"features     {features}" if features else "",
    ]
    notes = list(request.notes)
    if earlier and earlier.trial_bytes * trials > free:
        notes.append(
            f"the disk is too small for that; free some, or choose another --study-dir than {request.study_dir}"
        )
    if placement and study.waits and placement.trials_at_once > study.lookback + 1:
        idle, enough = placement.trials_at_once - 1 - study.lookback, 2 * placement.trials_at_once
        places = "1 place stays" if idle == 1 else f"{idle} places stay"
        notes.append(f"{places} idle, as proposals wait for results; --lookback {enough} fills them")
    return "\n".join([line for line in lines if line] + [f"note         {note}" for note in notes])


def limits_text(study: StudyConfig, objective: Objective) -> str:
    """What may end the search before its budget, as a list of conditions; empty for nothing."""
    limits = []
    if study.target is not None:
        name = f"{objective.name} " if objective.signal else ""
        limits.append(f"a configuration reaches {name}{objective.read_of(objective.recorded_of(study.target)):g}")
    if study.patience is not None:
        limits.append(f"{study.patience} configurations are no better than the best before")
    if study.time_budget_s is not None:
        used = "the time used by all sessions, with the confirmation, would exceed"
        limits.append(f"{used} {seconds_text(study.time_budget_s)} (not reproducible: it depends on the machine)")
    return ", or ".join(limits)


def point_text(params: dict[str, object]) -> str:
    """A point in the paper's symbols: ``segment_prediction β=4 S=0.8 αA=0.5 αC=0.2``."""
    parts = []
    for key, value in params.items():
        symbol = SYMBOLS.get(key, key.rpartition(".")[2] + "=")
        parts.append(f"{symbol}{value:g}" if isinstance(value, float) else f"{symbol}{value}")
    return " ".join(parts)


def metric_text(tiou: Sequence[float]) -> str:
    """Name of the mAP at the thresholds that select: ``mAP@0.5``, or the mean over several tIoU."""
    return f"mAP@{tiou[0]:g}" if len(tiou) == 1 else f"mAP averaged over tIoU {tiou[0]:g}-{tiou[-1]:g}"


def objective_of(run: RunConfig) -> Objective:
    """What its trials are compared by, and how that is written."""
    return Objective.of(run.selection.rule, run.selection.signal, metric_text(run.evaluation.selection_tiou))


def remaining_seconds(
    records: Iterable[TrialRecord], trials: int, iterations: int, concurrency: int, per_iteration: float | None = None
) -> float | None:
    """Time until the study ends, None while there is nothing to go by.

    trials, iterations: of the whole study, and most per trial. per_iteration: used until an iteration has ended.
    """
    known = list(records)
    seconds = [report.seconds for record in known for report in record.iterations]
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


def size_text(size: float) -> str:
    """``512 B``, ``3.4 MB``: powers of 1000, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _first_text(request: Request) -> str:
    """The points of the user's own, after the preset's where that comes first."""
    first = first_points(request.study, request.run)
    preset = "the preset's point; " if first and first[0][0] == "preset" else ""
    return preset + "; ".join(point_text(point) for origin, point in first if origin == "given")


def _trials(study: StudyConfig, finished: int) -> str:
    replicates = (
        f" ({count_text(study.num_configurations, 'configuration')} x {study.seeds} seeds)" if study.seeds > 1 else ""
    )
    if study.confirm:
        replicates += f" (the best {study.confirm.top} again on {study.confirm.seeds} further seeds)"
    done = f", {finished} of them finished" if finished else ""
    return f"{study.num_trials}{replicates}{done}"


def _signal_text(objective: Objective) -> str:
    """``video loss (lower is better)``."""
    return f"{objective.name} ({'lower' if objective.is_loss else 'higher'} is better)"


def _sharer(placement: Placement) -> str:
    """What has a share of a GPU to itself."""
    return "trial" if placement.trials_per_process == 1 else f"process of {placement.trials_per_process} trials"


def _features_text(request: Request) -> str:
    """Where the features lie that all trials map; empty for those in memory."""
    from trainables.data import ArrayFile  # imports numpy, which a look at a study's status need not

    splits = (request.data.train.features, request.data.test.features)
    files = [ArrayFile.of(features) for features in splits]
    if files[0] is None:
        return ""
    size = sum(features.nbytes for features in splits)
    where, command = Path(files[0].path).parent, typed("caches")
    return f"{where} ({size_text(size)}, one copy for all studies; {command} lists and removes it)"


def _time(
    run: RunConfig, placement: Placement | None, trainings: int, earlier: EarlierCosts | None, probe: TrialProbe | None
) -> str:
    if probe:
        seconds, source = probe.iteration_s(run.training.epochs), f"probe: {probe.epoch_s:.2g} s per epoch"
    elif earlier:
        seconds, source = earlier.iteration_s, f"study {earlier.name}"
    else:
        return "unknown until the first iterations end (--dry-run --probe measures an epoch)"
    if placement is None:
        return f"{seconds:.1f} s per training ({source})"
    total = seconds_text(seconds * trainings / placement.concurrency)
    return f"about {total}, at {seconds:.1f} s per training ({source})"


def _disk(request: Request, trials: int, earlier: EarlierCosts | None) -> str:
    if earlier is None:
        size = weight_bytes(request.run, request.data.dimensions, len(request.data.classes))
        kept = f"; of each, {size_text(size)} for the weights of its best iteration" if size else ""
        return f"unknown until the first trials end{kept}"
    all_of_them, of_one = size_text(earlier.trial_bytes * trials), size_text(earlier.trial_bytes)
    return f"about {all_of_them}, at {of_one} per trial (study {earlier.name})"
