"""Automated checks of a search, after Google's tuning playbook: each says what was looked at and what to do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.results.predictions import Floats, best_predictions, evaluation_note
from analysis.results.refinement import best_trials
from analysis.results.search import at_edge, search_history, searched_trials
from analysis.results.statistics import SAME_MAP, at_best_iteration, base_model, distinguishable, ranked_trials
from analysis.results.video_bootstrap import video_interval
from analysis.settings import GENERATOR
from analysis.study import Study
from analysis.text import ORACLE, chosen_on_test, count_text, number_text, objective_of, short_key, what_is_chosen
from study.ledger import trial_name

INFEASIBLE = ("failed", "timed-out", "out-of-memory", "non-finite")
MOST_INFEASIBLE = 0.1
ERRORS = 2  # standard errors, below which a lead may be chance
LATE = 0.8  # a best that is found behind this share of the trials may not be the last one


class Check(NamedTuple):
    """verdict: ``ok``, ``look`` (something to act on) or ``unknown`` (the study cannot tell)."""

    name: str
    verdict: str
    text: str


def checks(study: Study) -> list[Check]:
    """All of them; those that need a completed trial are left out of a study without one."""
    found = [infeasible_share(study), ledger_whole(study)]
    if study.completed.empty:
        return found
    of_predictions = [better_over_videos(study), predictions_agree(study)]
    return [best_at_edge(study), *found, retraining_variance(study), better_than_base(study),
            *(check for check in of_predictions if check), still_rising(study), selection_split(study)]  # fmt: skip


def best_at_edge(study: Study) -> Check:
    """Whether the best configuration lies on the boundary of the space."""
    name = "Is the best at the edge of the space?"
    best = set(best_trials(study)["trial"])
    searched = searched_trials(study)
    rows = np.array([trial in best for trial in searched.trial], dtype=bool)
    edges = []
    for axis in searched.axes:
        hit = at_edge(axis) & rows
        if hit.any():
            low, high = axis.edges or (0.0, 0.0)
            edges.append(f"{short_key(axis.key)} = {axis.position[hit][0]:g} (space: {low:g} to {high:g})")
    if edges:
        return Check(
            name, "look", f"Yes: {'; '.join(edges)}. Widen the space there, unless the limit is one of principle."
        )
    return Check(name, "ok", "No: every number of the best configuration lies inside its range.")


def infeasible_share(study: Study) -> Check:
    """Trials that ended without a result because something went wrong."""
    name = "Share of infeasible trials"
    counts = study.trials["state"].value_counts()
    bad = {state: int(counts[state]) for state in INFEASIBLE if state in counts}
    ended = int(counts.reindex(["completed", "pruned", *INFEASIBLE]).sum())
    if not ended:
        return Check(name, "unknown", "No trial has ended yet.")
    share = sum(bad.values()) / ended
    said = ", ".join(f"{count} {state}" for state, count in bad.items()) or "none"
    verdict = "look" if share > MOST_INFEASIBLE else "ok"
    todo = " Narrow the space to where trials succeed, or mend the cause." if verdict == "look" else ""
    return Check(name, verdict, f"{100 * share:.0f} % of {ended} ended trials ({said}).{todo}")


def retraining_variance(study: Study) -> Check:
    """Lead of the best configuration against the noise that its replicates show, what seeds do to all taken out."""
    name = "Variance of retraining"
    done, objective = study.completed[study.completed[GENERATOR] != ORACLE], objective_of(study)
    groups = done.groupby("configuration")["objective"]
    spread, freedom = groups.var().dropna(), groups.count() - 1
    if spread.empty:
        return Check(
            name,
            "unknown",
            "One seed per configuration: a better one may be a lucky seed. Use --seeds 3 or more.",
        )
    # Of so many degrees of freedom each: configurations may have run on different numbers of seeds.
    pooled = float(np.sqrt(np.average(spread, weights=freedom[spread.index])))
    deviation = f"Standard deviation over seeds: {objective.difference(pooled)} (pooled)"
    ranked = [one for one in ranked_trials(done) if one.competes]
    error = ranked[0].estimate.standard_error
    if len(ranked) < 2 or error is None:
        return Check(name, "unknown", f"{deviation}; no second configuration on the same seeds to compare with.")
    lead = ranked[0].estimate.mean - ranked[1].estimate.mean
    error = float(np.hypot(error, ranked[1].estimate.standard_error or 0.0))
    said = (
        f"{deviation}. On the same seeds the best leads by {objective.difference(lead)}, standard error "
        f"{objective.difference(error)}."
    )
    if lead < ERRORS * error:
        return Check(name, "look", f"{said} The order of the leaders may be chance: retrain them on more seeds.")
    return Check(name, "ok", said)


def better_than_base(study: Study) -> Check:
    """Whether refinement helps, on the test split and by the seeds."""
    name = "Does refinement help?"
    trials = best_trials(study)
    base, _ = base_model(study.iterations, trials)
    best = at_best_iteration(trials)
    if base is None or best is None:
        return Check(name, "unknown", "The test split has no temporal annotations: mAP is not known.")
    said = f"Test mAP {base.mean:.2f} (M0) to {best.mean:.2f} (best configuration), {count_text(best.n, 'seed')}."
    differs = distinguishable(best, base)
    if differs is None:
        return Check(
            name, "unknown" if best.mean > base.mean else "look", f"{said} Three seeds are needed for an interval."
        )
    if differs and best.mean > base.mean:
        return Check(name, "ok", f"{said} Distinguishable by a paired bootstrap over seeds (95 %).")
    return Check(name, "look", f"{said} Not distinguishable by a paired bootstrap over seeds (95 %).")


def better_over_videos(study: Study) -> Check | None:
    """The same of one trial over the test videos; None where the folder lacks the prediction files."""
    found = best_predictions(study)
    if found is None or found.base is None or not found.test.is_annotated:
        return None
    interval = video_interval(found.test, found.base, found.chosen, _selection_tiou(study))
    said = (
        f"Trial {trial_name(found.trial)} against its M0: {number_text(interval.difference, signed=True)} points, 95 % "
        f"interval {number_text(interval.low, signed=True)} to {number_text(interval.high, signed=True)} (paired "
        f"bootstrap over {interval.videos} test videos, {evaluation_note(study, found.test)})."
    )
    verdict = "ok" if interval.distinguishable and interval.difference > 0 else "look"
    return Check("Would other test videos say the same?", verdict, said)


def predictions_agree(study: Study) -> Check | None:
    """Whether the prediction file of the best trial gives the mAP that the ledger has; None without the file."""
    found, name = best_predictions(study), "Predictions against the ledger"
    if found is None:
        return None
    recorded = study.trials.loc[study.trials["trial"] == found.trial, "test_map"].iloc[0]
    if np.isnan(recorded) or not found.test.is_annotated:
        return None
    mean_ap = found.test.mean_ap(found.chosen, _selection_tiou(study))
    said = f"The prediction file of {trial_name(found.trial)} gives mAP {mean_ap:.2f}, the ledger has {recorded:.2f}"
    if abs(mean_ap - recorded) < SAME_MAP:
        return Check(name, "ok", f"{said}.")
    return Check(name, "look", f"{said} ({evaluation_note(study, found.test)}).")


def still_rising(study: Study) -> Check:
    """Whether the best came so late that more trials may find better ones."""
    name = "Was the search long enough?"
    best = search_history(study).best_so_far
    finite = best[np.isfinite(best)]
    if len(finite) < 5:
        return Check(name, "unknown", "Fewer than five trials to look at.")
    at = int(np.argmax(best == finite[-1])) + 1
    said = f"The best trial is number {at} of {len(best)}."
    if at > LATE * len(best):
        return Check(name, "look", f"{said} It came late: go on with --resume {study.name} --num-samples N.")
    return Check(name, "ok", said)


def selection_split(study: Study) -> Check:
    """Whether numbers were chosen on the split that they are reported on."""
    name = "Selection"
    if chosen_on_test(study):
        return Check(
            name,
            "look",
            f"{what_is_chosen(study).capitalize()} were chosen on the test split (†): fit to compare with the paper, "
            "too high as an estimate. --selection held-out chooses without test labels.",
        )
    return Check(name, "ok", "Chosen on held-out training videos; the test split was only measured on.")


def _selection_tiou(study: Study) -> Floats:
    return np.array(study.settings.selection_tiou or study.settings.tiou)


def ledger_whole(study: Study) -> Check:
    """Damaged lines of the ledger."""
    if study.problems:
        return Check("Ledger", "look", "; ".join(study.problems[:3]))
    return Check("Ledger", "ok", "Every line agrees with its checksum.")
