from __future__ import annotations

import pytest
import torch

from tests.trainables.refinement.test_refine import DATA, tiny_run
from trainables.base_models import BASE_MODELS, RefineLoc, build_base_model
from trainables.base_models.contract import register
from trainables.errors import UserError


def test_an_unknown_base_model_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"model.name: no base model 'wtlc'. Did you mean 'wtalc'\?"):
        build_base_model(tiny_run(model__name="wtlc"), DATA.dimensions, len(DATA.classes), torch.Generator())


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="refineloc is registered twice"):
        register("refineloc")(RefineLoc)
    assert BASE_MODELS["refineloc"] is RefineLoc


@pytest.mark.parametrize("name", sorted(BASE_MODELS))
def test_the_initial_weights_depend_on_the_generator_alone(name: str) -> None:
    run = tiny_run(model__name=name, training__batch_videos=8).updated(
        {"model.basnet.length": 16, "model.basnet.hidden": 8} if name == "basnet" else {}
    )
    models = []
    for torch_seed in (1, 2):
        torch.manual_seed(torch_seed)
        rng = torch.Generator().manual_seed(5)
        models.append(build_base_model(run, DATA.dimensions, len(DATA.classes), rng).state_dict())
    assert all(models[0][key].equal(models[1][key]) for key in models[0])
