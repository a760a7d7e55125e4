"""What a command tells its user when a request cannot be carried out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# difflib's ratio of a name and what it may have meant: thumos15 and thumos14 0.88, digits and spoken-digits 0.63;
# mine and utkinect 0.5, which nobody mixes up.
NEAR = 0.6
NEAR_LETTERS, NEAR_MOST = 3, 3


class UserError(ValueError):
    """A request that cannot be carried out; the message is one line per problem and meant for the user."""


def nearest(name: str, known: Iterable[str], listed: str | None = None) -> str:
    """``Did you mean 'x'?`` for what is near, else the known names. listed: where they are listed, for many names."""
    known = sorted(known)
    found = near(name, known)
    if found:
        return "Did you mean " + " or ".join(f"'{one}'" for one in found) + "?"
    return listed or f"Known: {', '.join(known)}."


def near(name: str, known: Iterable[str]) -> list[str]:
    """What ``name`` may have meant: the closest one, or the few that have the same claim; empty for nothing near.

    Of a dotted key its last part says most: ``beta`` and ``model.beta`` mean ``loss.beta``.
    """
    known, word = sorted(known), _compared(name)
    last = [key for key in known if _last(key) == _last(name)]
    begun = [key for key in known if len(word) >= NEAR_LETTERS and _compared(key).startswith(word)]
    for few in (last, begun):
        if 0 < len(few) <= NEAR_MOST:
            return few
    found = [(_ratio(_last(name), _last(key)), _ratio(word, _compared(key)), key) for key in known]
    ratio, closest = max(((max(last, whole), whole), key) for last, whole, key in found) if found else ((0.0, 0.0), "")
    return [closest] if ratio[0] >= NEAR else []


def _compared(name: str) -> str:
    """Without the dashes of an option, which all options have."""
    return name.casefold().lstrip("-")


def _last(key: str) -> str:
    return _compared(key.rpartition(".")[2])


def _ratio(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, other, word).ratio()
