"""Numbers of things in words."""

from __future__ import annotations


def count_text(count: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{count} {noun}{'s' * (count != 1)}"
