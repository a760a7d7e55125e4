"""A trial's mAP with every pair of thresholds of its predictions: ``python -m study.thresholds`` (``--help``)."""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from pathlib import Path

from tabulate import tabulate

from study.cli.chosen import Chosen, open_trial
from study.cli.conclusion import next_command
from study.cli.model_weights import MissingWeights, stored_weights
from study.cli.plan import metric_text
from study.cli.request import recorded_data
from study.ledger import OpenedStudy, trial_name
from trainables.command_line import Parser
from trainables.commands import aligned, program, typed
from trainables.config import OWN_DETECTION, RunConfig
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.output import print_error, run_command
from trainables.report import Pair, PairMaps

EXAMPLES = "examples:\n" + aligned(
    (f"{typed('thresholds')} NAME", "of the best trial"),
    (f"{typed('thresholds')} NAME --trial 7", ""),
    (f"{typed('tables')} --study NAME", "then has them as tables, too"),
)
SPLITS = {"held_out": "held-out training videos", "test": "test videos"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, or 2 where there is nothing to measure."""
    given = command_parser().parse_args(arguments)
    try:
        study, chosen, run = open_trial(given.study_dir, given.name, given.trial)
        name = trial_name(chosen.record.number)
        if run.model.name in OWN_DETECTION:
            raise UserError(f"{name}: base model {run.model.name} detects without alpha_A and alpha_C: no pairs")
        found = _measured(study, chosen, run, given)
        path = study.folder.thresholds_file(chosen.record.number)
        try:
            write_whole(path, json.dumps(found.to_json()).encode())
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}; the study's folder must be writable") from None
    except UserError as error:
        return print_error(error)
    for split in found.maps:
        print(_table(found, split, metric_text(run.evaluation.selection_tiou)))
    print(f"written to {path}; next: {next_command('tables', '--study', study.name, study_dir=given.study_dir)}")
    return 0


def _measured(study: OpenedStudy, chosen: Chosen, run: RunConfig, given: Namespace) -> PairMaps:
    from trainables.refinement.refine import maps_of_pairs

    record = chosen.record
    try:
        weights = stored_weights(study.folder, record, run).weights
    except MissingWeights as missing:
        raise UserError(f"{missing}; name a trial that has its weights with --trial") from None
    grid, maps = maps_of_pairs(run, recorded_data(study.folder, given.data_dir), weights)
    if not maps:
        raise UserError(f"{trial_name(record.number)}: no split has temporal annotations to measure mAP by")
    report = next(report for report in record.iterations if report.iteration == record.best_iteration)
    configured = Pair(run.prediction.min_attention, run.prediction.min_class_score)
    return PairMaps(
        iteration=report.iteration,
        min_attention=grid.min_attention,
        min_class_score=grid.min_class_score,
        configured=configured,
        used=report.tuned.chosen if report.tuned else configured,
        maps={split: tuple(map(tuple, found.tolist())) for split, found in maps.items()},
    )


def _table(found: PairMaps, split: str, metric: str) -> str:
    """The pair that the predictions are made with in brackets."""
    rows = []
    for attention, values in zip(found.min_attention, found.maps[split], strict=True):
        pairs = [Pair(attention, class_score) for class_score in found.min_class_score]
        cells = [f"[{v:.1f}]" if pair == found.used else f"{v:.1f} " for pair, v in zip(pairs, values, strict=True)]
        rows.append([f"{attention:g}", *cells])
    header = ["αA \\ αC", *(f"{value:g} " for value in found.min_class_score)]
    table = tabulate(rows, header, disable_numparse=True, stralign="right")
    return f"\n{metric} (%) on the {SPLITS.get(split, split)}, iteration {found.iteration}; [pair in use]\n{table}\n"


def command_parser() -> Parser:
    parser = Parser(
        prog=program("study.thresholds"),
        description="mAP of a trial's best model with every pair of thresholds (alpha_A, alpha_C) of its predictions. "
        "Nothing is trained: the kept weights score the videos once.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="of the study")
    parser.add_argument("--trial", default="best", metavar="best|N", help="whose model (default: best)")
    parser.add_argument("--study-dir", type=Path, default=Path("studies"), metavar="DIR", help="holds the studies")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="holds the data sets")
    return parser


if __name__ == "__main__":
    run_command(main)
