"""The command of the diagnosis: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.diagnosis.__main__ import main
from analysis.diagnosis.detad import TYPES


def write_csv(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_command_compares_files_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = write_csv(
        tmp_path / "truth.csv", "video-name,t-start,t-end,label,video-duration\nv,0,10,x,50\nv,20,30,y,50\n"
    )
    rows = "video-name,t-start,t-end,label,score\nv,0,9,x,0.9\nv,20,30,x,0.5\nw,0,1,y,0.2\nv,20,26,y,0.1\n"
    given_ = ["--ground-truth", truth, "--predictions", write_csv(tmp_path / "a.csv", rows)]
    assert main([*given_, "--tiou", "0.5"]) == 0
    text = capsys.readouterr().out
    assert "average-mAP_N" in text
    assert "XS (≤ 0.2)" in text
    both = [*given_, write_csv(tmp_path / "b.csv", rows), "--names", "M0", "refined", "--out", str(tmp_path / "out")]
    assert main([*both, "--json"]) == 0
    trees = json.loads(capsys.readouterr().out.split("\n", 3)[-1])["diagnoses"]
    assert [tree["predictions_file"] for tree in trees] == ["M0", "refined"]
    assert trees[0]["buckets"][0]["shares"]["wrong_label"] == 0
    drawn = {path.name for path in (tmp_path / "out").iterdir()}
    names = ("false_positives", "sensitivity", "false_negatives")
    assert drawn == {f"diagnosis_{name}.{suffix}" for name in names for suffix in ("pdf", "png", "csv")}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--names", "a", "b"], "2 names for 1 prediction files"),
        (["--drop-beyond-video"], "does not tell the videos' durations"),
        (["--tiou", "2"], "--tiou"),
    ],
)
def test_wrong_requests_are_one_line_and_status_2(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = write_csv(tmp_path / "t.csv", "video-name,t-start,t-end,label\nv,0,10,x\n")
    file = write_csv(tmp_path / "p.csv", "video-name,t-start,t-end,label,score\n")
    assert main(["--ground-truth", truth, "--predictions", file, *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_no_predictions_is_a_diagnosis_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = write_csv(tmp_path / "t.csv", "video-name,t-start,t-end,label\nv,0,10,x\n")
    file = write_csv(tmp_path / "p.csv", "video-name,t-start,t-end,label,score\n")
    assert main(["--ground-truth", truth, "--predictions", file, "--json", "--out", str(tmp_path / "o")]) == 0
    found = json.loads(capsys.readouterr().out.split("\n", 3)[-1])
    assert found["average_map_n"] == 0
    assert found["buckets"][0] == {"bucket": "1G", "predictions": 0, "shares": dict.fromkeys(TYPES)}
