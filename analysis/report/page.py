"""``python -m analysis.report``: one self-contained HTML page per study, which asks the network for nothing."""

from __future__ import annotations

import base64
import shlex
import time
from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import Any

import yaml

from analysis.figures import figure_title, render, study_drawings
from analysis.report.checks import checks
from analysis.requests import why_empty
from analysis.results.importance import importances, optuna_study
from analysis.results.ranking import top_configurations
from analysis.results.statistics import seed_interval
from analysis.settings import Dimension
from analysis.study import Study
from analysis.tables import study_tables
from analysis.tables.grid import summary_text
from analysis.text import configuration_text, data_title, how_made, interval_text, number_text, objective_name
from study.ledger import trial_name

PIXELS_PER_INCH = 130  # of figures on the screen
MOST_FAILED = 50
SLICE_REM = 9  # width that a slice or an axis needs to be read
SECTIONS = (
    ("asked", "Asked"), ("data", "Data"), ("protocol", "Protocol"), ("checks", "Checks"), ("best", "Best"),
    ("tables", "Tables"), ("figures", "Figures"), ("search", "Search"), ("failed", "Failed"), ("rerun", "Rerun"),
    ("configuration", "Configuration"), ("versions", "Versions"),
)  # fmt: skip


def report_page(study: Study) -> str:
    """The whole page. A study without a completed trial shows what there is."""
    import jinja2

    text = (resources.files("analysis.report") / "report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(text).render(report_contents(study))


def report_contents(study: Study) -> dict[str, Any]:
    """What the page shows, by the names of its template."""
    empty = study.completed.empty
    plots = [] if empty else search_plots(study)
    failed = study.trials[~study.trials["state"].isin(["completed", "proposed", "running"])]
    absent = {"tables", "figures"} if empty else set()
    absent |= set() if plots else {"search"}
    return {
        "name": study.name,
        "summary": _summary(study),
        "sections": [(key, text) for key, text in SECTIONS if key not in absent],
        "description": study.settings.description,
        "command": study.settings.command or "not recorded",
        "space": [(key, _dimension_text(value)) for key, value in study.settings.space.items()],
        "card": [(key.replace("_", " "), _card_text(value)) for key, value in study.settings.card.items()],
        "protocol": "" if empty else " ".join(how_made(study)),
        "checks": checks(study),
        "empty": why_empty(study) if empty else "",
        "best": [] if empty else _best_rows(study),
        "tables": [] if empty else [grid for grid, _ in study_tables(study)],
        "figures": [] if empty else _figures(study),
        "plots": plots,
        "plotly_js": _plotly_js() if plots else "",
        "failed": _failed_rows(study, failed.head(MOST_FAILED)),
        "more_failed": max(0, len(failed) - MOST_FAILED),
        "rerun": f"python -m study.launch --study-dir {shlex.quote(str(study.folder.parent))} "
        f"--rerun {shlex.quote(study.name)} TRIAL",
        "configuration": yaml.safe_dump(dict(study.settings.run), sort_keys=False, allow_unicode=True),
        "versions": sorted(study.settings.versions.items()),
    }


def search_plots(study: Study) -> list[tuple[str, str]]:
    """Optuna's plotly figures as HTML without plotly.js; one trial per configuration, mean over its seeds."""
    from optuna import visualization

    made = optuna_study(study)
    if len(made.trials) < 2:
        return []
    keys = len({key for trial in made.trials for key in trial.params})
    draw: dict[str, Callable[..., Any]] = {"History": visualization.plot_optimization_history}
    draw["Slices"] = visualization.plot_slice
    draw["Parallel coordinates"] = visualization.plot_parallel_coordinate
    important = next((list(one.shares)[:2] for one in importances(study)), [])
    if important:  # of all pairs, the one that matters most
        draw["Contours"] = partial(visualization.plot_contour, params=important)
    widths = {"Contours": 32, "Slices": SLICE_REM * keys, "Parallel coordinates": SLICE_REM * (keys + 1)}
    plots = []
    for name, plot in draw.items():
        figure = plot(made, target_name=objective_name(study))
        figure.update_layout(title=None, margin={"l": 50, "r": 20, "t": 30, "b": 40}, autosize=True, width=None)
        html = figure.to_html(
            full_html=False, include_plotlyjs=False, config={"responsive": True, "displaylogo": False},
            default_width="100%", default_height="26rem", div_id=f"plot-{name.lower().replace(' ', '-')}",
        )  # fmt: skip
        # on a narrow screen a plot with many panels scrolls instead of shrinking
        plots.append((name, f'<div style="min-width: {widths.get(name, 0)}rem">{html}</div>'))
    return plots


def _summary(study: Study) -> str:
    counts = study.trials["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no trial yet"
    created = study.settings.created
    begun = f", begun {time.strftime('%Y-%m-%d %H:%M', time.localtime(created))}" if created else ""
    asked = study.settings.num_trials
    budget = f" of {asked} asked for" if asked else ""
    return f"{data_title(study)}{begun}. {len(study.trials)} trials{budget}: {states}."


def _best_rows(study: Study) -> list[list[str]]:
    return [
        [
            configuration_text(one.configuration, generator=True),
            number_text(one.selection),
            summary_text(one.test, one.test.n if one.test else 0),
            interval_text(seed_interval(one.test) if one.test else None),
            ", ".join(map(str, one.seeds)),
            ", ".join(map(trial_name, one.trials)),
        ]
        for one in top_configurations(study, 5)
    ]


def _figures(study: Study) -> list[dict[str, Any]]:
    return [
        {
            "about": drawing.about,
            "width": round(drawing.width * PIXELS_PER_INCH),
            "png": base64.b64encode(render(drawing, figure_title(study), ["png"])["png"]).decode(),
        }
        for drawing in study_drawings(study)
    ]


def _failed_rows(study: Study, failed: Any) -> list[list[str]]:
    return [
        [trial_name(row["trial"]), str(row["state"]), str(row["reason"] or ""),
         configuration_text(row["configuration"], generator=True)]
        for row in failed.to_dict("records")
    ]  # fmt: skip


def _dimension_text(dimension: Dimension) -> str:
    if dimension.choices is not None:
        text = ", ".join(map(str, dimension.choices))
    else:
        step = f", step {dimension.step:g}" if dimension.step else ""
        text = f"{dimension.low} to {dimension.high}{step}{', logarithmic' * dimension.log}"
    when = "; ".join(f"{key}: {', '.join(map(str, values))}" for key, values in dimension.when)
    return f"{text} (matters where {when})" if when else text


def _card_text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key.replace('_', ' ')}: {_card_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_card_text, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plotly_js() -> str:
    from plotly.offline import get_plotlyjs

    # a script element ends at the first "</script", wherever it stands
    return get_plotlyjs().replace("</script", "<\\/script")
