"""What happens in a study, as frozen types: one per kind of event, the only place that spells the keys of the ledger.

Keys that a newer version adds are ignored when they are read. An event of a kind that this version does not know is
kept as ``UnknownEvent``, which changes no trial. What an event lacks, or holds in a type or size that no version
writes, is a ValueError that names the field: whoever reads the line skips it like any other damaged line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from study.ledger.fields import Fields, JsonObject, is_number
from trainables.report import IterationReport, M0Origin

FINAL_STATES = ("completed", "pruned", "failed", "timed-out", "out-of-memory", "non-finite")


@dataclass(frozen=True, kw_only=True)
class Event:
    """seq: position among all events, from 1. time: seconds since 1970. line: of the ledger file, None when not read
    from one. All three are given by the ledger."""

    kind: ClassVar[str] = ""
    seq: int = 0
    time: float = 0.0
    line: int | None = None

    def to_json(self) -> JsonObject:
        return {"seq": self.seq, "time": self.time, "event": self.kind, **self.own_json()}

    def own_json(self) -> JsonObject:
        """The fields of this kind of event."""
        return {}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        """Arguments of this kind of event."""
        return {}


@dataclass(frozen=True)
class UnknownEvent(Event):
    """An event of a newer version: kept in the file, without meaning here. name: its kind."""

    name: str

    def to_json(self) -> JsonObject:
        return {"seq": self.seq, "time": self.time, "event": self.name}


@dataclass(frozen=True)
class StudyCreated(Event):
    """settings: study.json as it was written first."""

    kind = "study_created"
    settings: JsonObject

    def own_json(self) -> JsonObject:
        return {"settings": self.settings}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {"settings": given.mapping("settings")}


@dataclass(frozen=True)
class Session:
    """Where and with what a session runs. placement: shares and places of trials, see ``study.placement``."""

    versions: Mapping[str, str] = field(default_factory=dict)
    placement: JsonObject = field(default_factory=dict)
    host: str | None = None

    @property
    def concurrency(self) -> int:
        """Trials at a time; 1 where the ledger does not say."""
        found = self.placement.get("concurrency")
        return int(found) if is_number(found) and found >= 1 else 1

    def to_json(self) -> JsonObject:
        return {"versions": dict(self.versions), "placement": self.placement, "host": self.host}

    @classmethod
    def from_json(cls, tree: JsonObject) -> Session:
        given = Fields(tree)
        versions = {name: str(version) for name, version in given.optional_mapping("versions").items()}
        return cls(versions, given.optional_mapping("placement"), given.optional_text("host"))


@dataclass(frozen=True)
class StudyStarted(Event):
    """A session begins. num_samples, num_trials: the budget; None where the ledger does not say."""

    kind = "study_started"
    session: Session = field(default_factory=Session)
    num_samples: int | None = None
    num_trials: int | None = None

    def own_json(self) -> JsonObject:
        return {
            "session": self.session.to_json(),
            "num_samples": self.num_samples,
            "num_trials": self.num_trials,
        }

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {
            "session": Session.from_json(given.optional_mapping("session")),
            "num_samples": given.optional_whole("num_samples"),
            "num_trials": given.optional_whole("num_trials"),
        }


@dataclass(frozen=True)
class StudyResumed(StudyStarted):
    """A further session begins."""

    kind = "study_resumed"


@dataclass(frozen=True)
class StudyStopped(Event):
    """A session ends before the study does."""

    kind = "study_stopped"
    reason: str | None = None

    def own_json(self) -> JsonObject:
        return {"reason": self.reason}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {"reason": given.optional_text("reason")}


@dataclass(frozen=True)
class StudyEnded(Event):
    """Every trial has ended; trials: how many."""

    kind = "study_ended"
    trials: int | None = None

    def own_json(self) -> JsonObject:
        return {"trials": self.trials}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {"trials": given.optional_whole("trials")}


@dataclass(frozen=True)
class Configuration:
    """A point of the space with its number. params: dotted RunConfig keys -> values. number: None in a ledger that
    does not say. origin: ``sampler``, ``preset``, or ``confirm`` where the best are run again. repeats: the earlier
    configurations that were proposed again just before this one, and not run again."""

    number: int | None
    params: JsonObject
    origin: str = "sampler"
    repeats: tuple[int, ...] = ()


@dataclass(frozen=True)
class TrialEvent(Event):
    """trial: its number."""

    trial: int

    def own_json(self) -> JsonObject:
        return {"trial": self.trial}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {"trial": given.count("trial")}


@dataclass(frozen=True)
class TrialProposed(TrialEvent):
    """A trial is to run ``configuration`` with ``seed``."""

    kind = "trial_proposed"
    configuration: Configuration
    seed: int

    def own_json(self) -> JsonObject:
        return {**super().own_json(), **_declaration(self.configuration, self.seed)}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {**super().own_fields(given), **_declared(given)}


@dataclass(frozen=True)
class TrialStarted(TrialEvent):
    """A worker begins, or begins again, with a trial.

    configuration, seed: as in its proposal, so that one damaged line loses neither; None in a ledger of before.
    """

    kind = "trial_started"
    host: str | None = None
    pid: int | None = None
    device: str | None = None
    configuration: Configuration | None = None
    seed: int | None = None

    def own_json(self) -> JsonObject:
        place = {"host": self.host, "pid": self.pid, "device": self.device}
        declared = {}
        if self.configuration is not None and self.seed is not None:
            declared = _declaration(self.configuration, self.seed)
        return {**super().own_json(), **place, **declared}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {
            **super().own_fields(given),
            "host": given.optional_text("host"),
            "pid": given.optional_whole("pid"),
            "device": given.optional_text("device"),
            **(_declared(given) if "params" in given else {}),
        }


@dataclass(frozen=True)
class IterationEnded(TrialEvent):
    """report: of the iteration. source: ``checkpoint`` where a damaged line was restored from one."""

    kind = "iteration"
    report: IterationReport
    source: str | None = None

    def own_json(self) -> JsonObject:
        # The origin of an M0 stands beside the report, so that reports are equal wherever their M0 came from.
        report, m0 = replace(self.report, m0=None).to_json(), self.report.m0
        origin = {} if m0 is None else {"base": m0.key, "base_trained": m0.trained}
        source = {} if self.source is None else {"source": self.source}
        return {**super().own_json(), "report": report, **origin, **source}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {
            **super().own_fields(given),
            "report": _report(given.mapping("report"), given),
            "source": given.optional_text("source"),
        }


@dataclass(frozen=True)
class TrialRetried(TrialEvent):
    """A trial goes on from its last whole iteration. gpus: its share of a GPU from now on, None: that of all."""

    kind = "trial_retried"
    reason: str | None = None
    gpus: float | None = None

    def own_json(self) -> JsonObject:
        return {**super().own_json(), "reason": self.reason, "gpus": self.gpus}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        own = {"reason": given.optional_text("reason"), "gpus": given.optional_seconds("gpus")}
        return {**super().own_fields(given), **own}


@dataclass(frozen=True)
class TrialEnded(TrialEvent):
    """state: one of FINAL_STATES. objective: best selection mAP, percent. seconds: of the trial's own iterations."""

    kind = "trial_ended"
    state: str
    reason: str | None = None
    objective: float | None = None
    best_iteration: int | None = None
    seconds: float | None = None

    def own_json(self) -> JsonObject:
        return {
            **super().own_json(),
            "state": self.state,
            "reason": self.reason,
            "objective": self.objective,
            "best_iteration": self.best_iteration,
            "seconds": self.seconds,
        }

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        state = given.text("state")
        if state not in FINAL_STATES:
            raise ValueError(f"'state' must be one of {', '.join(FINAL_STATES)}, got {state[:40]!r}")
        return {
            **super().own_fields(given),
            "state": state,
            "reason": given.optional_text("reason"),
            "objective": given.optional_number("objective"),
            "best_iteration": given.optional_count("best_iteration"),
            "seconds": given.optional_seconds("seconds"),
        }


KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        StudyCreated, StudyStarted, StudyResumed, StudyStopped, StudyEnded,
        TrialProposed, TrialStarted, IterationEnded, TrialRetried, TrialEnded,
    )
}  # fmt: skip


def event_from_json(tree: Any, line: int | None = None) -> Event:
    """The event of one ledger entry; raises ValueError that says what is wrong with it.

    line: number of its line. Every trial, configuration and iteration takes a line of its own, so none of their
    numbers reaches it: a limit without which one absurd number would cost the memory of a machine.
    """
    given = Fields(tree, most=line)
    envelope: JsonObject = {"seq": given.whole("seq"), "time": given.number("time"), "line": line}
    name = given.text("event")
    if name not in KINDS:
        return UnknownEvent(name, **envelope)
    return KINDS[name](**KINDS[name].own_fields(given), **envelope)


def _declaration(configuration: Configuration, seed: int) -> JsonObject:
    """What an event says of a trial so that it can be run from that event alone."""
    repeats = {"repeats": list(configuration.repeats)} if configuration.repeats else {}
    return {
        "params": configuration.params,
        "seed": seed,
        "origin": configuration.origin,
        "configuration": configuration.number,
        **repeats,
    }


def _declared(given: Fields) -> JsonObject:
    number, repeats = given.optional_count("configuration"), given.counts("repeats")
    configuration = Configuration(number, given.scalars("params"), given.text("origin"), repeats)
    return {"configuration": configuration, "seed": given.whole("seed")}


def _report(report: JsonObject, event: Fields) -> IterationReport:
    """A report whose numbers are numbers: what is computed from it needs no further check."""
    given = event.inside(report)
    given.count("iteration"), given.optional_count("best_iteration"), given.seconds("seconds")
    given.optional_number("best_so_far"), given.truth("finished"), given.optional_seconds("training_s")
    for part in ("map", "loss", "video_accuracy", "attention_accuracy", "pseudo_labels"):
        given.numbers(part)
    selection = event.inside(given.optional_mapping("selection"))
    selection.optional_text("split"), selection.optional_number("map"), selection.optional_number("value")
    key, trained = event.optional_text("base"), event.truth("base_trained")
    try:
        return replace(IterationReport.from_json(report), m0=None if key is None else M0Origin(key, trained))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError("holds a report that is none") from None
