"""The configuration of one run: every choice of the method as a named field, validated before any work.

A configuration is frozen, rejects unknown keys and never casts in silence. Choices are words. The letters
D1-D39 name the differences between the paper's text and its released code; each is decided by the field that
carries its letter, and the presets in ``configs/datasets/presets`` hold both answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from trainables.config.base_models import BaseModelSettings
from trainables.config.part import ExtendedPart, FloatTuple, Part, Share, StrTuple
from trainables.config.thresholds import NAMES, OWN_DETECTION, Thresholds, why_not_tuned, with_partners
from trainables.config.validation import keys_of, set_key, validated, with_left_out
from trainables.json_types import JsonObject

# The dotted key that names what makes the pseudo labels.
GENERATOR = "pseudo_labels.generator"


class SimulationConfig(Part):
    """Size of a simulated data set (tests and benchmarks only; see ``datasets/simulated.py``)."""

    train_videos: int = Field(24, ge=1)
    test_videos: int = Field(12, ge=1)
    classes: int = Field(4, ge=2)
    dimensions: int = Field(16, ge=1, description="feature dimension D")
    mean_snippets: int = Field(60, ge=4, description="mean number of snippets T of a video")
    instances_per_video: float = Field(2.0, gt=0)
    separation: float = Field(2.0, ge=0, description="distance between class means, in noise standard deviations")
    seed: int = Field(0, ge=0)


def _subset_words(value: Any) -> Any:
    words = [value] if isinstance(value, str) else value
    return {"subset": words} if isinstance(words, list | tuple) else words


class _Choice(Part):
    subset: StrTuple = Field((), description="subsets of the annotations, in the files' own words")
    videos: StrTuple = Field((), description="names of videos")
    list: str | None = Field(None, description="text file with the name of a video a line")

    @model_validator(mode="after")
    def _one_way(self) -> _Choice:
        if bool(self.subset) + bool(self.videos) + bool(self.list) != 1:
            raise ValueError("needs one of subset, videos and list; a word alone is a subset of the annotations")
        return self


# Which videos a split has; a word alone is the annotations' own name of a subset.
VideoChoice = Annotated[_Choice, BeforeValidator(_subset_words)]


class DatasetConfig(ExtendedPart):
    """Which videos, which features, and how time maps to snippets (refineloc.md, section 5)."""

    # Of data set files; older versions had none.
    later_fields: ClassVar[tuple[str, ...]] = (
        "test_annotations_path",
        "file",
        "title",
        "window_frames",
        "train",
        "test",
        "classes",
        "training_labels",
        "background",
        "video_labels",
    )

    name: str
    features: str | None = Field(None, description="feature type, e.g. i3d or tsn; None where a data set has one")
    stream: Literal["both", "first_half", "last_half"] = Field(
        "both", description="half of the feature vector to use (D11)"
    )
    snippet_frames: int = Field(16, ge=1, description="H: frames from one snippet to the next")
    snippet_fps: float | Literal["native"] = Field(
        25.0, description="frame rate that the features were extracted at; 'native' takes each video's own (D36)"
    )
    multi_label: Literal["first", "multi_hot"] = Field(
        "first", description="target of a video with several classes: its smallest class id, or all (D24)"
    )
    annotations_path: str | None = Field(None, description="overrides <data-dir>/<name>")
    test_annotations_path: str | None = Field(
        None, description="of the test videos, where annotations_path has the training videos alone"
    )
    features_path: str | None = Field(None, description="overrides <data-dir>/<name>/<features>")
    exclude_videos: StrTuple = Field((), description="videos left out of both splits (D25)")
    allow_missing: bool = Field(False, description="a video without features counts as one without predictions")
    simulation: SimulationConfig | None = None
    file: str | None = Field(None, description="data set file that the fields below are from; None: known by its name")
    title: str | None = Field(None, description="as tables and captions call it")
    window_frames: int | None = Field(None, ge=1, description="frames that one snippet sees; None: snippet_frames")
    train: VideoChoice | None = Field(None, description="which videos train; None: as the field splits such files")
    test: VideoChoice | None = Field(None, description="which videos test")
    classes: StrTuple = Field((), description="in order; () takes those of the training videos")
    training_labels: Literal["segments", "video"] = Field(
        "segments", description="whether temporal annotations of training videos are used for measurements, or left out"
    )
    video_labels: Literal["instances", "published"] = Field(
        "instances",
        description="labels of whole training videos: those of its instances, or those that the makers of the "
        "annotations list separately (W-TALC's labels_all.npy)",
    )
    background: Literal["error", "exclude", "background"] = Field(
        "error", description="videos without any label: refused, left out, or background throughout"
    )

    @property
    def shift_frames(self) -> float:
        """Frames from the start of a video to where its first snippet begins (``data.Video``)."""
        return 0.0 if self.window_frames is None else (self.window_frames - self.snippet_frames) / 2


class ModelConfig(BaseModelSettings):
    """The base model: ``layers``, ``attention`` and ``hidden_floor`` are RefineLoc's own (refineloc.md, section 1)."""

    name: str = Field("refineloc", description="registered base model")
    layers: int = Field(2, ge=1, le=8, description="L: linear layers of each MLP (D10)")
    attention: Literal["two_value", "scalar"] = Field(
        "two_value", description="softmax over background and foreground, or one sigmoid (D2, D3)"
    )
    hidden_floor: Literal["output_width", "none"] = Field(
        "output_width", description="lower bound of the hidden width, which halves at each layer (D26)"
    )


