"""Caches of studies: what is listed, what is removed, what a running study holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.caches import main
from study.driver import Driver
from study.ledger import DatasetSettings, StudyEnded, StudySettings, StudyStarted, create_folder, lock
from study.ledger.folder import StudyFolder
from tests.study.test_mapped_features import data_dir, run_of  # noqa: F401 (a fixture)
from tests.study.worlds import study_of
from trainables.data.feature_cache import FeatureFolder, note_use
from trainables.datasets import Dataset, load_dataset
from trainables.errors import UserError
from trainables.files import write_with_digest

HOLD = """
import sys, time
from pathlib import Path
from study.ledger import lock
from study.ledger.folder import StudyFolder
with lock(StudyFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


def study(study_dir: Path, name: str, ended: bool = True) -> StudyFolder:
    """A study on the disk with one M0."""
    run, config = run_of(), study_of()
    settings = StudySettings(
        run.model_dump(mode="json"), config.as_dict(), dataset=DatasetSettings("activitynet12", "ActivityNet")
    )
    folder = create_folder(study_dir, name, settings)
    driver = Driver(folder, config, run)
    driver.note(StudyStarted())
    if ended:
        driver.note(StudyEnded(0))
    driver.close()
    (folder.path / "base").mkdir()
    write_with_digest(folder.m0_files("abc")[0], b"x" * 1000)
    folder.m0_files("abc")[1].write_text("y" * 500, encoding="ascii")
    write_with_digest(folder.m0_model_file("abc"), b"z" * 100)
    return folder


def mapped(study_dir: Path, data_dir: Path) -> Dataset:  # noqa: F811
    """Kept beside the studies, and mapped by this process as long as the data set lives."""
    return load_dataset(run_of().dataset, data_dir, FeatureFolder(study_dir / ".features"))


@pytest.fixture
def features(tmp_path: Path, data_dir: Path) -> Dataset:  # noqa: F811
    return mapped(tmp_path, data_dir)


def key_of(study_dir: Path) -> str:
    (index,) = (study_dir / ".features").glob("*/index.json")
    return index.parent.name


def listed(study_dir: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert main(["list", "--json", "--study-dir", str(study_dir)]) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_each_is_listed_with_its_size_age_last_use_and_studies(
    tmp_path: Path, features: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, ended in (("a", True), ("b", False)):
        study(tmp_path, name, ended)
        note_use(features.train.features, name)
    key = key_of(tmp_path)
    home = tmp_path / ".features" / key
    two_days_ago = time.time() - 2 * 86_400
    os.utime(home / "index.json", (two_days_ago, two_days_ago))
    found = listed(tmp_path, capsys)
    assert list(found) == [f".features/{key}", "a/base", "b/base"]
    kept = found[f".features/{key}"]
    assert kept["size"] == sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
    assert kept["size"] > 18 * 40 * 8 * 4
    assert kept["studies"] == {"a": "ended", "b": "stopped"}
    assert kept["made"] == pytest.approx(two_days_ago)
    assert kept["used"] == pytest.approx(time.time(), abs=60)
    assert found["a/base"]["studies"] == {"a": "ended"}
    assert (found["a/base"]["kind"], found["a/base"]["size"]) == ("1 M0", 1000 + 32 + 500 + 100 + 32)
    assert main(["list", "--study-dir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert f".features/{key}  features" in text
    assert "made 2 d ago" in text
    assert "by a (ended), b (stopped)" in text


def test_m0s_are_counted_and_were_used_when_their_study_last_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = study(tmp_path, "a")
    write_with_digest(folder.m0_files("abd")[0], b"x")
    two_days_ago = time.time() - 2 * 86_400
    for file in (folder.path / "base").iterdir():
        os.utime(file, (two_days_ago, two_days_ago))
    found = listed(tmp_path, capsys)["a/base"]
    assert found["kind"] == "2 M0s"
    assert found["made"] == pytest.approx(two_days_ago)
    assert found["used"] == pytest.approx(time.time(), abs=60)


def test_what_an_unended_study_needs_stays_unless_it_is_named(
    tmp_path: Path,
    data_dir: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended, stopped = study(tmp_path, "ended"), study(tmp_path, "stopped", ended=False)
    note_use(mapped(tmp_path, data_dir).train.features, "stopped")
    key = key_of(tmp_path)
    where = ["--study-dir", str(tmp_path)]
    assert main(["prune", *where]) == 0
    out = capsys.readouterr().out
    assert "removed ended/base" in out
    assert "kept stopped/base: study stopped has not ended" in out
    assert f"kept .features/{key}: " in out
    assert not (ended.path / "base").exists()
    assert (stopped.path / "base").exists()
    assert main(["prune", f".features/{key}", "stopped/base", *where]) == 0
    assert not (tmp_path / ".features" / key).exists()
    assert not (stopped.path / "base").exists()
    assert stopped.ledger_file.exists()


def test_a_dry_run_removes_nothing_and_says_what_would_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = study(tmp_path, "a")
    assert main(["prune", "--dry-run", "--study-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "would remove a/base" in out
    assert "1.66 kB would be free" in out
    assert (folder.path / "base").exists()


def test_what_was_used_lately_stays_where_that_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = study(tmp_path, "a")
    assert main(["prune", "--unused-for", "1", "--study-dir", str(tmp_path)]) == 0
    assert "kept a/base: used 0 s ago" in capsys.readouterr().out
    for file in [*(folder.path / "base").iterdir(), folder.ledger_file]:
        os.utime(file, (time.time() - 2 * 86_400,) * 2)
    assert main(["prune", "--unused-for", "1", "--study-dir", str(tmp_path)]) == 0
    assert not (folder.path / "base").exists()


def test_what_a_running_study_uses_is_refused(
    tmp_path: Path,
    data_dir: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = study(tmp_path, "runs")
    note_use(mapped(tmp_path, data_dir).train.features, "runs")
    key = key_of(tmp_path)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(folder.path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for name in (f".features/{key}", "runs/base"):
            assert main(["prune", name, "--study-dir", str(tmp_path)]) == 2
            assert f"prune: {name}: study runs is running; wait for it or stop it" in capsys.readouterr().err
        assert main(["prune", "--study-dir", str(tmp_path)]) == 0
        assert capsys.readouterr().out.count("study runs is running") == 2
        assert (tmp_path / ".features" / key / "train.npy").exists()
        assert (folder.path / "base").exists()
    finally:
        holder.kill()
        holder.wait()
    assert main(["prune", "--study-dir", str(tmp_path)]) == 0
    assert not (tmp_path / ".features" / key).exists()


def test_features_that_a_process_maps_are_refused_whoever_it_is(
    tmp_path: Path, features: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    """A study of an older version does not say what it uses, and one that has ended may be looked at."""
    study(tmp_path, "a")
    note_use(features.train.features, "a")
    name = f".features/{key_of(tmp_path)}"
    assert np.isfinite(features.train.features).all()
    assert main(["prune", name, "--study-dir", str(tmp_path)]) == 2
    assert f"prune: {name}: process {os.getpid()} has it open" in capsys.readouterr().err


def test_features_that_a_process_maps_are_refused_where_a_symbolic_link_leads_to_them(
    tmp_path: Path,
    data_dir: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    link = tmp_path / "studies"
    (tmp_path / "scratch").mkdir()
    link.symlink_to(tmp_path / "scratch")
    features, name = mapped(link, data_dir), f".features/{key_of(link)}"
    assert np.isfinite(features.train.features).all()
    assert main(["prune", name, "--study-dir", str(link)]) == 2
    assert f"prune: {name}: process {os.getpid()} has it open" in capsys.readouterr().err


def test_a_study_that_begins_meanwhile_keeps_its_features(tmp_path: Path, features: Dataset) -> None:
    """Between the look at the locks and the removal."""
    from study.caches import find_caches, remove

    folder = study(tmp_path, "late")
    caches = find_caches(tmp_path)
    note_use(features.train.features, "late")
    with lock(folder):
        for cache in caches:
            with pytest.raises(UserError, match=r"late.* (has begun to use it|is being driven)"):
                remove(tmp_path, cache)
    assert (tmp_path / ".features" / key_of(tmp_path) / "train.npy").exists()


def test_features_removed_since_they_were_mapped_end_a_launch_in_words(tmp_path: Path, features: Dataset) -> None:
    FeatureFolder(tmp_path / ".features").remove(key_of(tmp_path), lambda users: None)
    with pytest.raises(UserError, match="have been removed meanwhile; start again"):
        note_use(features.train.features, "a")


def test_what_a_killed_process_left_is_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = tmp_path / ".features" / "0123.part"
    left.mkdir(parents=True)
    (left / "train.npy").write_bytes(b"half")
    assert listed(tmp_path, capsys)[".features/0123.part"]["kind"] == "features, unfinished"
    assert main(["prune", "--study-dir", str(tmp_path)]) == 0
    assert not left.exists()


def test_what_a_killed_removal_left_stands_in_no_ones_way(
    tmp_path: Path,
    data_dir: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The features that were made again since then are removed at once."""
    mapped(tmp_path, data_dir)
    home = tmp_path / ".features" / key_of(tmp_path)
    shutil.copytree(home, home.with_name(f"{home.name}.removed"))
    assert main(["prune", f".features/{home.name}", "--study-dir", str(tmp_path)]) == 0, capsys.readouterr().err
    assert not [path for path in home.parent.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["list", "--study-dir", "nowhere"], "--study-dir: there is no folder nowhere"),
        (["prune", "b/base"], "prune: no cache 'b/base'. Did you mean 'a/base'?"),
    ],
)
def test_wrong_requests_say_so_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], line: str
) -> None:
    study(tmp_path / "studies", "a")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "list|prune: required, but not given. 'python -m study.caches --help' tells more."),
        (["prune", "--unused-for", "x"], "--unused-for: 'x' is not a number of days from 0 on"),
        (["list", "--jsn"], "--jsn: unknown option. Did you mean '--json'?"),
    ],
)
def test_wrong_arguments_say_so_in_a_line(capsys: pytest.CaptureFixture[str], arguments: list[str], line: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err == f"error: {line}\n"


def test_a_cache_that_the_system_does_not_give_up_is_named_and_the_others_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        study(tmp_path, name)
    rmtree = shutil.rmtree

    def refuse(path: Path) -> None:
        if path.parent.name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        rmtree(path)

    monkeypatch.setattr("study.caches.shutil.rmtree", refuse)
    assert main(["prune", "--study-dir", str(tmp_path)]) == 1
    assert "a/base: Permission denied" in capsys.readouterr().err
    assert not (tmp_path / "b" / "base").exists()


def test_a_file_that_a_running_study_renames_meanwhile_ends_no_listing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = study(tmp_path, "a")
    walk = os.walk

    def with_one_gone(top: Path) -> Iterator[Any]:
        for home, folders, names in walk(top):
            yield home, folders, [*names, ".abc.pt.4711"]  # written aside, and renamed before it is looked at

    monkeypatch.setattr("study.caches.os.walk", with_one_gone)
    assert listed(tmp_path, capsys)["a/base"]["size"] == sum(f.stat().st_size for f in (folder.path / "base").iterdir())


def test_a_study_that_cannot_be_read_ends_no_listing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study(tmp_path, "a")

    def refuse(*given: object) -> None:
        raise PermissionError(13, "Permission denied", "ledger.jsonl")

    monkeypatch.setattr("study.caches.open_study", refuse)
    assert listed(tmp_path, capsys)["a/base"]["studies"] == {"a": "unreadable"}


def test_a_cache_that_is_a_symbolic_link_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = study(tmp_path, "a").path / "base"
    base.rename(tmp_path / "elsewhere")
    base.symlink_to(tmp_path / "elsewhere")
    assert main(["prune", "--study-dir", str(tmp_path)]) == 1
    assert "error: prune: a/base: Cannot call rmtree on a symbolic link" in capsys.readouterr().err
