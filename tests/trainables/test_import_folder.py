from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.house import ROOT
from trainables import import_folder


def test_ray_is_started_where_our_packages_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", "aside")
    with import_folder.packages_first():
        assert Path.cwd() == ROOT
        assert os.environ["TMPDIR"] == str(tmp_path / "aside")
    assert Path.cwd() == tmp_path


def test_no_package_of_others_comes_before_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages" / "trainables" / "import_folder.py"
    monkeypatch.setattr(import_folder, "__file__", str(installed))
    assert (import_folder.import_folder() / "argparse.py").is_file()
