"""Captions, names of things, numbers as text."""

from __future__ import annotations

from analysis.text.captions import (
    BASE_MODELS,
    caption,
    chosen_on_test,
    data_title,
    generator_name,
    generator_order,
    metric_name,
    what_is_chosen,
)

__all__ = [
    "BASE_MODELS",
    "caption",
    "chosen_on_test",
    "data_title",
    "generator_name",
    "generator_order",
    "metric_name",
    "what_is_chosen",
]
