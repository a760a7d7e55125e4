"""Every feature layout gives the same array; damaged files are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trainables.data.feature_files import FeatureFiles
from trainables.data.feature_layouts import LAYOUTS, open_features
from trainables.data.features import (
    ExpectedLengths,
    FlatFeatures,
    Stream,
    length_problems,
    load_features,
    plan_features,
    stream_features,
)
from trainables.errors import UserError

Matrices = dict[str, np.ndarray]


def write_hdf5(folder: Path, matrices: Matrices) -> None:
    with h5py.File(folder / "features.hdf5", "w") as file:
        for name, matrix in matrices.items():
            file[name] = matrix


def write_hdf5_per_split(folder: Path, matrices: Matrices) -> None:
    for part, names in (("train", list(matrices)[:1]), ("valid", list(matrices)[1:])):
        with h5py.File(folder / f"{part}.h5", "w") as file:
            for name in names:
                file.create_group(name)["features"] = matrices[name]


def write_npy(folder: Path, matrices: Matrices) -> None:
    for name, matrix in matrices.items():
        np.save(folder / f"{name}.npy", matrix)


def write_rgb_flow(folder: Path, matrices: Matrices) -> None:
    for name, matrix in matrices.items():
        half = matrix.shape[1] // 2
        for part, columns in (("rgb", matrix[:, :half]), ("flow", matrix[:, half:])):
            (folder / "train" / part).mkdir(parents=True, exist_ok=True)
            np.save(folder / "train" / part / f"{name}.npy", columns)


def write_wtalc(folder: Path, matrices: Matrices) -> None:
    array = np.empty(len(matrices), dtype=object)
    array[:] = list(matrices.values())
    np.save(folder / "I3D-JOINTFeatures.npy", array, allow_pickle=True)
    np.save(folder / "videoname.npy", np.array([name.encode() for name in matrices]))


def loaded(source: FeatureFiles, names: list[str], stream: Stream = "both") -> FlatFeatures:
    return load_features(source, plan_features(source, names, stream, None))


WRITERS: dict[str, Callable[[Path, Matrices], None]] = {
    "HDF5": write_hdf5,
    "HDF5 per split": write_hdf5_per_split,
    "npy": write_npy,
    "rgb and flow": write_rgb_flow,
    "W-TALC": write_wtalc,
}


@pytest.fixture
def matrices() -> Matrices:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(t, 6)) for name, t in (("a", 4), ("b", 7), ("c", 1))}


@pytest.mark.parametrize("layout", WRITERS)
class TestEveryLayout:
    @pytest.fixture
    def store(self, tmp_path: Path, matrices: Matrices, layout: str) -> FeatureFiles:
        WRITERS[layout](tmp_path, matrices)
        return open_features(tmp_path)

    def test_fills_one_flat_array(self, store: FeatureFiles, matrices: Matrices) -> None:
        flat = loaded(store, ["b", "a"])
        assert flat.features.dtype == np.float32
        assert flat.features.flags.c_contiguous
        np.testing.assert_array_equal(flat.features, np.concatenate([matrices["b"], matrices["a"]]).astype(np.float32))
        assert flat.lengths.tolist() == [7, 4]
        assert flat.starts.tolist() == [0, 7]
        assert not flat.problems
        assert not flat.missing

    @pytest.mark.parametrize(("stream", "columns"), [("first_half", slice(0, 3)), ("last_half", slice(3, 6))])
    def test_cuts_a_half(self, store: FeatureFiles, matrices: Matrices, stream: Stream, columns: slice) -> None:
        flat = loaded(store, ["c", "b"], stream)
        expected = np.concatenate([matrices["c"], matrices["b"]])[:, columns]
        np.testing.assert_array_equal(flat.features, expected.astype(np.float32))

    def test_streams_the_same_rows_video_by_video(self, store: FeatureFiles, matrices: Matrices) -> None:
        plan = plan_features(store, ["b", "x", "a"], "last_half", None)
        problems: list[str] = []
        blocks = [block.copy() for block in stream_features(store, plan, problems)]
        assert [len(block) for block in blocks] == [7, 4]
        np.testing.assert_array_equal(np.concatenate(blocks), load_features(store, plan).features)
        assert plan.shape == (11, 3)
        assert not problems

    def test_what_was_forgotten_can_be_read_again(
        self, store: FeatureFiles, matrices: Matrices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("trainables.data.hdf5_features.FORGET_BYTES", 1)
        plan = plan_features(store, list(matrices), "both", None)
        first, again = (np.concatenate([rows.copy() for rows in stream_features(store, plan, [])]) for _ in range(2))
        np.testing.assert_array_equal(first, again)

    def test_lists_missing_videos(self, store: FeatureFiles) -> None:
        flat = loaded(store, ["x", "a", "y"])
        assert flat.missing == ["x", "y"]
        assert flat.lengths.tolist() == [0, 4, 0]
        assert flat.starts.tolist() == [0, 0, 4]

    def test_an_odd_dimension_has_no_halves(self, tmp_path: Path, layout: str) -> None:
        odd = {"a": np.ones((2, 5)), "b": np.ones((3, 5))}
        WRITERS[layout](tmp_path, odd)
        with pytest.raises(UserError, match=r"dataset\.stream: last_half needs an even feature dimension, got 5"):
            loaded(open_features(tmp_path), ["a"], "last_half")

    @pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
    def test_values_that_are_not_finite_are_found(
        self, tmp_path: Path, matrices: Matrices, layout: str, value: float
    ) -> None:
        matrices["b"][3, 2] = value
        WRITERS[layout](tmp_path, matrices)
        flat = loaded(open_features(tmp_path), list(matrices))
        assert len(flat.problems) == 1
        assert flat.problems[0].startswith("b: 1 feature values are NaN or infinite, first at snippet 3, dimension 2")

    def test_another_dimension_is_found(self, tmp_path: Path, matrices: Matrices, layout: str) -> None:
        matrices["b"] = np.ones((5, 4))
        WRITERS[layout](tmp_path, matrices)
        flat = loaded(open_features(tmp_path), list(matrices))
        assert flat.problems == ["b: features have 4 dimensions, the other videos 6; get them again"]
        assert flat.lengths.tolist() == [4, 0, 1]


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from(["both", "first_half", "last_half"]),
)
def test_halves_of_rgb_and_flow_are_those_of_the_joint_vector(
    tmp_path_factory: pytest.TempPathFactory, matrix: np.ndarray, stream: Stream
) -> None:
    folder = tmp_path_factory.mktemp("x")
    write_rgb_flow(folder, {"a": matrix})
    columns = {"both": slice(0, 4), "first_half": slice(0, 2), "last_half": slice(2, 4)}[stream]
    flat = loaded(open_features(folder), ["a"], stream)
    np.testing.assert_array_equal(flat.features, matrix[:, columns])


class TestDamagedFiles:
    def test_nothing_recognised(self, tmp_path: Path) -> None:
        (tmp_path / "features.mat").write_text("")
        with pytest.raises(UserError, match=r"no features recognised; found: features\.mat") as caught:
            open_features(tmp_path)
        assert all(layout in str(caught.value) for layout in LAYOUTS)

    def test_a_truncated_hdf5_is_named(self, tmp_path: Path, matrices: Matrices) -> None:
        write_hdf5(tmp_path, matrices)
        path = tmp_path / "features.hdf5"
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(UserError, match=r"features\.hdf5: truncated or not HDF5"):
            open_features(tmp_path)

    def test_a_truncated_npy_is_one_problem_and_the_others_are_read(self, tmp_path: Path, matrices: Matrices) -> None:
        write_npy(tmp_path, matrices)
        path = tmp_path / "b.npy"
        path.write_bytes(path.read_bytes()[:-8])
        flat = loaded(open_features(tmp_path), list(matrices))
        assert len(flat.problems) == 1
        assert "b.npy: truncated or not .npy" in flat.problems[0]
        assert flat.lengths.tolist() == [4, 0, 1]

    def test_an_object_array_per_video_is_refused(self, tmp_path: Path, matrices: Matrices) -> None:
        write_npy(tmp_path, matrices)
        np.save(tmp_path / "b.npy", np.array([{"x": 1}, None], dtype=object), allow_pickle=True)
        flat = loaded(open_features(tmp_path), list(matrices))
        assert len(flat.problems) == 1
        assert "b.npy: an object array where" in flat.problems[0]

    def test_an_object_array_of_anything_but_arrays_is_refused(self, tmp_path: Path, matrices: Matrices) -> None:
        matrices["b"] = "not an array"  # type: ignore[assignment]
        write_wtalc(tmp_path, matrices)
        with pytest.raises(UserError, match="b: expected an array of numbers, got str; refused"):
            open_features(tmp_path)

    def test_an_object_array_needs_its_names(self, tmp_path: Path, matrices: Matrices) -> None:
        write_wtalc(tmp_path, matrices)
        (tmp_path / "videoname.npy").rename(tmp_path / "kept")
        with pytest.raises(UserError, match=r"W-TALC's videoname\.npy, which is in none of"):
            open_features(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "kept").rename(tmp_path / "elsewhere/videoname.npy")
        store = open_features(tmp_path / "I3D-JOINTFeatures.npy", [tmp_path / "elsewhere"])
        assert store.shape("b") == (7, 6)

    def test_names_and_arrays_must_be_equally_many(self, tmp_path: Path, matrices: Matrices) -> None:
        write_wtalc(tmp_path, matrices)
        np.save(tmp_path / "videoname.npy", np.array([b"a"]))
        with pytest.raises(UserError, match=r"holds 3 videos but videoname\.npy names 1"):
            open_features(tmp_path)

    def test_rgb_and_flow_must_be_equally_long(self, tmp_path: Path, matrices: Matrices) -> None:
        write_rgb_flow(tmp_path, matrices)
        np.save(tmp_path / "train/flow/b.npy", np.ones((6, 3)))
        flat = loaded(open_features(tmp_path), ["a", "b"])
        assert flat.problems == ["b: its rgb and flow files have 7 and 6 rows; they must agree"]

    def test_a_video_in_two_files_is_refused(self, tmp_path: Path, matrices: Matrices) -> None:
        write_hdf5(tmp_path, matrices)
        write_hdf5_per_split(tmp_path, matrices)
        with pytest.raises(UserError, match="is also in"):
            open_features(tmp_path)

    @pytest.mark.parametrize("shape", [(4,), (0, 6), (2, 3, 1)])
    def test_a_video_is_a_matrix(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        write_npy(tmp_path, {"a": np.zeros(shape), "b": np.ones((2, 6))})
        flat = loaded(open_features(tmp_path), ["a", "b"])
        assert len(flat.problems) == 1
        assert "must be a T x D matrix" in flat.problems[0]


def test_activitynet_ids_may_carry_their_prefix(tmp_path: Path) -> None:
    write_hdf5(tmp_path, {"v_--1DO2V4K74": np.ones((3, 2))})
    assert loaded(open_features(tmp_path), ["--1DO2V4K74"]).lengths.tolist() == [3]


class TestLengths:
    def expected(self, frames: int, fps: float | str, videos: int = 50) -> ExpectedLengths:
        duration = np.linspace(20, 300, videos)
        return ExpectedLengths(frames, fps, duration, np.full(videos, 30.0), duration * 30)  # type: ignore[arg-type]

    def names(self, videos: int = 50) -> list[str]:
        return [f"v{v}" for v in range(videos)]

    def test_what_fits_is_no_problem(self) -> None:
        expected = self.expected(16, 25.0)
        rng = np.random.default_rng(0)
        lengths = np.floor(expected.snippets()).astype(int) - rng.integers(0, 2, 50)
        assert length_problems(self.names(), lengths, expected) == []

    @pytest.mark.parametrize(
        ("configured", "actual"),
        [((16, 25.0), (16, "native")), ((16, "native"), (16, 25.0)), ((15, "native"), (16, "native"))],
    )
    def test_a_mixed_up_grid_is_found_and_the_fitting_one_named(
        self, configured: tuple[int, float | str], actual: tuple[int, float | str]
    ) -> None:
        lengths = np.floor(self.expected(*actual).snippets()).astype(int)
        problems = length_problems(self.names(), lengths, self.expected(*configured))
        assert len(problems) == 1
        assert f"they fit dataset.snippet_frames {actual[0]} and dataset.snippet_fps {actual[1]}" in problems[0]

    def test_one_video_of_another_length_is_named(self) -> None:
        expected = self.expected(16, 25.0)
        lengths = np.floor(expected.snippets()).astype(int)
        lengths[7] *= 2
        lengths[9] //= 3
        problems = length_problems(self.names(), lengths, expected)
        assert [problem.split(":")[0] for problem in problems] == ["v7", "v9"]
        assert "features have T = 186, its duration implies 94 (snippets of 16 frames at 25.0 fps)" in problems[0]

    def test_unknown_durations_are_not_judged(self) -> None:
        unknown = np.full(2, np.nan)
        expected = ExpectedLengths(16, 25.0, unknown, unknown, unknown)
        assert length_problems(["a", "b"], np.array([5, 5000]), expected) == []

    def test_videos_without_features_are_not_judged(self) -> None:
        assert length_problems(self.names(), np.zeros(50, int), self.expected(16, 25.0)) == []
