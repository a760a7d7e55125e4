"""What a running study shows: one line per finished trial, a live line with ETA on a terminal, a last comparison."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import fmean

from tqdm import tqdm

from study.cli.plan import metric_text, objective_of, point_text, remaining_seconds, seconds_text
from study.ledger import (
    ORACLE,
    Gain,
    IterationEnded,
    TrialEnded,
    TrialEvent,
    TrialRecord,
    against_m0,
    best_configuration,
    differences_to_m0,
    generator_of,
    trial_name,
)
from trainables.config import RunConfig
from trainables.objective import Objective
from trainables.report import IterationReport

COLUMN = 10
REFRESH_S = 0.2
REFRESH_SHARE = 0.05  # of the driver's time, at most: it looks at all trials


class Progress:
    """Listens to a driver and prints; the live line appears on terminals only. trials: of the whole study; fewer once
    its search has ended early."""

    def __init__(
        self, records: dict[int, TrialRecord], trials: int, run: RunConfig, concurrency: int, verbose: bool = False
    ) -> None:
        self._records, self.trials, self._run = records, trials, run
        self._concurrency, self._verbose = concurrency, verbose
        self._objective = objective_of(run)
        finished = sum(record.finished for record in records.values())
        self._bar = tqdm(
            total=trials, initial=finished, unit="trial", dynamic_ncols=True, leave=False, disable=None,
            bar_format="{desc}|{bar:20}| {postfix}",
        )  # fmt: skip
        self._next_refresh = 0.0
        self._refresh()

    def __call__(self, event: TrialEvent, record: TrialRecord) -> None:
        if isinstance(event, TrialEnded):
            self.say(trial_line(record, self._objective))
            self._bar.update()
        elif isinstance(event, IterationEnded) and self._verbose:
            self.say(iteration_line(record, event.report, self._objective))
        self._refresh()

    def say(self, line: str) -> None:
        """Print a line above the live one."""
        tqdm.write(line)

    def close(self) -> None:
        self._bar.close()

    def _refresh(self) -> None:
        # Not for every event of a long study, and not where nobody sees it.
        started = time.monotonic()
        if self._bar.disable or started < self._next_refresh:
            return
        records = list(self._records.values())
        finished = sum(record.finished for record in records)
        running = sum(record.state == "running" for record in records)
        trainings = sum(len(record.iterations) for record in records)
        generator = self._run.pseudo_labels.generator
        honest = [r for r in records if generator_of(r, generator) != ORACLE]
        left = remaining_seconds(records, self.trials, self._run.refinement.iterations, self._concurrency)
        self._bar.total = self.trials
        self._bar.set_description_str(f"{finished}/{self.trials} trials", refresh=False)
        self._bar.set_postfix_str(
            f"{running} running, {trainings} trainings, {best_text(honest, self._objective)}, ETA {seconds_text(left)}"
        )
        now = time.monotonic()
        self._next_refresh = now + max(REFRESH_S, (now - started) / REFRESH_SHARE)


def best_text(records: Sequence[TrialRecord], objective: Objective) -> str:
    """The best number so far, M0's among them, and that of the refined iterations where it is another one."""
    best = max((r.objective for r in records if r.objective is not None), default=None)
    numbers = [r.refined_objective for r in records if len(r.iterations) > 1]
    refined = max((number for number in numbers if number is not None), default=None)
    text = f"best {objective.text(best)}"
    return text if refined is None or refined == best else f"{text} (M0; refined {objective.number(refined)})"


def trial_line(record: TrialRecord, objective: Objective) -> str:
    """One line on a trial that ended."""
    head = f"{trial_name(record.number)}  {record.state:<13}"
    seed = f"  seed {record.seed}" if record.seed else ""
    point = f"  {point_text(record.params)}{seed}"
    if record.state not in ("completed", "pruned"):
        return f"{head}{point}: {record.reason}"
    last = len(record.iterations) - 1
    where = f"iteration {record.best_iteration} of {last}"
    if record.best_iteration == 0 and last > 0:
        # What it reports is M0's number; the search is told that of its best refined iteration.
        where += f" (refined {objective.brief(record.refined_objective)})"
    return f"{head}{objective.brief(record.objective):>6} at {where}  {seconds_text(record.seconds):>6}{point}"


def iteration_line(record: TrialRecord, report: IterationReport, objective: Objective) -> str:
    """One line on an iteration."""
    value = objective.brief(report.selection.number)
    return f"{trial_name(record.number)}  iteration {report.iteration}   {value:>6}  {report.seconds:.1f} s"


