"""THUMOS14 and ActivityNet: real annotations with features written in the field's layouts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.trainables.thumos14 import THUMOS14_CLASSES
from trainables.config.run import DatasetConfig
from trainables.data.annotation_files import read_annotations
from trainables.data.annotations import AnnotatedVideo
from trainables.datasets import DataProblems, Dataset, load_dataset, make_card, require_files
from trainables.errors import UserError


def config(name: str = "thumos14", **changes: Any) -> DatasetConfig:
    return DatasetConfig.model_validate({"name": name, "features": "i3d", **changes})


def tsn(name: str = "thumos14", **changes: Any) -> DatasetConfig:
    return config(name, features="tsn", snippet_frames=15, snippet_fps="native", **changes)


def snippets(video: AnnotatedVideo, cfg: DatasetConfig) -> int:
    if cfg.snippet_fps == "native":
        return int(np.ceil((video.num_frames or 0) / cfg.snippet_frames))
    return int(cfg.snippet_fps * (video.duration_s or 0) / cfg.snippet_frames)


def write_features(path: Path, videos: list[AnnotatedVideo], cfg: DatasetConfig, dimensions: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for video in videos:
            file[video.name] = np.ones((snippets(video, cfg), dimensions), np.float32)


@pytest.fixture
def thumos14(shared: Path) -> list[AnnotatedVideo]:
    return list(read_annotations(shared / "data/thumos14", THUMOS14_CLASSES).videos)


def load(shared: Path, features: Path, cfg: DatasetConfig) -> Dataset:
    changes = {"annotations_path": str(shared / "data" / cfg.name), "features_path": str(features)}
    return load_dataset(cfg.model_copy(update=changes), Path("nowhere"))


class TestSnippetGrids:
    """The counts of refineloc.md, section 5: sum of T and number of real foreground snippets."""

    def test_thumos14_i3d(self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]) -> None:
        write_features(tmp_path / "f.hdf5", thumos14, config())
        dataset = load(shared, tmp_path / "f.hdf5", config())
        assert (dataset.train.num_snippets, dataset.test.num_snippets) == (65_215, 71_691)
        assert dataset.train.snippet_truth.sum() == 18_241
        assert dataset.test.snippet_truth.sum() == 22_078

    def test_thumos14_tsn(self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]) -> None:
        write_features(tmp_path / "f.hdf5", thumos14, tsn())
        dataset = load(shared, tmp_path / "f.hdf5", tsn())
        assert (dataset.train.num_snippets, dataset.test.num_snippets) == (81_448, 89_742)
        assert dataset.test.snippet_truth.sum() == 27_572

    def test_activitynet12_i3d(self, shared: Path, tmp_path: Path) -> None:
        cfg = config("activitynet12")
        write_features(tmp_path / "f.hdf5", list(read_annotations(shared / "data/activitynet12").videos), cfg)
        dataset = load(shared, tmp_path / "f.hdf5", cfg)
        assert (len(dataset.train), len(dataset.test), len(dataset.classes)) == (4702, 2303, 100)
        assert (dataset.train.num_snippets, dataset.test.num_snippets) == (852_138, 411_071)
        assert dataset.train.snippet_truth.sum() == 537_280
        assert dataset.test.snippet_truth.sum() == 269_689
        card = make_card(dataset, cfg)
        assert [split.zero_length_instances for split in card.splits.values()] == [1, 1]

    def test_native_features_taken_for_25_fps_are_found(
        self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]
    ) -> None:
        write_features(tmp_path / "f.hdf5", thumos14, tsn())
        with pytest.raises(DataProblems, match=r"they fit dataset\.snippet_frames 15 and dataset\.snippet_fps native"):
            load(shared, tmp_path / "f.hdf5", config())

    def test_native_rates_must_be_known(self, shared: Path, tmp_path: Path) -> None:
        cfg = tsn(annotations_path=str(shared / "data/thumos14/gt.json"), features_path=str(tmp_path))
        with pytest.raises(UserError, match=r"dataset\.snippet_fps: native needs each video's frame rate.*number"):
            load_dataset(cfg, Path("nowhere"))


class TestWholeDataset:
    def test_labels_title_and_durations(self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]) -> None:
        write_features(tmp_path / "f.hdf5", thumos14, config())
        dataset = load(shared, tmp_path / "f.hdf5", config())
        assert dataset.title == "THUMOS14 (I3D)"
        assert not dataset.simulated
        assert dataset.classes == THUMOS14_CLASSES
        several = [
            [video for video in split.videos if len(video.labels) > 1] for split in (dataset.train, dataset.test)
        ]
        assert [len(videos) for videos in several] == [27, 34]
        assert all(list(video.labels) == sorted(video.labels) for videos in several for video in videos)
        assert dataset.train.videos[0].snippet_s == 16 / 25
        assert dataset.notes == (
            "annotations: RefineLoc CSV; features: HDF5",
            "RefineLoc CSV has no ambiguous intervals: every evaluation protocol counts what lies there",
        )

    def test_features_lie_under_the_data_folder(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path)
        assert len(load_dataset(cfg, tmp_path).train) == 2

    def test_formats_without_durations_say_so(
        self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]
    ) -> None:
        write_features(tmp_path / "f.hdf5", thumos14, config())
        cfg = config(annotations_path=str(shared / "data/thumos14/gt.json"), features_path=str(tmp_path / "f.hdf5"))
        dataset = load_dataset(cfg, Path("nowhere"))
        assert len(dataset.test) == 210
        assert dataset.test.videos[0].duration_s is None
        assert any("lacks durations" in note for note in dataset.notes)

    def test_wtalc_features_find_their_names_among_the_annotations(
        self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]
    ) -> None:
        names = np.load(shared / "data/thumos14/wtalc/videoname.npy").astype(str)
        by_name = {video.name: video for video in thumos14}
        array = np.empty(len(names), dtype=object)
        for index, name in enumerate(names):
            array[index] = np.full((snippets(by_name[name], config()), 4), index, np.float32)
        np.save(tmp_path / "I3D.npy", array, allow_pickle=True)
        dataset = load(shared, tmp_path, config(stream="last_half"))
        assert dataset.dimensions == 2
        video = dataset.test.names.tolist().index(names[-1])
        assert dataset.test.features[dataset.test.starts[video], 0] == len(names) - 1
        assert "features: last half of 4 dimensions" in dataset.notes

    def test_excluded_videos_leave_both_truth_and_features(
        self, shared: Path, tmp_path: Path, thumos14: list[AnnotatedVideo]
    ) -> None:
        excluded = ("video_test_0000270", "video_test_0001292", "video_test_0001496")
        write_features(tmp_path / "f.hdf5", [video for video in thumos14 if video.name not in excluded], config())
        dataset = load(shared, tmp_path / "f.hdf5", config(exclude_videos=excluded))
        assert (len(dataset.test), len(dataset.test.ground_truth)) == (210, 3311)
        assert "excluded by configuration: video_test_0000270" in dataset.notes[-1]


def small_thumos14(data_dir: Path, **changes: Any) -> DatasetConfig:
    """Two training and two test videos of 64 s with their features, 4-d."""
    folder = data_dir / "thumos14"
    folder.mkdir()
    header = "video-name,t-start,t-end,label,video-duration,fps,video-num-frames"
    for subset, label in (("valid", 7), ("test", 7)):
        rows = [f"{subset}_{v},1,5,{label},64,30,1920" for v in range(2)]
        (folder / f"thumos14_{subset}_groundtruth.csv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "i3d").mkdir()
    for name in ("valid_0", "valid_1", "test_0", "test_1"):
        np.save(folder / "i3d" / f"{name}.npy", np.ones((100, 4)))
    return config(**changes)


class TestBadInput:
    @pytest.mark.parametrize("name", ["thumos14", "activitynet12"])
    def test_missing_files_are_explained(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UserError) as caught:
            require_files(config(name), tmp_path)
        message = str(caught.value)
        for words in (
            str(tmp_path / name), str(tmp_path / name / "i3d"), "W-TALC's page", "RefineLoc's page",
            "HDF5", "rgb/ and flow/", "W-TALC's videoname.npy", "--data-dir", "--dataset spoken-digits runs at once",
        ):  # fmt: skip
            assert words in message

    def test_missing_files_are_found_at_once_without_torch(self, tmp_path: Path) -> None:
        code = (
            "import sys\nfrom pathlib import Path\nfrom trainables.config import DatasetConfig\n"
            "from trainables.errors import UserError\n"
            "from trainables.datasets import require_files\n"
            "try: require_files(DatasetConfig(name='thumos14', features='tsn'), Path('x'))\n"
            "except UserError as error: print('AutoLoc' in str(error), 'torch' in sys.modules, 'ray' in sys.modules)"
        )
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.split() == ["True", "False", "False"]

    def test_a_feature_type_is_needed(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"dataset\.features: thumos14 needs a feature type, i3d or tsn"):
            load_dataset(config(features=None), tmp_path)

    def test_missing_videos_are_counted_and_named(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path)
        (tmp_path / "thumos14/i3d/test_1.npy").unlink()
        with pytest.raises(DataProblems, match=r"test: 1 of 2 videos have no features \(test_1\).*--allow-missing"):
            load_dataset(cfg, tmp_path)

    def test_allowed_missing_videos_stay_without_snippets(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path, allow_missing=True)
        (tmp_path / "thumos14/i3d/test_1.npy").unlink()
        dataset = load_dataset(cfg, tmp_path)
        assert dataset.test.lengths.tolist() == [100, 0]
        assert len(dataset.test.ground_truth) == 2
        assert any("test: 1 of 2 videos have no features (test_1); they count as" in note for note in dataset.notes)
        assert make_card(dataset, cfg).splits["test"].without_features == 1

    def test_features_of_another_data_set_are_never_allowed(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path, allow_missing=True)
        for name in ("test_0", "test_1"):
            (tmp_path / f"thumos14/i3d/{name}.npy").rename(tmp_path / f"thumos14/i3d/other_{name}.npy")
        with pytest.raises(DataProblems, match=r"2 of 2 videos have no features.*not those of thumos14"):
            load_dataset(cfg, tmp_path)

    def test_all_problems_are_found_in_one_pass(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path)
        features = tmp_path / "thumos14/i3d"
        broken = np.ones((100, 4))
        broken[3, 1] = np.nan
        np.save(features / "valid_0.npy", broken)
        np.save(features / "valid_1.npy", np.ones((300, 4)))
        np.save(features / "test_0.npy", np.ones((100, 6)))
        (features / "test_1.npy").write_bytes((features / "test_1.npy").read_bytes()[:200])
        with pytest.raises(DataProblems) as caught:
            load_dataset(cfg, tmp_path)
        text = "\n".join(caught.value.problems)
        assert "valid_0: 1 feature values are NaN" in text
        assert "valid_1: features have T = 300, its duration implies 100" in text
        assert "test_0: features have 6 dimensions, the other videos 4" in text
        assert "test_1.npy: truncated" in text
        assert caught.value.dataset is not None
        assert "python -m trainables.datasets check --dataset thumos14 lists all" not in text

    def test_a_split_without_videos_is_named(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path)
        (tmp_path / "thumos14/thumos14_test_groundtruth.csv").unlink()
        with pytest.raises(UserError, match=r"split test is empty: .* has no test video"):
            load_dataset(cfg, tmp_path)

    def test_excluding_all_videos_empties_a_split(self, tmp_path: Path) -> None:
        cfg = small_thumos14(tmp_path, exclude_videos=("valid_0", "valid_1"))
        with pytest.raises(UserError, match=r"split train is empty: .*dataset\.exclude_videos"):
            load_dataset(cfg, tmp_path)

    def test_an_unknown_data_set_is_told_the_nearest(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"dataset\.name: unknown data set 'thumos'. Did you mean 'thumos14'"):
            load_dataset(config("thumos"), tmp_path)
