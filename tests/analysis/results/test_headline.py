"""The result of a study."""

from pathlib import Path

import pytest

from analysis.results.headline import headline
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_differences_are_paired_by_seed(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed, more in enumerate((5, 7, 9)):
        made.add(point("attention", 2.0), [30, 35], seed, origin="preset")
        made.add(point("uniform_random", 4.0), [30, 35 + more], seed)
    found = headline(load_study(made.folder))
    assert (found.generator, found.trials, found.seeds, found.etas) == (
        "uniform_random", (1, 3, 5), (0, 1, 2), (1, 1, 1)
    )  # fmt: skip
    assert found.over_base is not None
    assert found.over_base.mean == pytest.approx(12)
    assert found.over_preset is not None
    assert (found.over_preset.mean, found.over_preset.seeds) == (pytest.approx(7), (0, 1, 2))
    assert found.over_preset.interval is not None
    assert 5 <= found.over_preset.interval[0] < 7 < found.over_preset.interval[1] <= 9


def test_the_presets_confirmations_count_as_its_own(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed in range(3):
        origins = ("preset", "sampler") if seed == 0 else ("confirm", "confirm")
        made.add(point("attention", 2.0), [30, 35], seed, origin=origins[0])
        made.add(point("uniform_random", 4.0), [30, 42], seed, origin=origins[1])
    found = headline(load_study(made.folder))
    assert found.over_preset is not None
    assert (found.over_preset.mean, found.over_preset.seeds) == (pytest.approx(7), (0, 1, 2))


def test_without_a_preset_or_annotations_there_is_nothing_to_compare(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 35], annotated=False)
    found = headline(load_study(made.folder))
    assert (found.test, found.over_base, found.over_preset, found.is_preset) == (None, None, None, False)
