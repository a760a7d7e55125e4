"""Pseudo labels against the annotation of the training videos, percent; nothing where they have none."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.results.number_table import NumberTable
from analysis.results.refinement import best_trials
from analysis.results.statistics import Summary, best_configuration, over_seeds, with_lines
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import generator_order

QUALITIES = ("foreground_precision", "foreground_recall", "background_precision", "background_recall")
NUMBER = "label_quality"

ByIteration = dict[int, Summary]
LabelQuality = dict[str, ByIteration]
"""By quality, then iteration (from 1): of the labels that trained that iteration."""


def label_quality(study: Study, trials: pd.DataFrame, split: str = "train") -> LabelQuality:
    """Each of QUALITIES over the seeds of one configuration."""
    rows = with_lines(study.iterations[study.iterations["trial"].isin(trials["trial"])])
    rows = rows[[isinstance(labels, Mapping) and isinstance(labels.get(split), Mapping) for labels in rows["labels"]]]
    found: LabelQuality = {quality: {} for quality in QUALITIES}
    for iteration, group in rows.groupby("iteration"):
        for quality in QUALITIES:
            # The nullable type: None is a missing number, also where there is nothing but None.
            values = pd.array([labels[split].get(quality) for labels in group["labels"]], dtype="Float64")
            summary = over_seeds(group.assign(**{NUMBER: values}), NUMBER)
            if summary is not None:
                found[quality][int(str(iteration))] = summary
    return found


def generator_label_quality(study: Study) -> dict[str, LabelQuality]:
    """Of the best configuration of each generator that has any."""
    done, found = study.completed, {}
    for generator in generator_order(list(done[GENERATOR].unique())):
        quality = label_quality(study, best_configuration(done[done[GENERATOR] == generator]))
        if any(quality.values()):
            found[generator] = quality
    return found


def label_quality_data(found: Mapping[str, LabelQuality]) -> pd.DataFrame:
    """One row per generator, quality and iteration."""
    return pd.DataFrame(
        [
            {"generator": generator, "quality": name, "iteration": i, "percent": s.mean, "std": s.std, "num_seeds": s.n}
            for generator, quality in found.items()
            for name, by_iteration in quality.items()
            for i, s in by_iteration.items()
        ]
    )


def label_quality_table(study: Study) -> NumberTable | None:
    """Of the best configuration over iterations; None when the ledger has none."""
    found = label_quality(study, best_trials(study))
    iterations = sorted({iteration for by in found.values() for iteration in by})
    if not iterations:
        return None
    return NumberTable(
        name="label_quality",
        what="Pseudo labels against the annotation, best configuration",
        corner="η",
        spanner="",
        rows=[str(iteration) for iteration in iterations],
        columns=[quality.replace("_", " ") for quality in QUALITIES],
        cells=[[found[quality].get(iteration) for quality in QUALITIES] for iteration in iterations],
        competing=[False] * len(iterations),
        remarks=["By snippet; the labels that trained iteration η. The method never sees this annotation"],
        number=NUMBER,
        metric="precision and recall",
        best_by_column=False,
        split="training",
    )
