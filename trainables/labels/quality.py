"""Pseudo labels against the annotation (refineloc.md, section 8)."""

from __future__ import annotations

from trainables.labels.sampling import Mask, background_share
from trainables.report import LabelQuality


def label_quality(foreground: Mask, truth: Mask, known: Mask | None = None) -> LabelQuality:
    """Counts, precision and recall of both classes (refineloc.md, section 8).

    known: snippets whose truth is known, None: all. Only these are compared; where there are none, the numbers that
    need the truth do not exist.
    """
    marked, every = int(foreground.sum()), len(foreground)
    share = 100 * background_share(foreground)
    if known is not None and not known.any():
        return LabelQuality(
            foreground=marked,
            background=every - marked,
            true_foreground=None,
            true_background=None,
            foreground_precision=None,
            foreground_recall=None,
            background_precision=None,
            background_recall=None,
            background_share=share,
        )
    if known is not None:
        foreground, truth = foreground[known], truth[known]
    true_foreground = int((foreground & truth).sum())
    true_background = int((~foreground & ~truth).sum())
    pseudo, real = int(foreground.sum()), int(truth.sum())
    total = len(truth)
    return LabelQuality(
        foreground=marked,
        background=every - marked,
        true_foreground=true_foreground,
        true_background=true_background,
        foreground_precision=_percent(true_foreground, pseudo),
        foreground_recall=_percent(true_foreground, real),
        background_precision=_percent(true_background, total - pseudo),
        background_recall=_percent(true_background, total - real),
        background_share=share,
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
