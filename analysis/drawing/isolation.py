"""Figures are the same on every machine: they depend on neither the user's matplotlib settings nor a notebook's."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

BACKEND = "MPLBACKEND"
# Families that have what DejaVu Sans lacks, as they are called on Linux, macOS and Windows; those that are there serve.
FALLBACK_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK KR", "Noto Sans JP", "Noto Sans SC", "Source Han Sans",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "IPAexGothic", "IPAGothic", "NanumGothic",
    "Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo", "Arial Unicode MS", "Yu Gothic", "Meiryo",
    "Microsoft YaHei", "SimHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai",
)  # fmt: skip


def import_matplotlib() -> None:
    """Import it although MPLBACKEND may name a package that is not installed here.

    A notebook sets that variable for all commands that it starts, and matplotlib cannot be imported then. No figure
    here needs an interactive backend; one that can be had stays that of the process.
    """
    backend = os.environ.pop(BACKEND, None)
    try:
        import matplotlib
    finally:
        if backend is not None:
            os.environ[BACKEND] = backend
    if backend:
        with contextlib.suppress(ValueError):
            matplotlib.rcParams["backend"] = backend


@contextlib.contextmanager
def isolated_style(look: dict[Any, Any]) -> Iterator[None]:
    """matplotlib's own defaults and ``look``, whatever its settings file says; text is text, without formulas."""
    from matplotlib import style

    text = {"text.usetex": False, "text.parse_math": False, "font.family": ["DejaVu Sans", *_fallback_fonts()]}
    with style.context(["default", {**look, **text}]), warnings.catch_warnings():
        # A character that no font here has is drawn as a box, without a word on the terminal.
        warnings.filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        yield


@cache
def _fallback_fonts() -> list[str]:
    from matplotlib import font_manager

    known = set(font_manager.fontManager.get_font_names())
    return [name for name in FALLBACK_FONTS if name in known]
