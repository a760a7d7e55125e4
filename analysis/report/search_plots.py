"""Optuna's interactive plots as HTML; the library and plotly load only when plots are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from analysis.results.importance import importances, optuna_study
from analysis.study import Study
from analysis.text import objective_name, short_key

SLICE_REM = 9  # width that a slice or an axis needs to be read
FEWEST_POINTS = 10  # of a contour
FEWEST_VALUES = 3  # of each of its keys: fewer are lines, between which a surface is made up


def search_plots(study: Study) -> list[tuple[str, str]]:
    """Titles and HTML without plotly.js; one trial per configuration, mean over its seeds."""
    from optuna import visualization

    made = optuna_study(study)
    if len(made.trials) < 2:
        return []
    keys = len({key for trial in made.trials for key in trial.params})
    draw: dict[str, Callable[..., Any]] = {
        "History": visualization.plot_optimization_history,
        "Slices": visualization.plot_slice,
        "Parallel coordinates": visualization.plot_parallel_coordinate,
    }
    pair = _contour_keys(study, [trial.params for trial in made.trials])
    if pair:
        draw["Contours"] = partial(visualization.plot_contour, params=pair)
    widths = {"Contours": 32, "Slices": SLICE_REM * keys, "Parallel coordinates": SLICE_REM * (keys + 1)}
    return [
        (name, _html(name, plot(made, target_name=f"refined {objective_name(study)}"), widths))
        for name, plot in draw.items()
    ]


def plotly_script() -> str:
    """plotly.js for a script element, which ends at the first ``</script``, wherever it stands."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().replace("</script", "<\\/script")


def _contour_keys(study: Study, points: list[dict[str, Any]]) -> list[str]:
    """The two keys that matter most, where the points support a surface over them."""
    pair = next((list(one.shares)[:2] for one in importances(study)), [])
    inside = [point for point in points if all(key in point for key in pair)]
    values = [{point[key] for point in inside} for key in pair]
    enough = len(inside) >= FEWEST_POINTS and all(len(found) >= FEWEST_VALUES for found in values)
    return pair if enough and len(pair) == 2 else []


def _html(name: str, figure: Any, widths: dict[str, int]) -> str:
    def shown(text: str | None) -> str | None:
        return short_key(text) if text and "." in text else text

    figure.for_each_xaxis(lambda axis: axis.update(title_text=shown(axis.title.text)))
    figure.for_each_yaxis(lambda axis: axis.update(title_text=shown(axis.title.text)))
    for trace in figure.data:
        for dimension in getattr(trace, "dimensions", None) or ():
            dimension.label = shown(dimension.label)
    figure.update_layout(title=None, margin={"l": 60, "r": 20, "t": 40, "b": 50}, autosize=True, width=None)
    html = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"responsive": True, "displaylogo": False},
        default_width="100%", default_height="26rem", div_id=f"plot-{name.lower().replace(' ', '-')}",
    )  # fmt: skip
    # on a narrow screen a plot with many panels scrolls instead of shrinking
    return f'<div style="min-width: {widths.get(name, 0)}rem">{html}</div>'