class LossConfig(Part):
    """Video loss + beta x pseudo-label loss (refineloc.md, section 2)."""

    video: Literal["log_inside", "log_outside"] = Field(
        "log_inside", description="log of each snippet's probability, then weight; or weight, then log (D1)"
    )
    beta: float = Field(4.0, ge=0, description="weight of the pseudo-label loss (D23)")
    pseudo_weighting: Literal["none", "background_share"] = Field(
        "none", description="class weights from the share of pseudo background (D14)"
    )
    pseudo_mean: Literal["sampled", "all_snippets"] = Field(
        "sampled", description="average over the snippets with a label, or over all T (D15)"
    )


class TrainingConfig(ExtendedPart):
    """One training: optimizer, schedule, length (refineloc.md, section 6)."""

    later_fields: ClassVar[tuple[str, ...]] = ("validation_order",)

    epochs: int = Field(50, ge=1, description="epochs of each refinement iteration (D13)")
    batch_videos: int = Field(32, ge=1)
    lr: float = Field(1e-3, gt=0)
    lr_decay: float = Field(0.9, gt=0, le=1, description="factor when the validation loss saturates; 1: never (D31)")
    lr_patience: int = Field(1, ge=0)
    early_stopping: int | None = Field(None, ge=1, description="epochs without a lower validation loss")
    weight_decay: float = Field(0.0, ge=0)
    batches_per_epoch: int | None = Field(
        None, ge=1, description="of base models that draw their batches; None: as many as one pass over the videos has"
    )
    choice: Literal["lowest_loss", "last", "best_map"] = Field(
        "lowest_loss",
        description="chosen epoch: lowest validation loss; the last; or highest mAP, as released code that tests often",
    )
    validation_order: Literal["fixed", "shuffled"] = Field(
        "fixed",
        description="validation batches are the same in every epoch, or of videos shuffled anew in each, which makes "
        "the mean of batch means noisy (D39)",
    )


class SegmentConfig(Part):
    """Snippet scores -> segments (refineloc.md, section 3)."""

    top_k: int = Field(2, ge=1, description="classes per video, by video score (D8)")
    min_class_score: Share = Field(0.1, description="alpha_C (D8, D9)")
    min_attention: Share = Field(0.5, description="alpha_A (D8)")
    thresholding: Literal["keep_above", "drop_below"] = Field(
        "keep_above", description="keep foreground > alpha_A; or drop background > alpha_A (D4)"
    )
    dilation: int = Field(1, ge=0, description="snippets added on each side before grouping (D5)")
    bridge: int = Field(0, ge=0, description="filtered snippets that do not split a segment (D5)")
    inflation: int = Field(2, ge=0, description="snippets added on each side of a segment (D6, D34)")
    min_snippets: int = Field(1, ge=1, description="shorter runs are no segment; counted before the inflation")
    score_attention: Literal["foreground", "temporal"] = Field(
        "foreground", description="attention that enters a segment's score (D7)"
    )
    score_video: bool = Field(True, description="add the video's class score to a segment's score (D7)")


