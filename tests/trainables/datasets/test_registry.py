"""Which data sets there are, and what a data set refuses."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import trainables.datasets  # noqa: F401  # registers the data sets
from trainables.config.run import DatasetConfig
from trainables.datasets.registry import FAMILIES, FILES, DataProblems, family, register, require_grid
from trainables.errors import UserError


def test_many_problems_are_shortened_and_survive_another_process() -> None:
    error = pickle.loads(pickle.dumps(DataProblems("thumos14", [f"problem {p}" for p in range(7)])))
    assert str(error).splitlines()[-1].startswith("... and 2 more: python -m trainables.datasets check")
    assert len(error.problems) == 7


def config(name: str = "spoken-digits", **changes: Any) -> DatasetConfig:
    return DatasetConfig.model_validate({"name": name, **changes})


def test_a_name_or_a_file_finds_what_loads_it() -> None:
    assert family(config()) is FAMILIES["spoken-digits"]
    assert family(config("anything", file="dataset.yaml")) is FAMILIES[FILES]
    with pytest.raises(UserError, match=r"unknown data set 'spoken-digit'\. Did you mean 'spoken-digits'\?"):
        family(config("spoken-digit"))


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="data set 'utkinect' is registered twice"):
        register("utkinect", lambda config, folder: None)(FAMILIES["utkinect"].load)


def test_few_problems_are_all_in_the_message() -> None:
    assert str(DataProblems("x", ["one", "two"])) == "one\ntwo"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"snippet_fps": 25.0}, r"dataset\.snippet_fps: spoken-digits has 100 frames per second, got 25\.0; set 100"),
        ({"snippet_frames": 16}, r"dataset\.snippet_frames: spoken-digits has 7, got 16"),
        ({"features": "i3d"}, r"dataset\.features: spoken-digits has one kind of features, got 'i3d'; set None"),
        ({"stream": "first_half"}, r"dataset\.stream: .*; set both"),
    ],
)
def test_settings_that_own_features_cannot_follow_are_refused(changes: dict[str, Any], message: str) -> None:
    fitting: dict[str, Any] = {"snippet_fps": 100.0, "snippet_frames": 7}
    require_grid(config(**fitting), 7, 100.0)
    with pytest.raises(UserError, match=message):
        require_grid(config(**{**fitting, **changes}), 7, 100.0)
