"""Figures of a study; ``python -m analysis.figures``."""

from __future__ import annotations

from analysis.drawing import Drawing, render, write_drawings
from analysis.figures.study_figures import figure_title, lead_drawing, study_drawings

__all__ = ["Drawing", "figure_title", "lead_drawing", "render", "study_drawings", "write_drawings"]