def comparison(records: Sequence[TrialRecord], run: RunConfig) -> str:
    """M0 (iteration 0) against the best configuration, on all splits, with the rule that chose it."""
    generator = run.pseudo_labels.generator
    best = best_configuration(records, generator)
    oracles = [r for r in records if r.state == "completed" and generator_of(r, generator) == ORACLE]
    bound = f"the oracle ({_names(oracles)}) labels from the annotations: an upper bound, never the best"
    if not best:
        return bound if oracles else "no trial completed"
    splits = [name for name, split in best[0].iterations[0].splits.items() if split.map]
    chosen = best[0].iterations[0].selection.split
    splits.sort(key=lambda name: (name != chosen, name))
    objective = objective_of(run)
    signal = [objective.name] if objective.signal else []
    over = f", mean over {len(best)} seeds" if len(best) > 1 else ""
    name = _names(best)
    width = max(len(name) + 6, 17)
    lines = [
        f"{metric_text(run.evaluation.selection_tiou)} in percent; {chosen} chose epoch, iteration and configuration "
        f"(rule: {run.selection.rule}{_signal_text(objective)}){over}",
        " " * width + "".join(f"{column:>{_width(column)}}" for column in (*signal, *splits)),
        f"{'M0 (iteration 0)':<{width}}" + _row(best, objective, splits, [0] * len(best)),
        f"{'best: ' + name:<{width}}"
        + _row(best, objective, splits, [record.best_iteration or 0 for record in best])
        + f"   {point_text(best[0].params)}",
    ]
    told = [m0_text(records, run), gain_text(records, run), bound if oracles else None]
    return "\n".join(lines + [line for line in told if line])


def m0_text(records: Sequence[TrialRecord], run: RunConfig) -> str | None:
    """How many trials report M0's number, as none of their refinements selects better; None where all do better."""
    generator = run.pseudo_labels.generator
    refined = [r for r in records if r.state == "completed" and len(r.iterations) > 1]
    refined = [record for record in refined if generator_of(record, generator) != ORACLE]
    of_m0 = sum(record.best_iteration == 0 for record in refined)
    if not of_m0:
        return None
    return f"{of_m0} of {len(refined)} trials report M0's own number: none of their refinements selects better"


def gain_text(records: Sequence[TrialRecord], run: RunConfig) -> str | None:
    """How many configurations beat M0 and by how much, on the test split where it has annotations; None where no
    trial was refined."""
    generator = run.pseudo_labels.generator
    on_test = differences_to_m0(records, "test", generator)
    found = against_m0(on_test or differences_to_m0(records, None, generator))
    if found is None:
        return None
    where = (
        f"on the test split ({metric_text(run.evaluation.selection_tiou)})" if on_test else "by the number that selects"
    )
    by = f" by {_gain(found.gain)} points" if found.gain else ""
    return (
        f"refined, {found.better} of {found.configurations} configurations beat M0 {where}{by}; all of them: "
        f"{_gain(found.gain_of_all)} (paired by seed; {found.error_text})"
    )


def _gain(gain: Gain) -> str:
    error = "" if gain.standard_error is None else f" ± {gain.standard_error:.1f}"
    return f"{gain.mean:+.1f}{error}"


def saved_text(records: Sequence[TrialRecord]) -> str | None:
    """How much compute the M0 cache saved; None where it saved nothing."""
    saved = sum(record.saved_seconds for record in records)
    spent = sum(record.own_seconds for record in records)
    taken = sum(record.m0 is not None and not record.m0.trained for record in records)
    if not taken:
        return None
    share = 100 * saved / (saved + spent)
    return f"{taken} of {len(records)} trials took M0 from the cache: {share:.0f} % compute saved"


def _names(records: Sequence[TrialRecord]) -> str:
    return ", ".join(trial_name(record.number) for record in records)


def _width(column: str) -> int:
    return max(COLUMN, len(column) + 2)


def _signal_text(objective: Objective) -> str:
    if objective.signal is None:
        return ""
    return f" by {objective.name}, which is no mAP{' and lower where it is better' if objective.is_loss else ''}"


def _row(records: Sequence[TrialRecord], objective: Objective, splits: Sequence[str], iterations: Sequence[int]) -> str:
    """Means over trials, each at its iteration: of the signal that chose, then of the mAP of each split."""
    reports = [
        report
        for record, iteration in zip(records, iterations, strict=True)
        for report in record.iterations
        if report.iteration == iteration
    ]
    columns = {objective.name: [report.selection.value for report in reports]} if objective.signal else {}
    columns |= {split: [report.selection_map(split) for report in reports] for split in splits}
    cells = []
    for name, column in columns.items():
        known = [value for value in column if value is not None]
        # An iteration whose ledger line is damaged has no number any more; others have none without annotations.
        whole = len(known) == len(records)
        missing = "?" if len(reports) < len(records) else "-"
        written = objective.number if name == objective.name else "{:.1f}".format
        cells.append(f"{written(fmean(known)) if whole else missing:>{_width(name)}}")
    return "".join(cells)
