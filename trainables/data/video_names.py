"""Names of one video in different files: annotations, features and predictions may spell them differently."""

from __future__ import annotations

from collections.abc import Container

PREFIX = "v_"  # ActivityNet's ids are often written with it
# Of the files that are taken for videos, and of names that some tools write with their file's suffix.
VIDEO_SUFFIXES = (
    ".mp4", ".mkv", ".avi", ".webm", ".mov", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".3gp", ".ogv",
)  # fmt: skip


def find_name(name: str, known: Container[str]) -> str | None:
    """How ``known`` spells a video: as it is, or with or without the prefix ``v_`` and a suffix of video files."""
    if name in known:
        return name
    return next((spelling for spelling in _spellings(name) if spelling in known), None)


def _spellings(name: str) -> list[str]:
    suffix = next((suffix for suffix in VIDEO_SUFFIXES if name.lower().endswith(suffix)), "")
    stem = name[: len(name) - len(suffix)]
    stems = [stem, stem.removeprefix(PREFIX) if stem.startswith(PREFIX) else PREFIX + stem]
    return [*stems, *(other + suffix for suffix in VIDEO_SUFFIXES for other in stems)]
