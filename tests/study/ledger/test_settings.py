from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.requests import open_studies
from study.ledger.folder import StudyFolder
from study.ledger.ledger_file import Ledger
from study.ledger.settings import DatasetSettings, StudySettings, create_folder, open_study
from study.ledger.study_events import StudyCreated
from study.status import main as status
from tests.study.worlds import run_of, study_of
from trainables.errors import UserError

SETTINGS = StudySettings(
    run_of().model_dump(mode="json"),
    study_of().as_dict(),
    command=("python -m study.launch",),
    dataset=DatasetSettings("simulated", "Simulated", simulated=True, classes=("a", "ß")),
    data_dir="data",
    versions={"ray": "2.60.0"},
)


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    """A study whose ledger has a copy of study.json."""
    folder = create_folder(tmp_path, "s", SETTINGS)
    ledger = Ledger(folder.ledger_file)
    ledger.append(StudyCreated(open_study(tmp_path, "s").settings.to_json()))
    ledger.close()
    return folder


def replaced(content: str | bytes) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return damage


def folder_instead(file: Path) -> None:
    file.unlink()
    file.mkdir()


def fifo_instead(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": lambda file: file.unlink(),
    "empty": replaced(""),
    "cut": replaced('{"format": 1, "run": {'),
    "a list": replaced("[]"),
    "null": replaced("null"),
    "no study": replaced('{"format": 1}'),
    "run is a list": replaced('{"format": 1, "run": [], "study": {}}'),
    "Latin-1": replaced(b'{"name": "\xdf"}'),
    "nested": replaced("[" * 100_000),
    "nested part": replaced('{"format": 1, "study": {}, "run": ' + '{"a":' * 500 + "1" + "}" * 501),
    "twice": replaced('{"format": 1, "format": 1}'),
    "folder": folder_instead,
    "FIFO": fifo_instead,
}


def test_study_json_is_written_and_read_back_key_by_key(study: StudyFolder) -> None:
    opened = open_study(study.path.parent, "s")
    assert opened.settings.dataset == SETTINGS.dataset
    assert (opened.name, opened.notes) == ("s", ())
    assert opened.settings.to_json() == json.loads(study.study_file.read_text())
    assert opened.created_with == opened.settings


@pytest.mark.parametrize("where", ["name", "path"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_study_json_is_replaced_by_the_copy_in_the_ledger_which_all_commands_say(
    study: StudyFolder, damage: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = open_study(study.path.parent, "s").settings
    DAMAGES[damage](study.study_file)
    study_dir = study.path.parent if where == "name" else Path("elsewhere")
    name = "s" if where == "name" else str(study.path)
    opened = open_study(study_dir, name)
    assert opened.settings == settings
    (note,) = opened.notes
    assert note.startswith(str(study.study_file))
    assert note.endswith("its copy in the ledger is used")
    assert "\n" not in note
    assert status([name, "--study-dir", str(study_dir)]) == 0
    assert "its copy in the ledger is used" in "".join(capsys.readouterr())
    (read,) = open_studies(argparse.Namespace(study=[name], study_dir=study_dir))
    assert read.settings.title == "Simulated"
    assert "its copy in the ledger is used" in capsys.readouterr().err


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_a_copy_a_damaged_study_json_is_refused_in_one_line(study: StudyFolder, damage: str) -> None:
    study.ledger_file.write_bytes(b"")
    DAMAGES[damage](study.study_file)
    with pytest.raises(UserError) as refused:
        open_study(study.path.parent, "s", "--resume")
    text = str(refused.value)
    assert text.startswith("--resume: ")
    assert str(study.study_file) in text
    assert text.endswith("the ledger has no copy of it: restore study.json from a backup")
    assert "\n" not in text


def test_a_study_of_a_newer_format_is_refused_and_not_replaced_by_its_copy(study: StudyFolder) -> None:
    study.study_file.write_text('{"format": 2}')
    with pytest.raises(UserError, match=r"study\.json: format 2 is not known to this version \(1\)$"):
        open_study(study.path.parent, "s")


@pytest.mark.parametrize("name", ["", "n" * 300, "n\0n", "no\udcffne", "../s/../t", "t"])
def test_a_name_that_means_no_study_is_refused_in_one_line(study: StudyFolder, name: str) -> None:
    with pytest.raises(UserError, match="no study '") as refused:
        open_study(study.path.parent, name)
    assert len(str(refused.value)) < 400
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["../elsewhere", "/tmp/x", "", ".hidden", "n" * 300, 7, None, "a\nb"])
def test_a_name_in_study_json_that_leads_elsewhere_is_not_used(study: StudyFolder, name: Any) -> None:
    tree = json.loads(study.study_file.read_text())
    study.study_file.write_text(json.dumps({**tree, "name": name}))
    assert open_study(study.path.parent, "s").name == "s"


def test_what_a_newer_version_added_is_kept(study: StudyFolder) -> None:
    tree = {**json.loads(study.study_file.read_text()), "mood": [1]}
    study.study_file.write_text(json.dumps(tree))
    assert open_study(study.path.parent, "s").settings.to_json() == tree
