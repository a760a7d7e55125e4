"""The settings of a study, as rows of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from analysis.settings import Dimension


class Facts(NamedTuple):
    """A table of facts: a heading for each column but the first (none for a single one), and rows as wide."""

    header: list[str]
    rows: list[list[str]]


def card_tables(card: Mapping[str, Any]) -> list[Facts]:
    """The data card: single facts in one table, and one with a column for each split."""
    single = [[_title(key), fact_text(value)] for key, value in card.items() if not _is_table(value)]
    tables = [Facts([], single)] if single else []
    for value in card.values():
        if _is_table(value):
            keys = dict.fromkeys(key for column in value.values() for key in column)
            rows = [[_title(key), *(fact_text(column.get(key)) for column in value.values())] for key in keys]
            tables.append(Facts([str(name) for name in value], rows))
    return tables


def dimension_text(dimension: Dimension) -> str:
    """``1, 2, 4``, or ``0.2 to 1.0, step 0.1``."""
    if dimension.choices is not None:
        text = ", ".join(map(str, dimension.choices))
    else:
        step = f", step {dimension.step:g}" if dimension.step else ""
        text = f"{dimension.low} to {dimension.high}{step}{', logarithmic' * dimension.log}"
    when = "; ".join(f"{key}: {', '.join(map(str, values))}" for key, values in dimension.when)
    return f"{text} (matters where {when})" if when else text


def fact_text(value: Any) -> str:
    """A value of the data card."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return "; ".join(f"{_title(key)}: {fact_text(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(fact_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(isinstance(item, Mapping) for item in value.values())


def _title(key: Any) -> str:
    return str(key).replace("_", " ")
