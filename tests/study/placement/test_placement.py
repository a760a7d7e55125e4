from __future__ import annotations

from typing import Any

import pytest

from study.placement.memory import GIGABYTE, TrialMemory
from study.placement.placement import count_cores, place
from trainables.errors import UserError


@pytest.mark.parametrize(
    ("request_", "concurrency", "share"),
    [
        ({"cores": 2, "gpus": 0, "threads": 1}, 2, 0),
        ({"cores": 8, "gpus": 0, "threads": 3}, 2, 0),
        ({"cores": 8, "gpus": 0, "threads": 1, "max_concurrent": 3}, 3, 0),
        ({"cores": 8, "gpus": 0, "threads": 1, "cpus_per_trial": 4}, 2, 0),
        ({"cores": 8, "gpus": 2, "threads": 1}, 2, 1),
        ({"cores": 16, "gpus": 2, "threads": 1, "gpus_per_trial": 0.3}, 6, 0.3),
        ({"cores": 16, "gpus": 4, "threads": 1, "gpus_per_trial": 2.0}, 2, 2),
        ({"cores": 4, "gpus": 1, "threads": 1, "gpus_per_trial": 0.1}, 4, 0.1),
        ({"cores": 32, "gpus": 1, "threads": 1, "memory": TrialMemory(5 * GIGABYTE, 16 * GIGABYTE)}, 3, 0.3333),
        ({"cores": 32, "gpus": 1, "threads": 1, "memory": TrialMemory(1, 16 * GIGABYTE)}, 16, 0.0625),
        ({"cores": 4, "gpus": 1, "threads": 1, "gpus_per_trial": 0.0}, 4, 0),
    ],
)
def test_trials_fill_the_machine(request_: dict[str, Any], concurrency: int, share: float) -> None:
    placement = place(**request_)
    assert (placement.concurrency, placement.gpus_per_trial) == (concurrency, pytest.approx(share))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"gpus": 0, "gpus_per_trial": 0.5}, "--gpus-per-trial: 0.5 asked for, but no GPU was found"),
        ({"gpus": 1, "gpus_per_trial": 2.0}, "--gpus-per-trial: 2 GPUs asked for, but there are 1"),
        ({"gpus": 4, "gpus_per_trial": 1.5}, "above 1 it must be a whole number, got 1.5"),
        ({"gpus": 0, "cpus_per_trial": 9}, "--cpus-per-trial: 9 CPUs asked for, but there are 4"),
        ({"gpus": 1, "memory": TrialMemory(9 * GIGABYTE, 8 * GIGABYTE)}, "a trial needs about 9.0 GiB"),
    ],
)
def test_what_the_machine_cannot_give_is_refused(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        place(cores=4, threads=1, **request_)
    assert message in str(error.value)


def test_what_the_share_was_derived_from_is_kept_with_it() -> None:
    memory = TrialMemory(5 * GIGABYTE, 16 * GIGABYTE, 3 * GIGABYTE, "a GPU")
    derived = place(32, 1, 1, memory=memory)
    assert (derived.gpus_per_trial, derived.concurrency) == (0.25, 4)  # 16 GiB hold 3.6 four times
    assert derived.as_dict()["memory"]["measured_bytes"] == 3 * GIGABYTE
    assert place(32, 1, 1, memory=memory, gpus_per_trial=0.5).memory is None
    assert place(32, 0, 1, memory=memory).memory is None


def test_there_is_at_least_one_core() -> None:
    assert count_cores() >= 1


def test_trials_that_share_a_process_count_as_one_on_the_machine() -> None:
    placement = place(2, 1, threads=1, gpus_per_trial=0.5, trials_per_process=8)
    assert (placement.concurrency, placement.trials_at_once) == (2, 16)
    assert str(placement).startswith("16 trials at a time, 8 in a process on 2 cores, 1 GPU")
    assert place(4, 0, threads=1, max_concurrent=8, trials_per_process=4).concurrency == 2


@pytest.mark.parametrize(
    ("request_", "trials", "cores"),
    [
        ({}, 64, 8),
        ({}, 3, 3),
        ({"max_concurrent": 2}, 64, 2),
        ({"cpus_per_trial": 4}, 1, 4),
        ({"trials_per_process": 4}, 9, 3),
        ({"gpus": 1, "gpus_per_trial": 0.5}, 64, 2),
        # A measurement may find room for more.
        ({"gpus": 1, "memory": TrialMemory(4 * GIGABYTE, 8 * GIGABYTE)}, 64, 8),
    ],
)
def test_ray_is_given_the_cores_that_trials_take(request_: dict[str, Any], trials: int, cores: int) -> None:
    placement = place(**{"cores": 8, "gpus": 0, "threads": 1} | request_)
    assert placement.cores_needed(trials) == cores
