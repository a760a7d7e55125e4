"""What analysis reads of study.json, as a frozen value; what a folder of an older version lacks has a default."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from study.ledger import StudySettings

GENERATOR = "pseudo_labels.generator"
BETA = "loss.beta"
SAMPLED_SHARE = "pseudo_labels.sampled_share"
ALPHA_A = "pseudo_labels.segments.min_attention"
ALPHA_C = "pseudo_labels.segments.min_class_score"
PREDICTION_ALPHA_A = "prediction.min_attention"
PREDICTION_ALPHA_C = "prediction.min_class_score"
THRESHOLD_PAIRS = ((ALPHA_A, PREDICTION_ALPHA_A), (ALPHA_C, PREDICTION_ALPHA_C))  # of labels, of predictions
THRESHOLD_KEYS = (ALPHA_A, ALPHA_C, PREDICTION_ALPHA_A, PREDICTION_ALPHA_C)
TUNE = "prediction.tune"
ATTENTION = "model.attention"

Number = int | float


@dataclass(frozen=True)
class Dimension:
    """One searched key of the space: ``choices``, or ``low`` to ``high``. when: keys and values where it matters."""

    choices: tuple[Any, ...] | None = None
    low: Number | None = None
    high: Number | None = None
    step: Number | None = None
    log: bool = False
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @classmethod
    def from_json(cls, tree: Any) -> Dimension:
        when = tuple(
            (str(key), tuple(values) if isinstance(values, list) else (values,))
            for key, values in _mapping(tree, "when").items()
        )
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
class StudyFacts:
    """The settings of a study.

    name: None where study.json names no folder. command: as it can be typed. preset: of the method's differences
    (released, paper). thresholds: whose αA and αC vary, where they do. tunes: whether the predictions' αA and αC are
    chosen after each training. tiou, selection_tiou: thresholds that are
    evaluated, and that select. run: the resolved configuration as it stands in the file; card: of the data set,
    likewise.
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
    thresholds: str = "labels"
    tunes: bool = False
    base_model: str = "refineloc"
    takes_last_epoch: bool = False
    selection_rule: str = ""
    selection_signal: str = ""
    evaluation_protocol: str = "activitynet"
    tiou: tuple[float, ...] = (0.5,)
    selection_tiou: tuple[float, ...] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: StudySettings) -> StudyFacts:
        """What is missing, or of another type than it should be, gets its default."""
        run, study, dataset, card = settings.run, settings.study, settings.dataset, settings.card
        selection_tiou = _numbers(lookup(run, "evaluation", "selection_tiou"))
        given: dict[str, Any] = {
            "name": settings.name,
            "description": _text(study.get("description")),
            "command": _command(settings.command),
            "created": settings.created,
            "num_samples": _number(study.get("num_samples")),
            "seeds": _number(study.get("seeds")),
            "space": {str(key): Dimension.from_json(value) for key, value in _mapping(study, "space").items()},
            "dataset": _text(lookup(run, "dataset", "name") or dataset.name),
            "features": _text(lookup(run, "dataset", "features")),
            "title": _text(dataset.title or dataset.name),
            "simulated": dataset.simulated,
            "notes": tuple(map(_text, dataset.notes)),
            "classes": dataset.classes,
            "dimensions": _number(card.get("dimensions")),
            "preset": _text(run.get("protocol")),
            "thresholds": _text(run.get("thresholds")),
            "tunes": lookup(run, *TUNE.split(".")) == "thresholds",
            "base_model": _text(lookup(run, "model", "name")),
            "takes_last_epoch": lookup(run, "training", "choice") == "last",
            "selection_rule": _text(lookup(run, "selection", "rule")),
            "selection_signal": _text(lookup(run, "selection", "signal")),
            "evaluation_protocol": _text(lookup(run, "evaluation", "protocol")),
            "tiou": _numbers(lookup(run, "evaluation", "tiou")) or selection_tiou,
            "selection_tiou": selection_tiou,
            "run": run,
            "card": card,
            "versions": {str(key): str(value) for key, value in settings.versions.items()},
        }
        # What is not there keeps the default of its field.
        return cls(**{key: value for key, value in given.items() if value not in (None, "", ())})

    @property
    def num_trials(self) -> int | None:
        """How many trials were requested."""
        return self.num_samples * self.seeds if self.num_samples else None


def lookup(tree: Any, *keys: str) -> Any:
    """The value at a path of nested mappings; None where there is none."""
    return reduce(lambda value, key: value.get(key) if isinstance(value, Mapping) else None, keys, tree)


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


def _command(words: Sequence[str]) -> str:
    """A command that was kept as one text stays as it is."""
    texts = [_text(word) for word in words]
    return shlex.join(texts) if len(texts) > 1 else "".join(texts)
