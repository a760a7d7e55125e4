"""The page of a study: the answer first, then what supports it, settings last."""

from __future__ import annotations

import base64
import time
from collections.abc import Container, Sequence
from importlib import resources
from typing import Any, NamedTuple

import yaml

from analysis.drawing import fewer_colours
from analysis.figures import Drawing, figure_title, lead_drawing, render, study_drawings
from analysis.figures.pairs import pair_drawing
from analysis.report.checks import checks
from analysis.report.result import cost_sentence, result_sentences
from analysis.report.search_plots import plotly_script, search_plots
from analysis.report.settings import card_tables, dimension_text
from analysis.report.timelines import Timelines, timelines
from analysis.report.trials import MOST_TRIALS, rerun_command, shown_trials, trial_rows
from analysis.requests import why_empty
from analysis.results.pairs import paired_studies, why_not_comparable
from analysis.study import Study
from analysis.tables import Cell, Grid, study_tables, text_columns
from analysis.tables.pair_table import pair_table
from analysis.text import DASH, count_text, data_title, how_made, metric_name, objective_of
from study.ledger import trial_name
from trainables.commands import typed

PIXELS_PER_INCH = 130  # of figures on the screen
SECTIONS = (
    ("result", "Result"), ("checks", "Checks"), ("tables", "Tables"), ("comparison", "Comparison"),
    ("figures", "Figures"), ("timelines", "Timelines"), ("trials", "Trials"), ("search", "Search"),
    ("made", "How these numbers were made"), ("settings", "Settings"),
)  # fmt: skip


class PageCell(NamedTuple):
    """A cell with the trials that its number rests on. trial: the first of them that the page shows, empty for none."""

    text: str
    mark: str
    trial: str
    trials: str


class PageTable(NamedTuple):
    """names: of the columns where they stand beside each cell. words: which columns line up by their beginnings."""

    caption: str
    spanner: str
    header: list[str]
    words: list[bool]
    names: list[str]
    rows: list[list[PageCell]]
    notes: Sequence[str]


class Picture(NamedTuple):
    """A figure: width in pixels, png in base 64."""

    name: str
    about: str
    width: int
    png: str


class Comparison(NamedTuple):
    """With another study; no figure where nothing can be paired, nothing but remarks where nothing may be."""

    table: PageTable | None
    figure: Picture | None
    remarks: Sequence[str]


class Results(NamedTuple):
    """What only a study with a completed trial has. lead: the first figure."""

    result: Sequence[str] = ()
    cost: str = ""
    lead: Picture | None = None
    made: Sequence[str] = ()
    tables: Sequence[PageTable] = ()
    figures: Sequence[Picture] = ()
    plots: Sequence[tuple[str, str]] = ()
    plotly_js: str = ""
    timelines: Timelines | None = None


