"""How a search went, as values: its history, where in the space its trials lie, what each of them cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.settings import GENERATOR, Dimension
from analysis.study import TRIAL_COLUMNS, Study
from analysis.text import ORACLE, generator_order

Floats = npt.NDArray[np.float64]


class History(NamedTuple):
    """Selection objective of each trial, in the order of proposal; columns of shape (trials,).

    refined: of its best refined iteration, which the search maximises. reported: what it reports at its end, the best
    of all iterations with M0 among them. NaN without one. best_so_far: of the refined ones of the completed trials up
    to this one, oracle aside, NaN before the first. base: that of M0, mean over seeds, None when unknown.
    """

    trial: npt.NDArray[np.int64]
    refined: Floats
    reported: Floats
    best_so_far: Floats
    state: list[str]
    generator: list[str]
    base: float | None


class Axis(NamedTuple):
    """One searched key over the completed trials. position: of each trial, NaN where the key does not matter;
    words become 0, 1, ... in the order of ``words`` (None for numbers). edges: of the search space.
    logarithmic: the space grows by a factor, as the powers of two of beta."""

    key: str
    position: Floats
    words: list[str] | None
    edges: tuple[float, float] | None
    logarithmic: bool = False


class SearchedTrials(NamedTuple):
    """Completed trials in the space: the number that the search maximises (best refined selection objective), trial
    number and generator of each, and an axis for each key."""

    objective: Floats
    trial: npt.NDArray[np.int64]
    generator: list[str]
    axes: list[Axis]


class TrialCosts(NamedTuple):
    """Wall time of each trial that has one, by generator, and the kinds of devices."""

    seconds: Floats
    generator: list[str]
    devices: list[str]


def search_history(study: Study) -> History:
    """What the search saw; the oracle and trials that did not complete set no best."""
    trials = study.trials
    completed = trials["trial"].isin(study.completed["trial"])
    refined = trials["refined_objective"].to_numpy(np.float64)
    counted = pd.Series(np.where(completed & (trials[GENERATOR] != ORACLE), refined, np.nan))
    first = study.iterations[study.iterations["iteration"] == 0].drop_duplicates("seed")["selection"].dropna()
    return History(
        trial=trials["trial"].to_numpy(np.int64),
        refined=refined,
        reported=trials["objective"].to_numpy(np.float64),
        best_so_far=np.asarray(counted.cummax().ffill(), np.float64),
        state=trials["state"].tolist(),
        generator=trials[GENERATOR].astype(str).tolist(),
        base=float(first.mean()) if len(first) else None,
    )


def searched_trials(study: Study) -> SearchedTrials:
    """Every key with more than one value in the space, over the completed trials in order."""
    done = study.completed[study.completed["refined_objective"].notna()]
    keys = [key for key in study.trials.columns if key not in TRIAL_COLUMNS and study.trials[key].nunique() > 1]
    return SearchedTrials(
        objective=done["refined_objective"].to_numpy(np.float64),
        trial=done["trial"].to_numpy(np.int64),
        generator=done[GENERATOR].astype(str).tolist(),
        axes=[_axis(key, done[key], study.settings.space.get(key, Dimension())) for key in keys],
    )


def at_edge(axis: Axis) -> npt.NDArray[np.bool_]:
    """Trials whose value is the lowest or highest of the space; never for words."""
    if axis.words is not None or axis.edges is None:
        return np.zeros(len(axis.position), dtype=bool)
    return np.isin(axis.position, axis.edges)


def trial_costs(study: Study) -> TrialCosts:
    """Of every trial that tells its seconds."""
    timed = study.trials.dropna(subset=["seconds"])
    devices = sorted(timed["device"].dropna().astype(str).unique())
    return TrialCosts(timed["seconds"].to_numpy(np.float64), timed[GENERATOR].astype(str).tolist(), devices)


def trial_data(study: Study) -> pd.DataFrame:
    """All trials with their searched values, without the columns that only the ledger needs."""
    return study.trials.drop(columns=["lines", "reason", "best_is_known"])


def _axis(key: str, values: pd.Series, asked: Dimension) -> Axis:
    if any(isinstance(value, str | bool) for value in values.dropna()):
        found = sorted(map(str, values.dropna().unique()))
        words = generator_order(found) if key == GENERATOR else found
        place = {word: float(i) for i, word in enumerate(words)}
        return Axis(key, np.array([place.get(str(v), np.nan) for v in values]), words, None)
    return Axis(key, values.to_numpy(np.float64), None, asked.edges, _grows_by_a_factor(asked))


def _grows_by_a_factor(asked: Dimension) -> bool:
    numbers = sorted(asked.numbers)
    if len(numbers) > 2 and numbers[0] > 0:
        ratios = np.array(numbers[1:]) / np.array(numbers[:-1])
        return bool(np.allclose(ratios, ratios[0]))
    return asked.log
