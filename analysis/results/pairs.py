"""Two studies, paired by configuration and seed. All mAP are percent on the test split.

Configurations are the same where every searched value is, and where these values mean the same: αA and αC are the
thresholds of the pseudo labels, of the predictions or of both, by the setting ``thresholds`` of their study.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.results.refinement import best_trials
from analysis.results.statistics import (
    PairedDifference,
    Summary,
    at_best_iteration,
    bootstrap_interval,
    paired_difference,
    ranked_trials,
)
from analysis.settings import THRESHOLD_KEYS, THRESHOLD_PAIRS, lookup
from analysis.study import Study
from analysis.text import chosen_on_test, data_title, metric_name, threshold_owner, value_text
from trainables.commands import typed

MOST_SETTINGS = 12  # that differ, told one by one
FEWEST_CONFIGURATIONS = 3  # for an interval
BOTH = "both"

Values = tuple[tuple[str, Any], ...]
"""Searched keys and values: equal where the numbers are, as 4 and 4.0, which their texts are not."""


class PairedConfiguration(NamedTuple):
    """One configuration that both ran, over the seeds that each has; difference: second - first on common seeds."""

    configuration: str
    first: Summary
    second: Summary
    difference: PairedDifference


class Pairs(NamedTuple):
    """names: of the studies. chosen_on_test: whether their numbers were chosen on the split that they are of. rows: by
    the first study's selection objective, best first. overall: mean of the configurations' differences, percentage
    points; interval: 95 %, bootstrap over configurations, None with fewer than FEWEST_CONFIGURATIONS. best: the best
    configuration of each study, whether the other ran it or not. unpaired: configurations with a number that only the
    first, and only the second study ran. remarks: what is not the same in the two, in words."""

    names: tuple[str, str]
    chosen_on_test: tuple[bool, bool]
    rows: list[PairedConfiguration]
    overall: float | None
    interval: tuple[float, float] | None
    best: tuple[Summary | None, Summary | None]
    best_difference: PairedDifference | None
    unpaired: tuple[int, int]
    remarks: tuple[str, ...] = ()

    @property
    def marked_names(self) -> tuple[str, str]:
        """Names with † where numbers were chosen on the test split."""
        first, second = (f"{name}{'†' * is_so}" for name, is_so in zip(self.names, self.chosen_on_test, strict=True))
        return first, second


def why_not_comparable(first: Study, second: Study) -> str | None:
    """In words; None for studies whose numbers have one meaning."""
    for study in (first, second):
        if study.completed.empty:
            return f"{study.name} has no completed trial to compare; {typed('status')} {study.name} tells why"
        if not study.has_test_map:
            return f"{study.name} has no test mAP to compare"
    one, two = metric_name(first), metric_name(second)
    if one != two:
        return (
            f"{first.name} is measured by {one}, {second.name} by {two}; compare studies with the same selection "
            "thresholds"
        )
    return None


def paired_studies(first: Study, second: Study) -> Pairs:
    """Second - first, of studies that are comparable."""
    differ = _thresholds_differ(first, second)
    one, two = (_by_configuration(study, differ) for study in (first, second))
    rows = []
    for values in one:
        difference = paired_difference(two[values], one[values]) if values in two else None
        if difference is not None:
            text = json.dumps(dict(values), sort_keys=True)
            rows.append(PairedConfiguration(text, one[values], two[values], difference))
    means = np.array([row.difference.mean for row in rows])
    best = tuple(at_best_iteration(best_trials(study)) for study in (first, second))
    return Pairs(
        names=(first.name, second.name),
        chosen_on_test=(chosen_on_test(first), chosen_on_test(second)),
        rows=rows,
        overall=float(means.mean()) if len(means) else None,
        interval=bootstrap_interval(means) if len(means) >= FEWEST_CONFIGURATIONS else None,
        best=(best[0], best[1]),
        best_difference=paired_difference(best[1], best[0]) if best[0] and best[1] else None,
        unpaired=(len(one.keys() - two.keys()), len(two.keys() - one.keys())),
        remarks=tuple(_remarks(first, second, differ)),
    )


def pairs_data(pairs: Pairs) -> pd.DataFrame:
    """One row per configuration and common seed."""
    rows = []
    for row in pairs.rows:
        one, two = (
            dict(zip(s.seeds, zip(s.values, s.trials, strict=True), strict=True)) for s in (row.first, row.second)
        )
        rows += [
            {"first": pairs.names[0], "second": pairs.names[1], "configuration": row.configuration, "seed": seed,
             "first_trial": one[seed][1], "second_trial": two[seed][1], "first_test_map": one[seed][0],
             "second_test_map": two[seed][0], "difference": two[seed][0] - one[seed][0]}
            for seed in row.difference.seeds
        ]  # fmt: skip
    columns = ["first", "second", "configuration", "seed", "first_trial", "second_trial", "first_test_map",
               "second_test_map", "difference"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _thresholds_differ(first: Study, second: Study) -> bool:
    """Whether αA and αC of the two, which one of them at least varies, are not the thresholds of the same thing."""
    searched = {*first.settings.space, *second.settings.space, *first.trials.columns, *second.trials.columns}
    return first.settings.thresholds != second.settings.thresholds and bool(searched & set(THRESHOLD_KEYS))


def _remarks(first: Study, second: Study, thresholds_differ: bool) -> Iterator[str]:
    one, two = (_data_text(study) for study in (first, second))
    if one != two:
        yield f"The studies ran on different data ({one} / {two}): the difference is that of the data, too"
    if thresholds_differ:
        of_first, of_second = (
            threshold_owner(study.settings.thresholds, study.settings.space) for study in (first, second)
        )
        yield (
            f"αA and αC are the thresholds of {of_first} in {first.name}, and of {of_second} in {second.name}: "
            "configurations are paired only where the thresholds of labels and predictions are all equal"
        )
    differing = list(_differing_settings(first, second))
    if differing:
        more = len(differing) - MOST_SETTINGS
        rest = [f"and {more} more"] if more > 0 else []
        yield (
            f"Settings that differ ({first.name} / {second.name}), apart from what is searched: "
            f"{'; '.join([*differing[:MOST_SETTINGS], *rest])}"
        )


def _data_text(study: Study) -> str:
    """Title and digest of the features."""
    digest = study.settings.card.get("content_hash")
    return data_title(study) + (f", features {str(digest)[:8]}" if digest else "")


def _differing_settings(first: Study, second: Study) -> Iterator[str]:
    """``training.epochs 40 / 60``, of the settings that both have; how a trial is computed changes no number."""
    one, two = (dict(_leaves(study.settings.run)) for study in (first, second))
    searched = {*first.settings.space, *second.settings.space}
    for key, value in one.items():
        if key in two and two[key] != value and key not in searched and not key.startswith("compute."):
            yield f"{key} {value_text(value)} / {value_text(two[key])}"


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _with_all_thresholds(study: Study, params: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the four thresholds that its trials used, searched or not."""
    params = dict(params)
    for of_labels, of_predictions in THRESHOLD_PAIRS:
        given = {key: params[key] for key in (of_labels, of_predictions) if key in params}
        if study.settings.thresholds == BOTH and len(given) == 1:  # one pair, which the trials name once
            given = dict.fromkeys((of_labels, of_predictions), *given.values())
        fixed = {key: lookup(study.settings.run, *key.split(".")) for key in (of_labels, of_predictions)}
        params |= fixed | given
    return params


def _by_configuration(study: Study, all_thresholds: bool) -> dict[Values, Summary]:
    """Test mAP of each configuration over its seeds, in the order of their selection objective."""
    done = study.completed
    order = {
        ranked.replicates[0].point: [replicate.trial for replicate in ranked.replicates]
        for ranked in ranked_trials(done)
    }
    found: dict[Values, Summary] = {}
    for configuration, numbers in order.items():
        params, summary = json.loads(configuration), at_best_iteration(done[done["trial"].isin(numbers)])
        if summary is not None:
            whole = _with_all_thresholds(study, params) if all_thresholds else params
            found.setdefault(tuple(sorted(whole.items())), summary)
    return found
