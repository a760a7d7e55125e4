from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from tests.trainables.training.tiny import in_order, tiny
from trainables.training.loop import train, train_epoch
from trainables.training.optimizer import FlatAdam, adam, keep_in_place, step_if_finite


def test_a_step_with_a_loss_that_is_not_finite_leaves_the_weights_alone() -> None:
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    parameter.grad = torch.ones(3)
    step_if_finite(optimizer, torch.tensor(float("nan")))
    assert parameter.tolist() == [1.0, 1.0, 1.0]
    step_if_finite(optimizer, torch.tensor(1.0))
    assert parameter.tolist() != [1.0, 1.0, 1.0]


def test_a_decay_of_1_keeps_the_learning_rate() -> None:
    model, tensors, config = tiny(lr=0.5)
    constant = config.model_copy(update={"lr_decay": 1.0})
    trained = train(model, in_order(tensors, constant), tensors, constant)
    assert {record.lr for record in trained.curve} == {0.5}


def test_weight_decay_shrinks_weights_that_no_loss_needs() -> None:
    norms = []
    for decay in (0.0, 1.0):
        model, tensors, config = tiny()
        decayed = config.model_copy(update={"weight_decay": decay})
        train(model, in_order(tensors, decayed), tensors, decayed)
        norms.append(sum(float(p.detach().norm()) for p in model.parameters()))
    assert norms[1] < norms[0]


def test_a_learning_rate_that_was_replaced_is_put_back_in_its_place() -> None:
    rate = torch.tensor(0.1)
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.ones(3))], lr=rate)
    optimizer.param_groups[0]["lr"] = 0.05
    keep_in_place(optimizer, rate)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.05)


def test_one_vector_of_all_parameters_trains_the_same_numbers_as_torchs_own_adam() -> None:
    weights = []
    for flat in (True, False):
        model, tensors, config = tiny()
        own = torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=0.1)
        one = FlatAdam(list(model.parameters()), lr=config.lr, weight_decay=0.1) if flat else own
        for epoch in range(6):
            train_epoch(model, in_order(tensors, config)(epoch), one, torch.float32)
        weights.append({name: value.clone() for name, value in model.state_dict().items()})
    for name, value in weights[0].items():
        assert torch.equal(value, weights[1][name]), name


def test_parameters_that_are_views_of_something_else_stay_there() -> None:
    model, _, config = tiny()
    before = [parameter.data_ptr() for parameter in model.parameters()]
    adam(model, config, moves=False)
    assert [parameter.data_ptr() for parameter in model.parameters()] == before
    adam(model, config)
    assert [parameter.data_ptr() for parameter in model.parameters()] != before


def test_small_models_train_without_torchs_compiler() -> None:
    """Its import is most of a worker's start."""
    code = """
import sys, torch
from trainables.training.optimizer import FlatAdam
weight = torch.nn.Parameter(torch.ones(2))
optimizer = FlatAdam([weight], lr=0.1)
optimizer.zero_grad()
weight.sum().backward()
optimizer.step()
assert not weight.grad_fn and weight.tolist() != [1.0, 1.0]
print(sorted({"torch._dynamo", "sympy"} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
