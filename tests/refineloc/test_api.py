"""Studies from Python: the examples of docs/api.md as they stand there, and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import refineloc
from refineloc.api import _as_options
from tests.house import ROOT
from trainables.config import preset
from trainables.datasets import load_dataset

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)


@pytest.fixture
def new_videos(tmp_path: Path) -> Path:
    """Features of real recordings, a file for each."""
    split = load_dataset(preset("spoken-digits").dataset, tmp_path).test
    folder = tmp_path / "new-videos" / "features"
    folder.mkdir(parents=True)
    for video, first in zip(split.videos, split.offsets.tolist(), strict=False):
        np.save(folder / f"{video.name}.npy", split.features[first : first + video.num_snippets])
    return folder


def test_the_examples_of_the_documentation_run(
    new_videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec("\n".join(EXAMPLES), names)  # one after the other, as they say
    study, result, segments = names["study"], names["result"], names["segments"]
    assert study.completed["trial"].tolist() == [0, 1, 2]  # type: ignore[attr-defined]
    assert result.videos == len(list(new_videos.iterdir()))  # type: ignore[attr-defined]
    best = study.completed.sort_values("objective")["test_map"].iloc[-1]  # type: ignore[attr-defined]
    told = capsys.readouterr().out
    assert f"{best:.1f} on the test split" in told
    assert "3 completed" in told
    assert set(segments.video) <= {path.stem for path in new_videos.iterdir()}  # type: ignore[attr-defined]


def test_a_wrong_request_is_the_sentence_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(refineloc.UserError, match=r"^--dataset: no data set 'spoken-digit'. Did you mean"):
        refineloc.launch("x", study_dir=tmp_path, dataset="spoken-digit")
    with pytest.raises(refineloc.UserError, match=r"^--num-sample: unknown option. Did you mean '--num-samples'"):
        refineloc.launch("x", study_dir=tmp_path, num_sample=3)
    with pytest.raises(refineloc.UserError, match=r"training.epoch: unknown key. Did you mean 'training.epochs'"):
        refineloc.launch("x", study_dir=tmp_path, settings={"training.epoch": 3})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (lambda: refineloc.resume("x", settings={}), "settings: study 'x' has its own already; leave settings out"),
        (lambda: refineloc.launch("x", dry_run=True), "dry_run: starts no study that could be returned"),
        (lambda: refineloc.load_study("x"), "x: no such folder; name that of the study, as studies/NAME"),
        (lambda: refineloc.evaluate("a", "b", protocol="thumos"), "no protocol 'thumos'. Did you mean 'thumos14'?"),
        (lambda: refineloc.predict("my-model", "b"), "model: 'my-model' is no model; load_model reads"),  # type: ignore[arg-type]
    ],
)
def test_what_only_a_function_can_be_asked_is_told_in_a_sentence(
    request_: Callable[[], object], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(refineloc.UserError) as refused:
        request_()
    assert sentence in str(refused.value)


def test_one_threshold_may_be_given_as_a_number(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("video-name,t-start,t-end,label\na,0,10,clap\n")
    (tmp_path / "found.csv").write_text("video-name,t-start,t-end,label,score\na,0,9,clap,1\n")
    files = tmp_path / "found.csv", tmp_path / "truth.csv"
    assert refineloc.evaluate(*files, tiou=0.5).map.tolist() == [100.0]
    with pytest.raises(refineloc.UserError, match=r"--tiou: must be .* in \(0, 1\]"):
        refineloc.evaluate(*files, tiou=2)


def test_a_list_repeats_an_option() -> None:
    assert _as_options({"trial": ["beta=2", "beta=4"], "seeds": 3, "probe": False}) == [
        "--trial=beta=2",
        "--trial=beta=4",
        "--seeds=3",
    ]


def test_what_the_command_says_is_read_whatever_the_encoding_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with pytest.raises(refineloc.UserError, match=r"^--dataset: no data set 'zähl'"):
        refineloc.launch("x", study_dir=tmp_path, dataset="zähl")


def test_importing_it_brings_neither_torch_nor_pandas_nor_ray() -> None:
    script = "import sys, refineloc; print(sorted({'torch', 'pandas', 'ray', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
