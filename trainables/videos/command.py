"""``python -m trainables.videos``: extract features from videos, get weights, name what a clip shows."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.command_line import Parser
from trainables.commands import program
from trainables.errors import UserError
from trainables.files import is_unavailable
from trainables.output import print_error
from trainables.videos import decoding, weights
from trainables.videos.backbones import BACKBONES
from trainables.videos.torchvision_networks import kinetics_classes

if TYPE_CHECKING:
    from trainables.videos.extraction import Extracted
    from trainables.videos.output import FeatureWriter

PRECISIONS = ("float32", "bfloat16", "float16")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 some videos failed (listed), 2 the request was wrong, 130 stopped."""
    options = command_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except UserError as error:
        return print_error(error)
    except OSError as error:
        if not is_unavailable(error):
            raise
        where = f"{error.filename}: " if error.filename else ""
        return print_error(f"{where}{error.strerror}; make it possible to write there, and the same command goes on")
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return 130


def extract(options: argparse.Namespace) -> int:
    """Extract all videos that are not finished yet."""
    videos = decoding.find_videos(options.videos)
    decoding.require_decoder()
    from trainables.videos.output import FeatureWriter
    from trainables.videos.request import Request  # with torch, when it is clear that there is something to do

    request = Request.of(options)
    description = request.description()
    with FeatureWriter(options.out, description, options.layout) as writer:
        waiting = {name: path for name, path in videos.items() if not writer.is_finished(name, path)}
        print(description.protocol)
        if note := request.note():
            print(f"note: {note}")
        print(f"{len(videos)} videos, {len(videos) - len(waiting)} of them finished", flush=True)
        if options.address:
            from trainables.videos.cluster import extract_on_cluster

            results = extract_on_cluster(options, waiting)
        else:
            results = request.extractor().extract(waiting)
        failed = _write_all(results, waiting, writer, options.allow_damaged)
    return _report(failed, len(videos), options)


def classify(options: argparse.Namespace) -> int:
    """Print the most probable Kinetics classes of each whole clip."""
    from trainables.videos.request import Request

    videos = decoding.find_videos(options.videos)
    decoding.require_decoder()
    extractor = Request.of(options).extractor()
    names = kinetics_classes()
    status = 0
    for name, path in videos.items():
        try:
            probabilities = extractor.class_scores(path).softmax(0)
        except decoding.UnreadableVideo as error:
            print(f"{name}: {error}", file=sys.stderr)
            status = 1
            continue
        best = probabilities.topk(3)
        classes = ", ".join(f"{names[int(i)]} {float(p):.3f}" for p, i in zip(best.values, best.indices, strict=True))
        print(f"{name}: {classes}")
    return status


def get_weights(options: argparse.Namespace) -> int:
    """Download what i3d-rgb needs, once."""
    print(weights.download_i3d_rgb())
    return 0


def _write_all(
    results: Iterable[Extracted], videos: Mapping[str, Path], writer: FeatureWriter, allow_damaged: bool
) -> dict[str, str]:
    """Name -> reason of the videos that have no features, or not all of them."""
    from tqdm import tqdm

    failed: dict[str, str] = {}
    with tqdm(total=len(videos), unit="video", disable=None) as progress:
        for result in results:
            problem = result.description.problem if result.description else None
            if problem and result.failed is None and not allow_damaged:
                result = dataclasses.replace(result, features=None, failed=problem)
            if result.failed or problem:
                failed[result.name] = result.failed or f"{problem}; extracted as far as it goes"
            writer.add(result, videos[result.name])
            progress.update()
    return failed


def _report(failed: Mapping[str, str], total: int, options: argparse.Namespace) -> int:
    if failed:
        print(f"{len(failed)} of {total} videos:", file=sys.stderr)
        for name, reason in failed.items():
            print(f"  {name}: {reason}", file=sys.stderr)
        if not options.allow_damaged:
            print("they have no features; --allow-damaged keeps what could be read", file=sys.stderr)
    print(f"{total - len(failed)} of {total} videos are whole in {options.out}")
    return 1 if failed else 0


def _rate(text: str) -> Fraction | str:
    if text == "native":
        return text
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a rate, as 25 or 30000/1001, nor 'native'") from None
    if rate <= 0:
        raise argparse.ArgumentTypeError(f"{text} frames per second: must be above 0")
    return rate


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def command_parser() -> Parser:
    parser = Parser(prog=program("trainables.videos"), description=__doc__)
    commands = parser.add_subparsers(required=True)
    named = "; ".join(f"{name}: {entry.about}" for name, entry in BACKBONES.items())
    frames = Parser(add_help=False)
    add = frames.add_argument
    add("--videos", type=Path, required=True, metavar="PATH", help="a video, or a folder of videos")
    add("--backbone", default="i3d-rgb", metavar="NAME", help=f"default: i3d-rgb. {named}")
    add("--weights", type=Path, action="append", metavar="FILE", help="weights of your own; twice for two streams")
    add("--fps", type=_rate, default=Fraction(25), metavar="RATE", help="frames per second; 'native': each frame once")
    add("--window", type=_positive, metavar="FRAMES", help="frames that a row sees; default 16")
    add("--stride", type=_positive, metavar="FRAMES", help="frames from row to row; default: the window")
    add("--whole-video", action="store_true", help="the network sees the whole video at once: a row per 8 frames")
    add(
        "--resize", type=_positive, metavar="PIXELS", help="shorter side before the crop; default 256, or the network's"
    )
    add("--crop", type=_positive, metavar="PIXELS", help="side of the centre crop; default 224, or the network's")
    add("--device", default="auto", metavar="NAME", help="cpu, cuda, cuda:1; default: a GPU where there is one")
    add("--precision", choices=PRECISIONS, help="what the network computes in; default float32, float16 on a GPU")
    add("--batch", type=_positive, metavar="WINDOWS", help="windows at a time; default: by memory")
    add("--threads", type=_positive, metavar="N", help="threads of the network; default: torch's")
    add("--decoder-threads", type=_positive, default=1, metavar="N", help="threads of the decoder; default 1")
    extraction = commands.add_parser("extract", parents=[frames], help="write features and features.yaml")
    extraction.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the features")
    extraction.add_argument("--layout", choices=("npy", "hdf5"), default="npy", help="a file per video, or one for all")
    extraction.add_argument("--dtype", choices=("float32", "float16"), default="float32", help="type of stored numbers")
    extraction.add_argument("--allow-damaged", action="store_true", help="keep the features of what could be read")
    add = extraction.add_argument_group("on a Ray cluster").add_argument
    add("--address", metavar="ADDRESS", help="spread the videos over this cluster; all nodes see videos and weights")
    add("--workers", type=_positive, metavar="N", help="default: as many as fit")
    add("--cpus-per-worker", type=float, default=1, metavar="N", help="default 1")
    add("--gpus-per-worker", type=float, default=0, metavar="SHARE", help="e.g. 0.25; default 0: on the CPU")
    extraction.set_defaults(run=extract)
    naming = commands.add_parser("classify", parents=[frames], help="the most probable Kinetics classes of each clip")
    naming.set_defaults(run=classify, address=None)
    commands.add_parser("weights", help="download the weights of i3d-rgb").set_defaults(run=get_weights)
    return parser
