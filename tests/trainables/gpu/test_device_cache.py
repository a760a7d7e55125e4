from __future__ import annotations

import pytest
import torch

from tests.trainables.refinement.test_refine import DATA, tiny_run
from trainables.batching import SplitTensors
from trainables.config import RunConfig
from trainables.errors import UserError
from trainables.gpu.device_cache import DeviceCache, resolve_device
from trainables.gpu.joint_training import JointTrainer


def trainer_of(cache: DeviceCache, config: RunConfig, runs: int) -> JointTrainer:
    train, valid = (SplitTensors.of(split, 3, "first", cache.features) for split in (DATA.train, DATA.test))
    return cache.trainer(config, (DATA.dimensions, 3), train, valid, runs)


def test_features_are_converted_once_for_all_runs_of_a_process() -> None:
    cache = DeviceCache.of(tiny_run(compute__dtype="bfloat16"))
    first, second = (cache.features.tensor(DATA.train.features) for _ in range(2))
    assert first is second
    assert first.dtype == torch.bfloat16


def test_a_trainer_serves_runs_that_differ_in_beta_and_is_made_anew_for_others() -> None:
    cache = DeviceCache.of(tiny_run())
    first = trainer_of(cache, tiny_run(), 2)
    assert trainer_of(cache, tiny_run(loss__beta=9.0), 2) is first
    assert trainer_of(cache, tiny_run(seed=1), 2) is not first
    assert len(trainer_of(cache, tiny_run(seed=1), 3).models) == 3


def test_a_single_run_on_the_cpu_trains_alone_and_other_base_models_always() -> None:
    cache = DeviceCache.of(tiny_run())
    assert not cache.uses_joint_trainer(tiny_run(), runs=1)
    assert cache.uses_joint_trainer(tiny_run(), runs=2)
    assert not cache.uses_joint_trainer(tiny_run(model__name="wtalc", training__batch_videos=8), runs=2)


def test_auto_is_the_gpu_where_there_is_one_and_a_missing_gpu_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device(tiny_run(compute__device="auto")).type == "cpu"
    with pytest.raises(UserError, match=r"compute.device: 'cuda'"):
        resolve_device(tiny_run(compute__device="cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device(tiny_run(compute__device="auto")).type == "cuda"
    assert resolve_device(tiny_run(compute__device="cpu")).type == "cpu"
