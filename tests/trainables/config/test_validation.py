"""Errors of nested settings, in the user's words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, field_validator

from trainables.config.part import Part, Share
from trainables.config.validation import keys_of, set_key, validated
from trainables.errors import UserError


class Loss(Part):
    beta: float = Field(1.0, ge=0)
    share: Share = 1.0


class Run(Part):
    seed: int
    loss: Loss = Loss()
    extra: Loss | None = None
    steps: tuple[int, ...] = ()

    @field_validator("seed")
    @classmethod
    def _even(cls, seed: int) -> int:
        if seed % 2:
            raise ValueError(f"Even seeds only, got {seed}")
        return seed


@pytest.mark.parametrize(
    ("tree", "lines"),
    [
        ({"seed": 0, "loss": {"bta": 1.0}}, ["f.yaml: loss.bta: unknown key. Did you mean 'beta'?"]),
        ({"seed": 0, "los": {}}, ["f.yaml: los: unknown key. Did you mean 'loss'?"]),
        ({"loss": {"beta": -1.0}}, [
            "f.yaml: seed: required key is missing",
            "f.yaml: loss.beta: input should be greater than or equal to 0, got -1.0",
        ]),
        ({"seed": 1}, ["f.yaml: seed: even seeds only, got 1"]),
        ([1], ["f.yaml: expected a mapping of keys to values, got list"]),
    ],
)  # fmt: skip
def test_each_problem_is_a_line_with_source_key_and_rule(tree: Any, lines: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        validated(Run, tree, "f.yaml")
    assert str(caught.value).splitlines() == lines


def test_keys_of_optional_parts_are_known_too() -> None:
    assert keys_of(Run) == ["seed", "loss.beta", "loss.share", "extra.beta", "extra.share", "steps"]


def test_a_key_is_set_below_a_part_that_was_none() -> None:
    tree: dict[str, Any] = {"seed": 0, "extra": None}
    set_key(Run, tree, "extra.beta", 2.0, "--set")
    assert validated(Run, tree, "--set").extra == Loss(beta=2.0)
    with pytest.raises(
        UserError, match=r"^--set: extra: unknown key\. Did you mean 'extra\.beta' or 'extra\.share'\?$"
    ):
        set_key(Run, tree, "extra", 1, "--set")
