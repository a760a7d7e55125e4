"""Optuna's interactive plots as HTML; the library and plotly load only when plots are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.results.importance import importances, optuna_study
from analysis.study import Study
from analysis.text import objective_name, short_keys, value_text

if TYPE_CHECKING:
    import optuna

SLICE_REM = 9  # width that a slice or an axis needs to be read
FEWEST_POINTS = 20  # of a contour
FEWEST_VALUES = 4  # of each of its keys: fewer are lines, between which a surface is made up
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # above: beside the plot it takes a phone's width


def search_plots(study: Study) -> list[tuple[str, str]]:
    """Titles and HTML without plotly.js; one trial per configuration, mean over its seeds."""
    from optuna import visualization

    made = optuna_study(study)
    if len(made.trials) < 2:
        return []
    keys = list(dict.fromkeys(key for trial in made.trials for key in trial.params))
    names = short_keys(keys)
    draw: dict[str, Callable[..., Any]] = {
        "History": visualization.plot_optimization_history,
        "Slices": visualization.plot_slice,
        "Parallel coordinates": visualization.plot_parallel_coordinate,
    }
    pair = _contour_keys(study, [trial.params for trial in made.trials])
    if pair:
        draw["Contours"] = partial(visualization.plot_contour, params=[names[key] for key in pair])
    widths = {"Contours": 32, "Slices": SLICE_REM * len(keys), "Parallel coordinates": SLICE_REM * (len(keys) + 1)}
    shown, objective = _renamed(made, names), f"refined {objective_name(study)}"
    return [(name, _html(name, plot(shown, target_name=objective), widths)) for name, plot in draw.items()]


def plotly_script() -> str:
    """plotly.js for a script element, which ends at the first ``</script``, wherever it stands."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().replace("</script", "<\\/script")


def _renamed(made: optuna.Study, names: Mapping[str, str]) -> optuna.Study:
    """The study with other names of parameters and readable words: the plots cut long names, and some of ours begin
    alike."""
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution

    def readable(distribution: BaseDistribution) -> BaseDistribution:
        if not isinstance(distribution, CategoricalDistribution):
            return distribution
        return CategoricalDistribution([value_text(choice) for choice in distribution.choices])

    copy = optuna.create_study(study_name=made.study_name, direction="maximize")
    for trial in made.trials:
        words = {key for key, kind in trial.distributions.items() if isinstance(kind, CategoricalDistribution)}
        copy.add_trial(
            optuna.trial.create_trial(
                params={names[k]: value_text(v) if k in words else v for k, v in trial.params.items()},
                distributions={names[key]: readable(kind) for key, kind in trial.distributions.items()},
                value=trial.value,
            )
        )
    return copy


def _contour_keys(study: Study, points: list[dict[str, Any]]) -> list[str]:
    """The two numbers that matter most, where the points support a surface over them; words have no order, so there is
    nothing between them."""
    ranked = next((list(one.shares) for one in importances(study)), [])
    pair = [key for key in ranked if all(isinstance(point.get(key), int | float) for point in points)][:2]
    values = [{point[key] for point in points} for key in pair]
    enough = len(points) >= FEWEST_POINTS and all(len(found) >= FEWEST_VALUES for found in values)
    return pair if enough and len(pair) == 2 else []


def _html(name: str, figure: Any, widths: dict[str, int]) -> str:
    for trace in figure.data:
        for part in (trace, getattr(trace, "line", None), getattr(trace, "marker", None)):
            bar = getattr(part, "colorbar", None)
            if bar is not None and bar.title.text:  # beside the plot: one long line would cover it
                bar.title.text = bar.title.text.replace(" ", "<br>", 2)
    figure.update_layout(
        title=None, margin={"l": 60, "r": 20, "t": 90, "b": 50}, autosize=True, width=None, legend=LEGEND
    )
    html = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"responsive": True, "displaylogo": False},
        default_width="100%", default_height="26rem", div_id=f"plot-{name.lower().replace(' ', '-')}",
    )  # fmt: skip
    # on a narrow screen a plot with many panels scrolls instead of shrinking
    return f'<div style="min-width: {widths.get(name, 0)}rem">{html}</div>'