class PredictionConfig(SegmentConfig, ExtendedPart):
    """How a model's segments are predicted."""

    later_fields: ClassVar[tuple[str, ...]] = ("tune",)

    tune: Literal["none", "thresholds"] = Field(
        "none",
        description="thresholds: after each iteration, all pairs (alpha_A, alpha_C) of a 10 x 10 grid are compared by "
        "mAP on the videos that choose, and the best one makes the predictions; it costs no training",
    )


class PseudoLabelConfig(Part):
    """How pseudo labels are made from the previous model (refineloc.md, section 4)."""

    generator: str = Field("segment_prediction", description="registered generator")
    form: Literal["released", "paper"] = Field(
        "released", description="segment machinery as released, or plain thresholds as written (D16, D17)"
    )
    segments: SegmentConfig = SegmentConfig()
    end_snippet: Literal["included", "excluded"] = Field(
        "included", description="whether the snippet after a segment is labelled foreground too (D19)"
    )
    foreground_share: Share | Literal["annotated"] = Field(
        0.6, description="P(foreground) of distribution_aware, or the training annotations' share (D18)"
    )
    sampled_share: float = Field(0.8, ge=0, le=1, description="S: share of snippets whose label is used (D12)")
    restrict_to_video_labels: bool = Field(
        False, description="segments of the video's own classes only, where segments make the labels"
    )
    from_last_iterations: int = Field(1, ge=1, description="m: union over the last m iterations (D29)")
    source: Literal["best_epoch", "last_epoch"] = Field("last_epoch", description="model that makes the labels (D20)")
    randomness: Literal["replicate", "fixed"] = Field(
        "replicate", description="label randomness follows the run's seed, or one constant seed for all runs (D37)"
    )


class EvaluationConfig(Part):
    """Detection evaluation (evaluation.md)."""

    protocol: Literal["activitynet", "thumos14", "wtalc", "basnet"] = Field(
        "activitynet", description="evaluation protocol, see trainables/evaluation/protocols.py"
    )
    tiou: FloatTuple = Field((0.5,), min_length=1, description="thresholds to report")
    selection_tiou: FloatTuple = Field((0.5,), min_length=1, description="thresholds whose mean mAP selects")

    @model_validator(mode="after")
    def _selection_is_reported(self) -> EvaluationConfig:
        for name in ("tiou", "selection_tiou"):
            bad = [t for t in getattr(self, name) if not 0 < t <= 1]
            if bad:
                raise ValueError(f"{name}: thresholds lie in (0, 1], got {bad}")
        missing = [t for t in self.selection_tiou if not any(abs(t - r) < 1e-9 for r in self.tiou)]
        if missing:
            raise ValueError(f"selection_tiou: {missing} must be among tiou {list(self.tiou)}")
        return self


class RefinementConfig(Part):
    """The outer loop (paper, section 3.2)."""

    iterations: int = Field(
        5, ge=1, description="trainings of a trial at most: M0, which is iteration 0, and refinements 1, 2, ..."
    )
    patience: int | None = Field(
        3, ge=1, description="stop after so many iterations without a new best; None: never (D32)"
    )
    reinitialise: bool = Field(True, description="every iteration trains from scratch (D30)")


class SelectionConfig(ExtendedPart):
    """Which videos choose the epoch, the iteration and the configuration (D21, D22, D33, D35)."""

    later_fields: ClassVar[tuple[str, ...]] = ("signal",)

    rule: Literal["held-out", "paper", "video-labels"] = Field(
        "held-out",
        description="temporal annotations of a part of the training videos; the test split, as the authors did; or a "
        "signal that needs no more than the labels of a part of the training videos",
    )
    held_out_share: float = Field(0.25, gt=0, lt=1, description="share of training videos held out, stratified")
    signal: str = Field("video_loss", description="what rule video-labels compares iterations and configurations by")

    def _left_out(self) -> Iterable[str]:
        """The signal is written wherever it is used."""
        return () if self.rule == "video-labels" else super()._left_out()


