from __future__ import annotations

from pathlib import Path

import pytest

from study.ledger.folder import check_name, free_name, is_folder_name, trial_name
from trainables.errors import UserError


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", ".hidden", "a\nb", "a\0b", "n" * 256, "ü" * 128])
def test_a_name_that_leads_elsewhere_or_cannot_be_made_is_refused(tmp_path: Path, name: str) -> None:
    assert not is_folder_name(name)
    with pytest.raises(UserError, match="is not a folder name") as refused:
        check_name(tmp_path, name)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("name", ["a", "thumos14-search-1", "β 4", "n" * 255])
def test_any_other_name_is_taken(tmp_path: Path, name: str) -> None:
    check_name(tmp_path, name)
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="exists in"):
        check_name(tmp_path, name)


def test_the_next_free_number_is_found(tmp_path: Path) -> None:
    assert free_name(tmp_path, "s") == "s-1"
    (tmp_path / "s-1").mkdir()
    assert free_name(tmp_path, "s") == "s-2"
    assert trial_name(7) == "t0007"
