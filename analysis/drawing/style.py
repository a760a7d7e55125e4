"""One look for all figures: a dict for ``matplotlib.rc_context``, colours and markers that survive colour blindness."""

from __future__ import annotations

from typing import Any

COLUMN_IN = 3.3  # width of one column of a two-column paper, inches; figures are drawn at print size
PAGE_IN = 6.9  # both columns
HEIGHT_IN = 2.0  # the rows of the title and of the legend are added to this
TITLE_ROW_IN = 0.14
LEGEND_ROW_IN = 0.13
TITLE_CHARACTERS = 52  # of a line as wide as the figure

PAPER: dict[Any, Any] = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 300,
    "font.size": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.2,
    "legend.labelspacing": 0.25,
    "legend.borderpad": 0.1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.88",
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "pdf.fonttype": 42,  # TrueType: text in the PDF stays text
    "svg.fonttype": "none",
}

GREY = "0.55"

# Okabe and Ito's palette; a generator keeps its colour and marker in every figure.
GENERATOR_LOOKS = {
    "uniform_random": ("#999999", "v"),
    "distribution_aware": ("#E69F00", "^"),
    "class_activation": ("#56B4E9", "s"),
    "attention": ("#009E73", "D"),
    "segment_prediction": ("#D55E00", "o"),
    "oracle": ("#000000", "*"),
}
_OTHERS = (("#0072B2", "P"), ("#CC79A7", "X"), ("#F0E442", "<"))

SEQUENTIAL = "viridis"  # perceptually even, also in grey


def look(generator: str) -> tuple[str, str]:
    """Colour and marker of a generator; one that is not known gets the same of the spare ones every time."""
    return GENERATOR_LOOKS.get(generator) or _OTHERS[sum(generator.encode()) % len(_OTHERS)]
