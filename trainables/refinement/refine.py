"""The outer loop of RefineLoc: train, relabel, train anew (paper, section 3.2). No Ray, no files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from trainables.config import RunConfig, joint_key
from trainables.data import Dataset
from trainables.evaluation import Floats
from trainables.gpu import DeviceCache, JointRun
from trainables.labels import ThresholdGrid
from trainables.refinement.iteration import Engine, IterationResult, PreparedIteration, RunState
from trainables.refinement.report import first_report
from trainables.training import NonFiniteLoss, Trained, Weights


def after_m0(config: RunConfig, state: RunState) -> RunState:
    """The state after an M0 that another run trained, as ``config`` would have left it.

    Whether it is the last iteration, and what it is then compared by, is all in it that ``config`` decides, not M0.
    """
    report = first_report(config, state.reports[0])
    return replace(state, finished=report.finished, reports=[report])


def measured_m0(
    config: RunConfig, data: Dataset, state: RunState, weights: Weights, cache: DeviceCache | None = None
) -> IterationResult:
    """An M0 that another run trained, as ``config`` would have measured it, where segments are predicted otherwise.

    weights: of its chosen epoch. All splits are scored once; nothing is trained. Sets torch's thread count.
    """
    torch.set_num_threads(config.compute.threads)
    return Engine(config, data, cache or DeviceCache.of(config)).measure_anew(state, weights)


def maps_of_pairs(
    config: RunConfig, data: Dataset, weights: Weights, cache: DeviceCache | None = None
) -> tuple[ThresholdGrid, dict[str, Floats]]:
    """Selection mAP with every pair of thresholds of the predictions, (alpha_A, alpha_C), by split; the grid first.

    weights: of a run's chosen epoch. Splits are scored once, nothing is trained. Sets torch's thread count.
    """
    torch.set_num_threads(config.compute.threads)
    return Engine(config, data, cache or DeviceCache.of(config)).pair_maps(weights)


def refine(
    config: RunConfig, data: Dataset, state: RunState | None = None, cache: DeviceCache | None = None
) -> Iterator[IterationResult]:
    """Run refinement iterations 0, 1, ... and yield each as it ends; iteration 0 trains without pseudo labels.

    state: go on after this state's iteration, with the same numbers as an uninterrupted run. cache: what other
    runs of this process left on the device. Sets torch's thread count, which float sums depend on. Stops after
    ``refinement.iterations``, or when ``refinement.patience`` iterations brought no new best selection mAP.
    """
    for (result,) in refine_together([config], data, [state], cache):
        if isinstance(result, Exception):
            raise result
        assert result is not None, "a run on its own yields until it ends"
        yield result


def refine_together(
    configs: Sequence[RunConfig],
    data: Dataset,
    states: Sequence[RunState | None] | None = None,
    cache: DeviceCache | None = None,
) -> Iterator[list[IterationResult | NonFiniteLoss | None]]:
    """Several runs with one ``joint_key`` side by side, trained in steps that they share.

    Yields an entry for each run after each round, None for a run that has ended; a run whose loss is not finite
    ends with its error. As on their own but for rounding.
    """
    if len({joint_key(config) for config in configs}) > 1:
        raise ValueError("runs that train together differ in labels, predictions, beta and refinement only")
    torch.set_num_threads(configs[0].compute.threads)
    cache = cache or DeviceCache.of(configs[0])
    engines = [Engine(config, data, cache) for config in configs]
    now: list[RunState | None] = [None] * len(configs) if states is None else list(states)
    running = [state is None or not state.finished for state in now]
    while any(running):
        results: list[IterationResult | NonFiniteLoss | None] = [None] * len(engines)
        for group in _by_iteration(now, running):
            ended = _iterate([engines[k] for k in group], [now[k] for k in group])
            for k, result in zip(group, ended, strict=True):
                results[k] = result
                if isinstance(result, IterationResult):
                    now[k], running[k] = result.state, not result.state.finished
                else:
                    running[k] = False
        yield results


def _by_iteration(states: Sequence[RunState | None], running: Sequence[bool]) -> list[list[int]]:
    """Indices of the running ones, grouped by their last iteration."""
    groups: dict[int, list[int]] = {}
    for k, state in enumerate(states):
        if running[k]:
            groups.setdefault(-1 if state is None else state.iteration, []).append(k)
    return list(groups.values())


def _iterate(engines: Sequence[Engine], states: Sequence[RunState | None]) -> list[IterationResult | NonFiniteLoss]:
    """One iteration of each run. The time of a joint training is divided equally among them."""
    prepared = [engine.prepare(state) for engine, state in zip(engines, states, strict=True)]
    started = time.perf_counter()
    trained = _train(engines, prepared)
    share_s = (time.perf_counter() - started) / len(engines)
    return [
        result if isinstance(result, NonFiniteLoss) else engine.finish(one, result, share_s)
        for engine, one, result in zip(engines, prepared, trained, strict=True)
    ]


def _train(engines: Sequence[Engine], prepared: Sequence[PreparedIteration]) -> list[Trained | NonFiniteLoss]:
    """In the joint trainer where it is used, else as the reference implementation trains."""
    first, one, runs = engines[0], prepared[0], len(engines)
    if not first.cache.uses_joint_trainer(first.config, runs):
        return [engine.train(own) for engine, own in zip(engines, prepared, strict=True)]
    trainer = first.cache.trainer(first.config, first.shape, one.train, one.valid, runs)
    joint_runs = [
        JointRun(own.model.state_dict(), engine.config.loss.beta, own.train, own.valid, engine.measure)
        for engine, own in zip(engines, prepared, strict=True)
    ]
    return trainer.train(joint_runs, one.shuffling, one.valid_shuffling)
