"""``python -m trainables.predict``: every understood layout, what is refused in words, what it writes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.trainables.model.test_prediction import PROTOCOL, SHORT, export, rows, trained, write_features
from trainables.config import preset
from trainables.data import Dataset, read_predictions
from trainables.datasets import load_dataset
from trainables.errors import UserError
from trainables.model import output
from trainables.model.description import ModelFeatures
from trainables.model.exported import load_model
from trainables.model.output import ScoresFile
from trainables.model.prediction import Job, predict
from trainables.predict import main
from trainables.refinement.iteration import IterationResult

RUN = preset("simulated").updated(SHORT)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(RUN.dataset, Path("data"))


@pytest.fixture(scope="module")
def result(data: Dataset) -> IterationResult:
    return trained(RUN, data)


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory, data: Dataset, result: IterationResult) -> Path:
    described = ModelFeatures(16, 16, PROTOCOL)
    return export(tmp_path_factory.mktemp("model") / "exported", RUN, data, result, features=described)


@pytest.fixture
def features(tmp_path: Path, data: Dataset) -> Path:
    return write_features(tmp_path / "npy", data.test)


def run_main(model: Path, features: Path, out: Path, *more: str) -> int:
    return main(["--model", str(model), "--features", str(features), "--out", str(out), *more])


def test_one_hdf5_file_reads_as_npy_files_do(model_dir: Path, features: Path, data: Dataset, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "features.h5", "w") as file:
        for path in features.glob("*.npy"):
            file[path.stem] = np.load(path)
    model = load_model(model_dir)
    assert rows(predict(model, tmp_path / "features.h5")) == rows(predict(model, features))


def test_another_width_is_refused(
    model_dir: Path, tmp_path: Path, data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "narrow"
    folder.mkdir()
    np.save(folder / "a.npy", np.zeros((9, 8), np.float32))
    assert run_main(model_dir, folder, tmp_path / "p.json") == 2
    error = capsys.readouterr().err
    assert "features have 8 dimensions, the model was trained on 16" in error
    assert "i3d-rgb" in error
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fps": 30.0}, "fps is 30.0, the model's features have 25.0"),
        ({"backbone": "tsn-rgb"}, "backbone is tsn-rgb, the model's features have i3d-rgb"),
        ({"stride_frames": 4}, "stride_frames is 4"),
    ],
)
def test_features_made_in_another_way_are_refused(
    model_dir: Path, tmp_path: Path, data: Dataset, change: dict[str, object], said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    other = PROTOCOL.model_copy(update=change)
    folder = write_features(tmp_path / "other", data.test, other)
    assert run_main(model_dir, folder, tmp_path / "p.json") == 2
    assert said in capsys.readouterr().err


def test_a_model_of_undescribed_features_still_compares_the_grid(
    tmp_path: Path, data: Dataset, result: IterationResult, capsys: pytest.CaptureFixture[str]
) -> None:
    model = export(tmp_path / "model", RUN, data, result)
    folder = write_features(tmp_path / "other", data.test, PROTOCOL.model_copy(update={"fps": 10.0}))
    assert run_main(model, folder, tmp_path / "p.json") == 2
    assert "fps is 10.0, the model's 25.0" in capsys.readouterr().err


def test_features_made_in_the_same_way_are_taken_without_a_note(
    model_dir: Path, tmp_path: Path, data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_features(tmp_path / "same", data.test, PROTOCOL)
    assert run_main(model_dir, folder, tmp_path / "p.json") == 0
    assert "features.yaml" not in capsys.readouterr().err


def test_training_videos_are_counted_in_a_note(
    model_dir: Path, tmp_path: Path, data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_features(tmp_path / "train", data.train)
    assert run_main(model_dir, folder, tmp_path / "p.json") == 0
    assert f"{len(data.train)} of these {len(data.train)} videos trained the model" in capsys.readouterr().err


def test_a_damaged_video_is_named_and_left_out_and_the_others_are_predicted(
    model_dir: Path, features: Path, tmp_path: Path, data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    first = data.test.names[0]
    values = np.load(features / f"{first}.npy")
    values[3, 2] = np.nan
    np.save(features / f"{first}.npy", values)
    scores = tmp_path / "s.npz"
    assert run_main(model_dir, features, tmp_path / "p.csv", "--scores", str(scores)) == 1
    assert f"{first}: 1 feature values are NaN" in capsys.readouterr().err
    found = read_predictions(tmp_path / "p.csv", data.classes)
    assert first not in set(found.video)
    assert set(found.video)
    with np.load(scores) as arrays:
        assert f"{first}/foreground" not in arrays


def test_a_file_that_cannot_be_opened_is_named_and_left_out_too(
    model_dir: Path, features: Path, tmp_path: Path, data: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    cut, empty, *others = data.test.names.tolist()
    (features / f"{cut}.npy").write_bytes((features / f"{cut}.npy").read_bytes()[:200])
    np.save(features / f"{empty}.npy", np.zeros((0, 16)))
    assert run_main(model_dir, features, tmp_path / "p.csv") == 1
    told = capsys.readouterr()
    assert f"{cut}.npy: truncated or not .npy" in told.err
    assert f"{empty}.npy: features must be a T x D matrix, got shape (0, 16); left out" in told.err
    assert f"of {len(data.test)} videos" in told.out
    assert set(read_predictions(tmp_path / "p.csv", data.classes).video) <= set(others)
    with pytest.raises(UserError, match="truncated"):
        predict(load_model(model_dir), features)
    for name in others:
        (features / f"{name}.npy").unlink()
    assert run_main(model_dir, features, tmp_path / "none.csv") == 2
    assert "holds features of no video that can be read: " in capsys.readouterr().err


def test_scores_and_figures_of_every_video(model_dir: Path, features: Path, tmp_path: Path, data: Dataset) -> None:
    scores, figures = tmp_path / "s.npz", tmp_path / "figures"
    assert run_main(model_dir, features, tmp_path / "p.csv", "--scores", str(scores), "--figures", str(figures)) == 0
    with np.load(scores) as arrays:
        assert arrays["classes"].tolist() == list(data.classes)
        for video in data.test.videos:
            assert arrays[f"{video.name}/class_probability"].shape == (video.num_snippets, len(data.classes))
            assert arrays[f"{video.name}/start_s"][1] == video.snippet_s
    assert {path.stem for path in figures.iterdir()} == set(data.test.names)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in figures.iterdir())


def test_only_named_videos_in_their_order(model_dir: Path, features: Path, tmp_path: Path, data: Dataset) -> None:
    wanted = data.test.names[[3, 1]].tolist()
    (tmp_path / "list.txt").write_text("\n".join(wanted) + "\n")
    assert run_main(model_dir, features, tmp_path / "p.csv", "--videos", str(tmp_path / "list.txt")) == 0
    found = read_predictions(tmp_path / "p.csv", data.classes)
    assert list(dict.fromkeys(found.video)) == [name for name in wanted if name in set(found.video)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--out", "p.txt"], "--out: predictions are written as .json or .csv"),
        (["--scores", "s.npy"], "--scores: scores are written as .npz"),
        (["--features", "nowhere"], "--features: nowhere does not exist"),
        (["--model", "nowhere"], "nowhere has no model.json"),
        (["--videos", "list.txt"], "--videos: 1 of 1 have no features (unknown)"),
    ],
)
def test_a_wrong_request_is_one_line(
    model_dir: Path, features: Path, tmp_path: Path, more: list[str], said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("unknown\n")
    assert run_main(model_dir, features, tmp_path / "p.json", *more) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_a_model_on_each_videos_own_grid_needs_their_rates(
    tmp_path: Path, data: Dataset, result: IterationResult, capsys: pytest.CaptureFixture[str]
) -> None:
    native = RUN.model_copy(update={"dataset": RUN.dataset.model_copy(update={"snippet_fps": "native"})})
    model, folder = export(tmp_path / "m", native, data, result), write_features(tmp_path / "f", data.test)
    assert run_main(model, folder, tmp_path / "p.csv") == 2
    assert "--fps" in capsys.readouterr().err
    assert run_main(model, folder, tmp_path / "p.csv", "--fps", "25") == 0
    table = "\n".join(["video,fps", *(f"{name},25" for name in data.test.names)])
    (tmp_path / "rates.csv").write_text(table + "\n")
    assert run_main(model, folder, tmp_path / "q.csv", "--fps", str(tmp_path / "rates.csv")) == 0
    assert (tmp_path / "p.csv").read_bytes() == (tmp_path / "q.csv").read_bytes()
    assert rows(read_predictions(tmp_path / "p.csv", data.classes)) == rows(result.predictions["test"])


def test_a_kill_leaves_no_half_file(model_dir: Path, tmp_path: Path, data: Dataset) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    values = np.zeros((2000, 16), np.float32)
    for number in range(400):
        np.save(folder / f"v{number:04d}.npy", values)
    out, scores = tmp_path / "out" / "p.json", tmp_path / "out" / "s.npz"
    command = [sys.executable, "-m", "trainables.predict", "--model", str(model_dir), "--features", str(folder)]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--scores", str(scores)], cwd=ROOT, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob(".s.npz*")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    assert not scores.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "file/p.json"], "--out: file: is no folder; choose a folder that can be written"),
        (["--out", "file/below/p.json"], "--out: file/below: is no folder"),
        (["--out", "/proc/p.json"], "--out: /proc: "),
        (["--out", "p.json", "--scores", "file/s.npz"], "--scores: file: is no folder"),
        (["--out", "p.json", "--figures", "file/below"], "--figures: file/below: is no folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_any_work(
    model_dir: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], options: list[str], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    monkeypatch.setattr(Job, "run", lambda job: pytest.fail("predicted"))
    assert main(["--model", str(model_dir), "--features", str(features), *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {said}")


def test_a_full_disk_is_told_without_a_traceback(
    model_dir: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert run_main(model_dir, features, tmp_path / "p.json") == 2
    assert f"error: {tmp_path / 'p.json'}: No space left on device; not all is written" in capsys.readouterr().err
    assert list(tmp_path.glob("*p.json*")) == []


@pytest.mark.parametrize("option", ["--scores", "--figures"])
def test_a_full_disk_has_the_name_of_what_could_not_be_written(
    option: str, model_dir: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ScoresFile, "add", full)
    monkeypatch.setattr(output, "draw_timelines", full)
    path = tmp_path / "more.npz"
    assert run_main(model_dir, features, tmp_path / "p.json", option, str(path)) == 2
    assert f"error: {path}: No space left on device; not all is written" in capsys.readouterr().err
