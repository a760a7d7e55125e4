from __future__ import annotations

from benchmarks.epoch import released_run
from trainables.config.presets import preset


def test_the_benchmarks_run_what_the_preset_holds() -> None:
    assert released_run() == preset("thumos14", "i3d")
