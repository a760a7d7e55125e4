from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from study.ledger.events import KINDS, event_from_json
from study.ledger.study_events import (
    Event,
    SearchEnded,
    Session,
    StudyCreated,
    StudyEnded,
    StudyResumed,
    StudyStarted,
    StudyStopped,
)
from study.ledger.trial_events import (
    Configuration,
    IterationEnded,
    TrialEnded,
    TrialProposed,
    TrialRetried,
    TrialStarted,
)
from trainables.report import (
    IterationReport,
    LossValues,
    M0Origin,
    Selection,
    SplitMap,
    SplitReport,
    VideoAccuracy,
)

POINT = Configuration(3, {"loss.beta": 4.0, "pseudo_labels.generator": "attention"}, "confirm", (1, 2))
REPORT = IterationReport(
    0,
    Selection("held_out", 2.0),
    best_iteration=0,
    best_so_far=2.0,
    finished=False,
    seconds=1.5,
    training_s=1.0,
    epochs=4,
    chosen_epoch=3,
    lr_last=0.001,
    train_loss=LossValues(1.5, 1.0, 0.5),
    valid_loss=LossValues(1.5, 1.0, 0.5),
    splits={
        "test": SplitReport(
            SplitMap(2.0, (0.5,), (2.0,), 2.0, predictions=9, videos=8, instances=7),
            VideoAccuracy(50.0, 40.0),
            60.0,
        )
    },
)
# As version 1 wrote it, in its order.
REPORT_TREE = {
    "iteration": 0, "epochs": 4, "chosen_epoch": 3, "lr_last": 0.001,
    "loss": {name: {"total": 1.5, "video": 1.0, "pseudo": 0.5} for name in ("train", "valid")},
    "map": {"test": {"tiou": [0.5], "map": [2.0], "average_map": 2.0, "selection_map": 2.0, "predictions": 9,
                     "videos": 8, "instances": 7}},
    "video_accuracy": {"test": {"with_attention": 50.0, "without_attention": 40.0}},
    "attention_accuracy": {"test": 60.0}, "selection": {"split": "held_out", "map": 2.0}, "best_iteration": 0,
    "best_so_far": 2.0, "pseudo_labels": None, "finished": False, "training_s": 1.0, "seconds": 1.5,
}  # fmt: skip
WITH_M0 = replace(REPORT, m0=M0Origin("18", trained=True))
SESSION = Session({"ray": "2.60.0"}, {"concurrency": 4}, "host")
EVENTS: list[Event] = [
    StudyCreated({"run": {}, "study": {}}),
    StudyStarted(SESSION, 6, 12),
    StudyResumed(SESSION, None, None),
    StudyStopped("interrupted"),
    SearchEnded("the target is reached", 7),
    SearchEnded("the time is up", 7, 28800.0),
    StudyEnded(12),
    TrialProposed(5, POINT, 7),
    TrialStarted(5, "host", 12, "cpu", POINT, 7),
    TrialStarted(5),
    IterationEnded(5, WITH_M0),
    IterationEnded(5, REPORT, source="checkpoint"),
    TrialRetried(5, "out of memory", 0.5),
    TrialEnded(5, "completed", None, 2.0, 0, 3.0),
]


def test_every_kind_of_event_is_among_the_cases() -> None:
    assert {event.kind for event in EVENTS} == set(KINDS)


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_an_event_is_equal_after_a_way_through_json(event: Event) -> None:
    assert event_from_json(json.loads(json.dumps(event.to_json()))) == event


# Lines of ledgers that version 1 wrote, without their checksums: this is the format.
WRITTEN: list[tuple[dict[str, Any], Event]] = [
    (
        {"seq": 3, "time": 1.5, "event": "trial_proposed", "trial": 0, "params": {"loss.beta": 2.0}, "seed": 3,
         "origin": "preset", "configuration": 0},
        TrialProposed(0, Configuration(0, {"loss.beta": 2.0}, "preset"), 3, seq=3, time=1.5),
    ),
    (
        {"seq": 9, "time": 2.0, "event": "trial_proposed", "trial": 4, "params": {}, "seed": 0, "origin": "sampler",
         "configuration": 4, "repeats": [1, 2]},
        TrialProposed(4, Configuration(4, {}, "sampler", (1, 2)), 0, seq=9, time=2.0),
    ),
    (
        {"seq": 4, "time": 2.0, "event": "trial_started", "trial": 0, "host": "vm", "pid": 27, "device": "cpu",
         "params": {"loss.beta": 2.0}, "seed": 3, "origin": "preset", "configuration": 0},
        TrialStarted(0, "vm", 27, "cpu", Configuration(0, {"loss.beta": 2.0}, "preset"), 3, seq=4, time=2.0),
    ),
    (
        {"seq": 5, "time": 3.0, "event": "iteration", "trial": 0, "report": REPORT_TREE, "base": "18",
         "base_trained": True},
        IterationEnded(0, WITH_M0, seq=5, time=3.0),
    ),
    (
        {"seq": 6, "time": 4.0, "event": "trial_ended", "trial": 0, "state": "failed", "reason": "no",
         "objective": None, "best_iteration": None, "seconds": 0},
        TrialEnded(0, "failed", "no", None, None, 0, seq=6, time=4.0),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "event"), WRITTEN, ids=[tree["event"] for tree, _ in WRITTEN])
def test_the_format_is_that_of_version_1_key_by_key(tree: dict[str, Any], event: Event) -> None:
    assert event_from_json(tree) == event
    assert json.dumps(event.to_json()) == json.dumps(tree), "the order of the keys is part of a line's checksum"


def test_a_session_without_a_placement_has_one_place() -> None:
    assert Session().concurrency == Session(placement={"concurrency": "many"}).concurrency == 1
    assert SESSION.concurrency == 4
