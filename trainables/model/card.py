"""The card of an exported model, in Markdown: what it marks, in which features, how it was chosen, how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trainables.commands import typed
from trainables.counts import count_text
from trainables.model.description import WEIGHTS_FILE, ModelDescription, ModelFeatures
from trainables.report import Pair, TunedThresholds

RULES = {
    "held-out": "mAP on held-out training videos, whose temporal annotations took no part in training",
    "paper": "mAP on the test split itself, as the method's authors did: its test numbers are those of the best of "
    "many looks at the test split, and new videos will score lower",
    "video-labels": "video-level labels of held-out training videos and the model's own outputs, without any temporal "
    "annotation",
}
SPLITS = {"train": "training", "held_out": "held out", "test": "test"}


def card_text(model: ModelDescription) -> str:
    """The whole card."""
    return "\n".join(_lines(model)) + "\n"


def _lines(model: ModelDescription) -> Iterator[str]:
    origin, run = model.origin, model.run
    yield f"# {run.model.name} on {origin.title}: study {origin.study}, trial t{origin.trial:04d}"
    yield ""
    yield (
        f"Marks segments of {len(model.classes)} classes in untrimmed videos. Trained with video-level labels by "
        "iterative refinement (RefineLoc, WACV 2021)."
    )
    if origin.simulated:
        yield "\n**The data were simulated. This model says nothing about real videos.**"
    yield "\n## Use\n"
    yield f"    {typed('predict')} --model DIR --features FEATURES --out predictions.json\n"
    load = f'torch.load("{WEIGHTS_FILE}", weights_only=True)'
    yield f"`{WEIGHTS_FILE}` is a state dict: `{load}`. `model.json` holds all"
    yield "that is said here, and the whole configuration.\n"
    yield f"Classes: {', '.join(model.classes)}."
    yield "\n## Features\n"
    yield from _features(model.features, run.dataset.model_dump(mode="json"))
    yield "\n## How it was chosen\n"
    rule = run.selection.rule
    yield f"{origin.why}\n"
    yield f"Epoch, iteration and configuration were chosen by {RULES.get(rule, rule)} (`selection.rule: {rule}`)."
    m0 = " (M0, without refinement)" if origin.iteration == 0 else ""
    yield f"It is the model of iteration {origin.iteration}{m0}."
    yield from _thresholds(origin.report)
    yield "\n## Numbers\n"
    yield from _numbers(origin.report)
    yield "\n## Training\n"
    for name, value in origin.params.items():
        yield f"- {name}: {value}"
    yield f"- seed: {run.seed}; preset: {run.protocol}; weights: {origin.weights}"
    yield f"- data: {origin.title}, content {str(origin.card.get('content_hash', 'unknown'))[:16]}"
    yield f"- versions: {', '.join(f'{name} {version}' for name, version in origin.versions.items())}"
    if origin.notes:
        yield "\n## Notes\n"
        yield from (f"- {note}" for note in origin.notes)


def _features(features: ModelFeatures, dataset: Mapping[str, Any]) -> Iterator[str]:
    stream = dataset["stream"]
    part = "" if stream == "both" else f", of which the {stream.replace('_', ' ')} is used"
    yield f"- {features.width} dimensions{part}"
    window = dataset.get("window_frames") or dataset["snippet_frames"]
    stride = dataset["snippet_frames"]
    yield (
        f"- a row is {count_text(window, 'frame')} at {dataset['snippet_fps']} fps, the next one begins "
        f"{count_text(stride, 'frame')} later"
    )
    if features.protocol:
        yield f"- made by {features.protocol}"
    else:
        name = f" (called {dataset['features']})" if dataset.get("features") else ""
        yield f"- how they were made is not described{name}: new features must be made in the same way"


def _thresholds(report: Mapping[str, Any]) -> Iterator[str]:
    """Of the predictions, where they were chosen after the training."""
    if not report.get("tuned"):
        return
    tuned = TunedThresholds.from_json(report["tuned"])
    maps = ", ".join(
        f"{SPLITS.get(name, name)} {value:.1f}" for name, value in tuned.configured_map.items() if value is not None
    )
    yield (
        "\nThe thresholds of its predictions were chosen by the same mAP on the same videos, from a grid of pairs: "
        f"{_pair_text(tuned.chosen)}. With the configuration's pair, {_pair_text(tuned.configured)}, the mAP that "
        f"selects would be: {maps}."
    )


def _pair_text(pair: Pair) -> str:
    return f"αA = {pair.min_attention:g}, αC = {pair.min_class_score:g}"


def _numbers(report: Mapping[str, Any]) -> Iterator[str]:
    maps = {name: found for name, found in (report.get("map") or {}).items() if found}
    known = {name: found for name, found in maps.items() if found.get("selection_map") is not None}
    if not known:
        yield "No split has temporal annotations: there is no mAP."
        return
    tiou: list[float] = next((found["tiou"] for found in known.values() if found.get("tiou")), [])
    yield "| split | videos | instances | " + " | ".join(f"mAP@{t:g}" for t in tiou) + " |"
    yield "|---" * (3 + len(tiou)) + "|"
    for name, found in known.items():
        values = " | ".join("–" if value is None else f"{value:.1f}" for value in found.get("map", ()))
        yield f"| {SPLITS.get(name, name)} | {found.get('videos', '–')} | {found.get('instances', '–')} | {values} |"
