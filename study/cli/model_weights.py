"""The weights of a trial's best iteration: as the trial kept them, of its checkpoint, or trained again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tqdm import tqdm

from study.cli.rerun import report_differences
from study.ledger import StudyFolder, TrialRecord, trial_name
from trainables.config import RunConfig
from trainables.errors import UserError
from trainables.files import DamagedFile

if TYPE_CHECKING:
    from trainables.data import Dataset
    from trainables.refinement.iteration import IterationResult, RunState
    from trainables.training import Weights


class MissingWeights(UserError):
    """The study does not have them; the message says no remedy."""


class FoundWeights(NamedTuple):
    """source: ``kept``, ``checkpoint`` or ``retrained``. notes: what a reader of the model's numbers must know."""

    weights: Weights
    source: str
    notes: tuple[str, ...] = ()


def stored_weights(folder: StudyFolder, record: TrialRecord, run: RunConfig) -> FoundWeights:
    """Of the study's files; raises MissingWeights where they are not there."""
    from trainables.model import read_weights

    with suppress(OSError, DamagedFile):
        kept = read_weights(folder.model_file(record.number))
        if kept.iteration == record.best_iteration:
            return FoundWeights(kept.weights, "kept")
    weights = _of_checkpoint(folder, record, run)
    if weights is not None:
        return FoundWeights(weights, "checkpoint")
    raise MissingWeights(
        f"{folder.model_file(record.number)}: the weights of {trial_name(record.number)}'s iteration "
        f"{record.best_iteration} are not there, as in studies begun with an older version"
    )


def _of_checkpoint(folder: StudyFolder, record: TrialRecord, run: RunConfig) -> Weights | None:
    """A checkpoint has the weights that make the next labels: those of the best iteration's chosen epoch where it was
    the last iteration, and its chosen epoch makes the labels or was its last one."""
    from trainables.worker.belonging import report_problem, trial_owner
    from trainables.worker.checkpoint import load_state

    def problem(state: RunState, owned: bool) -> str | None:
        return None if owned else report_problem(state, record.iterations)

    state = load_state(folder.state_file(record.number), trial_owner(run), problem)
    if state is None or state.iteration != record.best_iteration:
        return None
    report = next(report for report in record.iterations if report.iteration == record.best_iteration)
    last_chosen = report.chosen_epoch is not None and report.chosen_epoch + 1 == report.epochs
    return state.weights if run.pseudo_labels.source == "best_epoch" or last_chosen else None


def retrained_weights(record: TrialRecord, run: RunConfig, data: Dataset) -> FoundWeights:
    """Train the trial again up to its best iteration, outside the ledger, and compare."""
    from trainables.refinement.refine import refine

    best = record.best_iteration or 0
    recorded = {report.iteration: report for report in record.iterations}
    different: list[str] = []
    for result in tqdm(_until(refine(run, data), best), total=best + 1, unit=" iterations", desc="retrain"):
        iteration = result.report.iteration
        if iteration in recorded:
            found = report_differences(recorded[iteration], result.report)
            different += [f"iteration {iteration}: {line}" for line in found]
        weights = result.weights
    if not different:
        return FoundWeights(weights, "retrained", ("Trained again after the study: all its numbers are the ledger's.",))
    note = f"Trained again after the study: {len(different)} numbers differ from the ledger's, first {different[0]}."
    return FoundWeights(weights, "retrained", (note,))


def _until(results: Iterator[IterationResult], last: int) -> Iterator[IterationResult]:
    for result in results:
        yield result
        if result.state.iteration == last:
            return
