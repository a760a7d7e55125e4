"""Segments in unlabelled videos, by an exported model: ``python -m trainables.predict`` (``--help``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from trainables.command_line import Parser
from trainables.commands import program, typed
from trainables.data import Segments, read_csv_table, write_predictions
from trainables.errors import UserError
from trainables.files import is_unavailable, require_writable
from trainables.output import print_error, run_command
from trainables.text_files import read_text

if TYPE_CHECKING:  # torch, which a page of help need not wait for
    from trainables.model import Job
    from trainables.model.prediction import Rates

EXAMPLE = f"""\
example:
  {typed("export")} NAME --out my-model
  {typed("predict")} --model my-model --features new-videos/features --out predictions.json

exit status: 0 all videos are predicted; 1 some could not be read and are left out; 2 the request was wrong"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    given = command_parser().parse_args(arguments)
    try:
        return _predict(given)
    except UserError as error:
        return print_error(error)
    except OSError as error:
        if not is_unavailable(error):
            raise
        return print_error(f"{error.filename or given.out}: {error.strerror}; not all is written")


def _predict(given: argparse.Namespace) -> int:
    from trainables.model import Job, load_model
    from trainables.model.output import ScoresFile, draw_timelines

    _check_outputs(given)
    model = load_model(given.model, given.device)
    job = Job(model, given.features, _video_names(given.videos), _rates(given.fps))
    _require_writable(given)
    for line in _notes(job):
        print(f"note: {line}", file=sys.stderr)
    classes, parts = model.description.classes, list[Segments]()
    unreadable = dict(job.unreadable)
    with ExitStack() as stack:
        with _names_itself(given.scores):
            scores = ScoresFile(given.scores, classes) if given.scores else None
        if scores:
            stack.callback(scores.discard)
        bar = stack.enter_context(tqdm(total=job.num_snippets, unit=" snippets", unit_scale=True, desc="predict"))
        for group in job.run():
            if scores:
                with _names_itself(given.scores):
                    scores.add(group)
            if given.figures:
                with _names_itself(given.figures):
                    draw_timelines(given.figures, group, classes)
            parts.append(group.segments)
            unreadable |= group.unreadable
            bar.update(group.split.num_snippets)
        segments = Segments.concatenate(parts)
        write_predictions(given.out, segments, classes)
        if scores:
            with _names_itself(given.scores):
                scores.finish()
    print(f"{len(segments)} segments in {len(set(segments.video))} of {len(job)} videos: {given.out}")
    for problem in unreadable.values():
        print(f"error: {problem}; left out", file=sys.stderr)
    return 1 if unreadable else 0


@contextmanager
def _names_itself(path: Path) -> Iterator[None]:
    """What the system refuses to write has the name of the file that the user asked for."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _notes(job: Job) -> list[str]:
    notes, origin = [], job.model.description.origin
    if job.description is None:
        notes.append(
            "nothing describes how these features were made (no features.yaml): only their width was compared with "
            "what the model was trained on"
        )
    if origin.simulated:
        notes.append("the model was trained on simulated data")
    if job.seen_in_training:
        notes.append(f"{job.seen_in_training} of these {len(job)} videos trained the model: it does better on them")
    return notes


def _check_outputs(given: argparse.Namespace) -> None:
    if given.out.suffix not in (".json", ".csv"):
        raise UserError(f"--out: predictions are written as .json or .csv, got {given.out}")
    if given.scores and given.scores.suffix != ".npz":
        raise UserError(f"--scores: scores are written as .npz, got {given.scores}")
    for path in (given.out, given.scores):
        if path and path.is_dir():
            raise UserError(f"{path} is a folder; name a file")
    if given.figures and given.figures.exists() and not given.figures.is_dir():
        raise UserError(f"--figures: {given.figures} is a file; name a folder")


def _require_writable(given: argparse.Namespace) -> None:
    """Before any work: what is predicted would be lost."""
    require_writable(given.out.parent, "--out")
    if given.scores:
        require_writable(given.scores.parent, "--scores")
    if given.figures:
        require_writable(given.figures, "--figures")


def _video_names(file: Path | None) -> list[str] | None:
    return None if file is None else [line.strip() for line in read_text(file).splitlines() if line.strip()]


def _rates(text: str | None) -> Rates | None:
    """Frame rates of videos: one for all, or by a CSV ``video,fps``."""
    if text is None:
        return None
    if Path(text).suffix == ".csv":
        table = read_csv_table(Path(text))
        table.require(("video", "fps"))
        rates = {name: _rate(fps) for name, fps in zip(table.names("video"), table.columns["fps"], strict=True)}
        return rates.get
    rate = _rate(text)
    return lambda name: rate


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise UserError(f"--fps: frames per second, more than 0, or a CSV video,fps; got '{text}'")
    return value


def command_parser() -> Parser:
    parser = Parser(
        prog=program("trainables.predict"),
        description="Mark segments in videos without labels, from their features.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="that study.export made")
    parser.add_argument("--features", type=Path, required=True, metavar="PATH", help="a file or folder of features")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=".json (ActivityNet's form) or .csv")
    parser.add_argument("--scores", type=Path, metavar="FILE", help="scores of every snippet too, as .npz")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="a timeline of each video too, as PNG")
    parser.add_argument("--videos", type=Path, metavar="FILE", help="only these, a name a line, in this order")
    parser.add_argument("--fps", metavar="F|FILE", help="of the videos, where the model needs it: a number, or a CSV")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto")
    return parser


if __name__ == "__main__":
    run_command(main)
