"""Settings of the base models that other authors published; the defaults are what they published.

Quirks of their released code are switches that default to what was meant (each model's module lists its own):
``released_nms_overlap``, ``released_empty_check`` and ``video_score: binarised`` (BaS-Net), and ``training.choice:
best_map`` (both).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trainables.config.part import FloatTuple, Part, Share


class WtalcConfig(Part):
    """W-TALC (wtalc.md). Counts of a batch: ``training.batch_videos``, of which ``2 * pairs`` come as pairs."""

    hidden: int = Field(2048, ge=1, description="width of the one hidden layer")
    dropout: float = Field(0.7, ge=0, lt=1)
    window: int = Field(750, ge=2, description="most snippets of a training video: longer ones give a random window")
    pairs: int = Field(3, ge=0, description="pairs of videos that share a class, in each batch")
    pool: int = Field(8, ge=1, description="a video's class logit is the mean of its T / pool largest ones")
    mil_share: Share = Field(0.5, description="lambda: weight of the MIL loss; the co-activity loss has the rest")
    margin: float = Field(0.5, ge=0, description="of the co-activity loss")
    supervision: Literal["class_logit", "class_labels", "head"] = Field(
        "class_logit",
        description="what pseudo labels train: the largest logit of the video's classes; each of these logits, by "
        "the segments of its own class; or a head of its own, which is used from iteration 1 on",
    )
    head_input: Literal["hidden", "features"] = Field(
        "hidden", description="what the head reads: W-TALC's hidden layer, or the features through one of its own"
    )
    head_use: Literal["gate", "pooling"] = Field(
        "gate",
        description="what the head is for: detections lie where it says foreground; or its probability weights the "
        "logits that are pooled into the video's, in training and in detection",
    )
    min_snippets: int = Field(2, ge=1, description="shortest detection")
    video_score_weight: float = Field(0.7, ge=0, description="weight of the video's class logit in a detection's score")


class BasnetConfig(Part):
    """BaS-Net (basnet.md).

    released_empty_check: a video whose only predicted class has index 0 counts as one without, and a threshold
    reached at the first position only finds nothing. released_nms_overlap: one second is added to lengths and
    intersections. video_score ``binarised``: the released code overwrites it, so that it adds a constant.
    """

    length: int = Field(750, ge=2, description="positions that every video is sampled at")
    hidden: int = Field(2048, ge=1, description="channels of the two convolutions")
    attention_hidden: int = Field(512, ge=1, description="channels within the filtering module")
    dropout: float = Field(0.7, ge=0, lt=1)
    pool: int = Field(8, ge=1, description="a video's class score is the mean of its length / pool largest ones")
    sparsity: float = Field(1e-4, ge=0, description="alpha at iteration 0: weight of the sum of the foreground weights")
    sparsity_refine: float = Field(1e-4, ge=0, description="alpha from iteration 1 on")
    min_video_score: Share = Field(0.25, description="a class is predicted from this video score on")
    thresholds: FloatTuple = Field(
        (0.0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.225),
        min_length=1,
        description="of the normalised activation; each makes its own detections",
    )
    upsampling: int = Field(24, ge=1, description="positions between two sampled ones, by linear interpolation")
    flank: float = Field(0.25, ge=0, description="width of a detection's outer parts, in lengths of it")
    video_score_weight: float = Field(0.2, ge=0)
    max_overlap: float = Field(0.7, gt=0, description="detections of a class that overlap this much are suppressed")
    label_source: Literal["thresholds", "proposals"] = Field(
        "thresholds",
        description="of segment prediction: pseudo_labels.segments on the curves, or the detections of highest score, "
        "as those of all thresholds together cover almost everything",
    )
    label_resolution: Literal["nearest_position", "every_snippet"] = Field(
        "nearest_position",
        description="where scores for labels are read: at the sampled position closest to a snippet, or from the "
        "network run over all snippets of the video",
    )
    label_quantile: Share = Field(0.5, description="detections whose score reaches this quantile make the labels")
    video_score: Literal["probability", "binarised"] = "probability"
    released_empty_check: bool = False
    released_nms_overlap: bool = False


class BaseModelSettings(Part):
    """Settings of base models, each under the model's name; one that has none of its own needs no entry."""

    wtalc: WtalcConfig | None = Field(None, description="settings of W-TALC; None: as published")
    basnet: BasnetConfig | None = Field(None, description="settings of BaS-Net; None: as published")
