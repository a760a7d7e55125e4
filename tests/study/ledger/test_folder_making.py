"""The folder of a new study is whole where it exists, and two that are made at once are two."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from study.launch import main
from study.ledger.folder import FolderExists, StudyFolder, free_name
from study.ledger.settings import DatasetSettings, StudySettings, create_folder
from trainables.errors import UserError

SETTINGS = StudySettings(
    run={}, study={}, command=(), dataset=DatasetSettings("d", "D", True, (), ()), data_dir="", card={}, versions={}
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[3]


def test_what_goes_wrong_while_a_folder_is_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: StudyFolder) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="cannot be made: No space left on device"):
        create_folder(tmp_path, "s", SETTINGS, fail)
    assert list(tmp_path.iterdir()) == []


def test_of_two_folders_of_one_name_made_at_once_the_later_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderExists):
        create_folder(tmp_path, "s", SETTINGS, lambda folder: create_folder(tmp_path, "s", SETTINGS))
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("parts", [["predictions"], ["predictions", "checkpoints"]])
def test_what_an_older_version_left_that_was_killed_is_no_hindrance(tmp_path: Path, parts: list[str]) -> None:
    for part in parts:
        (tmp_path / "s" / part).mkdir(parents=True)
    assert create_folder(tmp_path, "s", SETTINGS).study_file.exists()


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s" / "predictions").mkdir(parents=True)
    (tmp_path / "s" / "notes.txt").write_text("mine")
    with pytest.raises(FolderExists, match=r"neither study\.json nor ledger\.jsonl is there; remove it"):
        create_folder(tmp_path, "s", SETTINGS)
    assert (tmp_path / "s" / "notes.txt").read_text() == "mine"


def test_many_launches_at_once_without_a_name_all_get_a_number(tmp_path: Path) -> None:
    code = (
        "import sys; from argparse import Namespace; from pathlib import Path\n"
        "from study.cli.arguments import parse_arguments; from study.cli.request import read_request\n"
        "given = parse_arguments(['--dataset', 'simulated', '--study-dir', sys.argv[1]])\n"
        "request = read_request(given); print('ready', flush=True); sys.stdin.readline()\n"
        "print(request.create([]).name)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE) for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    names = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert names == ["simulated-search-1", "simulated-search-2", "simulated-search-3"]
    assert free_name(tmp_path, "simulated-search") == "simulated-search-4"
    for name in names:
        folder = StudyFolder(tmp_path / name)
        assert json.loads(folder.study_file.read_text())["name"] == name
        assert folder.ground_truth_file.exists()


def test_a_resumed_study_has_its_ground_truth_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[StudyFolder] = []

    def session(given: object, request: object, folder: StudyFolder, *more: object) -> int:
        made.append(folder)
        return 0

    monkeypatch.setattr("study.launch._session", session)
    options = ["--study-dir", str(tmp_path)]
    assert main(["--dataset", "simulated", "--name", "s", "--set", "compute.device=cpu", *options]) == 0
    content = made[0].ground_truth_file.read_bytes()
    for damage in (lambda path: path.unlink(), lambda path: path.write_bytes(b"")):
        damage(made[0].ground_truth_file)
        assert main(["--resume", "s", *options]) == 0
        assert made[0].ground_truth_file.read_bytes() == content
