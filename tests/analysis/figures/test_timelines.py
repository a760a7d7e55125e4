"""Timelines: bars by meaning, and a legend that says it."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.timelines import MEANINGS, OTHER, OWN, draw_timelines, short_name, timeline_data
from analysis.results.predictions import TellingVideo, best_predictions
from analysis.study import load_study
from tests.analysis.prediction_folders import with_predictions


def test_bars_of_another_class_are_low_and_the_legend_says_so(tmp_path: Path) -> None:
    found = best_predictions(load_study(with_predictions(tmp_path / "s")))
    assert found is not None
    figure = Figure()
    draw_timelines(figure, found, [TellingVideo("best", "a", 100.0)])
    (ax,) = figure.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["ground truth", "M0", "pseudo labels", "η = 1"]
    heights = {to_hex(bar.get_facecolor()).upper(): bar.get_height() for bar in _bars(ax)}
    assert heights[OWN] > heights[OTHER]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(MEANINGS)
    assert ax.get_title(loc="left") == "best: a (x), +100.0 points"
    assert ax.get_xlim() == (0, 30)
    data = timeline_data(found, [TellingVideo("best", "a", 100.0)])
    assert data[data["track"] == "pseudo labels"]["label"].tolist() == ["foreground"]


def test_the_legend_names_nothing_that_is_not_drawn(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    (folder / "predictions" / "t0000.labels.csv").unlink()
    found = best_predictions(load_study(folder))
    assert found is not None
    figure = Figure()
    draw_timelines(figure, found, [TellingVideo("best", "a", 100.0)])
    assert "pseudo label" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_long_names_are_shortened() -> None:
    assert short_name("a" * 30) == "a" * 21 + "…"


def _bars(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]
