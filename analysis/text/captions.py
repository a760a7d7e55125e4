"""What a reader must know beside a number: data, features, metric, protocol, counts, selection, trials and seeds."""

from __future__ import annotations

import numpy as np

from analysis.study import Study

GENERATOR_NAMES = {
    "uniform_random": "Uniform random",
    "distribution_aware": "Distribution aware",
    "class_activation": "Class activation",
    "attention": "Attention",
    "segment_prediction": "Segment prediction",
    "oracle": "Oracle (upper bound)",
}
"""In the order of the paper's tables; the oracle, which sees the ground truth, is ours and never a best."""


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
    return sorted(generators, key=lambda g: (g == "oracle", known.index(g) if g in known else len(known), g))


def generator_name(generator: str) -> str:
    """How a table calls a generator."""
    return GENERATOR_NAMES.get(generator, generator.replace("_", " ").capitalize())


def data_title(study: Study) -> str:
    """Data set and features, e.g. ``THUMOS14 (I3D)``; says so when simulated."""
    title = str(study.setting("dataset", "title", default=study.setting("dataset", "name", default="unnamed data")))
    features = study.setting("run", "dataset", "features")
    if features and str(features).lower() not in title.lower():
        title += f" ({str(features).upper()})"
    if study.setting("dataset", "simulated") and "simulated" not in title.lower():
        title += " (simulated)"
    return title


def metric_name(study: Study) -> str:
    """``mAP@0.5``, or ``average mAP (0.5:0.05:0.95)`` over several thresholds."""
    tiou = study.setting("run", "evaluation", "selection_tiou", default=[])
    if len(tiou) == 1:
        return f"mAP@{tiou[0]:g}"
    steps = np.diff(tiou)
    if len(tiou) > 2 and np.allclose(steps, steps[0]):
        return f"average mAP ({tiou[0]:g}:{steps[0]:g}:{tiou[-1]:g})"
    return f"average mAP ({', '.join(f'{t:g}' for t in tiou)})" if len(tiou) else "mAP"


def chosen_on_test(study: Study) -> bool:
    """Whether any completed trial's number was chosen on the split that it is reported on."""
    return bool((study.completed["selection_split"] == "test").any())


def caption(study: Study, what: str, remarks: list[str], metric: str | None = None, split: str = "test") -> str:
    """The caption of a table: ``what`` in one phrase, then all facts as sentences, then ``remarks``.

    metric: of its numbers, by default the one that selects. split: of the videos that they are measured on.
    """
    dagger = "†" if chosen_on_test(study) else ""
    facts = [
        f"{what}: {metric or metric_name(study)}{dagger} in % on the {split} videos of {data_title(study)}"
        f"{_width(study)}.",
        _protocol(study),
        _selection(study),
        _trials(study),
        *remarks,
    ]
    notes = [str(note) for note in study.setting("dataset", "notes", default=[])]
    if study.setting("dataset", "simulated") and not any("simulated" in note for note in notes):
        notes.insert(0, "the data are simulated")
    facts += [note[:1].upper() + note[1:] for note in notes]
    return " ".join(fact if fact.endswith(".") else f"{fact}." for fact in facts if fact)


def _width(study: Study) -> str:
    """Dimensions of features that have no name."""
    dimensions = study.setting("card", "dimensions")
    return f", {dimensions}-d features" if dimensions and not study.setting("run", "dataset", "features") else ""


def _protocol(study: Study) -> str:
    protocol = study.setting("run", "protocol", default="custom")
    evaluation = study.setting("run", "evaluation", "protocol", default="activitynet")
    style = EVALUATIONS.get(evaluation, evaluation)
    counts = study.test_counts
    over = f" over {counts[0]} videos with {counts[1]} instances" if counts else ""
    name = study.setting("run", "model", "name", default="refineloc")
    base = "" if name == "refineloc" else f"; base model {BASE_MODELS.get(name, name)}"
    zero = "; a class without detections makes its mAP 0" if evaluation == "wtalc" else ""
    return f"Settings: {protocol}{base}; {style} evaluation{over}{zero}"


def _selection(study: Study) -> str:
    splits = set(study.completed["selection_split"].dropna())
    chosen = what_is_chosen(study)
    if splits == {"test"}:
        return f"†{chosen.capitalize()} were chosen on the test split itself (selection rule: paper)"
    if "test" in splits:
        return f"†{chosen.capitalize()} were chosen on the test split itself in some of the trials"
    return f"{chosen.capitalize()} were chosen on held-out training videos (selection rule: held-out)"


def what_is_chosen(study: Study) -> str:
    """What the selection rule decides; the epoch is not among it where the last one is always taken."""
    last = study.setting("run", "training", "choice", default="lowest_loss") == "last"
    return "iteration and configuration" if last else "epoch, iteration and configuration"


def _trials(study: Study) -> str:
    counts = study.trials["state"].value_counts()
    total, done = len(study.trials), study.completed
    others = ", ".join(f"{count} {state}" for state, count in counts.items() if state != "completed")
    seeds = sorted(done["seed"].unique().tolist())
    trials = f"{total} trial{'s' * (total != 1)}" + (f" ({len(done)} completed, {others})" if others else "")
    spread = f"{len(seeds)} seeds (mean ± standard deviation)" if len(seeds) > 1 else f"one seed ({seeds[0]})"
    return f"{trials}, {spread}"
