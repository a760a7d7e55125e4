"""Captions, names of things, numbers as text."""

from __future__ import annotations

from analysis.text.captions import (
    caption,
    chosen_on_test,
    data_title,
    evaluation_text,
    how_made,
    metric_name,
    metric_on_test,
    objective_name,
    objective_of,
    what_is_chosen,
)
from analysis.text.names import (
    BASE,
    BASE_MODELS,
    M0_MARK,
    ORACLE,
    SIMILAR,
    configuration_text,
    generator_name,
    generator_order,
    label,
    short_key,
    short_keys,
    threshold_owner,
    value_text,
)
from analysis.text.numbers import DASH, eta_text, finite, interval_text, number_text, threshold_text
from trainables.counts import count_text

__all__ = [
    "BASE",
    "BASE_MODELS",
    "DASH",
    "M0_MARK",
    "ORACLE",
    "SIMILAR",
    "caption",
    "chosen_on_test",
    "configuration_text",
    "count_text",
    "data_title",
    "eta_text",
    "evaluation_text",
    "finite",
    "generator_name",
    "generator_order",
    "how_made",
    "interval_text",
    "label",
    "metric_name",
    "metric_on_test",
    "number_text",
    "objective_name",
    "objective_of",
    "short_key",
    "short_keys",
    "threshold_owner",
    "threshold_text",
    "value_text",
    "what_is_chosen",
]
