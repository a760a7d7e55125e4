"""A study's model as a folder, or its best configuration as a file: ``python -m study.export`` (``--help``)."""

from __future__ import annotations

import argparse
from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from study.cli.chosen import Chosen, open_trial
from study.cli.config_file import write_config
from study.cli.model_weights import FoundWeights, MissingWeights, retrained_weights, stored_weights
from study.cli.request import recorded_data, scored_videos
from study.ledger import OpenedStudy, StudyFolder, TrialRecord, trial_name
from trainables.command_line import Parser
from trainables.commands import aligned, program, typed
from trainables.config import TUNE, RunConfig
from trainables.counts import count_text
from trainables.data import Dataset, FeatureProtocol
from trainables.errors import UserError
from trainables.output import print_error, run_command
from trainables.text_files import read_json

if TYPE_CHECKING:
    from trainables.model import ModelOrigin

EXAMPLES = "examples:\n" + aligned(
    (f"{typed('export')} NAME --out my-model", "the best trial's model: weights, description, card"),
    (f"{typed('export')} NAME --trial 7 --out model-of-t7", ""),
    (f"{typed('export')} NAME --config best.yaml", "the best configuration, for"),
    (f"{typed('launch')} --dataset other.yaml --config best.yaml", ""),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, or 2 where there is nothing to export."""
    given = _parse(arguments)
    try:
        study, chosen, run = open_trial(given.study_dir, given.name, given.trial)
        if given.config:
            heading = f"Study {study.name}, {study.settings.dataset.title}. {chosen.why}"
            write_config(given.config, run, heading)
            print(f"configuration  {given.config}")
        if given.out:
            _export(given, study, chosen, run)
    except UserError as error:
        return print_error(error)
    return 0


def _export(given: Namespace, study: OpenedStudy, chosen: Chosen, run: RunConfig) -> None:
    from trainables.model import ModelDescription, ModelFeatures, save_model

    folder, settings = study.folder, study.settings
    data = recorded_data(folder, given.data_dir) if given.retrain else None
    found = _weights(folder, chosen, run, data)
    names = _video_names(folder, data)
    card, protocol = settings.card, settings.features
    width = card["dimensions"] * (1 if run.dataset.stream == "both" else 2)
    described = FeatureProtocol.from_json(protocol, str(folder.study_file)) if protocol else None
    description = ModelDescription(
        run=with_tuned_thresholds(run, chosen.record),
        classes=settings.dataset.classes,
        features=ModelFeatures(width, card["dimensions"], described),
        origin=_origin(study, chosen, found),
        train_videos=names["train"] if names else None,
        test_videos=names["test"] if names else None,
    )
    save_model(given.out, description, found.weights)
    for note in found.notes:
        print(f"note: {note}")
    print(f"model          {given.out} ({found.source} weights of {trial_name(chosen.record.number)}, iteration "
          f"{chosen.record.best_iteration})")  # fmt: skip
    print(f"next           {typed('predict')} --model {given.out} --features DIR --out predictions.json")


def with_tuned_thresholds(run: RunConfig, record: TrialRecord) -> RunConfig:
    """``run`` with the pair that was chosen for the trial's best iteration in place of the configuration's, and nothing
    left to choose; as it is where none was chosen."""
    tuned = next(report.tuned for report in record.iterations if report.iteration == record.best_iteration)
    if tuned is None:
        return run
    pair = {f"prediction.{name}": value for name, value in asdict(tuned.chosen).items()}
    return run.updated({**pair, TUNE: "none"}, source=trial_name(record.number))


def _origin(study: OpenedStudy, chosen: Chosen, found: FoundWeights) -> ModelOrigin:
    from trainables.model import ModelOrigin

    record, dataset = chosen.record, study.settings.dataset
    assert record.best_iteration is not None, "a chosen trial has an iteration"
    return ModelOrigin(
        study=study.name,
        trial=record.number,
        iteration=record.best_iteration,
        dataset=dataset.name,
        title=dataset.title,
        simulated=dataset.simulated,
        weights=found.source,
        why=chosen.why,
        params=record.params,
        card=study.settings.card,
        report=next(replace(r, m0=None).to_json() for r in record.iterations if r.iteration == record.best_iteration),
        versions=study.settings.versions,
        notes=(*dataset.notes, *found.notes),
    )


def _weights(folder: StudyFolder, chosen: Chosen, run: RunConfig, data: Dataset | None) -> FoundWeights:
    """Those that are stored, where they are; trained again only where that was asked for."""
    try:
        return stored_weights(folder, chosen.record, run)
    except MissingWeights as missing:
        if data is None:
            trainings = count_text((chosen.record.best_iteration or 0) + 1, "training")
            raise UserError(
                f"{missing}; add --retrain, which runs its {trainings} again and compares their numbers with the "
                "ledger's"
            ) from None
        return retrained_weights(chosen.record, run, data)


def _video_names(folder: StudyFolder, data: Dataset | None) -> dict[str, tuple[str, ...]] | None:
    if folder.videos_file.exists():
        return {split: tuple(names) for split, names in read_json(folder.videos_file).items()}
    if data is None:
        return None
    return {split.name: tuple(scored_videos(split)) for split in (data.train, data.test)}


def _parse(arguments: list[str] | None) -> Namespace:
    parser = command_parser()
    given = parser.parse_args(arguments)
    if not given.out and not given.config:
        parser.error("--out: name the folder of the model, or --config the file of the configuration")
    return given


def command_parser() -> Parser:
    parser = Parser(
        prog=program("study.export"),
        description="The model of a study, and all that is needed to use it; or its best configuration.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="of the study")
    parser.add_argument("--trial", default="best", metavar="best|N", help="whose model (default: best)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to make: weights.pt, model.json, README.md")
    parser.add_argument("--config", type=Path, metavar="FILE", help="write the configuration as YAML")
    parser.add_argument("--retrain", action="store_true", help="train the trial again where its weights are not there")
    parser.add_argument("--study-dir", type=Path, default=Path("studies"), metavar="DIR", help="holds the studies")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="holds the data sets, for --retrain")
    return parser


if __name__ == "__main__":
    run_command(main)
