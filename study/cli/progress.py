"""What a running study shows: one line per finished trial, a live line with ETA on a terminal, a last comparison."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import fmean

from tqdm import tqdm

from study.cli.plan import metric_text, point_text, remaining_seconds, seconds_text
from study.ledger import (
    ORACLE,
    IterationEnded,
    TrialEnded,
    TrialEvent,
    TrialRecord,
    best_configuration,
    generator_of,
    trial_name,
)
from trainables.config import RunConfig

REFRESH_S = 0.2
REFRESH_SHARE = 0.05  # of the driver's time, at most: it looks at all trials


class Progress:
    """Listens to a driver and prints; the live line appears on terminals only."""

    def __init__(
        self, records: dict[int, TrialRecord], trials: int, run: RunConfig, concurrency: int, verbose: bool = False
    ) -> None:
        self._records, self._trials, self._run = records, trials, run
        self._concurrency, self._verbose = concurrency, verbose
        finished = sum(record.finished for record in records.values())
        self._bar = tqdm(
            total=trials, initial=finished, unit="trial", dynamic_ncols=True, leave=False, disable=None,
            bar_format="{desc}|{bar:20}| {postfix}",
        )  # fmt: skip
        self._next_refresh = 0.0
        self._refresh()

    def __call__(self, event: TrialEvent, record: TrialRecord) -> None:
        if isinstance(event, TrialEnded):
            self.say(trial_line(record))
            self._bar.update()
        elif isinstance(event, IterationEnded) and self._verbose:
            self.say(iteration_line(record, event.report))
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
        iterations = sum(len(record.iterations) for record in records)
        generator = self._run.pseudo_labels.generator
        found = [r.objective for r in records if generator_of(r, generator) != ORACLE]
        best = max((objective for objective in found if objective is not None), default=None)
        left = remaining_seconds(records, self._trials, self._run.refinement.iterations, self._concurrency)
        self._bar.set_description_str(f"{finished}/{self._trials} trials", refresh=False)
        self._bar.set_postfix_str(
            f"{running} running, {iterations} iterations, best {number_text(best)}, ETA {seconds_text(left)}"
        )
        now = time.monotonic()
        self._next_refresh = now + max(REFRESH_S, (now - started) / REFRESH_SHARE)


def trial_line(record: TrialRecord) -> str:
    """One line on a trial that ended."""
    head = f"{trial_name(record.number)}  {record.state:<13}"
    seed = f"  seed {record.seed}" if record.seed else ""
    point = f"  {point_text(record.params)}{seed}"
    if record.state not in ("completed", "pruned"):
        return f"{head}{point}: {record.reason}"
    where = f"iteration {record.best_iteration} of {len(record.iterations) - 1}"
    return f"{head}{number_text(record.objective):>6} at {where}  {seconds_text(record.seconds):>6}{point}"


def iteration_line(record: TrialRecord, report: dict[str, object]) -> str:
    """One line on a refinement iteration."""
    selection = report["selection"]
    assert isinstance(selection, dict)
    value, seconds = number_text(selection["map"]), report["seconds"]
    return f"{trial_name(record.number)}  iteration {report['iteration']}   {value:>6}  {seconds:.1f} s"


def number_text(value: float | None) -> str:
    """A percentage as tables show it."""
    return "-" if value is None else f"{value:.1f}"


def comparison(records: Sequence[TrialRecord], run: RunConfig) -> str:
    """M0 (iteration 0) against the best configuration, on all splits, with the rule that chose it."""
    generator = run.pseudo_labels.generator
    best = best_configuration(records, generator)
    oracles = [r for r in records if r.state == "completed" and generator_of(r, generator) == ORACLE]
    bound = f"the oracle ({_names(oracles)}) labels from the annotations: an upper bound, never the best"
    if not best:
        return bound if oracles else "no trial completed"
    splits = list(best[0].iterations[0]["map"])
    chosen = best[0].iterations[0]["selection"]["split"]
    splits.sort(key=lambda name: (name != chosen, name))
    over = f", mean over {len(best)} seeds" if len(best) > 1 else ""
    name = _names(best)
    width = max(len(name) + 6, 17)
    lines = [
        f"{metric_text(run)} in percent; {chosen} chose epoch, iteration and configuration "
        f"(rule: {run.selection.rule}){over}",
        " " * width + "".join(f"{split:>10}" for split in splits),
        f"{'M0 (iteration 0)':<{width}}" + _row(best, splits, [0] * len(best)),
        f"{'best: ' + name:<{width}}"
        + _row(best, splits, [record.best_iteration or 0 for record in best])
        + f"   {point_text(best[0].params)}",
    ]
    return "\n".join(lines + ([bound] if oracles else []))


def saved_text(records: Sequence[TrialRecord]) -> str | None:
    """How much the shared base models saved; None where they saved nothing."""
    saved = sum(record.saved_seconds for record in records)
    spent = sum(record.own_seconds for record in records)
    taken = sum(record.m0 is not None and not record.m0_trained for record in records)
    if not taken:
        return None
    return f"M0 was taken over by {taken} of {len(records)} trials: {100 * saved / (saved + spent):.0f} % compute saved"


def _names(records: Sequence[TrialRecord]) -> str:
    return ", ".join(trial_name(record.number) for record in records)


def _row(records: Sequence[TrialRecord], splits: Sequence[str], iterations: Sequence[int]) -> str:
    cells = []
    for split in splits:
        values = [
            report["map"][split]["selection_map"]
            for record, iteration in zip(records, iterations, strict=True)
            for report in record.iterations
            if report["iteration"] == iteration
        ]
        # An iteration whose ledger line is damaged has no number any more.
        cells.append(f"{fmean(values):>10.1f}" if len(values) == len(records) else f"{'?':>10}")
    return "".join(cells)
