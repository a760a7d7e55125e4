"""The folder of an exported model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainables.model.models import a_description, an_export, untrained
from trainables.errors import UserError
from trainables.model.description import CARD_FILE, DESCRIPTION_FILE, WEIGHTS_FILE
from trainables.model.exported import load_model, save_model


def test_the_network_comes_back_in_evaluation_mode_with_its_weights(tmp_path: Path) -> None:
    model = load_model(an_export(tmp_path / "m"), "cpu")
    assert not model.network.training
    assert model.dtype == torch.float32
    torch.testing.assert_close(dict(model.network.state_dict()), untrained(), rtol=0, atol=0)


def test_the_folder_holds_three_files_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    an_export(tmp_path / "m")
    assert {path.name for path in (tmp_path / "m").iterdir()} == {WEIGHTS_FILE, CARD_FILE, DESCRIPTION_FILE}
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_view_of_a_large_tensor_is_saved_without_the_rest(tmp_path: Path) -> None:
    """Weights of runs that were trained together are views of one array."""
    stacked = torch.zeros(64, 100, 100)
    save_model(tmp_path / "m", a_description(), {"weight": stacked[3]})
    assert (tmp_path / "m" / WEIGHTS_FILE).stat().st_size < 2 * 100 * 100 * 4


def test_a_folder_that_is_in_use_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="exists and is not an empty folder; choose another one"):
        an_export(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_that_cannot_be_written_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"^--out: .*; choose another folder$"):
        an_export(tmp_path / "file" / "m")


def test_weights_that_are_not_those_described_are_refused(tmp_path: Path) -> None:
    folder = an_export(tmp_path / "m")
    torch.save(untrained(seed=1), folder / WEIGHTS_FILE)
    with pytest.raises(UserError, match=r"weights\.pt does not agree with the digest in model\.json"):
        load_model(folder)
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(UserError, match=r"weights\.pt: No such file or directory; export the model again"):
        load_model(folder)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    folder = an_export(tmp_path / "m")
    with pytest.raises(UserError, match="sees no CUDA device; use auto or cpu"):
        load_model(folder, "cuda")
    assert load_model(folder, "auto").device.type == "cpu"
