"""Runs that train together in steps of fixed shapes, against each of them on its own."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainables.worlds import tiny_dataset
from trainables.base_models import RefineLoc
from trainables.base_models.refineloc import snippet_losses
from trainables.batching.device_features import FeatureStore
from trainables.batching.fixed import DeviceSplit
from trainables.batching.videos import SplitTensors
from trainables.config.run import DatasetConfig, RunConfig
from trainables.gpu.joint_training import JointRun, JointTrainer
from trainables.gpu.refineloc_stack import RefineLocStack
from trainables.labels.sampling import background_share, sample
from trainables.training.loop import train
from trainables.training.state import NonFiniteLoss, Trained

DATA = tiny_dataset(videos=14)
SHAPE = DATA.dimensions, len(DATA.classes)
CPU = torch.device("cpu")


def config_of(**changes: Any) -> RunConfig:
    values = {"training.epochs": 5, "training.lr": 1e-2, "training.batch_videos": 4, "loss.beta": 2.0}
    return RunConfig(dataset=DatasetConfig(name="tiny")).updated(
        values | {key.replace("__", "."): value for key, value in changes.items()}
    )


def splits(labelled: bool = True, seed: int = 0) -> tuple[SplitTensors, SplitTensors]:
    """Training and validation split with the annotations, disturbed and sampled, as pseudo labels."""
    store, rng = FeatureStore(CPU, torch.float32), np.random.default_rng(seed)
    both = []
    for split in (DATA.train, DATA.test):
        data = SplitTensors.of(split, SHAPE[1], "first", store)
        if labelled:
            foreground = split.snippet_truth ^ (rng.random(split.num_snippets) < 0.2)
            data = data.with_labels(sample(foreground, split, 0.8, rng), background_share(foreground))
        both.append(data)
    return both[0], both[1]


def model_of(config: RunConfig, seed: int = 0) -> RefineLoc:
    return RefineLoc(config, *SHAPE, torch.Generator().manual_seed(seed))


def alone(config: RunConfig, data: tuple[SplitTensors, SplitTensors], seed: int = 0) -> Trained:
    rng = np.random.default_rng(7)
    size = config.training.batch_videos
    return train(
        model_of(config, seed),
        lambda _: data[0].batches(rng.permutation(len(data[0].split)), size),
        data[1],
        config.training,
    )


def together(
    configs: list[RunConfig], data: list[tuple[SplitTensors, SplitTensors]], captures: bool, trainer: Any = None
) -> list[Trained | NonFiniteLoss]:
    rng = np.random.default_rng(7)
    trainer = trainer or trainer_of(configs, data, captures)
    runs = [
        JointRun(model_of(config, k).state_dict(), config.loss.beta, *own)
        for k, (config, own) in enumerate(zip(configs, data, strict=True))
    ]
    return list(trainer.train(runs, rng))


def trainer_of(configs: list[RunConfig], data: list[tuple[SplitTensors, SplitTensors]], captures: bool) -> JointTrainer:
    return JointTrainer([model_of(config, 99) for config in configs], *data[0], torch.float32, captures)


def assert_alike(ours: Trained | NonFiniteLoss, theirs: Trained) -> None:
    assert isinstance(ours, Trained)
    assert len(ours.curve) == len(theirs.curve)
    assert ours.chosen_epoch == theirs.chosen_epoch
    for kind in ("train", "valid"):
        np.testing.assert_allclose(
            [astuple(getattr(record, kind)) for record in ours.curve],
            [astuple(getattr(record, kind)) for record in theirs.curve],
            rtol=2e-4,
            atol=1e-6,
        )
    np.testing.assert_allclose([r.lr for r in ours.curve], [r.lr for r in theirs.curve], rtol=1e-6)
    for name, weight in theirs.last.items():
        np.testing.assert_allclose(ours.last[name], weight, atol=2e-4)


@pytest.mark.parametrize("captures", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model__layers": 1},
        {"model__layers": 3},
        {"model__attention": "scalar", "loss__pseudo_weighting": "background_share"},
        {"loss__pseudo_weighting": "background_share", "loss__pseudo_mean": "all_snippets"},
        {"loss__video": "log_outside", "training__weight_decay": 0.01},
        {"training__lr_decay": 0.5, "training__lr_patience": 0, "training__lr": 0.1, "training__epochs": 8},
        {"training__early_stopping": 1, "training__lr": 0.1, "training__epochs": 12},
    ],
)
def test_three_runs_together_train_as_each_alone(changes: dict[str, Any], captures: bool) -> None:
    configs = [config_of(**changes | {"loss__beta": beta}) for beta in (0.5, 2.0, 8.0)]
    data = [splits(seed=seed) for seed in range(3)]
    ours = together(configs, data, captures)
    for k, (config, own) in enumerate(zip(configs, data, strict=True)):
        assert_alike(ours[k], alone(config, own, seed=k))


@pytest.mark.parametrize("captures", [False, True])
def test_without_pseudo_labels_the_loss_is_the_videos_alone(captures: bool) -> None:
    config, data = config_of(), splits(labelled=False)
    (ours,) = together([config], [data], captures)
    assert_alike(ours, alone(config, data))
    assert isinstance(ours, Trained)
    assert {record.train.pseudo for record in ours.curve} == {0.0}


@pytest.mark.parametrize("captures", [False, True])
def test_a_trainer_that_is_used_again_trains_as_a_new_one(captures: bool) -> None:
    configs, data = [config_of(), config_of(loss__beta=8.0)], [splits(seed=0), splits(seed=1)]
    first = together(configs, data, captures)
    used = trainer_of(configs, data, captures)
    together([config_of(loss__beta=1.0), config_of()], [splits(seed=5), splits(labelled=False)], captures, used)
    for again, once in zip(together(configs, data, captures, used), first, strict=True):
        assert isinstance(again, Trained)
        assert isinstance(once, Trained)
        assert again.curve == once.curve
        assert all(torch.equal(again.best[name], once.best[name]) for name in once.best)


def test_fewer_runs_than_places_leave_the_last_places_empty() -> None:
    configs, data = [config_of(), config_of(loss__beta=8.0)], [splits(seed=0), splits(seed=1)]
    trainer = trainer_of([*configs, config_of()], [*data, splits(seed=2)], captures=True)
    ours = together(configs, data, True, trainer)
    assert len(ours) == 2
    for k in range(2):
        assert_alike(ours[k], alone(configs[k], data[k], seed=k))


@pytest.mark.parametrize("captures", [False, True])
def test_a_run_whose_loss_is_not_finite_ends_alone(captures: bool) -> None:
    configs, data = [config_of(), config_of()], [splits(seed=0), splits(seed=1)]
    broken = model_of(configs[1])
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    runs = [
        JointRun(model.state_dict(), 2.0, *own) for model, own in zip((model_of(configs[0]), broken), data, strict=True)
    ]
    rng = np.random.default_rng(7)
    ours = trainer_of(configs, data, captures).train(runs, rng)
    assert isinstance(ours[1], NonFiniteLoss)
    assert_alike(ours[0], alone(configs[0], data[0]))


def test_best_and_last_weights_are_copies() -> None:
    configs, data = [config_of(), config_of(loss__beta=8.0)], [splits(seed=0), splits(seed=1)]
    trainer = trainer_of(configs, data, captures=False)
    first = together(configs, data, False, trainer)[0]
    assert isinstance(first, Trained)
    before = {name: weight.clone() for name, weight in first.last.items()}
    together(configs, data[::-1], False, trainer)
    assert all(torch.equal(before[name], first.last[name]) for name in before)


class NoLookAtTheDevice(TorchDispatchMode):
    """Refuses what a CUDA graph cannot capture: values read by the host, and shapes that depend on values."""

    FORBIDDEN = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero", "lift_fresh")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in self.FORBIDDEN, f"{func} looks at the device"
        return func(*args, **(kwargs or {}))


def test_the_mode_that_refuses_looks_at_the_device_refuses_them() -> None:
    with pytest.raises(AssertionError, match="looks at the device"), NoLookAtTheDevice():
        torch.ones(1).item()


@pytest.mark.parametrize("attention", ["scalar", "two_value"])
@pytest.mark.parametrize("weighting", ["none", "background_share"])
@pytest.mark.parametrize("video", ["log_inside", "log_outside"])
def test_a_step_never_looks_at_the_device(attention: str, weighting: str, video: str) -> None:
    config = config_of(model__attention=attention, loss__pseudo_weighting=weighting, loss__video=video)
    device_split = DeviceSplit.of(splits()[0], 2)
    stack = RefineLocStack([model_of(config, 0), model_of(config, 1)])
    beta = torch.ones(2 * 4)
    videos = torch.tensor([3, 0, 5])
    with NoLookAtTheDevice():
        batch = device_split.batch(videos, 90)
        losses = snippet_losses(stack.forward(batch.features), batch, config.loss, beta)
        losses.total.mean().backward()
        stack.share_gradients()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
def test_recorded_on_a_gpu_two_runs_train_as_each_alone_on_the_cpu() -> None:
    device = torch.device("cuda")
    configs = [config_of(loss__beta=beta, training__epochs=6) for beta in (0.5, 8.0)]
    data = [splits(seed=seed) for seed in range(2)]
    store = FeatureStore(device, torch.float32)
    there = []
    for pair in data:
        moved = []
        for own in pair:
            assert own.labels is not None
            on_device = SplitTensors.of(own.split, SHAPE[1], "first", store)
            moved.append(on_device.with_labels(own.labels.numpy(), own.background_share))
        there.append((moved[0], moved[1]))
    models = [model_of(config, 99).to(device) for config in configs]
    trainer = JointTrainer(models, *there[0], torch.float32, captures=True)
    for _ in range(2):  # the second training replays what the first one recorded
        ours = together(configs, there, True, trainer)
        for k, config in enumerate(configs):
            one = ours[k]
            assert isinstance(one, Trained)
            here = {name: weight.cpu() for name, weight in one.last.items()}
            assert_alike(Trained(here, here, one.chosen_epoch, one.curve), alone(config, data[k], seed=k))
