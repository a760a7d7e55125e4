"""Pseudo labels against the annotation (refineloc.md, section 8)."""

from __future__ import annotations

from trainables.labels.sampling import Mask, background_share
from trainables.report import LabelQuality


def label_quality(foreground: Mask, truth: Mask) -> LabelQuality:
    """Counts, precision and recall of both classes (refineloc.md, section 8)."""
    true_foreground = int((foreground & truth).sum())
    true_background = int((~foreground & ~truth).sum())
    pseudo, real = int(foreground.sum()), int(truth.sum())
    total = len(truth)
    return LabelQuality(
        foreground=pseudo,
        background=total - pseudo,
        true_foreground=true_foreground,
        true_background=true_background,
        foreground_precision=_percent(true_foreground, pseudo),
        foreground_recall=_percent(true_foreground, real),
        background_precision=_percent(true_background, total - pseudo),
        background_recall=_percent(true_background, total - real),
        background_share=100 * background_share(foreground),
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
