"""The numbers of one refinement iteration as frozen types: what a checkpoint and the ledger keep of it.

Imports neither torch nor numpy, since every command that reads a study needs these types. Percent throughout where
a field says share, accuracy, precision, recall or mAP. None: the number does not exist, for instance an mAP of a split
without temporal annotations, or the ledger's null for a number that is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from trainables.json_types import JsonObject

T = TypeVar("T")


@dataclass(frozen=True)
class LossValues:
    """Mean over batches of the mean over videos: total, video part, pseudo-label part (not multiplied by beta)."""

    total: float
    video: float
    pseudo: float


@dataclass(frozen=True)
class SplitMap:
    """mAP of a split. map: at each of ``tiou``. selection_map: mean over the tIoUs of ``evaluation.selection_tiou``.
    predictions, videos, instances: how many were evaluated."""

    selection_map: float | None
    tiou: tuple[float, ...] = ()
    map: tuple[float | None, ...] = ()
    average_map: float | None = None
    predictions: int | None = None
    videos: int | None = None
    instances: int | None = None

    def to_json(self) -> JsonObject:
        return {
            "tiou": list(self.tiou),
            "map": list(self.map),
            "average_map": self.average_map,
            "selection_map": self.selection_map,
            "predictions": self.predictions,
            "videos": self.videos,
            "instances": self.instances,
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> SplitMap:
        return cls(**_known(cls, tree, "selection_map") | {name: tuple(tree.get(name, ())) for name in ("tiou", "map")})


@dataclass(frozen=True)
class VideoAccuracy:
    """Share of videos whose highest class is their first label, pooled by attention and by the plain mean."""

    with_attention: float | None
    without_attention: float | None


@dataclass(frozen=True)
class LabelQuality:
    """Pseudo labels against annotated snippets, before sampling: counts and shares; None where undefined."""

    foreground: int
    background: int
    true_foreground: int | None
    true_background: int | None
    foreground_precision: float | None
    foreground_recall: float | None
    background_precision: float | None
    background_recall: float | None
    background_share: float | None


@dataclass(frozen=True)
class SplitReport:
    """All that an iteration reports of one split. pseudo_labels: of those that trained it; None without."""

    map: SplitMap | None = None
    video_accuracy: VideoAccuracy | None = None
    attention_accuracy: float | None = None
    pseudo_labels: LabelQuality | None = None


@dataclass(frozen=True)
class Selection:
    """The number that compares iterations and configurations. split: whose videos choose. map: their mAP. signal: the
    name of the signal that is compared instead of it, None where mAP is. value: of the signal."""

    split: str
    map: float | None
    signal: str | None = None
    value: float | None = None

    @property
    def number(self) -> float | None:
        """What is compared; higher is better."""
        return self.map if self.signal is None else self.value

    def to_json(self) -> JsonObject:
        by_signal = {} if self.signal is None else {"signal": self.signal, "value": self.value}
        return {"split": self.split, "map": self.map, **by_signal}


@dataclass(frozen=True)
class Pair:
    """Thresholds of segments: alpha_A and alpha_C."""

    min_attention: float
    min_class_score: float


@dataclass(frozen=True)
class TunedThresholds:
    """The pair that an iteration's predictions are made with, chosen by mAP on the videos that choose, and the
    configuration's. configured_map: selection mAP of each split, by name, as the configuration's pair has it."""

    chosen: Pair
    configured: Pair
    configured_map: Mapping[str, float | None]

    def to_json(self) -> JsonObject:
        configured = {**asdict(self.configured), "map": dict(self.configured_map)}
        return {**asdict(self.chosen), "configured": configured}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> TunedThresholds:
        chosen, configured = (Pair(**_known(Pair, one)) for one in (tree, tree["configured"]))
        return cls(chosen, configured, _part(tree["configured"], "map"))


@dataclass(frozen=True)
class PairMaps:
    """Selection mAP of a trial's best model with every pair of thresholds of its predictions, percent.

    iteration: the best one. min_attention, min_class_score: the grid. configured, used: the configuration's pair, and
    that which the trial's predictions are made with. maps: by split, a row for each alpha_A, a column for each alpha_C.
    """

    iteration: int
    min_attention: tuple[float, ...]
    min_class_score: tuple[float, ...]
    configured: Pair
    used: Pair
    maps: Mapping[str, tuple[tuple[float, ...], ...]]

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> PairMaps:
        """Raises KeyError where something is missing."""
        return cls(
            iteration=tree["iteration"],
            min_attention=tuple(tree["min_attention"]),
            min_class_score=tuple(tree["min_class_score"]),
            configured=Pair(**_known(Pair, tree["configured"])),
            used=Pair(**_known(Pair, tree["used"])),
            maps={name: tuple(map(tuple, rows)) for name, rows in tree["maps"].items()},
        )


@dataclass(frozen=True)
class M0Origin:
    """Where an iteration 0 comes from. key: of the M0 cache. trained: by this trial; False: taken from the cache."""

    key: str
    trained: bool


@dataclass(frozen=True)
class IterationReport:
    """Numbers of one refinement iteration, by the model of its chosen epoch.

    lr_last: learning rate of the last epoch. train_loss, valid_loss: of the chosen epoch. splits: by name, in the
    order train, held_out (where there is one), test. map_by_epoch: validation mAP of every epoch, where the epoch is
    chosen by it. best_iteration, best_so_far: the iteration of the highest selection number until now, and that number.
    signals: what the videos that choose say without temporal annotations (``refinement/unsupervised.py``).
    tuned: None where the predictions' thresholds are the configuration's. training_s: of ``seconds``, what the
    training took. m0: None in iterations after the first, and where M0 is not shared.
    """

    iteration: int
    selection: Selection
    best_iteration: int | None
    best_so_far: float | None
    finished: bool
    seconds: float
    training_s: float | None = None
    epochs: int | None = None
    chosen_epoch: int | None = None
    lr_last: float | None = None
    train_loss: LossValues | None = None
    valid_loss: LossValues | None = None
    splits: Mapping[str, SplitReport] = field(default_factory=dict)
    map_by_epoch: tuple[float | None, ...] | None = None
    signals: Mapping[str, float | None] | None = None
    tuned: TunedThresholds | None = None
    m0: M0Origin | None = None

    def selection_map(self, split: str) -> float | None:
        """mAP of a split at the thresholds that select; None where it has none."""
        found = self.splits.get(split, SplitReport()).map
        return None if found is None else found.selection_map

    @property
    def refined_number(self) -> float | None:
        """The selection number of a refinement (1, 2, ...); None for M0, and for one without a finite number."""
        number = self.selection.number
        return number if self.iteration > 0 and number is not None and math.isfinite(number) else None

    def without_times(self) -> IterationReport:
        """All that two runs of one configuration have in common."""
        return replace(self, seconds=0.0, training_s=None)

    def to_json(self) -> JsonObject:
        """As in a checkpoint; in the ledger ``m0`` stands beside the report (``base``, ``base_trained``).

        The order of the keys is part of the format: a ledger line is protected by a checksum of its text.
        """
        by_epoch = {} if self.map_by_epoch is None else {"map_by_epoch": list(self.map_by_epoch)}
        quality = {name: asdict(one.pseudo_labels) for name, one in self.splits.items() if one.pseudo_labels}
        return {
            "iteration": self.iteration,
            "epochs": self.epochs,
            "chosen_epoch": self.chosen_epoch,
            "lr_last": self.lr_last,
            "loss": {
                name: asdict(loss) for name, loss in (("train", self.train_loss), ("valid", self.valid_loss)) if loss
            },
            "map": {name: one.map.to_json() for name, one in self.splits.items() if one.map},
            "video_accuracy": {n: asdict(one.video_accuracy) for n, one in self.splits.items() if one.video_accuracy},
            "attention_accuracy": {
                name: one.attention_accuracy for name, one in self.splits.items() if one.attention_accuracy is not None
            },
            "selection": self.selection.to_json(),
            **by_epoch,
            "best_iteration": self.best_iteration,
            "best_so_far": self.best_so_far,
            "pseudo_labels": quality or None,
            "finished": self.finished,
            "training_s": self.training_s,
            "seconds": self.seconds,
            **({"signals": dict(self.signals)} if self.signals is not None else {}),
            **({"tuned": self.tuned.to_json()} if self.tuned else {}),
            **({"base": asdict(self.m0)} if self.m0 else {}),
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> IterationReport:
        """Accepts what any version wrote; raises KeyError where ``iteration`` or ``seconds`` is missing."""
        losses, by_epoch = _part(tree, "loss"), tree.get("map_by_epoch")
        return cls(
            iteration=tree["iteration"],
            selection=Selection(**_known(Selection, _part(tree, "selection"), "split", "map")),
            best_iteration=tree.get("best_iteration"),
            best_so_far=tree.get("best_so_far"),
            finished=bool(tree.get("finished")),
            seconds=tree["seconds"],
            training_s=tree.get("training_s"),
            epochs=tree.get("epochs"),
            chosen_epoch=tree.get("chosen_epoch"),
            lr_last=tree.get("lr_last"),
            train_loss=_optional(LossValues, losses.get("train")),
            valid_loss=_optional(LossValues, losses.get("valid")),
            splits=_splits(tree),
            map_by_epoch=None if by_epoch is None else tuple(by_epoch),
            signals=tree.get("signals"),
            tuned=TunedThresholds.from_json(tree["tuned"]) if tree.get("tuned") else None,
            m0=_optional(M0Origin, tree.get("base")),
        )


def best_refined(reports: Iterable[IterationReport]) -> IterationReport | None:
    """The report of the highest selection number after M0, the earlier one of equal ones."""
    known = [(report.refined_number, -report.iteration, report) for report in reports]
    finite = [(number, order, report) for number, order, report in known if number is not None]
    return max(finite, key=lambda found: found[:2])[2] if finite else None


def _splits(tree: Mapping[str, Any]) -> dict[str, SplitReport]:
    """Stored by number and then by split, read by split."""
    maps, videos = _part(tree, "map"), _part(tree, "video_accuracy")
    snippets, quality = _part(tree, "attention_accuracy"), _part(tree, "pseudo_labels")
    return {
        name: SplitReport(
            map=SplitMap.from_json(maps[name]) if maps.get(name) else None,
            video_accuracy=_optional(VideoAccuracy, videos.get(name)),
            attention_accuracy=snippets.get(name),
            pseudo_labels=_optional(LabelQuality, quality.get(name)),
        )
        # Every split has video labels, so that this part has all names in their order.
        for name in _in_order(videos, maps, snippets, quality)
    }


def _in_order(*parts: Mapping[str, Any]) -> Iterable[str]:
    return dict.fromkeys(name for part in parts for name in part)


def _part(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object; empty where it is missing or null."""
    return tree.get(name) or {}


def _optional(kind: type[T], tree: Mapping[str, Any] | None) -> T | None:
    return None if not tree else kind(**_known(kind, tree, *(one.name for one in fields(kind))))  # type: ignore[arg-type]


def _known(kind: type[Any], tree: Mapping[str, Any], *required: str) -> JsonObject:
    """The fields of ``kind`` that a tree has, ``required`` ones null where it has not; others are of newer versions."""
    return dict.fromkeys(required) | {one.name: tree[one.name] for one in fields(kind) if one.name in tree}
