"""The evaluator as a command."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainables.data.ground_truth import read_ground_truth
from trainables.data.prediction_files import read_predictions
from trainables.evaluation.__main__ import main
from trainables.evaluation.mean_ap import evaluate

TRUTH = "video-name,t-start,t-end,label\nv,0,10,run\nw,5,8,jump\n"
FOUND = "video-name,t-start,t-end,label,score\nv,0,10,run,0.9\nv,0,10,swim,0.9\n"


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    return path


@pytest.fixture
def found(tmp_path: Path) -> Path:
    path = tmp_path / "found.csv"
    path.write_text(FOUND)
    return path


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize(("iteration", "average"), [(0, 9.6603), (3, 23.2322)])
def test_released_activitynet_predictions_give_the_published_map(shared: Path, iteration: int, average: float) -> None:
    folder = shared / "data" / "activitynet12"
    truth = read_ground_truth(folder / "activitynet_v1-2_valid_groundtruth.csv")
    predictions = read_predictions(folder / f"refineloc_i3d_predictions_iteration_{iteration}.json", truth.classes)
    result = evaluate(truth.instances, predictions, len(truth.classes), np.linspace(0.5, 0.95, 10))
    assert result.average_map == pytest.approx(average, abs=1e-4)
    assert (result.videos, result.instances, result.ignored_predictions) == (2303, 3458, 0)


def test_json_output_has_the_counts_and_percent(truth: Path, found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--predictions", found, "--ground-truth", truth, "--tiou", "0.5:0.25:0.75", "--json") == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == {
        "protocol": "activitynet", "videos": 2, "instances": 2, "predictions": 2, "ignored_predictions": 1,
        "tiou": [0.5, 0.75], "map": [50.0, 50.0], "average_map": 50.0,
        "unmatched_predictions": 0, "unmatched_videos": 0, "reversed_predictions": 0, "reversed_instances": 0,
    }  # fmt: skip
    assert "1 of 2 predictions have a class without instances (swim)" in output.err


def test_table_output_ends_with_the_average(truth: Path, found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--predictions", found, "--ground-truth", truth, "--tiou", "0.5") == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["average", "50.00"]


def test_the_subset_of_a_json_is_chosen(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = {
        name: {"subset": subset, "annotations": [{"segment": [0, 10], "label": "run"}]}
        for name, subset in (("v", "training"), ("w", "validation"), ("x", "validation"))
    }
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({"database": database}))
    found = tmp_path / "found.json"
    found.write_text(json.dumps({"results": {"w": [{"segment": [0, 10], "label": "run", "score": 1}]}}))
    seen = {}
    for subset in ([], ["--subset", "test"]):
        assert run("--predictions", found, "--ground-truth", truth, "--tiou", "0.5", "--json", *subset) == 0
        output = json.loads(capsys.readouterr().out)
        seen[" ".join(subset)] = (output["videos"], output["average_map"])
    assert seen == {"": (2, 50.0), "--subset test": (2, 50.0)}
    assert run("--predictions", found, "--ground-truth", truth, "--subset", "train") == 2
    assert "none of its 1 video (w) is among the 1 of the ground truth (v)" in capsys.readouterr().err


def test_a_class_list_joins_names_and_indices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "classes.txt").write_text("1 run\n2 jump\n")
    (tmp_path / "truth.csv").write_text("video-name,t-start,t-end,label\nv,0,10,1\n")
    (tmp_path / "found.csv").write_text("video-name,t-start,t-end,label,score\nv,0,10,jump,1\n")
    options: list[str | Path] = [
        "--predictions",
        tmp_path / "found.csv",
        "--ground-truth",
        tmp_path / "truth.csv",
        "--json",
    ]
    assert run(*options, "--classes", tmp_path / "classes.txt") == 0
    assert json.loads(capsys.readouterr().out)["average_map"] == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("found.csv", "video-name,t-start,t-end,label\n"), "column score is missing"),
        (("found.csv", FOUND + "v,zero,1,run,0.5\n"), "line 4: t-start must be a number, got 'zero'"),
        (("found.csv", FOUND + "v,0,1,run,nan\n"), "line 4: score must be a number, got 'nan'"),
        (("found.csv", FOUND + "v,1_0,11,run,0.5\n"), "line 4: t-start must be a number, got '1_0'"),
        (("found.csv", FOUND + "v,0,1,run,0.5,9\n"), "line 4: has 6 fields, the header names 5 columns"),
        (("found.csv", FOUND + ",0,1,run,0.5\n"), "line 4: video-name must be a name, got ''"),
        (("found.csv", FOUND + 'v,0,1,"run,0.5\n'), "line 4: not valid CSV"),
        (("found.csv", ""), "is empty"),
        (("found.csv", b"\xff\xfe\x00\x01"), "found.csv"),
        (("truth.csv", "video-name,t-start,t-end,label\nv,1,1,run\n"), "no instance with start < end"),
        (("truth.csv", "name,t-start\n"), "column video-name, t-end, label is missing"),
    ],
)
def test_a_bad_file_is_one_line_and_status_2(
    truth: Path, found: Path, change: tuple[str, str | bytes], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content = change
    (truth.parent / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert run("--predictions", found, "--ground-truth", truth) == 2
    error = capsys.readouterr().err
    assert message in error
    assert name in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ('{"results": {"v": [], "v": []}}', "the key 'v' stands twice"),
        ('{"results": {"v": [{"segment": [0, 1e999], "label": "run", "score": 1}]}}', "video v, detection 0"),
        ('{"results": {"v": [{"segment": [0, 1], "label": "run", "score": 1, "scores": 2}]}}', "and one score"),
        ('{"results": {"v": [{"segment": [0, 1], "label": "run", "score": true}]}}', "video v, detection 0"),
        ('[{"segment": [0, 1], "label": "run", "score": 1}]', "item 0 of the list must name its video"),
        ('{"database": {}}', "expected an object 'results'"),
        ("[]", "expected an object 'results'"),
        ('{"results": {"v": {}}}', "video v: expected a list"),
        ('{"results": {"v": [{"segment": [0], "label": "run", "score": 1}]}}', "video v, detection 0"),
        ('{"results": {"v": [{"segment": [0, 1], "label": "run"}]}}', "video v, detection 0"),
    ],
)
def test_bad_json_predictions_are_one_line_and_status_2(
    truth: Path, tmp_path: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "found.json").write_text(content)
    assert run("--predictions", tmp_path / "found.json", "--ground-truth", truth) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--predictions", "nowhere.csv"], "nowhere.csv: cannot be read (No such file or directory)"),
        (["--predictions", "found.pkl"], "predictions are .csv"),
        (["--ground-truth", "nowhere"], "nowhere: no such file or folder"),
        (["--tiou", "2"], "--tiou: must be"),
        (["--subset", "test"], "has no subsets"),
    ],
)
def test_a_bad_request_is_one_line_and_status_2(
    truth: Path, found: Path, extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--predictions", found, "--ground-truth", truth, *extra) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_runs_as_a_module_without_torch_or_ray(truth: Path, found: Path) -> None:
    program = (
        "import runpy, sys; sys.argv[0] = 'evaluation'\n"
        "try: runpy.run_module('trainables.evaluation', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'ray'} & set(sys.modules)"
    )
    arguments = ["--predictions", str(found), "--ground-truth", str(truth), "--tiou", "0.5"]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)


def test_the_protocol_is_chosen_and_gets_the_ambiguous_intervals(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "data/thumos14/annotations"
    ambiguous = (folder / "Ambiguous_test.txt").read_text().split()[:3]
    rows = [line.split() for line in (folder / "Diving_test.txt").read_text().splitlines()]
    lines = [f"{video},{start},{end},Diving,0.5" for video, start, end in rows]
    (tmp_path / "found.csv").write_text(
        "\n".join(["video-name,t-start,t-end,label,score", f"{','.join(ambiguous)},Diving,0.9", *lines]) + "\n"
    )
    seen = {}
    for protocol in ("activitynet", "thumos14"):
        files = "--predictions", tmp_path / "found.csv", "--ground-truth", folder
        assert run(*files, "--tiou", "0.5", "--json", "--protocol", protocol) == 0
        output = json.loads(capsys.readouterr().out)
        assert output["protocol"] == protocol
        seen[protocol] = output["map"][0]
    # The kit drops the detection in the ambiguous interval; ActivityNet's rules count it as false.
    assert seen["thumos14"] == pytest.approx(100 / 20)
    assert seen["activitynet"] < 100 / 20


def test_ground_truth_without_ambiguous_intervals_is_said_and_where_some_are(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "data/thumos14"
    (tmp_path / "found.csv").write_text("video-name,t-start,t-end,label,score\nvideo_test_0000324,49.2,53.5,0,0.9\n")
    for protocol in ("thumos14", "wtalc"):
        truth = folder / "thumos14_test_groundtruth.csv"
        assert run("--predictions", tmp_path / "found.csv", "--ground-truth", truth, "--protocol", protocol) == 0
        assert f"has no ambiguous intervals, which {protocol} ignores" in (error := capsys.readouterr().err)
        assert f"--ground-truth {folder / 'annotations'}" in error
    assert run("--predictions", tmp_path / "found.csv", "--ground-truth", folder, "--protocol", "thumos14") == 0
    assert f"--ground-truth {folder / 'annotations'}" in capsys.readouterr().err
    assert run("--predictions", tmp_path / "found.csv", "--ground-truth", folder) == 0
    assert "ambiguous" not in capsys.readouterr().err
