"""Numbers as values: what a study's trials amount to."""

from __future__ import annotations

from analysis.results.comparisons import (
    NumberTable,
    at_each_tiou,
    best_trials,
    eta_text,
    label_quality,
    label_quality_table,
    refinement_table,
    states_and_cost,
    threshold_table,
    tiou_columns,
    top_configurations,
    value_table,
    value_tables,
)
from analysis.results.generators import ORACLE, GeneratorTable, IterationTable, generator_table, iteration_table
from analysis.results.importance import EVALUATORS, Importance, importance_data, importances, optuna_study
from analysis.results.paper import Column, PaperTable, tables_for
from analysis.results.predictions import (
    Curve,
    Floats,
    TrialPredictions,
    best_predictions,
    precision_recall,
    telling_videos,
)
from analysis.results.statistics import (
    Summary,
    at_best_iteration,
    base_model,
    best_configuration,
    distinguishable,
    seed_interval,
)
from analysis.results.trace import BASE, configuration_text, label, short_key, trace, value_text
from analysis.results.video_bootstrap import video_interval

__all__ = [
    "BASE",
    "EVALUATORS",
    "ORACLE",
    "Column",
    "Curve",
    "Floats",
    "GeneratorTable",
    "Importance",
    "IterationTable",
    "NumberTable",
    "PaperTable",
    "Summary",
    "TrialPredictions",
    "at_best_iteration",
    "at_each_tiou",
    "base_model",
    "best_configuration",
    "best_predictions",
    "best_trials",
    "configuration_text",
    "distinguishable",
    "eta_text",
    "generator_table",
    "importance_data",
    "importances",
    "iteration_table",
    "label",
    "label_quality",
    "label_quality_table",
    "optuna_study",
    "precision_recall",
    "refinement_table",
    "seed_interval",
    "short_key",
    "states_and_cost",
    "tables_for",
    "telling_videos",
    "threshold_table",
    "tiou_columns",
    "top_configurations",
    "trace",
    "value_table",
    "value_tables",
    "value_text",
    "video_interval",
]
