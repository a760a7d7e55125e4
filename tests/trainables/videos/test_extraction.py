"""Features of a video: as a slow obvious implementation makes them, whatever the batch and the company."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

av = pytest.importorskip("av", reason="the extra 'video' is not installed")

from tests.trainables.videos.clips import pictures, write_clip  # noqa: E402
from tests.trainables.videos.test_i3d import seeded  # noqa: E402
from trainables.errors import UserError  # noqa: E402
from trainables.videos.backbones import build_backbone  # noqa: E402
from trainables.videos.extraction import Extracted, Extractor, Sampling, batch_size  # noqa: E402
from trainables.videos.frames import Preparation  # noqa: E402

CPU = torch.device("cpu")
SMALL = Preparation(resize=40, crop=32)


def extractor(weights: Path, sampling: Sampling, preparation: Preparation = SMALL, batch: int = 2) -> Extractor:
    return Extractor(build_backbone("i3d-rgb", (weights,)), sampling, preparation, CPU, batch=batch)


def features(made: Extractor, path: Path) -> np.ndarray:
    (result,) = made.extract({path.stem: path})
    assert result.features is not None, result.failed
    return result.features


def obvious(path: Path, fps: int, window: int, stride: int, resize: int, crop: int) -> np.ndarray:
    """Every frame by its index, one window after the other, the network as it was trained."""
    with av.open(str(path)) as container:
        native = container.streams.video[0].average_rate
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    duration = Fraction(len(decoded)) / native
    frames = []
    for k in range(int(duration * fps)):
        image = torch.from_numpy(decoded[int(Fraction(k, fps) * native)]).permute(2, 0, 1)[None].float()
        height, width = image.shape[2:]
        size = (resize, int(resize * width / height)) if height < width else (int(resize * height / width), resize)
        image = F.interpolate(image, size=size, mode="bilinear", antialias=True).round()
        top, left = round((size[0] - crop) / 2), round((size[1] - crop) / 2)
        frames.append(image[0, :, top : top + crop, left : left + crop] * 2 / 255 - 1)
    network = seeded()
    rows = []
    with torch.no_grad():
        for start in range(0, len(frames) - window + 1, stride):
            rows.append(network.features(torch.stack(frames[start : start + window], dim=1)[None])[0].mean(dim=0))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize(
    ("height", "width", "native", "fps", "stride"), [(48, 64, 30, 25, 16), (57, 45, 12, 25, 5), (48, 48, 25, 10, 20)]
)
def test_features_are_those_of_a_slow_obvious_implementation(
    tmp_path: Path, untrained_weights: Path, height: int, width: int, native: int, fps: int, stride: int
) -> None:
    path = write_clip(tmp_path / "a.mkv", pictures(60, height, width), fps=native, codec="ffv1", pixels="yuv444p")
    expected = obvious(path, fps, 16, stride, 40, 32)
    found = features(extractor(untrained_weights, Sampling(Fraction(fps), 16, stride)), path)
    assert found.shape == expected.shape == ((60 * fps // native - 16) // stride + 1, 1024)
    # A scaled pixel may round to the next of 256 levels; a crop that is one pixel aside differs far more.
    aside = features(
        extractor(untrained_weights, Sampling(Fraction(fps), 16, stride), Preparation("rgb", 40, 30)), path
    )
    error = np.abs(found - expected).mean()
    assert error < 0.002 * np.abs(expected).mean()
    assert error < 0.1 * np.abs(aside - expected).mean()


def test_batch_size_and_company_change_nothing_that_matters(tmp_path: Path, untrained_weights: Path) -> None:
    paths = {name: write_clip(tmp_path / f"{name}.mp4", pictures(70, seed=k)) for k, name in enumerate("abc")}
    sampling = Sampling(Fraction(25), 16, 8)
    results = list(extractor(untrained_weights, sampling, batch=3).extract(paths))
    assert [result.name for result in results] == ["a", "b", "c"]
    together = {result.name: result.features for result in results if result.features is not None}
    for name, path in paths.items():
        np.testing.assert_array_equal(together[name], features(extractor(untrained_weights, sampling, batch=3), path))
        alone = features(extractor(untrained_weights, sampling, batch=1), path)
        np.testing.assert_allclose(together[name], alone, rtol=1e-3, atol=1e-4)


def test_whole_videos_are_not_windows(tmp_path: Path, untrained_weights: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(68))
    windowed = features(extractor(untrained_weights, Sampling(Fraction(25), 16, 8)), path)
    whole = features(extractor(untrained_weights, Sampling(Fraction(25), 16, 8, whole_video=True)), path)
    assert windowed.shape == (7, 1024)
    assert whole.shape == (8, 1024)  # its last step of time is filled up
    assert np.abs(whole[1:6] - windowed[1:6]).mean() > 0.01 * np.abs(windowed).mean()


def test_a_window_longer_than_16_frames_is_one_row(tmp_path: Path, untrained_weights: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(64))
    assert features(extractor(untrained_weights, Sampling(Fraction(25), 32, 32)), path).shape == (2, 1024)


def test_bad_videos_are_named_and_the_others_go_on(tmp_path: Path, untrained_weights: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    paths = {
        "bad": tmp_path / "bad.mp4",
        "short": write_clip(tmp_path / "short.mp4", pictures(15)),
        "good": write_clip(tmp_path / "good.mp4", pictures(32)),
    }
    results = {r.name: r for r in extractor(untrained_weights, Sampling()).extract(paths)}
    assert results["bad"].failed is not None
    assert "cannot be opened" in results["bad"].failed
    assert results["short"].failed == "15 frames, a window needs 16; too short"
    assert results["good"].features is not None


def test_what_could_be_read_of_a_damaged_video_is_counted(tmp_path: Path, untrained_weights: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", pictures(90), codec="mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    (result,) = extractor(untrained_weights, Sampling(Fraction(25), 16, 4)).extract({"a": path})
    assert result.description is not None
    assert result.features is not None
    assert 16 <= result.description.frames < 90
    assert len(result.features) == result.description.snippets == (result.description.frames - 16) // 4 + 1
    assert result.description.problem is not None
    assert "frames" in result.description.problem


def test_the_description_says_what_was_read(tmp_path: Path, untrained_weights: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(60), fps=30)
    (result,) = extractor(untrained_weights, Sampling()).extract({"a": path})
    about = result.description
    assert about is not None
    assert (about.file, about.frames, about.snippets, about.native_fps) == ("a.mp4", 50, 3, 30.0)
    assert (about.duration_s, about.problem, len(about.sha256)) == (2.0, None, 64)


def test_an_error_of_the_decoding_thread_ends_the_extraction(tmp_path: Path, untrained_weights: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(32))
    made = extractor(untrained_weights, Sampling())
    made.preparation = None  # type: ignore[assignment]  # a defect of the program, as opposed to one of the video
    with pytest.raises(TypeError):
        list(made.extract({"a": path}))


def test_a_consumer_that_stops_early_stops_the_thread(tmp_path: Path, untrained_weights: Path) -> None:
    paths = {str(k): write_clip(tmp_path / f"{k}.mp4", pictures(32)) for k in range(6)}
    results = extractor(untrained_weights, Sampling()).extract(paths)
    first = next(results)
    assert isinstance(first, Extracted)
    results.close()  # type: ignore[attr-defined]
    import threading

    assert not [thread for thread in threading.enumerate() if thread.name == "decoder"]


def test_bfloat16_differs_by_rounding_only(tmp_path: Path, untrained_weights: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", pictures(32))
    exact = features(extractor(untrained_weights, Sampling()), path)
    half = Extractor(build_backbone("i3d-rgb", (untrained_weights,)), Sampling(), SMALL, CPU, torch.bfloat16)
    assert 0 < np.abs(features(half, path) - exact).mean() < 0.05 * np.abs(exact).mean()


@pytest.mark.parametrize(
    ("name", "sampling", "message"),
    [
        ("i3d-rgb", Sampling(window=4), "--window: i3d-rgb needs at least 8 frames, got 4"),
    ],
)
def test_windows_that_a_network_cannot_see_are_refused(
    untrained_weights: Path, name: str, sampling: Sampling, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        Extractor(build_backbone(name, (untrained_weights,)), sampling, SMALL, CPU)


def test_a_crop_larger_than_the_frame_is_refused() -> None:
    with pytest.raises(UserError, match="--crop: 224 pixels do not fit into a frame of 128"):
        Preparation(resize=128)


def test_batches_shrink_with_larger_windows() -> None:
    assert batch_size(CPU, 16, 224) >= batch_size(CPU, 64 * 16, 224) >= 1


class TestPublishedWeights:
    """The two real clips show what their names say; the windows' classes agree with the whole clip's."""

    @pytest.mark.parametrize(
        ("clip", "action"), [("v_GGSY1Qvo990", "clean and jerk"), ("v_ZNVhz7ctTq0", "walking the dog")]
    )
    def test_the_top_class_of_a_real_clip_is_its_action(
        self, shared: Path, i3d_weights: Path, clip: str, action: str
    ) -> None:
        from trainables.videos.torchvision_networks import kinetics_classes

        preparation = Preparation("rgb", 128, 112)  # a quarter of the work of 224 pixels
        made = Extractor(build_backbone("i3d-rgb", (i3d_weights,)), Sampling(), preparation, CPU)
        scores = made.class_scores(shared / "data" / "videos" / f"{clip}.mp4")
        assert kinetics_classes()[int(scores.argmax())] == action
        assert float(scores.softmax(0).max()) > 0.5
