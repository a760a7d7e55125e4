"""What a configuration refuses, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables.config.presets import preset
from trainables.config.run import parse_config
from trainables.errors import UserError

BASE = preset("spoken-digits")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pseudo_labels.sampled_shar", 0.5, "unknown key. Did you mean 'pseudo_labels.sampled_share'?"),
        (
            "pseudo_labels.sampled_share",
            1.5,
            "pseudo_labels.sampled_share: input should be less than or equal to 1, got 1.5",
        ),
        ("training.epochs", "ten", "training.epochs: input should be a valid integer, got 'ten'"),
        ("training.epochs", 2.5, "training.epochs: input should be a valid integer"),
        ("training.epochs", True, "training.epochs: input should be a valid integer"),
        ("model.attention", "three", "model.attention: input should be 'two_value' or 'scalar', got 'three'"),
        ("loss.beta", -1.0, "loss.beta: input should be greater than or equal to 0, got -1.0"),
        ("loss.beta", float("nan"), "loss.beta: input should be a finite number"),
        ("evaluation.tiou", [0.0, 0.5], "evaluation: tiou: thresholds lie in (0, 1], got [0.0]"),
        ("evaluation.selection_tiou", [0.9], "evaluation: selection_tiou: [0.9] must be among tiou"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_its_rule(key: str, value: Any, message: str) -> None:
    with pytest.raises(UserError) as error:
        BASE.updated({key: value})
    assert str(error.value).startswith("--set: ")
    assert message in str(error.value)


def test_an_unknown_key_in_a_file_names_file_key_and_nearest() -> None:
    tree = BASE.model_dump(mode="json")
    tree["pseudo_labels"]["segments"]["min_atention"] = 0.5
    with pytest.raises(UserError) as error:
        parse_config(tree, "my.yaml")
    assert str(error.value) == (
        "my.yaml: pseudo_labels.segments.min_atention: unknown key. Did you mean 'min_attention'?"
    )


def test_every_problem_is_listed() -> None:
    with pytest.raises(UserError) as error:
        parse_config({"dataset": {"name": "x"}, "seed": -1, "sed": 2}, "f")
    assert len(str(error.value).splitlines()) == 2


def test_a_configuration_is_frozen_and_survives_json() -> None:
    with pytest.raises(ValidationError):
        BASE.seed = 3  # type: ignore[misc]
    assert parse_config(BASE.model_dump(mode="json"), "json") == BASE
