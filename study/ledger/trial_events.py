"""Events of a trial, from its proposal to its end: frozen types that alone spell their keys in the ledger.

A report is checked here once, number by number, so that whatever is computed from it needs no check of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from study.ledger.fields import Fields
from study.ledger.study_events import Event
from trainables.json_types import JsonObject
from trainables.report import IterationReport, M0Origin

FINAL_STATES = ("completed", "pruned", "failed", "timed-out", "out-of-memory", "non-finite")


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
