"""The kinds of events in a ledger, and the event of one of its entries.

Keys that a newer version adds are ignored when they are read. An event of a kind that this version does not know is
kept as ``UnknownEvent``, which changes no trial. An entry that no version writes is a ValueError that says what is
wrong with it: the reader skips that line like any other damaged one.
"""

from __future__ import annotations

from typing import Any

from study.ledger.fields import Fields
from study.ledger.study_events import (
    Event,
    SearchEnded,
    StudyCreated,
    StudyEnded,
    StudyResumed,
    StudyStarted,
    StudyStopped,
    UnknownEvent,
)
from study.ledger.trial_events import IterationEnded, TrialEnded, TrialProposed, TrialRetried, TrialStarted
from trainables.json_types import JsonObject

KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        StudyCreated, StudyStarted, StudyResumed, StudyStopped, StudyEnded, SearchEnded,
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
