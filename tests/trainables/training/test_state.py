from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.trainables.training.tiny import in_order, tiny
from trainables.training.loop import train
from trainables.training.state import NonFiniteLoss


def test_best_weights_are_a_copy_that_later_epochs_do_not_change() -> None:
    model, tensors, config = tiny(lr=0.5)
    trained = train(model, in_order(tensors, config), tensors, config)
    losses = [record.valid.total for record in trained.curve]
    assert trained.chosen_epoch == len(losses) - 1 - int(np.argmin(losses[::-1]))
    if trained.chosen_epoch < len(losses) - 1:
        assert any(not torch.equal(trained.best[name], trained.last[name]) for name in trained.best)


def test_ties_of_the_validation_loss_go_to_the_later_epoch() -> None:
    model, tensors, config = tiny(lr=1e-30, epochs=3)
    trained = train(model, in_order(tensors, config), tensors, config)
    assert len({record.valid.total for record in trained.curve}) == 1
    assert trained.chosen_epoch == 2


def test_a_loss_that_is_not_finite_ends_the_training_with_its_epoch() -> None:
    model, tensors, config = tiny()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteLoss, match=r"epoch 0: loss is not finite .* lower training.lr"):
        train(model, in_order(tensors, config), tensors, config)
