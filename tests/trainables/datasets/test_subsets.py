"""Which videos train and which test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trainables.config.run import DatasetConfig
from trainables.data.raw_annotations import RawVideo
from trainables.datasets.subsets import subset_rule
from trainables.errors import UserError

VIDEOS = [RawVideo("a", "validation"), RawVideo("b", "validation"), RawVideo("c", "test"), RawVideo("d", "test")]
SOURCE = Path("annotations.json")


def split(**choices: Any) -> dict[str, str]:
    return subset_rule(DatasetConfig.model_validate({"name": "own", **choices}))(VIDEOS, SOURCE)


def test_without_a_choice_the_fields_convention_holds() -> None:
    assert split() == {"a": "train", "b": "train", "c": "test", "d": "test"}


def test_a_choice_replaces_it_and_leaves_the_rest_unused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("d\n")
    found = split(train={"videos": ["c"]}, test={"list": str(tmp_path / "list.txt")})
    assert found == {"a": "unused", "b": "unused", "c": "train", "d": "test"}
    assert split(train={"subset": ["test"]}, test={"subset": ["validation"]})["a"] == "test"


def test_excluded_videos_are_unused_whatever_chose_them() -> None:
    assert split(exclude_videos=["a"])["a"] == "unused"
    assert split(train={"videos": ["a", "b"]}, test={"videos": ["c"]}, exclude_videos=["c"])["c"] == "unused"


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        ({"subset": ["train"]}, {"subset": ["test"]}, r"train: annotations\.json has no subset 'train'"),
        ({"videos": ["a"]}, {"videos": ["cc", "d"]}, r"test: 1 of 2 videos of its list .* \(cc\)"),
        ({"subset": ["validation"]}, {"videos": ["b", "c"]}, r"1 videos are in train and in test \(b\)"),
    ],
)
def test_a_choice_that_cannot_be_is_an_error(train: dict[str, Any], test: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        split(train=train, test=test)
