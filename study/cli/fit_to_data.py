"""What a study changes where the data do not have what it needs, each with a sentence for the plan. No torch."""

from __future__ import annotations

from study.config import StudyConfig, check_values, parse_study
from study.ledger import ORACLE
from trainables.config import GENERATOR, RunConfig
from trainables.datasets import Dataset
from trainables.errors import UserError


def with_usable_rule(study: StudyConfig, run: RunConfig, data: Dataset) -> tuple[StudyConfig, RunConfig, list[str]]:
    """With rule ``video-labels`` where the configured rule compares by videos without temporal annotations.

    Raises UserError where the study asks for what that rule cannot be.
    """
    rule = run.selection.rule
    if rule == "video-labels":
        return study, run, []
    chooser = (data.test if rule == "paper" else data.train).annotated_part()
    if chooser is not None and len(chooser.ground_truth):
        return study, run, []
    why = f"the videos that choose ({rule}) have no temporal annotation"
    if study.target is not None:
        raise UserError(
            f"--target: {study.target:g} is an mAP, but {why}, so that the rule is video-labels; leave it out, or give "
            "--selection video-labels and a target of what that rule chooses by"
        )
    study = parse_study({**study.as_dict(), "selection": "video-labels"}, "command line")
    run = run.updated({"selection.rule": "video-labels"}, why)
    check_values(study.space, run, f"{why}: study {study.name}")
    return study, run, [f"{why}: the rule is video-labels"]


def without_oracle(study: StudyConfig, run: RunConfig, data: Dataset) -> tuple[StudyConfig, list[str]]:
    """A study of the project without the oracle, where not all videos that train and choose have annotations."""
    dimension = study.space.get(GENERATOR)
    choices = dimension.choices or () if dimension else ()
    annotated = data.train.is_annotated and (run.selection.rule != "paper" or data.test.is_annotated)
    if ORACLE not in choices or annotated:
        return study, []
    tree = study.as_dict()
    tree["space"][GENERATOR]["choices"] = [name for name in choices if name != ORACLE]
    note = "the oracle, an upper bound that labels from temporal annotations, is left out: some videos have none"
    return parse_study(tree, f"study {study.name}"), [note]