def report_page(study: Study, others: Sequence[Study] = (), refresh_s: int = 0) -> str:
    """The whole page. A study without a completed trial shows what there is.

    others: studies to compare it with. refresh_s: how often a browser loads the page anew, 0 for never.
    """
    import jinja2

    text, script = (
        (resources.files("analysis.report") / name).read_text(encoding="utf-8") for name in ("report.html", "report.js")
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(text).render(report_contents(study, others), refresh_s=refresh_s, script=script)


def report_contents(study: Study, others: Sequence[Study] = ()) -> dict[str, Any]:
    """What the page shows, by the names of its template."""
    empty, settings, objective = study.completed.empty, study.settings, objective_of(study)
    contents = {
        "name": study.name,
        "summary": _summary(study),
        "empty": why_empty(study) if empty else "",
        "checks": checks(study),
        "trials": trial_rows(study),
        "more_trials": max(0, len(study.trials) - MOST_TRIALS),
        "selection_column": objective.name if objective.signal else "selection",
        "selection_meaning": objective.recorded,
        "description": settings.description,
        "command": settings.command or "not recorded",
        "space": [(key, dimension_text(value)) for key, value in settings.space.items()],
        "card": card_tables(settings.card),
        "rerun": rerun_command(study, "TRIAL"),
        "status": typed("status"),
        "configuration": yaml.safe_dump(dict(settings.run), sort_keys=False, allow_unicode=True),
        "versions": sorted(settings.versions.items()),
        **(Results() if empty else _results(study))._asdict(),
        "comparisons": [] if empty else _comparisons(study, others),
    }
    shown = {"tables": contents["tables"], "figures": contents["figures"], "search": contents["plots"],
             "timelines": contents["timelines"], "made": contents["made"],
             "comparison": contents["comparisons"]}  # fmt: skip
    return contents | {"sections": [(key, text) for key, text in SECTIONS if shown.get(key, True)]}


def _results(study: Study) -> Results:
    plots = search_plots(study)
    first = lead_drawing(study)
    lead, shown = first.name if first else "", shown_trials(study)
    return Results(
        result=result_sentences(study),
        cost=cost_sentence(study),
        lead=_picture(study, first) if first else None,
        made=how_made(study),
        tables=[_linked(grid, shown) for grid, _ in study_tables(study)],
        figures=[_picture(study, drawing) for drawing in study_drawings(study) if drawing.name != lead],
        plots=plots,
        plotly_js=plotly_script() if plots else "",
        timelines=timelines(study),
    )


def _comparisons(study: Study, others: Sequence[Study]) -> list[Comparison]:
    """The study against each of the others that has a completed trial."""
    found = []
    for other in others:
        reason = None if other.completed.empty else why_not_comparable(other, study)
        if reason is not None:
            found.append(Comparison(None, None, [f"Not compared: {reason}"]))
        elif not other.completed.empty:
            pairs, metric = paired_studies(other, study), metric_name(study)
            drawing = pair_drawing(pairs, metric)
            figure = _picture(study, drawing) if drawing else None
            table = _linked(pair_table(pairs, metric)[0], shown_trials(study))
            found.append(Comparison(_without_links(table, 1), figure, pairs.remarks))
    return found


def _without_links(table: PageTable, column: int) -> PageTable:
    """Of numbers whose trials are not on this page."""
    rows = [[cell._replace(trial="", trials="") if c == column else cell for c, cell in enumerate(row)]
            for row in table.rows]  # fmt: skip
    return table._replace(rows=rows)


def _linked(grid: Grid, shown: Container[int]) -> PageTable:
    # On a narrow screen each cell stands beside the name of its column, without the heading over several of them.
    first, *others = grid.header
    names = [first, *(f"{grid.spanner} = {name}" if grid.spanner else name for name in others)]
    words = text_columns(grid)
    rows = [[_linked_cell(cell, is_text, shown) for cell, is_text in zip(row, words, strict=True)] for row in grid.rows]
    return PageTable(grid.caption, grid.spanner, grid.header, words, names, rows, grid.notes)


def _linked_cell(cell: Cell, is_text: bool, shown: Container[int]) -> PageCell:
    marks = {"best": cell.bold, "second": cell.underline, "none": cell.text == DASH, "text": is_text}
    return PageCell(
        text="" if cell.covered else cell.text,
        mark=" ".join(name for name, has in marks.items() if has),
        trial=next((trial_name(trial) for trial in cell.trials if trial in shown), ""),
        trials=", ".join(map(trial_name, cell.trials)),
    )


def _picture(study: Study, drawing: Drawing) -> Picture:
    return Picture(
        name=drawing.name,
        about=drawing.about,
        width=round(drawing.width * PIXELS_PER_INCH),
        png=base64.b64encode(fewer_colours(render(drawing, figure_title(study), ["png"])["png"])).decode(),
    )


def _summary(study: Study) -> str:
    counts = study.trials["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no trial yet"
    created = study.settings.created
    started = f", started {time.strftime('%Y-%m-%d %H:%M', time.localtime(created))}" if created else ""
    asked = study.settings.num_trials
    confirming = int((study.trials["origin"] == "confirm").sum())
    budget = f" of {asked} requested{f' and {confirming} to confirm' if confirming else ''}" if asked else ""
    return f"{data_title(study)}{started}. {count_text(len(study.trials), 'trial')}{budget}: {states}."