class ComputeConfig(Part):
    """Where and in which precision; part of the configuration, as float sums depend on it."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"
    threads: int = Field(1, ge=1, description="CPU threads of one run")
    steps: Literal["recorded", "eager"] = Field(
        "recorded", description="on a GPU: training steps as CUDA graphs, or launched kernel by kernel"
    )


class RunConfig(ExtendedPart):
    """One complete refinement run."""

    later_fields: ClassVar[tuple[str, ...]] = ("thresholds",)

    # The name of the preset. Elsewhere "protocol" is the evaluation protocol; the key keeps its first name because
    # study.json, run presets and --protocol spell it so, and keys of the M0 cache are made without it.
    protocol: Literal["released", "paper", "custom"] = Field("custom", description="preset this comes from")
    dataset: DatasetConfig
    model: ModelConfig = ModelConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = TrainingConfig()
    prediction: PredictionConfig = PredictionConfig()
    pseudo_labels: PseudoLabelConfig = PseudoLabelConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    refinement: RefinementConfig = RefinementConfig()
    selection: SelectionConfig = SelectionConfig()
    compute: ComputeConfig = ComputeConfig()
    seed: int = Field(0, ge=0, description="replicate seed: initial weights, shuffling, held-out videos, labels")
    thresholds: Thresholds = Field(
        "labels",
        description="whose alpha_A and alpha_C a search varies: the labels', as the released code's own search; the "
        "predictions'; or one pair that serves both, as the paper has it",
    )

    @model_validator(mode="after")
    def _one_pair(self) -> RunConfig:
        """Thresholds vary only where they have an effect, and where one pair serves both, both are equal."""
        if self.thresholds != "labels" and self.model.name in OWN_DETECTION:
            raise ValueError(
                f"thresholds: {self.thresholds} varies alpha_A and alpha_C of the predictions, and base model "
                f"{self.model.name} has a detection of its own without them; set thresholds=labels"
            )
        for name in NAMES if self.thresholds == "both" else ():
            predicted, labelled = getattr(self.prediction, name), getattr(self.pseudo_labels.segments, name)
            if predicted != labelled:
                raise ValueError(
                    f"thresholds: both is one pair for labels and predictions, but pseudo_labels.segments.{name} is "
                    f"{labelled:g} and prediction.{name} {predicted:g}; set one of them, as --set "
                    f"prediction.{name}={predicted:g}, which then sets the other, or thresholds=labels"
                )
        return self

    @model_validator(mode="after")
    def _tunable(self) -> RunConfig:
        """Thresholds are tuned where predictions have them, nothing else chooses them, and mAP can be measured."""
        reason = why_not_tuned(self.model.name, self.thresholds, self.selection.rule)
        if self.prediction.tune == "thresholds" and reason:
            raise ValueError(f"prediction.tune: thresholds {reason}")
        return self

    def updated(self, values: Mapping[str, Any], source: str = "--set") -> RunConfig:
        """A copy with dotted keys replaced, e.g. ``{"loss.beta": 2.0}``; unknown keys raise UserError.

        Where one pair of thresholds serves labels and predictions, setting one of the two sets the other.
        """
        tree = self.model_dump(mode="json")
        one_pair = values.get("thresholds", self.thresholds) == "both"
        for key, value in (with_partners(values) if one_pair else values).items():
            set_key(RunConfig, tree, key, value, source)
        return parse_config(tree, source)


def parse_config(tree: Mapping[str, Any], source: str) -> RunConfig:
    """Validate a nested mapping; raises UserError with one line per problem, each naming ``source``."""
    return validated(RunConfig, tree, source)


def whole_tree(tree: Mapping[str, Any]) -> JsonObject:
    """A written configuration, or a part of one, with what is left out of it where it has its default."""
    return with_left_out(RunConfig, tree)


def field_keys() -> list[str]:
    """All dotted keys of a run's configuration, e.g. ``loss.beta``."""
    return keys_of(RunConfig)
