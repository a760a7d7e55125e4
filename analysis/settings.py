"""What analysis reads of study.json, as a frozen value; what a folder of an older version lacks has a default."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

GENERATOR = "pseudo_labels.generator"
BETA = "loss.beta"
SAMPLED_SHARE = "pseudo_labels.sampled_share"
ALPHA_A = "pseudo_labels.segments.min_attention"
ALPHA_C = "pseudo_labels.segments.min_class_score"
ATTENTION = "model.attention"
LONGEST_NAME = 255  # bytes of a file name

Number = int | float


@dataclass(frozen=True)
class Dimension:
    """One searched key as asked for: ``choices``, or ``low`` to ``high``. when: keys and values where it matters."""

    choices: tuple[Any, ...] | None = None
    low: Number | None = None
    high: Number | None = None
    step: Number | None = None
    log: bool = False
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @classmethod
    def from_json(cls, tree: Any) -> Dimension:
        when = tuple((str(key), tuple(values)) for key, values in _mapping(tree, "when").items())
        choices = lookup(tree, "choices")
        return cls(
            choices=tuple(choices) if isinstance(choices, list) else None,
            low=_number(lookup(tree, "low")),
            high=_number(lookup(tree, "high")),
            step=_number(lookup(tree, "step")),
            log=bool(lookup(tree, "log")),
            when=when,
        )

    @property
    def numbers(self) -> list[Number]:
        """Choices that are numbers."""
        return [value for value in self.choices or () if isinstance(value, int | float) and not isinstance(value, bool)]

    @property
    def edges(self) -> tuple[float, float] | None:
        """Least and largest number of the space; None for words."""
        if self.low is not None and self.high is not None:
            return float(self.low), float(self.high)
        return (float(min(self.numbers)), float(max(self.numbers))) if self.numbers else None


@dataclass(frozen=True)
class StudySettings:
    """study.json.

    name: None where the file names no folder. command: as typed. preset: of the method's differences (released,
    paper). tiou, selection_tiou: thresholds that are evaluated, and that select. run: the resolved configuration as
    it stands in the file; card: of the data set, likewise.
    """

    name: str | None = None
    description: str = ""
    command: str = ""
    created: float | None = None
    num_samples: int | None = None
    seeds: int = 1
    space: Mapping[str, Dimension] = field(default_factory=dict)
    dataset: str = ""
    features: str | None = None
    title: str = "unnamed data"
    simulated: bool = False
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    dimensions: int | None = None
    preset: str = "custom"
    base_model: str = "refineloc"
    takes_last_epoch: bool = False
    selection_rule: str = ""
    evaluation_protocol: str = "activitynet"
    tiou: tuple[float, ...] = (0.5,)
    selection_tiou: tuple[float, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> StudySettings:
        """From the parsed file; what is missing or of another type gets its default."""
        selection_tiou = _numbers(lookup(tree, "run", "evaluation", "selection_tiou"))
        classes = lookup(tree, "dataset", "classes")
        given: dict[str, Any] = {
            "name": folder_name(lookup(tree, "name")),
            "description": _text(lookup(tree, "study", "description")),
            "command": _command(lookup(tree, "command")),
            "created": _number(lookup(tree, "created")),
            "num_samples": _number(lookup(tree, "study", "num_samples")),
            "seeds": _number(lookup(tree, "study", "seeds")),
            "space": {str(k): Dimension.from_json(v) for k, v in _mapping(tree, "study", "space").items()},
            "dataset": _text(lookup(tree, "run", "dataset", "name") or lookup(tree, "dataset", "name")),
            "features": _text(lookup(tree, "run", "dataset", "features")),
            "title": _text(lookup(tree, "dataset", "title") or lookup(tree, "dataset", "name")),
            "simulated": lookup(tree, "dataset", "simulated"),
            "notes": tuple(_text(note) for note in lookup(tree, "dataset", "notes") or ()),
            "classes": tuple(map(str, classes)) if isinstance(classes, list) else None,
            "dimensions": _number(lookup(tree, "card", "dimensions")),
            "preset": _text(lookup(tree, "run", "protocol")),
            "base_model": _text(lookup(tree, "run", "model", "name")),
            "takes_last_epoch": lookup(tree, "run", "training", "choice") == "last",
            "selection_rule": _text(lookup(tree, "run", "selection", "rule")),
            "evaluation_protocol": _text(lookup(tree, "run", "evaluation", "protocol")),
            "tiou": _numbers(lookup(tree, "run", "evaluation", "tiou")) or selection_tiou,
            "selection_tiou": selection_tiou,
            "run": _mapping(tree, "run"),
            "card": _mapping(tree, "card"),
            "versions": {str(k): str(v) for k, v in _mapping(tree, "versions").items()},
        }
        # What is not there keeps the default of its field.
        return cls(**{key: value for key, value in given.items() if value not in (None, "", ())})

    @property
    def num_trials(self) -> int | None:
        """How many trials were asked for."""
        return self.num_samples * self.seeds if self.num_samples else None


def lookup(tree: Any, *keys: str) -> Any:
    """The value at a path of nested mappings; None where there is none."""
    return reduce(lambda value, key: value.get(key) if isinstance(value, Mapping) else None, keys, tree)


def folder_name(name: Any) -> str | None:
    """``name`` if a folder inside of another one can be called so; None otherwise."""
    text = _text(name)
    plain = text and "/" not in text and not text.startswith(".") and text.isprintable()
    return text if plain and len(text.encode()) <= LONGEST_NAME else None


def _mapping(tree: Any, *keys: str) -> Mapping[str, Any]:
    value = lookup(tree, *keys)
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    """Text that can be written to a file: half of a surrogate pair becomes a question mark."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values if _number(v) is not None) if isinstance(values, list) else ()


def _command(command: Any) -> str:
    words: Iterable[Any] = command if isinstance(command, list) else [command] if command else []
    texts = [_text(word) for word in words]
    return shlex.join(texts) if len(texts) > 1 else "".join(texts)
