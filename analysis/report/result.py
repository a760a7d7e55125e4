"""The answer of a study in one sentence, and what it cost."""

from __future__ import annotations

from analysis.results.gain import study_against_m0
from analysis.results.headline import Headline, headline
from analysis.results.ranking import states_and_cost
from analysis.results.statistics import PairedDifference
from analysis.study import Study
from analysis.text import (
    chosen_on_test,
    configuration_text,
    count_text,
    eta_text,
    generator_name,
    interval_text,
    metric_on_test,
    number_text,
    objective_of,
    what_is_chosen,
)
from study.ledger import Gain


def result_sentences(study: Study) -> list[str]:
    """What was chosen and by which rule, how much better than M0 and than the preset; needs a completed trial."""
    found = headline(study)
    chosen = f"{generator_name(found.generator)}, {configuration_text(found.configuration)}"
    return [f"{chosen} is the best: {_measured(study, found)}{_over(found)}.", *_against_m0(study), _rule(study)]


def _against_m0(study: Study) -> list[str]:
    """How many configurations beat M0, and by how much."""
    found = study_against_m0(study)
    if found is None:
        return []
    where = f"by test {metric_on_test(study)}" if study.has_test_map else "by the number that selects"
    by = f", by {_gain(found.gain)} points" if found.gain else ""
    return [
        f"Refined, {found.better} of {count_text(found.configurations, 'configuration')} beat M0 {where}{by}; all of "
        f"them: {_gain(found.gain_of_all)} points (paired by seed; {found.error_text})."
    ]


def _gain(gain: Gain) -> str:
    error = "" if gain.standard_error is None else f" ± {number_text(gain.standard_error)}"
    return f"{number_text(gain.mean, signed=True)}{error}"


def cost_sentence(study: Study) -> str:
    """Trials and hours."""
    every = states_and_cost(study)[-1]
    seconds = f", median {number_text(every.median_seconds, 0)} s per trial"
    return (
        f"It took {count_text(every.trials, 'trial')} with {count_text(every.iterations, 'training')}, "
        f"{_duration(every.seconds)} of trials in all{seconds * (every.median_seconds > 0)}."
    )


def _duration(seconds: float) -> str:
    return f"{number_text(seconds / 60, 1)} minutes" if seconds < 7200 else f"{number_text(seconds / 3600, 1)} hours"


def _measured(study: Study, found: Headline) -> str:
    if found.test is None:
        return (
            f"{objective_of(study).text(found.selection, 2)} over {count_text(len(found.seeds), 'seed')} at "
            f"{eta_text(found.etas)}; "
            "the test split has no temporal annotations, so mAP is not known"
        )
    spread = f" ± {number_text(found.test.std)}" if found.test.n > 1 else ""
    seeds = f"over {count_text(found.test.n, 'seed')} at {eta_text(found.etas)}"
    return f"test {metric_on_test(study)} {number_text(found.test.mean)}{spread} % {seeds}"


def _over(found: Headline) -> str:
    parts = []
    if found.over_base:
        parts.append(_difference(found.over_base, "the base model M0"))
    if found.over_preset:
        parts.append(_difference(found.over_preset, "the preset's configuration"))
    elif found.is_preset:
        parts.append("it is the preset's configuration")
    return "".join(f", {part}" for part in parts)


def _difference(difference: PairedDifference, other: str) -> str:
    side = "above" if difference.mean >= 0 else "below"
    if difference.interval is None:
        sure = f"{count_text(len(difference.seeds), 'seed')}: too few for an interval"
    else:
        sure = f"95 % interval {interval_text(difference.interval, signed=True)}"
    return f"{number_text(abs(difference.mean))} points {side} {other} ({sure})"


def _rule(study: Study) -> str:
    what = what_is_chosen(study).capitalize()
    if chosen_on_test(study):
        return f"†{what} were chosen on the test split itself, which makes the number too high as an estimate."
    if study.settings.selection_rule == "video-labels":
        signal = objective_of(study).name
        return f"{what} were chosen without temporal annotations, by {signal} on held-out training videos."
    return f"{what} were chosen on held-out training videos; the test split was only measured on."
