"""Inputs that people reported, through the commands that read them; the files are in shared/cases."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from analysis.diagnosis.__main__ import main as diagnosis
from trainables.datasets.__main__ import main as datasets
from trainables.evaluation.__main__ import main as evaluation


@pytest.fixture(scope="module")
def cases(shared: Path) -> Path:
    return shared / "cases"


@pytest.fixture(scope="module")
def folders(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folders that ``make_thumos14.py`` makes."""
    out = tmp_path_factory.mktemp("cases")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["make_thumos14.py", str(out)])
        runpy.run_path(str(cases / "make_thumos14.py"), run_name="__main__")
    return out


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """A command's exit status and what it printed on stdout and stderr."""

    def command(main: Callable[[Sequence[str]], int], *arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


Run = Callable[..., tuple[int, str, str]]


def files(cases: Path, predictions: str, truth: str) -> list[object]:
    return ["--predictions", cases / predictions, "--ground-truth", cases / truth]


def check(folder: Path, *more: object) -> list[object]:
    return ["check", "--dataset", "thumos14", "--data-dir", folder, *more]


def one_line(error: str) -> bool:
    return error.count("\n") == 1 and "Traceback" not in error


class TestEvaluation:
    @pytest.mark.parametrize(
        ("predictions", "truth"),
        [
            ("videos_v_prefix_pred.json", "gt.json"),
            ("label_id_pred.json", "label_id_gt.json"),
            ("pred.json", "zero_shot_gt.json"),
            ("pred.json", "testing_nokey_gt.json"),
            ("bom_pred.json", "bom_gt.json"),
            ("reversed_pred.csv", "gt.csv"),
            ("utf8_pred.csv", "utf8_gt.json"),
        ],
    )
    def test_valid_input_is_read_by_both_commands(self, run: Run, cases: Path, predictions: str, truth: str) -> None:
        status, out, _ = run(evaluation, *files(cases, predictions, truth), "--tiou", "0.5", "--json")
        assert (status, json.loads(out)["average_map"]) == (0, 100)
        status, out, _ = run(diagnosis, *files(cases, predictions, truth), "--tiou", "0.5", "--json")
        assert (status, json.loads(out)["sensitivity"]["overall"]) == (0, 100)

    def test_predictions_of_videos_that_are_not_evaluated_are_counted(self, run: Run, cases: Path) -> None:
        given = files(cases, "videos_of_training_pred.csv", "gt.json")
        status, out, error = run(evaluation, *given, "--tiou", "0.5", "--json")
        assert status == 0
        assert json.loads(out)["average_map"] == pytest.approx(58.33, abs=0.01)
        assert json.loads(out)["unmatched_predictions"] == 5
        assert "5 of 7 predictions are of 1 video not evaluated (q1)" in error
        _, out, error = run(diagnosis, *given, "--json")
        assert json.loads(out)["unmatched_predictions"] == 5
        assert "5 of 7 predictions" in error

    def test_no_video_in_common_is_an_error_of_both_commands(self, run: Run, cases: Path, tmp_path: Path) -> None:
        (tmp_path / "p.csv").write_text("video-name,t-start,t-end,label,score\nq1,1,2,Diving,1\n")
        for main in (evaluation, diagnosis):
            status, _, error = run(main, *files(cases, str(tmp_path / "p.csv"), "gt.json"))
            assert status == 2
            assert "none of its 1 video (q1) is among the 2" in error
            assert one_line(error)

    def test_integers_without_a_meaning_are_refused_and_a_class_list_gives_them_one(
        self, run: Run, cases: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "classes.txt").write_text("Long Jump\nDiving\n")
        for main in (evaluation, diagnosis):
            status, _, error = run(main, *files(cases, "label_id_pred.json", "gt.json"))
            assert status == 2
            assert "--classes" in error
            assert one_line(error)
            given = files(cases, "label_id_pred.json", "gt.json")
            assert run(main, *given, "--classes", tmp_path / "classes.txt")[0] == 0

    def test_a_reversed_detection_is_counted(self, run: Run, cases: Path) -> None:
        _, out, error = run(evaluation, *files(cases, "reversed_pred.csv", "gt.csv"), "--json")
        assert json.loads(out)["reversed_predictions"] == 1
        assert "1 of 3 predictions end before they start" in error

    def test_a_repeated_video_is_refused(self, run: Run, cases: Path) -> None:
        status, _, error = run(evaluation, *files(cases, "duplicate_key_pred.json", "gt.json"))
        assert status == 2
        assert "the key 'q2' stands twice" in error

    def test_names_keep_their_numbers(self, run: Run, cases: Path) -> None:
        given = files(cases, "classes_with_numbers_pred.csv", "classes_with_numbers_gt.csv")
        status, out, _ = run(evaluation, *given, "--classes", cases / "classes_with_numbers.txt", "--json")
        assert (status, json.loads(out)["average_map"]) == (0, 100)


class TestDatasets:
    @pytest.mark.parametrize(
        "case", ["ok", "csv_bom", "csv_quoted", "csv_index", "linked_parts", "apple_hdf5", "apple_thumos_text"]
    )
    def test_valid_folders_have_no_problem(self, run: Run, folders: Path, case: str) -> None:
        status, out, error = run(datasets, *check(folders / case))
        assert (status, error) == (0, "")
        assert out.endswith("no problem found\n")

    def test_a_second_copy_is_refused_naming_both(self, run: Run, folders: Path) -> None:
        status, _, error = run(datasets, *check(folders / "copy_1"))
        assert status == 2
        assert "thumos14_test_groundtruth.csv: thumos14_test_groundtruth (1).csv has the same subset" in error
        assert one_line(error)

    def test_a_frame_rate_of_zero_is_one_line(self, run: Run, folders: Path) -> None:
        features = folders / "fps_zero/thumos14/i3d"
        status, _, error = run(datasets, *check(folders / "fps_zero", "--features", "tsn", "--features-path", features))
        assert status == 2
        assert "no frame rate (0) for the videos video_validation_0000901" in error
        assert one_line(error)
        status, out, _ = run(datasets, *check(folders / "fps_zero"))
        assert status == 0
        assert "videos have the frame rate 0" in out

    def test_of_a_group_with_two_arrays_the_matrix_is_read_and_said(self, run: Run, folders: Path) -> None:
        status, out, _ = run(datasets, *check(folders / "hdf5_two_arrays"))
        assert status == 0
        assert "groups hold 2 arrays: features is read, timestamps is not" in out

    def test_upper_case_suffixes_are_suffixes(self, run: Run, folders: Path, tmp_path: Path) -> None:
        shutil.copytree(folders / "ok", tmp_path / "ok")
        for path in [*tmp_path.rglob("*.npy"), *tmp_path.rglob("*.csv")]:
            path.rename(path.with_suffix(path.suffix.upper()))
        assert run(datasets, *check(tmp_path / "ok"))[0] == 0


class TestDamaged:
    def test_every_damaged_file_is_refused_in_one_line_by_every_command(
        self, run: Run, cases: Path, folders: Path
    ) -> None:
        damaged = cases / "damaged"
        predictions = damaged / "predictions"
        for path in sorted((damaged / "annotations").iterdir()):
            for main in (evaluation, diagnosis):
                status, _, error = run(main, "--predictions", cases / "pred.json", "--ground-truth", path)
                assert (status, one_line(error)) == (2, True), path
            features = folders / "ok/thumos14/i3d"
            given = ["--annotations", path, "--features-path", features]
            status, _, error = run(datasets, *check(folders / "ok", *given))
            assert (status, one_line(error)) == (2, True), path
        for path in sorted(predictions.iterdir()):
            for main in (evaluation, diagnosis):
                status, _, error = run(main, "--predictions", path, "--ground-truth", damaged / "gt.csv")
                assert (status, one_line(error)) == (2, True), path

    def test_what_is_no_file_is_refused_in_one_line(self, run: Run, cases: Path, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo.csv")
        long_name = tmp_path / ("x" * 300 + ".csv")
        for path in (tmp_path / "fifo.csv", tmp_path, long_name):
            for given in (["--predictions", path, "--ground-truth", cases / "gt.csv"],
                          ["--predictions", cases / "pred.json", "--ground-truth", path]):  # fmt: skip
                for main in (evaluation, diagnosis):
                    status, _, error = run(main, *given)
                    assert (status, one_line(error)) == (2, True), path

    def test_a_name_that_is_not_utf8_is_refused_in_one_line(self, cases: Path, tmp_path: Path) -> None:
        given = ["--predictions", os.fsdecode(b"/nowhere/\xff.csv"), "--ground-truth", str(cases / "gt.csv")]
        done = subprocess.run(
            [sys.executable, "-m", "trainables.evaluation", *given], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert one_line(done.stderr)
