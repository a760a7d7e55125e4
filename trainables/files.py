"""Writing files so that one that exists is whole, and files that say by a digest whether they still are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

DIGEST_BYTES = 32


class DamagedFile(ValueError):
    """A file whose content does not match the digest at its head."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file aside, flush it to the disk, rename it into place; its folder is made when absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_with_digest(path: Path, content: bytes) -> None:
    """Write a file whole: the SHA-256 of its content, then the content."""
    write_whole(path, hashlib.sha256(content).digest() + content)


def read_with_digest(path: Path) -> bytes:
    """The content of such a file; raises DamagedFile, and OSError where it cannot be read."""
    stored = path.read_bytes()
    if hashlib.sha256(stored[DIGEST_BYTES:]).digest() != stored[:DIGEST_BYTES]:
        raise DamagedFile(f"{path}: checksum does not match its content")
    return stored[DIGEST_BYTES:]
