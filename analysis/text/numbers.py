"""Numbers as text, for tables, pages and JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

DASH = "\N{EN DASH}"


def number_text(value: float | None, decimals: int = 2, signed: bool = False) -> str:
    """``48.21``; a dash for a number that is absent."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:{'+' * signed}.{decimals}f}"


def interval_text(interval: tuple[float, float] | None, signed: bool = False) -> str:
    """``47.10 to 49.30``; a dash where there is none."""
    return DASH if interval is None else " to ".join(number_text(bound, signed=signed) for bound in interval)


def eta_text(etas: Iterable[int]) -> str:
    """``η = 3``, or ``η = 3, 2, 4`` by seed."""
    return f"η = {', '.join(map(str, etas))}"


def threshold_text(column: float | str) -> str:
    """A tIoU or its column's name: ``0.5``, ``average``."""
    return column if isinstance(column, str) else f"{column:g}"


def finite(value: Any) -> Any:
    """``value`` as JSON can hold it: null for NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value
