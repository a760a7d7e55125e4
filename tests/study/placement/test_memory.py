from __future__ import annotations

import pytest
import torch

from study.placement.memory import (
    GIGABYTE,
    TrialMemory,
    estimate_trial_bytes,
    estimated_memory,
    probed_memory,
    weight_bytes,
)
from tests.study.worlds import run_of
from tests.trainables.worlds import tiny_dataset
from trainables.base_models import build_base_model
from trainables.config import preset
from trainables.worker.probe import TrialProbe

ESTIMATED = TrialMemory(int(2.4 * GIGABYTE), 80 * GIGABYTE)


def test_a_thumos_sized_trial_fits_a_gpu_several_times() -> None:
    needed = estimate_trial_bytes(run_of(training__batch_videos=32), 160_000, 412, 2048)
    assert 160_000 * 2048 * 4 < needed < 8 * GIGABYTE


def test_without_a_measurement_the_arithmetic_decides_and_says_so() -> None:
    assert probed_memory(ESTIMATED, "the probe failed (X)").needed_bytes == ESTIMATED.estimated_bytes
    assert str(probed_memory(ESTIMATED, "the probe failed (X)")) == (
        "2.40 GiB by arithmetic; not measured: the probe failed (X)"
    )
    on_cpu = probed_memory(ESTIMATED, TrialProbe("here", "cpu", 1.0, 1.0))
    assert on_cpu.note == "the probe found no CUDA device on here"
    assert on_cpu.device_bytes == ESTIMATED.device_bytes
    assert "not measured: no probe was made" in str(estimated_memory(run_of(), tiny_dataset(), None))


def test_a_measurement_decides_with_its_margin_beside_the_arithmetic() -> None:
    probe = TrialProbe("here", "a GPU", 1.0, 1.0, int(1.5 * GIGABYTE), GIGABYTE // 2, 40 * GIGABYTE)
    memory = probed_memory(ESTIMATED, probe)
    assert memory.needed_bytes == int(1.2 * 2 * GIGABYTE)
    assert str(memory) == (
        "2.00 GiB of 40.00 GiB measured on a GPU, x 1.2 margin; 2.40 GiB by arithmetic, which agrees"
    )
    wrong = TrialMemory(9 * GIGABYTE, None, 2 * GIGABYTE, "a GPU")
    assert str(wrong).endswith("9.00 GiB by arithmetic, which is 4.5 x that")


@pytest.mark.parametrize("model", ["refineloc", "wtalc", "basnet"])
@pytest.mark.parametrize("changes", [{}, {"model.layers": 3, "model.attention": "two_value"}])
def test_the_bytes_of_the_weights_are_those_of_the_built_model(model: str, changes: dict[str, object]) -> None:
    run = preset("spoken-digits", base_model=model).updated(changes)
    built = build_base_model(run, 91, 10, torch.Generator())
    assert weight_bytes(run, 91, 10) == sum(4 * parameter.numel() for parameter in built.parameters())
