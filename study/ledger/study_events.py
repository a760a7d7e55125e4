"""Events of a study as a whole, and what every event has: frozen types that alone spell their keys in the ledger.

What an event lacks, or holds in a type or size that no version writes, is a ValueError that names the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from study.ledger.fields import Fields, is_number
from trainables.json_types import JsonObject


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
class SearchLimits:
    """What ends a search before its budget; None: does not. target: percent mAP, or the signal that selects."""

    target: float | None = None
    patience: int | None = None
    time_budget_s: float | None = None

    def to_json(self) -> JsonObject:
        return {"target": self.target, "patience": self.patience, "time_budget_s": self.time_budget_s}

    @classmethod
    def from_json(cls, tree: JsonObject) -> SearchLimits:
        given = Fields(tree)
        return cls(
            given.optional_number("target"), given.optional_whole("patience"), given.optional_seconds("time_budget_s")
        )


@dataclass(frozen=True)
class StudyStarted(Event):
    """A session begins. num_samples, num_trials: the budget; None where the ledger does not say. limits: what may end
    the search before it."""

    kind = "study_started"
    session: Session = field(default_factory=Session)
    num_samples: int | None = None
    num_trials: int | None = None
    limits: SearchLimits = field(default_factory=SearchLimits)

    def own_json(self) -> JsonObject:
        return {
            "session": self.session.to_json(),
            "num_samples": self.num_samples,
            "num_trials": self.num_trials,
            **({} if self.limits == SearchLimits() else {"limits": self.limits.to_json()}),
        }

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {
            "session": Session.from_json(given.optional_mapping("session")),
            "num_samples": given.optional_whole("num_samples"),
            "num_trials": given.optional_whole("num_trials"),
            "limits": SearchLimits.from_json(given.optional_mapping("limits")),
        }


@dataclass(frozen=True)
class StudyResumed(StudyStarted):
    """A further session begins."""

    kind = "study_resumed"


@dataclass(frozen=True)
class SearchEnded(Event):
    """A search ends before its budget. reason: a phrase. configurations: how many it has. time_budget_s: where that
    ended it."""

    kind = "search_ended"
    reason: str
    configurations: int
    time_budget_s: float | None = None

    def own_json(self) -> JsonObject:
        limit = {} if self.time_budget_s is None else {"time_budget_s": self.time_budget_s}
        return {"reason": self.reason, "configurations": self.configurations, **limit}

    @classmethod
    def own_fields(cls, given: Fields) -> JsonObject:
        return {
            "reason": given.text("reason"),
            "configurations": given.whole("configurations"),
            "time_budget_s": given.optional_seconds("time_budget_s"),
        }


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
