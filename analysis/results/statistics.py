"""What a group of trials amounts to: replicates of a configuration, and the best of several configurations.

A configuration is a set of searched values; its trials differ in the seed alone. Best-of-many-configurations and
mean-over-seeds are different claims: the functions here keep them apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from study.ledger import RankedPoint, Replicate, every_ranked_point

RESAMPLES = 2000
LEVEL = 0.95
FEWEST_SEEDS = 3  # for an interval
SAME_MAP = 0.005  # points: equal as printed

Floats = npt.NDArray[np.float64]


class Summary(NamedTuple):
    """A number over the seeds of one configuration, and where it comes from.

    mean, std: percent, over ``n`` seeds; std (n - 1 in the denominator) is NaN for one seed. iterations: the
    refinement iteration that each trial's value belongs to. lines: of the ledger. values: percent, one per seed. is_m0:
    refinement has helped none of the trials, so that the number is M0's, whatever the configuration.
    """

    mean: float
    std: float
    n: int
    trials: tuple[int, ...]
    seeds: tuple[int, ...]
    iterations: tuple[int, ...]
    lines: tuple[int, ...]
    values: tuple[float, ...] = ()  # by seed
    is_m0: bool = False


def over_seeds(rows: pd.DataFrame, column: str = "test_map") -> Summary | None:
    """Summary of ``column`` over ``rows``: one per seed, with trial, seed, iteration and lines (a list each).

    Rows without a number do not count; None when no row has one.
    """
    rows = rows[rows[column].notna()]
    if rows.empty:
        return None
    values = rows[column].to_numpy(dtype=np.float64)
    return Summary(
        mean=float(values.mean()),
        std=float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
        n=len(values),
        trials=tuple(rows["trial"].tolist()),
        seeds=tuple(rows["seed"].tolist()),
        iterations=tuple(int(iteration) for iteration in rows["iteration"]),
        lines=tuple(line for lines in rows["lines"] for line in lines),
        values=tuple(values.tolist()),
    )


class PairedDifference(NamedTuple):
    """Difference first - second over the seeds that both have, percentage points; interval: 95 %, None with fewer
    than FEWEST_SEEDS of them."""

    mean: float
    seeds: tuple[int, ...]
    interval: tuple[float, float] | None

    @property
    def distinguishable(self) -> bool | None:
        """Whether the interval leaves zero out; None without one."""
        return None if self.interval is None else self.interval[0] > 0 or self.interval[1] < 0


def paired_difference(first: Summary, second: Summary) -> PairedDifference | None:
    """Over common seeds; None when there is none.

    Pairing takes out what a seed does to all configurations (its M0, its videos held out). Only the seeds vary:
    the test videos are taken as they are.
    """
    a, b = dict(zip(first.seeds, first.values, strict=False)), dict(zip(second.seeds, second.values, strict=False))
    common = tuple(seed for seed in a if seed in b)
    if not common:
        return None
    differences = np.array([a[seed] - b[seed] for seed in common])
    interval = bootstrap_interval(differences) if len(common) >= FEWEST_SEEDS else None
    return PairedDifference(float(differences.mean()), common, interval)


def distinguishable(first: Summary, second: Summary) -> bool | None:
    """Whether the means differ by a paired bootstrap over the seeds that both have; None with too few of them."""
    difference = paired_difference(first, second)
    return None if difference is None else difference.distinguishable


def bootstrap_interval(values: Floats) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of ``values``, (n,); the draws are the same every time."""
    # Every resample has the same mean: nothing is to be drawn.
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    from scipy import stats  # half a second, which a study of one seed need not spend

    found = stats.bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def best_configuration(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials of the best of these configurations by the rule of ``study.ledger.ranking``; empty in, empty out."""
    ranked = ranked_trials(trials)
    best = [replicate.trial for replicate in ranked[0].replicates] if ranked else []
    return trials[trials["trial"].isin(best)].sort_values("trial")


def ranked_trials(trials: pd.DataFrame) -> list[RankedPoint]:
    """All configurations of some trials with an objective, the best first; those that do not compete come last."""
    columns = [trials[name].tolist() for name in ("trial", "configuration", "seed", "objective")]
    return every_ranked_point(Replicate(*row) for row in zip(*columns, strict=True))


def at_best_iteration(trials: pd.DataFrame) -> Summary | None:
    """Test mAP of trials of one configuration, each at the iteration that its selection rule chose."""
    summary = over_seeds(trials.assign(iteration=trials["best_iteration"]))
    return None if summary is None else summary._replace(is_m0=refinement_never_helped(trials))


def refinement_never_helped(trials: pd.DataFrame) -> bool:
    """Whether the selection rule chose M0 in every trial, although there was more to choose from."""
    return bool((trials["best_iteration"] == 0).all() and (trials["num_iterations"] > 1).any())


def at_iteration(iterations: pd.DataFrame, trials: pd.DataFrame, iteration: int) -> Summary | None:
    """Test mAP of ``trials`` after one refinement iteration; None when none of them has a number there."""
    rows = iterations[(iterations["iteration"] == iteration) & iterations["trial"].isin(trials["trial"])]
    return over_seeds(with_lines(rows))


def with_lines(iterations: pd.DataFrame) -> pd.DataFrame:
    """Rows of iterations as ``over_seeds`` takes them: a list of ledger lines each."""
    return iterations.assign(lines=iterations["line"].map(lambda line: [line]))


def base_model(iterations: pd.DataFrame, trials: pd.DataFrame) -> tuple[Summary | None, bool]:
    """M0, iteration 0, of each seed; and whether all trials of a seed agree on it as printed.

    M0 depends on none of the searched parameters of a refinement, so each seed counts once, with its first trial.
    """
    rows = iterations[(iterations["iteration"] == 0) & iterations["trial"].isin(trials["trial"])]
    values = rows.dropna(subset="test_map").groupby("seed")["test_map"]
    first = trials.sort_values("trial").drop_duplicates("seed")
    return at_iteration(iterations, first, 0), bool((values.max() - values.min() < SAME_MAP).all())
