"""What things are called in tables, figures and pages: generators, base models, keys by the paper's symbols."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

from analysis.settings import (
    ALPHA_A,
    ALPHA_C,
    BETA,
    GENERATOR,
    PREDICTION_ALPHA_A,
    PREDICTION_ALPHA_C,
    SAMPLED_SHARE,
)

ORACLE = "oracle"
GENERATOR_NAMES = {
    "uniform_random": "Uniform random",
    "distribution_aware": "Distribution aware",
    "class_activation": "Class activation",
    "attention": "Attention",
    "segment_prediction": "Segment prediction",
    ORACLE: "Oracle (upper bound)",
}
"""In the order of the paper's tables; the oracle, which sees the ground truth, is ours and never a best."""

SYMBOLS = {
    BETA: "β",
    SAMPLED_SHARE: "S",
    ALPHA_A: "αA",
    ALPHA_C: "αC",
    PREDICTION_ALPHA_A: "αA (predictions)",
    PREDICTION_ALPHA_C: "αC (predictions)",
}
THRESHOLDS = {
    "labels": "the pseudo labels",
    "predictions": "the predictions",
    "both": "predictions and pseudo labels, one pair for both",
}
BASE = "M0"  # the base model, which depends on none of the searched values
SIMILAR = "\N{ALMOST EQUAL TO}"  # to the best of its column, as far as the seeds tell
M0_MARK = "\N{MODIFIER LETTER CAPITAL M}\N{SUPERSCRIPT ZERO}"  # of a number that is M0's, whatever was configured
BASE_MODELS = {"refineloc": "RefineLoc's base model", "wtalc": "W-TALC", "basnet": "BaS-Net"}
EVALUATIONS = {
    "activitynet": "ActivityNet-style",
    "thumos14": "THUMOS14 kit's",
    "wtalc": "W-TALC's",
    "basnet": "BaS-Net's",
}


def generator_order(generators: list[str]) -> list[str]:
    """In the paper's order, unknown names next to last, the oracle last."""
    known = list(GENERATOR_NAMES)
    return sorted(generators, key=lambda g: (g == ORACLE, known.index(g) if g in known else len(known), g))


def generator_name(generator: str) -> str:
    """How a table calls a generator."""
    return GENERATOR_NAMES.get(generator, generator.replace("_", " ").capitalize())


def threshold_owner(thresholds: str, searched: Iterable[str]) -> str:
    """What αA and αC are the thresholds of, by the setting and the keys that were searched."""
    keys = set(searched)
    of_predictions = keys & {PREDICTION_ALPHA_A, PREDICTION_ALPHA_C} and not keys & {ALPHA_A, ALPHA_C}
    return THRESHOLDS["predictions"] if of_predictions else THRESHOLDS.get(thresholds, thresholds)


def short_key(key: str) -> str:
    """A dotted key as the paper writes it, or its last word."""
    return SYMBOLS.get(key, key.rsplit(".", 1)[-1].replace("_", " "))


def short_keys(keys: Iterable[str]) -> dict[str, str]:
    """Keys as the paper writes them, or their last words; whole keys where these would be the same."""
    short = {key: short_key(key) for key in keys}
    shared = Counter(short.values())
    return {key: name if shared[name] == 1 else key for key, name in short.items()}


def value_text(value: object) -> str:
    """A searched value: ``0.8``, ``segment prediction``."""
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def configuration_text(configuration: str, generator: bool = False) -> str:
    """``β=4, S=0.8`` of a configuration's JSON; ``generator``: its name before these."""
    values = json.loads(configuration)
    name = [generator_name(str(values[GENERATOR]))] if generator and GENERATOR in values else []
    names = short_keys(values)
    texts = [f"{names[key]}={value_text(value)}" for key, value in values.items() if key != GENERATOR]
    return ", ".join([*name, *texts]) or "as configured"


def label(study: str, table: str) -> str:
    """Label of a table for LaTeX references."""
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{study}-{table}")
