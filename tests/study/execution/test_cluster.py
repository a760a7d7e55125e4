from __future__ import annotations

import errno
import resource
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.execution import cluster
from trainables.errors import UserError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and no token in the environment."""
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_token_is_made_that_only_its_user_can_read_and_stays(home: Path) -> None:
    cluster._prepare_token(joins=False)
    token = home / ".ray" / "auth_token"
    made = token.read_text()
    assert len(made) == 64
    token.chmod(0o644)
    cluster._prepare_token(joins=False)
    assert token.read_text() == made
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_who_joins_a_cluster_makes_no_token(home: Path) -> None:
    cluster._prepare_token(joins=True)
    assert not (home / ".ray").exists()


def test_a_temporary_folder_with_a_long_path_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    assert cluster.temporary_folder() == Path("/tmp")
    assert "has a path of more than 38 bytes" in str(cluster._unusable(long))
    monkeypatch.setattr(cluster, "_unusable", lambda folder: "is full")
    with pytest.raises(UserError, match=r"TMPDIR: .* is full; set TMPDIR to another folder"):
        cluster.temporary_folder()


def test_a_folder_without_room_is_named_with_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.shutil, "disk_usage", lambda folder: SimpleNamespace(free=2**20))
    assert cluster._unusable(Path("/tmp")) == "has only 1 MiB of free space"


@pytest.mark.parametrize(("limits", "refused"), [((64, 64), True), ((64, 4096), False)])
def test_too_few_open_files_are_refused_where_the_limit_cannot_be_raised(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], refused: bool
) -> None:
    now: list[Any] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda which, values: now.append(values))
    if refused:
        with pytest.raises(UserError, match="ulimit -n: Ray needs at least 256 open files, the limit is 64"):
            cluster._raise_file_limit()
    else:
        cluster._raise_file_limit()
        assert now == [(4096, 4096)]


def test_an_error_is_told_by_its_first_line_and_a_full_disk_by_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/scratch")
    assert cluster._first_line(RuntimeError("\n  it failed.\nlong story")) == "it failed"
    assert cluster._first_line(RuntimeError()) == "RuntimeError"
    full = OSError(errno.ENOSPC, "No space left on device")
    assert cluster._first_line(full) == "no space left in its temporary folder /scratch (TMPDIR)"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """To be changed; afterwards Ray, too, has it as it was."""
    yield monkeypatch
    monkeypatch.undo()
    cluster.read_environment_again()


@pytest.mark.parametrize(("mode", "asks"), [("token", True), ("disabled", False)])
def test_this_process_takes_the_mode_that_the_processes_of_ray_will_see(
    environment: pytest.MonkeyPatch, mode: str, asks: bool
) -> None:
    """Also where Ray was imported before it was set, as after a study that was submitted as a job."""
    from ray._private.authentication.authentication_utils import is_token_auth_enabled

    environment.setenv("RAY_AUTH_MODE", "disabled" if asks else "token")
    cluster.read_environment_again()
    environment.setenv("RAY_AUTH_MODE", mode)
    assert is_token_auth_enabled() is not asks
    cluster.read_environment_again()
    assert is_token_auth_enabled() is asks
