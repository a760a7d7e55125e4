"""What a reader must know beside a number: two sentences under a table, and the rest once for a whole study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from analysis.settings import THRESHOLD_KEYS
from analysis.study import Study
from analysis.text.names import BASE_MODELS, EVALUATIONS, M0_MARK, SIMILAR, threshold_owner
from trainables.counts import count_text
from trainables.objective import Objective

VIDEO_LABELS = "video-labels"
MOST_PAIRS = 3  # of chosen thresholds in a caption
NO_PART = f"; the oracle and numbers that are M0's ({M0_MARK}) take no part"
MARKS = {
    "second": "Bold: the best of a column; underlined: the second; neither where the seeds do not tell the best apart "
    f"from others ({SIMILAR}: paired bootstrap over seeds, 95 %){NO_PART}",
    "paper": f"Bold: the best of a column; underlined: the best of all{NO_PART}",
}
"""What the marks of a table mean, by their style."""


def data_title(study: Study) -> str:
    """Data set and features, e.g. ``THUMOS14 (I3D)``; says so when simulated."""
    settings = study.settings
    title = settings.title
    if settings.features and settings.features.lower() not in title.lower():
        title += f" ({settings.features.upper()})"
    if settings.simulated and "simulated" not in title.lower():
        title += " (simulated)"
    return title


def metric_name(study: Study) -> str:
    """``mAP@0.5``, or ``average mAP (0.5:0.05:0.95)`` over several thresholds."""
    tiou = study.settings.selection_tiou
    if len(tiou) == 1:
        return f"mAP@{tiou[0]:g}"
    steps = np.diff(tiou)
    if len(tiou) > 2 and np.allclose(steps, steps[0]):
        return f"average mAP ({tiou[0]:g}:{steps[0]:g}:{tiou[-1]:g})"
    return f"average mAP ({', '.join(f'{t:g}' for t in tiou)})" if tiou else "mAP"


def metric_on_test(study: Study) -> str:
    """The metric with † where it is measured on the split that chose."""
    return metric_name(study) + "†" * chosen_on_test(study)


def objective_of(study: Study) -> Objective:
    """What trials are ranked by, and how that is written."""
    return Objective.of(study.settings.selection_rule, study.settings.selection_signal, metric_name(study))


def objective_name(study: Study) -> str:
    """What trials are ranked by, for axes: of the recorded value, which is higher where it is better."""
    return f"selection {objective_of(study).recorded}"


def chosen_on_test(study: Study) -> bool:
    """Whether any completed trial's number was chosen on the split that it is reported on."""
    return bool((study.completed["selection_split"] == "test").any())


def caption(
    study: Study,
    what: str,
    marks: Iterable[str] = (),
    metric: str | None = None,
    split: str = "test",
    unit: str = " in %",
    chosen: str | None = None,
) -> str:
    """What a reader needs under a table, in two sentences: ``what`` in one phrase with its unit, data, seeds and how it
    was chosen, and the marks in it; the rest is in ``how_made``.

    metric, unit: of its numbers, by default the mAP that selects. split: of the videos that they are measured on.
    chosen: how they were chosen, by default by the study's rule.
    """
    dagger = "†" * chosen_on_test(study)
    facts = [
        f"{what}: {metric or metric_name(study)}{dagger}{unit} on the {split} videos of {data_title(study)}",
        _seeds(study),
        *["refined iterations (η ≥ 1) alone"] * study.refined_only,
        chosen or _chosen(study),
        *_tuned(study),
    ]
    return _sentences([", ".join(facts), "; ".join(marks)])


def how_made(study: Study, marks: str = "second") -> list[str]:
    """How the numbers of a study were made, as sentences: settings, evaluation, selection, trials, notes on data, and
    what ``marks`` of tables mean."""
    notes = [note for note in study.settings.notes if "simulated" not in note]
    facts = [_protocol(study), _features(study), _selection(study), _thresholds(study), _tuning(study)]
    facts += [*_refined_only(study), _trials(study), _m0(study), MARKS[marks] if study.has_test_map else "", *notes]
    simulated = ["The data are simulated"] * study.settings.simulated
    return [_sentence(fact) for fact in [*facts, *simulated] if fact]


def evaluation_text(study: Study) -> str:
    """How predictions are evaluated, e.g. ``ActivityNet-style evaluation``."""
    protocol = study.settings.evaluation_protocol
    return f"{EVALUATIONS.get(protocol, protocol)} evaluation"


def what_is_chosen(study: Study) -> str:
    """What the selection rule decides; the epoch is not among it where the last one is always taken."""
    return "iteration and configuration" if study.settings.takes_last_epoch else "epoch, iteration and configuration"


