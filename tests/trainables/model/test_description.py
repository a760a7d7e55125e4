"""``model.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainables.model.models import a_description
from trainables.errors import UserError
from trainables.model.description import DESCRIPTION_FILE, FORMAT, ModelDescription, ModelFeatures, read_description


@pytest.mark.parametrize("changes", [{}, {"features": ModelFeatures(16, 8)}, {"train_videos": None}])
def test_a_description_survives_its_file(tmp_path: Path, changes: dict[str, Any]) -> None:
    written = a_description(weights_sha256="ab", **changes)
    (tmp_path / DESCRIPTION_FILE).write_text(json.dumps(written.to_json()))
    assert read_description(tmp_path) == written


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": FORMAT + 1}, f"m: format {FORMAT + 1}, this version reads up to {FORMAT}; take a newer version"),
        ({"format": "one"}, "m: is not the description of a model; export it again: python -m study.export"),
        ({"classes": None}, "m: 'NoneType' object is not iterable: key is missing or wrong; export the model again"),
        ({"run": {"seed": -1}}, "m: dataset: required key is missing"),
        *(
            ({name: value}, f"m: {name}: key is missing or no mapping")
            for name in ("run", "features", "origin")
            for value in (None, "x", [1])
        ),
    ],
)
def test_what_is_no_description_is_refused_in_words(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        ModelDescription.from_json({**a_description().to_json(), **changes}, "m")
    assert message in str(caught.value)


def test_a_missing_key_is_named() -> None:
    tree = a_description().to_json()
    del tree["features"]["width"]
    with pytest.raises(UserError, match="m: 'width': key is missing or wrong"):
        ModelDescription.from_json(tree, "m")


def test_a_folder_without_a_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no model\.json; python -m study\.export NAME --out DIR makes one"):
        read_description(tmp_path)
