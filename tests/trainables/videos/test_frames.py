"""What a network sees of a picture; optical flow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainables.videos.clips import pictures
from trainables.errors import UserError
from trainables.videos.frames import Preparation, centre_crop, flow_as_bytes, scale, scaled_size


@pytest.mark.parametrize(
    ("size", "resize", "expected"),
    [((240, 320), 256, (256, 341)), ((320, 240), 256, (341, 256)), ((50, 50), 32, (32, 32)), ((9, 7), (5, 6), (5, 6))],
)
def test_the_shorter_side_is_scaled_and_the_aspect_kept(
    size: tuple[int, int], resize: int | tuple[int, int], expected: tuple[int, int]
) -> None:
    assert scaled_size(*size, resize) == expected
    assert scale(torch.zeros(*size, 3, dtype=torch.uint8), resize).shape == (3, *expected)


def test_scaling_is_pillows() -> None:
    image = pictures(1, 60, 80)[0]
    expected = np.asarray(Image.fromarray(image).resize((42, 32), Image.Resampling.BILINEAR))
    found = scale(torch.from_numpy(image), 32).permute(1, 2, 0).numpy()
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_the_crop_is_the_centre() -> None:
    image = torch.arange(8 * 12).reshape(1, 8, 12)
    assert centre_crop(image, 4)[0].tolist() == image[0, 2:6, 4:8].tolist()


def test_a_picture_shown_twice_is_prepared_once() -> None:
    first, second = pictures(2)
    found = list(Preparation(resize=40, crop=32)([first, first, second]))
    assert [frame.shape for frame in found] == [(3, 32, 32)] * 3
    assert found[0] is found[1]
    assert not torch.equal(found[1], found[2])


def test_flow_is_stored_as_the_field_does() -> None:
    flow = np.zeros((1, 5, 2), dtype=np.float32)
    flow[0, :, 0] = [-40, -20, 0, 10, 20]
    x, y = flow_as_bytes(flow)
    assert x[0].tolist() == [0, 0, 128, 191, 255]
    assert y[0].tolist() == [128] * 5


class TestFlow:
    @pytest.fixture(autouse=True)
    def opencv(self) -> None:
        cv2 = pytest.importorskip("cv2", reason="the extra 'flow' is not installed")
        if not hasattr(cv2, "optflow"):
            pytest.skip("OpenCV without contrib modules")

    def moving(self, step: int, count: int) -> list[np.ndarray]:
        """A textured square that goes right, ``step`` pixels a frame."""
        rng = np.random.default_rng(0)
        texture = np.kron(rng.integers(60, 255, (8, 8)), np.ones((4, 4))).astype(np.uint8)
        frames = []
        for k in range(count):
            frame = np.full((64, 96, 3), 30, dtype=np.uint8)
            frame[16:48, 10 + k * step : 42 + k * step] = texture[..., None]
            frames.append(frame)
        return frames

    def test_motion_to_the_right_is_positive_x(self) -> None:
        frames = list(Preparation("flow", resize=64, crop=64)(self.moving(2, 3)))
        assert [frame.shape for frame in frames] == [(2, 64, 64)] * 3
        pixels = (frames[0].float() - 127.5) / 127.5 * 20
        inside = pixels[:, 24:40, 8:22].mean(dim=(1, 2))
        assert inside[0] == pytest.approx(2, abs=0.5)
        assert inside[1] == pytest.approx(0, abs=0.3)

    def test_the_last_frame_has_its_predecessors_flow(self) -> None:
        frames = list(Preparation("flow", resize=64, crop=64)(self.moving(2, 3)))
        assert torch.equal(frames[1], frames[2])

    def test_rgb_and_flow_lie_side_by_side(self) -> None:
        both = list(Preparation("rgb+flow", resize=64, crop=48)(self.moving(2, 3)))
        rgb = list(Preparation("rgb", resize=64, crop=48)(self.moving(2, 3)))
        flow = list(Preparation("flow", resize=64, crop=48)(self.moving(2, 3)))
        for k in range(3):
            assert torch.equal(both[k], torch.cat([rgb[k], flow[k]]))


def test_flow_without_opencv_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(UserError, match=r"optical flow needs OpenCV .*refineloc-study\[flow\]"):
        list(Preparation("flow", resize=40, crop=32)(pictures(2)))
