from __future__ import annotations

import socket
from pathlib import Path

import pytest

from study.cli.arguments import parse_arguments
from study.execution.jobs import job_arguments, submit
from trainables.errors import UserError


def test_a_job_joins_the_cluster_with_paths_that_hold_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").touch()
    typed = ["--name", "s", "--dataset", "own.yaml", "--study=search", "--set", "loss.beta=4", "--submit", "auto"]
    folders = ["--study-dir", str(tmp_path / "studies"), "--data-dir", str(tmp_path / "data")]
    assert job_arguments(parse_arguments(typed), typed) == [
        *("--name", "s", "--dataset", str(tmp_path / "own.yaml"), "--study", "search", "--set", "loss.beta=4"),
        *folders,
        *("--address", "auto"),
    ]


def test_a_resumed_job_has_its_data_folder_from_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    typed = ["--submit=http://head:8265", "--resume", "s", "--study-dir", "there", "--verbose"]
    assert job_arguments(parse_arguments(typed), typed) == [
        *("--resume", "s", "--study-dir", str(tmp_path / "there"), "--verbose", "--address", "auto")
    ]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:{port}", "no Ray dashboard at '127.0.0.1:.*' .Connection refused.; 'ray start --head' prints"),
        (
            "ftp://head",
            "'ftp://head' is not http://HOST:PORT of a Ray dashboard, nor auto; its port is 8265 by default",
        ),
        ("head:port", "'head:port' is not http://HOST:PORT of a Ray dashboard"),
    ],
)
def test_an_address_without_a_dashboard_is_told_before_ray_is_asked(address: str, reason: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        typed = ["--name", "s", "--submit", address.format(port=taken.getsockname()[1])]
    with pytest.raises(UserError, match=f"--submit: {reason}"):
        submit(parse_arguments(typed), typed)


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["--submit", "auto"], "--submit: give the study a --name, so that it can be found again"),
        (["--submit", "auto", "--name", "s", "--dry-run"], "leave --dry-run out"),
        (["--submit", "auto", "--name", "s", "--address", "auto"], "leave --address out"),
    ],
)
def test_what_a_job_cannot_be_given_is_refused(typed: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse_arguments(typed)
    assert line in capsys.readouterr().err
