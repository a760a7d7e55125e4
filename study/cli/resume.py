"""What may change between two sessions of a study, and what may not: settings, data, versions, budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from study.config import StudyConfig, parse_study
from study.ledger import OpenedStudy, SearchLimits, StudyStarted, TrialProposed
from trainables.config import Overrides
from trainables.datasets import DataCard
from trainables.errors import UserError
from trainables.json_types import JsonObject


def extended(
    study: StudyConfig, opened: OpenedStudy, num_samples: int | None, limits: SearchLimits | None = None
) -> StudyConfig:
    """With budget and limits of the last session, or with new ones; the budget must not be less than what was proposed.

    limits: those that are given anew, the others None.
    """
    events = opened.ledger.events
    budgets = [event.num_samples for event in events if isinstance(event, StudyStarted) and event.num_samples]
    proposed = len({event.trial for event in events if isinstance(event, TrialProposed)})
    wanted = num_samples or (budgets[-1] if budgets else study.num_samples)
    if num_samples and num_samples * study.seeds < proposed:
        raise UserError(
            f"--num-samples: study '{opened.name}' has {proposed} trials already; ask for "
            f"{-(-proposed // study.seeds)} configurations or more, got {num_samples}"
        )
    changes = _limits_of(opened) | {
        name: value for name, value in asdict(limits or SearchLimits()).items() if value is not None
    }
    return parse_study({**study.as_dict(), **changes, "num_samples": wanted}, "--resume")


def _limits_of(opened: OpenedStudy) -> JsonObject:
    """Those that sessions were given, the latest of each."""
    told: JsonObject = {}
    for event in opened.ledger.events:
        if isinstance(event, StudyStarted):
            told |= {name: value for name, value in event.limits.to_json().items() if value is not None}
    return told


def require_same_settings(opened: OpenedStudy) -> None:
    """A study continues with the settings that it started with; raises UserError that shows what is different."""
    began, now = opened.created_with, opened.settings
    if began is None:
        return
    for part, was, given in (("run", began.run, now.run), ("study", began.study, now.study)):
        before, after = _flat(was), _flat(given)
        for key in [*before, *after]:
            if before.get(key) != after.get(key):
                raise UserError(
                    f"--resume: {opened.folder.study_file}: {part}.{key}: was {before.get(key)!r} when study "
                    f"'{opened.name}' began and is {after.get(key)!r} now; put it back, or start a new study"
                )


def _flat(tree: Any, prefix: str = "") -> Overrides:
    """Dotted keys -> values."""
    if not isinstance(tree, Mapping):
        return {prefix.removesuffix("."): tree}
    return {key: value for name, part in tree.items() for key, value in _flat(part, f"{prefix}{name}.").items()}


def require_same_data(before: Mapping[str, Any], card: DataCard, opened: OpenedStudy) -> None:
    now = card.as_dict()
    remedy = "put the files back" if card.file else "give their folder with --data-dir"
    for key, what in (
        ("dimensions", "the width of the features"),
        ("content_hash", "the digest of names, labels, segments and features"),
    ):
        if before.get(key) != now[key]:
            raise UserError(
                f"--resume: the data are not those of study '{opened.name}': {what} was {before.get(key)} and is "
                f"{now[key]}; {remedy}, or start a new study"
            )


def version_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return [
        f"started with {name} {before[name]}, now running {now[name]}: numbers may differ in the last digits"
        for name in before
        if name in now and before[name] != now[name]
    ]
