"""What earlier sessions proposed and found, given to the search again in the order in which it depended on it."""

from __future__ import annotations

from collections.abc import Callable

from study.driver.plan import TrialPlan
from study.ledger import Configuration, TrialRecord

EndTrial = Callable[[TrialRecord], None]


def restore(plan: TrialPlan, complete: EndTrial, prune_if_due: EndTrial) -> None:
    """Bring a plan to where the records of its ledger are, as in an uninterrupted study.

    complete, prune_if_due: end a trial that was killed between its last iteration's line and the line of its end.
    """
    # Trials first get their places; then the search is handed all results, which reach Optuna
    # no sooner than in the first session: as points are taken in, in number order. Pruning comes last: it
    # compares with results that have to be known.
    _place_records(plan, complete)
    for configuration in plan.replicates:
        plan.tell(configuration)
    for configuration in range(max(plan.replicates, default=-1) + 1):
        _restore_configuration(plan, configuration)
    for record in plan.recorder.records.values():
        if not record.finished and record.iterations:
            prune_if_due(record)


def _place_records(plan: TrialPlan, complete: EndTrial) -> None:
    """Every trial up to the last one in its configuration; damaged lines leave gaps, which are filled."""
    recorder = plan.recorder
    for number in range(max(recorder.records, default=-1) + 1):
        record = recorder.record(number)
        if record.configuration is None:
            record.configuration = number // plan.study.seeds
        plan.place(record)
        if record.iterations and record.iterations[-1].finished and not record.finished:
            complete(record)


def _restore_configuration(plan: TrialPlan, number: int) -> None:
    """As it was declared; proposed again, which gives the same, where the lines that declared it are damaged."""
    replicates = plan.replicates.setdefault(number, [])
    declared = next((record for record in replicates if record.declared), None)
    if declared is not None:
        configuration = declared.point
        plan.proposals.restore(configuration.params, configuration.repeats)
    else:
        proposal = plan.proposals.propose_again()
        if proposal is None:
            return
        configuration = proposal
    for seed, record in enumerate(replicates):
        if not record.declared:
            repeats = () if seed else configuration.repeats
            point = Configuration(number, configuration.params, configuration.origin, repeats)
            plan.declare(record.number, point, seed)
