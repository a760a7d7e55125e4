"""Importances of the searched keys."""

from pathlib import Path

import numpy as np
import pytest

from analysis.results.importance import importance_data, importance_intervals, importances, optuna_study
from analysis.settings import BETA, SAMPLED_SHARE
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_importances_are_the_same_every_time_and_name_what_matters(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s", study={"space": {BETA: {"choices": [1.0, 2.0, 4.0, 8.0]}}})
    for b in (1.0, 2.0, 4.0, 8.0):
        for share in (0.2, 0.8):
            made.add({BETA: b, "pseudo_labels.sampled_share": share}, [30, 30 + b + 0.01 * share])
    study = load_study(made.folder)
    first, again = importances(study), importances(study)
    assert first == again
    assert [one.evaluator for one in first] == ["fanova", "ped_anova"]
    assert next(iter(first[0].shares)) == BETA
    assert len(optuna_study(study).trials) == 8


def searched(folder: Path, seeds: int, noise: float, configurations: int = 16) -> Path:
    """β decides, S does not; with this noise on top."""
    made, rng = StudyFolder(folder), np.random.default_rng(0)
    for c in range(configurations):
        params = {BETA: 2.0 ** (c % 4), "pseudo_labels.sampled_share": 0.2 + 0.1 * (c // 4)}
        for seed in range(seeds):
            made.add(params, [90, 30 + 5 * (c % 4) + seed + rng.normal(0, noise)], seed)
    return made.folder


def test_intervals_hold_the_share_and_noise_widens_them(tmp_path: Path) -> None:
    clear, noisy = (importances(load_study(searched(tmp_path / str(noise), 3, noise))) for noise in (0.5, 8.0))
    for one in clear:
        low, high = one.over_trials[BETA]
        assert low <= one.shares[BETA] <= high or one.evaluator == "ped_anova"
        assert 0 <= low <= high <= 1
        assert list(one.over_seeds) == sorted(one.shares)
    widths = [found[0].over_trials[BETA][1] - found[0].over_trials[BETA][0] for found in (clear, noisy)]
    assert widths[0] < widths[1]
    spreads = [found[0].over_seeds[BETA][1] - found[0].over_seeds[BETA][0] for found in (clear, noisy)]
    assert spreads[0] < spreads[1]
    assert clear[0].shares[BETA] > 0.9, "M0's 90, which every trial reports, hides nothing"


def test_one_seed_has_no_range_over_seeds(tmp_path: Path) -> None:
    study = load_study(searched(tmp_path / "s", 1, 0.5))
    data = importance_data(importances(study))
    assert data["low_over_seeds"].isna().all()
    assert data["low_over_trials"].notna().all()
    again = importance_data(importances(load_study(tmp_path / "s")))
    assert again.equals(data), "the draws are the same every time"


def test_very_many_configurations_are_not_resampled_and_have_a_smaller_forest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = searched(tmp_path / "s", 1, 8.0)
    whole, _ = importances(load_study(folder))
    monkeypatch.setattr("analysis.results.importance.MOST_RESAMPLED", 15)
    first, _ = importances(load_study(folder))
    assert first.over_trials == {}
    assert first.shares != whole.shares
    assert first.shares[BETA] == pytest.approx(whole.shares[BETA], abs=0.1)
    assert "resamples" not in importance_intervals(first)


def test_importances_leave_out_conditional_keys(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for i, generator in enumerate(("attention", "uniform_random") * 3):
        more = {"pseudo_labels.segments.min_attention": 0.1 * i} if generator == "attention" else {}
        made.add(point(generator, float(2**i), **{SAMPLED_SHARE: 0.8}, **more), [30, 40 + i])
    (first, _) = importances(load_study(made.folder))
    assert first.left_out == ["pseudo_labels.segments.min_attention"]  # not S, which never varies
    assert sum(first.shares.values()) == pytest.approx(1)


def test_the_oracle_is_known_by_its_generator_and_not_by_a_word_somewhere(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0, **{"dataset.features": "oracle-i3d"}), [30, 40])
    made.add(point("oracle", 1.0, **{"dataset.features": "i3d"}), [30, 90])
    (kept,) = optuna_study(load_study(made.folder)).trials
    assert kept.params["dataset.features"] == "oracle-i3d"


def test_the_oracle_that_a_whole_study_is_configured_with_is_left_out(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s", run={"pseudo_labels": {"generator": "oracle"}})
    made.add({BETA: 1.0}, [30, 90])
    assert optuna_study(load_study(made.folder)).trials == []