def _seeds(study: Study) -> str:
    seeds = sorted(study.completed["seed"].unique().tolist())
    if len(seeds) > 1:
        return f"mean ± standard deviation over {len(seeds)} seeds"
    return f"one seed ({', '.join(map(str, seeds))})"


def _chosen(study: Study) -> str:
    """In a few words, for a caption."""
    splits = set(study.completed["selection_split"].dropna())
    if "test" in splits:
        return f"†{'in part ' * (len(splits) > 1)}chosen on the test split itself"
    if study.settings.selection_rule == VIDEO_LABELS:
        return f"chosen without temporal annotations, by {objective_of(study).name}"
    return "chosen on held-out training videos"


def _features(study: Study) -> str:
    """Dimensions of features that have no name."""
    settings = study.settings
    return f"Features have {settings.dimensions} dimensions" if settings.dimensions and not settings.features else ""


def _protocol(study: Study) -> str:
    settings, counts = study.settings, study.test_counts
    over = f" over {counts[0]} videos with {counts[1]} instances" if counts else ""
    name = settings.base_model
    base = "" if name == "refineloc" else f"; base model {BASE_MODELS.get(name, name)}"
    zero = "; a class without detections makes its mAP 0" if settings.evaluation_protocol == "wtalc" else ""
    return f"Settings: {settings.preset}{base}; {evaluation_text(study)}{over}{zero}"


def _selection(study: Study) -> str:
    splits = set(study.completed["selection_split"].dropna())
    chosen = what_is_chosen(study).capitalize()
    if splits == {"test"}:
        return f"†{chosen} were chosen on the test split itself (selection rule: paper)"
    if "test" in splits:
        return f"†{chosen} were chosen on the test split itself in some of the trials"
    if study.settings.selection_rule == VIDEO_LABELS:
        signal = objective_of(study).name
        return f"{chosen} were chosen without temporal annotations, by {signal} on held-out training videos"
    return f"{chosen} were chosen on held-out training videos (selection rule: held-out)"


def _thresholds(study: Study) -> str:
    """Whose thresholds αA and αC are, where they were searched."""
    if not any(key in study.settings.space for key in THRESHOLD_KEYS):
        return ""
    whose = threshold_owner(study.settings.thresholds, study.settings.space)
    return f"αA and αC that vary are the thresholds of {whose}"


def _tuned(study: Study) -> list[str]:
    """Which thresholds the predictions have where they were chosen after each training, in a few words."""
    chosen = [tuned.chosen for tuned in study.best_iterations["tuned"] if tuned is not None]
    if not chosen:
        return []
    counts = Counter(f"({pair.min_attention:g}, {pair.min_class_score:g})" for pair in chosen).most_common()
    if len(counts) == 1:
        return [f"predictions' (αA, αC) tuned to {counts[0][0]}"]
    shown = [f"{pair} in {count}" for pair, count in counts[:MOST_PAIRS]]
    others = sum(count for _, count in counts[MOST_PAIRS:])
    pairs = ", ".join([*shown, *([f"others in {others}"] if others else [])])
    return [f"predictions' (αA, αC) tuned: {pairs} of {len(chosen)} trials"]


def _tuning(study: Study) -> str:
    """How they were chosen."""
    if not _tuned(study):
        return ""
    whose = "the test split itself" if chosen_on_test(study) else "held-out training videos"
    return f"(αA, αC) of the predictions was chosen from a grid after each training, by mAP on {whose}"


def _refined_only(study: Study) -> list[str]:
    return ["Only refined iterations (η ≥ 1) are shown, whether M0 is better or not"] * study.refined_only


def _trials(study: Study) -> str:
    counts = study.trials["state"].value_counts()
    total, done = len(study.trials), study.completed
    others = ", ".join(f"{count} {state}" for state, count in counts.items() if state != "completed")
    trials = count_text(total, "trial") + (f" ({len(done)} completed, {others})" if others else "")
    return f"{trials}; numbers: {_seeds(study)}"


def _m0(study: Study) -> str:
    return "η counts refinement iterations; η = 0 is the base model M0, which no pseudo label has changed"


def _sentence(fact: str) -> str:
    # Symbols stay as the paper writes them: a sentence may begin with η, never with its capital.
    text = (fact[:1].upper() if fact[:1].isascii() else fact[:1]) + fact[1:]
    return text if text.endswith(".") else f"{text}."


def _sentences(facts: Iterable[str]) -> str:
    return " ".join(_sentence(fact) for fact in facts if fact)
