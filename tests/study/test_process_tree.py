"""What a process has started, from the kernel."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

from study.process_tree import children_of, descendants, mapped_below

NEST = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"


def test_children_and_their_children_are_found() -> None:
    outer = subprocess.Popen([sys.executable, "-c", NEST], stdout=subprocess.PIPE, text=True)
    assert outer.stdout is not None
    inner = int(outer.stdout.readline())
    try:
        assert outer.pid in children_of(os.getpid())
        assert inner not in children_of(os.getpid())
        assert descendants(outer.pid) == [inner]
    finally:
        os.kill(inner, 9)
        outer.wait()
    assert descendants(outer.pid) == []


def test_files_that_a_process_maps_are_found_below_their_folder_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "features.npy"
    path.parent.mkdir()
    path.write_bytes(b"x" * 4096)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        assert mapped_below(tmp_path / "a")[os.getpid()] == [str(path)]
        assert os.getpid() not in mapped_below(tmp_path / "b")


def test_a_symbolic_link_leads_to_the_same_files(tmp_path: Path) -> None:
    """As of a home folder whose studies lie on another disk: the kernel knows the files' own paths."""
    folder, link = tmp_path / "scratch", tmp_path / "studies"
    folder.mkdir()
    link.symlink_to(folder)
    (folder / "features.npy").write_bytes(b"x" * 4096)
    with (link / "features.npy").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ):
        assert mapped_below(link)[os.getpid()] == [str(folder / "features.npy")]
