"""The best points of an earlier study, for one that begins with them (``study.launch --from NAME``)."""

from __future__ import annotations

from pathlib import Path

from study.config import StudyConfig, parse_study, varied_thresholds, why_outside
from study.ledger import open_study, ranked_configurations, trial_name, trial_records
from trainables.config import GENERATOR, Thresholds
from trainables.errors import UserError

TAKEN = 4  # a quarter of a small search: the sampler needs the rest to look elsewhere


def with_points_of(
    study: StudyConfig, study_dir: Path, name: str, thresholds: Thresholds = "labels"
) -> tuple[StudyConfig, str]:
    """The study with the best points of study ``name`` as its first ones, and a sentence that names them.

    thresholds: whose the study varies; a pair of another study may mean others under the same keys.

    By the ranking of ``study.ledger``. Their results are not taken over: those of other data or seeds are no results of
    this study. Raises UserError where there is none, or one lies outside of the space.
    """
    source = f"--from {name}"
    if study.exhaustive:
        raise UserError(
            f"{source}: sampler {study.sampler} goes through all points; leave --from out, or set --sampler"
        )
    earlier = open_study(study_dir, name, "--from")
    before = earlier.settings.run_value("thresholds") or "labels"
    if before != thresholds and varied_thresholds(study):
        raise UserError(
            f"{source}: varies the thresholds of {before}, study '{study.name}' those of {thresholds}: a pair means "
            f"something else in it; set --thresholds {before}, or leave --from out"
        )
    records = trial_records(earlier.ledger.events)
    ranked = ranked_configurations(records, earlier.settings.run_value(GENERATOR))[:TAKEN]
    if not ranked:
        raise UserError(
            f"{source}: no trial of it has completed with a number to rank by; resume it, or leave --from out"
        )
    for replicates in ranked:
        outside = why_outside(study.space, replicates[0].params)
        if outside:
            raise UserError(
                f"{source}: the point of {trial_name(replicates[0].number)} is not one of study '{study.name}': "
                f"{outside}; take a --study of the same space"
            )
    points = [replicates[0].params for replicates in ranked]
    trials = ", ".join(trial_name(replicates[0].number) for replicates in ranked)
    told = f"the best points of study {earlier.name} ({trials}) are tried first"
    known = [*study.first_points, *points]
    return parse_study({**study.as_dict(), "first_points": known}, source), told
