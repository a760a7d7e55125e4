"""Videos to features against the network alone: ``python -m benchmarks.videos``.

Real clips of a folder are extracted as the command does it: decoded, scaled, cropped, cut into windows by one thread
while the network works. The rival is the network on the same number of batches that are ready in memory, in turn with
it, so that both meet the same noise; ``share`` is its seconds over the extraction's. Seconds of the processor are
printed too: on a machine that others use they are the ones to compare. Growth: the same clips 1, 2 and 4 times under
other names; seconds per frame must not grow. Where the machine's precision has a fast path, try ``--precision
bfloat16``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tabulate import tabulate

from trainables.videos.backbones import build_backbone
from trainables.videos.decoding import find_videos
from trainables.videos.extraction import Extractor, Sampling
from trainables.videos.frames import Preparation
from trainables.videos.request import PRECISIONS

TIMES = (1, 2, 4)


def timed(work: Callable[[], int]) -> tuple[int, float, float]:
    """(what it returns, seconds, seconds of the processor)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def extract(extractor: Extractor, videos: dict[str, Path]) -> int:
    """Rows that the extraction of all videos gives."""
    return sum(len(result.features) for result in extractor.extract(videos) if result.features is not None)


def network_alone(extractor: Extractor, rows: int) -> int:
    """As many windows through the network, ready as batches of bytes."""
    side, channels = extractor.preparation.crop, extractor.preparation.channels
    size = (extractor.batch, channels, extractor.sampling.window, side, side)
    clips = torch.randint(0, 256, size, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for start in range(0, rows, extractor.batch):
            extractor.backbone.features(clips[: rows - start]).cpu()
    return rows


def repeated(videos: dict[str, Path], folder: Path, times: int) -> dict[str, Path]:
    """The same clips under ``times`` names each."""
    found = {}
    for name, path in videos.items():
        for copy in range(times):
            link = folder / f"{name}-{copy}{path.suffix}"
            if not link.exists():
                link.symlink_to(path.absolute())
            found[link.stem] = link
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, required=True, help="folder of short clips")
    parser.add_argument("--backbone", default="i3d-rgb")
    parser.add_argument("--weights", type=Path, action="append", help="default: the backbone's own")
    parser.add_argument("--resize", type=int, default=256)
    parser.add_argument("--crop", type=int, default=224)
    parser.add_argument("--stride", type=int, default=16)
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    extractor = Extractor(
        build_backbone(options.backbone, tuple(options.weights or ())),
        Sampling(stride=options.stride),
        Preparation("rgb", options.resize, options.crop),
        torch.device(options.device),
        PRECISIONS[options.precision],
    )
    videos = find_videos(options.videos)
    network_alone(extractor, extract(extractor, dict(list(videos.items())[:1])))  # both are run once before
    lines = []
    for _ in range(options.runs):
        rows, wall, cpu = timed(lambda: extract(extractor, videos))
        _, network_wall, network_cpu = timed(lambda rows=rows: network_alone(extractor, rows))  # type: ignore[misc]
        frames = rows * options.stride
        lines.append([rows, frames / wall, frames / network_wall, 100 * network_wall / wall, 100 * network_cpu / cpu])
    headers = ["rows", "extraction, frames/s", "network alone, frames/s", "share, %", "share of processor time, %"]
    print(tabulate(lines, headers, floatfmt=".1f"))
    growth = []
    with tempfile.TemporaryDirectory() as folder:
        for times in TIMES:
            copies = repeated(videos, Path(folder), times)
            rows, wall, cpu = timed(lambda copies=copies: extract(extractor, copies))  # type: ignore[misc]
            frames = rows * options.stride
            growth.append([len(copies), 1e3 * wall / frames, 1e3 * cpu / frames])
    print(tabulate(growth, ["videos", "ms per frame", "ms of the processor per frame"], floatfmt=".2f"))


if __name__ == "__main__":
    main()
